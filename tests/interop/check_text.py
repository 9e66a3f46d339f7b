"""CSV, LIBSVM, JSON Lines, augmented manifests and BlazingText's lines: each value must be the one that DuckDB reads."""

import math

import numpy as np

import read_text
from checks import Checks, Row, nearest
from inputs import NESTED, SCALARS, VECTOR
from sets import Maker

LIBSVM_FEATURES = ["id", "flag", "tiny", "small", "whole", "big", "huge", "amount", "any_single", "any_double", "any_amount"]


def check_text(checks: Checks, maker: Maker) -> None:
    check_csv(checks, maker)
    check_csv_by_xgboost(checks, maker)
    check_csv_vectors(checks, maker)
    check_libsvm(checks, maker)
    check_libsvm_groups(checks, maker)
    check_libsvm_weights(checks, maker)
    check_json(checks, maker)
    check_deepar(checks, maker)
    check_augmented_manifest(checks, maker)
    check_blazingtext(checks, maker)


def check_csv(checks: Checks, maker: Maker) -> None:
    expected = maker.input.rows(SCALARS)
    types = maker.input.types(SCALARS)
    written = maker.make("CSV", SCALARS)
    checks.rows(read_text.csv(written.shards(), types), expected, "CSV by pyarrow")
    for compression, suffix in {"gzip": ".csv.gz", "zstd": ".csv.zst"}.items():
        written = maker.make("CSV", SCALARS, options=f"'header' 'true', 'delimiter' '\\t', 'compression' '{compression}'")
        checks.equal(written.suffixes(), {suffix}, f"CSV, {compression}: the files' extension")
        found = read_text.csv(written.shards(), types, header=True, delimiter="\t")
        checks.rows(found, expected, f"CSV by pyarrow, header, tabs, {compression}")


def check_csv_by_xgboost(checks: Checks, maker: Maker) -> None:
    """As SageMaker's XGBoost reads it: label, weight, features; a null and NaN are missing, numbers are 32-bit floats.

    Without infinities, which it refuses, and without what it takes for infinite or rounds to 1.2e-38: the ends of a float's range.
    """
    features = ["flag", "tiny", "single", "amount"]
    listed = ", ".join(features)
    usual = "single IS NULL OR isnan(single) OR single = 0 OR abs(single) BETWEEN 1e-37 AND 1e38"
    written = maker.make("CSV", f"y, id, weight, {listed}, {VECTOR}", options="'weight' 'weight'", where=usual)
    expected = []
    for row in maker.input.rows(f"y, id, weight, {listed}, vector", usual):
        values = [nearest(row[name], "float32") for name in features] + (row["vector"] or [math.nan] * 3)
        present = {at: value for at, value in enumerate(values, 1) if not math.isnan(value)}
        expected.append({"id": row["id"], "label": float(row["y"]), "weight": row["weight"], "present": present})
    found = read_text.xgboost_rows(written.shards(), "format=csv&label_column=0&weight_column=1")
    checks.rows(found, expected, "CSV by xgboost, weights, expanded vectors")


def check_csv_vectors(checks: Checks, maker: Maker) -> None:
    """Several labels stand first; `categorical_index.json` counts columns as they are in the file."""
    written = maker.make("CSV", f"id, {VECTOR}, y, whole", label="whole, y", options="'header' 'true'")
    places = ", ".join(f"vector[{at + 1}] AS vector_{at}" for at in range(3))
    columns = f"whole, y, id, {places}"
    found = read_text.csv(written.shards(), maker.input.types(columns), header=True)
    checks.rows(found, maker.input.rows(columns), "CSV by pyarrow, label vector, expanded vectors")
    written = maker.make("CSV", "tiny, id, y, big, small", options="'categorical' 'small, tiny'")
    for split in written.splits():
        found = read_text.json_file(written.location / split / "categorical_index.json")
        checks.equal(found, {"cat_index_list": [1, 4]}, f"CSV: categorical_index.json of {split}")


def libsvm_row(row: Row, zeros: bool = True) -> Row:
    """What a row has at which index: no nulls, of a sparse vector its own entries. The id is at index 0."""
    values = [row[name] for name in LIBSVM_FEATURES if name in row] + (row["vector"] or [None] * 3)
    present = {at: as_printed(value) for at, value in enumerate(values) if value is not None and (zeros or value != 0)}
    sparse = {len(values) + at: value for at, value in zip(row["sparse"]["indices"], row["sparse"]["values"], strict=True)}
    del present[0]
    return {"id": row["id"], "label": float(row["y"]), "present": present | sparse}


def as_printed(value: object) -> float:
    """The 64-bit float of a number's text. Of a 32-bit float that is the shortest text that gives it back to a 32-bit reader."""
    return float(str(np.float32(value))) if isinstance(value, float) and nearest(value, "float32") == value else float(value)


