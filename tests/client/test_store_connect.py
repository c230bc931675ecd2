# SPDX-License-Identifier: Apache-2.0
"""S3 and web servers through Spark Connect: save modes, partitions, sessions that do not share keys, --allow-path."""
import os

import pytest

pytest.importorskip("grpc")
os.environ.setdefault("TZ", "UTC")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["no_proxy"] = "127.0.0.1"

from server import Server, no_hang  # noqa: E402, F401
from stand_in import ACCESS, SECRET, StandIn  # noqa: E402


@pytest.fixture(scope="module")
def chert():
    s = Server("--memory", "256M", "--threads", "2")
    yield s
    assert s.stop() == 0


@pytest.fixture
def store():
    with StandIn() as s:
        yield s


def session(chert, store, secret=SECRET):
    spark = chert.session()
    for key, value in {"endpoint": store.url, "access.key": ACCESS, "secret.key": secret, "attempts.maximum": "3"}.items():
        spark.conf.set("fs.s3a." + key, value)
    return spark


def parts(store, folder="out/"):
    return [k for k in store.keys() if k.startswith(folder) and "/part-" in k]


def test_save_modes(chert, store):
    spark = session(chert, store)
    path = "s3a://lake/out"
    spark.range(10).write.parquet(path)
    with pytest.raises(Exception, match="PATH_ALREADY_EXISTS"):
        spark.range(10).write.parquet(path)
    spark.range(5).write.mode("ignore").parquet(path)
    assert spark.read.parquet(path).count() == 10
    spark.range(5).write.mode("append").parquet(path)
    assert spark.read.parquet(path).count() == 15
    # What is overwritten may be what is read.
    spark.read.parquet(path).where("id < 3").write.mode("overwrite").parquet(path)
    assert spark.read.parquet(path).count() == 6
    assert "out/_SUCCESS" in store.keys() and not store.uploads


def test_partitions_static_and_dynamic(chert, store):
    spark = session(chert, store)
    path = "s3a://lake/out"
    rows = spark.range(100).selectExpr("id", "id % 4 AS k", "concat('a b/', id % 2) AS t")
    rows.write.partitionBy("k", "t").csv(path)
    assert any("/k=3/t=a b%2F1/" in k for k in parts(store))
    back = spark.read.csv(path)
    assert back.columns == ["_c0", "k", "t"] and back.count() == 100
    assert sorted(r.t for r in back.select("t").distinct().collect()) == ["a b/0", "a b/1"]
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    rows.where("k = 1").limit(1).write.mode("overwrite").partitionBy("k", "t").csv(path)
    assert spark.read.csv(path).groupBy("k").count().orderBy("k").collect()[1]["count"] == 1
    assert spark.read.csv(path).count() == 76
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    rows.where("k = 1").limit(1).write.mode("overwrite").partitionBy("k", "t").csv(path)
    assert spark.read.csv(path).count() == 1
    assert spark.read.option("basePath", path).csv(path + "/k=1/*").columns == ["_c0", "k", "t"]


def test_many_partitions_within_the_memory(chert, store):
    spark = session(chert, store)
    spark.range(200000).selectExpr("id", "id % 40 AS k", "repeat('x', 50) AS t").write.partitionBy("k").csv("s3a://lake/out")
    assert spark.read.csv("s3a://lake/out").where("k = 7").count() == 5000
    assert not store.uploads


def test_a_command_that_takes_longer_than_reports_of_progress(chert, store):
    spark = session(chert, store)
    store.delay = 0.7
    spark.range(10).coalesce(1).write.csv("s3a://lake/out")
    store.delay = 0
    assert spark.read.csv("s3a://lake/out").count() == 10


def test_sessions_have_keys_of_their_own(chert, store):
    good, bad, none = session(chert, store), session(chert, store, "wrong"), chert.session()
    good.range(3).write.csv("s3a://lake/out")
    assert good.read.csv("s3a://lake/out").count() == 3
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        bad.read.csv("s3a://lake/out").count()
    with pytest.raises(Exception):
        none.conf.set("fs.s3a.endpoint", store.url)
        none.read.csv("s3a://lake/out").count()
    options = {"fs.s3a.access.key": ACCESS, "fs.s3a.secret.key": SECRET}
    assert none.read.options(**options).csv("s3a://lake/out").count() == 3
    none.range(2).write.options(**options).mode("append").csv("s3a://lake/out")
    assert none.read.options(**options).csv("s3a://lake/out").count() == 5
    assert SECRET not in none.read.options(**options).csv("s3a://lake/out")._explain_string(extended=True)


def test_names_of_files(chert, store):
    spark = session(chert, store)
    store.put("lake", "t/a b.csv", b"1\n")
    frame = spark.read.csv("s3a://lake/t")
    assert frame.inputFiles() == ["s3a://lake/t/a b.csv"]
    assert frame.selectExpr("input_file_name()").collect()[0][0] == "s3a://lake/t/a%20b.csv"


def test_allow_path(store, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
    store.put("lake", "open/a.csv", b"1\n")
    store.put("lake", "opened/a.csv", b"2\n")
    store.redirects["/lake/open/away"] = (302, "/lake/opened/a.csv")
    chert = Server("--allow-path", "s3://lake/open/", "--allow-path", store.url + "/lake/open")
    try:
        spark = chert.session()
        assert spark.read.csv("s3a://lake/open/*").count() == 1
        assert spark.read.csv(store.url + "/lake/open/a.csv").count() == 1
        spark.range(1).write.csv("s3a://lake/open/out")
        asked = len(store.log)
        for path in ("s3a://lake/opened/a.csv", "s3a://lake", "s3a://other/open", "s3a://lake/open/../opened/a.csv",
                     store.url + "/lake/opened/a.csv", store.url + "/lake/open/%2e%2E/opened/a.csv",
                     store.url.replace("://", "://x@") + "/lake/open/a.csv", "http://127.0.0.1:1/"):
            with pytest.raises(Exception, match="PATH_NOT_ALLOWED"):
                spark.read.csv(path).count()
        with pytest.raises(Exception, match="PATH_NOT_ALLOWED"):
            spark.range(1).write.csv("s3a://lake/opened/out")
        assert len(store.log) == asked
        with pytest.raises(Exception, match="PATH_NOT_ALLOWED"):
            spark.read.csv(store.url + "/lake/open/away").count()
        spark.conf.set("fs.s3a.endpoint", "http://127.0.0.1:1")
        with pytest.raises(Exception, match="PATH_NOT_ALLOWED"):
            spark.read.csv("s3a://lake/open/a.csv").count()
    finally:
        assert chert.stop() == 0
