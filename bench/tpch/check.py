# SPDX-License-Identifier: Apache-2.0
"""check.py - the 22 queries of TPC-H by Chert and by DuckDB: are the rows the same?

  pip install duckdb tpchgen-cli
  tpchgen-cli csv -s 0.01 --output-dir DATA
  python bench/tpch/check.py build/chert DATA [QUERY ...]

Prints a line per query. Averages of decimals have six digits more than their argument in Spark, and so here:
numbers are compared to six digits.
"""
import csv
import io
import math
import os
import subprocess
import sys
import tempfile
import time

import duckdb

MONEY = "DECIMAL(15,2)"
TABLES = {
    "lineitem": "l_orderkey BIGINT|l_partkey BIGINT|l_suppkey BIGINT|l_linenumber INT|l_quantity $|l_extendedprice $|"
    "l_discount $|l_tax $|l_returnflag STRING|l_linestatus STRING|l_shipdate DATE|l_commitdate DATE|"
    "l_receiptdate DATE|l_shipinstruct STRING|l_shipmode STRING|l_comment STRING",
    "orders": "o_orderkey BIGINT|o_custkey BIGINT|o_orderstatus STRING|o_totalprice $|o_orderdate DATE|"
    "o_orderpriority STRING|o_clerk STRING|o_shippriority INT|o_comment STRING",
    "customer": "c_custkey BIGINT|c_name STRING|c_address STRING|c_nationkey INT|c_phone STRING|c_acctbal $|"
    "c_mktsegment STRING|c_comment STRING",
    "part": "p_partkey BIGINT|p_name STRING|p_mfgr STRING|p_brand STRING|p_type STRING|p_size INT|"
    "p_container STRING|p_retailprice $|p_comment STRING",
    "partsupp": "ps_partkey BIGINT|ps_suppkey BIGINT|ps_availqty INT|ps_supplycost $|ps_comment STRING",
    "supplier": "s_suppkey BIGINT|s_name STRING|s_address STRING|s_nationkey INT|s_phone STRING|s_acctbal $|"
    "s_comment STRING",
    "nation": "n_nationkey INT|n_name STRING|n_regionkey INT|n_comment STRING",
    "region": "r_regionkey INT|r_name STRING|r_comment STRING",
}


def value(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None if text in (None, "") else str(text)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6)
    return a == b


def same_rows(got, want):
    return len(got) == len(want) and all(
        len(a) == len(b) and all(map(same, a, b)) for a, b in zip(got, want))


def main():
    chert, data, wanted = sys.argv[1], os.path.abspath(sys.argv[2]), [int(q) for q in sys.argv[3:]]
    duck, views = duckdb.connect(), ""
    for table, text in TABLES.items():
        columns = [c.replace("$", MONEY).split() for c in text.split("|")]
        path = f"{data}/{table}.csv"
        spec = ", ".join(f"'{n}': '{t.replace('STRING', 'VARCHAR')}'" for n, t in columns)
        duck.execute(f"CREATE VIEW {table} AS FROM read_csv('{path}', header = true, columns = {{{spec}}})")
        views += f"CREATE TEMP VIEW {table} ({', '.join(map(' '.join, columns))}) USING csv " \
                 f"OPTIONS (path '{path}', header 'true');\n"
    failed = 0
    for q in wanted or range(1, 23):
        with open(os.path.join(os.path.dirname(__file__), f"q{q:02d}.sql")) as f:
            sql = f.read()
        want = [[value(v) for v in row] for row in duck.execute(sql).fetchall()]
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as f:
            f.write(views + sql)
            f.flush()
            start = time.time()
            run = subprocess.run([chert, "sql", "-f", f.name, "--format", "csv"], capture_output=True, text=True)
            seconds = time.time() - start
        rows = [[value(v) for v in row] or [None] for row in csv.reader(io.StringIO(run.stdout))][1:]
        ok = run.returncode == 0 and same_rows(rows, want)
        failed += not ok
        print(f"q{q:02d} {'ok' if ok else 'DIFFERS'} {len(rows)} rows {seconds:.2f} s {run.stderr[:300]}".rstrip())
        if not ok:
            for a, b in list(zip(rows, want))[:3]:
                print("   chert ", a, "\n   duckdb", b)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
