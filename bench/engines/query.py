# SPDX-License-Identifier: Apache-2.0
"""query.py ENGINE DATA QUERY.SQL THREADS MEMORY|- TEMP OUT.JSON - one query over the Parquet files of DATA, run twice
(the first run is warm-up; with a memory limit once); prints the seconds of the faster and writes its rows."""
import datetime
import json
import os
import sys
import time


def bytes_of(memory):
    return int(memory[:-2]) << {"MB": 20, "GB": 30}[memory[-2:]]


def duckdb(tables, threads, memory, temp):
    import duckdb
    config = {"threads": threads, "temp_directory": temp}
    if memory != "-":
        config |= {"memory_limit": memory, "preserve_insertion_order": False}
    db = duckdb.connect(config=config)
    for name, path in tables:
        db.execute(f"CREATE VIEW {name} AS FROM '{path}'")
    return lambda sql: db.execute(sql).fetchall()


def datafusion(tables, threads, memory, temp):
    from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext
    runtime = RuntimeEnvBuilder().with_disk_manager_specified(temp)
    if memory != "-":
        runtime = runtime.with_fair_spill_pool(bytes_of(memory))
    config = SessionConfig().with_target_partitions(threads).set("datafusion.execution.parquet.pushdown_filters", "true")
    db = SessionContext(config, runtime)
    for name, path in tables:
        db.register_parquet(name, path)

    def rows(sql):
        batches = db.sql(sql).collect()
        return [row for b in batches for row in zip(*(c.to_pylist() for c in b.columns))]

    return rows


def polars(tables, threads, memory, temp):
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars
    db = polars.SQLContext({name: polars.scan_parquet(path) for name, path in tables})
    return lambda sql: db.execute(sql).collect(engine="streaming").rows()


def spark(tables, threads, memory, temp):
    from pyspark.sql import SparkSession
    builder = SparkSession.builder.master(f"local[{threads}]")
    for key, value in (("spark.ui.enabled", "false"), ("spark.ui.showConsoleProgress", "false"), ("spark.driver.memory", "8g"),
                       ("spark.local.dir", temp), ("spark.sql.shuffle.partitions", threads)):
        builder = builder.config(key, value)
    db = builder.getOrCreate()
    db.sparkContext.setLogLevel("OFF")
    for name, path in tables:
        db.read.parquet(path).createOrReplaceTempView(name)
    return lambda sql: [tuple(row) for row in db.sql(sql).collect()]


def plain(value):
    """As Chert's JSON has it, without the zone."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return value if value is None or isinstance(value, (int, float)) else str(value)


def main(engine, data, query, threads, memory, temp, out):
    tables = [(name[:-8], f"{data}/{name}") for name in sorted(os.listdir(data)) if name.endswith(".parquet")]
    run = globals()[engine](tables, int(threads), memory, temp)
    sql = open(query).read().rstrip().rstrip(";")
    best = float("inf")
    for _ in range(1 if memory != "-" else 2):
        start = time.perf_counter()
        rows = run(sql)
        best = min(best, time.perf_counter() - start)
    with open(out, "w") as f:
        json.dump([[plain(v) for v in row] for row in rows], f)
    print(f"{best:.6f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
