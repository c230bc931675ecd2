# SPDX-License-Identifier: Apache-2.0
"""na, stat and summaries of DataFrames through Spark Connect; answers are Spark's (test_connect_na.spark)."""


def NAMES(spark):
    return {
        "people": spark.createDataFrame(
            [(10, 80.5, "Alice", None), (5, None, "Bob", None), (None, None, "Tom", None),
             (None, float("nan"), None, True)], "age int, height double, name string, bool boolean"),
        "pairs": spark.createDataFrame([(1, 11), (1, 11), (3, 10), (4, 8), (4, 8)], ["c1", "c2"]),
        "holes": spark.createDataFrame([(1, 2.0), (None, 3.0), (3, None), (4, 9.5)], "a int, b double"),
        "empty": spark.createDataFrame([], "a int, b double, s string"),
        "dots": spark.createDataFrame([(1, "x"), (None, None)], "`a.b` int, s string"),
        "text": spark.createDataFrame([("1", 1), ("x", 2), (None, 3)], "s string, d int").selectExpr("s", "cast(d as decimal(10,2)) d"),
        "kinds": spark.sql("""select cast(null as tinyint) a, cast(null as smallint) b, cast(null as int) c, cast(null as bigint) d,
            cast(null as float) e, cast(null as double) f, cast(null as decimal(10,2)) g, cast(null as decimal(20,2)) h,
            cast(null as decimal(38,10)) i, cast(null as date) j"""),
        "one": spark.createDataFrame([(1, 2.0)], ["a", "b"]),
        "sales": spark.createDataFrame(
            [("dotNET", 2012, 10000), ("Java", 2012, 20000), ("dotNET", 2012, 5000), ("dotNET", 2013, 48000),
             ("Java", 2013, 30000), (None, 2013, 1)], ["course", "year", "earnings"]),
    }


