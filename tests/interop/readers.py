"""Reads the shards of a split as a training job would, and trains on them. Knows nothing about how they were made."""

import dataclasses
import pathlib
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import xgboost

ROUNDS = 30
PARAMETERS = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 4, "eta": 0.3, "nthread": 2, "seed": 1}


@dataclasses.dataclass(frozen=True)
class Examples:
    """Rows in order of their keys, so that two readers of the same split can be compared row by row.

    Shape: labels [n]; features [n, columns], missing values as NaN, the first `keys` columns are the key.
    """

    labels: np.ndarray
    features: np.ndarray

    @staticmethod
    def sorted_by_key(labels: np.ndarray, features: np.ndarray, keys: int) -> "Examples":
        order = np.lexsort(tuple(features[:, column] for column in reversed(range(keys))))
        return Examples(labels[order], features[order])

    def matrix(self) -> xgboost.DMatrix:
        return xgboost.DMatrix(self.features, label=self.labels)


def read_csv(folder: pathlib.Path, keys: int) -> Examples:
    """A folder of CSV shards through XGBoost's own parser: label in column 0, no header, missing = nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # text input is deprecated; SageMaker's container still uses it
        matrix = xgboost.DMatrix(f"{folder}?format=csv&label_column=0")
    rows = matrix.get_data()
    features = np.full(rows.shape, np.nan, dtype=np.float32)
    row_of_value = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    features[row_of_value, rows.indices] = rows.data
    return Examples.sorted_by_key(matrix.get_label(), features, keys)


def read_parquet(folder: pathlib.Path, label: str, keys: int) -> Examples:
    """A folder of Parquet shards through Arrow; the label must be the first column."""
    table = pyarrow.dataset.dataset(folder, format="parquet").to_table()
    if table.column_names[0] != label:
        raise AssertionError(f"the first column of {folder} is {table.column_names[0]}, not the label {label}")
    columns = [column.cast(pa.float64()).to_numpy().astype(np.float32) for column in table.columns]
    return Examples.sorted_by_key(columns[0], np.column_stack(columns[1:]), keys)


@dataclasses.dataclass(frozen=True)
class Model:
    """A model and how it does on the rows it was validated with."""

    predictions: np.ndarray
    log_loss: float
    chance_log_loss: float
    area_under_curve: float


def train(train_rows: Examples, validation_rows: Examples) -> Model:
    booster = xgboost.train(PARAMETERS, train_rows.matrix(), ROUNDS)
    predictions = booster.predict(validation_rows.matrix())
    always = np.full_like(predictions, train_rows.labels.mean())
    return Model(
        predictions,
        log_loss(validation_rows.labels, predictions),
        log_loss(validation_rows.labels, always),
        area_under_curve(validation_rows.labels, predictions),
    )


def log_loss(labels: np.ndarray, predictions: np.ndarray) -> float:
    clipped = np.clip(predictions.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped)))


def area_under_curve(labels: np.ndarray, predictions: np.ndarray) -> float:
    """The chance that a positive row is ranked above a negative one; ties count half (Mann-Whitney)."""
    _, group, sizes = np.unique(predictions, return_inverse=True, return_counts=True)
    last_ranks = np.cumsum(sizes)
    ranks = (last_ranks - (sizes - 1) / 2)[group]
    positives = int(labels.sum())
    negatives = len(labels) - positives
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))
