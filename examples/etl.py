# SPDX-License-Identifier: Apache-2.0
"""etl.py - what the tables of a shop tell about its stock and its customers, from its database to S3, in PySpark.

    spark-submit --packages com.mysql:mysql-connector-j:9.5.0,org.apache.hadoop:hadoop-aws:3.4.2 \\
        etl.py [--jdbc URL | --tables DIR] [--output s3a://bucket] [--date YYYY-MM-DD]

Reads warehouses, products, inventory, customers, orders and order_items: of the database at the JDBC URL, else of the one that
MYSQL_HOST, MYSQL_PORT and MYSQL_DATABASE name, else of the SQLite file etl/shop.db; or of Parquet folders DIR/warehouses and so on.
Writes OUTPUT/business_insights/DATE/inventory_analytics and .../order_analytics, Parquet; what is there for the date is replaced.
Settings of the environment, or of .env: MYSQL_USER, MYSQL_PASSWORD, S3_BUCKET, S3_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY.
"""
import argparse
import datetime
import os

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import DoubleType

TABLES = ["warehouses", "products", "inventory", "customers", "orders", "order_items"]

INVENTORY = """
    WITH stock AS (
        SELECT *, try_divide(double(quantity), capacity) AS utilization_ratio, datediff(run_date, last_updated) AS days_since_update
        FROM inventory),
    sold AS (SELECT warehouse_id, sum(quantity) AS units_sold FROM order_items GROUP BY warehouse_id)
    SELECT inventory_id, warehouse_id, warehouse_name, city, country, product_id, product_name, category,
        stock.quantity, stock.capacity, last_updated, days_since_update, utilization_ratio,
        inventory_score(utilization_ratio, days_since_update) AS inventory_score,
        coalesce(utilization_ratio < 0.2, false) AS needs_restock,
        coalesce(utilization_ratio > 0.9, false) AS is_overstocked,
        stock.capacity * 0.5 AS suggested_level,
        try_divide(double(sum(stock.quantity) OVER w), sum(stock.capacity) OVER w) AS warehouse_utilization,
        try_divide(double(units_sold), sum(stock.quantity) OVER w) AS warehouse_turnover
    FROM stock
    LEFT JOIN warehouses USING (warehouse_id)
    LEFT JOIN products USING (product_id)
    LEFT JOIN sold USING (warehouse_id)
    WINDOW w AS (PARTITION BY warehouse_id)"""

ORDERS = """
    WITH habits AS (
        SELECT customer_id, count(*) AS total_orders, sum(total_amount) AS total_spent,
            avg(total_amount) AS average_order_value, mode(hour(order_date), true) AS peak_order_hour,
            double((unix_timestamp(max(order_date)) - unix_timestamp(min(order_date)))
                / (86400.0 * greatest(count(*) - 1, 1))) AS average_days_between_orders
        FROM orders WHERE customer_id IS NOT NULL GROUP BY customer_id)
    SELECT customer_id, customer_name, city, total_orders, total_spent, average_order_value,
        peak_order_hour, average_days_between_orders,
        CASE WHEN total_orders >= 20 AND total_spent >= 10000 THEN 'VIP'
            WHEN total_orders >= 20 THEN 'Loyal'
            WHEN total_spent >= 5000 THEN 'Big spender'
            WHEN total_orders >= 5 THEN 'Regular'
            ELSE 'Occasional' END AS segment
    FROM habits LEFT JOIN customers USING (customer_id)"""


@pandas_udf(DoubleType())
def inventory_score(ratio: pd.Series, days: pd.Series) -> pd.Series:
    """100 for a place that is half full and was counted today; NULL where one of the two is not known."""
    return ((1 - (ratio - 0.5).abs() * 2) * 100 - days * 2).clip(0, 100)


def read_settings():
    found = {}
    if os.path.exists(".env"):
        with open(".env", encoding="utf-8") as lines:
            for line in lines:
                name, equals, value = line.strip().removeprefix("export ").partition("=")
                if equals and not name.startswith("#"):
                    found[name.strip()] = value.strip().strip("\"'")
    return {**found, **os.environ}


def make_session(settings):
    builder = SparkSession.builder.appName("etl")
    s3 = {"access.key": "AWS_ACCESS_KEY_ID", "secret.key": "AWS_SECRET_ACCESS_KEY", "endpoint.region": "AWS_REGION", "endpoint": "S3_ENDPOINT"}
    for key, name in s3.items():
        if settings.get(name):
            builder = builder.config(f"spark.hadoop.fs.s3a.{key}", settings[name])
    if settings.get("S3_ENDPOINT"):
        builder = builder.config("spark.hadoop.fs.s3a.path.style.access", True)
    return builder.getOrCreate()


def make_views(spark, args, settings):
    url, options = args.jdbc or "jdbc:sqlite:etl/shop.db", {}
    if not args.jdbc and settings.get("MYSQL_HOST"):
        url = "jdbc:mysql://{}:{}/{}".format(settings["MYSQL_HOST"], settings.get("MYSQL_PORT", 3306), settings["MYSQL_DATABASE"])
    if url.startswith(("jdbc:mysql:", "jdbc:mariadb:")):
        options = {"zeroDateTimeBehavior": "CONVERT_TO_NULL"}  # a date that is all zeros is no date
        if url.startswith("jdbc:mysql:"):
            options["driver"] = "com.mysql.cj.jdbc.Driver"
        if settings.get("MYSQL_USER"):
            options.update(user=settings["MYSQL_USER"], password=settings.get("MYSQL_PASSWORD", ""))
    for table in TABLES:
        df = (spark.read.parquet(f"{args.tables}/{table}") if args.tables else
              spark.read.format("jdbc").options(url=url, dbtable=table, **options).load())
        df.createOrReplaceTempView(table)


def main():
    args = argparse.ArgumentParser(description="What the tables of a shop tell about its stock and its customers.")
    args.add_argument("--jdbc", metavar="URL", help="the database")
    args.add_argument("--tables", metavar="DIR", help="Parquet folders of the tables' names instead of a database")
    args.add_argument("--output", metavar="PATH", help="s3a://bucket or a folder (default: S3_BUCKET, else etl)")
    args.add_argument("--date", type=datetime.date.fromisoformat, default=datetime.date.today(), metavar="YYYY-MM-DD",
                      help="the day that the result is of (default: today)")
    args = args.parse_args()
    settings = read_settings()
    output = args.output or ("s3a://" + settings["S3_BUCKET"] if settings.get("S3_BUCKET") else "etl")

    spark = make_session(settings)
    spark.udf.register("inventory_score", inventory_score)
    spark.sql(f"DECLARE OR REPLACE VARIABLE run_date DATE DEFAULT DATE'{args.date}'")
    make_views(spark, args, settings)
    # Both are computed before anything is replaced: a database that goes away leaves the former result.
    stock, customers = spark.sql(INVENTORY).localCheckpoint(), spark.sql(ORDERS).localCheckpoint()
    folder = f"{output}/business_insights/{args.date}"
    stock.write.mode("overwrite").parquet(f"{folder}/inventory_analytics")
    customers.write.mode("overwrite").parquet(f"{folder}/order_analytics")
    spark.stop()


if __name__ == "__main__":
    main()
