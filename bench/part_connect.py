# SPDX-License-Identifier: Apache-2.0
"""part_connect.py - the part `connect` of bench/run.py: what a PySpark client waits for, beside Sail and Spark's own server.

Sail (pip: pysail) is installed into a Python of its own. Environment: ARROW_ROWS (33000000: 1 GiB), OTHERS ("sail spark").
"""
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import time

import part_tpch

PROGRAM = """from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print(spark.range(10).count())
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def sail(bench):
    """Sail's command, or None."""
    venv = os.path.join(os.path.dirname(bench.WORK), "sail")
    if not os.path.exists(f"{venv}/bin/sail"):
        subprocess.run([bench.PY, "-m", "venv", venv], check=True)
        subprocess.run([f"{venv}/bin/pip", "install", "-q", "pysail"])
    return f"{venv}/bin/sail" if os.path.exists(f"{venv}/bin/sail") else None


class Server:
    """A Spark Connect server on a free port of loopback, ended with the block."""

    def __init__(self, bench, name, argv, env=None):
        self.name, self.port = name, free_port()
        self.log = open(os.path.join(bench.WORK, f"{name}.log"), "wb")
        argv = [a.replace("PORT", str(self.port)) for a in argv]
        self.process = subprocess.Popen(argv, stdout=self.log, stderr=self.log, env=env, start_new_session=True, cwd=bench.TEMP)
        self.remote = f"sc://127.0.0.1:{self.port}"
        until = time.time() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.time() > until or self.process.poll() is not None:
                    raise RuntimeError(f"{name} does not start: see {self.log.name}") from None
                time.sleep(0.01)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()


def spark_home():
    import pyspark
    return os.path.dirname(pyspark.__file__)


def servers(bench, others):
    found = [Server(bench, "chert", [bench.CHERT, "server", "--port", "PORT", "--threads", str(bench.THREADS)])]
    path = sail(bench) if "sail" in others else None
    if path:
        found.append(Server(bench, "sail", [path, "spark", "server", "--ip", "127.0.0.1", "--port", "PORT"]))
    if "spark" in others and shutil.which("java"):
        home = spark_home()
        found.append(Server(bench, "spark", [
            f"{home}/bin/spark-submit", "--master", f"local[{bench.THREADS}]", "--driver-memory", "4g", "--conf", "spark.ui.enabled=false",
            "--conf", f"spark.sql.shuffle.partitions={bench.THREADS}", "--conf", "spark.connect.grpc.binding.port=PORT",
            "--conf", "spark.connect.grpc.binding.address=127.0.0.1",
            "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"],
            env={**os.environ, "SPARK_HOME": home}))
    return found


def client(bench, server, *args):
    done = subprocess.run([bench.PY, f"{bench.ENGINES}/connect_client.py", server.remote, *args], capture_output=True, text=True)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        print(f"  {server.name}: {done.stderr.strip().splitlines()[-1][:200] if done.stderr.strip() else 'no answer'}")
        return None
    return json.loads(lines[-1])


def rounds(bench, found, n, *args):
    """{server: [answers]}, taking turns."""
    answers = {s.name: [] for s in found}
    for _ in range(n):
        for s in found:
            answer = client(bench, s, *args)
            if answer:
                answers[s.name].append(answer)
    return {name: a for name, a in answers.items() if a}


def small(bench, found):
    print("\nconnect: milliseconds of a small query through PySpark, medians")
    answers = rounds(bench, found, 3, "small")
    names = ("select 1", "range count")
    mid = {s: {n: statistics.median(a[n] for a in answers[s]) * 1e3 for n in names} for s in answers}
    bench.table([("", *names)] + [(s, *(f"{mid[s][n]:.1f}" for n in names)) for s in mid])
    for n in names:
        if "sail" in mid:
            ratio = mid["chert"][n] / mid["sail"][n]
            bench.verdict(f"{n} through PySpark", "<= 0.5 of Sail's time", f"{ratio:.2f} x", ratio <= 0.5)
        else:
            bench.missing(f"{n} through PySpark", "<= 0.5 of Sail's time", "missing: sail")


