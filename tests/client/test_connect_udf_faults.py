# SPDX-License-Identifier: Apache-2.0
"""Functions in Python that fail, die, wait or are many: the server goes on, and leaves no process behind."""
import os
import sys
import threading
import time
from unittest import mock

import pytest

pytest.importorskip("grpc")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"

from pyspark.errors import PySparkException, PythonException  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from server import no_hang  # noqa: E402,F401
from udf_server import PYTHON, descendants, server, session, still_works, use  # noqa: E402,F401

SETTINGS = ["spark.sql.execution.arrow.maxRecordsPerBatch", "spark.sql.session.timeZone",
            "spark.sql.execution.pyspark.udf.idleTimeoutSeconds", "spark.sql.execution.pyspark.udf.killOnIdleTimeout",
            "spark.sql.execution.pyspark.udf.hideTraceback.enabled"]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left(server):  # set up before the session, and so looked at behind its end
    yield
    end = time.time() + 20
    while descendants(server.process.pid) and time.time() < end:
        time.sleep(0.1)
    assert descendants(server.process.pid) == []


@pytest.fixture()
def spark(session):
    yield session
    for key in SETTINGS:
        session.conf.unset(key)


@pytest.fixture()
def own(server):
    session = server.session()
    session.conf.set(PYTHON, sys.executable)
    yield session
    session.stop()


@pytest.mark.parametrize("arrow", [False, True])
def test_an_exception_is_told_with_its_traceback(spark, arrow):
    def divides(x):
        return 1 // x
    with pytest.raises(PythonException) as e:
        spark.range(3).select(use(divides, useArrow=arrow)("id")).collect()
    assert "ZeroDivisionError" in str(e.value) and "divides" in str(e.value)
    still_works(spark)


@pytest.mark.parametrize("arrow", [False, True])
def test_a_killed_worker_is_an_error_and_no_more(spark, arrow):
    def dies(x):
        os.kill(os.getpid(), 9)
    with pytest.raises(PySparkException, match="exited unexpectedly"):
        spark.range(10).select(use(dies, useArrow=arrow)("id")).collect()
    still_works(spark)


def test_a_worker_that_exits_is_an_error(spark):
    def leaves(x):
        os._exit(3)
    with pytest.raises(PySparkException, match="exited unexpectedly"):
        spark.range(10).mapInPandas(leaves, "id long").collect()
    still_works(spark)


def test_a_killed_daemon_is_started_again(server, spark):
    still_works(spark)
    for pid in descendants(server.process.pid):
        os.kill(pid, 9)
    time.sleep(0.2)
    still_works(spark)


def test_a_python_that_is_not_there_is_named(own):
    own.conf.set(PYTHON, "/nowhere/python9")
    with pytest.raises(PySparkException, match="/nowhere/python9"):
        own.range(3).select(use(lambda x: x)("id")).collect()
    own.conf.set(PYTHON, sys.executable)
    still_works(own)


def test_a_python_without_pyspark_is_named(own, tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S \"$@\"\n")
    bare.chmod(0o755)
    own.conf.set(PYTHON, str(bare))
    with pytest.raises(PySparkException) as e:
        own.range(3).select(use(lambda x: x)("id")).collect()
    assert str(bare) in str(e.value) and "pyspark" in str(e.value)


def test_another_version_of_python_is_named(spark):
    f = use(lambda x: x)
    with mock.patch("pyspark.sql.connect.udf.sys") as other:
        other.version_info = (2, 7)
        df = spark.range(3).select(f("id"))
    with pytest.raises(PythonException, match="2.7"):
        df.collect()


def test_an_interrupted_query_ends_its_worker(server, spark):
    def waits(x):
        time.sleep(100)
    errors = []

    def run():
        try:
            spark.range(3).select(use(waits)("id")).collect()
        except PySparkException as e:
            errors.append(e)
    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(1)
    began = time.time()
    spark.interruptAll()
    thread.join(20)
    assert not thread.is_alive() and errors and time.time() - began < 10
    still_works(spark)


def test_a_worker_that_gives_nothing_may_be_ended(spark):
    def waits(x):
        time.sleep(100)
    spark.conf.set("spark.sql.execution.pyspark.udf.idleTimeoutSeconds", "1")
    spark.conf.set("spark.sql.execution.pyspark.udf.killOnIdleTimeout", "true")
    with pytest.raises(PySparkException, match="idleTimeoutSeconds"):
        spark.range(3).select(use(waits)("id")).collect()


def test_tracebacks_may_be_hidden(own):
    def fails(x):
        raise ValueError("that is all")
    own.conf.set("spark.sql.execution.pyspark.udf.hideTraceback.enabled", "true")
    with pytest.raises(PythonException, match="that is all") as e:
        own.range(3).select(use(fails)("id")).collect()
    assert "Traceback" not in str(e.value)


