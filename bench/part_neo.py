# SPDX-License-Identifier: Apache-2.0
"""part_neo.py - the part `neo` of bench/run.py: JSON in a column of Parquet, parsed, exploded and added up.

Each engine runs the same program as a whole process: near-earth objects from partitions of 10,000, of which each has some 23 approaches
in 10 kB of JSON. Spark runs examples/neo_aggregate.py, once.

Environment: NEO_OBJECTS (1000000, which take 4.2 GB and some minutes to generate), OTHERS ("spark").
"""
import os
import shutil
import subprocess

PER_FILE = 10_000


def data_of(bench, objects):
    folder = os.path.join(bench.WORK, f"neo-{objects}")
    if not os.path.exists(folder):
        made = folder + ".part"
        bench.forget(made)
        subprocess.run([bench.CHERT, "generate", "neo", "-n", str(objects), "--per-file", str(PER_FILE), made],
                       check=True, stdout=subprocess.DEVNULL)
        os.rename(made, folder)
    return folder


def files_of(folder):
    return [os.path.join(d, f) for d, _, files in os.walk(folder) for f in files if f.endswith(".parquet")]


def answer(bench, path):
    """{metric: value}, read by DuckDB from a file or the files of a folder."""
    source = path if os.path.isfile(path) else f"{path}/*.parquet"
    done = subprocess.run([bench.PY, "-c", f"import duckdb; print(*duckdb.sql(\"FROM read_parquet('{source}')\").fetchall(), sep=chr(10))"],
                          capture_output=True, text=True)
    return sorted(done.stdout.split("\n")) if done.returncode == 0 else None


def main(bench):
    objects = int(os.environ.get("NEO_OBJECTS", 1_000_000))
    asked = {"duckdb": 1, "spark": 10}
    if not bench.can("run", "neo", "aggregate", "--help"):
        for name, times in asked.items():
            bench.missing(f"neo, {name}", f"> {times} x faster", bench.why_not("chert run neo aggregate"))
        return
    folder = data_of(bench, objects)
    size = sum(map(os.path.getsize, files_of(folder)))
    for path in files_of(folder):
        bench.warm(path)
    print(f"\nneo: {objects} objects, {size / 2**30:.2f} GiB of Parquet, {bench.THREADS} threads")
    out = {name: os.path.join(bench.TEMP, f"neo_{name}") for name in ("chert", "duckdb", "spark")}
    for path in out.values():
        bench.forget(path)
    options = ["--start_batch", "1", "--end_batch", str(objects), "--input_dir", folder, "--output_dir"]
    runs = bench.alternate({
        "chert": lambda: bench.Run([bench.CHERT, "run", "neo", "aggregate", "--threads", str(bench.THREADS), *options, out["chert"]]),
        "duckdb": lambda: bench.Run([bench.PY, f"{bench.ENGINES}/duckdb_neo.py", folder, str(objects), str(bench.THREADS), out["duckdb"]]),
    }, min(bench.ROUNDS, 3))
    if "spark" in os.environ.get("OTHERS", "spark").split():
        if bench.have("pyspark") and shutil.which("java"):
            runs |= bench.alternate({"spark": lambda: bench.spark_submit(f"{bench.ROOT}/examples/neo_aggregate.py", *options, out["spark"])}, 1)
        else:
            print("  spark: missing (needs java and pyspark)")
    chert = bench.report(runs, size)
    found = {name: answer(bench, path if name == "duckdb" else f"{path}/aggregations/batches-1-{objects}")
             for name, path in out.items() if name in runs and not runs[name][-1].why}
    for name in found:
        if name != "chert" and "chert" in found:
            print(f"  result of {name}: {'the same as Chert' if found[name] == found['chert'] else 'DIFFERS from Chert'}")
    for name, times in asked.items():
        goal = f"> {times} x faster"
        if name not in found or not chert:
            bench.missing(f"neo, {name}", goal, f"missing: {name}" if chert else "chert failed")
        elif found[name] != found["chert"]:
            bench.verdict(f"neo, {name}", goal, "another answer", False)
        else:
            ratio = bench.median(runs[name]) / chert
            bench.verdict(f"neo, {name}", goal, f"{ratio:.1f} x", ratio > times)
    for path in out.values():
        bench.forget(path)
