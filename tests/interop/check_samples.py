"""WebDataset and MDS: each value must be the one that DuckDB reads."""

import json
import pathlib
import tempfile

import read_samples
import read_text
from checks import Checks, Row
from inputs import VECTOR
from sets import Maker


def check_samples(checks: Checks, maker: Maker) -> None:
    check_webdataset(checks, maker)
    check_mds(checks, maker)


def check_webdataset(checks: Checks, maker: Maker) -> None:
    """Members that `webdataset` knows by their extension are decoded by it; of the others the bytes are read here."""
    columns = (
        "CAST(id AS VARCHAR) AS key, y AS cls, flag, tiny, big, huge, single, double, amount, "
        "any_single, any_double, any_amount, day, text AS txt, "
        'blob AS bin, pair AS json, words AS "words.json", numbers, vector AS npy'
    )
    types = maker.input.types(columns)
    expected = [without_nulls(row) for row in maker.input.rows(columns)]
    for compression, suffix in {"none": ".tar", "gzip": ".tar.gz"}.items():
        written = maker.make("WEBDATASET", columns, label="", options=f"'key' 'key', 'compression' '{compression}'")
        checks.equal(written.suffixes(), {suffix}, f"WEBDATASET: the files' extension {suffix}")
        samples = read_samples.samples(written.shards())
        found = ({name: of_text(value, types[name]) for name, value in sample.items()} for sample in samples)
        checks.rows(found, expected, f"WEBDATASET by webdataset, {suffix}", key="key")


def without_nulls(row: Row) -> Row:
    """The key, then the members in the order of their names; a null is none."""
    members = {name: value for name, value in sorted(row.items()) if value is not None and name != "key"}
    return {"key": row["key"], **members}


def of_text(value: object, kind: str) -> object:
    """The value of a member that `webdataset` leaves as bytes, as the Python value of DuckDB's type."""
    if not isinstance(value, bytes) or kind == "BLOB":
        return value
    text = value.decode("utf-8")
    if kind == "BOOLEAN":
        return {"1": True, "0": False}[text]
    return json.loads(text) if kind.endswith("[]") else read_text.typed(NUMBER_OF.get(kind, str)(text), kind)


NUMBER_OF = {"TINYINT": int, "BIGINT": int, "UBIGINT": int}


def check_mds(checks: Checks, maker: Maker) -> None:
    """Integers and floats in their width, booleans as 1 and 0, lists of numbers as arrays, others as JSON. There are no nulls."""
    plain = "id, y, weight, dense_f32, any_double, dense_text, dense_blob, any_amount, y = 1 AS flag"
    nested = "[id, y] AS numbers, {'a': y, 'b': dense_text} AS struct, ['a', dense_text] AS words"
    vector = "vector IS NOT NULL"
    encodings = {
        "any_amount": "str_decimal",
        "any_double": "float64",
        "dense_blob": "bytes",
        "dense_f32": "float32",
        "dense_text": "str",
        "flag": "uint8",
        "id": "int64",
        "numbers": "ndarray:int64",
        "struct": "json",
        "vector": "ndarray:float32:3",
        "weight": "float64",
        "words": "json",
        "y": "int32",
    }
    rows = maker.input.rows(f"{plain}, {nested}, vector", vector)
    expected = [dict(sorted(row.items())) | {"flag": int(row["flag"])} for row in rows]
    for compression in ["none", "zstd", "gzip"]:
        written = maker.make("MDS", f"{plain}, {nested}, {VECTOR}", options=f"'compression' '{compression}'", where=vector)
        with tempfile.TemporaryDirectory() as scratch:
            folders = [written.location / split for split in written.splits()]
            found = [row for folder in folders for row in read_samples.mds(folder, pathlib.Path(scratch))]
        checks.rows(found, expected, f"MDS by streaming, {compression}")
        indexes = [json.loads((folder / "index.json").read_text(encoding="utf-8")) for folder in folders]
        columns = [dict(zip(shard["column_names"], shard["column_encodings"])) for index in indexes for shard in index["shards"]]
        checks.equal(columns, [encodings] * len(written.shards()), f"MDS, {compression}: the encodings in the index of every shard")
