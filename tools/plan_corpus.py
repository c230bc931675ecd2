#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plans as PySpark's Connect client sends them, for tests/fuzz/fuzz_plan.c to begin with.

    python tools/plan_corpus.py FOLDER        needs pyspark[connect] and a `chert server`; CHERT_BINARY names the binary

The programs are those of tests/client/test_connect_*.py's cases, and a few of this file's own. Each request that goes
out is one plan; the smallest of each kind of relation, expression or command is kept.
"""
import hashlib
import os
import sys

os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/client"))

from pyspark.sql import Row, Window, functions as F  # noqa: E402
import recorded  # noqa: E402
from server import Server  # noqa: E402

MOST_BYTES = 4096


def own(spark):
    df = spark.createDataFrame([Row(a=1, b="x", c=[1, 2], d={"k": 1.5}), Row(a=None, b=None, c=[], d=None)],
                               "a int, b string, c array<int>, d map<string,double>")
    df.createOrReplaceTempView("t")
    w = Window.partitionBy("b").orderBy(F.desc("a")).rowsBetween(-1, Window.currentRow)
    yield df.select("*", F.col("c")[0], F.expr("d['k']"), F.lit(1.5).cast("decimal(10,2)"), F.sum("a").over(w))
    yield df.where((df.a > 1) & df.b.like("x%") | df.a.isin(1, 2)).orderBy(F.asc_nulls_last("a")).limit(3).offset(1)
    yield df.groupBy("b").agg(F.count("*"), F.collect_list("a")).unionByName(df.groupBy("b").agg(F.count("*"),
                                                                                               F.collect_list("a")))
    yield df.groupBy("b").pivot("a", [1, 2]).sum("a")
    yield df.rollup("b", "a").count()
    yield df.alias("l").join(df.alias("r"), F.col("l.a") == F.col("r.a"), "left").drop("b")
    yield df.select(F.transform("c", lambda x: x + 1), F.aggregate("c", F.lit(0), lambda s, x: s + x))
    yield df.withColumns({"e": F.when(df.a == 1, "one").otherwise("more")}).withColumnRenamed("b", "bb")
    yield df.dropDuplicates(["a"]).sample(0.5, seed=1).repartition(3, "a").hint("broadcast")
    yield df.unpivot("a", ["b"], "k", "v").na.fill("?").summary()
    yield df.stat.crosstab("a", "b").describe()
    yield df.selectExpr("explode(c) x", "struct(a, b) s").to(df.selectExpr("1 x", "struct(a, b) s").schema)
    yield lambda: df.intersectAll(df).exceptAll(df).tail(2)
    yield lambda: df.transpose().collect()
    yield lambda: spark.sql("select a from t where a = :x", args={"x": 1}).collect()
    yield spark.read.option("header", True).schema("a int").csv("/nowhere")
    yield spark.range(1, 9, 2).observe("o", F.max("id"))
    yield lambda: df.write.mode("overwrite").partitionBy("b").format("parquet").save("/nowhere")
    yield df.writeTo("x").create
    yield df.cache().checkpoint
    yield df.show


def kinds(message, found):
    """Names of the fields that are set anywhere below."""
    for field, value in message.ListFields():
        found.add(field.full_name)
        values = value if field.is_repeated else [value]
        for v in values.values() if hasattr(values, "values") else values:
            if hasattr(v, "ListFields"):
                kinds(v, found)
    return found


def main(folder):
    plans = {}
    server = Server("--memory", "512M", "--read-only")
    try:
        collect(server.session(), plans)
    finally:
        server.stop()
    os.makedirs(folder, exist_ok=True)
    seen = set()
    for text, plan in sorted(plans.items(), key=lambda p: (len(p[0]), p[0])):
        new = kinds(plan, set()) - seen
        if new:
            seen |= new
            name = hashlib.sha256(text).hexdigest()[:12]
            with open(os.path.join(folder, name), "wb") as out:
                out.write(text)


def collect(spark, plans):
    stub = spark.client._stub
    real = {"e": stub.ExecutePlan, "a": stub.AnalyzePlan}

    def forget_origins(message):
        """Where in this machine's files the client was when it made an expression."""
        for f, value in message.ListFields():
            if f.name == "origin":
                message.ClearField("origin")
            elif f.message_type and not f.message_type.GetOptions().map_entry:
                for v in value if f.is_repeated else [value]:
                    forget_origins(v)
            elif f.message_type and f.message_type.fields_by_name["value"].message_type:
                for v in value.values():
                    forget_origins(v)

    def keep(request):
        plan = type(request)()
        plan.CopyFrom(request)
        forget_origins(plan)
        text = plan.SerializeToString(deterministic=True)
        if len(text) <= MOST_BYTES:
            plans[text] = plan

    def execute(request, **options):
        keep(request.plan)
        return real["e"](request, **options)

    def analyze(request, **options):
        if request.HasField("schema"):
            keep(request.schema.plan)
        return real["a"](request, **options)

    stub.ExecutePlan, stub.AnalyzePlan = execute, analyze
    spark.client._use_reattachable_execute = False
    for df in own(spark):
        try:
            df() if callable(df) else df.collect()
        except Exception as e:  # noqa: BLE001  # refused: a plan as well
            print(str(e).splitlines()[0], file=sys.stderr)
    for module in ("test_connect_frame", "test_connect_na"):
        m = __import__(module)
        for title, code in recorded.lines_of(m.CASES):
            recorded.answer(spark, m, code)


if __name__ == "__main__":
    main(sys.argv[1])
