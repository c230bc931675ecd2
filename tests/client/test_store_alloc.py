# SPDX-License-Identifier: Apache-2.0
"""Remote places when memory fails, or is small, and with other batches and threads: tests/runner on a stand-in."""
import gzip
import os
import subprocess

import pytest
from server import BINARY, SLOWER
from stand_in import ACCESS, SECRET, StandIn

RUNNER = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "tests/sql_runner")
TEST = """# what: remote files     oracle: chert

query n:bigint s:decimal(38,0)
SELECT count(*) AS n, cast(sum(cast(_c0 AS decimal(20,0))) AS decimal(38,0)) AS s FROM csv.`s3a://lake/t/k=*`
----
6000 | 12000

query n:bigint
SELECT count(*) AS n FROM text.`URL/lake/a.txt.gz`
----
100

statement ok
INSERT OVERWRITE DIRECTORY 's3a://lake/out' USING csv SELECT id FROM range(1000)

query n:bigint
SELECT count(*) AS n FROM csv.`s3a://lake/out`
----
1000
"""


@pytest.mark.skipif(not os.path.exists(RUNNER), reason="the runner is not built")
@pytest.mark.parametrize("how", ["--fail-alloc", "--vary"])
def test_allocations_that_fail_and_other_sizes(tmp_path, how):
    with StandIn(page=2) as s:
        for i in range(3):
            s.put("lake", f"t/k={i}/a.csv", b"1,2\n3,4\n" * 1000)
        s.put("lake", "a.txt.gz", gzip.compress(b"x\n" * 100))
        (tmp_path / "x.test").write_text(TEST.replace("URL", s.url))
        env = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": s.url,
               "no_proxy": "127.0.0.1"}
        p = subprocess.run([RUNNER, how, str(tmp_path / "x.test")], env=env, capture_output=True, text=True,
                           timeout=100 * SLOWER)
        assert p.returncode == 0, p.stdout + p.stderr
        assert not s.uploads
