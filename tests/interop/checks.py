"""Counts what held, and compares what a reader found with what DuckDB reads from the input, value by value."""

import decimal
import math
import pathlib
import struct
from collections.abc import Iterable

import numpy as np

# A row as a reader gives it, or as DuckDB does: plain Python values by column, None for a null.
Row = dict[str, object]


class Checks:
    """Counts what held; the first thing that does not ends the run."""

    def __init__(self) -> None:
        self.passed = 0

    def that(self, holds: bool, what: str, detail: object = "") -> None:
        if not holds:
            raise AssertionError(f"{what}{f': {detail}' if str(detail) else ''}")
        self.passed += 1
        print(f"ok {self.passed}: {what}", flush=True)

    def equal(self, found: object, expected: object, what: str) -> None:
        self.that(found == expected, what, f"expected {expected!r}, found {found!r}")

    def rows(self, found: Iterable[Row], expected: Iterable[Row], what: str, key: str = "id") -> None:
        rows, values = compare(found, expected, what, key)
        self.that(rows > 0, f"{what}: {rows} rows, {values} values equal to DuckDB's")


def compare(found: Iterable[Row], expected: Iterable[Row], what: str, key: str = "id") -> tuple[int, int]:
    """Each expected row is found once, in any order, with the same columns in order and the same values: how many of both.

    Raises an AssertionError that names the row and the column.
    """
    wanted = {row[key]: row for row in expected}
    seen = set()
    values = 0
    for row in found:
        if row.get(key) not in wanted or row[key] in seen:
            raise AssertionError(f"{what}: the row of {key} {row.get(key)!r} is there twice, or is not of the input: {row}")
        seen.add(row[key])
        values += check_row(row, wanted[row[key]], f"{what}: row of {key} {row[key]!r}")
    lost = [name for name in wanted if name not in seen]
    if lost:
        raise AssertionError(f"{what}: {len(lost)} of {len(wanted)} rows are lost, such as {key} {lost[0]!r}")
    return len(seen), values


def check_row(found: Row, expected: Row, where: str) -> int:
    """The number of values that were compared."""
    if list(found) != list(expected):
        raise AssertionError(f"{where}: expected the columns {list(expected)}, found {list(found)}")
    for column, value in expected.items():
        if isinstance(value, dict) and isinstance(found[column], dict):
            check_row(found[column], value, f"{where}, {column}")
        elif not same(found[column], value):
            raise AssertionError(f"{where}, column {column}: expected {value!r}, found {found[column]!r}")
    return leaves(expected)


def leaves(value: object) -> int:
    """How many values there are in a value."""
    match value:
        case dict():
            return sum(map(leaves, value.values()))
        case list():
            return sum(map(leaves, value))
    return 1


def same(found: object, expected: object) -> bool:
    """Equal in type and value: NaN is NaN, -0.0 is not 0.0, True is not 1, and nothing is close enough."""
    if type(found) is not type(expected):
        return False
    if isinstance(expected, float):
        return math.isnan(found) if math.isnan(expected) else struct.pack("d", found) == struct.pack("d", expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(same(a, b) for a, b in zip(found, expected))
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(same(found[name], expected[name]) for name in expected)
    return found == expected


def nearest(value: object, kind: str) -> object:
    """The number of NumPy's type `kind` that is nearest to a value of DuckDB's, as Python has it; NaN for a null."""
    if value is None:
        return math.nan
    with np.errstate(over="ignore"):
        return np.array(float(value) if isinstance(value, decimal.Decimal) else value).astype(kind).item()


def quoted(path: pathlib.Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
