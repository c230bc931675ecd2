# SPDX-License-Identifier: Apache-2.0
"""pyarrow tables into Chert and back, through the shared library and Arrow's C Stream Interface.

    CHERT_LIBRARY=build/libchert.so python -m pytest tests/client/test_arrow.py

Needs pyarrow, pytest (tools/oracle/setup.sh makes a Python that has both).
"""
import ctypes
import datetime as dt
import decimal
import os

import pyarrow as pa
import pytest

D = decimal.Decimal


class Error(ctypes.Structure):
    _fields_ = [("struct_bytes", ctypes.c_uint32), ("code", ctypes.c_int32), ("error_class", ctypes.c_char_p),
                ("sqlstate", ctypes.c_char_p), ("message", ctypes.c_char_p), ("line", ctypes.c_int32),
                ("position", ctypes.c_int32), ("text", ctypes.c_char_p), ("internal", ctypes.c_void_p)]


class Stream(ctypes.Structure):
    """struct ArrowArrayStream: five pointers."""
    _fields_ = [("p", ctypes.c_void_p * 5)]


def load():
    path = os.environ.get("CHERT_LIBRARY") or os.path.join(os.path.dirname(__file__), "../../build/libchert.so")
    lib = ctypes.CDLL(os.path.abspath(path))
    pointer = ctypes.c_void_p
    for name, result, args in [
            ("session_new", pointer, [pointer, pointer]), ("session_free", None, [pointer]),
            ("from_arrow", pointer, [pointer, pointer, pointer]), ("sql", pointer, [pointer, ctypes.c_char_p, pointer]),
            ("df_free", None, [pointer]), ("df_create_temp_view", ctypes.c_int, [pointer, ctypes.c_char_p, pointer]),
            ("query_new", pointer, [pointer, pointer]), ("query_run", ctypes.c_int, [pointer, pointer]),
            ("query_arrow", ctypes.c_int, [pointer, pointer, pointer]), ("query_free", None, [pointer])]:
        f = getattr(lib, "chert_" + name)
        f.restype, f.argtypes = result, args
    return lib


class Session:
    def __init__(self):
        self.lib = load()
        self.err = Error(struct_bytes=ctypes.sizeof(Error))
        self.handle = self.ok(self.lib.chert_session_new(None, ctypes.byref(self.err)))

    def ok(self, handle):
        if self.err.code:
            raise RuntimeError(self.err.text.decode())
        return handle

    def view(self, name, table):
        stream = Stream()
        table.to_reader()._export_to_c(ctypes.addressof(stream))
        err = ctypes.byref(self.err)
        df = self.ok(self.lib.chert_from_arrow(self.handle, ctypes.byref(stream), err))
        self.lib.chert_df_create_temp_view(df, name.encode(), err)
        self.ok(None)
        self.lib.chert_df_free(df)

    def sql(self, text):
        err = ctypes.byref(self.err)
        df = self.ok(self.lib.chert_sql(self.handle, text.encode(), err))
        query = self.ok(self.lib.chert_query_new(df, err))
        self.lib.chert_query_run(query, err)
        self.ok(None)
        stream = Stream()
        self.lib.chert_query_arrow(query, ctypes.byref(stream), err)
        self.ok(None)
        reader = pa.RecordBatchReader._import_from_c(ctypes.addressof(stream))
        table = reader.read_all()
        del reader
        self.lib.chert_query_free(query)
        self.lib.chert_df_free(df)
        return table

    def close(self):
        self.lib.chert_session_free(self.handle)


@pytest.fixture
def session():
    s = Session()
    yield s
    s.close()


LONG = "a text that does not fit into a view of sixteen bytes"
UTC = dt.timezone.utc
MOMENT = dt.datetime(2020, 2, 29, 12, 30, 15, 123456)

