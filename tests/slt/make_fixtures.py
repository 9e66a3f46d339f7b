#!/usr/bin/env python3
"""Remakes fixtures/: the small input files that the .slt files read. Same bytes on every run with the pinned packages.

pip install pyarrow==26.0.1 fastavro==1.13.1 zstandard==0.25.0
"""

import datetime
import decimal
import gzip
import io
import json
import math
import pathlib
import shutil

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures"

PEOPLE = [
    # id, name, city, height_m, born, active
    (1, "Ada", "London", 1.65, datetime.date(1815, 12, 10), True),
    (2, "Blaise", "Paris", 1.7, datetime.date(1623, 6, 19), False),
    (3, "Carl, F.", "Göttingen", None, datetime.date(1777, 4, 30), True),
    (4, 'Emmy "N"', None, 1.58, datetime.date(1882, 3, 23), True),
    (5, "Zoë", "Paris", 1.8, None, None),
]
NAMES = ["id", "name", "city", "height_m", "born", "active"]


def csv_field(value: object) -> str:
    """RFC 4180: null is nothing at all, text is quoted only where it must be."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text


def csv_bytes(header: list[str], rows: list[tuple], delimiter: str = ",") -> bytes:
    lines = [delimiter.join(header)] + [delimiter.join(csv_field(value) for value in row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def write(path: str, data: bytes) -> None:
    target = FIXTURES / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def write_parquet(path: str, table: pa.Table) -> None:
    target = FIXTURES / path
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, target, compression="snappy", store_schema=False)


def text_files() -> None:
    people = csv_bytes(NAMES, PEOPLE)
    write("people.csv", people)
    write("people.csv.gz", gzip.compress(people, mtime=0))
    write("people.csv.zst", zstandard.ZstdCompressor().compress(people))
    write("people_semicolon.csv", "\n".join(["id;name", "1;Ada, Countess", "2;Blaise"]).encode() + b"\n")
    write("people_no_header.csv", csv_bytes(NAMES, PEOPLE).split(b"\n", 1)[1])
    write("extra_field.csv", b"id,name\n1,one\n2,two,surplus\n3,three\n")
    write("glob/a1.csv", b"id,name\n1,a\n2,b\n")
    write("glob/a2.csv", b"id,name\n3,c\n")
    write("glob/b1.csv", b"id,name\n100,z\n")
    write("glob/notes.txt", b"not a table\n")
    rows = [dict(zip(NAMES, (value.isoformat() if isinstance(value, datetime.date) else value for value in row))) for row in PEOPLE]
    for row in rows:
        row["tags"] = {1: ["x", "y"], 2: []}.get(row["id"])
        row["home"] = {"lat": 51.5, "lon": -0.125} if row["id"] == 1 else None
    lines = "".join(json.dumps({key: value for key, value in row.items() if value is not None}, ensure_ascii=False) + "\n" for row in rows)
    write("people.ndjson", lines.encode())


def avro_file() -> None:
    nullable = lambda kind: ["null", kind]
    schema = fastavro.parse_schema(
        {
            "type": "record",
            "name": "person",
            "fields": [
                {"name": "id", "type": "long"},
                {"name": "name", "type": "string"},
                {"name": "city", "type": nullable("string")},
                {"name": "height_m", "type": nullable("double")},
                {"name": "born", "type": nullable({"type": "int", "logicalType": "date"})},
                {"name": "active", "type": nullable("boolean")},
            ],
        }
    )
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, [dict(zip(NAMES, row)) for row in PEOPLE], sync_marker=b"gristmill-fixtur")
    write("people.avro", buffer.getvalue())


def hive_files() -> None:
    """sales/year=Y/month=M/part.parquet: 2 + 3 + 1 + 0 rows."""
    days = {(2024, 1): [(1, "10.50"), (2, "20.25")], (2024, 2): [(3, "1.00"), (4, "2.00"), (5, "3.00")], (2025, 1): [(6, "7.75")], (2025, 2): []}
    for (year, month), sales in days.items():
        table = pa.table(
            {
                "sale_id": pa.array([sale for sale, _ in sales], pa.int64()),
                "amount": pa.array([decimal.Decimal(amount) for _, amount in sales], pa.decimal128(10, 2)),
            }
        )
        write_parquet(f"sales/year={year}/month={month}/part.parquet", table)


def parquet_files() -> None:
    nested = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int64()),
            "tags": pa.array([["x", "y"], [], None], pa.list_(pa.string())),
            "home": pa.array([{"lat": 1.5, "city": "Ulm"}, {"lat": None, "city": "Bern"}, None], pa.struct([("lat", pa.float64()), ("city", pa.string())])),
            "scores": pa.array([[("a", 1), ("b", 2)], [], None], pa.map_(pa.string(), pa.int64())),
        }
    )
    write_parquet("nested.parquet", nested)
    columns = {"id": pa.int64(), "amount": pa.decimal128(10, 2), "note": pa.string()}
    schema = pa.schema(list(columns.items()))
    write_parquet("zero_rows.parquet", schema.empty_table())
    write_parquet("one_row.parquet", pa.Table.from_pylist([{"id": 7, "amount": decimal.Decimal("-0.05"), "note": None}], schema))
    special = pa.table(
        {
            "id": pa.array(range(1, 9), pa.int64()),
            "f": pa.array([0.0, -0.0, math.nan, math.inf, -math.inf, None, 1e-7, 0.1], pa.float64()),
            "g": pa.array([0.0, -0.0, math.nan, math.inf, -math.inf, None, 1e-7, 0.1], pa.float32()),
            "i": pa.array([0, -1, 2**63 - 1, -(2**63), None, None, 42, 42], pa.int64()),
            "s": pa.array(["", " ", "a,b", 'q"q', "line\nbreak", None, "Größe", "null"], pa.string()),
            "b": pa.array([True, False, None, True, False, None, True, False], pa.bool_()),
            "d": pa.array([datetime.date(1970, 1, 1), datetime.date(1969, 12, 31), datetime.date(2000, 2, 29), datetime.date(9999, 12, 31), datetime.date(1, 1, 1), None, None, datetime.date(2024, 2, 29)], pa.date32()),
            "t": pa.array([datetime.datetime(1970, 1, 1), datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), datetime.datetime(2000, 2, 29, 12, 30, 45, 123456), None, None, None, datetime.datetime(2038, 1, 19, 3, 14, 8), datetime.datetime(2024, 2, 29, 0, 0, 1)], pa.timestamp("us")),
            "m": pa.array([decimal.Decimal(text) if text else None for text in ["0.0000", "-0.0001", "99999999999999.9999", "-99999999999999.9999", None, None, "1.5000", "2.0000"]], pa.decimal128(18, 4)),
        }
    )
    write_parquet("special.parquet", special)
    odd = pa.table({"a b": [1, 2, 3], "Größe": [1.5, 2.5, None], 'x"y': ["u", "v", "w"], "select": [10, 20, 30], "UPPER": [True, False, True]})
    write_parquet("odd_names.parquet", odd)


def corrupt_file() -> None:
    """A Parquet file whose magic is whole at both ends and whose footer is not: only reading it finds out."""
    data = bytearray((FIXTURES / "one_row.parquet").read_bytes())
    footer = int.from_bytes(data[-8:-4], "little")
    start = len(data) - 8 - footer
    data[start : start + footer] = b"\xff" * footer
    write("corrupt.parquet", bytes(data))


def main() -> None:
    shutil.rmtree(FIXTURES, ignore_errors=True)
    text_files()
    avro_file()
    hive_files()
    parquet_files()
    corrupt_file()
    for path in sorted(FIXTURES.rglob("*")):
        if path.is_file():
            print(path.stat().st_size, path.relative_to(FIXTURES))


if __name__ == "__main__":
    main()
