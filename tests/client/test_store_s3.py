# SPDX-License-Identifier: Apache-2.0
"""S3 against a stand-in that checks signatures: reading, listing, writing, who asks, and what fails."""
import os
import re
import subprocess
import time
import urllib.parse

import pytest
from server import BINARY, SLOWER, no_hang  # noqa: F401
from stand_in import ACCESS, SECRET, StandIn

CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}


def options(s, **more):
    keys = {"endpoint": s.url, "access.key": ACCESS, "secret.key": SECRET, "attempts.maximum": "4", **more}
    return [a for k, v in keys.items() if v is not None for a in ("--set", f"spark.hadoop.fs.s3a.{k}={v}")]


def run(sql, *args, env=None, fails=False):
    p = subprocess.run([os.path.abspath(BINARY), "sql", "--format", "csv", *args, "-e", sql], capture_output=True,
                       text=True, timeout=100 * SLOWER,
                       env={**CLEAN, "no_proxy": "127.0.0.1", "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true",
                            **(env or {})})
    assert (p.returncode != 0) == fails, p.stderr + p.stdout
    assert SECRET not in p.stderr + p.stdout
    return p.stderr if fails else p.stdout.split("\n")[1:-1]


def lake(s):
    for year in (2023, 2024):
        for i in range(3):
            s.put("lake", f"t/year={year}/part {i}.csv", f"{year},{i}\n".encode())
    s.put("lake", "t/_SUCCESS", b"")
    s.put("lake", "t/_temporary/0/x.csv", b"bad\n")
    s.put("lake", "t/year=2023/.hidden.csv", b"bad\n")
    s.put("lake", "t/", b"")


# ---- reading


def test_a_folder_with_partitions_page_by_page():
    with StandIn(page=2) as s:
        lake(s)
        assert run("SELECT year, count(*), sum(cast(_c1 AS int)) FROM csv.`s3a://lake/t` GROUP BY year ORDER BY year",
                   *options(s)) == ["2023,3,3", "2024,3,3"]


@pytest.mark.parametrize("path, n", [("s3a://lake/t/year=2023", 3), ("s3://lake/t/*/part ?.csv", 6),
                                     ("s3a://lake/t/year=202{3,4}/part [01].csv", 4), ("s3a://lake/t/year=*", 6),
                                     ("s3a://lake/t/year=2023/part 1.csv", 1), ("s3a://lake/{t/year=2024,none}/*", 3)])
def test_globs(path, n):
    with StandIn() as s:
        lake(s)
        assert run(f"SELECT count(*) FROM csv.`{path}`", *options(s)) == [str(n)]


def test_odd_keys():
    with StandIn() as s:
        for i, key in enumerate(["a b", "a+b", "ä-ö.txt", "x&<y>\"'", "q?#%20", "~!(*)"]):
            s.put("lake", "odd/" + key, f"{i}\n".encode())
        assert run("SELECT value FROM text.`s3a://lake/odd` ORDER BY value", *options(s)) == list("012345")


def test_a_server_that_does_not_encode_keys():
    with StandIn() as s:
        s.encodes = False
        for i, key in enumerate(["a+b", "a%20b", "%zz"]):
            s.put("lake", "odd/" + key, f"{i}\n".encode())
        assert run("SELECT value FROM text.`s3a://lake/odd` ORDER BY value", *options(s)) == list("012")


def test_what_is_not_there():
    with StandIn() as s:
        said = run("SELECT * FROM csv.`s3a://lake/none`", *options(s), fails=True)
        assert "PATH_NOT_FOUND" in said and "s3a://lake/none" in said
        said = run("SELECT * FROM csv.`s3a://void/x`", *options(s), fails=True)
        assert "NoSuchBucket" in said and "R42" in said and "s3a://void/x" in said
        assert "PATH_NOT_FOUND" in run("SELECT * FROM csv.`s3a://lake/none*`", *options(s), fails=True)


def test_the_name_of_a_file():
    with StandIn() as s:
        s.put("lake", "a.csv", b"1\n")
        assert run("SELECT input_file_name(), _metadata.file_name FROM csv.`s3a://lake/a.csv`", *options(s)) == \
            ["s3a://lake/a.csv,a.csv"]


