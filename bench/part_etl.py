# SPDX-License-Identifier: Apache-2.0
"""part_etl.py - the part `etl` of bench/run.py: the batch job from MariaDB to S3, beside Spark with the connector from Maven Central.

The services are those of tests/services. Spark writes to a local folder, which is faster than S3: of Hadoop's S3A it would need the AWS
SDK, 600 MB. Its memory is a JVM's, the table is read by as many connections as Chert uses.

Environment: ORDERS (10000000).
"""
import os
import subprocess

CONNECTOR = "com.mysql:mysql-connector-j:9.5.0"
DATE = "2026-01-31"


def service(bench, name, command):
    done = subprocess.run([f"{bench.ROOT}/tests/services/{name}", command], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def settings(url):
    return {**os.environ, "MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": "3317", "MYSQL_DATABASE": "shop", "MYSQL_USER": "chert",
            "MYSQL_PASSWORD": "chert-pw", "S3_BUCKET": "lake", "S3_ENDPOINT": url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "chertkey",
            "AWS_SECRET_ACCESS_KEY": "chertsecret"}


def fill(bench, env, orders):
    """A shop of so many orders in MariaDB, unless it is there."""
    mysql = ["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", "3317", "-uchert", "-pchert-pw", "-N", "-e"]
    have = subprocess.run([*mysql, "SELECT count(*) FROM shop.orders"], capture_output=True, text=True)
    if have.stdout.strip() == str(orders):
        return
    subprocess.run([*mysql, "CREATE DATABASE IF NOT EXISTS shop"], check=True)
    subprocess.run([bench.CHERT, "generate", "etl", "--overwrite", "--jdbc", "jdbc:mysql://127.0.0.1:3317/shop", "-n", str(orders), "--date", DATE],
                   env=env, check=True)


def spark_etl(bench, env):
    import pyspark
    home = os.path.dirname(pyspark.__file__)
    env = {k: v for k, v in env.items() if not k.startswith(("AWS_", "S3_"))}
    env.update(SPARK_HOME=home, PYSPARK_PYTHON=bench.PY, PYSPARK_DRIVER_PYTHON=bench.PY)
    return bench.Run([f"{home}/bin/spark-submit", "--master", f"local[{bench.THREADS}]", "--driver-memory", "6g", "--packages", CONNECTOR,
                      "--conf", "spark.ui.enabled=false", "--conf", f"spark.sql.shuffle.partitions={bench.THREADS}",
                      f"{bench.ROOT}/examples/etl.py", "--output", f"{bench.WORK}/etl-spark", "--date", DATE], env=env)


def same(bench, url):
    """Do both have the same rows?"""
    s3 = ["--set", f"fs.s3a.endpoint={url}", "--set", "fs.s3a.access.key=chertkey", "--set", "fs.s3a.secret.key=chertsecret"]
    found = []
    for root in ("s3a://lake", f"{bench.WORK}/etl-spark"):
        sql = "".join(f"SELECT count(*), sum(pmod(xxhash64(*), 1000000007)) FROM parquet.`{root}/business_insights/{DATE}/{name}`;"
                      for name in ("inventory_analytics", "order_analytics"))
        found.append(subprocess.run([bench.CHERT, "sql", "--format", "csv", *s3, "-e", sql], capture_output=True, text=True).stdout)
    return found[0] != "" and found[0] == found[1]


def main(bench):
    asked_time, asked_peak = ">= 5 x faster than Spark", "<= 256 MiB"
    orders = int(os.environ.get("ORDERS", 10_000_000))
    mysql, url = service(bench, "mysql", "start"), service(bench, "versity", "start")
    try:
        if not mysql or not url:
            bench.missing("etl", asked_time, "missing: MariaDB or Versity (tools/install_deps.sh --services)")
            return
        env = settings(url)
        fill(bench, env, orders)
        print(f"\netl: {orders} orders from MariaDB to S3")
        engines = {"chert": lambda: bench.Run([bench.CHERT, "run", "etl", "--memory", "200M", "--threads", str(bench.THREADS), "--date", DATE], env=env)}
        runs = bench.alternate(engines, min(bench.ROUNDS, 3))
        if bench.have("pyspark") and bench.shutil.which("java"):
            runs.update(bench.alternate({"spark": lambda: spark_etl(bench, env)}, 2))
        bench.report(runs, 0)
        if runs["chert"][-1].why:
            bench.missing("etl", asked_time, runs["chert"][-1].why)
            return
        peak = max(r.peak for r in runs["chert"])
        bench.verdict(f"etl of {orders} orders, memory", asked_peak, f"{peak:.0f} MiB", peak <= 256)
        if "spark" not in runs or runs["spark"][-1].why:
            bench.missing(f"etl of {orders} orders", asked_time, "missing: spark")
            return
        equal = same(bench, url)
        print(f"  result: {'the same as Spark' if equal else 'DIFFERS from Spark'}")
        ratio = bench.median(runs["spark"]) / bench.median(runs["chert"])
        bench.verdict(f"etl of {orders} orders", asked_time, f"{ratio:.1f} x" if equal else "wrong answer", equal and ratio >= 5)
    finally:
        if url:
            service(bench, "versity", "stop")
        if mysql == "started":
            service(bench, "mysql", "stop")
