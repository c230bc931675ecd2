# SPDX-License-Identifier: Apache-2.0
"""Unmodified PySpark programs on `chert server`. What is expected here is what Spark 4.3 answers.

    CHERT_BINARY=build/chert python -m pytest tests/client/test_connect.py
"""
import datetime as dt
import decimal
import os
import signal
import threading
import time

import pytest

pytest.importorskip("grpc")
os.environ.setdefault("TZ", "UTC")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # functions make Connect columns

from pyspark.errors import (AnalysisException, ArithmeticException, NumberFormatException,  # noqa: E402
                            ParseException, SparkNoSuchElementException)
from pyspark.sql import Row, functions as F, types as T  # noqa: E402
from server import Server  # noqa: E402

D = decimal.Decimal


@pytest.fixture(scope="module")
def server():
    s = Server("--memory", "512M")
    yield s
    assert s.stop() == 0


@pytest.fixture(autouse=True)
def no_hang():
    """A test that waits for ever fails instead."""
    def late(*_):
        raise TimeoutError("the test did not end within 60 s")
    signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def spark(server):
    session = server.session()
    yield session
    session.stop()


# ---- rows and schemas


def test_range(spark):
    assert spark.range(3).collect() == [Row(id=0), Row(id=1), Row(id=2)]
    assert spark.range(5, 0, -2).collect() == [Row(id=5), Row(id=3), Row(id=1)]
    assert spark.range(1000).count() == 1000


def test_empty_result_has_a_schema(spark):
    df = spark.range(0).select(F.col("id").alias("a"), F.lit("x").alias("b"))
    assert df.collect() == []
    assert df.toPandas().columns.tolist() == ["a", "b"]
    assert df.toArrow().schema.names == ["a", "b"]


def test_every_type_both_ways(spark):
    rows = [(True, 1, 2.5, "é", b"\x00\xff", D("12.30"), dt.date(2020, 2, 29), dt.datetime(2021, 3, 4, 5, 6, 7, 89),
             [1, None, 3], {"k": 1.5}, Row(x=1, y="z"), dt.timedelta(days=1, seconds=2)),
            (None,) * 12]
    schema = ("a boolean, b int, c double, d string, e binary, f decimal(10,2), g date, h timestamp, "
              "i array<int>, j map<string,double>, k struct<x:int,y:string>, l interval day to second")
    df = spark.createDataFrame(rows, schema)
    assert [tuple(r) for r in df.collect()] == rows
    assert df.schema == T.StructType.fromDDL(schema)


def test_large_local_data_is_uploaded(spark):
    n = 200_000
    df = spark.createDataFrame([(i, f"text number {i}") for i in range(n)], "i long, s string")
    assert df.agg(F.sum("i"), F.max("s")).collect() == [Row(**{"sum(i)": n * (n - 1) // 2,
                                                               "max(s)": "text number 99999"})]


def test_large_results_come_in_order(spark):
    table = spark.range(1_000_000).select((F.col("id") * 2).alias("x")).toArrow()
    assert table.num_rows == 1_000_000
    assert table.column("x")[123_456].as_py() == 246_912


def test_show(spark, capsys):
    spark.sql("select 1 as a, 'x' b, array(1, null) c").show()
    assert capsys.readouterr().out == ("+---+---+---------+\n|  a|  b|        c|\n+---+---+---------+\n"
                                       "|  1|  x|[1, NULL]|\n+---+---+---------+\n\n")


def test_print_schema(spark, capsys):
    spark.sql("select 1L a, map('k', array(struct(1 as x))) b").printSchema()
    assert capsys.readouterr().out == (
        "root\n |-- a: long (nullable = false)\n |-- b: map (nullable = false)\n |    |-- key: string\n"
        " |    |-- value: array (valueContainsNull = false)\n |    |    |-- element: struct (containsNull = false)\n"
        " |    |    |    |-- x: integer (nullable = false)\n\n")


# ---- DataFrame operations


def test_group_join_sort(spark):
    people = spark.createDataFrame([(1, "a"), (2, "b"), (2, "c")], ["id", "name"])
    counts = people.groupBy("id").agg(F.count("*").alias("n"), F.max("name").alias("m"))
    joined = counts.join(spark.range(5), "id").orderBy(F.desc("id"))
    assert joined.collect() == [Row(id=2, n=2, m="c"), Row(id=1, n=1, m="a")]


