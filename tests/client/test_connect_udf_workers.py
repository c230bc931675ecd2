# SPDX-License-Identifier: Apache-2.0
"""The processes of functions in Python: killed, limited, forked, without end, of changed settings; and uploaded modules."""
import os
import signal
import sys
import threading
import time
import uuid

import pytest

pytest.importorskip("grpc")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"

import pyspark.sql.connect.proto as pb  # noqa: E402
from pyspark.errors import PySparkException, PythonException  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from pyspark.sql.window import Window  # noqa: E402
from server import Server, channel, no_hang, request  # noqa: E402,F401
from udf_server import PYTHON, descendants, server, session, still_works, use  # noqa: E402,F401

MEMORY = "spark.executor.pyspark.memory"
SIMPLE = "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled"
MAX_RECORDS = "spark.sql.execution.arrow.maxRecordsPerBatch"
IDLE = "spark.sql.execution.pyspark.udf.idleTimeoutSeconds"
KILL_IDLE = "spark.sql.execution.pyspark.udf.killOnIdleTimeout"
SETTINGS = [SIMPLE, MAX_RECORDS, IDLE, KILL_IDLE, "spark.sql.shuffle.partitions"]


@pytest.fixture()
def spark(session):
    yield session
    for key in SETTINGS:
        session.conf.unset(key)


def wait_until(true):
    while not true():
        time.sleep(0.05)


