# SPDX-License-Identifier: Apache-2.0
"""Files of web servers: ranges, retries, redirects, servers that cannot or will not."""
import gzip
import os
import signal
import subprocess
import time

import pytest
from server import BINARY, SLOWER, no_hang  # noqa: F401
from stand_in import StandIn

LINES = 60000
CSV = "".join(f"{i},name {i}\n" for i in range(LINES)).encode() * 4  # a few MiB


def run(sql, *options, env=None, fails=False):
    """The rows as CSV lines; or what is said on stderr."""
    p = subprocess.run([os.path.abspath(BINARY), "sql", "--format", "csv", *options, "-e", sql],
                       capture_output=True, text=True, timeout=60 * SLOWER,
                       env={**os.environ, "no_proxy": "127.0.0.1", **(env or {})})
    assert (p.returncode != 0) == fails, p.stderr + p.stdout
    return p.stderr if fails else p.stdout.split("\n")[1:-1]


def count(url, *options, **how):
    return run(f"SELECT count(*), sum(cast(_c0 AS bigint)) FROM csv.`{url}`", *options, **how)


def total():
    return [f"{LINES * 4},{sum(range(LINES)) * 4}"]


QUICK = ["--set", "chert.http.attempts=3"]


def test_a_file_is_read_by_ranges_over_few_connections():
    with StandIn() as s:
        s.put("lake", "a.csv", CSV)
        assert count(s.url + "/lake/a.csv") == total()
        ranges = [h.get("Range") for h in s.headers if h.get("Range")]
        assert len(ranges) == len(s.log) and len(ranges) < 12
        assert all(h.get("If-Match") for h in s.headers[1:])


@pytest.mark.parametrize("kind", ["json", "text"])
def test_other_formats(kind):
    with StandIn() as s:
        s.put("lake", "x", b'{"a": 1}\n{"a": 2}\n')
        assert run(f"SELECT count(*) FROM {kind}.`{s.url}/lake/x`") == ["2"]


def test_parquet(tmp_path):
    run(f"INSERT OVERWRITE DIRECTORY '{tmp_path}/p' USING parquet SELECT id, id % 7 AS k FROM range(300000)")
    part = [f for f in os.listdir(tmp_path / "p") if f.startswith("part")]
    with StandIn() as s:
        s.put("lake", "a.parquet", (tmp_path / "p" / part[0]).read_bytes())
        assert run(f"SELECT k, count(*) >= 1 FROM parquet.`{s.url}/lake/a.parquet` GROUP BY k ORDER BY k LIMIT 1") == \
            ["0,true"]


def test_a_compressed_file_with_a_query_behind_its_name():
    with StandIn() as s:
        s.put("lake", "a.csv.gz", gzip.compress(CSV))
        assert count(s.url + "/lake/a.csv.gz?version=3#top") == total()


@pytest.mark.parametrize("lengths", [True, False])
def test_without_ranges_it_is_read_once(lengths):
    with StandIn(ranges=False, lengths=lengths) as s:
        s.put("lake", "a.csv", CSV)
        assert count(s.url + "/lake/a.csv", "--memory", "64M") == total()
        assert len(s.log) == 2  # the question, and the file