CASES = """
fill a number: people.na.fill(50)
fill a double into ints: people.na.fill(50.7)
fill a string: people.na.fill("unknown")
fill a boolean: people.na.fill(False)
fill by column: people.na.fill({"age": 50, "name": "unknown", "height": 1})
fill a subset: people.na.fill(7, subset=["height"])
fill what is not there: people.na.fill(7, subset=["nope"])
fill a map with a wrong type: people.na.fill({"bool": "true"})
fill a map with a bad text: people.na.fill({"age": "x"})
fill a column with a dot: dots.na.fill(0)
fill a column with a dot by name: dots.na.fill(0, subset=["`a.b`"])
fill nothing there: empty.na.fill(0)
fill keeps decimals: text.na.fill(3)
fill each kind of number: kinds.na.fill(50)
fill a large number: kinds.na.fill(2**40)
fill each kind with a double: kinds.na.fill(50.7)
fill each kind by column: kinds.na.fill({"a": 1, "b": 2, "c": 3, "d": 2**40, "e": 5.5, "f": 6, "g": 7, "h": 8, "i": 9.5})
fill each kind by wrong column: kinds.na.fill({"a": 1.5, "b": 2**40, "c": 3.5, "d": 4.5, "e": 2**40, "f": 6.7, "g": 7.5, "h": 8.5, "i": 1})
drop any: people.na.drop()
drop all: people.na.drop(how="all")
drop thresh: people.na.drop(thresh=2)
drop thresh of one: people.na.drop(thresh=1)
drop thresh of all: people.na.drop(thresh=4)
drop thresh of none: people.na.drop(thresh=0)
drop thresh of too many: people.na.drop(thresh=9)
drop subset: people.na.drop(subset=["age", "name"])
drop subset thresh: people.na.drop(thresh=1, subset=["age", "height"])
drop subset not there: people.na.drop(subset=["nope"])
replace a number: people.na.replace(10, 20)
replace a string: people.na.replace("Alice", None)
replace many: people.na.replace(["Alice", "Bob"], ["A", "B"], "name")
replace by map: people.na.replace({10: 11, 80.5: 1.5})
replace a boolean: people.na.replace(True, False)
replace NaN in ints: kinds.na.fill(0).select("a", "c", "f").na.replace(float("nan"), 5.0)
replace a fraction in ints: kinds.na.fill(10).select("a", "c", "f").na.replace(10.5, 1.0)
replace too large in ints: kinds.na.fill(10).select("a", "c", "f").na.replace(2**40, 1)
replace by too large in ints: kinds.na.fill(10).select("a", "c", "f").na.replace(10, 2**40)
replace NaN: people.na.replace(float("nan"), 0.0)
replace subset not there: people.na.replace(1, 2, subset=["nope"])
summary of some: holes.summary("count", "min", "25%", "75%", "max")
summary of others: people.summary("count_distinct", "approx_count_distinct", "mean", "33.3%")
summary of a bad one: people.summary("median")
summary of a bad percentage: people.summary("x%")
summary of a high percentage: people.summary("101%")
summary of texts: text.summary()
summary of nothing: empty.summary()
summary without columns: people.select("bool").summary("count", "mean")
describe: people.describe()
describe some: people.describe("age", "name")
describe what is not there: people.describe("nope")
describe without columns: people.select("bool").describe()
cov: pairs.cov("c1", "c2")
cov with holes: holes.cov("a", "b")
cov of nothing: empty.cov("a", "b")
cov of one row: one.cov("a", "b")
cov of the same: holes.cov("a", "a")
cov frame: holes.select(F.covar_samp("a", "b"))
corr of one row: one.corr("a", "b")
cov of texts: people.cov("age", "name")
corr: pairs.corr("c1", "c2")
corr with holes: round(holes.corr("a", "b"), 12)
corr of nothing: empty.corr("a", "b")
corr of a constant: holes.withColumn("c", F.lit(1)).corr("a", "c")
corr of texts: people.corr("age", "name")
corr by spearman: pairs.corr("c1", "c2", "spearman")
quantiles: pairs.approxQuantile("c1", [0.0, 0.25, 0.5, 1.0], 0.05)
quantiles exactly: spark.range(1001).approxQuantile("id", [0.0, 0.1, 0.5, 0.99, 1.0], 0.0)
quantiles of several: holes.approxQuantile(["a", "b"], [0.5, 0.9], 0.0)
quantiles of nothing: empty.approxQuantile(["a", "b"], [0.5], 0.1)
quantiles of texts: people.approxQuantile("name", [0.5], 0.1)
quantiles at a bad place: pairs.approxQuantile("c1", [1.5], 0.1)
quantiles with a bad error: pairs.approxQuantile("c1", [0.5], -0.1)
crosstab: pairs.crosstab("c1", "c2").sort("c1_c2")
crosstab of names: people.crosstab("name", "age").sort("name_age")
crosstab of doubles: people.crosstab("height", "bool").sort("height_bool")
crosstab of what is not there: people.crosstab("nope", "age")
frequent items: pairs.freqItems(["c1", "c2"]).select(F.sort_array("c1_freqItems"), F.sort_array("c2_freqItems"))
frequent items with support: spark.range(100).select((F.col("id") % 3).alias("a"), F.when(F.col("id") % 2 == 0, "x").alias("b"))
 .freqItems(["a", "b"], 0.4).select(F.sort_array("a_freqItems"), F.sort_array("b_freqItems"))
frequent items schema: pairs.freqItems(["c1", "c2"]).schema
frequent items with a bad support: pairs.freqItems(["c1"], 0.00001)
sample by: spark.range(0, 100, 1, 5).select((F.col("id") % 3).alias("key")).sampleBy("key", {0: 0.1, 1: 0.2}, seed=0).groupBy("key").count().orderBy("key")
sample by all: pairs.sampleBy("c1", {1: 1.0}, seed=0)
sample by a bad fraction: pairs.sampleBy("c1", {1: 1.5}, seed=0)
pivot with values: sales.groupBy("year").pivot("course", ["dotNET", "Java"]).sum("earnings").sort("year")
pivot: sales.groupBy("year").pivot("course").sum("earnings").sort("year")
pivot two aggregates: sales.groupBy("year").pivot("course", ["dotNET", "Java"]).agg(F.sum("earnings"), F.max("earnings").alias("m")).sort("year")
pivot without groups: sales.groupBy().pivot("course").agg(F.sum("earnings"))
pivot by an expression: sales.groupBy("course").pivot(F.col("year") % 2).count().sort("course")
pivot dates: spark.sql("select date'2020-01-01' + cast(id as int) d, id from range(3)").groupBy().pivot("d").sum("id")
pivot what is not there: sales.groupBy("year").pivot("nope").count()
"""

if __name__ != "cases":  # not when Spark is asked
    from connect_cases import make_tests
    server, no_hang, test = make_tests(__name__)