def is_there(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Running:
    """A query in a thread, up to a row of its function that waits until we let it go on."""

    def __init__(self, spark, folder):
        begun, go = str(folder / "begun"), str(folder / "go")

        def waits(x):
            with open(begun, "w", encoding="utf-8") as f:
                f.write(str(os.getpid()))
            os.rename(begun, begun + ".there")
            while not os.path.exists(go):
                time.sleep(0.05)
            return x + 1
        self.begun, self.go, self.rows, self.error = begun + ".there", go, None, None
        df = spark.range(1).select(use(waits)("id").alias("x"))
        self.thread = threading.Thread(target=self.run, args=(df,))
        self.thread.start()
        wait_until(lambda: os.path.exists(self.begun) or not self.thread.is_alive())
        with open(self.begun, encoding="utf-8") as f:
            self.worker = int(f.read())

    def run(self, df):
        try:
            self.rows = [r.x for r in df.collect()]
        except Exception as e:  # noqa: BLE001  # any that a lost server makes
            self.error = e

    def end(self):
        with open(self.go, "w", encoding="utf-8"):
            pass
        self.thread.join()
        if self.error:
            raise self.error
        return self.rows


# ---- processes ----------------------------------------------------------------------------------------------------


def test_changed_settings_do_not_end_what_runs(server, spark, tmp_path):
    still_works(spark)
    query = Running(spark, tmp_path)
    spark.conf.set(SIMPLE, "false")
    still_works(spark)
    spark.conf.unset(SIMPLE)
    still_works(spark)
    assert query.end() == [1]


def test_a_worker_goes_on_without_its_daemon(server, spark, tmp_path):
    query = Running(spark, tmp_path)
    with open(f"/proc/{query.worker}/stat", encoding="utf-8") as stat:
        daemon = int(stat.read().rsplit(")", 1)[1].split()[1])
    os.kill(daemon, signal.SIGKILL)
    still_works(spark)
    assert query.end() == [1]
    still_works(spark)
    wait_until(lambda: daemon not in descendants(server.process.pid))


def test_no_process_outlives_a_killed_server(tmp_path):
    own = Server("--memory", "512M", "--threads", "2")
    spark = own.session()
    spark.conf.set(PYTHON, sys.executable)
    query = Running(spark, tmp_path)
    below = descendants(own.process.pid)
    assert query.worker in below
    own.process.kill()
    own.process.wait()
    wait_until(lambda: not any(is_there(pid) for pid in below))
    spark.client._release_session = lambda: None
    spark.client.close()
    query.thread.join(0)


def test_a_child_of_a_worker_does_not_hold_its_query(server, spark):
    def forks(x):
        if os.fork() == 0:
            time.sleep(600)
        os._exit(1)
    with pytest.raises(PySparkException, match="exited unexpectedly"):
        spark.range(3).select(use(forks)("id")).collect()
    still_works(spark)


def test_a_function_that_closes_everything(spark):
    def closes(x):
        os.closerange(0, 20)
        return x
    with pytest.raises(PySparkException, match="exited unexpectedly"):
        spark.range(3).select(use(closes)("id")).collect()
    still_works(spark)


@pytest.mark.parametrize("code", [0, 3, "why"])
def test_a_function_that_exits(spark, code):
    def leaves(x):
        sys.exit(code)
    with pytest.raises(PythonException, match="SystemExit"):
        spark.range(3).select(use(leaves)("id")).collect()
    still_works(spark)


def test_a_function_that_prints_much(spark):
    def prints(x):
        print(("x" * 9999 + "\n") * 10)
        os.write(1, (b"y" * 9999 + b"\n") * 10)
        return x
    assert spark.range(10).select(use(prints)("id").alias("x")).agg(F.max("x")).collect()[0][0] == 9


@pytest.mark.parametrize("most", ["8g", "0"])  # for four
def test_memory_of_workers_is_limited(most):
    def takes(x):
        import resource
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        return limit if limit < 0 else len(bytearray(10 << 30))
    own = Server("--memory", "512M", "--threads", "4", "--conf", MEMORY + "=" + most)
    spark = own.session()
    spark.conf.set(PYTHON, sys.executable)
    query = spark.range(1).select(use(takes, useArrow=False)("id"))
    if most == "0":  # none
        assert query.collect()[0][0] == -1
    else:
        with pytest.raises(PythonException, match="MemoryError"):
            query.collect()
    still_works(spark)
    assert own.stop() == 0


def kinds(spark):
    """A query for each kind of function; each kills its worker."""
    import pandas as pd
    import pyarrow as pa
    from typing import Iterator

    def dies(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    def plain(x):
        return dies()

    def over(it):
        dies()
        yield from it

    @F.pandas_udf("long")
    def series(s: pd.Series) -> pd.Series:
        return dies()

    @F.pandas_udf("long")
    def several(it: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for s in it:
            dies()
            yield s

    @F.arrow_udf("long")
    def arrow(a: pa.Array) -> pa.Array:
        return dies()

    @F.pandas_udf("double")
    def mean(s: pd.Series) -> float:
        return dies()
    df = spark.range(100).withColumn("k", F.col("id") % 3)
    groups = df.groupBy("k")
    return {
        "plain": df.select(use(plain, useArrow=False)("id")),
        "in Arrow": df.select(use(plain, useArrow=True)("id")),
        "pandas": df.select(series("id")),
        "pandas iterator": df.select(several("id")),
        "arrow_udf": df.select(arrow("id")),
        "mapInPandas": df.mapInPandas(over, "id long, k long"),
        "mapInArrow": df.mapInArrow(over, "id long, k long"),
        "applyInPandas": groups.applyInPandas(plain, "id long"),
        "applyInArrow": groups.applyInArrow(plain, "id long"),
        "cogroup": groups.cogroup(groups).applyInPandas(lambda a, b: dies(), "id long"),
        "grouped aggregate": groups.agg(mean("id")),
        "window": df.select(mean("id").over(Window.partitionBy("k"))),
        "window of rows": df.select(mean("id").over(Window.partitionBy("k").orderBy("id").rowsBetween(-1, 0))),
    }


@pytest.mark.parametrize("kind", ["plain", "in Arrow", "pandas", "pandas iterator", "arrow_udf", "mapInPandas", "mapInArrow",
                                  "applyInPandas", "applyInArrow", "cogroup", "grouped aggregate", "window", "window of rows"])
def test_a_killed_worker_of_every_kind(spark, kind):
    with pytest.raises(PySparkException, match="exited unexpectedly"):
        kinds(spark)[kind].collect()


def test_the_input_may_be_slow_slow(spark):
    from typing import Iterator
    import pandas as pd

    @F.pandas_udf("string")
    def slow(it: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for s in it:
            time.sleep(0.5)
            yield s.map(lambda x: "x" * 200000)  # more than a worker keeps for itself

    def last(x):
        time.sleep(0.3)
        return len(x)
    spark.conf.set(MAX_RECORDS, "1")
    spark.conf.set(IDLE, "5")
    spark.conf.set(KILL_IDLE, "true")
    df = spark.range(0, 14, 1, 1).select(use(last, useArrow=False)(slow("id")).alias("x"))
    assert df.agg(F.sum("x")).collect()[0][0] == 14 * 200000


def test_an_older_pyspark_is_named(server, tmp_path):
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").write_text("__version__ = '4.0.1'\n")
    (tmp_path / "pyspark" / "daemon.py").write_text("import time\ntime.sleep(100)\n")
    old = tmp_path / "python"
    old.write_text(f"#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} \"$@\"\n")
    old.chmod(0o755)
    spark = server.session()
    spark.conf.set(PYTHON, str(old))
    with pytest.raises(PySparkException, match="it has PySpark 4.0.1"):
        spark.range(3).select(use(lambda x: x)("id")).collect()
    spark.conf.set(PYTHON, sys.executable)
    still_works(spark)


# ---- enough is enough ---------------------------------------------------------------------------------------------


def endless_function():
    def without_end(it):  # not of the module, which workers do not have
        for df in it:
            while True:
                yield df
    return without_end


def test_a_function_without_end_and_a_limit(spark):
    endless = spark.range(0, 1000, 1, 1).mapInPandas(endless_function(), "id long")
    assert len(endless.limit(3).collect()) == 3
    assert len(endless.limit(200000).collect()) == 200000  # counted as they pass
    assert len(endless.take(2)) == 2
    assert endless.isEmpty() is False
    assert endless.where("id = 7").limit(2).collect() == [(7,), (7,)]
    still_works(spark)


def test_rows_are_passed_on_while_others_wait_to_be_sent(server, spark):
    def many(it):
        import pyarrow as pa
        for n, batch in enumerate(it):
            for _ in range(2000 if n == 0 else 1):
                yield pa.record_batch({"t": pa.array(["x" * 1000] * 500)})
    spark.conf.set(MAX_RECORDS, "1000")
    wide = spark.range(0, 40000, 1, 1).select(F.repeat(F.lit("y"), 500).alias("t"))
    row = wide.mapInArrow(many, "t string").agg(F.count("t"), F.sum(F.length("t"))).collect()[0]
    assert tuple(row) == ((2000 + 39) * 500, (2000 + 39) * 500 * 1000)


def test_a_limit_is_below_the_function(spark):
    def never(x):
        if x >= 5:
            raise ValueError("called for " + str(x))
        return x
    df = spark.range(0, 100000, 1, 1).select(use(never)("id").alias("x"))
    assert [r.x for r in df.limit(5).collect()] == [0, 1, 2, 3, 4]
    assert [r.x for r in df.select((F.col("x") * 2).alias("x")).take(3)] == [0, 2, 4]


# ---- settings and plans -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", ["-1", "0"])
def test_batches_may_have_any_size(spark, most):
    def sizes(it):
        import pandas as pd
        for df in it:
            yield pd.DataFrame({"n": [len(df)]})
    spark.conf.set(MAX_RECORDS, most)
    assert [r.n for r in spark.range(0, 25000, 1, 1).mapInPandas(sizes, "n long").collect()] == [25000]


@pytest.mark.parametrize("kind", [100, 101, 200, 201, 206, 300, 12345])
@pytest.mark.parametrize("relation", ["map", "group", "co_group"])
def test_a_function_of_another_kind_is_refused(server, spark, relation, kind):
    df = spark.range(3)
    groups = df.groupBy("id")
    if relation == "map":
        made, own = df.mapInPandas(endless_function(), "id long"), 205
    elif relation == "group":
        made, own = groups.applyInPandas(lambda d: d, "id long"), 201
    else:
        made, own = groups.cogroup(groups).applyInPandas(lambda a, b: a, "id long"), 206
    ask = request(pb.ExecutePlanRequest, spark.session_id, user=spark.client._user_id or "")
    ask.plan.root.CopyFrom(made._plan.to_proto(spark.client).root)
    field = {"map": "map_partitions", "group": "group_map", "co_group": "co_group_map"}[relation]
    getattr(ask.plan.root, field).func.python_udf.eval_type = kind
    if kind == own:
        return
    import grpc
    ch, stub = channel(server)
    with pytest.raises(grpc.RpcError) as e:
        list(stub.ExecutePlan(ask))
    assert "kind" in e.value.details()
    ch.close()


def test_cogroups_by_columns_of_different_types_are_refused(spark):
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    text, number = spark.sql("select 'a' k"), spark.sql("select 1 k")
    for a, b in ((text, number), (number, text), (number, spark.range(1).withColumnRenamed("id", "k"))):
        with pytest.raises(PySparkException, match="different types"):
            a.groupBy("k").cogroup(b.groupBy("k")).applyInPandas(lambda x, y: x, "k string").collect()
    still_works(spark)


def test_where_functions_may_not_stand(spark):
    import pandas as pd

    @F.pandas_udf("double")
    def mean(v: pd.Series) -> float:
        return v.mean()
    df = spark.range(3).withColumn("k", F.col("id") % 2)
    with pytest.raises(PySparkException, match="UNSUPPORTED_EXPR_FOR_WINDOW"):
        df.select(use(lambda x: x)("id").over(Window.partitionBy("k"))).collect()
    with pytest.raises(PySparkException, match="PANDAS_UDAF_IN_PIVOT"):
        df.groupBy().pivot("k").agg(mean("id")).collect()


def test_half_a_surrogate_pair(spark):
    half = spark.range(1).select(use(lambda x: "a\ud800b", "string", useArrow=False)("id").alias("x"))
    assert half.select("x", F.length("x"), F.hex("x")).collect() == [("a\ufffdb", 3, "61EFBFBD62")]


# ---- what clients upload ------------------------------------------------------------------------------------------


def test_clones_have_the_modules(server, tmp_path):
    spark = server.session()
    spark.conf.set(PYTHON, sys.executable)
    name = "uploaded_" + uuid.uuid4().hex
    (tmp_path / (name + ".py")).write_text("def plus(x):\n    return x + 1\n")
    (tmp_path / (name + "_none.py")).write_text("")

    def uses(x):
        import importlib
        importlib.import_module(name + "_none")
        return importlib.import_module(name).plus(x)
    spark.addArtifacts(str(tmp_path / (name + ".py")), str(tmp_path / (name + "_none.py")), pyfile=True)
    spark.udf.register("uses", uses, "bigint")
    assert spark.sql("select uses(1)").collect()[0][0] == 2
    other = spark.cloneSession()
    server.sessions.append(other)
    spark.stop()
    assert other.sql("select uses(2)").collect()[0][0] == 3


def test_what_is_not_done_with_uploads_is_refused(spark, tmp_path):
    import zipfile
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("a", "b")
    with pytest.raises(Exception, match="archive"):
        spark.addArtifacts(str(path), archive=True)
    still_works(spark)
