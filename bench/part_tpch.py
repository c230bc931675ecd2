# SPDX-License-Identifier: Apache-2.0
"""part_tpch.py - the part `tpch` of bench/run.py: the 22 queries of bench/tpch over Parquet, beside DuckDB.

Data comes from tpchgen-cli (PyPI). Each query is a process per engine and round, engines taking turns; seconds are
those of the query alone, as each engine's own clock tells them (Chert: `--timing`), without start and CREATE VIEW. Answers are
compared before times: every value as DuckDB has it, decimals exactly; averages and ratios, which are DOUBLE in
DuckDB and DECIMAL in Spark and Chert, to the last digit that Chert gives.

Environment: TPCH_SF ("1 10"), TPCH_MEMORY ("64M" for SF 1, "512M" for SF 10, "-" for none only), QUERIES ("1 2 .. 22").
"""
import decimal
import json
import math
import os
import re
import statistics
import subprocess
import sys

TABLES = "region nation supplier customer part partsupp orders lineitem".split()
SMALL = {"1": "64M", "10": "512M"}


def data_of(bench, sf):
    """The folder of the Parquet files, made on first use."""
    folder = os.path.join(bench.WORK, f"tpch-{sf}")
    if all(os.path.exists(f"{folder}/{t}.parquet") for t in TABLES):
        return folder
    tool = os.path.join(os.path.dirname(sys.executable), "tpchgen-cli")
    if not os.path.exists(tool):
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "tpchgen-cli"], check=True)
    subprocess.run([tool, "parquet", "-s", sf, "-o", folder, "-q"], check=True)
    return folder


def views(folder):
    return "".join(f"CREATE TEMP VIEW {t} USING parquet OPTIONS (path '{folder}/{t}.parquet');\n" for t in TABLES)


class Answer:
    """One run of one engine: seconds of the query, processor seconds and peak MiB of the process, rows."""

    def __init__(self, run, seconds, rows):
        self.why, self.cpu, self.peak, self.wall, self.rows = run.why, run.cpu, run.peak, seconds, rows


def with_output(bench, argv):
    """Runs argv, standard output and error in files: (Run, output, errors)."""
    out, err = os.path.join(bench.TEMP, "out"), os.path.join(bench.TEMP, "err")
    line = " ".join(f"'{a}'" for a in argv) + f" >'{out}' 2>'{err}'"
    run = bench.Run(["/bin/sh", "-c", "exec " + line], limit=1200)
    text = open(err, errors="replace").read() if os.path.exists(err) else ""
    if run.why and text.strip():
        run.why = text.strip().split("\n")[0][:160]
    return run, open(out).read() if os.path.exists(out) else "", text


def chert(bench, folder, query, memory):
    script = os.path.join(bench.TEMP, "query.sql")
    with open(script, "w") as f:
        f.write(views(folder) + open(query).read())
    limit = [] if memory == "-" else ["--memory", memory]
    run, out, err = with_output(bench, [bench.CHERT, "sql", "--threads", str(bench.THREADS), *limit, "--timing", "--format", "json", "-f", script])
    seconds = re.findall(r"([0-9.]+) s\)", err)
    rows = [list(json.loads(line, parse_float=decimal.Decimal).values()) for line in out.splitlines() if line.startswith("{")]
    return Answer(run, float(seconds[-1]) if seconds else math.nan, rows)


def duckdb(bench, folder, query, memory):
    answer = os.path.join(bench.TEMP, "answer.json")
    bench.forget(answer)
    limit = memory if memory == "-" else memory + "B"
    run, out, _ = with_output(bench, [bench.PY, f"{bench.ENGINES}/duckdb_tpch.py", folder, query, str(bench.THREADS), limit, bench.TEMP, answer])
    rows = json.load(open(answer), parse_float=decimal.Decimal) if os.path.exists(answer) else []
    return Answer(run, float(out) if out.strip() else math.nan, rows)


def same_value(got, want):
    if got is None or want is None:
        return got is want
    try:
        a, b = decimal.Decimal(str(got)), decimal.Decimal(str(want))
    except decimal.InvalidOperation:
        return str(got) == str(want)
    if a == b:
        return True
    step = decimal.Decimal(1).scaleb(a.as_tuple().exponent)
    return isinstance(want, decimal.Decimal) and abs(a - b) <= max(step, abs(b) * decimal.Decimal("1e-12"))


def same(got, want):
    return len(got) == len(want) and all(len(g) == len(w) and all(map(same_value, g, w)) for g, w in zip(got, want))


def one_query(bench, folder, number, memory, rounds):
    query = os.path.join(bench.HERE, "tpch", f"q{number:02d}.sql")
    runs = bench.alternate({"chert": lambda: chert(bench, folder, query, memory), "duckdb": lambda: duckdb(bench, folder, query, memory)}, rounds)
    mine, theirs = runs["chert"], runs["duckdb"]
    if mine[-1].why:
        return (f"q{number:02d}", "failed", "", "", "", "", "", mine[-1].why), None
    if theirs[-1].why:
        return (f"q{number:02d}", f"{bench.median(mine):.3f}", "failed", "", "", "", "", theirs[-1].why), None
    a, b = bench.median(mine), bench.median(theirs)
    right = same(mine[-1].rows, theirs[-1].rows)
    row = (f"q{number:02d}", f"{a:.3f}", f"{b:.3f}", f"{a / b:.2f}", f"{bench.median(mine, 'cpu'):.2f}", f"{max(r.peak for r in mine):.0f}",
           f"{max(r.peak for r in theirs):.0f}", "" if right else "OTHER ANSWER")
    return row, a / b if right else None


def one_size(bench, sf, memory):
    folder = data_of(bench, sf)
    for t in TABLES:
        bench.warm(f"{folder}/{t}.parquet")
    name = f"TPC-H SF {sf}" + ("" if memory == "-" else f", {memory}")
    print(f"\n{name}: seconds of the query, medians")
    numbers = [int(q) for q in os.environ.get("QUERIES", " ".join(map(str, range(1, 23)))).split()]
    rows, ratios = [("", "chert s", "duckdb s", "ratio", "chert cpu s", "chert MiB", "duckdb MiB", "")], []
    for number in numbers:
        row, ratio = one_query(bench, folder, number, memory, min(bench.ROUNDS, 3))
        rows.append(row)
        ratios.append(ratio)
    bench.table(rows)
    good = [r for r in ratios if r is not None]
    if not good:
        bench.missing(name, "<= DuckDB's time", "no query ran")
        return
    mean, worst = math.exp(statistics.fmean(map(math.log, good))), max(good)
    print(f"  geometric mean of {len(good)} ratios {mean:.2f}, worst {worst:.2f}")
    bench.verdict(name, "all right, geometric mean <= 1, worst <= 2", f"{len(good)} of {len(numbers)}, {mean:.2f}, {worst:.2f}",
                  len(good) == len(numbers) and mean <= 1 and worst <= 2)


def main(bench):
    for sf in os.environ.get("TPCH_SF", "1 10").split():
        one_size(bench, sf, "-")
        small = os.environ.get("TPCH_MEMORY", SMALL.get(sf, "-"))
        if small != "-":
            one_size(bench, sf, small)