def check_libsvm(checks: Checks, maker: Maker) -> None:
    listed = ", ".join(LIBSVM_FEATURES)
    for first, zeros in [(0, True), (1, True), (0, False)]:
        options = f"'sparse_size' '6', 'one_based' '{str(first == 1).lower()}', 'zeros' '{str(zeros).lower()}'"
        written = maker.make("LIBSVM", f"y, {listed}, {VECTOR}, sparse", options=options, where="id > 0")
        expected = [libsvm_row(row, zeros) for row in maker.input.rows(f"y, {listed}, vector, sparse", "id > 0")]
        found = read_text.libsvm(written.shards(), zero_based=first == 0)
        checks.rows(found, expected, f"LIBSVM by scikit-learn, from {first}, {'with' if zeros else 'without'} zeros")


def check_libsvm_groups(checks: Checks, maker: Maker) -> None:
    written = maker.make("LIBSVM", f"y, id, rank, whole, {VECTOR}, sparse", options="'sparse_size' '6', 'group' 'rank'")
    expected = []
    for row in maker.input.rows("y, id, rank, whole, vector, sparse"):
        plain = libsvm_row(row)
        expected.append({"id": row["id"], "label": plain["label"], "group": row["rank"], "present": plain["present"]})
    found = read_text.libsvm(written.shards(), query_id=True)
    checks.rows(found, expected, "LIBSVM by scikit-learn, groups")


def check_libsvm_weights(checks: Checks, maker: Maker) -> None:
    columns = "y, id, weight, flag, tiny, small"
    written = maker.make("LIBSVM", f"{columns}, {VECTOR}, sparse", options="'sparse_size' '6', 'weight' 'weight'")
    expected = []
    for row in maker.input.rows(f"{columns}, vector, sparse"):
        plain = libsvm_row(row)
        present = {at: nearest(value, "float32") for at, value in plain["present"].items()}
        expected.append({"id": row["id"], "label": plain["label"], "weight": row["weight"], "present": present})
    found = read_text.xgboost_rows(written.shards(), "format=libsvm&indexing_mode=0")
    checks.rows(found, expected, "LIBSVM by xgboost, weights")


def check_json(checks: Checks, maker: Maker) -> None:
    """Without options NaN and infinities are null; with them they are text, and nulls are left out."""
    types = maker.input.types(NESTED)
    rows = maker.input.rows(NESTED)
    written = maker.make("JSONL", NESTED)
    expected = [{name: without_specials(value) for name, value in row.items()} for row in rows]
    checks.rows(read_text.json_lines(written.shards(), types), expected, "JSONL by json")
    written = maker.make("JSONL", NESTED, options="'nulls' 'omit', 'nan' 'string', 'compression' 'gzip'")
    expected = [without_nulls({name: without_nulls(value) for name, value in row.items()}) for row in rows]
    found = read_text.json_lines(written.shards(), types)
    checks.rows(found, expected, "JSONL by json, gzip, without nulls, NaN and infinities as text")


def without_specials(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def without_nulls(value: object) -> object:
    return {name: field for name, field in value.items() if field is not None} if isinstance(value, dict) else value


def check_deepar(checks: Checks, maker: Maker) -> None:
    """Moments as SQL writes them, which a fraction of a second would break; NaN is text; the extension is what DeepAR knows."""
    columns = "date_trunc('second', moment) AS start, [double, 1.5] AS target, [y, y] AS cat, id"
    options = "'timestamp_format' 'sql', 'nan' 'string', 'extension' 'json', 'compression' 'gzip'"
    written = maker.make("JSONL", columns, label="", options=options, where="moment IS NOT NULL")
    checks.equal(written.suffixes(), {".json.gz"}, "JSONL for DeepAR: the files' extension")
    types = maker.input.types(columns) | {"start": "VARCHAR"}
    expected = [row | {"start": row["start"].isoformat(" ")} for row in maker.input.rows(columns, "moment IS NOT NULL")]
    checks.rows(read_text.json_lines(written.shards(), types), expected, "JSONL for DeepAR by json")


def check_augmented_manifest(checks: Checks, maker: Maker) -> None:
    columns = "'s3://bucket/' || id || '.jpg' AS \"source-ref\", y AS class, text, big, id"
    written = maker.make("AUGMENTED_MANIFEST", columns, label="", options="'shards' '1'")
    expected = maker.input.rows(columns)
    checks.rows(read_text.json_lines(written.shards(), maker.input.types(columns)), expected, "AUGMENTED_MANIFEST by json")


def check_blazingtext(checks: Checks, maker: Maker) -> None:
    """Lines have no key, so they are compared in order of their text."""
    one_line = "dense_text NOT LIKE '%' || chr(10) || '%'"
    written = maker.make("BLAZINGTEXT", "y, dense_text", options="'shards' '1'", where=one_line)
    expected = sorted(f"__label__{row['y']} {row['dense_text']}" for row in maker.input.rows("y, dense_text", one_line))
    found = sorted(line for file in written.shards() for line in read_text.lines(file))
    checks.equal(found, expected, f"BLAZINGTEXT: {len(expected)} lines of DuckDB's labels and texts")
