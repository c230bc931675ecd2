# SPDX-License-Identifier: Apache-2.0
"""Shapes of DataFrames through Spark Connect: pivot's kin, joins by nearness, structs, table functions, observe."""


def NAMES(spark):
    return {
        "wide": spark.createDataFrame([(1, 11, 1.1), (2, 12, 1.2)], ["id", "int", "double"]),
        "mixed": spark.createDataFrame([("A", 1, 2), ("B", 3, 4), (None, 5, 6)], ["id", "val1", "val2"]),
        "left": spark.createDataFrame([(1, "a"), (5, "b"), (10, "c")], ["a", "left_val"]),
        "right": spark.createDataFrame([(1, 1), (2, 2), (3, 3), (6, 6), (7, 7)], ["a", "right_val"]),
        "users": spark.createDataFrame([(1, 10.0), (2, 20.0), (3, 30.0), (4, None)], ["uid", "score"]),
        "products": spark.createDataFrame([("A", 11.0), ("B", 22.0), ("C", 5.0)], ["product", "pscore"]),
        "nested": spark.sql("select named_struct('a', 1, 'b', named_struct('c', 2, 'd', 3)) s union all select null"),
        "arrays": spark.sql("select 1 id, array(1, 2) xs union all select 2, array() union all select 3, null"),
        "names": spark.createDataFrame([(1, 2, 3)], ["Col1", "Col2", "other"]),
        "base": spark.createDataFrame([(1, 2, 3), (4, 5, 6)], ["a", "b", "c"]),
        "schema": lambda text: T_struct(text),
        "seen": seen,
    }


def T_struct(text):
    from pyspark.sql import types as T
    return T.StructType.fromDDL(text)


def seen(df, *metrics):
    """The metrics that df's run observes."""
    from pyspark.sql import Observation
    o = Observation("o")
    rows = df.observe(o, *metrics).count()
    return rows, sorted(o.get.items())


