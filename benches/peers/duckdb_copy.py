#!/usr/bin/env python3
"""Copies a Parquet file with DuckDB and prints what that took as JSON: wall and CPU time, peak memory, rows and bytes.

DuckDB's settings are its own, but for the number of threads. It does not flush what it writes to the disk; that is done
here afterwards, on a clock of its own.
"""

import argparse
import json
import os
import pathlib
import resource
import time

import duckdb


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def flush(file: pathlib.Path) -> float:
    """Seconds until everything of the file is on the disk."""
    started = time.perf_counter()
    descriptor = os.open(file, os.O_RDWR)
    os.fsync(descriptor)
    os.close(descriptor)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path, help="a folder that is not there yet")
    parser.add_argument("--format", choices=["csv", "parquet"], required=True)
    parser.add_argument("--condition", default="", help="a WHERE clause")
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()

    arguments.output.mkdir()
    file = arguments.output / f"rows.{arguments.format}"
    options = {"csv": "FORMAT csv, HEADER false", "parquet": "FORMAT parquet"}[arguments.format]
    source, target = (str(path).replace("'", "''") for path in (arguments.input, file))
    connection = duckdb.connect(config={"threads": arguments.threads})
    # Run with `python -c` it takes itself for interactive, and would draw on stdout.
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"CREATE VIEW lineitem AS FROM read_parquet('{source}')")
    copy = f"COPY (SELECT * FROM lineitem {arguments.condition}) TO '{target}' ({options})"

    cpu_before, started = cpu_seconds(), time.perf_counter()
    rows = connection.execute(copy).fetchall()[0][0]
    wall, cpu = time.perf_counter() - started, cpu_seconds() - cpu_before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result = {"wall_s": wall, "cpu_s": cpu, "flush_s": flush(file), "peak_rss_bytes": peak, "rows": rows}
    print(json.dumps(result | {"bytes": file.stat().st_size}))


if __name__ == "__main__":
    main()
