# SPDX-License-Identifier: Apache-2.0
"""part_tpch.py - the part `tpch` of bench/run.py: the 22 queries of bench/tpch over Parquet, beside DuckDB and others.

Data comes from tpchgen-cli (PyPI). Without QUERIES also: lineitem of SF 1
read whole, and written.

Environment: TPCH_SF ("1 10"), TPCH_MEMORY ("64M" for SF 1, "512M" for SF 10, "-" for none only), QUERIES ("1 2 .. 22"),
OTHERS ("datafusion polars spark").
"""
import os
import subprocess
import sys

import queries

TABLES = "region nation supplier customer part partsupp orders lineitem".split()
SMALL = {"1": "64M", "10": "512M"}


def data_of(bench, sf):
    """The folder of the Parquet files, made on first use."""
    folder = os.path.join(bench.WORK, f"tpch-{sf}")
    if all(os.path.exists(f"{folder}/{t}.parquet") for t in TABLES):
        return folder
    tool = os.path.join(os.path.dirname(sys.executable), "tpchgen-cli")
    if not os.path.exists(tool):
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "tpchgen-cli", "datafusion"], check=True)
    subprocess.run([tool, "parquet", "-s", sf, "-o", folder, "-q"], check=True)
    return folder


def lineitem(bench, sf):
    """Every value of lineitem read, and all of it written once more: whole processes, Chert and DuckDB in turns."""
    source = os.path.join(data_of(bench, sf), "lineitem.parquet")
    view = f"CREATE TEMP VIEW lineitem USING parquet OPTIONS (path '{source}')"
    columns = ("l_orderkey l_partkey l_suppkey l_linenumber l_quantity l_extendedprice l_discount l_tax l_returnflag l_linestatus "
               "l_shipdate l_commitdate l_receiptdate l_shipinstruct l_shipmode l_comment").split()
    # Without such a condition DuckDB would answer from the footer.
    scan = "SELECT " + ", ".join(f"max({c})" for c in columns) + " FROM lineitem WHERE l_linenumber + l_suppkey <> 1000"
    outs = {"chert": os.path.join(bench.TEMP, "lineitem_chert"), "duckdb": os.path.join(bench.TEMP, "lineitem_duckdb.parquet")}

    def mine(sql):
        return bench.Run([bench.CHERT, "sql", "--threads", str(bench.THREADS), "-e", f"{view}; {sql}"])

    def theirs(sql):
        setup = f"import duckdb; db = duckdb.connect(config={{'threads': {bench.THREADS}}}); db.sql('SET enable_progress_bar = false')"
        return bench.Run([bench.PY, "-c", f"{setup}; db.sql(\"CREATE VIEW lineitem AS FROM '{source}'\"); db.execute(\"{sql}\").fetchall()"])

    size = os.path.getsize(source)
    for what, chert_sql, duckdb_sql in (
            ("full scan", scan, scan),
            ("writing", f"INSERT OVERWRITE DIRECTORY '{outs['chert']}' USING parquet SELECT * FROM lineitem",
             f"COPY lineitem TO '{outs['duckdb']}' (FORMAT parquet)")):
        print(f"\nlineitem SF {sf}, {what}: {size / 2**20:.0f} MiB of Parquet")
        runs = bench.alternate({"chert": lambda: mine(chert_sql), "duckdb": lambda: theirs(duckdb_sql)}, bench.ROUNDS)
        chert = bench.report(runs, size)
        if chert and not runs["duckdb"][-1].why:
            ratio = chert / bench.median(runs["duckdb"])
            bench.verdict(f"lineitem SF {sf}, {what}", "<= DuckDB's time", f"{ratio:.2f} x", ratio <= 1)
    sizes = {n: sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(p) for f in fs) if os.path.isdir(p) else os.path.getsize(p)
             for n, p in outs.items()}
    ratio = sizes["chert"] / sizes["duckdb"]
    print(f"  written: chert {sizes['chert'] / 2**20:.1f} MiB, duckdb {sizes['duckdb'] / 2**20:.1f} MiB")
    bench.verdict(f"lineitem SF {sf}, size", "within 10 % of DuckDB's", f"{ratio:.3f} x", 0.9 <= ratio <= 1.1)
    for path in outs.values():
        bench.forget(path)


def total(found):
    return sum(s["chert"] for s in found) if all("chert" in s for s in found) else None


def main(bench):
    numbers = [int(q) for q in os.environ.get("QUERIES", " ".join(map(str, range(1, 23)))).split()]
    files = [os.path.join(bench.HERE, "tpch", f"q{n:02d}.sql") for n in numbers]
    others = os.environ.get("OTHERS", "datafusion polars spark").split()
    totals = {}
    for sf in os.environ.get("TPCH_SF", "1 10").split():
        folder = data_of(bench, sf)
        totals[sf] = total(queries.compare(bench, f"TPC-H SF {sf}", folder, files, "-", others, 2))
        small = os.environ.get("TPCH_MEMORY", SMALL.get(sf, "-"))
        if small != "-":
            queries.compare(bench, f"TPC-H SF {sf}, {small}", folder, files, small, [n for n in others if n == "datafusion"], None)
    if not os.environ.get("QUERIES"):
        lineitem(bench, "1")
    if totals.get("1") and totals.get("10"):
        ratio = totals["10"] / totals["1"]
        bench.verdict("TPC-H, SF 10 : SF 1", "<= 11 x", f"{ratio:.1f} x", ratio <= 11)