def test_cut_and_changed_objects():
    with StandIn() as s:
        s.put("lake", "a.txt", b"0123456789\n" * 400000)
        s.fail("GET /lake/a.txt", times=2, cut=300000)
        assert run("SELECT count(*) FROM text.`s3a://lake/a.txt`", *options(s)) == ["400000"]
        s.fail("GET /lake/a.txt", change=True)
        said = run("SELECT count(*) FROM text.`s3a://lake/a.txt`", *options(s), fails=True)
        assert "s3a://lake/a.txt" in said and "was changed while it was read" in said


def test_a_column_is_read_and_not_the_file():
    with StandIn() as s:
        columns = ", ".join(f"xxhash64(id, {i}) AS c{i}" for i in range(12))
        run(f"INSERT OVERWRITE DIRECTORY 's3a://lake/wide' USING parquet OPTIONS ('compression' 'none') "
            f"SELECT {columns} FROM range(300000)", "--threads", "1", *options(s))
        size = sum(len(s.buckets["lake"][k].data) for k in s.keys())
        s.headers.clear()
        assert run("SELECT count(DISTINCT c5) FROM parquet.`s3a://lake/wide`", *options(s)) == ["300000"]
        ranges = [h["Range"][6:].split("-") for h in s.headers if "Range" in h]
        assert size > 28e6 and sum(int(b) - int(a) + 1 for a, b in ranges) < size / 2


@pytest.mark.parametrize("key, value", [("multipart.size", "1K"), ("connection.ssl.enabled", "maybe"),
                                        ("attempts.maximum", "many"), ("endpoint", "ftp://x"),
                                        ("aws.credentials.provider", "com.example.Mine")])
def test_settings_that_make_no_sense(key, value):
    said = run("SELECT * FROM csv.`s3a://lake/a`", "--set", f"fs.s3a.{key}={value}", fails=True)
    assert "INVALID_OPTION_VALUE" in said and key in said


