# SPDX-License-Identifier: Apache-2.0
"""Functions in SQL as a client sees them: called by name, and in spark.catalog."""
import os
import sys

import pytest

pytest.importorskip("grpc")
os.environ.setdefault("TZ", "UTC")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
os.environ["PYSPARK_PYTHON"] = sys.executable

from pyspark.sql import functions as F  # noqa: E402
from server import Server, no_hang  # noqa: E402, F401


@pytest.fixture(scope="module")
def server():
    s = Server()
    yield s
    assert s.stop() == 0


def test_they_are_called_from_dataframes(server):
    spark = server.session()
    spark.sql("create temporary function area(w double, h double default 2) returns double return w * h")
    df = spark.range(3).select(F.call_function("area", "id", F.lit(3)).alias("a"), F.expr("area(id)").alias("b"))
    assert df.dtypes == [("a", "double"), ("b", "double")]
    assert [tuple(r) for r in df.collect()] == [(0.0, 0.0), (3.0, 2.0), (6.0, 4.0)]
    assert spark.range(4).filter("area(id) > 3").count() == 2
    spark.sql("create temporary function below(n int) returns table(i bigint) return select id from range(10) where id < n")
    assert spark.sql("select sum(i) s from below(4)").collect()[0].s == 6


def test_the_catalog_knows_them(server):
    spark = server.session()
    catalog = spark.catalog
    assert not catalog.functionExists("area")
    spark.sql("create temporary function Area(w double) returns double return w")
    assert catalog.functionExists("area") and catalog.functionExists("AREA")
    f = catalog.getFunction("area")
    assert (f.name, f.catalog, f.namespace, f.isTemporary) == ("area", None, None, True)
    assert [f.name for f in catalog.listFunctions(pattern="are*")] == ["area"]
    assert not server.session().catalog.functionExists("area")
    other = spark.cloneSession() if hasattr(spark, "cloneSession") else None
    if other is not None:
        assert other.sql("select area(2) a").collect()[0].a == 2.0
    spark.sql("drop temporary function area")
    assert not catalog.functionExists("area")


def test_a_function_in_python_takes_the_name_and_gives_it_back(server):
    spark = server.session()
    spark.sql("create temporary function twice(x int) returns int return 2 * x")
    spark.udf.register("twice", lambda x: x + x + 1, "int")
    assert spark.sql("select twice(id) t from range(1, 2)").collect()[0].t == 3
    with pytest.raises(Exception, match="CANNOT_REPLACE_NON_SQL_UDF_WITH_SQL_UDF"):
        spark.sql("create or replace temporary function twice(x int) returns int return 2 * x")
    spark.sql("drop temporary function twice")
    spark.sql("create temporary function twice(x int) returns int return 2 * x")
    assert spark.sql("select twice(1) t").collect()[0].t == 2


def test_stored_ones_outlast_the_server(tmp_path):
    """Its end is as sudden as it may be: what CREATE FUNCTION has answered is there."""
    s = Server(cwd=tmp_path)
    spark = s.session()
    spark.sql("create database shop")
    spark.sql("create function shop.net(price int, cut int default 10) returns int comment 'what is left' return price - cut")
    spark.sql("create function below(n int) returns table(i bigint) return select id from range(10) where id < n")
    spark.sql("create view shop.v as select shop.net(id) n from range(20, 22)")
    spark.stop()
    s.process.kill()
    s.process.wait(60)
    s = Server(cwd=tmp_path)
    spark = s.session()
    assert spark.sql("select shop.net(15) a, shop.net(cut => 1, price => 3) b").collect()[0] == (5, 2)
    assert sorted(r.n for r in spark.table("shop.v").collect()) == [10, 11]
    assert spark.sql("select sum(i) s from below(4)").collect()[0].s == 6
    assert spark.range(1).select(F.call_function("shop.net", F.lit(30))).collect()[0][0] == 20
    catalog = spark.catalog
    assert catalog.functionExists("below") and catalog.functionExists("shop.net")
    assert catalog.functionExists("net", "shop") and not catalog.functionExists("net")
    f = catalog.getFunction("shop.net")
    assert (f.name, f.catalog, f.namespace, f.isTemporary) == ("net", "spark_catalog", ["shop"], False)
    assert [f.name for f in catalog.listFunctions("shop", "ne*") if not f.isTemporary] == ["net"]
    assert [f.name for f in catalog.listFunctions("shop", "below") if not f.isTemporary] == []
    spark.sql("drop function shop.net")
    assert not catalog.functionExists("shop.net")
    with pytest.raises(Exception, match="UNRESOLVED_ROUTINE"):
        spark.table("shop.v").collect()
    assert s.stop() == 0
