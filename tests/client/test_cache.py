# SPDX-License-Identifier: Apache-2.0
"""cache(), persist(), checkpoints and spark.catalog's functions of the cache, by stock PySpark."""
import threading
import time

import pytest

pytest.importorskip("pyspark.sql.connect")
from pyspark import StorageLevel
from pyspark.sql import Row

from server import Server


@pytest.fixture(scope="module")
def server():
    with_server = Server()
    yield with_server
    assert with_server.stop() == 0


@pytest.fixture(scope="module")
def session(server):
    """One for all: PySpark makes checkpoints' DataFrames of whichever session it calls active."""
    return server.session()


@pytest.fixture
def spark(session):
    yield session
    session.catalog.clearCache()


def kept(spark):
    return spark.sql("SHOW CACHE").collect()


def test_cache_is_filled_at_first_use_and_read_by_others(spark):
    df = spark.range(1000).selectExpr("id", "id % 7 AS k")
    assert not df.is_cached
    assert df.storageLevel == StorageLevel.NONE
    df.cache()
    assert df.storageLevel == StorageLevel.MEMORY_AND_DISK_DESER
    assert not kept(spark)[0].isFilled
    assert df.filter("k = 3").count() == 143
    (entry,) = kept(spark)
    assert (entry.isFilled, entry.rows, entry.hits) == (True, 1000, 1)
    assert df.groupBy("k").count().count() == 7
    assert kept(spark)[0].hits == 2
    df.unpersist()
    assert df.storageLevel == StorageLevel.NONE
    assert kept(spark) == []


def test_explain_as_in_sparks_own_documentation(spark, capsys):
    df = spark.range(1)
    df.cache()
    df.explain()
    out = capsys.readouterr().out
    assert "InMemoryTableScan [id#" in out
    assert "+- InMemoryRelation [id#" in out
    assert "StorageLevel(disk, memory, deserialized, 1 replicas)" in out


@pytest.mark.parametrize("level", ["DISK_ONLY", "DISK_ONLY_2", "DISK_ONLY_3", "MEMORY_ONLY", "MEMORY_ONLY_2",
                                   "MEMORY_AND_DISK", "MEMORY_AND_DISK_2", "OFF_HEAP", "MEMORY_AND_DISK_DESER"])
def test_every_level_is_given_back(spark, level):
    wanted = getattr(StorageLevel, level)
    df = spark.range(100).persist(wanted)
    assert df.storageLevel == wanted
    assert df.count() == 100
    df.unpersist(blocking=True)
    assert df.storageLevel == StorageLevel.NONE


def test_local_data_is_known_again(spark):
    rows = [(1, "a"), (2, None)]
    spark.createDataFrame(rows, "a int, b string").cache().count()
    assert spark.createDataFrame(rows, "a int, b string").storageLevel != StorageLevel.NONE
    assert spark.createDataFrame([(1, "a"), (2, "x")], "a int, b string").storageLevel == StorageLevel.NONE


def test_catalog(spark):
    spark.range(10).createOrReplaceTempView("t")
    assert not spark.catalog.isCached("t")
    spark.catalog.cacheTable("t")
    assert spark.catalog.isCached("t")
    assert spark.sql("SELECT sum(id) FROM t").collect() == [Row(**{"sum(id)": 45})]
    assert kept(spark)[0].table == "t"
    spark.catalog.uncacheTable("t")
    assert not spark.catalog.isCached("t")
    spark.catalog.cacheTable("t", StorageLevel.DISK_ONLY)
    assert spark.table("t").storageLevel == StorageLevel.DISK_ONLY
    spark.catalog.clearCache()
    assert not spark.catalog.isCached("t")


def test_writing_to_what_was_read_starts_anew(spark, tmp_path):
    path = str(tmp_path / "p")
    spark.range(3).write.parquet(path)
    df = spark.read.parquet(path).cache()
    assert df.count() == 3
    spark.range(5).write.mode("append").parquet(path)
    assert spark.read.parquet(path).count() == 8


def test_rows_stay_when_files_change_behind_the_session(spark, tmp_path):
    path = tmp_path / "c"
    path.mkdir()
    (path / "a.csv").write_text("1\n2\n")
    df = spark.read.schema("a int").csv(str(path)).cache()
    assert df.count() == 2
    (path / "b.csv").write_text("3\n")
    assert df.count() == 2
    df.unpersist()
    assert spark.read.schema("a int").csv(str(path)).count() == 3


@pytest.mark.parametrize("eager", [True, False])
def test_checkpoints_keep_what_was_there(spark, tmp_path, eager):
    path = str(tmp_path / "p")
    spark.range(3).write.parquet(path)
    df = spark.read.parquet(path)
    for checkpoint in (df.localCheckpoint(eager), df.checkpoint(eager)):
        assert sorted(checkpoint.collect()) == [Row(id=0), Row(id=1), Row(id=2)]
        spark.range(2).write.mode("overwrite").parquet(path)
        assert checkpoint.join(checkpoint.withColumnRenamed("id", "j")).count() == 9
        spark.range(3).write.mode("overwrite").parquet(path)


def test_random_rows_stay_in_a_checkpoint(spark):
    df = spark.sql("SELECT rand() AS r FROM range(100)").localCheckpoint()
    assert df.collect() == df.collect()


def test_waiting_for_another_s_fill_can_be_interrupted(server):
    spark = server.session()
    df = spark.range(300_000_000_000).selectExpr("sum(id * 3 % 7) AS s")
    df.createOrReplaceTempView("slow")
    df.cache()
    errors = {}

    def run(name, action):
        def work():
            spark.addTag(name)
            try:
                action()
                errors[name] = None
            except Exception as e:  # noqa: BLE001  # looked at below
                errors[name] = str(e)
        thread = threading.Thread(target=work)
        thread.start()
        return thread

    fills = run("fills", lambda: df.count())
    time.sleep(1)
    waits = run("waits", lambda: spark.sql("CACHE TABLE slow").collect())
    time.sleep(1)
    begin = time.monotonic()
    spark.interruptTag("waits")
    waits.join(20)
    assert not waits.is_alive() and time.monotonic() - begin < 10
    assert "OPERATION_CANCELED" in errors["waits"], errors
    assert fills.is_alive()
    spark.interruptTag("fills")
    fills.join(20)
    assert "OPERATION_CANCELED" in errors["fills"], errors
    spark.catalog.clearCache()
