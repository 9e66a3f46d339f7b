#!/usr/bin/env python3
"""Encodes the rows of a Parquet file with the libraries that users have, and prints as JSON lines how fast each one was.

One thread, in memory: what a writer is given is made ready before the clock starts, in the form that it takes without
converting (an Arrow table, a Polars frame, a NumPy matrix, Python rows), and what it writes goes to a buffer, or to a file in
`--scratch` where it only knows files. A writer that takes row after row gets the first `--slow-rows` rows only, WebDataset's a
tenth of those; each line says how many. Each runs once without a clock; figures are medians of `--runs`. MB are 10^6 bytes of
output; where `cpu_s` is well below `wall_s`, something else was running.

The first column is the label where a format has one. RecordIO and LIBSVM are measured on numbers only.
"""

import os

# One thread each; read when the libraries are loaded.
for name in ["POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_IO_THREADS"]:
    os.environ[name] = "1"

import argparse
import dataclasses
import importlib
import importlib.metadata
import io
import json
import logging
import pathlib
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

# Writes everything, and gives the number of bytes it wrote.
Run = Callable[[], int]


@dataclasses.dataclass
class Rows:
    """The rows of a file in the forms that writers take."""

    table: pa.Table
    slow_rows: int
    scratch: pathlib.Path

    def matrix(self) -> tuple[np.ndarray, np.ndarray]:
        """Features and labels as 32-bit floats, nulls as NaN."""
        columns = [column.cast(pa.float64()).to_numpy().astype(np.float32) for column in self.table.columns]
        return np.ascontiguousarray(np.column_stack(columns[1:])), columns[0]

    def python(self) -> list[dict]:
        """Rows as JSON can hold them: decimals as floats, dates and times as text."""
        fields = []
        for field in self.table.schema:
            kind = field.type
            if pa.types.is_decimal(kind):
                kind = pa.float64()
            elif pa.types.is_temporal(kind):
                kind = pa.string()
            fields.append(field.with_type(kind))
        return self.table.cast(pa.schema(fields)).to_pylist()


def buffered(write: Callable[[io.BytesIO], object]) -> Run:
    def run() -> int:
        buffer = io.BytesIO()
        write(buffer)
        return buffer.tell()

    return run


def pyarrow_csv(rows: Rows) -> Run:
    options = pyarrow.csv.WriteOptions(include_header=False)
    return buffered(lambda buffer: pyarrow.csv.write_csv(rows.table, buffer, options))


def pyarrow_parquet(rows: Rows) -> Run:
    return buffered(lambda buffer: pyarrow.parquet.write_table(rows.table, buffer, compression="snappy"))


def polars_csv(rows: Rows) -> Run:
    frame = polars_frame(rows)
    return buffered(lambda buffer: frame.write_csv(buffer, include_header=False))


def polars_parquet(rows: Rows) -> Run:
    frame = polars_frame(rows)
    return buffered(lambda buffer: frame.write_parquet(buffer, compression="snappy"))


def polars_ndjson(rows: Rows) -> Run:
    frame = polars_frame(rows)
    return buffered(frame.write_ndjson)


def polars_frame(rows: Rows):
    polars = importlib.import_module("polars")
    if polars.thread_pool_size() != 1:
        raise RuntimeError("polars has more than one thread")
    return polars.from_arrow(rows.table, rechunk=True)


def json_lines(rows: Rows) -> Run:
    objects = rows.python()

    def write(buffer: io.BytesIO) -> None:
        for row in objects:
            buffer.write(json.dumps(row, separators=(",", ":")).encode())
            buffer.write(b"\n")

    return buffered(write)


def orjson_lines(rows: Rows) -> Run:
    orjson = importlib.import_module("orjson")
    objects = rows.python()

    def write(buffer: io.BytesIO) -> None:
        for row in objects:
            buffer.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    return buffered(write)


def sagemaker_recordio(rows: Rows) -> Run:
    os.environ["SAGEMAKER_SUPPRESS_V2_WARNING"] = "1"
    logging.getLogger("sagemaker.config").setLevel(logging.WARNING)
    common = importlib.import_module("sagemaker.amazon.common")
    features, labels = rows.matrix()
    return buffered(lambda buffer: common.write_numpy_to_dense_tensor(buffer, features, labels))


def scikit_libsvm(rows: Rows) -> Run:
    datasets = importlib.import_module("sklearn.datasets")
    features, labels = rows.matrix()
    return buffered(lambda buffer: datasets.dump_svmlight_file(features, labels, buffer, zero_based=True))


def tfrecord_examples(rows: Rows) -> Run:
    writer = importlib.import_module("tfrecord.writer")
    kinds = {int: "int", bool: "int", float: "float", str: "byte", bytes: "byte"}
    examples = [
        {
            name: (value.encode() if isinstance(value, str) else value, kinds[type(value)])
            for name, value in row.items()
            if value is not None
        }
        for row in rows.python()
    ]

    def run() -> int:
        file = rows.scratch / "rows.tfrecord"
        sink = writer.TFRecordWriter(str(file))
        for example in examples:
            sink.write(example)
        sink.close()
        return file.stat().st_size

    return run


def webdataset_tar(rows: Rows) -> Run:
    writer = importlib.import_module("webdataset.writer")
    samples = []
    for at, row in enumerate(rows.python()):
        members = {f"{name}.txt": str(value) for name, value in row.items() if value is not None}
        samples.append({"__key__": f"{at:08}", **members})

    def write(buffer: io.BytesIO) -> None:
        sink = writer.TarWriter(buffer, mtime=0)
        for sample in samples:
            sink.write(sample)
        sink.close()

    return buffered(write)


