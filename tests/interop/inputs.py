"""What the training sets of every format are made of: rows that DuckDB writes to Parquet, and reads back as what is expected."""

import pathlib

import duckdb

from checks import Row, quoted

ROWS = 600


def one_of(kind: str, *values: str) -> str:
    """A column that takes the values in turn, mixed with the row's number so that columns do not run in step."""
    listed = ", ".join(f"CAST({value} AS {kind})" for value in values)
    return f"CAST([{listed}][1 + (i // {len(values)} + i) % {len(values)}] AS {kind})"


def of_magnitude(seed: int, exponent: int) -> str:
    """A column of 64-bit floats of all digits, up to ten to the power of `exponent` and as close to zero, of both signs."""
    share = f"(hash(i + {seed}) / 18446744073709551616.0 - 0.5)"
    return f"{share} * pow(10, CAST(hash(i + {seed + 1}) % {2 * exponent} AS INTEGER) - {exponent})"


def digits(seed: int, count: str) -> str:
    return f"left(CAST(hash(i + {seed}) AS VARCHAR), {count})"


def with_gaps(expression: str, every: int) -> str:
    return f"CASE WHEN i % {every} <> 1 THEN {expression} END"


# The ends of the range, and what becomes another 32-bit float on the way over a 64-bit one.
BIG = ["'-9223372036854775808'", "'9223372036854775807'", "18014399583223809", "9007199254740993", "0"]
SINGLE = ["'nan'", "'inf'", "'-inf'", "'-0.0'", "0.1", "1e-45", "3.4028235e38", "16777217", "-1.5"]
DOUBLE = ["'nan'", "'inf'", "'-inf'", "'-0.0'", "0.1", "5e-324", "1.7976931348623157e308", "9007199254740993", "1e23"]
MOMENTS = ["'0001-01-01'", "'1969-12-31 23:59:59.999999'", "'2024-02-29 12:00:00.25'", "'9999-12-31 23:59:59'"]
TEXT = [
    "''",
    "'plain'",
    "'comma, \"quoted\" and; more'",
    "'two' || chr(10) || 'lines'",
    "'tab' || chr(9) || 'back\\slash /'",
    "'Zürich 東京 🦀'",
    "' blanks around '",
    "'null'",
    "'1e5'",
    "chr(1) || chr(31) || chr(127)",
]
MAGIC = "\\x0A\\x23\\xD7\\xCE"
# Columns by name. Each kind has its extremes; the gaps are where the row number is 1 modulo a prime.
COLUMNS = {
    "id": "CAST(i AS BIGINT)",
    "y": "CAST(i % 3 AS INTEGER)",
    "flag": with_gaps("i % 2 = 0", 5),
    "tiny": with_gaps(one_of("TINYINT", "-128", "127", "0", "-1"), 7),
    "small": with_gaps(one_of("SMALLINT", "-32768", "32767", "0"), 11),
    "whole": with_gaps(one_of("INTEGER", "-2147483648", "2147483647", "0", "16777217"), 13),
    "big": with_gaps(one_of("BIGINT", *BIG), 17),
    "huge": with_gaps(one_of("UBIGINT", "'18446744073709551615'", "0", "'9223372036854775808'"), 5),
    "single": with_gaps(one_of("FLOAT", *SINGLE), 7),
    "double": with_gaps(one_of("DOUBLE", *DOUBLE), 11),
    "amount": with_gaps(one_of("DECIMAL(20, 4)", "'-9999999999999999.9999'", "'0.0001'", "'-0.5'", "'0'", "'12.5'"), 13),
    # Of all magnitudes, with all digits.
    "any_single": f"CAST({of_magnitude(0, 37)} AS FLOAT)",
    "any_double": of_magnitude(2, 300),
    "any_amount": f"CAST({digits(4, '1 + i % 19')} || '.' || {digits(5, '10')} AS DECIMAL(38, 10)) * (i % 2 * 2 - 1)",
    "day": with_gaps(one_of("DATE", "'0001-01-01'", "'1969-12-31'", "'1970-01-01'", "'2024-02-29'", "'9999-12-31'"), 17),
    "clock": with_gaps(one_of("TIME", "'00:00:00'", "'23:59:59.999999'", "'12:30:00.5'"), 5),
    "moment": with_gaps(one_of("TIMESTAMP", *MOMENTS), 7),
    "instant": with_gaps(one_of("TIMESTAMPTZ", "'1996-03-13 12:00:00+01'", "'2038-01-19 03:14:08.000001+00'"), 11),
    "text": with_gaps(one_of("VARCHAR", *TEXT), 13),
    "blob": with_gaps(one_of("BLOB", "''", "'\\x00\\xFF\\x0A'", "'abc'"), 17),
    "numbers": with_gaps(one_of("BIGINT[]", "[]", "[1]", "[-1, 0, 9007199254740993]"), 5),
    "words": with_gaps(one_of("VARCHAR[]", "['a', '', 'ü']", "[]", "['x']"), 7),
    "gappy": with_gaps(one_of("DOUBLE[]", "[1.5, NULL, CAST('-0.0' AS DOUBLE)]", "[NULL]", "[]"), 11),
    "vector": with_gaps("[CAST(i AS FLOAT) / 3, CAST('-0.0' AS FLOAT), CAST(i % 7 AS FLOAT)]", 13),
    "pair": with_gaps("{'a': CAST(i AS INTEGER), 'b': CASE WHEN i % 2 = 0 THEN 'b' || i END}", 17),
    # As Spark ML has it; without entries where the row number is 0 modulo 4.
    "sparse": """{'size': CAST(6 AS INTEGER),
        'indices': CASE i % 4 WHEN 0 THEN [] WHEN 1 THEN [0, 5] ELSE [2] END::INTEGER[],
        'values': CASE i % 4 WHEN 0 THEN [] WHEN 1 THEN [i + 0.5, -1] ELSE [0] END::DOUBLE[]}""",
    # Columns without gaps and without NaN or infinities, for formats that have neither.
    "dense_f32": "CAST(i AS FLOAT) / 7",
    "dense_text": f"coalesce({one_of('VARCHAR', *TEXT)}, '')",
    "dense_blob": one_of("BLOB", "''", "'\\x00\\xFF\\x0A'", "'abc'"),
    # Bytes in which RecordIO's magic number stands at offsets that are multiples of four, and at others.
    "image": one_of("BLOB", f"'{MAGIC}'", f"'abc{MAGIC}'", f"'abcd{MAGIC}{MAGIC}e'", "'JPEG'", f"'JPEG{MAGIC}'"),
    # The number whose 32-bit float is the magic number, and one beside it.
    "magic": one_of("DOUBLE", "-1804698880", "-1804698752"),
    "weight": "1 + CAST(i % 4 AS DOUBLE) / 4",
    "rank": "CAST(i // 10 AS BIGINT)",
}
# Lists of them, as a query has them.
NUMBERS = "y, id, flag, tiny, small, whole, big, huge, amount"
SCALARS = f"{NUMBERS}, single, double, any_single, any_double, any_amount, day, clock, moment, instant, text"
NESTED = f"{SCALARS}, blob, numbers, words, gappy, vector, pair"
VECTOR = "arrow_cast(vector, 'FixedSizeList(3, Float32)') AS vector"


class Input:
    """The rows as a Parquet file, and DuckDB over that file."""

    def __init__(self, folder: pathlib.Path):
        self.file = folder / "values.parquet"
        self.oracle = duckdb.connect()
        self.oracle.execute("SET timezone = 'UTC'")
        columns = ", ".join(f"{expression} AS {name}" for name, expression in COLUMNS.items())
        self.oracle.execute(f"COPY (SELECT {columns} FROM range({ROWS}) numbers(i)) TO {quoted(self.file)} (FORMAT parquet)")

    def rows(self, columns: str, condition: str = "true") -> list[Row]:
        """What DuckDB reads. `columns` is what follows SELECT."""
        found = self.oracle.execute(f"SELECT {columns} FROM read_parquet({quoted(self.file)}) WHERE {condition}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row)) for row in found.fetchall()]

    def types(self, columns: str) -> dict[str, str]:
        """DuckDB's types of the columns."""
        described = self.oracle.execute(f"DESCRIBE SELECT {columns} FROM read_parquet({quoted(self.file)})")
        return {name: kind for name, kind, *_ in described.fetchall()}