def test_empty_files():
    for ranges in (True, False):
        with StandIn(ranges=ranges) as s:
            s.put("lake", "a.txt", b"")
            assert run(f"SELECT count(*) FROM text.`{s.url}/lake/a.txt`") == ["0"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(status):
    with StandIn() as s:
        s.put("lake", "a.csv", CSV)
        s.fail("GET /lake/a.csv", status=status, times=2)
        assert count(s.url + "/lake/a.csv") == total()


def test_retry_after_is_obeyed():
    with StandIn() as s:
        s.put("lake", "a.txt", b"x\n")
        s.fail("GET /lake/a.txt", status=503, headers={"Retry-After": "1"})
        start = time.time()
        assert run(f"SELECT * FROM text.`{s.url}/lake/a.txt`") == ["x"]
        assert time.time() - start >= 1


def test_at_last_it_is_an_error():
    with StandIn() as s:
        s.put("lake", "a.csv", CSV)
        s.fail("GET", status=503, times=-1)
        said = count(s.url + "/lake/a.csv", *QUICK, fails=True)
        assert "503" in said and "3 attempts" in said and len(s.log) == 3


def test_a_cut_connection_goes_on_where_it_stopped():
    with StandIn() as s:
        s.put("lake", "a.csv", CSV)
        s.fail("GET /lake/a.csv", times=1)  # the first is the question for one byte
        s.fail("GET /lake/a.csv", times=3, cut=100000)
        assert count(s.url + "/lake/a.csv") == total()
        starts = [int(h["Range"].split("=")[1].split("-")[0]) for h in s.headers]
        assert 100000 in starts or any(x % (1 << 20) == 100000 for x in starts)


@pytest.mark.parametrize("cut", [70000, 1, -1])
def test_a_cut_transfer_of_a_whole_file_is_begun_again(cut):
    with StandIn(ranges=False) as s:
        s.put("lake", "a.csv", CSV)
        s.fail("GET /lake/a.csv", times=1)
        s.fail("GET /lake/a.csv", times=2, cut=cut)
        assert count(s.url + "/lake/a.csv") == total()


def test_a_server_that_stalls():
    with StandIn() as s:
        s.put("lake", "a.csv", CSV)
        s.fail("GET /lake/a.csv", slow=4)
        assert count(s.url + "/lake/a.csv", "--set", "chert.http.stallTimeout=1s") == total()


def test_a_changed_file_is_an_error():
    with StandIn() as s:
        s.put("lake", "a.csv", CSV)
        s.fail("GET /lake/a.csv", times=1)
        s.fail("GET /lake/a.csv", change=True)
        assert "was changed while it was read" in count(s.url + "/lake/a.csv", fails=True)


def test_redirects_keep_secrets_at_home():
    with StandIn() as a, StandIn() as b:
        b.put("lake", "a.txt", b"x\n")
        a.redirects["/go"] = (302, b.url + "/lake/a.txt")
        assert run(f"SELECT * FROM text.`{a.url}/go`", "--set", "chert.http.header.X-Api-Key=hush") == ["x"]
        assert all(h.get("X-Api-Key") == "hush" for h in a.headers)
        assert all("X-Api-Key" not in h for h in b.headers)
        a.redirects["/round"] = (301, "/round")
        assert "too many redirects" in run(f"SELECT * FROM text.`{a.url}/round`", fails=True)
        a.redirects["/file"] = (302, "file:///etc/passwd")
        assert "no http or https" in run(f"SELECT * FROM text.`{a.url}/file`", fails=True)


def test_tls_is_verified_and_not_left(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
                   check=True, capture_output=True)
    trusted = {"CURL_CA_BUNDLE": "", "SSL_CERT_FILE": str(tmp_path / "cert")}
    with StandIn(tls=(tmp_path / "cert", tmp_path / "key")) as s, StandIn() as plain:
        s.put("lake", "a.csv", CSV)
        plain.put("lake", "a.csv", CSV)
        assert "certificate" in count(s.url + "/lake/a.csv", fails=True)
        assert not s.log  # no second attempt, and nothing was asked
        assert count(s.url + "/lake/a.csv", env=trusted) == total()
        s.redirects["/down"] = (302, plain.url + "/lake/a.csv")
        assert "from https to http" in count(s.url + "/down", env=trusted, fails=True)
        plain.redirects["/up"] = (302, s.url + "/lake/a.csv")
        assert count(plain.url + "/up", env=trusted) == total()


def test_a_proxy_of_the_environment():
    with StandIn() as s:
        s.pages["http://example.invalid/a.txt"] = b"proxied\n"
        assert run("SELECT * FROM text.`http://example.invalid/a.txt`", env={"http_proxy": s.url}) == ["proxied"]


@pytest.mark.parametrize("good", [0, 1])
def test_ctrl_c_ends_a_wait(good):
    with StandIn() as s:
        s.put("lake", "a.csv", CSV)
        s.fail("GET", times=good)
        s.fail("GET", times=-1, slow=20)
        p = subprocess.Popen([os.path.abspath(BINARY), "sql", "-e", f"SELECT count(*) FROM text.`{s.url}/lake/a.csv`"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "no_proxy": "127.0.0.1"})
        while len(s.log) < good + 1:
            time.sleep(0.02)
        start = time.time()
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=15 * SLOWER)
        assert p.returncode != 0 and time.time() - start < 5 * SLOWER


def test_requests_per_second():
    with StandIn(ranges=False) as s:
        for i in range(4):
            s.put("lake", f"{i}.txt", b"x\n")
        start = time.time()
        run(" UNION ALL ".join(f"SELECT * FROM text.`{s.url}/lake/{i}.txt`" for i in range(4)),
            "--set", "chert.http.requestsPerSecond=5")
        assert time.time() - start > 6 / 5


def test_what_is_not_there():
    with StandIn() as s:
        assert "PATH_NOT_FOUND" in run(f"SELECT * FROM text.`{s.url}/lake/none`", fails=True)
        s.fail("GET", status=403, times=-1)
        assert "403 Forbidden" in run(f"SELECT * FROM text.`{s.url}/lake/none`", fails=True)
    said = run("SELECT * FROM text.`http://user:hush@127.0.0.1:1/x?token=hush`", *QUICK, fails=True)
    assert "127.0.0.1:1/x" in said and "connect" in said.lower() and "hush" not in said.split("SQLSTATE")[0]


def test_nothing_is_written():
    said = run("INSERT OVERWRITE DIRECTORY 'http://127.0.0.1:1/x' USING csv SELECT 1", fails=True)
    assert "not supported" in said
