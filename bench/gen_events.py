# SPDX-License-Identifier: Apache-2.0
"""gen_events.py BYTES FOLDER - region.csv and location.csv of the shape `chert generate events` writes (stand-in until it exists)."""
import os
import sys

import duckdb

want, folder = int(sys.argv[1]), sys.argv[2]
os.makedirs(folder, exist_ok=True)
db = duckdb.connect()
db.sql(f"""COPY (SELECT i AS region_id, 'Region ' || i AS region_name FROM range(1, 54) t(i))
           TO '{folder}/region.csv' (HEADER, FORCE_QUOTE *)""")
rows = want // 58
db.sql(f"""COPY (SELECT -46.56069 + 11.33393 * random() AS lat, 166.4 + 12.66 * random() AS long,
                        (1 + floor(53 * random()))::INT AS region_id, (DATE '2019-01-17' + (floor(8 * random()))::INT)::VARCHAR AS date
                 FROM range({rows}))
           TO '{folder}/location.csv' (HEADER, FORCE_QUOTE *)""")