def arrow(bench, found):
    rows = os.environ.get("ARROW_ROWS", "33000000")
    answers = rounds(bench, [s for s in found if s.name != "spark"], 3, "arrow", rows)
    rate = {s: statistics.median(a["bytes"] / a["seconds"] for a in answers[s]) / 2**20 for s in answers}
    print(f"\nconnect: {answers['chert'][0]['bytes'] / 2**30:.2f} GiB by toArrow()")
    bench.table([("", "MiB/s")] + [(s, f"{r:.0f}") for s, r in rate.items()])
    if "sail" in rate:
        ratio = rate["chert"] / rate["sail"]
        bench.verdict("1 GiB by toArrow()", ">= Sail's rate", f"{ratio:.2f} x", ratio >= 1)
    else:
        bench.missing("1 GiB by toArrow()", ">= Sail's rate", "missing: sail")


def first_answer(bench):
    """Process start to the first answer on its port, by the client's own bytes: an HTTP/2 preface and SETTINGS are enough to be answered."""
    hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        process = subprocess.Popen([bench.CHERT, "server", "--port", "0"], stderr=subprocess.PIPE, text=True, cwd=bench.TEMP)
        port = int(re.search(r":(\d+)\s*$", process.stderr.readline()).group(1))
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.sendall(hello)
            s.recv(9)
        times.append((time.perf_counter() - begin) * 1e3)
        process.terminate()
        process.wait()
        process.stderr.close()
    mid = statistics.median(times)
    print(f"\nconnect: server start to first answer, 20 starts: median {mid:.1f} ms, worst {max(times):.1f} ms")
    bench.verdict("server start to first answer", "<= 50 ms", f"{mid:.1f} ms", mid <= 50)


def submit(bench):
    program = os.path.join(bench.TEMP, "three_lines.py")
    with open(program, "w") as out:
        out.write(PROGRAM)
    home = spark_home()
    env = {**os.environ, "SPARK_HOME": home, "PYSPARK_PYTHON": bench.PY, "PYSPARK_DRIVER_PYTHON": bench.PY}
    engines = {"chert": lambda: bench.Run([bench.CHERT, "submit", program], env=env)}
    if shutil.which("java"):
        engines["spark"] = lambda: bench.Run([f"{home}/bin/spark-submit", "--master", f"local[{bench.THREADS}]", "--conf", "spark.ui.enabled=false",
                                              program], env=env)
    print("\nconnect: a program of three lines, from submit to its exit")
    runs = bench.alternate(engines, min(bench.ROUNDS, 5))
    bench.report(runs, 0)
    if "spark" in runs and not runs["spark"][-1].why and not runs["chert"][-1].why:
        ratio = bench.median(runs["spark"]) / bench.median(runs["chert"])
        bench.verdict("submit of three lines", ">= 5 x faster than Spark", f"{ratio:.1f} x", ratio >= 5)
    else:
        bench.missing("submit of three lines", ">= 5 x faster than Spark", "missing: spark")


def tpch(bench, found):
    """The queries through PySpark, and each as a process of its own; the sums of the least times."""
    folder = part_tpch.data_of(bench, "1")
    numbers = [f"q{n:02d}" for n in range(1, 23)]
    views = "".join(f"CREATE TEMP VIEW {os.path.basename(p)[:-8]} USING parquet OPTIONS (path '{folder}/{p}');" for p in sorted(os.listdir(folder)))
    direct, through = {}, {}
    chert = [s for s in found if s.name == "chert"]
    for _ in range(3):
        for q in numbers:
            text = open(os.path.join(bench.HERE, "tpch", f"{q}.sql")).read()
            direct.setdefault(q, []).append(bench.Run([bench.CHERT, "sql", "--threads", str(bench.THREADS), "-e", views + text]).wall)
        for q, seconds in client(bench, chert[0], "tpch", folder).items():
            through.setdefault(q, []).append(seconds)
    a, b = sum(min(direct[q]) for q in numbers), sum(min(through[q]) for q in numbers)
    print(f"\nconnect: TPC-H SF 1, 22 queries: {a:.3f} s by chert sql, {b:.3f} s through PySpark")
    bench.verdict("TPC-H SF 1 through PySpark", "<= 1.05 of chert sql", f"{b / a:.2f} x", b / a <= 1.05)


def main(bench):
    others = os.environ.get("OTHERS", "sail spark").split()
    first_answer(bench)
    submit(bench)
    found = servers(bench, others)
    try:
        small(bench, found)
        arrow(bench, found)
        tpch(bench, found)
    finally:
        for s in found:
            s.stop()
