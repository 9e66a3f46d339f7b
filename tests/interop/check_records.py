"""RecordIO-protobuf, TFRecord and RecordIO of images: each value must be the one that DuckDB reads, in the tensor's type."""

import datetime
import decimal

import read_images
import read_records
from checks import Checks, Row, nearest
from inputs import VECTOR
from sets import Maker, TrainingSet

RECORDIO_READERS = {"sagemaker": read_records.recordio_by_sdk, "sagemaker-training": read_records.recordio_by_container}


def check_records(checks: Checks, maker: Maker) -> None:
    check_recordio_dense(checks, maker)
    check_recordio_integers(checks, maker)
    check_recordio_sparse(checks, maker)
    check_recordio_magic(checks, maker)
    check_tfrecord(checks, maker)
    check_images(checks, maker)


def check_recordio(checks: Checks, written: TrainingSet, expected: list[Row], what: str) -> None:
    for name, reader in RECORDIO_READERS.items():
        checks.rows(reader(written.shards()), expected, f"RECORDIO by {name}, {what}")


def record(key: int, kind: str, values: list, **rest) -> Row:
    """A record without whatever is not in `rest`."""
    return {"id": key, "kind": f"{kind}_tensor", "values": values, "keys": [], "shape": [], "label": None, "uid": None} | rest


def check_recordio_dense(checks: Checks, maker: Maker) -> None:
    """Nulls are NaN; numbers are the nearest of the tensor's type, infinite where that has none."""
    features = ["id", "flag", "tiny", "whole", "big", "huge", "amount"]
    features += ["single", "double", "any_single", "any_double", "any_amount"]
    for kind in ["float32", "float64"]:
        rows = maker.input.rows(f"y, weight, {', '.join(features)}, vector")
        columns = f"y, weight, {', '.join(features)}, {VECTOR}"
        written = maker.make("RECORDIO", columns, label="y, weight", options=f"'dtype' '{kind}'")
        expected = []
        for row in rows:
            values = [row[name] for name in features] + (row["vector"] or [None] * 3)
            label = [float(row["y"]), row["weight"]]
            expected.append(record(row["id"], kind, [nearest(float_of(value), kind) for value in values], label=label))
        check_recordio(checks, written, expected, f"dense {kind}, label vector")


def float_of(value: object) -> object:
    return float(value) if isinstance(value, bool) else value


def check_recordio_integers(checks: Checks, maker: Maker) -> None:
    columns = "CAST(id AS VARCHAR) || 'ü' AS name, id, y, whole, flag"
    options = "'dtype' 'int32', 'key' 'name'"
    present = "flag IS NOT NULL AND whole IS NOT NULL"
    written = maker.make("RECORDIO", columns, label="", options=options, where=present)
    expected = [
        record(row["id"], "int32", [row["id"], row["y"], row["whole"], int(row["flag"])], uid=row["name"])
        for row in maker.input.rows(columns, present)
    ]
    check_recordio(checks, written, expected, "dense int32, named, no label")


def check_recordio_sparse(checks: Checks, maker: Maker) -> None:
    """Zeros of scalars are left out, stored zeros of a vector are not; a row of no entries has the entry 0 at position 0."""
    written = maker.make("RECORDIO", "y, id, single, sparse", options="'sparse_size' '6'", where="id > 0")
    expected = []
    for row in maker.input.rows("y, id, single, sparse", "id > 0"):
        entries = {0: float(row["id"])}
        if row["single"]:
            entries[1] = row["single"]
        entries |= {2 + at: value for at, value in zip(row["sparse"]["indices"], row["sparse"]["values"], strict=True)}
        label = [float(row["y"])]
        expected.append(record(row["id"], "float32", list(entries.values()), keys=list(entries), shape=[8], label=label))
    check_recordio(checks, written, expected, "sparse")
    written = maker.make("RECORDIO", "y, sparse", options="'sparse_size' '6', 'shards' '1'", where="id = 4")
    check_recordio(checks, written, [record(0, "float32", [0.0], keys=[0], shape=[6], label=[1.0])], "a sparse row of zeros")


def check_recordio_magic(checks: Checks, maker: Maker) -> None:
    """A value whose bytes are the magic number, where a reader would take it for a record: a `uid` moves it."""
    columns = "y, id, magic, dense_f32"
    written = maker.make("RECORDIO", columns)
    expected = [
        record(row["id"], "float32", [float(row["id"]), row["magic"], row["dense_f32"]], label=[float(row["y"])])
        for row in maker.input.rows(columns)
    ]
    for name, reader in RECORDIO_READERS.items():
        found = list(reader(written.shards()))
        moved = sum(row["uid"] is not None for row in found)
        checks.that(0 < moved < len(found), f"RECORDIO by {name}: {moved} of {len(found)} records are moved off the magic number")
        checks.rows((row | {"uid": None} for row in found), expected, f"RECORDIO by {name}, values that are the magic number")


