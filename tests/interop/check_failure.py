"""Shows that the checks can fail: one value is changed in the shards, and has to be reported by format, row and column."""

import pathlib
import struct
import tempfile
import typing
from collections.abc import Callable, Iterable, Iterator

import read_images
import read_records
import read_samples
import read_tables
import read_text
from checks import Checks, Row, compare
from sets import Maker, TrainingSet


class Change(typing.NamedTuple):
    """A training set, how it is read, and bytes in it that stand for a value, with those that stand for another."""

    kind: str
    columns: str
    read: Callable[[TrainingSet], Iterable[Row]]
    before: bytes
    after: bytes
    key: str = "id"
    options: str = ""


def csv(written: TrainingSet) -> Iterator[Row]:
    return read_text.csv(written.shards(), TYPES)


def json_lines(written: TrainingSet) -> Iterator[Row]:
    return read_text.json_lines(written.shards(), TYPES)


def mds(written: TrainingSet) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        for split in written.splits():
            yield from read_samples.mds(written.location / split, pathlib.Path(scratch))


def images(written: TrainingSet) -> Iterator[Row]:
    return (row for file in written.shards() for row in read_images.by_mxnet(file))


TEXT = "y, id, dense_text"
TYPES = {"y": "INTEGER", "id": "BIGINT", "dense_text": "VARCHAR"}
SAMPLE = "y AS cls, CAST(id AS VARCHAR) AS key, dense_text AS txt"
SINGLE, BESIDE = struct.pack("<f", -1.5), struct.pack("<f", -1.25)
CHANGES = [
    Change("CSV", TEXT, csv, b"plain", b"plane"),
    Change("JSONL", TEXT, json_lines, b"plain", b"plane"),
    Change("LIBSVM", "y, id, whole", lambda it: read_text.libsvm(it.shards()), b"2147483647", b"2147483646"),
    Change("PARQUET", TEXT, lambda it: read_tables.parquet(it.shards()), b"plain", b"plane", options="'compression' 'none'"),
    Change("ARROW", TEXT, lambda it: read_tables.arrow(it.shards()), b"plain", b"plane"),
    Change("RECORDIO", "y, id, single", lambda it: read_records.recordio_by_sdk(it.shards()), SINGLE, BESIDE),
    Change("RECORDIO", "y, id, single", lambda it: read_records.recordio_by_container(it.shards()), SINGLE, BESIDE),
    Change("TFRECORD", TEXT, lambda it: read_records.tfrecord_rows(it.shards()), b"plain", b"plane"),
    Change("IMAGE_RECORDIO", "y, id, image", images, b"JPEG", b"jpeg", options="'key' 'id'"),
    Change("WEBDATASET", SAMPLE, lambda it: read_samples.samples(it.shards()), b"plain", b"plane", "key", "'key' 'key'"),
    Change("MDS", TEXT, mds, b"plain", b"plane"),
]


def check_failure(checks: Checks, maker: Maker) -> None:
    for change in CHANGES:
        label = "" if change.kind == "WEBDATASET" else "y"
        written = maker.make(change.kind, change.columns, label=label, options=change.options)
        before = list(change.read(written))
        changed = sum(replace_first(file, change.before, change.after) for file in written.shards())
        message = difference(change, written, before)
        checks.that(changed > 0 and "expected" in message, f"{change.kind}: a changed value is found: {message}")
        if change.kind == "TFRECORD":
            message = wrong_checksum(written)
            checks.that("crc" in message, f"{change.kind}: and smdebug finds its checksum wrong: {message}")


def difference(change: Change, written: TrainingSet, before: list[Row]) -> str:
    """What is reported; empty when nothing is."""
    try:
        compare(change.read(written), before, change.kind, change.key)
    except AssertionError as error:
        return str(error)
    return ""


def wrong_checksum(written: TrainingSet) -> str:
    try:
        read_records.tfrecord_checksums(written.shards())
    except read_records.ChecksumError as error:
        return str(error)
    return ""


def replace_first(file: pathlib.Path, before: bytes, after: bytes) -> int:
    data = file.read_bytes()
    file.write_bytes(data.replace(before, after, 1))
    return min(1, data.count(before))
