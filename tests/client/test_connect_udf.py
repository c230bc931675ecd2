# SPDX-License-Identifier: Apache-2.0
"""Functions in Python through Spark Connect: scalar, pandas and Arrow ones, over rows, groups and whole tables."""


MADE = {}


def NAMES(spark):
    if spark not in MADE:
        MADE[spark] = make_names(spark)
    return MADE[spark]


def make_names(spark):  # noqa: C901  # what is defined here is pickled by value
    import datetime
    from decimal import Decimal
    from typing import Iterator, Tuple

    import pandas as pd
    import pyarrow as pa
    from pyspark.sql import Row, functions as F, types as T

    def plain(fn, type, **kw):
        return F.udf(fn, type, useArrow=False, **kw)

    def arrow(fn, type, **kw):
        return F.udf(fn, type, useArrow=True, **kw)

    def fails(x):
        raise ValueError("no " + str(x))

    @F.pandas_udf("bigint")
    def series_plus(a: pd.Series, b: pd.Series) -> pd.Series:
        return a + b

    @F.pandas_udf("bigint")
    def iter_plus(it: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for s in it:
            yield s + 10

    @F.pandas_udf("bigint")
    def iter_two(it: Iterator[Tuple[pd.Series, pd.Series]]) -> Iterator[pd.Series]:
        for a, b in it:
            yield a * b

    @F.pandas_udf("double")
    def mean_of(v: pd.Series) -> float:
        return v.mean()

    @F.pandas_udf("a long, b string")
    def frame_of(v: pd.Series) -> pd.DataFrame:
        return pd.DataFrame({"a": v, "b": v.astype(str)})

    @F.arrow_udf("bigint")
    def arrow_plus(a: pa.Array) -> pa.Array:
        import pyarrow.compute as pc
        return pc.add(a, 1)

    def double_rows(it):
        for df in it:
            yield pd.concat([df, df])

    def batches(it):
        for b in it:
            yield b

    def demean(df):
        return df.assign(v=df.v - df.v.mean())

    def with_key(key, df):
        return pd.DataFrame([key + (len(df),)], columns=["k", "n"])

    def arrow_group(t):
        return pa.table({"k": t["k"].slice(0, 1), "v": [float(t.num_rows)]})

    def pair(l, r):
        return pd.DataFrame([(len(l), len(r))], columns=["l", "r"])

    def pair_key(key, l, r):
        return pd.DataFrame([(key[0], len(l), len(r))], columns=["k", "l", "r"])

    every = T.StructType.fromDDL(
        "bo boolean, by tinyint, sh smallint, i int, l bigint, f float, d double, de decimal(10,2), wide decimal(38,5), "
        "s string, bi binary, da date, ts timestamp, nt timestamp_ntz, dt interval day to second, "
        "ar array<int>, st struct<a:int,b:string>, ma map<string,int>, aa array<struct<x:array<string>>>")
    rows = [(True, 1, 2, 3, 4, 1.5, 2.5, Decimal("12.34"), Decimal("12345678901234567890123456789012.5"), "text", b"\0\1",
             datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30, 0, 123456),
             datetime.datetime(2024, 2, 29, 1, 2, 3), datetime.timedelta(days=1, seconds=2, microseconds=3),
             [1, None, 3], Row(a=1, b="x"), {"k": None}, [Row(x=["a", None]), None]),
            (None,) * 19]
    spark.udf.register("registered", lambda x: None if x is None else x + 1, "int")
    spark.udf.register("series_plus", series_plus)
    spark.udf.register("length", lambda x: -1, "int")
    spark.udf.register("length2", lambda x: -1, "int")
    spark.udf.register("mean_of", mean_of)
    return {
        "pd": pd, "pa": pa, "plain": plain, "arrow": arrow, "fails": fails, "series_plus": series_plus, "iter_plus": iter_plus,
        "iter_two": iter_two, "mean_of": mean_of, "frame_of": frame_of, "arrow_plus": arrow_plus, "double_rows": double_rows,
        "batches": batches, "demean": demean, "with_key": with_key, "arrow_group": arrow_group, "pair": pair, "pair_key": pair_key,
        "every": spark.createDataFrame(rows, every), "D": Decimal, "Row": Row, "datetime": datetime,
        "plus": plain(lambda x: None if x is None else x + 1, "int"),
        "aplus": arrow(lambda x: None if x is None else x + 1, "int"),
        "up": plain(lambda s: s.upper(), "string"), "typed": lambda v: type(v).__name__ + ":" + repr(v),
        "nums": spark.createDataFrame([(1, 10), (2, 20), (3, None), (None, 40)], "a int, b int"),
        "groups": spark.createDataFrame([(1, 1.0), (1, 2.0), (2, 3.0), (2, 5.0), (2, 10.0), (None, 7.0)], "k int, v double"),
        "other": spark.createDataFrame([(1, "x"), (3, "y"), (3, "z"), (None, "n")], "k int, w string"),
        "words": spark.createDataFrame([("a",), ("bc",), (None,)], "w string"),
    }


