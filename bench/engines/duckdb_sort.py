# SPDX-License-Identifier: Apache-2.0
"""duckdb_sort.py LOCATION.CSV OUT.CSV THREADS MEMORY TEMP - all rows by latitude, then longitude, as text.

With two threads DuckDB 2.0 runs out of 256 MB here ("failed to pin block"), with or without preserve_insertion_order
and with smaller read buffers; with one thread it finishes. So THREADS is not followed: one thread is its best setting.
"""
import sys

import duckdb

source, out, threads, memory, temp = sys.argv[1:]
db = duckdb.connect(config={"threads": 1, "memory_limit": memory, "temp_directory": temp,
                            "preserve_insertion_order": False})
db.sql(f"""
COPY (SELECT *
      FROM read_csv('{source}', header = true, delim = ',', quote = '"', escape = '"', auto_detect = false,
                    columns = {{'lat': 'VARCHAR', 'long': 'VARCHAR', 'region_id': 'VARCHAR', 'date': 'VARCHAR'}})
      ORDER BY lat, long)
TO '{out}' (HEADER, FORCE_QUOTE *)""")
