#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small Parquet files of every type and encoding, for tests/fuzz/fuzz_parquet.c to begin with.

    python tools/parquet_corpus.py FOLDER        needs pyarrow
"""
import datetime as dt
import decimal
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

N = 60


def every(step, make, kind):
    return pa.array([None if i % step == 0 else make(i) for i in range(N)], kind)


TABLE = pa.table({
    "b": every(5, lambda i: i % 3 == 0, pa.bool_()),
    "i8": every(7, lambda i: i - 30, pa.int8()),
    "u32": every(7, lambda i: i * 70000000, pa.uint32()),
    "i64": every(4, lambda i: i * i * 12345, pa.int64()),
    "d": every(9, lambda i: i / 7, pa.float64()),
    "s": every(5, lambda i: ["", "a", "a text of more than twelve bytes"][i % 3] * (i % 4), pa.string()),
    "fx": every(6, lambda i: bytes([i]) * 5, pa.binary(5)),
    "dt": every(8, lambda i: dt.date(2000, 1, 1) + dt.timedelta(days=i), pa.date32()),
    "ts": every(8, lambda i: dt.datetime(2000, 1, 1) + dt.timedelta(seconds=i), pa.timestamp("ms", "UTC")),
    "dec": every(5, lambda i: decimal.Decimal(i).scaleb(-2), pa.decimal128(30, 2)),
    "nn": pa.array(range(N), pa.int32()),
    "l": every(5, lambda i: [None if j == 2 else j for j in range(i % 4)], pa.list_(pa.int32())),
    "m": every(6, lambda i: [(str(j), [j] * (i % 3)) for j in range(i % 3)], pa.map_(pa.string(), pa.list_(pa.int64()))),
    "st": every(6, lambda i: {"x": i, "y": {"z": "z" * (i % 15)}},
                pa.struct([("x", pa.int32()), ("y", pa.struct([("z", pa.string())]))])),
})
PLAIN = ["i8", "u32", "i64", "dt", "nn"]


def main(folder):
    os.makedirs(folder, exist_ok=True)

    def write(name, table=TABLE, **options):
        options.setdefault("compression", "none")
        pq.write_table(table, os.path.join(folder, name + ".parquet"), **options)

    write("default")
    write("small_pages", data_page_size=64, row_group_size=25, write_page_index=True)
    write("v2", data_page_version="2.0", write_page_checksum=True, write_page_index=True)
    write("plain", use_dictionary=False, write_statistics=False)
    write("int96", TABLE.select(["ts", "nn"]), use_deprecated_int96_timestamps=True)
    for codec in ("snappy", "gzip", "zstd", "lz4", "brotli"):
        write(codec, TABLE.select(["s", "i64", "l"]), compression=codec)
    write("delta", TABLE.select(PLAIN), use_dictionary=False,
          column_encoding={c: "DELTA_BINARY_PACKED" for c in PLAIN})
    write("delta_text", TABLE.select(["s", "fx"]), use_dictionary=False,
          column_encoding={"s": "DELTA_LENGTH_BYTE_ARRAY", "fx": "DELTA_BYTE_ARRAY"})
    write("split", TABLE.select(["d", "fx"]), use_dictionary=False,
          column_encoding={"d": "BYTE_STREAM_SPLIT", "fx": "BYTE_STREAM_SPLIT"})
    for column in TABLE.column_names:
        write("only_" + column, TABLE.select([column]), write_page_index=True)


if __name__ == "__main__":
    main(sys.argv[1])
