# SPDX-License-Identifier: Apache-2.0
"""Table functions in Python through Spark Connect: called, registered, lateral, over tables, with analyze()."""


MADE = {}


def NAMES(spark):
    if spark not in MADE:
        MADE[spark] = make_names(spark)
    return MADE[spark]


def make_names(spark):  # noqa: C901  # what is defined here is pickled by value
    import datetime
    from decimal import Decimal
    from typing import Iterator

    import pyarrow as pa
    from pyspark.sql import Row, functions as F, types as T
    from pyspark.sql.functions import (AnalyzeArgument, AnalyzeResult, OrderingColumn, PartitioningColumn,
                                       SelectedColumn, SkipRestOfInputTableException)

    def plain(cls, type=None, **kw):
        return F.udtf(cls, returnType=type, useArrow=False, **kw)

    def arrow(cls, type=None, **kw):
        return F.udtf(cls, returnType=type, useArrow=True, **kw)

    class Squares:
        def eval(self, start: int, end: int):
            for n in range(start, end + 1):
                yield n, n * n

    class Words:
        def eval(self, text: str):
            for w in text.split(" "):
                yield w, len(w)

    class Named:
        def eval(self, a, b=10):
            yield str(a), str(b)

    class Nothing:
        def eval(self, a):
            return None

    class Listed:
        def eval(self, a):
            return [(a,), (a + 1,)]

    class OneNone:
        def eval(self, a):
            yield

    class Typed:
        def eval(self, *a):
            yield ("; ".join(type(x).__name__ + ":" + repr(x) for x in a),)

    class Same:
        def eval(self, a):
            yield (a,)

    class Sum:
        def __init__(self):
            self.n, self.v = 0, 0

        def eval(self, row: Row):
            self.n += 1
            self.v += row["v"] or 0

        def terminate(self):
            yield self.n, self.v

    class Running:
        def __init__(self):
            self.v = 0

        def eval(self, row: Row):
            self.v += row["v"] or 0
            yield self.v, "eval"

        def terminate(self):
            yield self.v, "terminate"

    class Seen:
        def __init__(self):
            self.n = 0

        def eval(self, row: Row):
            self.n += 1
            yield self.n, repr(row.asDict())

    class Counted:
        def __init__(self):
            self.n = 0

        def eval(self, a):
            self.n += 1
            yield (a,)

        def terminate(self):
            yield (-self.n,)

    class Skips:
        def __init__(self):
            self.n = 0

        def eval(self, row: Row):
            self.n += 1
            if self.n > 2:
                raise SkipRestOfInputTableException("enough")
            yield self.n, repr(row["v"])

        def terminate(self):
            yield self.n, "end"

    class Cleans:
        def eval(self, a):
            yield (a,)

        def cleanup(self):
            raise ValueError("in cleanup")

    class Fails:
        def eval(self, a):
            raise ValueError("no " + str(a))

    class FailsLate:
        def eval(self, a):
            yield (a,)

        def terminate(self):
            raise ValueError("late")

    class FailsEarly:
        def __init__(self):
            raise ValueError("early")

        def eval(self, a):
            yield (a,)

    class Wide:
        def eval(self, a):
            yield a, a, a

    class NotRows:
        def eval(self, a):
            return 1

    class NotTuple:
        def eval(self, a):
            yield a

    class WrongType:
        def eval(self, a):
            yield ("text",)

    class Dicts:
        def eval(self, a):
            yield {"x": a, "y": "d"}
            yield Row(x=a, y="r")
            yield [a, "l"]

    class Needs:
        def eval(self, a, b):
            yield (a,)

    class Takes:
        def __init__(self, what):
            pass

        def eval(self, a):
            yield (a,)

    class Poly:
        def __init__(self, result=None):
            self.result = result

        @staticmethod
        def analyze(*args: AnalyzeArgument, **kwargs: AnalyzeArgument) -> AnalyzeResult:
            told = "; ".join(f"{a.dataType.simpleString()} {a.value!r} {a.isTable} {a.isConstantExpression}" for a in args)
            told += "".join(f"; {k}={a.dataType.simpleString()} {a.value!r}" for k, a in kwargs.items())
            return AnalyzeResult(T.StructType().add("told", T.StringType()).add("n", T.IntegerType())
                                 .add(told.replace(" ", "_").replace("`", ""), T.StringType()))

        def eval(self, *args, **kwargs):
            yield repr(args) + repr(kwargs), len(args), str(len(self.result.schema))

    class Columns:
        @staticmethod
        def analyze(n: AnalyzeArgument) -> AnalyzeResult:
            if n.value is None:
                raise Exception("a number is needed")
            schema = T.StructType()
            for i in range(n.value):
                schema = schema.add(f"c{i}", T.LongType())
            return AnalyzeResult(schema)

        def eval(self, n):
            yield tuple(range(n))

    def asks(**kw):
        class Asks:
            def __init__(self):
                self.n, self.seen = 0, []

            @staticmethod
            def analyze(t: AnalyzeArgument) -> AnalyzeResult:
                return AnalyzeResult(T.StructType().add("n", T.IntegerType()).add("seen", T.StringType()), **kw)

            def eval(self, row: Row):
                self.n += 1
                self.seen.append(repr(tuple(row.asDict().items())))

            def terminate(self):
                yield self.n, " ".join(self.seen)
        return Asks

    from dataclasses import dataclass

    @dataclass
    class Kept(AnalyzeResult):
        total: int = 0

    class Keeps:
        def __init__(self, result):
            self.total = result.total

        @staticmethod
        def analyze(n: AnalyzeArgument):
            return Kept(schema=T.StructType().add("total", T.IntegerType()), total=n.value * 2)

        def eval(self, n):
            yield (self.total + n,)

    class NoResult:
        @staticmethod
        def analyze(n):
            return 1

        def eval(self, n):
            yield (n,)

    @F.arrow_udtf(returnType="x int, y int")
    class Batches:
        def eval(self, a: pa.Array, b: pa.Array) -> Iterator[pa.Table]:
            yield pa.table({"x": a.cast(pa.int32()), "y": b.cast(pa.int32())})

    @F.arrow_udtf(returnType="k int, n int, v int")
    class Tables:
        def __init__(self):
            self.n = 0

        def eval(self, t: pa.RecordBatch) -> Iterator[pa.Table]:
            self.n += t.num_rows
            import pyarrow.compute as pc
            yield pa.table({"k": pa.array([len(t.schema.names)], pa.int32()), "n": pa.array([t.num_rows], pa.int32()),
                            "v": pa.array([pc.sum(t.column("v")).as_py()], pa.int32())})

    @F.arrow_udtf(returnType="x int")
    class Unlike:
        def eval(self, a: pa.Array):
            yield 1

    every = T.StructType.fromDDL(
        "bo boolean, by tinyint, sh smallint, i int, l bigint, f float, d double, de decimal(10,2), s string, bi binary, "
        "da date, ts timestamp, nt timestamp_ntz, dt interval day to second, ar array<int>, st struct<a:int,b:string>, "
        "ma map<string,int>, aa array<struct<x:array<date>>>")
    rows = [(True, 1, 2, 3, 4, 1.5, 2.5, Decimal("12.34"), "text", bytearray(b"\0\1"), datetime.date(2024, 2, 29),
             datetime.datetime(2024, 2, 29, 12, 30, 0, 123456), datetime.datetime(2024, 2, 29, 1, 2, 3),
             datetime.timedelta(days=1, seconds=2, microseconds=3), [1, None, 3], Row(a=1, b="x"), {"k": None},
             [Row(x=[datetime.date(2024, 2, 29), None]), None]), (None,) * 18]
    spark.udtf.register("squares", plain(Squares, "n int, square int"))
    spark.udtf.register("asquares", arrow(Squares, "n int, square int"))
    spark.udtf.register("words", plain(Words, "word string, len int"))
    spark.udtf.register("awords", arrow(Words, "word string, len int"))
    spark.udtf.register("named", plain(Named, "a string, b string"))
    spark.udtf.register("sums", plain(Sum, "n int, v int"))
    spark.udtf.register("asums", arrow(Sum, "n int, v int"))
    spark.udtf.register("running", plain(Running, "v int, what string"))
    spark.udtf.register("seen", plain(Seen, "n int, row string"))
    spark.udtf.register("aseen", arrow(Seen, "n int, row string"))
    spark.udtf.register("skips", plain(Skips, "n int, v string"))
    spark.udtf.register("askips", arrow(Skips, "n int, v string"))
    spark.udtf.register("typed", plain(Typed, "t string"))
    spark.udtf.register("atyped", arrow(Typed, "t string"))
    spark.udtf.register("nothing", plain(Nothing, "x int"))
    spark.udtf.register("anothing", arrow(Nothing, "x int"))
    spark.udtf.register("counted", plain(Counted, "x int"))
    spark.udtf.register("poly", plain(Poly))
    spark.udtf.register("apoly", arrow(Poly))
    spark.udtf.register("columns", plain(Columns))
    spark.udtf.register("keeps", plain(Keeps))
    spark.udtf.register("no_result", plain(NoResult))
    spark.udtf.register("batches", Batches)
    spark.udtf.register("tables", Tables)
    spark.udtf.register("fails", plain(Fails, "x int"))
    p, o, s = PartitioningColumn, OrderingColumn, SelectedColumn
    for name, kw in [
            ("asks_none", {}), ("asks_single", {"withSinglePartition": True}),
            ("asks_k", {"partitionBy": [p("k")]}), ("asks_k1", {"partitionBy": [p("k + 1")]}),
            ("asks_sorted", {"partitionBy": [p("k % 2")], "orderBy": [o("v", ascending=False)]}),
            ("asks_nulls", {"withSinglePartition": True, "orderBy": [o("v", overrideNullsFirst=False)]}),
            ("asks_nulls_first", {"withSinglePartition": True, "orderBy": [o("v", False, overrideNullsFirst=True)]}),
            ("asks_select", {"partitionBy": [p("k % 2")], "orderBy": [o("v")], "select": [s("v"), s("k + 1", "k1")]}),
            ("asks_select_k", {"partitionBy": [p("k")], "orderBy": [o("v")], "select": [s("v")]}),
            ("asks_select_alone", {"select": [s("v")]}), ("asks_no_alias", {"select": [s("v + 1")]}),
            ("asks_order", {"orderBy": [o("v")]}), ("asks_both", {"withSinglePartition": True, "partitionBy": [p("k")]}),
            ("asks_alias", {"withSinglePartition": True, "orderBy": [o("v AS w")]}), ("asks_unknown", {"partitionBy": [p("zz")]}),
            ("asks_text", {"partitionBy": ["k"]})]:
        spark.udtf.register(name, plain(asks(**kw)))
    spark.udtf.register("aasks_select", arrow(asks(partitionBy=[p("k % 2")], orderBy=[o("v")], select=[s("v")])))
    spark.udf.register("scalar", lambda x: x, "int")
    spark.sql("select * from values (1, 10), (2, 20), (1, 30), (3, null), (null, 50), (2, 60) t(k, v)").coalesce(1) \
        .createOrReplaceTempView("t")
    return {
        "plain": plain, "arrow": arrow, "T": T, "Row": Row, "Squares": Squares, "Words": Words, "Named": Named, "Nothing": Nothing,
        "Listed": Listed, "OneNone": OneNone, "Typed": Typed, "Same": Same, "Sum": Sum, "Running": Running, "Seen": Seen,
        "Skips": Skips, "Cleans": Cleans, "Fails": Fails, "FailsLate": FailsLate, "FailsEarly": FailsEarly, "Wide": Wide,
        "NotRows": NotRows, "NotTuple": NotTuple, "WrongType": WrongType, "Dicts": Dicts, "Needs": Needs, "Takes": Takes,
        "Poly": Poly, "Batches": Batches, "Tables": Tables, "Unlike": Unlike, "Counted": Counted, "lit": F.lit, "col": F.col,
        "every": spark.createDataFrame(rows, every).coalesce(1), "t": spark.table("t"),
        "nums": spark.createDataFrame([(1, 2), (3, 5)], "a int, b int"),
        "texts": spark.createDataFrame([(1, "a bc"), (2, "d")], "id int, s string"),
    }


