"""Rows of the formats that are text: CSV by Arrow and by XGBoost, LIBSVM by scikit-learn and by XGBoost, JSON Lines by `json`."""

import base64
import datetime
import decimal
import gzip
import json
import pathlib
import warnings
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv
import sklearn.datasets
import xgboost

from checks import Row

# DuckDB's types, as Arrow's CSV reader is told them.
ARROW_TYPES = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "UBIGINT": pa.uint64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "DECIMAL(20,4)": pa.decimal128(20, 4),
    "DECIMAL(38,10)": pa.decimal128(38, 10),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
    "VARCHAR": pa.string(),
}


def csv(files: list[pathlib.Path], types: dict[str, str], *, header: bool = False, delimiter: str = ",") -> Iterator[Row]:
    """CSV by Arrow, with an empty field as a null and `""` as empty text. With a header the names are the file's."""
    for file in files:
        table = pyarrow.csv.read_csv(
            pa.input_stream(file, compression="detect"),
            read_options=pyarrow.csv.ReadOptions(column_names=None if header else list(types)),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: ARROW_TYPES[kind] for name, kind in types.items()},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["1"],
                false_values=["0"],
            ),
        )
        yield from table.to_pylist()


def xgboost_rows(files: list[pathlib.Path], query: str) -> Iterator[Row]:
    """CSV or LIBSVM by XGBoost: what a row has, by the number of the column. The first column is the id."""
    for file in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # text input is deprecated; SageMaker's container still uses it
            matrix = xgboost.DMatrix(f"{file}?{query}")
        data, labels, weights = matrix.get_data(), matrix.get_label(), matrix.get_weight()
        for row in range(matrix.num_row()):
            entries = slice(data.indptr[row], data.indptr[row + 1])
            present = entries_by_index(data.indices[entries], data.data[entries])
            weight = {"weight": weights[row].item()} if len(weights) else {}
            yield {"id": int(present.pop(0)), "label": labels[row].item(), **weight, "present": present}


def libsvm(files: list[pathlib.Path], *, zero_based: bool = True, query_id: bool = False) -> Iterator[Row]:
    """LIBSVM by scikit-learn: the entries of each row, stored zeros among them. The first feature is the id."""
    for file in files:
        matrix, labels, *groups = sklearn.datasets.load_svmlight_file(str(file), zero_based=zero_based, query_id=query_id)
        for row in range(matrix.shape[0]):
            entries = slice(matrix.indptr[row], matrix.indptr[row + 1])
            present = entries_by_index(matrix.indices[entries], matrix.data[entries])
            group = {"group": groups[0][row].item()} if query_id else {}
            yield {"id": int(present.pop(0)), "label": labels[row].item(), **group, "present": present}


def entries_by_index(indices: np.ndarray, values: np.ndarray) -> dict[int, float]:
    if (np.diff(indices.astype(np.int64)) <= 0).any():
        raise AssertionError(f"indices do not ascend: {indices}")
    return dict(zip(indices.tolist(), values.tolist(), strict=True))


def lines(file: pathlib.Path) -> list[str]:
    """The lines of a text file, each ended by a line feed, and by nothing else."""
    text = (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).decode("utf-8")
    if not text.endswith("\n"):
        raise AssertionError(f"{file} does not end in a line feed")
    return text[:-1].split("\n")


def json_file(file: pathlib.Path) -> object:
    return json.loads(file.read_text(encoding="utf-8"), parse_constant=refuse, object_pairs_hook=without_repeats)


def json_lines(files: list[pathlib.Path], types: dict[str, str]) -> Iterator[Row]:
    for file in files:
        for line in lines(file):
            row = json.loads(line, parse_float=decimal.Decimal, parse_constant=refuse, object_pairs_hook=without_repeats)
            yield {name: typed(value, types[name]) for name, value in row.items()}


def refuse(constant: str):
    raise AssertionError(f"{constant} is no JSON")


def without_repeats(pairs: list[tuple]) -> dict:
    if len(dict(pairs)) != len(pairs):
        raise AssertionError(f"a name is there twice: {pairs}")
    return dict(pairs)


def typed(value: object, kind: str) -> object:
    """A value of JSON, whose numbers are decimals or integers, as the Python value of DuckDB's type."""
    if value is None or kind.startswith("STRUCT"):
        return value
    if kind.endswith("]"):
        return [typed(element, kind[: kind.rindex("[")]) for element in value]
    match kind:
        case "FLOAT":
            return np.float32(str(value)).item()
        case "DOUBLE":
            return float(value)
        case "DATE":
            return datetime.date.fromisoformat(value)
        case "TIME":
            return datetime.time.fromisoformat(value)
        case "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE":
            return datetime.datetime.fromisoformat(value)
        case "BLOB":
            return base64.b64decode(value, validate=True)
    return decimal.Decimal(value) if kind.startswith("DECIMAL") else value
