# SPDX-License-Identifier: Apache-2.0
"""examples/etl.py by `chert submit`, and `chert run etl`: the same rows as Spark; into a bucket, and what fails there."""
import os
import sqlite3
import subprocess
import sys
import time

import pytest

pytest.importorskip("grpc")
pytest.importorskip("pandas")
from server import BINARY, SLOWER, no_hang  # noqa: E402,F401
from stand_in import ACCESS, SECRET, StandIn  # noqa: E402

CHERT = os.path.abspath(BINARY)
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
DATE = "2026-01-31"
RESULTS = {"inventory_analytics": "inventory_id", "order_analytics": "customer_id"}
TWIN = [CHERT, "submit", f"{ROOT}/examples/etl.py"]
PROGRAM = [CHERT, "run", "etl", "--set", "fs.s3a.attempts.maximum=2"]


@pytest.fixture
def run(tmp_path):
    """run(argv, **settings) in the shop's folder: what it says; checks its exit code, and that it keeps its secrets."""
    def run(argv, code=0, **settings):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "AWS_", "S3_", "MYSQL_"))}
        env = {**clean, "PYSPARK_PYTHON": sys.executable, "PYTHONWARNINGS": "ignore", "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true",
               "no_proxy": "127.0.0.1", "TZ": "UTC", **settings}
        done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=100 * SLOWER)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert SECRET not in said and "hush" not in said
        return said
    return run


@pytest.fixture
def shop(run, tmp_path):
    run([CHERT, "generate", "etl", "-n", "2000", "--date", DATE])
    subprocess.run([CHERT, "sql", "-f", f"{ROOT}/tests/data/etl/odd.sql"], check=True, cwd=tmp_path / "etl")
    return tmp_path / "etl"


def result(run, name, root, *options):
    return run([CHERT, "sql", "--format", "csv", *options, "-e", f"SELECT * FROM parquet.`{root}/business_insights/{DATE}/{name}` ORDER BY {RESULTS[name]}"])


def recorded(name):
    with open(f"{ROOT}/tests/data/etl/{name}.csv", encoding="utf-8") as text:
        return text.read()