CASES = """
called: plain(Squares, "n int, square int")(lit(1), lit(3)).sort("n")
called with arrow: arrow(Squares, "n int, square int")(lit(1), lit(3)).sort("n")
called of no kind: F.udtf(Squares, returnType="n int, square int")(lit(1), lit(3)).sort("n")
a struct for the type: plain(Squares, T.StructType().add("n", T.IntegerType()).add("square", T.LongType(), False))(lit(1), lit(2)).sort("n")
named: plain(Named, "a string, b string")(lit(1), b=lit("x"))
named all: plain(Named, "a string, b string")(b=lit("x"), a=lit(None))
left out: arrow(Named, "a string, b string")(lit(1))
returns none: plain(Nothing, "x int")(lit(1))
returns none with arrow: arrow(Nothing, "x int")(lit(1))
returns a list: plain(Listed, "x int")(lit(1))
returns a list with arrow: arrow(Listed, "x int")(lit(1))
a row of none: plain(OneNone, "x int, y string")(lit(1))
a row of none with arrow: arrow(OneNone, "x int, y string")(lit(1))
dicts: plain(Dicts, "x int, y string")(lit(1))
dicts with arrow: arrow(Dicts, "x int, y string")(lit(1))
constants: plain(Typed, "t string")(lit(1), lit("a"), lit(1.5), lit(None), F.expr("1.5BD"), F.expr("date'2024-02-29'"), F.array(lit(1)), F.struct(lit(1).alias("q")))
constants with arrow: arrow(Typed, "t string")(lit(1), lit("a"), lit(1.5), lit(None), F.expr("1.5BD"), F.expr("date'2024-02-29'"), F.array(lit(1)), F.struct(lit(1).alias("q")))
no arguments: plain(Typed, "t string")()
no arguments with arrow: arrow(Typed, "t string")()
wrong type: plain(WrongType, "x int")(lit(1))
wrong type with arrow: arrow(WrongType, "x int")(lit(1)).collect()
selected: plain(Squares, "n int, square int")(lit(1), lit(3)).select("square").where("square > 1").sort("square")
joined: plain(Squares, "n int, square int")(lit(1), lit(3)).join(nums, col("n") == col("a")).sort("n")
counts: plain(Squares, "n int, square int")(lit(1), lit(3)).count()
terminates: plain(Counted, "x int")(lit(7))
terminates with arrow: arrow(Counted, "x int")(lit(7))
sql: spark.sql("select * from squares(1, 3) order by n")
sql with arrow: spark.sql("select * from asquares(1, 3) order by n")
sql aliased: spark.sql("select s.a, b from SQUARES(1, 2) as s(a, b) order by a")
sql expressions: spark.sql("select * from squares(1 + 1, cast('3' as int)) order by n")
sql named: spark.sql("select * from named(b => 'x', a => 1)")
sql named behind: spark.sql("select * from named(b => 'x', 1)").collect()
sql named twice: spark.sql("select * from named(a => 1, a => 2)").collect()
sql named wrongly: spark.sql("select * from named(1, c => 2)").collect()
sql where: spark.sql("select square from squares(1, 5) where n % 2 = 1 order by n")
sql aggregate: spark.sql("select sum(square) s, count(*) c from squares(1, 5)")
sql union: spark.sql("select n from squares(1, 2) union all select square from asquares(1, 2) order by 1")
sql unknown: spark.sql("select * from not_registered(1)").collect()
sql scalar: spark.sql("select squares(1, 2)").collect()
sql scalar function: spark.sql("select * from scalar(1)").collect()
sql scalar inside: spark.sql("select * from squares(scalar(1), scalar(2)) order by n")
in a view: (spark.sql("create or replace temporary view squares_view as select n, square from squares(1, 2)"), spark.table("squares_view"))[1].sort("n")
in a subquery: spark.sql("select (select max(square) from squares(1, 3)) x")
with: spark.sql("with q as (select * from squares(1, 3)) select a.n, b.square from q a join q b on a.n = b.n order by 1")
lateral: spark.sql("select id, word, len from values (1, 'a bc'), (2, 'd') q(id, s), lateral words(s) order by id, word")
lateral with arrow: spark.sql("select id, word, len from values (1, 'a bc'), (2, 'd') q(id, s), lateral awords(s) order by id, word")
lateral aliased: spark.sql("select q.id, w.x from values (1, 'a bc'), (2, 'd') q(id, s), lateral words(q.s) as w(x, y) where w.y = 1 order by id, x")
lateral join: spark.sql("select id, word from values (1, 'a bc'), (2, 'd') q(id, s) join lateral words(s) order by id, word")
lateral join on: spark.sql("select id, word from values (1, 'a bc'), (2, 'd') q(id, s) join lateral words(s) w on w.len = q.id order by id, word")
lateral left join: spark.sql("select id, x from values (1), (2) q(id) left join lateral nothing(id) on true order by id")
lateral left join with arrow: spark.sql("select id, x from values (1), (2) q(id) left join lateral anothing(id) on true order by id")
lateral of nothing: spark.sql("select id, x from values (1), (2) q(id), lateral nothing(id) order by id")
lateral of constants: spark.sql("select id, n from values (1), (2) q(id), lateral squares(1, 2) order by id, n")
lateral twice: spark.sql("select id, n, word from values (1, 'a bc') q(id, s), lateral squares(1, id + 1), lateral words(s) order by id, n, word")
lateral of all columns: spark.sql("select id, s, word from values (1, 'a bc') q(id, s), lateral (select word from words(s)) order by word")
lateral and terminate: spark.sql("select id, x from values (1) q(id), lateral counted(id + 5) order by x")
lateral left join on: spark.sql("select id, n from values (1), (2) q(id) left join lateral squares(1, id) s on s.n > 1 order by id, n")
lateral left join on with arrow: spark.sql("select id, n from values (1), (2) q(id) left join lateral asquares(1, id) s on s.n > 1 order by id, n")
in a correlated subquery: spark.sql("select id, (select sum(n) from squares(1, id)) m from values (1), (2) q(id) order by id")
lateral join of frames: texts.lateralJoin(plain(Words, "word string, len int")(col("s").outer())).sort("id", "word")
lateral join of frames with arrow: texts.lateralJoin(arrow(Words, "word string, len int")(col("s").outer())).select("id", "word").sort("id", "word")
lateral left join of frames: texts.lateralJoin(plain(Nothing, "x int")(col("id").outer()), how="left").sort("id")
every type: spark.sql("select 1").crossJoin(every).lateralJoin(plain(Typed, "t string")(*[col(c).outer() for c in every.columns])).select("t")
every type with arrow: every.lateralJoin(arrow(Typed, "t string")(*[col(c).outer() for c in every.columns])).select("t")
every type back: [every.lateralJoin(plain(Same, f"x {f.dataType.simpleString()}")(col(f.name).outer())).select("x").collect() for f in every.schema.fields]
every type back with arrow: [every.lateralJoin(arrow(Same, f"x {f.dataType.simpleString()}")(col(f.name).outer())).select("x").collect() for f in every.schema.fields]
table: spark.sql("select n, row from seen(TABLE(t)) order by n")
table with arrow: spark.sql("select n, row from aseen(TABLE(t)) order by n")
table by name: spark.sql("select n, row from seen(TABLE t) order by n")
table of a query: spark.sql("select n, row from seen(TABLE(select v * 2 as w from t where v < 25)) order by n")
table summed: spark.sql("select * from sums(TABLE(t))")
table in one partition: spark.sql("select * from sums(TABLE(select * from t) WITH SINGLE PARTITION)")
table in one partition in order: spark.sql("select n, row from seen(TABLE(t) WITH SINGLE PARTITION ORDER BY v desc) order by n")
table in one partition in orders: spark.sql("select n, row from aseen(TABLE(t) WITH SINGLE PARTITION ORDER BY (k nulls last, v desc)) order by n")
table by an expression: spark.sql("select * from sums(TABLE(t) PARTITION BY k + 0)").sort("n", "v")
table by an expression with arrow: spark.sql("select * from asums(TABLE(t) PARTITION BY k + 0)").sort("n", "v")
table by an expression seen: spark.sql("select * from seen(TABLE(t) PARTITION BY k + 0 ORDER BY v)").sort("row")
table by an expression seen with arrow: spark.sql("select * from aseen(TABLE(t) PARTITION BY (k % 2) ORDER BY v)").sort("row")
table by expressions: spark.sql("select * from sums(TABLE(t) DISTRIBUTE BY (k % 2, v > 20) SORT BY v)").sort("n", "v")
table by a column: spark.sql("select * from sums(TABLE(t) PARTITION BY k)").sort("n", "v")
table by a column seen: spark.sql("select row from seen(TABLE(t) PARTITION BY k ORDER BY v)").sort("row")
table by a column and an expression: spark.sql("select row from seen(TABLE(t) PARTITION BY (k, v + 1))").sort("row")
table running: spark.sql("select * from running(TABLE(t) PARTITION BY k + 0 ORDER BY v)").sort("v", "what")
table skipped: spark.sql("select * from skips(TABLE(t) PARTITION BY k % 2 ORDER BY v)").sort("n", "v")
table skipped in one partition: spark.sql("select * from skips(TABLE(t) WITH SINGLE PARTITION ORDER BY v)").sort("n", "v")
table skipped with arrow: spark.sql("select * from askips(TABLE(t) WITH SINGLE PARTITION ORDER BY v)").sort("n", "v")
table by name of an argument: spark.sql("select * from sums(row => TABLE(t) WITH SINGLE PARTITION)")
table and more: spark.sql("select * from typed(TABLE(select 1 as a), 2, 'x')")
table and more with arrow: spark.sql("select * from atyped(3, TABLE(select 1 as a))")
table from with: spark.sql("with q as (select * from t where v > 20) select * from sums(TABLE(q) WITH SINGLE PARTITION)")
table of nothing: spark.sql("select * from seen(TABLE(select * from t where v > 99) WITH SINGLE PARTITION)")
tables: spark.sql("select * from typed(TABLE(t), TABLE(t))").collect()
table without parentheses: spark.sql("select * from sums(TABLE(t) PARTITION BY k, v)").collect()
table without parentheses in order: spark.sql("select * from sums(TABLE(t) WITH SINGLE PARTITION ORDER BY k, v)").collect()
table with an order alone: spark.sql("select * from sums(TABLE(t) ORDER BY k)").collect()
table unknown: spark.sql("select * from sums(TABLE(nowhere))").collect()
table by an unknown column: spark.sql("select * from sums(TABLE(t) PARTITION BY zz)").collect()
table of frames: plain(Sum, "n int, v int")(t.asTable().withSinglePartition())
table of frames in order: plain(Seen, "n int, row string")(t.asTable().withSinglePartition().orderBy(col("v").desc())).sort("n")
table of frames by an expression: arrow(Sum, "n int, v int")(t.asTable().partitionBy(col("k") + 0)).sort("n", "v")
table of frames by a column: plain(Sum, "n int, v int")(t.asTable().partitionBy("k").orderBy("v")).sort("n", "v")
table of frames named: plain(Sum, "n int, v int")(row=t.asTable().withSinglePartition())
batches: Batches(lit(1), lit(2))
batches sql: spark.sql("select * from batches(1, 2)")
batches of a table: spark.sql("select * from tables(TABLE(t) WITH SINGLE PARTITION)")
batches of a table by an expression: spark.sql("select * from tables(TABLE(t) PARTITION BY k + 0)").sort("n", "v")
batches of a table by a column: spark.sql("select count(*) from tables(TABLE(t) PARTITION BY k)")
batches of frames: Tables(t.asTable().withSinglePartition())
batches lateral: spark.sql("select * from values (1, 2) q(a, b), lateral batches(a, b)").collect()
batches unlike: Unlike(lit(1)).collect()
analyzed: plain(Poly)(lit(1), lit("a")).select("told", "n")
analyzed columns: plain(Poly)(lit(1), lit("a"), F.expr("1 + 1"), F.expr("date'2024-02-29'"), F.array(lit(1)), lit(None)).columns
analyzed structs: plain(Poly)(F.expr("named_struct('a', date'2024-02-29')"), F.expr("array(timestamp'2024-02-29 01:02:03')"), F.expr("map('a', 1.5BD)"), F.expr("interval '1' day")).columns
analyzed named: plain(Poly)(lit(1), b=lit(2), c=lit("x"))
analyzed with arrow: arrow(Poly)(lit(1), b=lit(2)).select("told", "n")
analyzed sql: spark.sql("select told, n from poly(1, 'x')")
analyzed not constant: spark.sql("select * from values (1) q(a), lateral poly(a)").columns
analyzed not foldable: spark.sql("select * from poly(rand(1) > 2)").columns
analyzed table: spark.sql("select * from poly(TABLE(t), 1)").columns
analyzed lateral: spark.sql("select a, told from values (1) q(a), lateral poly(a, 'x')")
analyzed schema: spark.sql("select * from columns(3)")
analyzed fails: spark.sql("select * from columns(null)").collect()
analyzed too many: spark.sql("select * from columns(1, 2)").collect()
analyzed kept: spark.sql("select * from keeps(4)")
analyzed no result: spark.sql("select * from no_result(4)").collect()
asks none: spark.sql("select * from asks_none(TABLE(t) WITH SINGLE PARTITION ORDER BY v)")
asks one partition: spark.sql("select n from asks_single(TABLE(t))")
asks a column: spark.sql("select n from asks_k(TABLE(t))").sort("n")
asks an expression: spark.sql("select n from asks_k1(TABLE(t))").sort("n")
asks an order: spark.sql("select * from asks_sorted(TABLE(t))").sort("n")
asks nulls last: spark.sql("select * from asks_nulls(TABLE(t))")
asks nulls first: spark.sql("select * from asks_nulls_first(TABLE(t))")
asks columns: spark.sql("select * from asks_select(TABLE(t))").sort("n")
asks columns with arrow: spark.sql("select * from aasks_select(TABLE(t))").sort("n")
asks columns without the key: spark.sql("select * from asks_select_k(TABLE(t))").sort("seen")
asks columns alone: spark.sql("select * from asks_select_alone(TABLE(t) WITH SINGLE PARTITION ORDER BY v)")
asks no alias: spark.sql("select * from asks_no_alias(TABLE(t))").collect()
asks an order alone: spark.sql("select * from asks_order(TABLE(t))").collect()
asks both: spark.sql("select * from asks_both(TABLE(t))").collect()
asks an alias: spark.sql("select * from asks_alias(TABLE(t))").collect()
asks the unknown: spark.sql("select * from asks_unknown(TABLE(t))").collect()
asks with a text: spark.sql("select * from asks_text(TABLE(t))").collect()
asks what the call has: spark.sql("select * from asks_k(TABLE(t) PARTITION BY v)").collect()
asks what the call has not: spark.sql("select * from asks_k(1)").collect()
asks of frames: plain(Poly)(t.asTable()).columns
fails: plain(Fails, "x int")(lit(1)).collect()
fails with arrow: arrow(Fails, "x int")(lit(1)).collect()
fails late: plain(FailsLate, "x int")(lit(1)).collect()
fails early: plain(FailsEarly, "x int")(lit(1)).collect()
fails in cleanup: plain(Cleans, "x int")(lit(1)).collect()
too wide: plain(Wide, "x int, y int")(lit(1)).collect()
too wide with arrow: arrow(Wide, "x int, y int")(lit(1)).collect()
no rows: plain(NotRows, "x int")(lit(1)).collect()
no tuple: plain(NotTuple, "x int")(lit(1)).collect()
no tuple with arrow: arrow(NotTuple, "x int")(lit(1)).collect()
needs more: plain(Needs, "x int")(lit(1)).collect()
takes what: plain(Takes, "x int")(lit(1)).collect()
null in a column that has none: plain(Same, T.StructType().add("x", T.IntegerType(), False))(lit(None)).collect()
shows: plain(Squares, "n int, square int")(lit(1), lit(2))._show_string(20)
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

    def test_an_error_tells_the_traceback(session):
        from pyspark.errors import PySparkException
        NAMES(session)
        with pytest.raises(PySparkException) as e:
            session.sql("select * from fails(41)").collect()
        assert "no 41" in str(e.value) and "Traceback" in str(e.value) and "UDTF_EXEC_ERROR" in str(e.value)
        assert session.sql("select n from squares(1, 1)").collect() == [(1,)]

    def test_analyze_tells_what_it_raised(session):
        from pyspark.errors import PySparkException
        NAMES(session)
        with pytest.raises(PySparkException) as e:
            session.sql("select * from columns(null)")
        assert "a number is needed" in str(e.value)
        assert session.sql("select * from columns(2)").columns == ["c0", "c1"]

    def test_many_rows_in_many_batches(session):
        names = NAMES(session)
        for kind in names["plain"], names["arrow"]:
            df = session.range(30000).lateralJoin(kind(names["Listed"], "x bigint")(names["col"]("id").outer()))
            got = df.selectExpr("count(*) n", "sum(x) s", "sum(id) i").collect()[0]
            assert tuple(got) == (60000, 2 * sum(range(30000)) + 30000, 2 * sum(range(30000)))

    def test_a_limit_ends_the_function_early(session):
        names = NAMES(session)
        df = session.range(1_000_000).lateralJoin(names["plain"](names["Same"], "x bigint")(names["col"]("id").outer()))
        assert len(df.limit(3).collect()) == 3