@pytest.mark.parametrize("arrow", [False, True])
def test_a_million_rows(spark, arrow):
    n = 1000000 if arrow else 100000
    plus = use(lambda x: None if x % 3 == 0 else x + 1, useArrow=arrow)
    df = spark.range(n).select("id", plus("id").alias("x"))
    row = df.agg(F.count("x"), F.sum(F.col("x") - F.col("id")), F.max("x"), F.count(F.lit(1))).collect()[0]
    want = sum(1 for i in range(n) if i % 3)
    assert tuple(row) == (want, want, max(i + 1 for i in (n - 2, n - 1) if i % 3), n)


def test_rows_keep_their_places(spark):
    import pandas as pd

    @F.pandas_udf("string")
    def text(s: pd.Series) -> pd.Series:
        return s.astype(str) * 20
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "777")
    df = spark.range(300000).where("id % 7 != 0").select("id", text("id").alias("t"))
    assert df.where(F.col("t") != F.repeat(F.col("id").cast("string"), 20)).count() == 0
    rows = df.limit(1000).collect()
    assert len(rows) == 1000 and all(r.t == str(r.id) * 20 for r in rows)


def test_batches_have_the_rows_that_the_setting_says(spark):
    def sizes(it):
        import pandas as pd
        for df in it:
            yield pd.DataFrame({"n": [len(df)]})
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "1000")
    sizes_seen = [r.n for r in spark.range(0, 10500, 1, 1).mapInPandas(sizes, "n long").collect()]
    assert sizes_seen == [1000] * 10 + [500]


def test_many_groups(spark):
    def count(key, df):
        import pandas as pd
        return pd.DataFrame({"k": [key[0]], "n": [len(df)]})
    df = spark.range(1500).groupBy((F.col("id") % 500).alias("k")).applyInPandas(count, "k long, n long")
    assert df.agg(F.count("k"), F.min("n"), F.max("n")).collect()[0] == (500, 3, 3)


def test_a_function_that_reads_nothing(spark):
    def some(it):
        import pandas as pd
        yield pd.DataFrame({"id": [1]})
    assert spark.range(0, 200000, 1, 1).mapInPandas(some, "id long").collect() == [(1,)]
    still_works(spark)


def test_a_function_is_not_called_for_rows_that_are_dropped(spark):
    def never(x):
        raise ValueError("called")
    f = use(never)
    assert spark.range(3).withColumn("x", f("id")).select("id").count() == 3
    assert spark.range(3).withColumn("x", f("id")).where("id > 5").collect() == []


def test_random_functions_are_called_once(spark):
    import random
    f = use(lambda x: random.getrandbits(60)).asNondeterministic()
    df = spark.range(100).withColumn("x", f("id"))
    assert df.select((F.col("x") - F.col("x")).alias("d"), "x").where("d != 0").count() == 0
    row = df.select(F.col("x").alias("a"), F.col("x").alias("b")).where("a = b").count()
    assert row == 100


def test_time_zones(spark):
    import datetime
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    df = spark.sql("select timestamp'2024-07-01 12:00:00' t")
    hour = F.pandas_udf(lambda s: s.dt.hour, "int")
    same = use(lambda t: t, "timestamp", useArrow=True)
    row = df.select(hour("t").alias("h"), same("t").cast("string").alias("s")).collect()[0]
    assert tuple(row) == (12, "2024-07-01 12:00:00")
    assert isinstance(df.collect()[0].t, datetime.datetime)


def test_what_a_function_prints_does_no_harm(spark):
    def prints(x):
        print("x" * 100)
        return x
    assert spark.range(5000).select(use(prints)("id").alias("x")).agg(F.max("x")).collect()[0][0] == 4999


def test_cached_functions(spark):
    df = spark.range(100).select(use(lambda x: x * 2)("id").alias("x")).cache()
    assert df.agg(F.sum("x")).collect()[0][0] == 9900
    assert df.agg(F.max("x")).collect()[0][0] == 198
    assert "InMemoryTableScan" in df._explain_string() if hasattr(df, "_explain_string") else True


def test_registered_again(spark):
    spark.udf.register("twice", lambda x: 1, "int")
    old = spark.sql("select twice(0) x")
    spark.udf.register("twice", lambda x: 2, "int")
    assert spark.sql("select twice(0)").collect()[0][0] == 2
    assert old.collect()[0][0] in (1, 2)


def test_uploaded_modules_are_on_the_path(spark, tmp_path):
    import zipfile
    (tmp_path / "uploaded_one.py").write_text("def plus(x):\n    return x + 1\n")
    with zipfile.ZipFile(tmp_path / "uploaded_two.zip", "w") as z:
        z.writestr("uploaded_two/__init__.py", "def twice(x):\n    return x * 2\n")

    def both(x):
        from uploaded_one import plus
        from uploaded_two import twice
        return twice(plus(x))
    still_works(spark)  # a worker that is there already finds them, too
    spark.addArtifacts(str(tmp_path / "uploaded_one.py"), str(tmp_path / "uploaded_two.zip"), pyfile=True)
    assert [r[0] for r in spark.range(3).select(use(both)("id")).collect()] == [2, 4, 6]
