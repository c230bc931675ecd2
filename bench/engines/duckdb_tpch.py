# SPDX-License-Identifier: Apache-2.0
"""duckdb_tpch.py DATA QUERY.SQL THREADS MEMORY|- TEMP OUT.JSON - one query over Parquet files, run twice (the first
run is warm-up); prints the seconds of the second and writes its rows."""
import json
import os
import sys
import time

import duckdb

data, query, threads, memory, temp, out = sys.argv[1:]
config = {"threads": int(threads), "temp_directory": temp}
if memory != "-":
    config |= {"memory_limit": memory, "preserve_insertion_order": False}
db = duckdb.connect(config=config)
for name in sorted(os.listdir(data)):
    if name.endswith(".parquet"):
        db.execute(f"CREATE VIEW {name[:-8]} AS FROM '{data}/{name}'")
sql = open(query).read().rstrip().rstrip(";")
best = float("inf")
for _ in range(1 if memory != "-" else 2):
    start = time.perf_counter()
    rows = db.execute(sql).fetchall()
    best = min(best, time.perf_counter() - start)
with open(out, "w") as f:
    json.dump([[None if v is None else v if isinstance(v, (int, float)) else str(v) for v in row] for row in rows], f)
print(f"{best:.6f}")
