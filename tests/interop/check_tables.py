"""Parquet and Arrow files: each value must be the one that DuckDB reads, and a mapped Arrow file must be used as it is."""

import read_tables
from checks import Checks
from inputs import NESTED
from sets import Maker, TrainingSet


def check_tables(checks: Checks, maker: Maker) -> None:
    check_parquet(checks, maker)
    check_arrow(checks, maker)


def check_parquet(checks: Checks, maker: Maker) -> None:
    expected = maker.input.rows(NESTED)
    for options in ["'compression' 'snappy'", "'compression' 'zstd(3)', 'row_group_rows' '100', 'dictionary' 'false'"]:
        written = maker.make("PARQUET", NESTED, options=options)
        checks.rows(read_tables.parquet(written.shards()), expected, f"PARQUET by pyarrow, {options}")


def check_arrow(checks: Checks, maker: Maker) -> None:
    expected = maker.input.rows(NESTED)
    for compression in ["none", "lz4", "zstd"]:
        written = maker.make("ARROW", NESTED, options=f"'batch_rows' '100', 'compression' '{compression}'")
        checks.rows(read_tables.arrow(written.shards()), expected, f"ARROW by pyarrow, {compression}")
        batches = [read_tables.arrow_batch_rows(file) for file in written.shards()]
        full = all(rows == 100 for file in batches for rows in file[:-1]) and all(0 < file[-1] <= 100 for file in batches)
        checks.that(full, f"ARROW, {compression}: every batch of a shard but the last has `batch_rows` rows", batches)
        if compression == "none":
            check_mapped(checks, written)


def check_mapped(checks: Checks, written: TrainingSet) -> None:
    counts = [read_tables.arrow_buffers(file) for file in written.shards()]
    total, within, aligned = (sum(count[at] for count in counts) for at in range(3))
    checks.that(total > 0 and within == total, f"ARROW: {within} of {total} buffers that are read lie in the mapped file")
    checks.equal(aligned, total, "ARROW: they start at multiples of 64 bytes")
