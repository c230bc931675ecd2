# SPDX-License-Identifier: Apache-2.0
"""Fixtures and helpers of test modules whose functions in Python fail, die or hang: a server, and a session for most tests."""
import os
import sys

import pytest
from pyspark.sql import functions as F
from server import Server

PYTHON = "spark.sql.execution.pyspark.python"


@pytest.fixture(scope="module")
def server():
    s = Server("--memory", "512M", "--threads", "4")
    yield s
    assert s.stop() == 0


@pytest.fixture(scope="module")
def session(server):  # one for most: its Python processes are what takes time
    session = server.session()
    session.conf.set(PYTHON, sys.executable)
    yield session
    session.stop()


def descendants(pid):
    """Processes below this one, zombies among them."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as stat:
                    parents[int(name)] = int(stat.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
    found, more = [], [pid]
    while more:
        at = more.pop()
        below = [p for p, parent in parents.items() if parent == at]
        found += below
        more += below
    return found


def use(fn, type="bigint", **kw):
    return F.udf(fn, type, **kw)


def still_works(spark):
    assert spark.range(3).select(use(lambda x: x + 1)("id").alias("x")).agg(F.sum("x")).collect()[0][0] == 6
