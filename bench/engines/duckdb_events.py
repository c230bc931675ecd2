# SPDX-License-Identifier: Apache-2.0
"""duckdb_events.py FOLDER THREADS - the event counter in DuckDB.

Counting before the join, explicit columns and no auto detection were the fastest of the variants in docs/bench.md.
"""
import sys

import duckdb

folder, threads = sys.argv[1:]
db = duckdb.connect(config={"threads": int(threads)})
db.sql(f"""
COPY (SELECT region_name, date, n AS count
      FROM (SELECT region_id, date, count(*) AS n
            FROM read_csv('{folder}/location.csv', header = true, delim = ',', quote = '"', escape = '"', auto_detect = false,
                          columns = {{'lat': 'VARCHAR', 'long': 'VARCHAR', 'region_id': 'VARCHAR', 'date': 'VARCHAR'}})
            GROUP BY ALL)
      JOIN read_csv('{folder}/region.csv', header = true, all_varchar = true) USING (region_id))
TO '{folder}/result_duckdb.csv' (HEADER, FORCE_QUOTE *)""")