CASES = """
plain: nums.select("a", plus("a")).sort("a")
plain named: nums.select(plus("a").alias("x")).sort("x")
arrow: nums.select("a", aplus("a")).sort("a")
default kind: nums.select(F.udf(lambda x: repr(x))("a").alias("r")).sort("r")
chained: nums.select(plus(plus(plus("a"))).alias("x")).sort("x")
chained of two kinds: nums.select(plus(aplus(F.col("a") + 1)).alias("x")).sort("x")
several: nums.select(plus("a").alias("x"), plus("b").alias("y"), (plus("a") + aplus("b")).alias("z"), "a").sort("a")
with an expression inside: nums.select((plus(F.col("a") + F.col("b")) * 2).alias("x")).sort("x")
in a filter: nums.where(plus("a") > 2).sort("a")
in a filter with more: nums.where((plus("a") > 2) & (F.col("b") > 0)).select("b").sort("b")
in sort: nums.where("a is not null").sort(plus("a").desc())
in a join: nums.join(other, plus(nums.a) == other.k).select("a", "w").sort("a", "w")
in a join of both sides: nums.join(other, plain(lambda a, k: a is not None and k is not None and a < k, "boolean")(nums.a, other.k)).select("a", "w").sort("a", "w")
in an outer join of both sides: nums.join(other, plain(lambda a, k: True, "boolean")(nums.a, other.k), "left").select("a", "w")
in groupBy: nums.groupBy((plus("a") % 2).alias("p")).agg(F.sum("b").alias("s")).sort("p")
over an aggregate: groups.groupBy("k").agg(plain(lambda x: x * 2, "double")(F.sum("v")).alias("x")).sort("k")
inside an aggregate: groups.groupBy("k").agg(F.sum(plain(lambda x: x * 2, "double")("v")).alias("x")).sort("k")
over and inside: nums.agg(plus(F.sum(plus("a")).cast("int")).alias("x"))
over a key: groups.groupBy("k").agg(plus("k").alias("q")).sort("k")
in explode: nums.select("a", F.explode(plain(lambda a: [a, a], "array<int>")("a"))).sort("a")
in when: nums.select(F.when(F.col("a") > 1, plus("a")).otherwise(-1).alias("x")).sort("x")
distinct: nums.select((plus("a") * 0).alias("x")).distinct().sort("x")
no arguments: nums.select(plain(lambda: 7, "int")().alias("x"))
no arguments with arrow: nums.select(arrow(lambda: 7, "int")().alias("x"))
keywords: nums.select(plain(lambda a, b: f"{a}-{b}", "string")(b=F.col("a"), a=F.col("b")).alias("x")).sort("x")
keyword name: nums.select(plain(lambda a, b: 1, "int")(F.col("a"), b=F.col("b")))
star: nums.select(plain(lambda *a: len(a), "int")("*").alias("x"))
name of a lambda: nums.select(plain(lambda x: 1, "int")("a"))
sql: spark.sql("select registered(1), registered(null), registered(id) from range(2)")
sql name: spark.sql("select REGISTERED(1)")
sql filter: spark.sql("select id from range(5) where registered(cast(id as int)) > 3 order by id")
sql pandas: spark.sql("select series_plus(id, id) x from range(3) order by 1")
sql group: spark.sql("select id % 2 k, mean_of(id) m from range(5) group by 1 order by 1")
sql subquery: spark.sql("select (select max(registered(cast(id as int))) from range(3)) x")
sql unknown: spark.sql("select not_registered(1)")
call_udf: nums.select(F.call_udf("registered", "a").alias("x")).sort("x")
call_function: nums.select(F.call_function("registered", F.col("a")).alias("x")).sort("x")
expr: nums.select(F.expr("registered(a) + 1 as x")).sort("x")
withColumn: nums.withColumn("x", plus("a")).withColumn("y", plus("x")).select("x", "y").sort("x")
dropped: nums.withColumn("x", plain(fails, "int")("a")).select("a").sort("a")
limit: nums.select(plus("a").alias("x")).limit(2).count()
union: nums.select(plus("a").alias("x")).union(nums.select(aplus("b"))).sort("x")
nondeterministic: nums.select(plain(lambda x: 1, "int").asNondeterministic()("a").alias("x")).where("x = 1").count()
error: nums.select(plain(fails, "int")("a")).collect()
error of arrow: nums.select(arrow(fails, "int")("a")).collect()
error of pandas: nums.select(F.pandas_udf(lambda x: fails(x), "int")("a")).collect()
wrong length: nums.select(F.pandas_udf(lambda x: x.head(1), "int")("a")).collect()
pandas: nums.select(series_plus("a", "b").alias("x")).sort("x")
pandas name: nums.select(series_plus("a", "b"))
pandas struct: spark.range(2).select(frame_of("id").alias("x")).sort("x.a")
pandas struct fields: spark.range(2).select(frame_of("id").alias("x")).select("x.*").sort("a")
pandas iterator: spark.range(3).select(iter_plus("id").alias("x")).sort("x")
pandas iterator of two: spark.range(3).select(iter_two("id", F.col("id") + 1).alias("x")).sort("x")
pandas chained: spark.range(3).select(series_plus(series_plus("id", "id"), "id").alias("x")).sort("x")
pandas types: every.select(*[F.pandas_udf(lambda s: s.map(lambda v: str(type(v).__name__)), "string")(c).alias(c) for c in every.columns if c not in ("st", "ma", "aa")])
arrow udf: spark.range(3).select(arrow_plus("id").alias("x")).sort("x")
plain types: every.select(*[plain(typed, "string")(c).alias(c) for c in every.columns])
arrow types: every.select(*[arrow(typed, "string")(c).alias(c) for c in every.columns])
plain there and back: every.select(*[plain(lambda v: v, every.schema[c].dataType)(c).alias(c) for c in every.columns])
arrow there and back: every.select(*[arrow(lambda v: v, every.schema[c].dataType)(c).alias(c) for c in every.columns])
plain of a number as text: nums.select(plain(lambda v: v, "string")("a").alias("x")).sort("x")
plain of a text as number: words.select(plain(lambda v: v, "int")("w").alias("x"))
plain of a double as int: groups.select(plain(lambda v: v, "int")("v").alias("x"))
plain of an int as double: nums.select(plain(lambda v: v, "double")("a").alias("x"))
plain of a large int: nums.select(plain(lambda v: 2 ** 40 + 5, "int")("a").alias("x"))
plain of a huge int: nums.select(plain(lambda v: 2 ** 70, "bigint")("a").alias("x"))
plain of bool as text: nums.select(plain(lambda v: True, "string")("a").alias("x"))
plain of a list as text: nums.select(plain(lambda v: [1, None, "x"], "string")("a").alias("x"))
plain of a dict as text: nums.select(plain(lambda v: {"a": 1.5}, "string")("a").alias("x"))
plain of a double as text: nums.select(plain(lambda v: 1e20, "string")("a").alias("x"))
plain of a decimal as text: nums.select(plain(lambda v: D("1.50"), "string")("a").alias("x"))
plain of a decimal as decimal: nums.select(plain(lambda v: D("1.555"), "decimal(10,2)")("a").alias("x"))
plain of an int as decimal: nums.select(plain(lambda v: 1, "decimal(10,2)")("a").alias("x"))
plain of a tuple as struct: nums.select(plain(lambda v: (v, "x"), "a int, b string")("a").alias("x")).sort("x.a")
plain of a dict as struct: nums.select(plain(lambda v: {"b": "y", "a": v}, "a int, b string")("a").alias("x")).sort("x.a")
plain of a tuple as array: nums.select(plain(lambda v: (1, 2), "array<int>")("a").alias("x"))
plain of a text as binary: words.select(plain(lambda v: "é", "binary")("w").alias("x"))
arrow of a number as text: nums.select(arrow(lambda v: v, "string")("a").alias("x")).sort("x")
arrow of a text as number: words.select(arrow(lambda v: v, "int")("w").alias("x"))
arrow of a double as int: groups.select(arrow(lambda v: v, "int")("v").alias("x"))
arrow of an int as double: nums.select(arrow(lambda v: v, "double")("a").alias("x")).sort("x")
arrow of a large int: nums.select(arrow(lambda v: 2 ** 40 + 5, "int")("a").alias("x"))
mapInPandas: nums.mapInPandas(double_rows, "a int, b int").sort("a", "b")
mapInPandas of nothing: nums.where("a > 99").mapInPandas(double_rows, "a int, b int")
mapInPandas renamed: nums.mapInPandas(lambda it: (df.rename(columns={"a": "c"}) for df in it), "c int, b int").select("c").sort("c")
mapInPandas missing column: nums.mapInPandas(lambda it: (df[["a"]] for df in it), "a int, b int").collect()
mapInPandas error: nums.mapInPandas(fails, "a int").collect()
mapInPandas then more: nums.mapInPandas(double_rows, "a int, b int").where("a > 1").groupBy("a").count().sort("a")
mapInArrow: nums.mapInArrow(batches, "a int, b int").sort("a")
mapInArrow of all: every.mapInArrow(batches, every.schema).count()
applyInPandas: groups.groupBy("k").applyInPandas(demean, "k int, v double").sort("k", "v")
applyInPandas unsorted: groups.groupBy("k").applyInPandas(demean, "k int, v double")
applyInPandas with key: groups.groupBy("k").applyInPandas(with_key, "k int, n long").sort("k")
applyInPandas of an expression: groups.groupBy((F.col("k") % 2).alias("p")).applyInPandas(with_key, "k int, n long").sort("k")
applyInPandas of all: groups.groupBy().applyInPandas(lambda df: pd.DataFrame({"n": [len(df)]}), "n long")
applyInPandas of none: groups.where("v > 99").groupBy("k").applyInPandas(demean, "k int, v double")
applyInPandas error: groups.groupBy("k").applyInPandas(fails, "k int, v double").collect()
applyInArrow: groups.groupBy("k").applyInArrow(arrow_group, "k int, v double").sort("k")
applyInArrow with key: groups.groupBy("k").applyInArrow(lambda key, t: pa.table({"k": [key[0].as_py()], "n": [t.num_rows]}), "k int, n long").sort("k")
cogroup: groups.groupBy("k").cogroup(other.groupBy("k")).applyInPandas(pair, "l long, r long").sort("l", "r")
cogroup with key: groups.groupBy("k").cogroup(other.groupBy("k")).applyInPandas(pair_key, "k int, l long, r long").sort("k")
cogroup in Arrow: groups.groupBy("k").cogroup(other.groupBy("k")).applyInArrow(lambda l, r: pa.table({"l": [l.num_rows], "r": [r.num_rows]}), "l long, r long").sort("l", "r")
grouped aggregate: groups.groupBy("k").agg(mean_of("v")).sort("k")
grouped aggregates: groups.groupBy("k").agg(mean_of("v").alias("m"), mean_of(F.col("v") + 1).alias("n")).sort("k")
grouped aggregate over: groups.groupBy("k").agg((mean_of("v") * 2 + F.col("k")).alias("m")).sort("k")
grouped aggregate of all: groups.agg(mean_of("v").alias("m"))
grouped aggregate of none: groups.where("v > 99").agg(mean_of("v").alias("m"))
grouped aggregate of no groups: groups.where("v > 99").groupBy("k").agg(mean_of("v").alias("m"))
grouped aggregate by an expression: groups.groupBy((F.col("k") + 1).alias("q")).agg(mean_of("v").alias("m")).sort("q")
grouped aggregate mixed: groups.groupBy("k").agg(mean_of("v"), F.sum("v")).collect()
grouped aggregate unsorted: groups.groupBy("k").agg(mean_of("v").alias("m"))
window: groups.withColumn("m", mean_of("v").over(Window.partitionBy("k"))).sort("k", "v")
window in order: groups.withColumn("m", mean_of("v").over(Window.partitionBy("k").orderBy("v"))).sort("k", "v")
window of rows: groups.withColumn("m", mean_of("v").over(Window.partitionBy("k").orderBy("v").rowsBetween(-1, 0))).sort("k", "v")
window of a range: groups.withColumn("m", mean_of("v").over(Window.partitionBy("k").orderBy("v").rangeBetween(-2, 0))).sort("k", "v")
window behind: groups.withColumn("m", mean_of("v").over(Window.orderBy("v").rowsBetween(-2, -1))).sort("v")
windows: groups.select("k", "v", mean_of("v").over(Window.partitionBy("k")).alias("a"), mean_of("v").over(Window.partitionBy("k").orderBy("v")).alias("b"), F.sum("v").over(Window.partitionBy("k")).alias("c")).sort("k", "v")
window of an expression: groups.withColumn("m", mean_of(F.col("v") * 2).over(Window.partitionBy(F.col("k") % 2))).sort("k", "v")
window in sql: spark.sql("select id, mean_of(id) over (partition by id % 2 order by id) m from range(6) order by id")
window of a scalar function: groups.withColumn("m", F.sum(plain(lambda x: x * 2, "double")("v")).over(Window.partitionBy("k"))).sort("k", "v")
registered over a builtin: spark.sql("select length('abc'), length2('abc')")
in values: spark.sql("values (registered(1)), (registered(2))")
in a view: (spark.sql("create or replace temporary view registered_view as select registered(cast(id as int)) x from range(2)"), spark.table("registered_view"))[1].sort("x")
in a correlated subquery: spark.sql("select id, (select max(registered(cast(r.id as int))) from range(5) r where r.id < t.id) m from range(3) t order by id")
exists: [spark.catalog.functionExists("registered"), spark.catalog.functionExists("nowhere")]
describes: [f.name for f in spark.catalog.listFunctions() if f.isTemporary and f.name in ("registered", "mean_of")]
types of columns: nums.select(plus("a"), up(F.lit("x")), frame_of("a")).schema.simpleString()
aggregate in where: groups.where(mean_of("v") > 1).collect()
in a lambda: nums.select(F.transform(F.array("a"), lambda x: plus(x))).collect()
"""

if __name__ != "cases":  # not when Spark is asked
    import pytest
    pytest.importorskip("grpc")
    import recorded
    from server import Server, no_hang  # noqa: F401

    answers = recorded.read(recorded.path_of(__file__))
    cases = recorded.lines_of(CASES)

    @pytest.fixture(scope="module")
    def session():  # one for all: its Python processes are what takes time
        import sys
        server = Server("--memory", "512M")
        session = server.session()
        session.conf.set("spark.sql.execution.pyspark.python", sys.executable)
        session.conf.set("spark.sql.shuffle.partitions", "4")
        yield session
        assert server.stop() == 0

    @pytest.mark.parametrize("title,code", cases, ids=[c[0].replace(" ", "_") for c in cases])
    def test(session, title, code):
        import sys
        assert recorded.answer(session, sys.modules[__name__], code) == answers[title]
