# SPDX-License-Identifier: Apache-2.0
"""duckdb_neo.py FOLDER OBJECTS THREADS OUT.PARQUET - examples/neo_aggregate.py in DuckDB, with its JSON functions.

from_json with only the two fields that are used, in one pass: json_transform and json_extract_string with a path for each field take as
long, a pass of its own for the objects takes 15 % more.
"""
import sys

import duckdb

folder, objects, threads, out = sys.argv[1:]
db = duckdb.connect(config={"threads": int(threads)})
db.sql("SET enable_progress_bar = false")
db.execute(f"""
CREATE VIEW neo AS SELECT is_potentially_hazardous_asteroid, close_approach_data
    FROM read_parquet('{folder}/raw/*/*.parquet', hive_partitioning = true)
    WHERE CAST(split_part("batch-number", '-', 1) AS BIGINT) <= {objects} AND CAST(split_part("batch-number", '-', 2) AS BIGINT) >= 1""")
db.execute(f"""
COPY (
    WITH lists AS (
        SELECT is_potentially_hazardous_asteroid AS hazardous, close_approach_data IS NOT NULL AND close_approach_data <> '[]' AS approached,
               from_json(close_approach_data, '[{{"close_approach_date": "VARCHAR", "miss_distance": {{"astronomical": "VARCHAR"}}}}]') AS list
        FROM neo),
    spread AS (
        SELECT hazardous, approached, unnest(CASE WHEN len(list) > 0 THEN list ELSE [NULL] END) AS a,
               unnest(CASE WHEN len(list) > 0 THEN range(1, len(list) + 1) ELSE [1] END) AS i FROM lists),
    approach AS (
        SELECT hazardous, approached, i = 1 AS is_first, CAST(a.miss_distance.astronomical AS DOUBLE) < 0.2 AS is_near,
               a.close_approach_date AS day FROM spread),
    found AS MATERIALIZED (
        SELECT is_near, CASE WHEN is_near THEN year(CAST(day AS DATE)) END AS year, count(*) AS n, count_if(is_first) AS objects,
               count_if(is_first AND hazardous) AS hazardous, count_if(is_first AND approached) AS approached FROM approach GROUP BY 1, 2)
    SELECT metric, CAST(value AS BIGINT) AS value FROM (
        SELECT 'total_neos' AS metric, coalesce(sum(objects), 0) AS value FROM found
        UNION ALL SELECT 'hazardous_asteroids', coalesce(sum(hazardous), 0) FROM found
        UNION ALL SELECT 'neos_with_close_approach_data', coalesce(sum(approached), 0) FROM found
        UNION ALL SELECT 'close_approaches_under_02_au', coalesce(sum(n) FILTER (is_near), 0) FROM found
        UNION ALL SELECT 'close_approaches_year_' || year, n FROM found WHERE is_near)
) TO '{out}' (FORMAT parquet)""")
