# SPDX-License-Identifier: Apache-2.0
"""Parquet files that pyarrow and DuckDB wrote, read by Chert and compared with pyarrow's own reading.

    CHERT_LIBRARY=build/libchert.so python -m pytest tests/client/test_parquet.py
"""
import datetime as dt
import decimal
import math
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from test_arrow import Session

N = 3000
WORDS = ["", "a", "hello", "a text that is longer than twelve", "\u00fcn\u00efc\u00f6d\u00e9", "x" * 200]


@pytest.fixture
def session():
    s = Session()
    yield s
    s.close()


def table():
    r = random.Random(1)

    def some(kind, make, nulls=0.2):
        return pa.array([None if r.random() < nulls else make(i) for i in range(N)], kind)

    def number(bits):
        return r.randint(-2 ** (bits - 1), 2 ** (bits - 1) - 1)

    def digits(n, scale):
        return decimal.Decimal(r.randint(1 - 10 ** n, 10 ** n - 1)).scaleb(-scale, decimal.Context(prec=40))

    def moment(unit):
        return dt.datetime(1970, 1, 1) + dt.timedelta(**{unit: r.randint(-2 ** 40, 2 ** 41)})

    return pa.table({
        "b": some(pa.bool_(), lambda i: r.random() < 0.5),
        "i8": some(pa.int8(), lambda i: number(8)), "i16": some(pa.int16(), lambda i: number(16)),
        "i32": some(pa.int32(), lambda i: number(32)), "i64": some(pa.int64(), lambda i: number(64)),
        "u8": some(pa.uint8(), lambda i: r.randint(0, 255)), "u16": some(pa.uint16(), lambda i: r.randint(0, 65535)),
        "u32": some(pa.uint32(), lambda i: r.randint(0, 2 ** 32 - 1)),
        "u64": some(pa.uint64(), lambda i: r.randint(0, 2 ** 64 - 1)),
        "f": some(pa.float32(), lambda i: r.random()),
        "d": some(pa.float64(), lambda i: r.choice([float("nan"), -0.0, r.gauss(0, 1e10)])),
        "s": some(pa.string(), lambda i: r.choice(WORDS) + str(i % 977)),
        "few": some(pa.string(), lambda i: r.choice(WORDS)),
        "bin": some(pa.binary(), lambda i: r.randbytes(i % 20)), "fx": some(pa.binary(16), lambda i: r.randbytes(16)),
        "dt": some(pa.date32(), lambda i: dt.date(1, 1, 1) + dt.timedelta(days=r.randint(0, 3000000))),
        "ts": some(pa.timestamp("us", "UTC"), lambda i: moment("microseconds")),
        "tsm": some(pa.timestamp("ms", "UTC"), lambda i: moment("milliseconds")),
        "ntz": some(pa.timestamp("us"), lambda i: moment("microseconds")),
        "dec9": some(pa.decimal128(9, 2), lambda i: digits(9, 2)),
        "dec18": some(pa.decimal128(18, 4), lambda i: digits(18, 4)),
        "dec38": some(pa.decimal128(38, 10), lambda i: digits(38, 10)),
        "nn": pa.array(range(N), pa.int32()), "nul": pa.array([None] * N, pa.int32()),
        "lst": some(pa.list_(pa.int32()),
                    lambda i: [None if r.random() < 0.2 else r.randint(0, 99) for _ in range(r.randint(0, 5))]),
        "lst2": some(pa.list_(pa.list_(pa.string())),
                     lambda i: [None if r.random() < 0.2 else [r.choice(WORDS) for _ in range(r.randint(0, 3))]
                                for _ in range(r.randint(0, 3))]),
        "st": some(pa.struct([("x", pa.int32()), ("y", pa.string()), ("z", pa.struct([("q", pa.float64())]))]),
                   lambda i: {"x": i if i % 3 else None, "y": r.choice(WORDS), "z": None if i % 5 == 0 else {"q": i / 2}}),
        "mp": some(pa.map_(pa.string(), pa.int32()),
                   lambda i: [(str(k), None if k % 2 else k) for k in range(r.randint(0, 4))]),
        "deep": some(pa.list_(pa.struct([("k", pa.map_(pa.int32(), pa.list_(pa.int64())))])),
                     lambda i: [None if r.random() < 0.1 else
                                {"k": None if r.random() < 0.1 else [(j, [1, 2, None][:j]) for j in range(r.randint(0, 3))]}
                                for _ in range(r.randint(0, 3))]),
    })


