# SPDX-License-Identifier: Apache-2.0
"""run.py - measure Chert beside DuckDB, Polars, Spark and a bare scan, on this machine, in one run.

  make bench [B="counter startup"]      parts: counter memory startup groupby sort threads tpch wide neo connect etl
                                        (default: all)

Engines take turns, input is in the page cache, every run is a whole process from start to exit. Printed are medians, the
ratio to Chert, and for each goal what was asked and what was reached. Results are compared before times are believed.

Environment: CHERT_CACHE (~/.cache/chert: input, results and spill files go to bench/ in it; about 21 GB for all parts),
ROUNDS (5), GIB (1: size of the counter's input), SORT_GIB (4), KEYS (10000000), CHERT (build/chert).
"""
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time

import part_connect
import part_etl
import part_neo
import part_tpch
import part_wide

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
CHERT = os.environ.get("CHERT", os.path.join(ROOT, "build", "chert"))
WORK = os.path.join(os.environ.get("CHERT_CACHE", os.path.expanduser("~/.cache/chert")), "bench")
ROUNDS = int(os.environ.get("ROUNDS", 5))
GIB = float(os.environ.get("GIB", 1))
SORT_GIB = float(os.environ.get("SORT_GIB", 4))
KEYS = int(os.environ.get("KEYS", 10_000_000))
CORES = os.cpu_count()
THREADS = 2
ENGINES = os.path.join(HERE, "engines")
PY = sys.executable
TOOLS = os.path.join(ROOT, "build", "bench")
TEMP = os.path.join(WORK, "temp")
verdicts = []


# -- running and measuring -------------------------------------------------------------------------------------------

