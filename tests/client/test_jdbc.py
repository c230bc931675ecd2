# SPDX-License-Identifier: Apache-2.0
"""spark.read.jdbc, format("jdbc") and df.write.jdbc of stock PySpark, on SQLite files."""
import datetime
import decimal
import sqlite3

import pytest

pytest.importorskip("pyspark.sql.connect")
from pyspark.errors import PySparkException

from server import Server


@pytest.fixture(scope="module")
def spark():
    server = Server()
    yield server.session()
    assert server.stop() == 0


@pytest.fixture
def shop(tmp_path):
    """A file with 1000 orders; gives its path."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, city VARCHAR(20), price DECIMAL(10,2), day DATE)")
        db.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)",
                       [(i, f"city {i % 7}" if i % 10 else None, i / 4, f"2024-01-{i % 28 + 1:02d}")
                        for i in range(1, 1001)])
    db.close()
    return path


def url(path):
    return f"jdbc:sqlite:{path}"


def test_a_table_is_read(spark, shop):
    df = spark.read.jdbc(url(shop), "orders")
    assert df.dtypes == [("id", "int"), ("city", "string"), ("price", "decimal(10,2)"), ("day", "date")]
    assert df.count() == 1000
    row = df.filter("id = 7").first()
    assert (row.city, row.price, row.day) == ("city 0", decimal.Decimal("1.75"), datetime.date(2024, 1, 8))


def test_a_query_is_read(spark, shop):
    df = spark.read.format("jdbc").options(url=url(shop), query="SELECT city, id FROM orders WHERE id < 4").load()
    assert sorted(df.collect()) == [("city 1", 1), ("city 2", 2), ("city 3", 3)]


@pytest.mark.parametrize("parts", [1, 3, 8])
def test_parallel_reads_give_every_row_once(spark, shop, parts):
    df = spark.read.jdbc(url(shop), "orders", column="id", lowerBound=100, upperBound=900, numPartitions=parts)
    assert df.selectExpr("count(*)", "count(DISTINCT id)", "sum(id)").first() == (1000, 1000, 500500)


def test_predicates_are_parts(spark, shop):
    df = spark.read.jdbc(url(shop), "orders", predicates=["city = 'city 1'", "city IS NULL"])
    assert df.filter("city IS NULL").count() == 100
    assert df.select("city").distinct().count() == 2
    assert df.count() == 100 + sum(1 for i in range(1, 1001) if i % 7 == 1 and i % 10)


def test_a_frame_is_written_and_read_again(spark, tmp_path):
    target = url(tmp_path / "new.db")
    df = spark.range(5000).selectExpr("id", "concat('n', id) AS name", "id / 2 AS half", "id % 2 = 0 AS even")
    df.write.jdbc(target, "things")
    back = spark.read.jdbc(target, "things")
    assert back.selectExpr("count(*)", "sum(id)", "max(half)", "min(name)").first() == (5000, 12497500, 2499.5, "n0")
    with pytest.raises(PySparkException, match="already exists"):
        df.write.jdbc(target, "things")
    df.limit(10).write.jdbc(target, "things", mode="append")
    assert spark.read.jdbc(target, "things").count() == 5010
    df.limit(3).write.jdbc(target, "things", mode="ignore")
    assert spark.read.jdbc(target, "things").count() == 5010
    df.limit(3).write.format("jdbc").mode("overwrite").options(url=target, dbtable="things", truncate="true").save()
    assert spark.read.jdbc(target, "things").count() == 3


def test_a_write_that_fails_changes_nothing(spark, shop):
    with sqlite3.connect(shop) as db:
        db.execute("CREATE TABLE few (id INTEGER PRIMARY KEY, x TEXT)")
        db.execute("INSERT INTO few VALUES (1, 'here')")
    db.close()
    df = spark.range(5000).selectExpr("id % 4999 AS id", "'new' AS x")
    with pytest.raises(PySparkException, match="UNIQUE"):
        df.write.jdbc(url(shop), "few", mode="append")
    assert spark.read.jdbc(url(shop), "few").collect() == [(1, "here")]
    bad = spark.range(5000).selectExpr("id", "CAST(1 / (id - 4000) AS STRING) AS x")
    with pytest.raises(PySparkException, match="DIVIDE_BY_ZERO"):
        bad.write.jdbc(url(shop), "few", mode="overwrite")
    assert spark.read.jdbc(url(shop), "few").collect() == [(1, "here")]


def test_a_table_is_replaced_by_what_is_read_from_it(spark, shop):
    spark.read.jdbc(url(shop), "orders").filter("id <= 10").write.jdbc(url(shop), "orders", mode="overwrite")
    assert spark.read.jdbc(url(shop), "orders").count() == 10


@pytest.mark.parametrize("options, said", [
    ({"dbtable": "orders", "query": "SELECT 1"}, "Both 'dbtable' and 'query' can not be specified at the same time"),
    ({}, "Option 'dbtable' or 'query' is required"),
    ({"dbtable": "nowhere"}, "no such table: nowhere"),
    ({"dbtable": "orders", "keytab": "x"}, "keytab"),
    ({"dbtable": "orders", "noSuchProperty": "x"}, "noSuchProperty"),
    ({"dbtable": "orders", "partitionColumn": "id"}, "all or none"),
    ({"dbtable": "orders", "partitionColumn": "city", "lowerBound": "1", "upperBound": "2", "numPartitions": "2"},
     "should be numeric, date, or timestamp"),
])
def test_wrong_options_are_told(spark, shop, options, said):
    with pytest.raises(PySparkException, match=said):
        spark.read.format("jdbc").options(url=url(shop), **options).load().count()


def test_no_driver(spark):
    with pytest.raises(PySparkException, match="No suitable driver"):
        spark.read.jdbc("jdbc:oracle:thin:@//host/x", "t").count()


def test_passwords_are_not_shown(spark, shop):
    spark.sql(f"CREATE TABLE kept USING jdbc OPTIONS (url '{url(shop)}', dbtable 'orders', password 'hush-hush')")
    try:
        for statement in ["SHOW CREATE TABLE kept", "DESCRIBE EXTENDED kept", "EXPLAIN EXTENDED SELECT * FROM kept"]:
            text = str(spark.sql(statement).collect())
            assert "hush-hush" not in text and (str(shop) not in text or "EXPLAIN" in statement)
        assert spark.table("kept").count() == 1000
    finally:
        spark.sql("DROP TABLE kept")
    with pytest.raises(PySparkException) as caught:
        spark.sql("CREATE TEMP VIEW v USING jdbc OPTIONS (url 'jdbc:mysql://u:hush-hush@127.0.0.1:1/x',"
                  " dbtable 'a', password 'hush-hush')")
    assert "hush-hush" not in str(caught.value)
