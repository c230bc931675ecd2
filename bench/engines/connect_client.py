# SPDX-License-Identifier: Apache-2.0
"""connect_client.py REMOTE TASK [ARG]: what a PySpark client waits for; prints seconds as JSON.

  small        select 1 and range(1).count(), 200 times each; the medians
  arrow ROWS   four BIGINT columns of so many rows, by toArrow(); bytes and seconds
  tpch FOLDER  the queries of bench/tpch over the Parquet files of FOLDER, three times each; the least of each
"""
import glob
import json
import os
import statistics
import sys
import time

from pyspark.sql import SparkSession

TABLES = "customer lineitem nation orders part partsupp region supplier".split()


def clock(action):
    begin = time.perf_counter()
    result = action()
    return time.perf_counter() - begin, result


def main():
    remote, task = sys.argv[1:3]
    spark = SparkSession.builder.remote(remote).getOrCreate()
    found = {}
    if task == "small":
        for name, action in (("select 1", lambda: spark.sql("select 1").collect()), ("range count", lambda: spark.range(1).count())):
            for _ in range(20):
                action()
            found[name] = statistics.median(clock(action)[0] for _ in range(200))
    elif task == "arrow":
        df = spark.range(int(sys.argv[3])).selectExpr("id", "id * 3 AS a", "id + 7 AS b", "id % 1000 AS c")
        seconds, table = clock(df.toArrow)
        found = {"seconds": seconds, "bytes": table.nbytes, "rows": table.num_rows}
    elif task == "tpch":
        folder = sys.argv[3]
        for name in TABLES:
            spark.read.parquet(f"{folder}/{name}.parquet").createOrReplaceTempView(name)
        for path in sorted(glob.glob(os.path.join(os.path.dirname(__file__), "../tpch/q*.sql"))):
            text = open(path).read().strip().rstrip(";")
            found[os.path.basename(path)[:3]] = min(clock(lambda text=text: spark.sql(text).collect())[0] for _ in range(3))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
