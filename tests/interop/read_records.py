"""Rows of the formats that are framed records: RecordIO-protobuf and TFRecord."""

import contextlib
import io
import pathlib
import struct
from collections.abc import Iterator

import sagemaker_training.record_pb2
import sagemaker_training.recordio
import tfrecord.reader

import sagemaker_sdk
from checks import Row

with contextlib.redirect_stdout(io.StringIO()):  # it prints a line when it is loaded
    import smdebug.core.tfrecord.record_reader
    import smdebug.exceptions

MAGIC = 0xCED7230A
ChecksumError = smdebug.exceptions.SMDebugRuntimeError


def recordio_by_sdk(files: list[pathlib.Path]) -> Iterator[Row]:
    """By the SageMaker Python SDK."""
    for file in files:
        with file.open("rb") as stream:
            yield from (record_row(record) for record in sagemaker_sdk.read_records(stream))


def recordio_by_container(files: list[pathlib.Path]) -> Iterator[Row]:
    """By what SageMaker's training containers have, which takes a record for whole whatever its flags say."""
    for file in files:
        with file.open("rb") as stream:
            for payload in sagemaker_training.recordio._read_recordio(stream):
                if MAGIC in struct.unpack(f"<{len(payload) // 4}I", payload[: len(payload) // 4 * 4]):
                    raise AssertionError(f"{file}: a record has the magic number where another record could begin")
                record = sagemaker_training.record_pb2.Record()
                record.ParseFromString(payload)
                yield record_row(record)


def record_row(record) -> Row:
    """The tensors of a record. The first feature is the id."""
    if list(record.features) != ["values"] or list(record.label) not in (["values"], []):
        raise AssertionError(f"tensors are not named `values`: {record}")
    kind = record.features["values"].WhichOneof("value")
    features = getattr(record.features["values"], kind)
    labels = [list(getattr(value, value.WhichOneof("value")).values) for value in record.label.values()]
    return {
        "id": int(features.values[0]),
        "kind": kind,
        "values": list(features.values),
        "keys": list(features.keys),
        "shape": list(features.shape),
        "label": labels[0] if labels else None,
        "uid": record.uid if record.HasField("uid") else None,
    }


def tfrecord_rows(files: list[pathlib.Path]) -> Iterator[Row]:
    """By `tfrecord`. Values are lists, as they are in an example; a feature that is not there is not in the row."""
    for file in files:
        compression = "gzip" if file.suffix == ".gz" else None
        for example in tfrecord.reader.tfrecord_loader(str(file), None, compression_type=compression):
            features = {name: listed(example[name]) for name in sorted(example)}
            yield {"id": features["id"][0], "features": features}


def listed(value: object) -> list:
    return [value] if isinstance(value, bytes) else value.tolist()


def tfrecord_checksums(files: list[pathlib.Path]) -> int:
    """The number of records whose both checksums `smdebug` computed, and found to be those of the file."""
    count = 0
    for file in files:
        reader = smdebug.core.tfrecord.record_reader.RecordReader(str(file))
        while reader.has_data():
            reader.read_record(check="full")
            count += 1
        reader.close()
    return count
