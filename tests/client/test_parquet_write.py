# SPDX-License-Identifier: Apache-2.0
"""Parquet files written by Chert, read by pyarrow and by DuckDB, value by value.

    CHERT_LIBRARY=build/libchert.so python -m pytest tests/client/test_parquet_write.py
"""
import glob
import os
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, os.path.dirname(__file__))
import parquet_data as data  # noqa: E402
from test_arrow import Session  # noqa: E402

TABLE = data.table()
ROWS = [{k: data.plain(v) for k, v in row.items()} for row in TABLE.to_pylist()]


@pytest.fixture(scope="module")
def session():
    s = Session()
    s.view("t", TABLE)
    yield s
    s.close()


def write(session, path, options, query="SELECT /*+ COALESCE(1) */ * FROM t"):
    pairs = ", ".join(f"'{k}' '{v}'" for k, v in options.items())
    session.sql(f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet {f'OPTIONS ({pairs})' if pairs else ''} {query}")
    files = glob.glob(f"{path}/*.parquet")
    assert files
    return files


def rows_of(table):
    out = []
    for row in table.to_pylist():
        out.append({k: data.plain(v) for k, v in row.items()})
    return out


def by_serial(rows):
    """Rows with a serial number first, in its order; then the others."""
    return sorted(rows, key=lambda r: (r["serial"] is None, r["serial"] or 0, str(r["name"]), str(r["big"])))


@pytest.mark.parametrize("way", data.WAYS)
def test_pyarrow_reads_what_chert_writes(session, tmp_path, way):
    files = write(session, tmp_path / "out", data.WAYS[way])
    assert len(files) == 1
    table = pq.read_table(files[0], page_checksum_verification=True)
    assert by_serial(rows_of(table)) == by_serial(ROWS)


# What DuckDB cannot read: Hadoop's LZ4 at all; lists of Spark 1.4; byte streams of FIXED.
UNKNOWN_TO_DUCKDB = {"legacy": ("list", "map", "deep"), "encoding_byte_stream_split": ("huge",)}


@pytest.mark.parametrize("way", [w for w in data.WAYS if w not in ("codec_lz4", "codec_v2_lz4")])
def test_duckdb_reads_what_chert_writes(session, tmp_path, way):
    files = write(session, tmp_path / "out", data.WAYS[way])
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    names = [n for n in TABLE.column_names if n not in UNKNOWN_TO_DUCKDB.get(way, ())]
    columns = ", ".join(f'"{n}"' for n in names)
    got = con.sql(f"SELECT {columns} FROM read_parquet('{files[0]}')").to_arrow_table()
    want = [{n: r[n] for n in names} for r in ROWS]
    assert by_serial(rows_of(got)) == by_serial(want)


def metadata(path):
    return pq.ParquetFile(path).metadata


def test_footer_says_what_spark_wants_to_know(session, tmp_path):
    file = write(session, tmp_path / "out", data.SMALL)[0]
    assert file.endswith("-c000.snappy.parquet")
    meta = metadata(file)
    assert meta.created_by.startswith("chert version ")
    spark = meta.metadata[b"org.apache.spark.sql.parquet.row.metadata"].decode()
    assert spark.startswith('{"type":"struct","fields":[{"name":"flag","type":"boolean","nullable":true,"metadata":{}}')
    assert meta.num_row_groups == 3
    assert [meta.row_group(i).num_rows for i in range(3)] == [420, 420, 160]


def test_statistics_bound_every_column(session, tmp_path):
    file = write(session, tmp_path / "out", data.SMALL)[0]
    meta, at = metadata(file), 0
    for g in range(meta.num_row_groups):
        group = meta.row_group(g)
        part = TABLE.slice(at, group.num_rows)
        at += group.num_rows
        for c in range(group.num_columns):
            chunk = group.column(c)
            assert chunk.has_offset_index
            if "." in chunk.path_in_schema or chunk.path_in_schema in ("moment", "nothing"):
                continue
            values = part.column(chunk.path_in_schema)
            assert chunk.statistics.null_count == values.null_count
            there = [v for v in values.to_pylist() if v is not None]
            assert chunk.statistics.has_min_max and chunk.has_column_index
            low, high = data.plain(chunk.statistics.min), data.plain(chunk.statistics.max)
            assert (low, high) == (min(there), max(there)), chunk.path_in_schema


def test_nan_leaves_no_statistics(session, tmp_path):
    file = write(session, tmp_path / "out", {}, "SELECT CAST('NaN' AS DOUBLE) x UNION ALL SELECT 1D")
    for f in file:
        stats = metadata(f).row_group(0).column(0).statistics
        if pq.read_table(f).column("x").to_pylist() != [1.0]:
            assert not stats.has_min_max


def test_dictionaries_come_and_go(session, tmp_path):
    def encodings(options, column):
        meta = metadata(write(session, tmp_path / "out", options)[0])
        group = meta.row_group(0)
        return [set(group.column(c).encodings) for c in range(group.num_columns)
                if group.column(c).path_in_schema == column][0]
    assert encodings({}, "word") == {"RLE", "PLAIN_DICTIONARY"}
    assert encodings({}, "name") == {"RLE", "PLAIN"}
    assert encodings({"parquet.writer.version": "v2"}, "word") == {"RLE", "RLE_DICTIONARY", "PLAIN"}
    assert encodings({"parquet.writer.version": "v2"}, "name") == {"RLE", "DELTA_BYTE_ARRAY"}
    assert encodings({"parquet.enable.dictionary#word": "false"}, "word") == {"RLE", "PLAIN"}
    # It pays on the first page, and is full on a later one.
    query = "SELECT /*+ COALESCE(1) */ concat('name ', CAST(id / 3 AS INT)) v FROM range(60000)"
    group = metadata(write(session, tmp_path / "big", {"parquet.dictionary.page.size": "100000"}, query)[0]).row_group(0)
    assert set(group.column(0).encodings) == {"RLE", "PLAIN_DICTIONARY", "PLAIN"}
    table = pq.read_table(tmp_path / "big")
    assert sorted(table.column("v").to_pylist()) == sorted(f"name {i // 3}" for i in range(60000))


def test_batches_with_dictionaries_of_their_own(session, tmp_path):
    words = pa.array(["x", None, "yy", "x" * 30, "yy"] * 5000).dictionary_encode()
    session.view("coded", pa.table({"w": words, "n": pa.array(range(25000), pa.int64())}))
    for options in ({}, {"parquet.enable.dictionary": "false"}, {"parquet.dictionary.page.size": "10"}):
        write(session, tmp_path / "out", options, "SELECT * FROM coded")
        table = pq.read_table(tmp_path / "out").sort_by("n")
        assert table.column("w").to_pylist() == words.to_pylist()


def test_wrong_options_are_refused(session, tmp_path):
    for options, words in (({"compression": "lzma"}, "CODEC_NOT_AVAILABLE"),
                           ({"parquet.page.size": "none"}, "INVALID_OPTION_VALUE"),
                           ({"parquet.writer.version": "v3"}, "INVALID_OPTION_VALUE"),
                           ({"chert.parquet.encoding": "zip"}, "INVALID_OPTION_VALUE")):
        with pytest.raises(RuntimeError, match=words):
            write(session, tmp_path / "out", options)
        session.err.code = 0
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("rows", [0, 1, 8, 19999, 20000, 20001])
def test_any_number_of_rows(session, tmp_path, rows):
    query = f"SELECT id, id % 7 s, if(id % 2 = 0, NULL, id) h, array(id, NULL) a FROM range({rows})"
    write(session, tmp_path / "out", {}, query)
    got = sorted(pq.read_table(tmp_path / "out").to_pylist(), key=lambda r: r["id"])
    assert got == [{"id": i, "s": i % 7, "h": i if i % 2 else None, "a": [i, None]} for i in range(rows)]
