# SPDX-License-Identifier: Apache-2.0
"""part_wide.py - the part `wide` of bench/run.py: aggregates over one wide table of page views, in the manner of ClickBench.

The table (10 million rows, 30 columns, made once by DuckDB from hashes of the row number) has the shapes that hurt: user ids with
millions of values, skewed counters, long URLs and titles, search phrases that are mostly empty, flags, timestamps.

Environment: WIDE_ROWS (10000000), QUERIES ("1 2 ..").
"""
import os
import subprocess

import queries

MAKE = """
SET enable_progress_bar = false; SET threads = 2;
CREATE MACRO h(i, salt) AS hash(i * 1000003 + salt);
CREATE MACRO pick(i, salt, n) AS CAST(h(i, salt) % n AS BIGINT);
CREATE MACRO skewed(i, salt, n) AS CAST(floor(pow((h(i, salt) % 1000000) / 1e6, 4) * n) AS BIGINT);
CREATE MACRO word(n) AS ['river', 'stone', 'cloud', 'market', 'ticket', 'garden', 'winter', 'google', 'camera', 'phone', 'travel', 'music',
    'school', 'doctor', 'recipe', 'weather'][1 + CAST(n % 16 AS INT)];
CREATE MACRO capital(s) AS upper(s[1]) || s[2:];
COPY (SELECT i AS watch_id, CAST(h(skewed(i, 1, {users}), 2) >> 1 AS BIGINT) AS user_id, CAST(skewed(i, 3, 6000) AS INT) AS counter_id,
    CAST(skewed(i, 4, 5000) AS INT) AS region_id, TIMESTAMP '2025-07-01' + to_seconds(pick(i, 5, 2592000)) AS event_time,
    DATE '2025-07-01' + CAST(pick(i, 5, 2592000) // 86400 AS INT) AS event_date, CAST(pick(i, 6, 100) AS SMALLINT) AS os,
    CAST(skewed(i, 7, 90) AS SMALLINT) AS user_agent, CAST(pick(i, 8, 10) = 0 AS BOOLEAN) AS is_refresh,
    CAST(pick(i, 9, 20) = 0 AS BOOLEAN) AS is_mobile, CASE WHEN pick(i, 9, 20) = 0 THEN 'model ' || skewed(i, 10, 300) ELSE '' END AS mobile_model,
    CAST(CASE WHEN pick(i, 11, 100) < 3 THEN 1 + pick(i, 12, 60) ELSE 0 END AS SMALLINT) AS adv_engine_id,
    CAST(CASE WHEN pick(i, 13, 8) = 0 THEN 1 + pick(i, 14, 12) ELSE 0 END AS SMALLINT) AS search_engine_id,
    CASE WHEN pick(i, 13, 8) = 0 THEN word(h(skewed(i, 15, 500000), 16)) || ' ' || word(h(skewed(i, 15, 500000), 17)) || ' '
        || skewed(i, 15, 500000) ELSE '' END AS search_phrase,
    'https://' || word(h(skewed(i, 18, 2000000), 19)) || '.example/' || word(h(skewed(i, 18, 2000000), 20)) || '/item?id='
        || skewed(i, 18, 2000000) || '&from=' || word(h(i, 21)) AS url,
    CASE WHEN pick(i, 22, 5) = 0 THEN '' ELSE 'https://www.' || word(h(skewed(i, 23, 50000), 24)) || skewed(i, 23, 50000) % 997
        || '.example/' || skewed(i, 23, 50000) END AS referer,
    capital(word(h(skewed(i, 18, 2000000), 25))) || ' ' || word(h(skewed(i, 18, 2000000), 26)) || ' - page '
        || skewed(i, 18, 2000000) % 100000 AS title,
    CAST(800 + 160 * pick(i, 27, 14) AS SMALLINT) AS resolution_width, CAST(600 + 40 * pick(i, 28, 20) AS SMALLINT) AS resolution_height,
    CAST(pick(i, 29, 2000) AS INT) AS window_width, CAST(pick(i, 30, 1200) AS INT) AS window_height,
    CAST(pick(i, 31, 7) - 1 AS SMALLINT) AS traffic_source, CAST(skewed(i, 32, 2000000000) AS INT) AS client_ip,
    CAST(h(skewed(i, 18, 2000000), 33) >> 1 AS BIGINT) AS url_hash, CAST(h(skewed(i, 23, 50000), 34) >> 1 AS BIGINT) AS referer_hash,
    CAST(pick(i, 35, 86400) AS INT) AS client_seconds, CAST(pick(i, 36, 5000) AS INT) AS load_ms,
    CAST(pick(i, 37, 100000) / 100 AS DECIMAL(12,2)) AS price, (h(i, 38) % 1000000) / 1e6 AS score,
    CASE pick(i, 39, 40) WHEN 0 THEN NULL ELSE word(h(i, 40)) END AS campaign, CAST(pick(i, 41, 2) AS TINYINT) AS dont_count
    FROM range({rows}) t(i))
TO '{path}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 500000)
"""


def data_of(bench):
    rows = int(os.environ.get("WIDE_ROWS", 10_000_000))
    folder = os.path.join(bench.WORK, f"wide-{rows}")
    path = os.path.join(folder, "hits.parquet")
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        sql = MAKE.format(rows=rows, users=rows // 4, path=path + ".part")
        subprocess.run([bench.PY, "-c", "import sys, duckdb; duckdb.execute(sys.stdin.read())"], input=sql, text=True, check=True)
        os.rename(path + ".part", path)
    return folder


def main(bench):
    folder = os.path.join(bench.HERE, "wide")
    wanted = {int(q) for q in os.environ.get("QUERIES", "").split()}
    files = [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if not wanted or int(f[1:3]) in wanted]
    queries.compare(bench, "wide table, 10 M rows", data_of(bench), files, "-", [], None)