def settings(s, **more):
    return {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1", "S3_ENDPOINT": s.url, "S3_BUCKET": "lake", **more}


def test_the_twin_gives_what_spark_gives(run, shop):
    run([*TWIN, "--date", DATE])
    for name in RESULTS:
        assert result(run, name, shop) == recorded(name)


@pytest.mark.parametrize("program", [TWIN, PROGRAM], ids=["twin", "program"])
def test_into_a_bucket(run, shop, program):
    with StandIn() as s:
        run([*program, "--date", DATE], **settings(s))
        options = [a for k, v in {"endpoint": s.url, "access.key": ACCESS, "secret.key": SECRET}.items() for a in ("--set", f"fs.s3a.{k}={v}")]
        for name in RESULTS:
            keys = [k for k in s.keys() if k.startswith(f"business_insights/{DATE}/{name}/part-") and k.endswith(".parquet")]
            assert keys and f"business_insights/{DATE}/{name}/_SUCCESS" in s.keys()
            text = run([CHERT, "sql", "--format", "csv", *options, "-e",
                        f"SELECT * FROM parquet.`s3a://lake/business_insights/{DATE}/{name}` ORDER BY {RESULTS[name]}"])
            assert text == recorded(name)


def test_settings_of_a_file(run, shop, tmp_path):
    with StandIn() as s:
        (tmp_path / ".env").write_text("".join(f"{k}={v}\n" for k, v in settings(s).items()))
        run([*PROGRAM, "--date", DATE])
        before = s.keys()
        run([*TWIN, "--date", DATE])
        assert len(before) >= 4 and set(before).isdisjoint(k for k in s.keys() if "/part-" in k)


@pytest.mark.parametrize("wrong, told", [
    ({"S3_BUCKET": "nobucket"}, "NoSuchBucket"), ({"AWS_SECRET_ACCESS_KEY": "hush"}, "SignatureDoesNotMatch"),
    ({"AWS_ACCESS_KEY_ID": "nobody"}, "InvalidAccessKeyId"), ({"AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY")])
def test_what_is_wrong_leaves_the_former_result(run, shop, wrong, told):
    with StandIn() as s:
        run([*PROGRAM, "--date", DATE], **settings(s))
        before = s.keys()
        assert told in run([*PROGRAM, "--date", DATE], code=1, **settings(s, **wrong))
        assert s.keys() == before and not s.uploads


@pytest.mark.parametrize("at", ["POST /lake/business_insights/", "PUT /lake/business_insights/"])
def test_a_server_that_fails_leaves_the_former_result(run, shop, at):
    with StandIn() as s:
        run([*PROGRAM, "--date", DATE], **settings(s))
        before = s.keys()
        s.fail(at, times=-1, status=500)
        run([*PROGRAM, "--date", DATE], code=1, **settings(s))
        assert s.keys() == before


# ---- killed while a date is replaced


def numbers(run, root, *options):
    """How many rows each result has: (10, 10) of the new version, more of the old one."""
    return tuple(int(run([CHERT, "sql", "--format", "csv", *options, "-e",
                          f"SELECT count(*) FROM parquet.`{root}/business_insights/{DATE}/{name}`"]).split("\n")[1]) for name in RESULTS)


def shrink(shop):
    with sqlite3.connect(shop / "shop.db") as db:
        db.execute("DELETE FROM orders WHERE customer_id > 10 OR customer_id IS NULL")
        db.execute("DELETE FROM inventory WHERE inventory_id > 10")


@pytest.mark.parametrize("moment", ["inventory_analytics", "order_analytics", "order_analytics/_SUCCESS", "replaced"])
def test_a_killed_run_leaves_one_version(run, shop, moment):
    run([*PROGRAM, "--date", DATE, shop])
    old, day = numbers(run, shop), shop / "business_insights" / DATE
    shrink(shop)
    inode = day.stat().st_ino
    process = subprocess.Popen([*PROGRAM, "--date", DATE, shop], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        if moment == "replaced" and day.stat().st_ino != inode:
            break
        if any(day.parent.glob(f".{DATE}.*/{moment}")):
            break
    process.kill()
    process.wait()
    left = numbers(run, shop)
    assert left == (old if day.stat().st_ino == inode else (10, 10))
    run([*PROGRAM, "--date", DATE, shop])
    assert numbers(run, shop) == (10, 10)
    assert os.listdir(day.parent) == [DATE]


def test_others_in_the_folder_stay(run, shop):
    run([*PROGRAM, "--date", DATE, shop])
    day = shop / "business_insights" / DATE
    (day / "notes.txt").write_text("mine")
    shrink(shop)
    run([*PROGRAM, "--date", DATE, shop])
    assert numbers(run, shop) == (10, 10) and (day / "notes.txt").read_text() == "mine"
    assert os.listdir(day.parent) == [DATE]


def test_in_a_bucket_the_old_ones_go_last(run, shop):
    with StandIn() as s:
        options = [a for k, v in {"endpoint": s.url, "access.key": ACCESS, "secret.key": SECRET}.items() for a in ("--set", f"fs.s3a.{k}={v}")]
        run([*PROGRAM, "--date", DATE], **settings(s))
        old = {k for k in s.keys() if "/part-" in k}
        shrink(shop)
        s.put("lake", f"business_insights/{DATE}/notes.txt", b"mine")
        s.fail("POST /lake?delete", status=500, slow=100)  # it comes to nothing: the process is killed meanwhile
        env = {**os.environ, **settings(s), "AWS_EC2_METADATA_DISABLED": "true", "no_proxy": "127.0.0.1"}
        process = subprocess.Popen([*PROGRAM, "--date", DATE], cwd=shop.parent, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not any(line.startswith("POST /lake?delete") for line in list(s.log)):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.wait()
        new = {k for k in s.keys() if "/part-" in k} - old
        assert old < set(s.keys()) and {k.split("/")[2] for k in new} == set(RESULTS)
        run([*PROGRAM, "--date", DATE], **settings(s))
        assert numbers(run, "s3a://lake", *options) == (10, 10)
        left = {k for k in s.keys() if "/part-" in k}
        assert left.isdisjoint(old | new) and f"business_insights/{DATE}/notes.txt" in s.keys()