def test_columns_of_one_of_two_inputs(spark):
    a = spark.range(3).withColumn("v", F.col("id") * 10)
    b = spark.range(1, 4).withColumn("v", F.col("id") * 100)
    rows = a.join(b, a.id == b.id).select(a.v, b.v.alias("w")).orderBy(a.v).collect()
    assert rows == [Row(v=10, w=100), Row(v=20, w=200)]


def test_with_columns_drop_rename(spark):
    df = spark.range(2).withColumns({"a": F.lit(1), "b": F.col("id") + 1}).withColumnRenamed("b", "c").drop("a")
    assert df.columns == ["id", "c"]
    assert df.toDF("x", "y").collect() == [Row(x=0, y=1), Row(x=1, y=2)]


def test_when_in_between(spark):
    df = spark.range(4).select(F.when(F.col("id") == 0, "zero").when(F.col("id").isin(1, 2), "few")
                               .otherwise("many").alias("w"))
    assert [r.w for r in df.collect()] == ["zero", "few", "few", "many"]
    assert spark.range(10).filter(F.col("id").between(3, 5)).count() == 3


def test_set_operations(spark):
    a, b = spark.range(3), spark.range(2, 5)
    assert a.union(b).count() == 6
    assert sorted(r.id for r in a.union(b).distinct().collect()) == [0, 1, 2, 3, 4]
    assert a.intersect(b).collect() == [Row(id=2)]
    assert sorted(r.id for r in a.subtract(b).collect()) == [0, 1]


def test_column_names_are_sparks(spark):
    df = spark.range(1).select(F.col("id") + 1, F.upper(F.lit("a")), ~(F.col("id") > 1), -F.col("id"))
    assert df.columns == ["(id + 1)", "upper(a)", "(NOT (id > 1))", "negative(id)"]


# ---- SQL, views, settings


def test_views_are_the_sessions_own(server, spark):
    spark.range(3).createOrReplaceTempView("v")
    assert spark.sql("select sum(id) s from v").collect() == [Row(s=3)]
    assert spark.table("v").count() == 3
    with pytest.raises(AnalysisException) as e:
        server.session().table("v").collect()
    assert e.value.getErrorClass() == "TABLE_OR_VIEW_NOT_FOUND"


def test_sql_commands(spark):
    assert spark.sql("set spark.sql.ansi.enabled = false").collect() == [
        Row(key="spark.sql.ansi.enabled", value="false")]
    assert spark.sql("select 1 / 0 x").collect() == [Row(x=None)]


def test_conf(spark):
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    assert spark.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    assert spark.sql("select timestamp'2020-01-01 00:00:00' t").toPandas().t[0].isoformat() == "2020-01-01T00:00:00"
    assert spark.conf.get("no.such.key", "else") == "else"
    with pytest.raises(SparkNoSuchElementException):
        spark.conf.get("no.such.key")
    spark.conf.unset("spark.sql.session.timeZone")


def test_clone_keeps_views_and_settings(server, spark):
    spark.range(2).createOrReplaceTempView("mine")
    spark.conf.set("spark.sql.ansi.enabled", "false")
    clone = spark.cloneSession()
    spark.stop()
    assert clone.table("mine").count() == 2
    assert clone.conf.get("spark.sql.ansi.enabled") == "false"
    clone.stop()


def test_write_and_read_csv(spark, tmp_path):
    path = str(tmp_path / "out")
    spark.range(3).withColumn("s", F.lit("a,b")).write.option("header", True).csv(path)
    assert os.path.exists(path + "/_SUCCESS")
    back = spark.read.schema("id long, s string").option("header", True).csv(path)
    assert back.orderBy("id").collect() == [Row(id=i, s="a,b") for i in range(3)]
    assert all(f.startswith("file://") for f in back.inputFiles())
    with pytest.raises(AnalysisException) as e:
        spark.range(1).write.csv(path)
    assert e.value.getErrorClass() == "PATH_ALREADY_EXISTS"


def test_checkpoint(spark):
    df = spark.range(5).filter("id > 2").localCheckpoint()
    assert df.collect() == [Row(id=3), Row(id=4)]


# ---- errors


