# SPDX-License-Identifier: Apache-2.0
"""Parquet files written by Chert, read by real Spark, value by value; needs pyspark and a Java."""
import ctypes
import datetime as dt
import glob
import os
import shutil
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import parquet_data as data  # noqa: E402
from test_arrow import Session  # noqa: E402

pyspark = pytest.importorskip("pyspark")
if not shutil.which("java"):
    pytest.skip("no Java", allow_module_level=True)

TABLE = data.table(600)
# Spark's Hadoop has no Brotli, and byte streams of FIXED are new.
WAYS = {k: v for k, v in data.WAYS.items() if "brotli" not in k}


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession
    os.environ["TZ"] = "UTC"
    s = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
         .config("spark.driver.memory", "1g").config("spark.sql.session.timeZone", "UTC")
         .config("spark.sql.parquet.enableVectorizedReader", "true").getOrCreate())
    s.sparkContext.setLogLevel("OFF")
    yield s
    s.stop()


def plain(value):
    if hasattr(value, "asDict"):
        return {k: plain(v) for k, v in value.asDict().items()}
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    return bytes(value) if isinstance(value, bytearray) else value


def from_arrow(value, kind):
    """Maps of pyarrow are lists of pairs."""
    import pyarrow as pa
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {k: from_arrow(v, kind.item_type) for k, v in value}
    if pa.types.is_list(kind):
        return [from_arrow(v, kind.value_type) for v in value]
    if pa.types.is_struct(kind):
        return {f.name: from_arrow(value[f.name], f.type) for f in kind}
    return data.plain(value)


def by_serial(rows):
    return sorted(rows, key=lambda r: (r["serial"] is None, r["serial"] or 0, str(r["name"]), str(r["big"])))


def test_spark_reads_what_chert_writes(spark, tmp_path):
    session = Session()
    session.view("t", TABLE)
    want = by_serial([{f.name: from_arrow(row[f.name], f.type) for f in TABLE.schema} for row in TABLE.to_pylist()])
    for way, options in WAYS.items():
        pairs = ", ".join(f"'{k}' '{v}'" for k, v in options.items())
        session.sql(f"INSERT OVERWRITE DIRECTORY '{tmp_path}/{way}' USING parquet "
                    f"{f'OPTIONS ({pairs})' if pairs else ''} SELECT /*+ COALESCE(1) */ * FROM t")
        assert len(glob.glob(f"{tmp_path}/{way}/*.parquet")) == 1
        for vectorized in ("true", "false"):
            spark.conf.set("spark.sql.parquet.enableVectorizedReader", vectorized)
            spark.conf.set("spark.sql.parquet.enableNestedColumnVectorizedReader", vectorized)
            got = by_serial([plain(r) for r in spark.read.parquet(f"{tmp_path}/{way}").collect()])
            assert got == want, (way, vectorized)
        df = spark.read.parquet(f"{tmp_path}/{way}")
        for condition, keep in (("serial = 77", lambda r: r["serial"] == 77),
                                ("word = 'otago' AND big > 0", lambda r: r["word"] == "otago" and (r["big"] or 0) > 0),
                                ("name >= 'customer 0000005' AND name < 'customer 0000006'",
                                 lambda r: "customer 0000005" <= (r["name"] or "") < "customer 0000006"),
                                ("huge < -1", lambda r: r["huge"] is not None and r["huge"] < -1),
                                ("day IS NULL", lambda r: r["day"] is None)):
            got = by_serial([plain(r) for r in df.where(condition).collect()])
            assert got == [r for r in want if keep(r)], (way, condition)
    session.close()


def test_spark_reads_intervals_and_old_dates(spark, tmp_path):
    session = Session()
    session.sql(f"INSERT OVERWRITE DIRECTORY '{tmp_path}/i' USING parquet SELECT INTERVAL '1 02:03:04.5' DAY TO SECOND d, "
                "TIMESTAMP_NTZ'1500-01-01 00:00:01' n, DATE'0001-01-01' y, TIMESTAMP'1800-01-01 00:00:00.000001' t")
    row = spark.read.parquet(f"{tmp_path}/i").selectExpr("d", "n", "y", "cast(t as string) t").collect()[0]
    assert row.d == dt.timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=500000)
    assert (row.n, row.y, row.t) == (dt.datetime(1500, 1, 1, 0, 0, 1), dt.date(1, 1, 1), "1800-01-01 00:00:00.000001")
    session.close()


def save(session, query, path, keys, mode="error", **options):
    """df.write.partitionBy(keys).mode(mode).options(options).parquet(path)"""
    lib, err = session.lib, ctypes.byref(session.err)
    lib.chert_df_writer.restype = ctypes.c_void_p
    df = session.ok(lib.chert_sql(session.handle, query.encode(), err))
    writer = ctypes.c_void_p(session.ok(lib.chert_df_writer(ctypes.c_void_p(df), err)))
    lib.chert_writer_format(writer, b"parquet", err)
    lib.chert_writer_mode(writer, mode.encode(), err)
    for key, value in options.items():
        lib.chert_writer_option(writer, key.encode(), value.encode(), err)
    names = [ctypes.c_char_p(k.encode()) for k in keys]
    lib.chert_writer_partition_by(writer, err, *names, ctypes.c_char_p(None))
    lib.chert_writer_save(writer, str(path).encode(), err)
    session.ok(None)
    lib.chert_writer_free(writer)
    lib.chert_df_free(ctypes.c_void_p(df))


KEYED = """SELECT id, concat('v', id) v, id % 3 i, if(id % 4 = 0, NULL, concat('a/b c%=', id % 2)) s, DATE'2020-01-01' + CAST(id % 2 AS INT) d,
           CAST(id % 2 AS DECIMAL(5,2)) m, id % 2 = 0 b FROM range(60)"""


def test_spark_and_chert_read_each_others_partitions(spark, tmp_path):
    session = Session()
    keys = ["i", "s", "d", "m", "b"]
    save(session, KEYED, tmp_path / "chert", keys)
    spark.sql(KEYED).write.partitionBy(*keys).parquet(str(tmp_path / "spark"))
    folders = [sorted({os.path.relpath(os.path.dirname(f), tmp_path / w)
                       for f in glob.glob(f"{tmp_path}/{w}/**/*.parquet", recursive=True)}) for w in ("chert", "spark")]
    assert folders[0] == folders[1]
    query = "SELECT id, v, i, s, d, m, b FROM parquet.`{}` ORDER BY id"
    want = [tuple(r) for r in spark.sql(query.format(tmp_path / "spark")).collect()]
    assert [tuple(r) for r in spark.sql(query.format(tmp_path / "chert")).collect()] == want
    for who in ("chert", "spark"):
        got = session.sql(query.format(tmp_path / who))
        assert [tuple(r.values()) for r in got.to_pylist()] == want
    save(session, "SELECT 100 id, 'new' v, 1 i, 'a/b c%=1' s, DATE'2020-01-02' d, 1.00BD m, false b", tmp_path / "chert", keys,
         "overwrite", partitionOverwriteMode="dynamic")
    rows = spark.read.parquet(str(tmp_path / "chert")).where("v = 'new' or (i = 1 and s = 'a/b c%=1')").collect()
    assert [r.id for r in rows] == [100]
    session.close()
