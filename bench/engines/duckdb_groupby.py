# SPDX-License-Identifier: Apache-2.0
"""duckdb_groupby.py KEYS.CSV OUT.CSV THREADS MEMORY TEMP - count and sum per string key."""
import sys

import duckdb

source, out, threads, memory, temp = sys.argv[1:]
db = duckdb.connect(config={"threads": int(threads), "memory_limit": memory, "temp_directory": temp,
                            "preserve_insertion_order": False})
db.sql(f"""
COPY (SELECT k, count(*) AS n, sum(v) AS s
      FROM read_csv('{source}', header = true, delim = ',', quote = '"', escape = '"', auto_detect = false,
                    columns = {{'k': 'VARCHAR', 'v': 'BIGINT'}})
      GROUP BY k)
TO '{out}' (HEADER)""")
