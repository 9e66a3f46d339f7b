"""The specification of xxh3-canonical-v1 a second time; writes golden_hash.tsv, which the Rust tests compare with.

    python3 -m venv venv && venv/bin/pip install xxhash==4.1.0 && venv/bin/python golden_hash.py > golden_hash.tsv

Lines: hash, case, domain, seed, hash in hex  |  split, fractions, thresholds  |  shard, order, shards, shard
"""

import math
import struct
from fractions import Fraction

import xxhash

DOMAINS = {
    "split": b"gristmill.split.v1",
    "order_high": b"gristmill.order.high.v1",
    "order_low": b"gristmill.order.low.v1",
    "sample": b"gristmill.sample.v1",
    "balance": b"gristmill.balance.v1",
    "stratum": b"gristmill.stratum.v1",
}


def hash_row(seed, domain, row):
    h = xxhash.xxh3_64_intdigest(DOMAINS[domain], seed=seed)
    for encoded in row:
        h = xxhash.xxh3_64_intdigest(encoded, seed=h)
    return h


null = b"\x00"


def boolean(v):
    return b"\x01" + (b"\x01" if v else b"\x00")


def integer(v):
    return b"\x02" + struct.pack("<q", v) if v < 2**63 else b"\x03" + struct.pack("<Q", v)


def floating(v):
    if math.isnan(v):
        return b"\x04" + struct.pack("<Q", 0x7FF8000000000000)
    return b"\x04" + struct.pack("<d", 0.0 if v == 0 else v)


def floating_bits(v):
    return b"\x04" + struct.pack("<d", v)


def decimal(unscaled, scale):
    if unscaled == 0:
        scale = 0
    while unscaled != 0 and unscaled % 10 == 0 and scale > -128:
        unscaled //= 10
        scale -= 1
    if -(2**127) <= unscaled < 2**127:
        return b"\x05" + struct.pack("<b", scale) + unscaled.to_bytes(16, "little", signed=True)
    return b"\x06" + struct.pack("<b", scale) + unscaled.to_bytes(32, "little", signed=True)


def text(v):
    return b"\x07" + v.encode()


def binary(v):
    return b"\x08" + v


def date(days):
    return b"\x09" + struct.pack("<q", days)