# name: (type going in, values, type coming out)
CASES = {
    "bool": (pa.bool_(), [True, None, False], pa.bool_()),
    "int8": (pa.int8(), [1, None, -128], pa.int8()),
    "uint8": (pa.uint8(), [1, None, 255], pa.int16()),
    "int16": (pa.int16(), [1, None, -32768], pa.int16()),
    "uint16": (pa.uint16(), [1, None, 65535], pa.int32()),
    "int32": (pa.int32(), [1, None, -2**31], pa.int32()),
    "uint32": (pa.uint32(), [1, None, 2**32 - 1], pa.int64()),
    "int64": (pa.int64(), [1, None, -2**63], pa.int64()),
    "uint64": (pa.uint64(), [1, None, 2**64 - 1], pa.decimal128(20, 0)),
    "float32": (pa.float32(), [1.5, None, float("inf")], pa.float32()),
    "float64": (pa.float64(), [1.5, None, -0.0], pa.float64()),
    "decimal32": (pa.decimal32(5, 2), [D("1.50"), None, D("-999.99")], pa.decimal64(5, 2)),
    "decimal64": (pa.decimal64(12, 2), [D("1.50"), None, D("-0.01")], pa.decimal64(12, 2)),
    "decimal128": (pa.decimal128(38, 3), [D("1.500"), None, -D(10)**34], pa.decimal128(38, 3)),
    "small_decimal128": (pa.decimal128(7, 3), [D("1.500"), None, D("-9999.999")], pa.decimal64(7, 3)),
    "string": (pa.string(), ["a", None, LONG, "", "東京"], pa.string_view()),
    "large_string": (pa.large_string(), ["a", None, LONG], pa.string_view()),
    "string_view": (pa.string_view(), ["a", None, LONG], pa.string_view()),
    "binary": (pa.binary(), [b"a", None, b"\x00\xff" * 20], pa.binary_view()),
    "fixed_binary": (pa.binary(3), [b"abc", None, b"\x00\x01\x02"], pa.binary_view()),
    "date32": (pa.date32(), [dt.date(2020, 2, 29), None, dt.date(1, 1, 1)], pa.date32()),
    "date64": (pa.date64(), [dt.date(2020, 2, 29), None, dt.date(1969, 12, 31)], pa.date32()),
    "time32": (pa.time32("ms"), [dt.time(12, 30, 15, 500000), None], pa.time64("ns")),
    "time64": (pa.time64("us"), [dt.time(12, 30, 15, 123456), None], pa.time64("ns")),
    "timestamp_s": (pa.timestamp("s", "UTC"), [MOMENT.replace(microsecond=0, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    "timestamp_ms": (pa.timestamp("ms"), [MOMENT.replace(microsecond=123000), None], pa.timestamp("us")),
    "timestamp_us": (pa.timestamp("us", "UTC"), [MOMENT.replace(tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    "duration": (pa.duration("ms"), [dt.timedelta(days=1, seconds=2), None], pa.duration("us")),
    "month_day_nano": (pa.month_day_nano_interval(), [pa.MonthDayNano([1, 2, 3000]), None], pa.month_day_nano_interval()),
    "null": (pa.null(), [None, None], pa.null()),
    "list": (pa.list_(pa.int32()), [[1, None], None, [], [2]], pa.list_(pa.int32())),
    "large_list": (pa.large_list(pa.string()), [["a", LONG], None, []], pa.list_(pa.string_view())),
    "fixed_list": (pa.list_(pa.int32(), 2), [[1, 2], None, [3, None]], pa.list_(pa.int32())),
    "list_view": (pa.list_view(pa.int32()), [[1, 2], None, []], pa.list_(pa.int32())),
    "map": (pa.map_(pa.string(), pa.int32()), [[("a", 1), (LONG, None)], None, []], pa.map_(pa.string_view(), pa.int32())),
    "struct": (pa.struct([("x", pa.int32()), ("y", pa.string())]), [{"x": 1, "y": "a"}, None, {"x": None, "y": LONG}],
               pa.struct([("x", pa.int32()), ("y", pa.string_view())])),
    "deep": (pa.list_(pa.struct([("m", pa.map_(pa.int32(), pa.list_(pa.string())))])),
             [[{"m": [(1, ["a", None])]}, None], None, [{"m": None}]],
             pa.list_(pa.struct([("m", pa.map_(pa.int32(), pa.list_(pa.string_view())))]))),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["a", None, LONG, "a"], pa.string_view()),
}


def plain(type_):
    """Types with the names of inner fields taken away, which Arrow libraries choose freely."""
    if pa.types.is_list(type_):
        return ("list", plain(type_.value_type))
    if pa.types.is_map(type_):
        return ("map", plain(type_.key_type), plain(type_.item_type))
    if pa.types.is_struct(type_):
        return ("struct", [(f.name, plain(f.type)) for f in type_])
    return type_


@pytest.mark.parametrize("name", CASES)
def test_every_type_goes_in_and_out(session, name):
    given, values, want = CASES[name]
    session.view("t", pa.table({"c": pa.array(values, given)}))
    got = session.sql("SELECT c FROM t")
    assert plain(got.schema.field("c").type) == plain(want)
    assert got["c"].to_pylist() == pa.array(values, given).to_pylist()
    got.validate(full=True)


@pytest.mark.parametrize("name", CASES)
def test_slices_and_chunks(session, name):
    given, values, _ = CASES[name]
    many = pa.array(values * 50, given)
    chunks = pa.chunked_array([many.slice(7, 30), many.slice(64, 20), many.slice(3, 0), many.slice(1)], type=given)
    session.view("t", pa.table({"c": chunks}))
    assert session.sql("SELECT c FROM t")["c"].to_pylist() == chunks.to_pylist()


def test_text_of_arrow_groups_and_sorts(session):
    session.view("t", pa.table({"k": ["a", "b", "a", LONG] * 1000, "v": range(4000)}))
    got = session.sql("SELECT k, sum(v) AS s FROM t GROUP BY k ORDER BY s")
    assert got.to_pydict() == {"k": ["b", LONG, "a"], "s": [1999000, 2001000, 3998000]}


def test_what_chert_computes_reads_as_arrow(session):
    got = session.sql("SELECT 1 AS a, 'x' AS b, 1.50BD AS c, DATE'2020-01-01' AS d, "
                      "TIMESTAMP'2020-01-01 00:00:00' AS e, INTERVAL 1 DAY AS f, INTERVAL 1 MONTH AS g, NULL AS h")
    assert [str(f.type) for f in got.schema][:6] == [
        "int32", "string_view", "decimal64(3, 2)", "date32[day]", "timestamp[us, tz=UTC]", "duration[us]"]
    assert not got.schema.field("a").nullable and got.schema.field("h").nullable
    assert got["c"].to_pylist() == [D("1.50")]
