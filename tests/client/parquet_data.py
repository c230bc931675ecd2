# SPDX-License-Identifier: Apache-2.0
"""Rows of every type that Parquet files can have, for the tests that write them; and the ways to write."""
import datetime as dt
import decimal
import random

import pyarrow as pa

D = decimal.Decimal
ROWS = 1000
FIRST = dt.datetime(2020, 2, 29, 12, 30, 15, 123456)
WORDS = ["", "a", "otago", "東京", "a text that does not fit into a view of sixteen bytes", "z" * 200]

# Columns: name, type, a value from a random generator and the row's number.
COLUMNS = [
    ("flag", pa.bool_(), lambda r, i: r.random() < 0.3),
    ("tiny", pa.int8(), lambda r, i: r.randint(-128, 127)),
    ("small", pa.int16(), lambda r, i: r.randint(-32768, 32767)),
    ("number", pa.int32(), lambda r, i: r.choice([0, 1, -1, 2**31 - 1, -2**31])),
    ("serial", pa.int32(), lambda r, i: i),
    ("big", pa.int64(), lambda r, i: r.randint(-2**63, 2**63 - 1)),
    ("single", pa.float32(), lambda r, i: r.choice([0.0, -0.0, 1.5, -2.25, float("inf")])),
    ("real", pa.float64(), lambda r, i: r.random() * 10**r.randint(-300, 300)),
    ("money", pa.decimal128(7, 2), lambda r, i: D(r.randint(-10**7 + 1, 10**7 - 1)).scaleb(-2)),
    ("wide", pa.decimal128(17, 3), lambda r, i: D(r.randint(-10**17 + 1, 10**17 - 1)).scaleb(-3)),
    ("huge", pa.decimal128(38, 4), lambda r, i: D(r.randint(-10**38 + 1, 10**38 - 1)).scaleb(-4)),
    ("word", pa.string(), lambda r, i: r.choice(WORDS)),
    ("name", pa.string(), lambda r, i: f"customer {i:09d} of {r.randint(0, 10**9)}"),
    ("bytes", pa.binary(), lambda r, i: r.randbytes(r.randint(0, 20))),
    ("day", pa.date32(), lambda r, i: dt.date(1990, 1, 1) + dt.timedelta(r.randint(-9000, 9000))),
    ("wall", pa.timestamp("us"), lambda r, i: FIRST + dt.timedelta(microseconds=r.randint(-10**15, 10**15))),
    ("list", pa.list_(pa.int32()), lambda r, i: [r.choice([None, 1, i]) for _ in range(r.randint(0, 4))]),
    ("map", pa.map_(pa.string(), pa.int64()), lambda r, i: [(f"k{k}", r.choice([None, i])) for k in range(r.randint(0, 3))]),
    ("row", pa.struct([("x", pa.int64()), ("y", pa.string())]),
     lambda r, i: {"x": r.choice([None, i]), "y": r.choice([None, "y", str(i)])}),
    ("deep", pa.list_(pa.struct([("a", pa.list_(pa.string())), ("m", pa.map_(pa.int32(), pa.list_(pa.float64())))])),
     lambda r, i: [r.choice([None, {"a": r.choice([None, [], ["q", None, str(i)]]),
                                    "m": r.choice([None, [], [(i, [1.5, None]), (-1, None)]])}])
                   for _ in range(r.randint(0, 3))]),
]
NULL_EVERYWHERE = ("nothing", pa.int32())


def table(rows=ROWS):
    r = random.Random(7)
    columns, names = [], []
    for name, kind, make in COLUMNS:
        values = [None if r.random() < 0.1 else make(r, i) for i in range(rows)]
        columns.append(pa.array(values, kind))
        names.append(name)
    columns.append(pa.array([FIRST + dt.timedelta(microseconds=7919 * i) for i in range(rows)], pa.timestamp("us", "UTC")))
    names.append("moment")
    columns.append(pa.nulls(rows, NULL_EVERYWHERE[1]))
    names.append(NULL_EVERYWHERE[0])
    return pa.table(columns, names)


# Several pages, groups and a dictionary that grows too large, in few rows.
SMALL = {"parquet.page.row.count.limit": "150", "parquet.block.row.count.limit": "420",
         "parquet.dictionary.page.size": "600"}
CODECS = ["none", "snappy", "gzip", "zstd", "lz4", "lz4_raw", "brotli"]
ENCODINGS = ["plain", "delta_binary_packed", "delta_length_byte_array", "delta_byte_array", "byte_stream_split"]
WAYS = {
    "usual": {},
    "small": SMALL,
    "v2": {"parquet.writer.version": "v2", **SMALL},
    "v2_plain": {"parquet.writer.version": "v2", "parquet.enable.dictionary": "false", **SMALL},
    "no_dictionary": {"parquet.enable.dictionary": "false", **SMALL},
    "one_without": {"parquet.enable.dictionary#word": "false", **SMALL},
    "tiny_pages": {"parquet.page.size": "500", **SMALL},
    "micros": {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS", **SMALL},
    "legacy": {"spark.sql.parquet.writeLegacyFormat": "true", **SMALL},
    "bloom": {"parquet.bloom.filter.enabled#name": "true", "parquet.bloom.filter.expected.ndv#name": "5000",
              "parquet.bloom.filter.enabled#big": "true", **SMALL},
    **{f"codec_{c}": {"compression": c, **SMALL} for c in CODECS},
    **{f"codec_v2_{c}": {"compression": c, "parquet.writer.version": "v2", **SMALL} for c in CODECS},
    **{f"encoding_{e}": {"chert.parquet.encoding": e, **SMALL} for e in ENCODINGS},
}


def plain(value):
    """Values as all readers can be made to show them."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, bytearray):
        return bytes(value)
    return value
