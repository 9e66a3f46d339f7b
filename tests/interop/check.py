#!/usr/bin/env python3
"""Checks a gristmill binary with clients and readers that others wrote; README.md lists what must hold."""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile
import traceback

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi
import duckdb
import numpy as np

import cluster
import readers
from checks import Checks, quoted
from formats import check_formats

TABLES = ["lineitem", "orders", "part", "supplier", "customer", "partsupp", "nation", "region"]
SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}
KEYS = ["l_orderkey", "l_linenumber"]

# The same text for both engines. Columns: the key, features with and without gaps, and the label last: the writer moves it.
FEATURES = """
SELECT l_orderkey,
       l_linenumber,
       l_quantity,
       l_extendedprice,
       NULLIF(l_tax, 0) AS tax,
       CAST((extract(epoch FROM l_commitdate) - extract(epoch FROM l_shipdate)) / 86400 AS BIGINT) AS days_allowed,
       CAST(extract(month FROM l_shipdate) AS BIGINT) AS ship_month,
       o_totalprice,
       CASE WHEN o_orderpriority = '1-URGENT' THEN 1 ELSE 0 END AS urgent,
       CASE WHEN l_receiptdate > l_commitdate THEN 1 ELSE 0 END AS late
FROM lineitem JOIN orders ON l_orderkey = o_orderkey
"""
# As the shards have them.
COLUMNS = {
    "late": "BIGINT",
    "l_orderkey": "BIGINT",
    "l_linenumber": "BIGINT",
    "l_quantity": "DECIMAL(15, 2)",
    "l_extendedprice": "DECIMAL(15, 2)",
    "tax": "DECIMAL(15, 2)",
    "days_allowed": "BIGINT",
    "ship_month": "BIGINT",
    "o_totalprice": "DECIMAL(15, 2)",
    "urgent": "BIGINT",
}
AGGREGATE = """
SELECT l_returnflag, l_linestatus, count(*) AS lines, sum(l_quantity) AS quantity,
       sum(l_extendedprice * (1 - l_discount)) AS revenue, min(l_shipdate) AS first, max(l_comment) AS last_comment
FROM lineitem JOIN orders ON l_orderkey = o_orderkey
WHERE o_orderdate >= DATE '1994-01-01'
GROUP BY l_returnflag, l_linestatus
ORDER BY l_returnflag, l_linestatus
"""


def open_oracle(data: pathlib.Path) -> duckdb.DuckDBPyConnection:
    """DuckDB over the same files, with the features' rows as the table `expected`."""
    oracle = duckdb.connect()
    for table in TABLES:
        oracle.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({quoted(data / f'{table}.parquet')})")
    casts = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    oracle.execute(f"CREATE TABLE expected AS SELECT {casts} FROM ({FEATURES})")
    return oracle


def connect(port: int):
    # A session is the server's to recognise: by cookie for a client that has no token.
    cookies = {adbc_driver_flightsql.DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}
    return adbc_driver_flightsql.dbapi.connect(f"grpc://127.0.0.1:{port}", db_kwargs=cookies, autocommit=True)


