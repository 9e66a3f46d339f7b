"""Rows of the formats that are tables, both by Arrow's own library: Parquet, and Arrow files through a memory map."""

import pathlib
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet

from checks import Row


def parquet(files: list[pathlib.Path]) -> Iterator[Row]:
    schemas = {str(pyarrow.parquet.read_schema(file)) for file in files}
    if len(schemas) != 1:
        raise AssertionError(f"shards have different schemas: {schemas}")
    for file in files:
        yield from pyarrow.parquet.ParquetFile(file).read().to_pylist()


def arrow(files: list[pathlib.Path]) -> Iterator[Row]:
    schemas = {pa.ipc.open_file(pa.memory_map(str(file))).schema for file in files}
    if len(schemas) != 1:
        raise AssertionError(f"shards have different schemas: {schemas}")
    for file in files:
        yield from pa.ipc.open_file(pa.memory_map(str(file))).read_all().to_pylist()


def arrow_buffers(file: pathlib.Path) -> tuple[int, int, int]:
    """Of the buffers of a mapped file: how many there are, lie within the map, and are aligned to 64 bytes."""
    mapped = pa.memory_map(str(file))
    start, size = mapped.read_buffer().address, mapped.size()
    mapped.seek(0)
    found = [
        buffer
        for batch in pa.ipc.open_file(mapped).read_all().to_batches()
        for column in batch.columns
        for buffer in column.buffers()
        if buffer is not None and buffer.size > 0
    ]
    within = [start <= buffer.address and buffer.address + buffer.size <= start + size for buffer in found]
    return len(found), sum(within), sum((buffer.address - start) % 64 == 0 for buffer in found)


def arrow_batch_rows(file: pathlib.Path) -> list[int]:
    reader = pa.ipc.open_file(pa.memory_map(str(file)))
    return [reader.get_batch(index).num_rows for index in range(reader.num_record_batches)]
