# SPDX-License-Identifier: Apache-2.0
"""Partitions of small frames, and the order of their rows, as Spark has them."""
import pytest


def NAMES(spark):
    from pyspark.sql import functions as F
    rows = [("a", 1, 0.5), ("b", 2, 1.5), (None, 3, 2.5), ("a", 4, 3.5), ("c", 5, 4.5), ("b", 6, 5.5), ("d", 7, 6.5)]
    frame = spark.createDataFrame(rows, "k string, n int, x double")
    return {"FRAME": frame, "PAIRS": frame.join(frame.select("k", "n").alias("o"), "k"), "P": F.spark_partition_id()}


CASES = """
drop of an ambiguous column: PAIRS.drop(F.col("n"))
drop of one of two columns: PAIRS.drop("n")
sample with replacement: spark.range(0, 40, 1, 3).sample(True, 0.7, seed=11).orderBy("id")
sample with replacement, often: spark.range(0, 12, 1, 2).sample(True, 3.5, seed=5).orderBy("id")
sample with replacement, very often: spark.range(0, 6, 1, 2).sample(True, 45.5, seed=5).groupBy("id").count().orderBy("id")
sample with replacement, a thousand times: spark.range(0, 40, 1, 1).sample(True, 1000.25, seed=9).groupBy("id").count().orderBy("id")
sample with replacement, forty times: spark.range(0, 30, 1, 3).sample(True, 40.0, seed=1).groupBy("id").count().orderBy("id")
sample by name: FRAME.sample(fraction=0.5, seed=3).orderBy("n")
split: FRAME.randomSplit([1.0, 2.0], 24)[0].orderBy("n")
split, the other part: FRAME.randomSplit([1.0, 2.0], 24)[1].orderBy("n")
split of one partition: spark.range(0, 20, 1, 1).select((20 - F.col("id")).alias("x")).randomSplit([1.0, 1.0], 1)[0].orderBy("x")
coalesce: spark.range(0, 10, 1, 5).coalesce(2).select("id", P).orderBy("id")
coalesce to more: spark.range(0, 10, 1, 2).coalesce(5).select("id", P).orderBy("id")
repartition by a column: spark.range(0, 20, 1, 3).repartition(4, "id").select("id", P).orderBy("id")
repartition by two columns: FRAME.repartition(5, "k", "n").select("n", P).orderBy("n")
repartition: spark.range(0, 64, 1, 9).repartition(10).select(P.alias("p")).distinct().orderBy("p")
repartition by range: spark.range(0, 20, 1, 3).repartitionByRange(3, F.col("id").desc()).select("id", P).orderBy("id")
repartition by range of equal keys: spark.range(0, 20, 1, 3).repartitionByRange(4, F.col("id") % 3).select("id", P).orderBy("id")
repartition by range with NULL: FRAME.repartitionByRange(3, "k", F.col("n").desc()).select("k", "n", P).orderBy("n")
repartition by id: spark.range(10).withColumn("p", (F.col("id") % 3).cast("int")).repartitionById(2, "p").select("id", P).orderBy("id")
"""

if __name__ != "cases":  # not when Spark is asked
    from connect_cases import make_tests
    server, no_hang, test = make_tests(__name__)


def test_what_pyspark_documents(server):
    """The examples of sameSemantics, conf.get with a default, count("*") and from_json with a schema."""
    from pyspark.sql import functions as F, types as T
    spark = server.session()
    a, b = spark.range(10), spark.range(10)
    twice = a.withColumn("col1", a.id * 2)
    assert twice.sameSemantics(b.withColumn("col0", b.id * 2))
    assert twice.semanticHash() == b.withColumn("col0", b.id * 2).semanticHash()
    assert not twice.sameSemantics(b.withColumn("col1", b.id + 2))
    assert spark.conf.get("spark.sql.sources.partitionOverwriteMode") == "STATIC"
    assert spark.conf.get("spark.sql.sources.partitionOverwriteMode", "DYNAMIC") == "DYNAMIC"
    assert spark.conf.get("non-existent-key", "my_default") == "my_default"
    assert a.select(F.count(F.expr("*"))).collect()[0][0] == 10
    schema = T.StructType([T.StructField("a", T.IntegerType())])
    assert a.limit(1).select(F.from_json(F.lit('{"a": 1}'), schema)).collect()[0][0].a == 1
    spark.stop()


@pytest.mark.parametrize("refresh", ["table", "path", "sql"])
def test_refresh_drops_cached_rows(server, tmp_path, refresh):
    spark = server.session()
    path = tmp_path / "t"
    spark.sql("DROP TABLE IF EXISTS kept")
    spark.sql(f"CREATE TABLE kept (col STRING) USING TEXT LOCATION '{path}'")
    spark.sql("INSERT INTO kept SELECT 'abc'")
    spark.catalog.cacheTable("kept")
    assert spark.table("kept").count() == 1
    for file in path.glob("*"):
        file.unlink()
    assert spark.table("kept").count() == 1
    if refresh == "table":
        spark.catalog.refreshTable("kept")
    elif refresh == "path":
        spark.catalog.refreshByPath(str(path))
    else:
        spark.sql(f"REFRESH 'file://{path}'")
    assert spark.table("kept").count() == 0
    spark.sql("DROP TABLE kept")
    spark.stop()


def test_lateral_limit_of_several_rows(server):
    """The example of DataFrame.lateralJoin."""
    from pyspark.sql import functions as sf
    spark = server.session()
    customers = spark.createDataFrame([(1, "Alice"), (2, "Bob"), (3, "Charlie"), (4, "Diana")], ["customer_id", "name"])
    orders = spark.createDataFrame([(101, 1, "2024-01-10", 1.0), (102, 1, "2024-02-15", 2.0), (103, 2, "2024-01-12", 3.0),
                                    (104, 2, "2024-03-05", 4.0), (105, 1, "2024-03-20", 5.0), (106, 3, "2024-04-05", 6.0)],
                                   ["order_id", "customer_id", "order_date", "total"])
    latest = orders.alias("o").where(sf.col("o.customer_id") == sf.col("c.customer_id").outer()) \
        .select("order_id", "order_date").orderBy(sf.col("order_date").desc()).limit(2)
    rows = customers.alias("c").lateralJoin(latest, how="left").orderBy("customer_id", "order_id").collect()
    assert [(r[0], r[2]) for r in rows] == [(1, 102), (1, 105), (2, 103), (2, 104), (3, 106), (4, None)]
    spark.stop()