TABLE = table()
WHOLE = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "dt", "ts", "tsm", "ntz", "nn", "nul"]
SPLIT = ["f", "d", "i32", "i64", "fx", "dec38"]
FILES = {
    "default": (None, {}),
    "uncompressed": (None, {"compression": "none", "row_group_size": 1500, "data_page_size": 4000}),
    "gzip": (None, {"compression": "gzip", "row_group_size": 2500}),
    "brotli": (None, {"compression": "brotli"}),
    "zstd": (None, {"compression": "zstd", "write_page_checksum": True}),
    "lz4": (None, {"compression": "lz4"}),
    "plain": (None, {"use_dictionary": False, "write_page_index": True, "data_page_size": 5000}),
    "v2": (None, {"data_page_version": "2.0", "write_page_index": True, "data_page_size": 3000,
                  "write_page_checksum": True}),
    "fallback": (None, {"dictionary_pagesize_limit": 2000, "data_page_size": 3000}),
    "delta": (WHOLE, {"use_dictionary": False, "data_page_size": 9000,
                      "column_encoding": {c: "DELTA_BINARY_PACKED" for c in WHOLE}}),
    "delta_text": (["s", "few", "bin", "fx", "lst2"],
                   {"use_dictionary": False, "data_page_size": 9000,
                    "column_encoding": {"s": "DELTA_LENGTH_BYTE_ARRAY", "few": "DELTA_BYTE_ARRAY",
                                        "bin": "DELTA_BYTE_ARRAY", "fx": "DELTA_BYTE_ARRAY",
                                        "lst2.list.element.list.element": "DELTA_LENGTH_BYTE_ARRAY"}}),
    "split": (SPLIT, {"use_dictionary": False, "column_encoding": {c: "BYTE_STREAM_SPLIT" for c in SPLIT}}),
    "runs": (["b"], {"use_dictionary": False, "data_page_version": "2.0", "column_encoding": {"b": "RLE"}}),
}