def rows_of(connection, sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def error_of(connection, sql: str) -> str:
    """The message the statement fails with; empty when it does not fail."""
    try:
        rows_of(connection, sql)
    except adbc_driver_flightsql.dbapi.Error as error:
        return str(error)
    return ""


def check_queries(checks: Checks, connection, oracle, data: pathlib.Path) -> None:
    """Statements, prepared statements, and errors that leave the session usable."""
    for table in TABLES:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE EXTERNAL TABLE {table} STORED AS PARQUET LOCATION {quoted(data / f'{table}.parquet')}")
    for table in TABLES:
        found = rows_of(connection, f"SELECT count(*) FROM {table}")
        checks.equal(found, oracle.execute(f"SELECT count(*) FROM {table}").fetchall(), f"rows of {table}")
    expected = oracle.execute(AGGREGATE).fetchall()
    checks.equal(rows_of(connection, AGGREGATE), expected, "a join with aggregates equals DuckDB's")
    with connection.cursor() as cursor:
        parameters = cursor.adbc_prepare(AGGREGATE)
        checks.equal(len(parameters or []), 0, "a prepared statement without parameters says it has none")
        cursor.execute(AGGREGATE)
        checks.equal(cursor.fetchall(), expected, "a prepared statement gives the same rows")
        cursor.execute(AGGREGATE)
        checks.equal(cursor.fetch_arrow_table().num_rows, len(expected), "and gives them again, as Arrow")
    total = oracle.execute("SELECT count(*), sum(l_extendedprice) FROM lineitem").fetchall()
    with connection.cursor() as cursor:
        cursor.execute("SELECT l_orderkey, l_extendedprice FROM lineitem")
        table = cursor.fetch_arrow_table()
        oracle.register("streamed", table)
        found = oracle.execute("SELECT count(*), sum(l_extendedprice) FROM streamed").fetchall()
        oracle.unregister("streamed")
    checks.equal(found, total, "a result of many batches arrives whole")
    message = error_of(connection, "SELECT no_such_column FROM lineitem")
    checks.that("no_such_column" in message, "an unknown column is an error that names it", message or "no error")
    checks.equal(rows_of(connection, "SELECT 1 AS one"), [(1,)], "the session is usable after an error")


def check_metadata(checks: Checks, connection, port: int) -> None:
    kinds = connection.adbc_get_table_types()
    checks.that(len(kinds) > 0, "the server has table types", kinds)
    objects = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
    tables = {
        table["table_name"]
        for catalog in objects
        for schema in catalog["catalog_db_schemas"] or []
        for table in schema["db_schema_tables"] or []
    }
    checks.that(set(TABLES) <= tables, "get_objects lists the session's tables", sorted(tables))
    info = connection.adbc_get_info()
    checks.that(bool(info.get("vendor_name")), "get_info names the server", info)
    with connect(port) as stranger:
        message = error_of(stranger, "SELECT count(*) FROM lineitem")
        checks.that("lineitem" in message, "another client does not see this session's tables", message or "no error")


def create_training_set(checks: Checks, connection, name: str, location: pathlib.Path, kind: str) -> None:
    splits = ", ".join(f"{split} {fraction}" for split, fraction in SPLITS.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRAINING SET {name} LOCATION {quoted(location)} STORED AS {kind} LABEL late "
            f"SPLIT ({splits}) BY KEY (l_orderkey) SHUFFLE SEED 42 OPTIONS ('shards' '4') AS {FEATURES}"
        )
        header = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    checks.equal(header, ["split", "shards", "rows", "bytes", "location"], f"{kind}: the statement's columns")
    checks.equal([row[0] for row in rows], list(SPLITS), f"{kind}: one row per split, in order")
    manifest = json.loads((location / "_gristmill" / "manifest.json").read_text())
    counted = [tuple(count_shards(manifest, split)) for split in SPLITS]
    checks.equal([tuple(row[1:4]) for row in rows], counted, f"{kind}: its figures are the manifest's")
    message = error_of(connection, f"CREATE TRAINING SET again LOCATION {quoted(location)} STORED AS {kind} AS SELECT 1 AS x")
    checks.that(str(location) in message, f"{kind}: a location that holds something is refused by name", message or "no error")


def count_shards(manifest: dict, split: str) -> tuple[int, int, int]:
    shards = [shard for shard in manifest["shards"] if shard["split"] == split]
    return len(shards), sum(shard["rows"] for shard in shards), sum(shard["bytes"] for shard in shards)


def scan(files: list[pathlib.Path], kind: str) -> str:
    """A DuckDB table expression over shards, columns in the order the shards have them."""
    listed = "[" + ", ".join(quoted(file) for file in files) + "]"
    if kind == "PARQUET":
        return f"read_parquet({listed})"
    columns = ", ".join(f"'{name}': '{column}'" for name, column in COLUMNS.items())
    return f"read_csv({listed}, header = false, auto_detect = false, delim = ',', columns = {{{columns}}})"


def check_files(checks: Checks, location: pathlib.Path, kind: str) -> None:
    """Nothing but what the manifest lists, and nothing half-written."""
    manifest = json.loads((location / "_gristmill" / "manifest.json").read_text())
    listed = {shard["path"]: shard["bytes"] for shard in manifest["shards"]}
    files = {str(file.relative_to(location)): file for file in location.rglob("*") if file.is_file()}
    data = {path: file.stat().st_size for path, file in files.items() if not path.startswith("_gristmill/")}
    checks.equal(data, listed, f"{kind}: the files are the manifest's shards, at their sizes")
    suspect = [path for path in files if path.endswith(".tmp") or any(part.startswith(".") for part in path.split("/"))]
    checks.equal(suspect, [], f"{kind}: nothing half-written")


def check_rows(checks: Checks, oracle, location: pathlib.Path, kind: str) -> None:
    """The splits together are the query's rows, each once; a key is in one split; the manifest counts right."""
    manifest = json.loads((location / "_gristmill" / "manifest.json").read_text())
    for shard in manifest["shards"]:
        found = oracle.execute(f"SELECT count(*) FROM {scan([location / shard['path']], kind)}").fetchone()[0]
        if found != shard["rows"]:
            raise AssertionError(f"{kind}: {shard['path']} has {found} rows, the manifest says {shard['rows']}")
    checks.that(len(manifest["shards"]) > 0, f"{kind}: each of {len(manifest['shards'])} shards has its manifest's rows")
    names = ", ".join(COLUMNS)
    parts = []
    for split in SPLITS:
        files = [location / shard["path"] for shard in manifest["shards"] if shard["split"] == split]
        parts.append(f"SELECT '{split}' AS split, {names} FROM {scan(files, kind)}")
    oracle.execute(f"CREATE OR REPLACE TABLE written AS {' UNION ALL '.join(parts)}")
    expected = oracle.execute("SELECT count(*) FROM expected").fetchone()[0]
    total = sum(count_shards(manifest, split)[1] for split in SPLITS)
    checks.equal(total, expected, f"{kind}: the splits' rows add up to DuckDB's count of the same query")
    sums = "SELECT " + ", ".join(f"sum({name}), count({name})" for name in COLUMNS)
    found = oracle.execute(f"{sums} FROM written").fetchall()
    checks.equal(found, oracle.execute(f"{sums} FROM expected").fetchall(), f"{kind}: sum and non-null count of every column")
    lost, extra = (
        oracle.execute(f"SELECT count(*) FROM (SELECT {names} FROM {a} EXCEPT ALL SELECT {names} FROM {b})").fetchone()[0]
        for a, b in [("expected", "written"), ("written", "expected")]
    )
    checks.equal((lost, extra), (0, 0), f"{kind}: no row lost, none extra")
    straddling = "SELECT count(*) FROM (SELECT l_orderkey FROM written GROUP BY l_orderkey HAVING count(DISTINCT split) > 1)"
    checks.equal(oracle.execute(straddling).fetchone()[0], 0, f"{kind}: a key is in one split")
    oracle.execute(f"CREATE OR REPLACE TABLE written_{kind.lower()} AS FROM written")


def check_training(checks: Checks, oracle, csv: pathlib.Path, parquet: pathlib.Path) -> None:
    """Both readers see every row of the query, and models trained on what they see agree and have learnt something."""
    from_csv = {split: readers.read_csv(csv / split, len(KEYS)) for split in SPLITS}
    from_parquet = {split: readers.read_parquet(parquet / split, "late", len(KEYS)) for split in SPLITS}
    expected = oracle.execute("SELECT count(*), sum(late) FROM expected").fetchone()
    for reader, splits in {"xgboost": from_csv, "pyarrow": from_parquet}.items():
        labels = np.concatenate([examples.labels for examples in splits.values()])
        checks.equal((len(labels), int(labels.sum())), expected, f"{reader} reads as many rows and labels as DuckDB counts")
    for split in SPLITS:
        a, b = from_csv[split], from_parquet[split]
        checks.equal(a.features.shape, b.features.shape, f"{split}: both readers see as many rows and columns")
        same = np.array_equal(a.labels, b.labels) and np.allclose(a.features, b.features, rtol=1e-6, equal_nan=True)
        checks.that(same, f"{split}: xgboost reads from CSV what pyarrow reads from Parquet, gaps included")
    checks.that(bool(np.isnan(from_csv["train"].features).any()), "missing values reach the trainer as missing")
    one = readers.train(from_csv["train"], from_csv["validation"])
    other = readers.train(from_parquet["train"], from_parquet["validation"])
    apart = float(np.abs(one.predictions - other.predictions).mean())
    checks.that(apart < 1e-3, "models trained on CSV and on Parquet predict the same", f"{apart} apart on average")
    checks.that(abs(one.log_loss - other.log_loss) < 1e-3, "and have the same log loss", f"{one.log_loss}, {other.log_loss}")
    figures = f"log loss {one.log_loss:.4f} (chance {one.chance_log_loss:.4f}), AUC {one.area_under_curve:.3f}"
    better = one.log_loss < 0.95 * one.chance_log_loss and one.area_under_curve > 0.6
    checks.that(better, f"the model is better than chance on validation: {figures}")


def check_client(checks: Checks, port: int, oracle, data: pathlib.Path, sets: dict[str, pathlib.Path]) -> None:
    with connect(port) as connection:
        check_queries(checks, connection, oracle, data)
        check_metadata(checks, connection, port)
        for kind, location in sets.items():
            create_training_set(checks, connection, f"late_{kind.lower()}", location, kind)


def check_cluster(checks: Checks, binary: pathlib.Path, folder: pathlib.Path, deadline_s: float) -> None:
    data = folder / "data"
    sets = {"CSV": folder / "csv", "PARQUET": folder / "parquet"}
    cluster.run(binary, ["tpch", "--scale", "0.01", "--output", str(data)], folder, deadline_s)
    oracle = open_oracle(data)
    with cluster.Cluster(binary, 2, folder, deadline_s) as running:
        try:
            running.wait_ready()
            check_client(checks, running.flight_port, oracle, data, sets)
            for kind, location in sets.items():
                check_files(checks, location, kind)
                check_rows(checks, oracle, location, kind)
            differing = "SELECT count(*) FROM (FROM written_csv EXCEPT ALL FROM written_parquet)"
            checks.equal(oracle.execute(differing).fetchone()[0], 0, "a row is in the same split in CSV and in Parquet")
            check_training(checks, oracle, sets["CSV"], sets["PARQUET"])
            code = running.interrupt()
        except BaseException:
            print("the end of the cluster's log:", *running.log, sep="\n  ", file=sys.stderr)
            raise
        checks.that(code in (0, 130), "SIGINT ends the cluster", f"exit code {code}")
        ports = [port for port in (running.flight_port, running.http_port) if cluster.is_open(port)]
        checks.equal(ports, [], "its ports are closed")
    for kind, location in sets.items():
        check_files(checks, location, f"{kind} after the cluster ended")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gristmill", type=pathlib.Path, required=True, metavar="PATH", help="the binary to check")
    parser.add_argument("--deadline", type=float, default=60, metavar="SECONDS", help="for each wait (default: 60)")
    parser.add_argument("--keep", action="store_true", help="leave the temporary folder in place")
    arguments = parser.parse_args()
    checks = Checks()
    binary = arguments.gristmill.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gristmill-interop-")).resolve()
    try:
        check_formats(checks, binary, folder / "formats", arguments.deadline)
        check_cluster(checks, binary, folder, arguments.deadline)
    except (AssertionError, cluster.Failed) as error:
        print(f"interop: FAILED after {checks.passed} checks: {error}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        print(f"interop: FAILED after {checks.passed} checks", file=sys.stderr)
        return 1
    finally:
        if arguments.keep:
            print(f"kept {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"interop: {checks.passed} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
