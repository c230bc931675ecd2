# SPDX-License-Identifier: Apache-2.0
"""duckdb_sort.py LOCATION.CSV OUT.CSV THREADS MEMORY TEMP - all rows by latitude, then longitude, as text."""
import sys

import duckdb

source, out, threads, memory, temp = sys.argv[1:]
db = duckdb.connect(config={"threads": int(threads), "memory_limit": memory, "temp_directory": temp})
db.sql(f"""
COPY (SELECT *
      FROM read_csv('{source}', header = true, delim = ',', quote = '"', escape = '"', auto_detect = false,
                    columns = {{'lat': 'VARCHAR', 'long': 'VARCHAR', 'region_id': 'VARCHAR', 'date': 'VARCHAR'}})
      ORDER BY lat, long)
TO '{out}' (HEADER, FORCE_QUOTE *)""")