def plain(value):
    """NaN equals NaN here."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def same(got, want):
    assert got.num_rows == want.num_rows
    for name in want.column_names:
        assert plain(got[name].to_pylist()) == plain(want[name].to_pylist()), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("parquet")
    for name, (columns, options) in FILES.items():
        pq.write_table(TABLE.select(columns) if columns else TABLE, path / (name + ".parquet"), **options)
    return path


@pytest.mark.parametrize("name", FILES)
def test_every_value_is_the_one_pyarrow_reads(session, folder, name):
    path = folder / (name + ".parquet")
    same(session.sql(f"SELECT * FROM parquet.`{path}`"), pq.read_table(path))


@pytest.mark.parametrize("name", ["default", "uncompressed", "plain", "v2", "fallback"])
def test_filters_skip_nothing_that_passes(session, folder, name):
    path = folder / (name + ".parquet")
    conditions = [
        ("nn < 17", lambda v: v["nn"] < 17), ("nn >= 2990", lambda v: v["nn"] >= 2990),
        ("nn BETWEEN 1200 AND 1210", lambda v: 1200 <= v["nn"] <= 1210), ("nn = 2321", lambda v: v["nn"] == 2321),
        ("nn = -1", lambda v: False), ("s = 'hello7'", lambda v: v["s"] == "hello7"),
        ("few = 'hello' AND nn > 1500", lambda v: v["few"] == "hello" and v["nn"] > 1500),
        ("few = 'absent'", lambda v: False), ("i32 IS NULL AND nn < 100", lambda v: v["i32"] is None and v["nn"] < 100),
        ("nul IS NOT NULL", lambda v: False), ("d > 1e9", lambda v: v["d"] is not None and not v["d"] <= 1e9),
        ("dec18 < -99999999999999", lambda v: v["dec18"] is not None and v["dec18"] < -99999999999999),
        ("dt < DATE'0100-01-01'", lambda v: v["dt"] is not None and v["dt"] < dt.date(100, 1, 1)),
    ]
    rows = pq.read_table(path).to_pylist()
    for text, passes in conditions:
        got = session.sql(f"SELECT nn, lst, s, st, dec38 FROM parquet.`{path}` WHERE {text}").to_pylist()
        want = [{k: v[k] for k in ("nn", "lst", "s", "st", "dec38")} for v in rows if passes(v)]
        assert plain(got) == plain(want), text


def test_rows_are_counted_without_columns(session, folder):
    assert session.sql(f"SELECT count(*) AS n FROM parquet.`{folder / 'default.parquet'}`").to_pydict() == {"n": [N]}


def test_columns_that_a_file_lacks_are_null(session, tmp_path):
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [3], "b": ["x"]}), tmp_path / "2.parquet")
    session.sql(f"CREATE TEMP VIEW t USING parquet OPTIONS (path '{tmp_path}', mergeSchema 'true')")
    assert session.sql("SELECT * FROM t ORDER BY a").to_pydict() == {"a": [1, 2, 3], "b": [None, None, "x"]}


@pytest.mark.parametrize("given, wanted, values", [
    (pa.int32(), "bigint", [1, None, -5]), (pa.int32(), "double", [1.0, None, -5.0]),
    (pa.float32(), "double", [1.5, None]), (pa.int32(), "decimal(12,2)", [decimal.Decimal("1.00"), None]),
    (pa.decimal128(9, 2), "decimal(20,4)", [decimal.Decimal("1.5000"), None])])
def test_types_widen(session, tmp_path, given, wanted, values):
    pq.write_table(pa.table({"c": pa.array(values, given)}), tmp_path / "f.parquet")
    session.sql(f"CREATE TEMP VIEW t (c {wanted}) USING parquet OPTIONS (path '{tmp_path}')")
    assert session.sql("SELECT c FROM t")["c"].to_pylist() == values


@pytest.mark.parametrize("given, wanted", [(pa.int64(), "int"), (pa.int32(), "boolean"), (pa.string(), "int"),
                                           (pa.float64(), "float"), (pa.int32(), "string")])
def test_types_that_do_not_fit_are_refused(session, tmp_path, given, wanted):
    pq.write_table(pa.table({"c": pa.array([None, None], given)}), tmp_path / "f.parquet")
    session.sql(f"CREATE TEMP VIEW t (c {wanted}) USING parquet OPTIONS (path '{tmp_path}')")
    with pytest.raises(RuntimeError, match="PARQUET_COLUMN_DATA_TYPE_MISMATCH"):
        session.sql("SELECT c FROM t")


@pytest.mark.parametrize("harm, reason", [
    (lambda good: b"", "too short"), (lambda good: good[:-1], "begin and end with PAR1"),
    (lambda good: b"x" + good[1:], "begin and end with PAR1"),
    (lambda good: good[:-8] + b"\xff\xff\xff\x7fPAR1", "longer than the file"),
    (lambda good: good[:200] + bytes(400) + good[600:], "row group 0, column b: ")])
def test_damage_is_told(session, folder, tmp_path, harm, reason):
    path = tmp_path / "bad.parquet"
    path.write_bytes(harm((folder / "v2.parquet").read_bytes()))
    with pytest.raises(RuntimeError, match=reason):
        session.sql(f"SELECT * FROM parquet.`{path}`")


def test_files_of_duckdb(session, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    query = ("SELECT i, i % 7 AS few, 'text number ' || (i % 1000) AS s, CASE WHEN i % 3 = 0 THEN NULL ELSE i / 4 END AS d, "
             "[i, NULL, i + 1] AS l, {'x': i, 'y': 'y' || i} AS st, DATE '2000-01-01' + (i % 5000)::INT AS dt, "
             "(i / 100)::DECIMAL(15, 2) AS dec, uuid_text FROM (SELECT i, md5(i::VARCHAR) AS uuid_text FROM range(40000) t(i))")
    for codec in ("snappy", "zstd", "uncompressed", "lz4_raw"):
        path = tmp_path / (codec + ".parquet")
        duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION {codec}, ROW_GROUP_SIZE 10000)")
        columns = ["i", "few", "s", "d", "dt", "dec", "uuid_text"]
        want = pq.read_table(path, columns=columns).to_pylist()
        got = session.sql(f"SELECT {', '.join(columns)} FROM parquet.`{path}`").to_pylist()
        assert sorted(got, key=lambda v: v["i"]) == sorted(want, key=lambda v: v["i"])
        one = session.sql(f"SELECT i, l, st FROM parquet.`{path}` WHERE s = 'text number 77' AND i > 30000")
        assert sorted(one["i"].to_pylist()) == list(range(30077, 40000, 1000))
        assert all(v["l"] == [v["i"], None, v["i"] + 1] and v["st"]["y"] == f"y{v['i']}" for v in one.to_pylist())


