# SPDX-License-Identifier: Apache-2.0
"""Functions in Python over groups: on all workers at once, in Spark's order, in little memory."""
import os
import sys

import pytest

pytest.importorskip("grpc")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"

from pyspark import cloudpickle  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from pyspark.sql.window import Window  # noqa: E402
from server import SLOWER, Server, no_hang  # noqa: E402,F401
from test_connect_udf_faults import PYTHON  # noqa: E402

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not have this module
ROWS = 20000
GROUPS = 101


def serve(*args):
    server = Server(*args)
    session = server.session()
    session.conf.set(PYTHON, sys.executable)
    session.conf.set("spark.sql.shuffle.partitions", "7")
    return server, session


@pytest.fixture(scope="module")
def sessions():
    """One with a single worker, one with four."""
    made = [serve("--memory", "512M", "--threads", n) for n in ("1", "4")]
    yield [session for _, session in made]
    for server, _ in made:
        assert server.stop() == 0


def data(spark, rows=ROWS):
    return spark.range(rows).select((F.col("id") * 31 % GROUPS).cast("int").alias("k"), F.col("id").alias("v"))


def first_and_size(df):
    return df.head(1).assign(n=len(df))


def pairs(left, right):
    import pandas as pd
    keys = list(left.k) + list(right.k)
    return pd.DataFrame({"k": keys[:1], "l": [len(left)], "r": [len(right)], "s": [int(left.v.sum() - right.v.sum())]})


def mean_of():
    import pandas as pd

    @F.pandas_udf("double")
    def mean_of(v: pd.Series) -> float:
        return v.mean()
    return mean_of


def batches_of(df):
    import pyarrow as pa
    return df.groupBy("k").applyInArrow(lambda t: pa.table({"k": t["k"].slice(0, 1), "n": [t.num_rows]}), "k int, n long")


KINDS = {
    "applyInPandas": lambda df: df.groupBy("k").applyInPandas(first_and_size, "k int, v long, n long"),
    "applyInArrow": batches_of,
    "cogroup": lambda df: df.groupBy("k").cogroup(df.where("k % 3 > 0").withColumn("v", F.col("v") + 1).groupBy("k"))
    .applyInPandas(pairs, "k int, l long, r long, s long"),
    "aggregate": lambda df: df.groupBy("k").agg(mean_of()("v").alias("m")),
    "window": lambda df: df.withColumn("m", mean_of()("v").over(Window.partitionBy("k"))).where("v % 37 = 0"),
    "window in order": lambda df: df.withColumn(
        "m", mean_of()("v").over(Window.partitionBy("k").orderBy("v").rowsBetween(-2, 1))).where("v % 37 = 0"),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_many_workers_give_the_rows_of_one_in_their_order(sessions, kind):
    one, many = ([tuple(r) for r in KINDS[kind](data(s)).collect()] for s in sessions)
    assert len(one) > 50
    assert one == many


def test_groups_come_in_the_order_of_partitions_and_keys(sessions):
    for spark in sessions:
        keys = [r.k for r in KINDS["applyInPandas"](data(spark)).collect()]
        asked = spark.range(GROUPS).select(F.col("id").cast("int").alias("k"))
        assert keys == [r.k for r in asked.orderBy(F.expr("pmod(hash(k), 7)"), "k").collect()]


def test_groups_are_worked_on_by_several_processes(sessions):
    def process(df):
        import os
        import time
        time.sleep(0.02)
        return df.head(1).assign(p=os.getpid())
    # The rows are counted: on their way to a client they come one range after another.
    used = [{r.p for r in data(s).groupBy("k").applyInPandas(process, "k int, v long, p long").groupBy("p").count().collect()}
            for s in sessions]
    assert len(used[0]) == 1
    assert len(used[1]) > 1


def test_a_limit_takes_the_first_groups(sessions):
    taken = [[tuple(r) for r in KINDS["applyInPandas"](data(s)).limit(5).collect()] for s in sessions]
    assert taken[0] == taken[1] == [tuple(r) for r in KINDS["applyInPandas"](data(sessions[0])).collect()[:5]]


def test_one_large_group_among_small_ones(sessions):
    for spark in sessions:
        df = spark.range(ROWS).select(F.expr("if(id % 100 = 0, cast(id as int), -1)").alias("k"), F.col("id").alias("v"))
        got = {r.k: r.n for r in df.groupBy("k").applyInPandas(first_and_size, "k int, v long, n long").collect()}
        assert got == {-1: ROWS - ROWS // 100, **{k: 1 for k in range(0, ROWS, 100)}}


def test_an_error_in_one_group_ends_all(sessions):
    from pyspark.errors import PythonException

    def fails(df):
        if df.k.iloc[0] == 50:
            raise ValueError("group 50")
        return df
    for spark in sessions:
        with pytest.raises(PythonException, match="group 50"):
            data(spark).groupBy("k").applyInPandas(fails, "k int, v long").collect()
        assert data(spark, 10).groupBy("k").applyInPandas(lambda df: df, "k int, v long").count() == 10


def test_in_little_memory_groups_go_to_disk():
    rows = 400000 // SLOWER
    server, spark = serve("--memory", "64M", "--threads", "2")
    left = spark.range(rows).select((F.col("id") % 1000).cast("int").alias("k"), F.expr("repeat('x', 200)").alias("s"))
    right = spark.range(rows // 2).select((F.col("id") % 999).cast("int").alias("k"), F.expr("repeat('y', 200)").alias("s"))

    def sizes(a, b):
        import pandas as pd
        return pd.DataFrame({"k": (list(a.k) + list(b.k))[:1], "n": [len(a)], "m": [len(b)],
                             "bytes": [int(a.s.str.len().sum() + b.s.str.len().sum())]})
    made = left.groupBy("k").cogroup(right.groupBy("k")).applyInPandas(sizes, "k int, n long, m long, bytes long")
    got = made.agg(F.count("*"), F.sum("n"), F.sum("m"), F.sum("bytes")).collect()[0]
    assert tuple(got) == (1000, rows, rows // 2, 200 * (rows + rows // 2))
    made = left.groupBy("k").applyInPandas(lambda df: df.head(1).assign(n=len(df)), "k int, s string, n long")
    got = made.agg(F.count("*"), F.sum("n")).collect()[0]
    assert tuple(got) == (1000, rows)
    assert server.stop() == 0
