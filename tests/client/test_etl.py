# SPDX-License-Identifier: Apache-2.0
"""examples/etl.py by `chert submit`, and `chert run etl`: the same rows as Spark; into a bucket, and what fails there."""
import os
import subprocess
import sys

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