def check_tfrecord(checks: Checks, maker: Maker) -> None:
    scalars = "y, id, flag, tiny, small, whole, big, single, double, amount, any_single, any_double, any_amount, day, text, blob"
    columns = f"{scalars}, numbers, words, vector"
    expected = [{"id": row["id"], "features": features(row)} for row in maker.input.rows(columns)]
    for options, suffix in {"": ".tfrecord", "'compression' 'gzip'": ".tfrecord.gz"}.items():
        written = maker.make("TFRECORD", columns, options=options)
        checks.equal(written.suffixes(), {suffix}, f"TFRECORD: the files' extension {suffix}")
        checks.rows(read_records.tfrecord_rows(written.shards()), expected, f"TFRECORD by tfrecord, {suffix}")
        if not options:
            count = read_records.tfrecord_checksums(written.shards())
            checks.equal(count, len(expected), f"TFRECORD by smdebug: both checksums of {len(expected)} records")


def features(row: Row) -> dict[str, list]:
    """An example: lists of integers, of 32-bit floats, or of bytes, by name; a null is none."""
    listed = {name: value if isinstance(value, list) else [value] for name, value in sorted(row.items()) if value is not None}
    return {name: [feature(element) for element in values] for name, values in listed.items()}


def feature(value: object) -> object:
    match value:
        case bool():
            return int(value)
        case float() | decimal.Decimal():
            return nearest(value, "float32")
        case str():
            return value.encode("utf-8")
        case datetime.date():
            return (value - datetime.date(1970, 1, 1)).days
    return value


def check_images(checks: Checks, maker: Maker) -> None:
    """One label in the header, or a vector behind it; images that contain the magic number are in parts."""
    path = "CASE id % 5 WHEN 0 THEN '' WHEN 1 THEN NULL ELSE 'folder ü/' || id || '.jpg' END AS path"
    for labels in [["y"], ["y", "weight"]]:
        listed = ", ".join(labels)
        written = maker.make("IMAGE_RECORDIO", f"id, image, {path}, {listed}", label=listed, options="'key' 'id'")
        rows = maker.input.rows(f"id, image, {path}, {listed}")
        expected = [image_row(row, labels) for row in rows]
        found = (row for file in written.shards() for row in read_images.by_mxnet(file))
        checks.rows(found, expected, f"IMAGE_RECORDIO by mxnet, label {listed}")
        found = (row for file in written.shards() for _, row in read_images.by_structure(file))
        checks.rows(found, expected, f"IMAGE_RECORDIO by its structure, label {listed}")
        check_image_lists(written, {row["id"]: row for row in rows}, labels)
        checks.that(True, f"IMAGE_RECORDIO: index and list of every shard, label {listed}")


def image_row(row: Row, labels: list[str]) -> Row:
    values = [float(row[name]) for name in labels]
    vector = values if len(values) > 1 else []
    label = 0.0 if vector else values[0]
    return {"id": row["id"], "second": 0, "flag": len(vector), "label": label, "labels": vector, "image": row["image"]}


def check_image_lists(written: TrainingSet, rows: dict[int, Row], labels: list[str]) -> None:
    """The index has the offset of every record, the list its labels and path; both in the order of the shard."""
    for file in written.shards():
        records = [(row["id"], offset) for offset, row in read_images.by_structure(file)]
        beside = written.location / "_gristmill" / file.relative_to(written.location)
        index = [tuple(map(int, fields)) for fields in read_images.tabbed(beside.with_suffix(".idx"))]
        if index != records:
            raise AssertionError(f"the index of {file}: expected {records[:3]} …, found {index[:3]} …")
        keys = [row["id"] for row in read_images.by_mxnet(file, [offset for _, offset in index])]
        if keys != [key for key, _ in index]:
            raise AssertionError(f"the index of {file}: by its offsets mxnet reads {keys[:3]} …, the keys are {index[:3]} …")
        fields = read_images.tabbed(beside.with_suffix(".lst"))
        listed = [(int(key), [float(label) for label in middle], path) for key, *middle, path in fields]
        expected = [(key, [float(rows[key][name]) for name in labels], rows[key]["path"] or str(key)) for key, _ in records]
        if listed != expected:
            raise AssertionError(f"the list of {file}: expected {expected[:3]} …, found {listed[:3]} …")