def streaming_mds(rows: Rows) -> Run:
    writer = load_streaming().MDSWriter
    encodings = {int: "int", bool: "uint8", float: "float64", str: "str", bytes: "bytes"}
    samples = [row for row in rows.python() if None not in row.values()]
    if not samples:
        raise RuntimeError("every row has a null, which MDS does not hold")
    columns = {name: encodings[type(value)] for name, value in samples[0].items()}

    def run() -> int:
        with tempfile.TemporaryDirectory(dir=rows.scratch) as folder:
            with writer(out=folder, columns=columns) as sink:
                for sample in samples:
                    sink.write(sample)
            return sum(file.stat().st_size for file in pathlib.Path(folder).glob("*.mds"))

    return run


def older_streaming() -> pathlib.Path:
    """Release 0.5.0 as `tests/interop/README.md` installs it: its writers load without torch, its initialisers do not."""
    return pathlib.Path(sys.prefix) / "streaming-0.5.0"


def load_streaming() -> types.ModuleType:
    root = older_streaming() / "streaming"
    for name in ["streaming", "streaming.base", "streaming.base.format", "streaming.base.format.mds"]:
        package = types.ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    return importlib.import_module("streaming.base.format.mds.writer")


@dataclasses.dataclass(frozen=True)
class Peer:
    format: str
    package: str
    ready: Callable[[Rows], Run]
    takes: tuple[str, ...] = ("numeric", "mixed")
    # Row after row: the part of `--slow-rows` that is enough to see it. None: all rows at once.
    slow_part: float | None = None

    def take(self, rows: Rows) -> Rows:
        """The rows that this peer is measured on."""
        if self.slow_part is None:
            return rows
        return dataclasses.replace(rows, table=rows.table.slice(0, int(rows.slow_rows * self.slow_part)))

    def version(self) -> str:
        if self.package == "json":
            return "Python " + sys.version.split()[0]
        if self.package == "mosaicml-streaming":
            return next(importlib.metadata.distributions(path=[str(older_streaming())])).version
        return importlib.metadata.version(self.package)


NUMERIC = ("numeric",)
PEERS = [
    Peer("CSV", "pyarrow", pyarrow_csv),
    Peer("CSV", "polars", polars_csv),
    Peer("PARQUET", "pyarrow", pyarrow_parquet),
    Peer("PARQUET", "polars", polars_parquet),
    Peer("JSONL", "polars", polars_ndjson),
    Peer("JSONL", "orjson", orjson_lines, slow_part=1),
    Peer("JSONL", "json", json_lines, slow_part=1),
    Peer("LIBSVM", "scikit-learn", scikit_libsvm, NUMERIC, slow_part=1),
    Peer("RECORDIO", "sagemaker", sagemaker_recordio, NUMERIC, slow_part=1),
    Peer("TFRECORD", "tfrecord", tfrecord_examples, slow_part=1),
    Peer("WEBDATASET", "webdataset", webdataset_tar, slow_part=0.1),
    Peer("MDS", "mosaicml-streaming", streaming_mds, slow_part=1),
]


def measure(peer: Peer, rows: Rows, runs: int) -> dict:
    all_rows = rows.table.num_rows
    rows = peer.take(rows)
    run = peer.ready(rows)
    size = run()
    wall, cpu = [], []
    for _ in range(runs):
        started, cpu_before = time.perf_counter(), time.process_time()
        run()
        cpu.append(time.process_time() - cpu_before)
        wall.append(time.perf_counter() - started)
    count = rows.table.num_rows
    seconds = statistics.median(wall)
    return {
        "mb_per_s": round(size / seconds / 1e6, 1),
        "rows_per_s": round(count / seconds),
        "rows": count,
        "all_rows": count == all_rows,
        "bytes": size,
        "wall_s": seconds,
        "cpu_s": statistics.median(cpu),
    }


def results(files: dict[str, pathlib.Path], arguments: argparse.Namespace, scratch: pathlib.Path) -> Iterator[dict]:
    for columns, file in files.items():
        table = pyarrow.parquet.read_table(file, use_threads=False).slice(0, arguments.rows).combine_chunks()
        rows = Rows(table, arguments.slow_rows, scratch)
        for peer in PEERS:
            if columns not in peer.takes or (arguments.format and peer.format not in arguments.format):
                continue
            named = {"columns": columns, "format": peer.format, "peer": peer.package}
            try:
                yield named | {"version": peer.version()} | measure(peer, rows, arguments.runs)
            except (ImportError, StopIteration) as error:
                yield named | {"skipped": f"not installed: {error}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numeric", type=pathlib.Path, metavar="FILE", help="Parquet of numbers, the label first")
    parser.add_argument("--mixed", type=pathlib.Path, metavar="FILE", help="Parquet of numbers, text, dates")
    parser.add_argument("--rows", type=int, default=1_000_000, help="at most (default: 1000000)")
    parser.add_argument("--slow-rows", type=int, default=20_000, help="for writers that take row after row (default: 20000)")
    parser.add_argument("--runs", type=int, default=5, help="with a clock (default: 5)")
    parser.add_argument("--format", action="append", help="only this one; can be given several times")
    parser.add_argument("--scratch", type=pathlib.Path, help="for writers that only know files (default: memory, if there is one)")
    arguments = parser.parse_args()
    if arguments.numeric is None and arguments.mixed is None:
        parser.error("give --numeric, --mixed, or both")
    pa.set_cpu_count(1)
    memory = pathlib.Path("/dev/shm")
    files = {name: file for name in ["numeric", "mixed"] if (file := getattr(arguments, name))}
    with tempfile.TemporaryDirectory(dir=arguments.scratch or (memory if memory.is_dir() else None)) as scratch:
        for result in results(files, arguments, pathlib.Path(scratch)):
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
