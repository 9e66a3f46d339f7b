#!/usr/bin/env python3
"""Makes answers/sf<scale>/q01.csv … q22.csv: the rows DuckDB gives for queries/*.sql on the data of TPC-H's dbgen.

The data comes from tpchgen-cli, whose text columns are dbgen's. Those of DuckDB's own generator are not: addresses and
comments differ, and with them Q2, Q10, Q13, Q15 and Q20. Every other column must be the same in both; that is checked.

It also checks that the specification alone decides every answer: no query cuts a tie with its LIMIT, so an engine that
orders ties differently still gives the same set of rows.
"""

import argparse
import csv
import pathlib
import re
import subprocess
import sys
import sysconfig
import tempfile

import duckdb
import duckdb_extension_tpch

HERE = pathlib.Path(__file__).resolve().parent
LIMIT = re.compile(r"LIMIT (\d+);\s*$")
FREE_TEXT = re.compile("_(comment|address)$")
TABLES = ["lineitem", "orders", "part", "supplier", "customer", "partsupp", "nation", "region"]


def make_data(scale: float, folder: pathlib.Path) -> None:
    """The eight tables as Parquet, one file each."""
    generator = pathlib.Path(sysconfig.get_path("scripts")) / "tpchgen-cli"
    subprocess.run([generator, "parquet", "--scale-factor", str(scale), "--output-dir", folder], check=True)


def connect(folder: pathlib.Path) -> duckdb.DuckDBPyConnection:
    """A connection with a view of each table; nothing is downloaded."""
    connection = duckdb.connect()
    for table in TABLES:
        connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{folder / f'{table}.parquet'}')")
    return connection


def refuse_other_data(connection: duckdb.DuckDBPyConnection, scale: float) -> None:
    """Fails when a column that is no free text differs from what DuckDB's own generator makes."""
    package = pathlib.Path(duckdb_extension_tpch.__file__).parent
    connection.execute(f"LOAD '{next(package.rglob('tpch.duckdb_extension'))}'")
    connection.execute("CREATE SCHEMA own")
    connection.execute(f"CALL dbgen(sf = {scale}, schema = 'own')")
    for table in TABLES:
        columns = [row[0] for row in connection.execute(f"DESCRIBE own.{table}").fetchall()]
        exact = ", ".join(f"CAST({column} AS VARCHAR)" for column in columns if not FREE_TEXT.search(column))
        difference = f"(SELECT {exact} FROM {table} EXCEPT ALL SELECT {exact} FROM own.{table})"
        rows = connection.execute(f"SELECT count(*) FROM {difference}").fetchone()[0]
        same_size = f"SELECT (SELECT count(*) FROM {table}) = (SELECT count(*) FROM own.{table})"
        if rows > 0 or not connection.execute(same_size).fetchone()[0]:
            sys.exit(f"{table}: {rows} rows are not those of the other generator")


def text(value: object) -> str:
    """The value as text that parses back: null is empty, a float is the shortest that round-trips, a date is ISO."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def refuse_cut_tie(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    """Fails when the row after the LIMIT sorts equal to the last one kept: the answer would be a matter of luck."""
    limit = LIMIT.search(sql)
    if limit is None:
        return
    kept = int(limit.group(1))
    order = re.search(r"ORDER BY\s+(.*?)\s+LIMIT", sql[sql.rindex("ORDER BY") :], re.S).group(1)
    keys = [re.sub(r"\s+DESC$", "", key.strip()) for key in order.split(",")]
    result = connection.execute(LIMIT.sub(f"LIMIT {kept + 1};", sql))
    positions = [[column[0] for column in result.description].index(key) for key in keys]
    rows = result.fetchall()
    if len(rows) <= kept:
        return
    last, next_one = ([row[position] for position in positions] for row in rows[-2:])
    if last == next_one:
        sys.exit(f"{name}: the limit of {kept} cuts a tie on {', '.join(keys)}: {last}")


def write_answer(connection: duckdb.DuckDBPyConnection, query: pathlib.Path, folder: pathlib.Path) -> int:
    """Writes one answer file with a header; gives its number of rows."""
    sql = query.read_text()
    refuse_cut_tie(connection, query.stem, sql)
    result = connection.execute(sql)
    header = [column[0] for column in result.description]
    rows = result.fetchall()
    with open(folder / f"{query.stem}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([text(value) for value in row] for row in rows)
    return len(rows)


def write_answers(connection: duckdb.DuckDBPyConnection, scale: float) -> None:
    refuse_other_data(connection, scale)
    folder = HERE / "answers" / f"sf{scale:g}"
    folder.mkdir(parents=True, exist_ok=True)
    for query in sorted((HERE / "queries").glob("q*.sql")):
        print(f"{query.stem}: {write_answer(connection, query, folder)} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1, help="scale factor (default: 0.1)")
    scale = parser.parse_args().scale
    with tempfile.TemporaryDirectory() as data:
        make_data(scale, pathlib.Path(data))
        write_answers(connect(pathlib.Path(data)), scale)


if __name__ == "__main__":
    main()