def test_errors_are_sparks_exceptions(spark):
    with pytest.raises(AnalysisException) as e:
        spark.range(1).select("nope").collect()
    assert e.value.getErrorClass() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    assert e.value.getMessageParameters() == {"objectName": "`nope`", "proposal": "`id`"}
    assert e.value.getSqlState() == "42703"
    with pytest.raises(ParseException) as e:
        spark.sql("selct 1")
    assert e.value.getErrorClass() == "PARSE_SYNTAX_ERROR"
    with pytest.raises(ArithmeticException) as e:
        spark.sql("select 1 / 0").collect()
    assert e.value.getErrorClass() == "DIVIDE_BY_ZERO"
    assert e.value.getQueryContext()[0].fragment() == "1 / 0"
    with pytest.raises(NumberFormatException):
        spark.sql("select cast('x' as int)").collect()


def test_refusals_name_what_is_missing(spark):
    from pyspark.sql.datasource import DataSource

    class Made(DataSource):
        pass
    with pytest.raises(Exception) as e:
        spark.dataSource.register(Made)
    assert "A data source written in Python is not supported" in str(e.value)


# ---- interrupting, re-attaching, many sessions


SLOW = "select count(*) from range(3000000) a join range(3000000) b on a.id % 1000 = b.id % 1000 where a.id + b.id < 0"


def test_interrupt_by_tag(spark):
    failure = []

    def work():
        spark.addTag("slow")  # tags are a thread's own
        try:
            spark.sql(SLOW).collect()
        except Exception as e:  # noqa: BLE001
            failure.append(e)

    t = threading.Thread(target=work)
    t.start()
    time.sleep(0.5)
    start = time.time()
    while t.is_alive() and time.time() - start < 20:
        spark.interruptTag("slow")
        t.join(0.2)
    assert not t.is_alive()
    assert failure and "OPERATION_CANCELED" in str(failure[0])


def test_many_sessions(server):
    before = server.rss()
    for i in range(100):
        session = server.session()
        assert session.range(i).count() == i
        session.stop()
    assert server.rss() - before < 32 << 20


def test_wrong_token():
    s = Server("--token", "secret")
    try:
        assert s.session(";token=secret").range(2).count() == 2
        with pytest.raises(Exception) as e:
            s.session(";token=wrong").range(2).count()
        assert "UNAUTHENTICATED" in str(e.value) or "token" in str(e.value)
    finally:
        s.stop()


def test_struct_fields_are_set_and_dropped(server):
    spark = server.session()
    df = spark.sql("SELECT named_struct('a', 1, 'b', named_struct('c', 2, 'd', 'x')) s UNION ALL SELECT NULL")
    s = F.col("s")

    def row(column):
        got = df.select(column)
        return got.columns[0], got.dtypes[0][1], [r[0] and r[0].asDict(True) for r in got.collect()]

    assert row(s.withField("a", F.lit(5))) == (
        "update_fields(s, WithField(5))", "struct<a:int,b:struct<c:int,d:string>>",
        [{"a": 5, "b": {"c": 2, "d": "x"}}, None])
    assert row(s.withField("b.c", F.lit(7))) == (
        "update_fields(s, WithField(update_fields(s.b, WithField(7))))", "struct<a:int,b:struct<c:int,d:string>>",
        [{"a": 1, "b": {"c": 7, "d": "x"}}, None])
    assert row(s.withField("A", F.lit(5)))[1] == "struct<A:int,b:struct<c:int,d:string>>"
    assert row(s.dropFields("b.c", "a")) == (
        "update_fields(s, WithField(update_fields(s.b, dropfield())), dropfield())", "struct<b:struct<d:string>>",
        [{"b": {"d": "x"}}, None])
    assert row(s.dropFields("nope"))[1] == "struct<a:int,b:struct<c:int,d:string>>"
    assert row(s.withField("a", F.lit(1)).withField("k", F.col("s.a") + 1)) == (
        "update_fields(s, WithField(1), WithField((s.a + 1)))", "struct<a:int,b:struct<c:int,d:string>,k:int>",
        [{"a": 1, "b": {"c": 2, "d": "x"}, "k": 2}, None])
    for column, condition in ((s.dropFields("a", "b"), "DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS"),
                              (s.withField("x.c", F.lit(7)), "FIELD_NOT_FOUND"),
                              (F.col("s.a").withField("a", F.lit(1)), "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE")):
        with pytest.raises(AnalysisException) as e:
            df.select(column).collect()
        assert e.value.getCondition() == condition