CASES = """
unpivot: wide.unpivot("id", ["int", "double"], "var", "val").sort("id", "var")
unpivot all: wide.unpivot("id", None, "var", "val").sort("id", "var")
unpivot without ids: wide.unpivot([], ["int", "double"], "var", "val").sort("var", "val")
unpivot keeps nulls: mixed.unpivot("val1", ["val2"], "var", "val").sort("val1")
unpivot of texts and numbers: mixed.unpivot("val1", ["id", "val2"], "var", "val")
unpivot of nothing: wide.unpivot("id", [], "var", "val")
transpose: mixed.transpose()
transpose by an index: mixed.transpose("val1")
transpose texts and numbers: mixed.select("val1", "id", "val2").transpose()
transpose of one column: wide.select("id").transpose()
to a schema: wide.to(schema("double string, id int"))
to a schema with more: wide.to(schema("id bigint, more int"))
to a schema with more that is not null: wide.to(schema("id bigint, more int not null"))
to a schema that is not null: wide.to(schema("id bigint not null"))
to a schema of numbers from texts: mixed.to(schema("id int"))
to a schema of nested fields: nested.to(schema("s struct<b:struct<d:bigint,c:string>>"))
as of: left._joinAsOf(right, "a", "a").select(left.a, "left_val", "right_val").sort("left_val")
as of outer: left._joinAsOf(right, "a", "a", how="left", tolerance=F.lit(1)).select(left.a, "left_val", "right_val").sort("left_val")
as of with tolerance: left._joinAsOf(right, "a", "a", tolerance=F.lit(2)).select(left.a, "left_val", "right_val").sort("left_val")
as of forward: left._joinAsOf(right, "a", "a", direction="forward").select(left.a, "left_val", "right_val").sort("left_val")
as of nearest: left._joinAsOf(right, "a", "a", direction="nearest").select(left.a, "left_val", "right_val").sort("left_val")
as of not exact: left._joinAsOf(right, "a", "a", allowExactMatches=False).select(left.a, "left_val", "right_val").sort("left_val")
as of on a column: left.withColumn("k", F.lit(1))._joinAsOf(right.withColumn("k", F.col("a") % 2), "a", "a", on="k").select("left_val", "right_val").sort("left_val")
as of sideways: left._joinAsOf(right, "a", "a", direction="sideways")
as of negative tolerance: left._joinAsOf(right, "a", "a", tolerance=F.lit(-1))
nearest by: users.nearestByJoin(products, -F.abs(users.score - products.pscore), 1, "exact", "similarity").select("uid", "product").sort("uid")
nearest by distance: users.nearestByJoin(products, F.abs(users.score - products.pscore), 2, "exact", "distance").select("uid", "product").sort("uid", "product")
nearest by outer: users.nearestByJoin(products, F.abs(users.score - products.pscore), 1, "exact", "distance", joinType="leftouter").select("uid", "product").sort("uid")
zip: base.select("a").zip(base.select((F.col("b") + 1).alias("x"), "c")).sort("a")
zip itself: base.zip(base).sort(F.lit(1))
zip of others: base.zip(left)
zip with index: base.zipWithIndex().sort("a")
zip with index named: base.select("a").zipWithIndex("n").sort("a")
with field: nested.select(F.col("s").withField("e", F.lit(9)))
with field anew: nested.select(F.col("s").withField("a", F.lit("x")).alias("t"))
with field inside: nested.select(F.col("s").withField("b.c", F.lit(9)).alias("t"))
with field inside nothing: nested.select(F.col("s").withField("x.c", F.lit(9)).alias("t"))
drop fields: nested.select(F.col("s").dropFields("a").alias("t"))
drop fields inside: nested.select(F.col("s").dropFields("b.c", "a").alias("t"))
drop fields that are not there: nested.select(F.col("s").dropFields("x").alias("t"))
drop all fields: nested.select(F.col("s").dropFields("a", "b").alias("t"))
with field of no struct: wide.select(F.col("id").withField("a", F.lit(1)))
columns by regex: names.select(names.colRegex("`Col.`"))
columns by regex of no case: names.select(names.colRegex("`(col1)?+.+`"))
columns by regex that none matches: names.select(names.colRegex("`x.*`"), "other")
columns by regex of an alias: names.alias("t").select(F.col("t.other"), names.alias("t").colRegex("t.`Col.`"))
columns by no regex: names.select(names.colRegex("Col1"))
table function: spark.tvf.explode(F.array(F.lit(1), F.lit(2)))
table function range: spark.tvf.range(1, 7, 2)
table function posexplode: spark.tvf.posexplode(F.array(F.lit("a"), F.lit("b")))
table function stack: spark.tvf.stack(F.lit(2), F.lit(1), F.lit(2), F.lit(3))
lateral table function: arrays.lateralJoin(spark.tvf.explode(F.col("xs").outer())).sort("id", "col")
lateral table function left: arrays.lateralJoin(spark.tvf.explode(F.col("xs").outer()), how="left").sort("id", "col")
lateral select: arrays.lateralJoin(spark.tvf.explode(F.col("xs").outer()).select((F.col("col") + 1).alias("y"))).sort("id", "y")
lateral join: left.lateralJoin(right.where(F.col("right_val") == F.col("a").outer())).select("left_val", "right_val")
scalar subquery: left.select("a", right.select(F.max("a")).scalar().alias("m")).sort("a")
scalar subquery around: left.select("a", right.where(right.a <= left.a.outer()).select(F.max(right.a)).scalar().alias("m")).sort("a")
exists: left.where(right.where(right.a == left.a.outer()).exists()).sort("a")
in subquery: left.where(left.a.isin(right.select("a"))).sort("a")
tail: spark.range(100).tail(3)
tail of less: spark.range(2).tail(5)
tail of nothing: spark.range(100).tail(0)
observe: seen(spark.range(10), F.count(F.lit(1)).alias("n"), F.max("id").alias("m"), (F.sum("id") + F.min("id")).alias("s"))
observe types: seen(wide, F.avg("double").alias("d"), F.max(F.lit("x")).alias("t"), F.sum(F.col("int").cast("decimal(10,2)")).alias("dec"))
observe a filter: seen(spark.range(100).where("id % 3 = 0"), F.count("id").alias("n"))
observe nothing: seen(spark.range(0), F.count("id").alias("n"), F.max("id").alias("m"))
observe a column: spark.range(3).observe("o", F.col("id")).collect()
observe distinct: spark.range(3).observe("o", F.countDistinct("id")).collect()
sql with frames: spark.sql("select * from {a} join {b} using (a)", a=left, b=right).sort("a")
sample of all: spark.range(10).sample(1.0).count()
limit and offset: spark.range(10).offset(2).limit(3).sort("id")
column of another: left.select(right.right_val)
"""

if __name__ != "cases":  # not when Spark is asked
    from connect_cases import make_tests
    server, no_hang, test = make_tests(__name__)
