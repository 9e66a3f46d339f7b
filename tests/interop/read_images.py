"""Rows of RecordIO of images: by MXNet's reader, and by the structure of the file; and the files beside it."""

import ctypes
import importlib.util
import pathlib
import struct
from collections.abc import Iterator

from checks import Row

MAGIC = 0xCED7230A


def load_mxnet() -> ctypes.CDLL:
    """MXNet's library, as its package has it; the package's Python is of a time before NumPy 1.24."""
    folder = importlib.util.find_spec("mxnet").submodule_search_locations[0]
    return ctypes.CDLL(str(pathlib.Path(folder) / "libmxnet.so"))


MXNET = load_mxnet()


def by_mxnet(file: pathlib.Path, offsets: list[int] | None = None) -> Iterator[Row]:
    """The records that MXNet reads, one after the other, or those at offsets."""
    reader = ctypes.c_void_p()
    told(MXNET.MXRecordIOReaderCreate(str(file).encode(), ctypes.byref(reader)))
    try:
        if offsets is None:
            while (payload := next_of(reader)) is not None:
                yield image_row(payload)
        for offset in offsets or []:
            told(MXNET.MXRecordIOReaderSeek(reader, ctypes.c_size_t(offset)))
            yield image_row(next_of(reader))
    finally:
        told(MXNET.MXRecordIOReaderFree(reader))


def next_of(reader: ctypes.c_void_p) -> bytes | None:
    data, size = ctypes.c_void_p(), ctypes.c_size_t()
    told(MXNET.MXRecordIOReaderReadRecord(reader, ctypes.byref(data), ctypes.byref(size)))
    return ctypes.string_at(data, size.value) if data else None


def told(code: int) -> None:
    if code != 0:
        MXNET.MXGetLastError.restype = ctypes.c_char_p
        raise AssertionError(f"mxnet: {MXNET.MXGetLastError().decode()}")


def by_structure(file: pathlib.Path) -> Iterator[tuple[int, Row]]:
    """The records of an image file with their offsets: frames, parts and headers as MXNet has them, checked byte by byte."""
    data = file.read_bytes()
    at = 0
    while at < len(data):
        start, parts, flag = at, [], 0
        while not parts or flag in (1, 2):
            magic, word = struct.unpack_from("<II", data, at)
            flag, length = word >> 29, word & ((1 << 29) - 1)
            padding = -length % 4
            if magic != MAGIC or (flag in (0, 1)) == bool(parts) or any(data[at + 8 + length : at + 8 + length + padding]):
                raise AssertionError(f"{file}, offset {at}: magic {magic:#x}, flag {flag}, length {length} is no such frame")
            parts.append(data[at + 8 : at + 8 + length])
            at += 8 + length + padding
        yield start, image_row(struct.pack("<I", MAGIC).join(parts))


def image_row(payload: bytes) -> Row:
    count, label, key, second = struct.unpack_from("<IfQQ", payload)
    labels = list(struct.unpack_from(f"<{count}f", payload, 24))
    return {"id": key, "second": second, "flag": count, "label": label, "labels": labels, "image": payload[24 + 4 * count :]}


def tabbed(file: pathlib.Path) -> list[list[str]]:
    """The lines of an index or a list, each as its fields."""
    *lines, rest = file.read_text(encoding="utf-8").split("\n")
    if rest:
        raise AssertionError(f"{file} does not end in a line feed")
    return [line.split("\t") for line in lines]
