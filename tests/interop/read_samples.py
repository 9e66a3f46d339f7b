"""Rows of the formats that are samples for loaders: WebDataset, and MosaicML Streaming's MDS."""

import importlib.util
import json
import pathlib
import sys
import types
from collections.abc import Iterator

import numpy as np
import webdataset

from checks import Row

# Where the release is that README.md speaks of, beside the packages of this environment.
OLDER_STREAMING = pathlib.Path(sys.prefix) / "streaming-0.5.0"


def samples(files: list[pathlib.Path]) -> Iterator[Row]:
    """By `webdataset`, decoded as it does by itself. The members are in the order of the file."""
    names = [str(file) for file in files]
    for sample in webdataset.WebDataset(names, shardshuffle=False, empty_check=False).decode():
        yield {"key": sample["__key__"], **{name: plain(value) for name, value in sample.items() if not name.startswith("__")}}


def load_streaming() -> tuple[type, types.ModuleType]:
    """`MDSReader` and the module of compression, without the initialisers of their packages, which import torch."""
    found = importlib.util.find_spec("streaming").submodule_search_locations[0]
    newest, older = pathlib.Path(found), OLDER_STREAMING / "streaming"
    folders = {
        "streaming": newest,
        "streaming.base": newest / "base",
        "streaming.base.format": newest / "base" / "format",
        "streaming.base.format.mds": newest / "base" / "format" / "mds",
        # Since 0.5.1 the module of the base class imports torch.distributed on its way.
        "streaming.base.format.base": older / "base" / "format" / "base",
    }
    for name, folder in folders.items():
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    reader = importlib.import_module("streaming.base.format.mds.reader")
    return reader.MDSReader, importlib.import_module("streaming.base.compression")


MDSReader, streaming_compression = load_streaming()


def mds(folder: pathlib.Path, scratch: pathlib.Path) -> Iterator[Row]:
    """By `streaming`'s own classes. Compressed shards are decompressed into `scratch`, as its dataset does into its cache."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    if index["version"] != 2:
        raise AssertionError(f"{folder}: version {index['version']} of the index")
    for shard in index["shards"]:
        held = folder
        if shard["zip_data"]:
            held = scratch
            packed = sized(folder, shard["zip_data"]).read_bytes()
            (scratch / shard["raw_data"]["basename"]).write_bytes(streaming_compression.decompress(shard["compression"], packed))
        sized(held, shard["raw_data"])
        reader = MDSReader.from_json(str(held), None, shard)
        reader.validate(allow_unsafe_types=False)
        for at in range(len(reader)):
            yield {name: plain(value) for name, value in reader[at].items()}


def sized(folder: pathlib.Path, info: dict) -> pathlib.Path:
    """The file of an index's entry, whose size must be the entry's."""
    file = folder / info["basename"]
    if file.stat().st_size != info["bytes"]:
        raise AssertionError(f"{file} has {file.stat().st_size} bytes, the index says {info['bytes']}")
    return file


def plain(value: object) -> object:
    """NumPy's scalars and arrays as Python's."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