def spread(seed, n):
    """Records of many lengths, so that some lie across blocks of 1 MiB, and a few are longer than a block has room before it."""
    state, out = seed, []
    for i in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        length = 5 + (state >> 40) % 400 if i % 1500 else 50_000 + (state >> 40) % 90_000
        out.append((i, ("%x" % state * (length // 8 + 2))[:length]))
    return out


ACROSS = "SELECT count(*), sum(length({0})), sum(crc32({0})), max(length({0})) FROM {1}"


@pytest.mark.parametrize("threads", ["1", "3"])
def test_records_across_blocks(tmp_path, threads):
    files = {
        "csv": "".join(f"{i},{t}\n" for i, t in spread(1, 20_000)),
        "quoted.csv": "".join(f'{i},"{t}\n,{t[:9]}"\r\n' for i, t in spread(2, 15_000)),
        "json": "".join('{"i": %d, "t": "%s"}\n' % row for row in spread(3, 15_000)),
        "txt": "\n".join(t for _, t in spread(4, 15_000))}
    reads = {"csv": ACROSS.format("_c1", "csv.`{}`"), "json": ACROSS.format("t", "json.`{}`"),
             "quoted.csv": "CREATE TEMP VIEW v USING csv OPTIONS (path '{}', multiLine 'true'); " + ACROSS.format("_c1", "v"),
             "txt": ACROSS.format("value", "text.`{}`")}
    with StandIn() as s:
        for name, text in files.items():
            assert len(text) > 3 << 20
            (tmp_path / f"a.{name}").write_text(text, newline="")
            s.put("lake", f"a.{name}", text.encode())
        for name, sql in reads.items():
            local = run(sql.format(tmp_path / f"a.{name}"), "--threads", threads)
            assert run(sql.format(f"s3a://lake/a.{name}"), "--threads", threads, *options(s)) == local
            assert run(sql.format(f"{s.url}/lake/a.{name}"), "--threads", threads) == local
        # Text that is kept keeps what it lies in: more of it than blocks may have memory.
        sql = "SELECT sum(crc32(_c1) * n % 1000003) FROM (SELECT _c1, row_number() OVER (ORDER BY _c1) AS n FROM csv.`{}`)"
        local = run(sql.format(tmp_path / "a.csv"), "--threads", threads)
        assert run(sql.format("s3a://lake/a.csv"), "--threads", threads, "--memory", "48M", *options(s)) == local


@pytest.mark.parametrize("compression", ["uncompressed", "snappy"])
def test_pages_across_blocks(tmp_path, compression):
    run(f"INSERT OVERWRITE DIRECTORY '{tmp_path}/p' USING parquet OPTIONS (compression '{compression}') "
        "SELECT id, repeat(sha2(cast(id AS string), 256), 3) AS t, id * 7919 % 1000003 AS k FROM range(40000)", "--threads", "1")
    sql = "SELECT count(*), sum(id), sum(crc32(t)), sum(k), max(t) FROM parquet.`{0}`; SELECT sum(k) FROM parquet.`{0}` WHERE id % 9999 = 7"
    with StandIn() as s:
        for file in (tmp_path / "p").glob("*.parquet"):
            s.put("lake", f"p/{file.name}", file.read_bytes())
        for threads in "1", "3":
            assert run(sql.format("s3a://lake/p"), "--threads", threads, *options(s)) == run(sql.format(tmp_path / "p"))


# ---- who asks


def test_keys_of_the_environment_and_of_a_profile(tmp_path):
    with StandIn(region="eu-west-9") as s:
        s.put("lake", "a.csv", b"1\n")
        sql = "SELECT * FROM csv.`s3a://lake/a.csv`"
        keys = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "eu-west-9",
                "AWS_ENDPOINT_URL": s.url}
        assert run(sql, env=keys) == ["1"]
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws/credentials").write_text(
            f"[default]\naws_access_key_id=x\n[it]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n")
        (tmp_path / ".aws/config").write_text(f"[profile it]\nregion = eu-west-9\nendpoint_url = {s.url}\n")
        assert run(sql, env={"HOME": str(tmp_path), "AWS_PROFILE": "it"}) == ["1"]


def role(token, seconds):
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    return f'{{"Code": "Success", "AccessKeyId": "{ACCESS}", "SecretAccessKey": "{SECRET}", "Token": "{token}", ' \
           f'"Expiration": "{when}"}}'


def test_roles_of_a_machine_and_of_a_container():
    with StandIn() as s:
        s.put("lake", "a.csv", b"1\n")
        s.token = "temporary"
        s.pages["/latest/api/token"] = "imds"
        s.pages["/latest/meta-data/iam/security-credentials/"] = "reader"
        s.pages["/latest/meta-data/iam/security-credentials/reader"] = lambda h: role(
            "temporary" if h.headers["X-aws-ec2-metadata-token"] == "imds" else "wrong", 3600)
        s.pages["/container"] = lambda h: role("temporary" if h.headers["Authorization"] == "hush" else "wrong", 3600)
        sql = "SELECT * FROM csv.`s3a://lake/a.csv`"
        at = ["--set", f"spark.hadoop.fs.s3a.endpoint={s.url}"]
        assert run(sql, *at, env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": s.url, "AWS_EC2_METADATA_DISABLED": "false"}) == ["1"]
        assert s.count("PUT /latest/api/token") == 1
        assert run(sql, *at, env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.url + "/container",
                                  "AWS_CONTAINER_AUTHORIZATION_TOKEN": "hush"}) == ["1"]


SESSION = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
  <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/reader/me</Arn></AssumedRoleUser>
  <Credentials><AccessKeyId>{ACCESS}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>temporary</SessionToken>
  <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def config(tmp_path, text):
    (tmp_path / ".aws").mkdir(exist_ok=True)
    (tmp_path / ".aws/config").write_text(text)


def test_a_profile_that_assumes_a_role(tmp_path):
    with StandIn() as s:
        asked = []

        def sts(h):
            fields = dict(urllib.parse.parse_qsl(h.body.decode()))
            scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", h.headers["Authorization"])
            asked.append((fields["RoleArn"], fields.get("ExternalId"), fields["RoleSessionName"], *scope.groups(),
                          h.headers.get("x-amz-security-token")))
            return SESSION
        s.put("lake", "a.csv", b"1\n" * 400_000)
        s.token = "temporary"
        s.pages["/"] = sts
        config(tmp_path, f"""
[profile first]
aws_access_key_id = FIRST
aws_secret_access_key = hush
[profile second]
role_arn = arn:aws:iam::1:role/second
source_profile = first
role_session_name = me
[profile third]
role_arn = arn:aws:iam::1:role/third
source_profile = second
external_id = a+b c
region = eu-west-9
endpoint_url = {s.url}
""")
        s.region = "eu-west-9"
        env = {"HOME": str(tmp_path), "AWS_PROFILE": "third", "AWS_ENDPOINT_URL_S3": s.url}
        assert run("SELECT count(*) FROM csv.`s3a://lake/a.csv`", env=env) == ["400000"]
        second, third = asked  # once each, for all requests
        assert second == ("arn:aws:iam::1:role/second", None, "me", "FIRST", "eu-west-9", "sts", None)
        assert third[:2] + third[3:] == ("arn:aws:iam::1:role/third", "a+b c", ACCESS, "eu-west-9", "sts", "temporary")
        s.pages["/"] = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
        said = run("SELECT * FROM csv.`s3a://lake/a.csv`", env=env, fails=True)
        assert "'second'" in said and "arn:aws:iam::1:role/second" in said and "AccessDenied: not you" in said


def test_a_profile_that_asks_a_program(tmp_path):
    with StandIn() as s:
        s.put("lake", "a.csv", b"1\n" * 400_000)
        s.token = "temporary"
        keys = f'{{"Version": 1, "AccessKeyId": "{ACCESS}", "SecretAccessKey": "{SECRET}", "SessionToken": "temporary"}}'
        (tmp_path / "keys.json").write_text(keys)
        program = f"echo asked >>{tmp_path}/log; cat {tmp_path}/keys.json"
        env = {"HOME": str(tmp_path), "AWS_ENDPOINT_URL": s.url}
        config(tmp_path, f"[default]\ncredential_process = {program}\n")
        assert run("SELECT count(*) FROM csv.`s3a://lake/a.csv`", env=env) == ["400000"]
        assert (tmp_path / "log").read_text() == "asked\n"
        for program, told in ("exit 3", "exit code 3"), ("echo {}", "prints no keys"), ("echo '{\"AccessKeyId\": 1'", "prints no keys"), \
                ("yes", "does not end"):
            config(tmp_path, f"[default]\ncredential_process = {program}\n")
            said = run("SELECT * FROM csv.`s3a://lake/a.csv`", env=env, fails=True)
            assert "the profile 'default'" in said and told in said


@pytest.mark.parametrize("text, told", [
    ("[default]\nsso_session = work\n", "signs in by SSO"),
    ("[default]\nrole_arn = arn:r\nsource_profile = default\n", "'default', which has no keys"),
    ("[default]\nrole_arn = arn:r\nsource_profile = none\n", "'none', which has no keys"),
    ("[default]\nrole_arn = arn:r\nsource_profile = b\n[profile b]\nrole_arn = arn:s\nsource_profile = default\n", "its own source"),
    ("[default]\nrole_arn = arn:r\n", "neither source_profile nor credential_source"),
    ("[default]\nrole_arn = arn:r\ncredential_source = Moon\n", "not known: Moon"),
    ("[default]\nrole_arn = arn:r\ncredential_source = Environment\n", "Environment, which has no keys"),
    ("[default]\nrole_arn = arn:r\nmfa_serial = 1\nsource_profile = a\n", "mfa_serial"),
    ("[default]\nrole_arn = arn:r\nweb_identity_token_file = f\n", "web_identity_token_file")])
def test_profiles_that_cannot_be_used(tmp_path, text, told):
    config(tmp_path, text)
    said = run("SELECT * FROM csv.`s3a://lake/a.csv`", env={"HOME": str(tmp_path), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, fails=True)
    assert "the profile 'default'" in said or "the profile 'b'" in said
    assert told in said


def test_nobody_and_anonymous():
    with StandIn(anonymous=True) as s:
        s.put("lake", "a.csv", b"1\n")
        at = ["--set", f"fs.s3a.endpoint={s.url}"]
        said = run("SELECT * FROM csv.`s3a://lake/a.csv`", *at, fails=True)
        assert "there are no credentials" in said
        anonymous = "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider"
        assert run("SELECT * FROM csv.`s3a://lake/a.csv`", *at, "--set",
                   f"fs.s3a.aws.credentials.provider={anonymous}") == ["1"]
        assert run("SELECT * FROM csv.`s3a://lake/*`", *at, "--set",
                   f"fs.s3a.bucket.lake.aws.credentials.provider={anonymous}") == ["1"]
        assert all("Authorization" not in h for h in s.headers)


def test_wrong_keys_and_old_tokens():
    with StandIn() as s:
        s.put("lake", "a.csv", b"1\n")
        sql = "SELECT * FROM csv.`s3a://lake/*`"
        assert "InvalidAccessKeyId" in run(sql, *options(s, **{"access.key": "AKIDOTHER"}), fails=True)
        assert "SignatureDoesNotMatch" in run(sql, *options(s, **{"secret.key": "other"}), fails=True)
        s.token = "new"
        said = run(sql, *options(s, **{"session.token": "old"}), fails=True)
        assert "ExpiredToken" in said and "R42" in said
        s.fail("GET", status=403, code="AccessDenied")
        said = run(sql, *options(s), fails=True)
        assert "AccessDenied" in said and "s3a://lake" in said


def test_the_region_is_found_out_once():
    with StandIn(region="ap-south-7") as s:
        for i in range(5):
            s.put("lake", f"t/{i}.csv", b"1\n")
        assert run("SELECT count(*) FROM csv.`s3a://lake/t/*`", *options(s)) == ["5"]
        wrong = sum("/us-east-1/" in h.get("Authorization", "") for h in s.headers)
        assert wrong == 1


def test_slow_down_is_obeyed():
    with StandIn() as s:
        s.put("lake", "a.csv", b"1\n")
        s.fail("GET", status=503, code="SlowDown", times=2)
        assert run("SELECT * FROM csv.`s3a://lake/a.csv`", *options(s)) == ["1"]


def test_settings_are_redacted():
    key = ["--set", f"fs.s3a.secret.key={SECRET}"]  # run() looks for it in what is printed
    assert run("SET", *key) == run("SET fs.s3a.secret.key", *key) == ["fs.s3a.secret.key,*********(redacted)"]


# ---- writing

WRITE = "INSERT OVERWRITE DIRECTORY '{}' USING {} SELECT id, id % 3 AS k FROM range({})"


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_what_is_written_is_read_again(kind):
    with StandIn() as s:
        run(WRITE.format("s3a://lake/out", kind, 1000), *options(s))
        assert "out/_SUCCESS" in s.keys() and not s.uploads
        assert run(f"SELECT count(*) FROM {kind}.`s3a://lake/out`", *options(s)) == ["1000"]


def test_overwriting_replaces_all():
    with StandIn() as s:
        s.put("lake", "out/old.csv", b"9\n")
        s.put("lake", "outer/keep.csv", b"9\n")
        run(WRITE.format("s3a://lake/out/", "csv", 10), *options(s))
        assert "out/old.csv" not in s.keys() and "outer/keep.csv" in s.keys()
        assert run("SELECT count(*) FROM csv.`s3a://lake/out`", *options(s)) == ["10"]


def test_many_parts_with_little_memory():
    with StandIn() as s:
        run("INSERT OVERWRITE DIRECTORY 's3a://lake/big' USING csv "
            "SELECT id, repeat('x', 200) FROM range(300000)", "--memory", "64M", "--threads", "1", *options(s))
        assert s.count("PUT /lake/big/part") >= 7
        assert run("SELECT count(*), min(length(_c1)) FROM csv.`s3a://lake/big`", "--memory", "64M", *options(s)) == \
            ["300000,200"]


def test_a_run_that_fails_leaves_nothing():
    with StandIn() as s:
        s.put("lake", "out/old.csv", b"9\n")
        said = run("INSERT OVERWRITE DIRECTORY 's3a://lake/out' USING csv SELECT id, 1 / (id - 250000), repeat('x', 200) "
                   "FROM range(300000)", *options(s), fails=True)
        assert "DIVIDE_BY_ZERO" in said
        assert s.keys() == ["out/old.csv"] and not s.uploads


@pytest.mark.parametrize("begins, times, how", [
    ("POST /lake/out", 1, {"status": 503}), ("PUT /lake/out", 2, {"status": 500}), ("PUT /lake/out", 1, {"cut": -1}),
    ("POST /lake/out", 1, {"cut": -1})])
def test_a_write_goes_on_after(begins, times, how):
    with StandIn() as s:
        s.fail(begins, times=times, **how)
        run(WRITE.format("s3a://lake/out", "csv", 1000), *options(s))
        assert run("SELECT count(*) FROM csv.`s3a://lake/out`", *options(s)) == ["1000"]


def test_an_answer_that_is_lost():
    with StandIn() as s:
        run("SELECT 1")
        s.faults = []
        for key in ("POST /lake/out/",):
            s.fail(key, times=1)          # the upload is begun
            s.fail(key, times=1, lost=True)
        run(WRITE.format("s3a://lake/out", "csv", 1000), "--threads", "1", *options(s))
        assert run("SELECT count(*) FROM csv.`s3a://lake/out`", *options(s)) == ["1000"]


def test_a_commit_that_fails_is_taken_back():
    with StandIn() as s:
        s.put("lake", "out/old.csv", b"9\n")
        s.fail("POST /lake/out/part-00001", times=1)
        s.fail("POST /lake/out/part-00001", times=-1, status=403, code="AccessDenied")
        said = run("INSERT OVERWRITE DIRECTORY 's3a://lake/out' USING csv "
                   "SELECT /*+ REPARTITION(3) */ id FROM range(10000)", "--threads", "2", *options(s), fails=True)
        assert "AccessDenied" in said and "part-00001" in said
        assert s.keys() == ["out/old.csv"] and not s.uploads


def test_a_server_that_is_gone_is_not_asked_for_each_upload():
    with StandIn() as s:
        s.fail("POST /lake/out/part", times=6)
        s.fail("POST /lake/out/part", times=-1, status=403, code="AccessDenied")
        s.fail("DELETE", times=-1, cut=-1)
        run("INSERT OVERWRITE DIRECTORY 's3a://lake/out' USING csv SELECT /*+ REPARTITION(6) */ id FROM range(10000)",
            "--threads", "2", *options(s), fails=True)
        assert len(s.uploads) == 6 and 3 <= s.count("DELETE") <= 6  # libcurl, too, tries again


def test_uploads_of_a_killed_process_are_aborted():
    with StandIn(page=3) as s:
        for i in range(7):
            s.uploads[f"dead{i}"] = ("lake", f"out/part-{i}", {})
        s.uploads["other"] = ("lake", "outer/part-0", {})
        run(WRITE.format("s3a://lake/out", "csv", 10), *options(s))
        assert list(s.uploads) == ["other"]


def test_an_upload_that_somebody_aborts():
    with StandIn() as s:
        s.fail("POST /lake/out/", times=1)
        s.fail("POST /lake/out/", times=1, status=404, code="NoSuchUpload")
        said = run(WRITE.format("s3a://lake/out", "csv", 10), "--threads", "1", *options(s), fails=True)
        assert "NoSuchUpload" in said and "somebody has aborted" in said and not s.keys()


def test_what_new_objects_are_to_be():
    with StandIn() as s:
        wishes = {"encryption.algorithm": "SSE-KMS", "encryption.key": "arn:aws:kms:key/1",
                  "create.storage.class": "standard_ia", "acl.default": "BucketOwnerFullControl"}
        run(WRITE.format("s3a://lake/out", "csv", 10), *options(s, **wishes))
        new = [h for line, h in zip(s.log, s.headers) if line.startswith(("PUT /lake/out/_SUCCESS", "POST /lake/out/"))
               and "uploadId" not in line]
        assert new and all((h["x-amz-server-side-encryption"], h["x-amz-server-side-encryption-aws-kms-key-id"],
                            h["x-amz-storage-class"], h["x-amz-acl"]) ==
                           ("aws:kms", "arn:aws:kms:key/1", "STANDARD_IA", "bucket-owner-full-control") for h in new)
        assert run("SELECT count(*) FROM csv.`s3a://lake/out`", *options(s, **wishes)) == ["10"]


@pytest.mark.parametrize("key, value", [("encryption.algorithm", "CSE-KMS"), ("server-side-encryption.key", "k"),
                                        ("requester.pays.enabled", "true"), ("proxy.host", "p"), ("acl.default", "Everybody")])
def test_wishes_that_nothing_obeys(key, value):
    said = run("SELECT * FROM csv.`s3a://lake/a`", "--set", f"fs.s3a.{key}={value}", fails=True)
    assert f"fs.s3a.{key}" in said and ("UNSUPPORTED_FEATURE" in said or "INVALID_OPTION_VALUE" in said)


def test_hidden_errors_of_a_completion():
    with StandIn() as s:
        body = "<?xml version='1.0'?>\n<Error><Code>InternalError</Code><Message>again</Message></Error>"
        s.fail("POST /lake/out/", times=1)
        s.fail("POST /lake/out/", times=1, answer=body)
        run(WRITE.format("s3a://lake/out", "csv", 10), "--threads", "1", *options(s))
        assert run("SELECT count(*) FROM csv.`s3a://lake/out`", *options(s)) == ["10"]


def test_answers_that_are_none():
    with StandIn() as s:
        bomb = "<!DOCTYPE x [<!ENTITY a 'b'>]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>"
        for body in (bomb, "", "<ListBucketResult>", "x" * 10000,
                     "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
                     "<ListBucketResult><Contents><Key>a.csv</Key></Contents></ListBucketResult>",
                     "<ListBucketResult><Contents><Key>a.csv</Key><Size>-1</Size></Contents></ListBucketResult>"):
            s.faults = []
            s.fail("GET", times=-1, answer=body)
            assert "no listing" in run("SELECT * FROM csv.`s3a://lake/*`", *options(s), fails=True)
