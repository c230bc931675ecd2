# SPDX-License-Identifier: Apache-2.0
"""record_etl.py - what a generated shop's stock and customers come to, according to Spark (examples/etl.py).

  oracle record_etl [--check]        writes tests/data/etl/*.csv, or compares with them

Spark has no driver for SQLite: the tables are copied to Parquet first, and NULLs, zeros and odd numbers are put among them
(tests/data/etl/odd.sql).
"""
import os
import subprocess
import sys
import tempfile

import pyspark

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DATA = f"{ROOT}/tests/data/etl"
CHERT = os.environ.get("CHERT", f"{ROOT}/build/chert")
DATE = "2026-01-31"
TABLES = ["warehouses", "products", "inventory", "customers", "orders", "order_items"]
RESULTS = {"inventory_analytics": "inventory_id", "order_analytics": "customer_id"}


def chert(*args):
    return subprocess.run([CHERT, *args], check=True, capture_output=True, text=True, env={**os.environ, "TZ": "UTC"}).stdout


def main():
    home = os.path.dirname(pyspark.__file__)
    same = True
    with tempfile.TemporaryDirectory(prefix="chert-etl-") as tmp:
        chert("generate", "etl", "-n", "2000", "--date", DATE, tmp)
        url = f"jdbc:sqlite:{tmp}/shop.db"
        subprocess.run([CHERT, "sql", "-f", f"{DATA}/odd.sql"], check=True, cwd=tmp, env={**os.environ, "TZ": "UTC"})
        for table in TABLES:
            chert("sql", "-e", f"CREATE TEMP VIEW t USING jdbc OPTIONS (url '{url}', dbtable '{table}'); "
                  f"INSERT OVERWRITE DIRECTORY '{tmp}/{table}' USING parquet SELECT * FROM t")
        subprocess.run([f"{home}/bin/spark-submit", "--master", "local[2]", "--conf", "spark.ui.enabled=false",
                        "--conf", "spark.sql.session.timeZone=UTC", f"{ROOT}/examples/etl.py", "--tables", tmp, "--output", tmp, "--date", DATE],
                       env={**os.environ, "SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable, "TZ": "UTC"}, check=True)
        for name, key in RESULTS.items():
            text = chert("sql", "--format", "csv", "-e", f"SELECT * FROM parquet.`{tmp}/business_insights/{DATE}/{name}` ORDER BY {key}")
            path = f"{DATA}/{name}.csv"
            if "--check" in sys.argv:
                with open(path, encoding="utf-8") as recorded:
                    same = recorded.read() == text and same
            else:
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text)
    if "--check" in sys.argv:
        print("the same" if same else "DIFFERS")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