def test_rows_are_grouped_by_windows_of_time(server):
    spark = server.session()
    at = lambda minute, second=0: dt.datetime(2021, 1, 1, 0, minute, second)
    df = spark.sql("SELECT * FROM VALUES ('A1', TIMESTAMP'2021-01-01 00:00:00', 1), "
                   "('A1', TIMESTAMP'2021-01-01 00:04:30', 2), ('A2', TIMESTAMP'2021-01-01 00:06:00', 3) t(a, b, v)")
    tumbling = df.groupBy(F.window("b", "5 minutes")).agg(F.sum("v").alias("s"))
    assert tumbling.columns == ["window", "s"]
    assert [tuple(r) for r in tumbling.select("window.start", "window.end", "s").orderBy("start").collect()] == [
        (at(0), at(5), 3), (at(5), at(10), 3)]
    sliding = df.groupBy("a", F.window("b", "10 minutes", "5 minutes").alias("w")).count().orderBy("a", "w")
    assert [(r.a, r.w.start.minute, r["count"]) for r in sliding.collect()] == [
        ("A1", 55, 2), ("A1", 0, 2), ("A2", 0, 1), ("A2", 5, 1)]
    sessions = df.groupBy(F.session_window("b", "5 minutes"), "a").count().orderBy("a")
    assert [(r.session_window.start, r.session_window.end, r.a, r["count"]) for r in sessions.collect()] == [
        (at(0), at(9, 30), "A1", 2), (at(6), at(11), "A2", 1)]
    last = df.withColumn("w", F.window("b", "5 minutes")).select(F.window_time("w")).collect()
    assert last[0][0] == dt.datetime(2021, 1, 1, 0, 4, 59, 999999)


# ---- parameters, variables


def test_named_parameters(spark):
    df = spark.sql("SELECT :a + :b AS s, :t, :l[1] FROM range(:n)",
                   args={"a": 1, "b": 2.5, "t": "it's", "l": F.array(F.lit(7), F.lit(8)), "n": 2})
    assert df.collect() == [Row(s=3.5, **{"it's": "it's", "array(7, 8)[1]": 8})] * 2
    assert df.limit(1).count() == 1


def test_positional_parameters(spark):
    when = dt.datetime(2024, 5, 6, 7, 8, 9)
    row = spark.sql("SELECT ? + 1, ?, typeof(?), ? IS NULL", args=[1, when, 1.5, None]).collect()[0]
    assert tuple(row) == (2, when, "double", True)
    assert [r.id for r in spark.sql("SELECT id FROM range(10) WHERE id > ? LIMIT ?", args=[3, 2]).collect()] == [4, 5]


def test_parameters_of_statements(spark):
    spark.sql("CREATE OR REPLACE TEMP VIEW pv AS SELECT :x AS x", args={"x": 3})
    assert spark.table("pv").collect() == [Row(x=3)]
    assert spark.sql("SELECT IDENTIFIER(:c) FROM IDENTIFIER(:t)", args={"c": "x", "t": "pv"}).collect() == [Row(x=3)]


def test_wrong_parameters(spark):
    for text, args, name in [("SELECT :a", {"b": 1}, "UNBOUND_SQL_PARAMETER"), ("SELECT ?", [], "UNBOUND_SQL_PARAMETER"),
                             ("SELECT :a", {"a": F.col("x")}, "INVALID_SQL_ARG")]:
        with pytest.raises(AnalysisException) as e:
            spark.sql(text, args=args).collect()
        assert e.value.getCondition() == name, text


def test_variables_and_execute_immediate(spark):
    spark.sql("DECLARE OR REPLACE VARIABLE v INT DEFAULT 5")
    assert spark.sql("SELECT v + 1 AS x").collect() == [Row(x=6)]
    spark.sql("EXECUTE IMMEDIATE 'SELECT v * ?' INTO v USING 4")
    assert spark.sql("SELECT session.v").collect() == [Row(v=20)]
    assert spark.sql("EXECUTE IMMEDIATE 'SELECT id FROM range(:n)' USING 2 AS n").collect() == [Row(id=0), Row(id=1)]
    spark.sql("DROP TEMPORARY VARIABLE v")