def seconds(tag, nanos):
    return bytes([tag]) + struct.pack("<qI", nanos // 10**9, nanos % 10**9)


def timestamp(nanos):
    return seconds(10, nanos)


def instant(nanos):
    return seconds(11, nanos)


def time(nanos):
    return b"\x0c" + struct.pack("<q", nanos)


def duration(nanos):
    return seconds(13, nanos)


def interval(months, days, nanos):
    return b"\x0e" + struct.pack("<iiq", months, days, nanos)


def array(*elements):
    return b"\x0f" + struct.pack("<I", len(elements)) + b"".join(elements)


def record(*fields):
    return b"\x10" + struct.pack("<I", len(fields)) + b"".join(fields)


def mapping(*entries):
    return b"\x11" + struct.pack("<I", len(entries)) + b"".join(k + v for k, v in entries)


CASES = {
    "null": [null],
    "true": [boolean(True)],
    "false": [boolean(False)],
    "integer 0": [integer(0)],
    "integer 1": [integer(1)],
    "integer -1": [integer(-1)],
    "integer 127": [integer(127)],
    "integer i64 min": [integer(-(2**63))],
    "integer i64 max": [integer(2**63 - 1)],
    "integer 2^63": [integer(2**63)],
    "integer u64 max": [integer(2**64 - 1)],
    "float 0": [floating(0.0)],
    "float 1.5": [floating(1.5)],
    "float -1.5": [floating(-1.5)],
    "float 0.1 of 64 bits": [floating(0.1)],
    "float 0.1 of 32 bits": [floating(struct.unpack("<f", struct.pack("<f", 0.1))[0])],
    "float 2^-24": [floating(2.0**-24)],
    "float nan": [floating(math.nan)],
    "float infinity": [floating(math.inf)],
    "float -infinity": [floating(-math.inf)],
    "decimal 0": [decimal(0, 0)],
    "decimal 1": [decimal(1, 0)],
    "decimal 1.5": [decimal(15, 1)],
    "decimal -0.05": [decimal(-5, 2)],
    "decimal 1500": [decimal(15, -2)],
    "decimal 0.12": [decimal(12, 2)],
    "decimal 38 nines": [decimal(10**38 - 1, 0)],
    "decimal -(10^37) / 100": [decimal(-(10**37), 2)],
    "decimal (10^20 + 1) * 10^5": [decimal(10**20 + 1, -5)],
    "decimal (10^60 + 1) / 1000": [decimal(10**60 + 1, 3)],
    "decimal -(10^60 + 1)": [decimal(-(10**60 + 1), 0)],
    "decimal 10^75": [decimal(10**75, 0)],
    "decimal 10^4 at scale -126": [decimal(10**4, -126)],
    "text empty": [text("")],
    "text a": [text("a")],
    "text Grüße": [text("Grüße")],
    "text of 15": [text("abcdefghijklmno")],
    "text of 16": [text("abcdefghijklmnop")],
    "text of 127": [text("x" * 127)],
    "text of 128": [text("x" * 128)],
    "text of 239": [text("x" * 239)],
    "text of 240": [text("x" * 240)],
    "text of 5000": [text("ab" * 2500)],
    "binary empty": [binary(b"")],
    "binary 00ff": [binary(b"\x00\xff")],
    "date 1970-01-01": [date(0)],
    "date 1969-12-31": [date(-1)],
    "date 2024-01-01": [date(19723)],
    "timestamp 0": [timestamp(0)],
    "timestamp 1700000000": [timestamp(1700000000 * 10**9)],
    "timestamp 1.5": [timestamp(15 * 10**8)],
    "timestamp -0.001": [timestamp(-(10**6))],
    "timestamp -1 ns": [timestamp(-1)],
    "timestamp i64 min s": [timestamp(-(2**63) * 10**9)],
    "instant 0": [instant(0)],
    "instant 1700000000": [instant(1700000000 * 10**9)],
    "time 00:00": [time(0)],
    "time 12:34:56": [time((12 * 3600 + 34 * 60 + 56) * 10**9)],
    "time 1 ns": [time(1)],
    "duration 90 s": [duration(90 * 10**9)],
    "duration -1 ms": [duration(-(10**6))],
    "interval 14 months": [interval(14, 0, 0)],
    "interval 3 days 5 ms": [interval(0, 3, 5 * 10**6)],
    "interval -1 month -2 days -3 ns": [interval(-1, -2, -3)],
    "list empty": [array()],
    "list 1 null 3": [array(integer(1), null, integer(3))],
    "list a bc": [array(text("a"), text("bc"))],
    "list of lists": [array(array(integer(1)), array(), null)],
    "struct 1 a": [record(integer(1), text("a"))],
    "struct null a": [record(null, text("a"))],
    "map a 1 b null": [mapping((text("a"), integer(1)), (text("b"), null))],
    "list of structs": [array(record(integer(1), text("a")), null)],
    "columns 1 a": [integer(1), text("a")],
    "columns a 1": [text("a"), integer(1)],
    "columns null null": [null, null],
    "columns 7 1.5 b true": [integer(7), floating(1.5), text("b"), boolean(True)],
}


# Floats by their bits: only in the order of rows.
ORDER_CASES = {
    "bits of 0": [floating_bits(0.0)],
    "bits of -0": [floating_bits(-0.0)],
    "bits of list 1.5 -0": [array(floating_bits(1.5), floating_bits(-0.0))],
}


def thresholds(text_of_fractions):
    cumulative, result = 0.0, []
    for fraction in map(float, text_of_fractions.split(",")):
        cumulative += fraction
        result.append(min(math.floor(Fraction(cumulative) * 2**64 + Fraction(1, 2)), 2**64))
    return result[:-1] + [2**64]


def main():
    for case, row in CASES.items():
        print("hash", case, "split", 42, f"{hash_row(42, 'split', row):016x}", sep="\t")
    for case in ["null", "integer 1", "text of 5000", "columns 7 1.5 b true"]:
        for domain in DOMAINS:
            for seed in [0, 1, 2**63, 2**64 - 1]:
                print("hash", case, domain, seed, f"{hash_row(seed, domain, CASES[case]):016x}", sep="\t")
    for case, row in ORDER_CASES.items():
        for domain in ["order_high", "order_low"]:
            print("hash", case, domain, 42, f"{hash_row(42, domain, row):016x}", sep="\t")
    third = "0.3333333333"
    for given in ["1", "0.5,0.5", "0.8,0.1,0.1", "0.7,0.2,0.1", "0.9,0.05,0.05", f"{third},{third},{third}",
                  "0.000001,0.999999", "0.0000000001,0.9999999999", ",".join(["0.1"] * 10)]:
        print("split", given, ",".join(f"{t:x}" for t in thresholds(given)), sep="\t")
    for shards in [1, 3, 16, 1000, 2**32 - 1]:
        for order in [0, 1, 2**60, 2**64 // 3, 2**64 // 3 + 1, 2**63 - 1, 2**63, 2**64 - 1]:
            print("shard", order, shards, order * shards // 2**64, sep="\t")


main()
