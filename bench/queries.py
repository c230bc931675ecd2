# SPDX-License-Identifier: Apache-2.0
"""queries.py - what the parts tpch and wide of bench/run.py share: SQL files over a folder of Parquet, by Chert, DuckDB and others.

Each query is a process per engine and round, engines taking turns; seconds are those of the query alone, as each
engine's own clock tells them (Chert: `--timing`), without start and CREATE VIEW. Answers are compared with DuckDB's before
times: every value, decimals exactly; averages and ratios, which are DOUBLE in DuckDB and DECIMAL in Spark and Chert, to the
last digit that Chert gives.
"""
import decimal
import json
import math
import os
import re
import statistics


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
        run.why = text.strip().split("\n")[-1 if "Traceback" in text else 0][:160]
    return run, open(out).read() if os.path.exists(out) else "", text


def runs_of(memory):
    """How often an engine runs a query in its process, as engines/query.py does: twice, the first to warm up."""
    return 1 if memory != "-" else 2


def chert(bench, folder, query, memory):
    script = os.path.join(bench.TEMP, "query.sql")
    with open(script, "w") as f:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".parquet"):
                f.write(f"CREATE TEMP VIEW {name[:-8]} USING parquet OPTIONS (path '{folder}/{name}');\n")
        f.write(open(query).read() * runs_of(memory))
    limit = [] if memory == "-" else ["--memory", memory]
    run, out, err = with_output(bench, [bench.CHERT, "sql", "--threads", str(bench.THREADS), *limit, "--timing", "--format", "json", "-f", script])
    seconds = re.findall(r"([0-9.]+) s\)", err)
    rows = [list(json.loads(line, parse_float=decimal.Decimal).values()) for line in out.splitlines() if line.startswith("{")]
    best = min(map(float, seconds[-runs_of(memory):]), default=math.nan)
    return Answer(run, best, rows[:len(rows) // runs_of(memory)])


def other(bench, engine, folder, query, memory):
    answer = os.path.join(bench.TEMP, "answer.json")
    bench.forget(answer)
    limit = memory if memory == "-" else memory + "B"
    run, out, _ = with_output(bench, [bench.PY, f"{bench.ENGINES}/query.py", engine, folder, query, str(bench.THREADS), limit, bench.TEMP, answer])
    rows = json.load(open(answer), parse_float=decimal.Decimal) if os.path.exists(answer) else []
    return Answer(run, float(out.split()[-1]) if out.strip() else math.nan, rows)


def same_value(got, want):
    if got is None or want is None:
        return got is want
    try:
        a, b = decimal.Decimal(str(got)), decimal.Decimal(str(want))
    except decimal.InvalidOperation:
        return str(want) in (str(got), str(got).removesuffix("Z"))  # a timestamp without its zone
    if a == b:
        return True
    step = decimal.Decimal(1).scaleb(a.as_tuple().exponent)
    return isinstance(want, decimal.Decimal) and abs(a - b) <= max(step, abs(b) * decimal.Decimal("1e-12"))


def same(got, want):
    return len(got) == len(want) and all(len(g) == len(w) and all(map(same_value, g, w)) for g, w in zip(got, want))


def one_query(bench, folder, query, memory, engines):
    """The row of the table, and the seconds of each engine that answered ({} if Chert's answer is not DuckDB's)."""
    start = {"chert": lambda: chert(bench, folder, query, memory)}
    for name in engines:
        start[name] = lambda name=name: other(bench, name, folder, query, memory)
    slow = {n: start.pop(n) for n in list(start) if n == "spark"}
    runs = bench.alternate(start, min(bench.ROUNDS, 3)) | bench.alternate(slow, 1)
    name = os.path.splitext(os.path.basename(query))[0]
    seconds = {n: bench.median(r) for n, r in runs.items() if not r[-1].why}
    row = [name] + [f"{seconds[n]:.3f}" if n in seconds else "failed" for n in runs]
    row += [f"{seconds['chert'] / seconds['duckdb']:.2f}" if {"chert", "duckdb"} <= seconds.keys() else "",
            f"{bench.median(runs['chert'], 'cpu'):.2f}", f"{max(r.peak for r in runs['chert']):.0f}", f"{max(r.peak for r in runs['duckdb']):.0f}"]
    notes = [f"{n}: {r[-1].why}" for n, r in runs.items() if r[-1].why]
    right = {n for n in seconds if "duckdb" in seconds and same(runs[n][-1].rows, runs["duckdb"][-1].rows)}
    if "duckdb" in seconds and "chert" in seconds and "chert" not in right:
        notes.append("OTHER ANSWER")
        seconds.pop("chert")
    return row + ["; ".join(notes)[:90]], seconds


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def compare(bench, title, folder, queries, memory, others, worst_allowed):
    """One table over all queries, then its verdicts: Chert at or below DuckDB, ahead of the others."""
    engines = ["duckdb", *others]
    for name in os.listdir(folder):
        bench.warm(f"{folder}/{name}")
    print(f"\n{title}: seconds of the query, medians")
    rows = [("", "chert s", *(f"{n} s" for n in engines), "ratio", "chert cpu s", "chert MiB", "duckdb MiB", "")]
    found = []
    for query in queries:
        row, seconds = one_query(bench, folder, query, memory, engines)
        rows.append(row)
        found.append(seconds)
    bench.table(rows)
    for name in engines:
        both = [s["chert"] / s[name] for s in found if "chert" in s and name in s]
        if not both:
            bench.missing(f"{title}, {name}", "", "no query ran in both")
            continue
        mean, worst = geometric_mean(both), max(both)
        answered = sum("chert" in s for s in found)
        print(f"  {name}: geometric mean of {len(both)} ratios chert : {name} {mean:.3f}, worst {worst:.2f}")
        if name == "duckdb":
            limit = f", worst <= {worst_allowed}" if worst_allowed else ""
            bench.verdict(f"{title}, {name}", f"all right, geometric mean <= 1{limit}", f"{answered} of {len(queries)}, {mean:.2f}, {worst:.2f}",
                          answered == len(queries) and mean <= 1 and (not worst_allowed or worst <= worst_allowed))
        else:
            times = 13 if name == "spark" else 1
            bench.verdict(f"{title}, {name}", f"> {times} x faster", f"{1 / mean:.1f} x over {len(both)}", 1 / mean > times)
    return found
