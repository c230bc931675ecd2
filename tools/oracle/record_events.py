# SPDX-License-Identifier: Apache-2.0
"""record_events.py - what the event counter must answer on small inputs, according to DuckDB, Polars and Spark.

  oracle record_events [--check]

tests/data/events      1 MiB made by the generator with seed 42: all three must agree
tests/data/events_odd  region.csv and location.csv as they are there: Spark alone says what bad rows count
"""
import csv
import os
import shutil
import subprocess
import sys
import tempfile

import pyspark

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DATA = os.path.join(ROOT, "tests", "data")


def spark(folder):
    home = os.path.dirname(pyspark.__file__)
    subprocess.run([f"{home}/bin/spark-submit", "--master", "local[2]", "--conf", "spark.ui.enabled=false",
                    "--conf", "spark.sql.shuffle.partitions=2", f"{ROOT}/examples/events.py", folder],
                   env={**os.environ, "SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable}, check=True, capture_output=True)
    return f"{folder}/result.csv"


def other(name, folder):
    subprocess.run([sys.executable, f"{ROOT}/bench/engines/{name}_events.py", folder, "2"], check=True)
    return f"{folder}/result_{name}.csv"


def counts(path):
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f))
    assert rows[0] == ["region_name", "date", "count"], rows[0]
    return rows[1:]


def text(rows):
    quoted = lambda r: ",".join('"' + v.replace('"', '""') + '"' for v in r) + "\n"
    return quoted(["region_name", "date", "count"]) + "".join(sorted((quoted(r) for r in rows), key=str.encode))


def main():
    bad = 0
    with tempfile.TemporaryDirectory(prefix="chert-events-") as tmp:
        plain, odd = f"{tmp}/plain", f"{tmp}/odd"
        subprocess.run([f"{ROOT}/build/bench/generate_events", plain, str(1 << 20), "42"], check=True)
        shutil.copytree(f"{DATA}/events_odd", odd)
        found = {"spark": counts(spark(plain)), "duckdb": counts(other("duckdb", plain)), "polars": counts(other("polars", plain))}
        if len({text(r) for r in found.values()}) != 1:
            print("DuckDB, Polars and Spark do not agree")
            return 1
        for name, rows in (("events", found["spark"]), ("events_odd", counts(spark(odd)))):
            path = f"{DATA}/{name}/counts.csv"
            if "--check" in sys.argv:
                if open(path, encoding="utf-8").read() != text(rows):
                    print(f"{path} differs")
                    bad = 1
            else:
                open(path, "w", encoding="utf-8").write(text(rows))
            print(f"{name}: {len(rows)} counts, spark {pyspark.__version__}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