def forget(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


class Run:
    """One process: wall and processor seconds, peak MiB, why it failed (None if it did not)."""

    def __init__(self, argv, env=None, limit=3600):
        report = os.path.join(WORK, "report")
        with open(os.path.join(WORK, "stderr"), "w+b") as err:
            forget(report)
            child = subprocess.Popen([f"{TOOLS}/measure", report, *argv], stdout=subprocess.DEVNULL, stderr=err, env=env,
                                     start_new_session=True)
            try:
                child.wait(limit)
            except subprocess.TimeoutExpired:
                pass
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
            err.seek(0)
            tail = err.read().decode(errors="replace").strip().split("\n")
        self.wall, self.cpu, self.peak, self.why = float("nan"), float("nan"), float("nan"), f"no end in {limit} s"
        if os.path.exists(report):
            wall, user, system, peak, status = open(report).read().split()
            self.wall, self.cpu, self.peak = float(wall), float(user) + float(system), float(peak) / 1024
            self.why = None if status == "0" else f"exit {status}: {next((t for t in tail if 'Error' in t), tail[-1])[:160]}"


def alternate(engines, rounds):
    """{name: [Run]}: every engine once per round; one that fails is not asked again."""
    runs = {name: [] for name in engines}
    for _ in range(rounds):
        for name, start in engines.items():
            if runs[name] and runs[name][-1].why:
                continue
            runs[name].append(start())
    return runs


def median(runs, what="wall"):
    return statistics.median(getattr(r, what) for r in runs)


def table(rows):
    width = [max(len(str(r[i])) for r in rows) for i in range(len(rows[0]))]
    for r in rows:
        print("  " + "  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(r, width))).rstrip())


def report(runs, size_bytes):
    """The table of one part; size_bytes is the input's, or {name: its input's}."""
    chert = median(runs["chert"]) if "chert" in runs and not runs["chert"][-1].why else None
    rows = [("", "median s", "best s", "cpu s", "GiB/s", "peak MiB", "times chert")]
    for name, rs in runs.items():
        if rs[-1].why:
            rows.append((name, "failed", "", "", "", "", ""))
            continue
        m, size = median(rs), size_bytes[name] if isinstance(size_bytes, dict) else size_bytes
        rows.append((name, f"{m:.3f}", f"{min(r.wall for r in rs):.3f}", f"{median(rs, 'cpu'):.2f}", f"{size / m / 2**30:.2f}",
                     f"{max(r.peak for r in rs):.0f}", f"{m / chert:.2f}" if chert else "-"))
    table(rows)
    for name, rs in runs.items():
        if rs[-1].why:
            print(f"  {name}: {rs[-1].why}")
    return chert


def verdict(what, asked, reached, ok):
    verdicts.append((what, asked, reached, "reached" if ok else "not reached"))


def missing(what, asked, why):
    verdicts.append((what, asked, "-", why))


def check(path, keys=0):
    """(rows, hash, sorted) of a CSV file or a folder of part files, whatever their order and quoting."""
    parts = sorted(os.path.join(path, f) for f in os.listdir(path) if f.startswith("part-")) if os.path.isdir(path) else [path]
    done = subprocess.run([f"{TOOLS}/check_csv", str(keys), *parts], capture_output=True, text=True)
    return tuple(done.stdout.split()) if done.returncode == 0 else ("unreadable", done.stderr.strip(), "0")


def warm(path):
    subprocess.run([f"{TOOLS}/scan_floor", path, "2"], stdout=subprocess.DEVNULL)


def can(*argv):
    """True if Chert runs this command."""
    if not os.access(CHERT, os.X_OK):
        return False
    return subprocess.run([CHERT, *argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def why_not(what):
    return f"missing: {what}" if os.access(CHERT, os.X_OK) else f"missing: {os.path.relpath(CHERT)} (run make)"


# -- input -----------------------------------------------------------------------------------------------------------

def events(gib):
    """A folder with region.csv and a location.csv of about that size, made once."""
    folder = os.path.join(WORK, f"events-{gib:g}")
    target = os.path.join(folder, "location.csv")
    want = int(gib * 2**30)
    if not os.path.exists(target):
        subprocess.run([f"{TOOLS}/generate_events", folder, str(want)], check=True)
    warm(target)
    return folder, os.path.getsize(target)


def keys():
    path = os.path.join(WORK, f"keys-{KEYS}.csv")
    if not os.path.exists(path):
        subprocess.run([PY, "-c", f"""
import duckdb
duckdb.sql("SET enable_progress_bar = false")
duckdb.sql('''COPY (SELECT printf('customer-%016x', hash(i * 2654435761 % {KEYS})) AS k, i % 1000 AS v FROM range({2 * KEYS}) t(i))
              TO '{path}' (HEADER)''')"""], check=True)
    warm(path)
    return path, os.path.getsize(path)


# -- the parts -------------------------------------------------------------------------------------------------------

def chert_events(folder, threads=THREADS):
    return Run([CHERT, "run", "events", "-d", "--threads", str(threads), folder])


def spark_submit(program, *args):
    import pyspark
    home = os.path.dirname(pyspark.__file__)
    env = {**os.environ, "SPARK_HOME": home, "PYSPARK_PYTHON": PY, "PYSPARK_DRIVER_PYTHON": PY}
    return Run([f"{home}/bin/spark-submit", "--master", f"local[{THREADS}]", "--driver-memory", "4g", "--conf", "spark.ui.enabled=false",
                "--conf", f"spark.sql.shuffle.partitions={THREADS}", program, *args], env=env)


def spark_events(folder):
    return spark_submit(f"{ROOT}/examples/events.py", "-d", "--out", f"{WORK}/spark", folder)


def have(module):
    return subprocess.run([PY, "-c", f"import {module}"], capture_output=True).returncode == 0


def counter():
    folder, size = events(GIB)
    print(f"\ncounter: {size / 2**30:.2f} GiB location.csv to result.csv, {THREADS} threads, {ROUNDS} rounds")
    os.makedirs(f"{WORK}/spark", exist_ok=True)
    engines = {"scan floor": lambda: Run([f"{TOOLS}/scan_floor", f"{folder}/location.csv", str(THREADS)])}
    if os.access(CHERT, os.X_OK):
        engines["chert"] = lambda: chert_events(folder)
    for name in ("duckdb", "polars"):
        engines[name] = lambda name=name: Run([PY, f"{ENGINES}/{name}_events.py", folder, str(THREADS)])
    runs = alternate(engines, ROUNDS)
    if have("pyspark") and shutil.which("java"):
        runs.update(alternate({"spark": lambda: spark_events(folder)}, 2))
    else:
        print("  spark: missing (needs java and pyspark)")
    chert = report(runs, size)
    want = check(f"{folder}/result_duckdb.csv")[:2]
    for name, path in (("chert", f"{folder}/result.csv"), ("polars", f"{folder}/result_polars.csv"), ("spark", f"{WORK}/spark/result.csv")):
        if name in runs and not runs[name][-1].why:
            same = check(path)[:2] == want
            print(f"  result of {name}: {'the same as DuckDB' if same else 'DIFFERS from DuckDB'}")
            if name == "chert" and not same:
                chert = None
    for name, factor in (("duckdb", 4), ("polars", 4), ("spark", 60)):
        asked = f">= {factor} x faster"
        if chert and name in runs and not runs[name][-1].why:
            ratio = median(runs[name]) / chert
            verdict(f"counter, {name}", asked, f"{ratio:.1f} x", ratio >= factor)
        else:
            missing(f"counter, {name}", asked, why_not("chert run events, with the right result") if not chert else f"missing: {name}")
    if chert:
        ratio = chert / median(runs["scan floor"])
        verdict("counter, bare scan", "<= 4 x slower", f"{ratio:.1f} x", ratio <= 4)
    else:
        missing("counter, bare scan", "<= 4 x slower", why_not("chert run events, with the right result"))


def memory():
    asked_peak, asked_time = "<= 64 MiB", "3.6 .. 4.4 x"
    if not os.access(CHERT, os.X_OK):
        missing("counter, peak memory", asked_peak, why_not(""))
        missing("counter, 4 GiB : 1 GiB", asked_time, why_not(""))
        return
    small, size = events(1)
    large, large_size = events(4)
    print(f"\nmemory: the counter on {size / 2**30:.2f} and {large_size / 2**30:.2f} GiB")
    runs = alternate({"1 GiB": lambda: chert_events(small), "4 GiB": lambda: chert_events(large)}, ROUNDS)
    report(runs, {"1 GiB": size, "4 GiB": large_size})
    if any(rs[-1].why for rs in runs.values()):
        missing("counter, peak memory", asked_peak, "failed")
        return
    peak = max(r.peak for rs in runs.values() for r in rs)
    ratio = median(runs["4 GiB"]) / median(runs["1 GiB"]) * 4 * size / large_size
    verdict("counter, peak memory", asked_peak, f"{peak:.0f} MiB", peak <= 64)
    verdict("counter, 4 GiB : 1 GiB", asked_time, f"{ratio:.2f} x", 3.6 <= ratio <= 4.4)


def threads():
    asked = ">= 1.8 x faster"
    if not os.access(CHERT, os.X_OK):
        missing("counter, 2 threads : 1", asked, why_not(""))
        return
    folder, size = events(GIB)
    print(f"\nthreads: the counter on {size / 2**30:.2f} GiB")
    runs = alternate({"1 thread": lambda: chert_events(folder, 1), "2 threads": lambda: chert_events(folder, 2),
                      "scan, 1": lambda: Run([f"{TOOLS}/scan_floor", f"{folder}/location.csv", "1"]),
                      "scan, 2": lambda: Run([f"{TOOLS}/scan_floor", f"{folder}/location.csv", "2"])}, ROUNDS)
    report(runs, size)
    if any(rs[-1].why for rs in runs.values()):
        missing("counter, 2 threads : 1", asked, "failed")
        return
    ratio = median(runs["1 thread"]) / median(runs["2 threads"])
    bare = median(runs["scan, 1"]) / median(runs["scan, 2"])
    verdict("counter, 2 threads : 1", asked, f"{ratio:.2f} x (bare scan {bare:.2f})", ratio >= 1.8)


def startup():
    asked = "<= 10 ms"
    if not can("sql", "-e", "select 1"):
        missing("start to exit of select 1", asked, why_not("chert sql -e"))
        return
    runs = [Run([CHERT, "sql", "-e", "select 1"]) for _ in range(100)]
    low, mid = min(r.wall for r in runs) * 1e3, median(runs) * 1e3
    print(f"\nstartup: chert sql -e \"select 1\", 100 runs: min {low:.2f} ms, median {mid:.2f} ms, peak {max(r.peak for r in runs):.1f} MiB")
    verdict("start to exit of select 1", asked, f"{mid:.1f} ms (min {low:.1f})", mid <= 10)


def chert_sql(view, query, out):
    """Writes part files into the folder `out`, spills into TEMP."""
    write = f"INSERT OVERWRITE DIRECTORY '{out}' USING csv OPTIONS (header 'true', quoteAll 'true') {query}"
    return Run([CHERT, "sql", "--memory", "256M", "--threads", str(THREADS), "-e", f"{view}; {write}"],
               env={**os.environ, "TMPDIR": TEMP})


def breaker(title, what, source, size, view, query, engine, sort_keys, rounds):
    """One query that must spill, in Chert and in DuckDB, both with 256 MB."""
    print(f"\n{title}")
    outs = {"chert": f"{WORK}/out_chert", "duckdb": f"{WORK}/out_duckdb.csv"}
    engines = {"duckdb": lambda: Run([PY, f"{ENGINES}/{engine}.py", source, outs["duckdb"], str(THREADS), "256MB", TEMP])}
    if can("sql", "-e", "select 1"):
        engines = {"chert": lambda: chert_sql(view, query, outs["chert"]), **engines}
    runs = alternate(engines, rounds)
    chert = report(runs, size)
    found = {n: check(outs[n], sort_keys) for n in runs if not runs[n][-1].why}
    asked = "<= DuckDB, right answer"
    for name, (rows, digest, is_sorted) in found.items():
        print(f"  result of {name}: {rows} rows, hash {digest}" + ((", sorted" if is_sorted == "1" else ", NOT SORTED") if sort_keys else ""))
    if chert is None:
        missing(what, asked, runs["chert"][-1].why if "chert" in runs else why_not("chert sql"))
    elif "duckdb" in found and found["chert"][:2] != found["duckdb"][:2] or (sort_keys and found["chert"][:2] != check(source)[:2]):
        verdict(what, asked, "wrong answer", False)
    elif sort_keys and found["chert"][2] != "1":
        verdict(what, asked, "not sorted", False)
    elif "duckdb" not in found:
        verdict(what, asked, f"{chert:.1f} s; DuckDB fails", True)
    else:
        ratio = chert / median(runs["duckdb"])
        verdict(what, asked, f"{ratio:.2f} x DuckDB's time", ratio <= 1)
    for path in outs.values():
        forget(path)


def groupby():
    source, size = keys()
    breaker(f"groupby: {KEYS} distinct string keys in {2 * KEYS} rows ({size / 2**30:.2f} GiB), 256 MB", f"group by of {KEYS} keys, 256 MB", source, size,
            f"CREATE TEMP VIEW keys (k STRING, v BIGINT) USING csv OPTIONS (path '{source}', header 'true')",
            "SELECT k, count(*) AS n, sum(v) AS s FROM keys GROUP BY k", "duckdb_groupby", 0, min(ROUNDS, 3))


def sort():
    folder, size = events(SORT_GIB)
    source = f"{folder}/location.csv"
    breaker(f"sort: {size / 2**30:.2f} GiB by two text columns, 256 MB", f"sort of {SORT_GIB:g} GiB, 256 MB", source, size,
            f"CREATE TEMP VIEW location USING csv OPTIONS (path '{source}', header 'true')",
            "SELECT * FROM location ORDER BY lat, long", "duckdb_sort", 2, min(ROUNDS, 3))


def tpch_queries():
    part_tpch.main(sys.modules[__name__])


def wide():
    part_wide.main(sys.modules[__name__])


def neo():
    part_neo.main(sys.modules[__name__])


def connect():
    part_connect.main(sys.modules[__name__])


def etl():
    part_etl.main(sys.modules[__name__])


PARTS = {"counter": counter, "memory": memory, "startup": startup, "groupby": groupby, "sort": sort, "threads": threads, "tpch": tpch_queries,
         "wide": wide, "neo": neo, "connect": connect, "etl": etl}


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    mem = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    import importlib.metadata as meta
    versions = []
    for name in ("duckdb", "polars", "pyspark", "datafusion"):
        try:
            versions.append(f"{name} {meta.version(name)}")
        except meta.PackageNotFoundError:
            versions.append(f"{name} missing")
    print(f"machine: {CORES} cores, {model}, {mem:.0f} GiB, Linux {platform.release()}; load {os.getloadavg()[0]:.1f}")
    print(f"engines: {', '.join(versions)}; {time.strftime('%Y-%m-%d')}")


def main():
    parts = sys.argv[1:] or list(PARTS)
    if any(p not in PARTS for p in parts):
        print(__doc__)
        return 2
    if not os.path.exists(f"{TOOLS}/measure"):
        print(f"missing: {os.path.relpath(TOOLS)} (run make)")
        return 1
    os.makedirs(TEMP, exist_ok=True)
    machine()
    for p in parts:
        PARTS[p]()
    shutil.rmtree(TEMP, ignore_errors=True)
    print("\nverdicts")
    table([("goal", "asked", "measured", "")] + verdicts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
