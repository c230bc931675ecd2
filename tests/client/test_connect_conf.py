# SPDX-License-Identifier: Apache-2.0
"""spark.conf, metadata of columns and watermarks of batches through Spark Connect; answers are Spark's (test_connect_conf.spark)."""


def NAMES(spark):
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.plan import WithColumns

    def set_get(key, value="x"):
        spark.conf.set(key, value)
        found = spark.conf.get(key)
        spark.conf.unset(key)
        return found

    def metadata(text):
        frame = DataFrame(WithColumns(spark.range(1)._plan, ["id"], [F.col("id")], [text]), spark)
        return frame.schema.json()

    from pyspark.sql import functions as F
    return {"set_get": set_get, "metadata": metadata,
            "times": spark.range(3).selectExpr("timestamp_seconds(id) t", "id")}


CASES = """
a key of nobody: set_get("spark.whatever")
a key without spark: set_get("foo")
the name of the program: set_get("spark.app.name")
memory of executors: spark.conf.set("spark.executor.memory", "1g")
memory of executors taken back: spark.conf.unset("spark.executor.memory")
memory of executors in SQL: spark.sql("SET spark.executor.memory=1g")
reset of memory of executors: spark.sql("RESET spark.executor.memory")
a static one: spark.conf.set("spark.sql.warehouse.dir", "x")
a static one in SQL: spark.sql("SET spark.sql.globalTempDatabase=x")
which executor: spark.conf.get("spark.executor.id")
how it was started: spark.conf.get("spark.submit.deployMode")
an id: spark.conf.get("spark.app.id").startswith("local-")
one that is not there: spark.conf.get("spark.whatever")
modifiable: [spark.conf.isModifiable(k) for k in ("spark.sql.ansi.enabled", "spark.sql.warehouse.dir", "spark.executor.id", "spark.x", "foo")]
all of them: [k for k in ("spark.master", "spark.executor.id", "spark.sql.ansi.enabled", "spark.sql.warehouse.dir") if k in spark.conf.getAll]
watermark: times.withWatermark("t", "1 minute")
watermark of months: times.withWatermark("t", "1 month")
watermark of a number: times.withWatermark("id", "1 minute")
watermark of a column that is not there: times.withWatermark("nope", "1 minute")
watermark with a bad delay: times.withWatermark("t", "x")
watermark back in time: times.withWatermark("t", "-1 minute")
watermark and groups: times.withWatermark("t", "1 minute").groupBy(F.window("t", "2 seconds")).count().orderBy("window")
metadata: metadata('{"kk": "va lue", "n" : [1, 2], "q": "a\\\\"b "}')
"""

if __name__ != "cases":
    from connect_cases import make_tests
    server, no_hang, test = make_tests(__name__)
