# SPDX-License-Identifier: Apache-2.0
"""spark.catalog, saveAsTable, insertInto and writeTo of unmodified PySpark. What is expected here is what Spark 4.3 answers.

    CHERT_BINARY=build/chert python -m pytest tests/client/test_catalog.py
"""
import os
import shutil
import tempfile

import pytest

pytest.importorskip("grpc")
os.environ.setdefault("TZ", "UTC")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"

from pyspark.errors import AnalysisException  # noqa: E402
from pyspark.sql import Row, types as T  # noqa: E402
from server import Server  # noqa: E402


@pytest.fixture(scope="module")
def folder():
    path = tempfile.mkdtemp(prefix="chert-catalog-")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def server(folder):
    s = Server("--memory", "512M", cwd=folder)
    yield s
    assert s.stop() == 0


@pytest.fixture
def spark(server):
    session = server.session()
    yield session
    for row in session.catalog.listTables():
        if not row.isTemporary:
            session.sql(f"DROP TABLE IF EXISTS {row.name}")
    session.stop()


@pytest.fixture
def df(spark):
    return spark.createDataFrame([(1, "x"), (2, "y")], ["a", "k"])


def fails(condition, run):
    with pytest.raises(AnalysisException) as e:
        run()
    assert e.value.getCondition() == condition


def test_tables_are_saved_listed_and_dropped(spark, df):
    df.write.saveAsTable("s1")
    fails("TABLE_OR_VIEW_ALREADY_EXISTS", lambda: df.write.saveAsTable("s1"))
    df.write.mode("ignore").saveAsTable("s1")
    assert spark.table("s1").count() == 2
    df.selectExpr("k", "a").write.mode("append").saveAsTable("s1")  # by name
    assert spark.table("s1").orderBy("a", "k").collect() == [Row(a=1, k="x")] * 2 + [Row(a=2, k="y")] * 2
    (table,) = spark.catalog.listTables()
    assert (table.name, table.catalog, table.namespace, table.tableType) == ("s1", "spark_catalog", ["default"], "MANAGED")
    assert spark.catalog.tableExists("default.s1") and not spark.catalog.tableExists("nope")
    assert [(c.name, c.dataType, c.nullable) for c in spark.catalog.listColumns("s1")] == [("a", "bigint", True), ("k", "string", True)]
    df.selectExpr("a AS b").write.mode("overwrite").saveAsTable("s1")
    assert sorted(spark.table("s1").collect()) == [Row(b=1), Row(b=2)]
    fails("UNSUPPORTED_OVERWRITE.TABLE", lambda: spark.table("s1").write.mode("overwrite").saveAsTable("s1"))


def test_appends_must_fit(spark, df):
    df.write.saveAsTable("s1")
    fails("_LEGACY_ERROR_TEMP_1159", lambda: df.write.mode("append").format("csv").saveAsTable("s1"))
    fails("_LEGACY_ERROR_TEMP_1163", lambda: df.write.mode("append").partitionBy("k").saveAsTable("s1"))
    fails("_LEGACY_ERROR_TEMP_1161", lambda: df.selectExpr("a").write.mode("append").saveAsTable("s1"))
    fails("_LEGACY_ERROR_TEMP_1162", lambda: df.selectExpr("a", "a AS z").write.mode("append").saveAsTable("s1"))


def test_rows_are_inserted_by_position(spark, df):
    df.write.partitionBy("k").saveAsTable("p")
    df.selectExpr("a + 10", "k").write.insertInto("p")
    assert sorted(r.a for r in spark.table("p").collect()) == [1, 2, 11, 12]
    df.write.insertInto("p", overwrite=True)
    assert sorted(spark.table("p").collect()) == [Row(a=1, k="x"), Row(a=2, k="y")]
    fails("INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS", lambda: df.select("a").write.insertInto("p"))
    fails("TABLE_OR_VIEW_NOT_FOUND", lambda: df.write.insertInto("nope"))
    fails("PARTITION_BY_NOT_ALLOWED_WITH_INSERT_INTO", lambda: df.write.partitionBy("k").insertInto("p"))


def test_write_to_makes_tables_and_nothing_else(spark, df):
    df.writeTo("w").using("parquet").tableProperty("a", "b").partitionedBy("k").create()
    assert spark.sql("SHOW TBLPROPERTIES w").collect() == [Row(key="a", value="b")]
    fails("_LEGACY_ERROR_TEMP_1012", df.writeTo("w").append)
    fails("_LEGACY_ERROR_TEMP_1012", df.writeTo("w").overwritePartitions)
    fails("UNSUPPORTED_FEATURE.TABLE_OPERATION", df.writeTo("w").using("parquet").createOrReplace)
    fails("TABLE_OR_VIEW_NOT_FOUND", df.writeTo("nope").append)


def test_buckets_are_recorded(spark, df):
    df.write.bucketBy(2, "a").sortBy("k").saveAsTable("b")
    assert [c.isBucket for c in spark.catalog.listColumns("b")] == [True, False]
    fails("SORT_BY_WITHOUT_BUCKETING", lambda: df.write.sortBy("a").saveAsTable("c"))
    fails("_LEGACY_ERROR_TEMP_1312", lambda: df.write.bucketBy(2, "a").save("never"))


def test_tables_are_created_and_partitions_recovered(spark, df, folder):
    schema = T.StructType([T.StructField("a", T.LongType()), T.StructField("k", T.StringType())])
    spark.catalog.createTable("c", source="json", schema=schema, description="of a test")
    assert spark.table("c").collect() == [] and spark.catalog.getTable("c").description == "of a test"
    place = os.path.join(folder, "files")
    df.write.partitionBy("k").parquet(place)
    spark.sql(f"CREATE TABLE r (a BIGINT, k STRING) USING parquet PARTITIONED BY (k) LOCATION '{place}'")
    assert spark.table("r").count() == 0
    spark.catalog.recoverPartitions("r")
    assert spark.table("r").count() == 2
    assert spark.catalog.getTable("r").tableType == "EXTERNAL"
    spark.sql("DROP TABLE r")
    assert len(os.listdir(place)) == 3  # two partitions and _SUCCESS


def test_databases_and_the_current_one(spark, server):
    spark.sql("CREATE DATABASE db COMMENT 'mine'")
    try:
        spark.catalog.setCurrentDatabase("db")
        assert spark.catalog.currentDatabase() == "db"
        assert server.session().catalog.currentDatabase() == "default"  # each session has its own
        assert [d.name for d in spark.catalog.listDatabases()] == ["db", "default"]
        assert spark.catalog.getDatabase("db").description == "mine"
        spark.range(3).write.saveAsTable("t")
        assert spark.table("db.t").count() == 3 and not spark.catalog.tableExists("default.t")
    finally:
        spark.sql("DROP DATABASE db CASCADE")
    assert spark.catalog.currentDatabase() == "default"
    fails("SCHEMA_NOT_FOUND", lambda: spark.catalog.setCurrentDatabase("db"))


def test_functions_are_those_of_the_registry(spark):
    assert spark.catalog.functionExists("count") and not spark.catalog.functionExists("nope")
    assert spark.catalog.getFunction("abs").name == "abs"
    assert [f.name for f in spark.catalog.listFunctions(pattern="ab*")] == ["abs"]


def test_what_one_session_makes_another_one_sees(server, spark, df):
    df.write.saveAsTable("shared")
    assert server.session().table("shared").count() == 2
