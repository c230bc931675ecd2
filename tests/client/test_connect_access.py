# SPDX-License-Identifier: Apache-2.0
"""Who may connect, and what a server lets its clients touch: tokens, TLS, --read-only, --allow-path."""
import os
import shutil
import sqlite3
import subprocess
import uuid

import pytest

pytest.importorskip("grpc")
os.environ.setdefault("TZ", "UTC")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"

import grpc  # noqa: E402
import pyspark.sql.connect.proto as pb  # noqa: E402
from pyspark.sql.connect.proto import base_pb2_grpc  # noqa: E402
from server import BINARY, Server, channel, no_hang, request  # noqa: E402, F401


def refused(action, word):
    with pytest.raises(Exception) as e:
        action()
    assert word in str(e.value), e.value


# ---- tokens


@pytest.mark.parametrize("by_environment", [False, True])
def test_a_token_is_asked_for_and_compared_whole(by_environment, monkeypatch):
    if by_environment:
        monkeypatch.setenv("SPARK_CONNECT_AUTHENTICATE_TOKEN", "secret")
    s = Server(*([] if by_environment else ["--token", "secret"]))
    monkeypatch.delenv("SPARK_CONNECT_AUTHENTICATE_TOKEN", raising=False)
    try:
        assert s.session(";token=secret").range(2).count() == 2
        ch, stub = channel(s)
        for sent in (None, "", "Bearer", "Bearer secre", "Bearer secrett", "Bearer Secret", "secret", "Basic secret",
                     "Bearer  secret", "Bearer,secret"):
            with pytest.raises(grpc.RpcError) as e:
                list(stub.ExecutePlan(request(pb.ExecutePlanRequest, str(uuid.uuid4()), sql="select 1"),
                                      metadata=[("authorization", sent)] if sent is not None else []))
            assert e.value.code() == grpc.StatusCode.UNAUTHENTICATED, sent
        assert len(list(stub.ExecutePlan(request(pb.ExecutePlanRequest, str(uuid.uuid4()), sql="select 1"),
                                         metadata=[("authorization", "bearer secret")]))) > 1
        ch.close()
    finally:
        assert s.stop() == 0


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "127.1.example.com"])
def test_other_addresses_need_a_token(address):
    env = {k: v for k, v in os.environ.items() if k != "SPARK_CONNECT_AUTHENTICATE_TOKEN"}
    p = subprocess.run([BINARY, "server", "--port", "0", "--address", address], capture_output=True, text=True,
                       timeout=20, env=env)
    assert p.returncode == 2 and "--token" in p.stderr


# ---- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("tls"))

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key",
            "-out", "ca.pem")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", name + ".key", "-out",
                name + ".csr", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-copy_extensions", "copy", "-out", name + ".pem")
    return folder


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as f:
        return f.read()


def secure(server, credentials):
    ch = grpc.secure_channel(f"localhost:{server.port}", credentials)
    stub = base_pb2_grpc.SparkConnectServiceStub(ch)
    return lambda **kw: list(stub.ExecutePlan(request(pb.ExecutePlanRequest, str(uuid.uuid4()), sql="select 1"), **kw))


def test_tls(certificates, monkeypatch):
    c = certificates
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", c + "/ca.pem")
    s = Server("--tls-cert", c + "/server.pem", "--tls-key", c + "/server.key", "--token", "secret")
    try:
        call = secure(s, grpc.ssl_channel_credentials(read(c, "ca.pem")))
        assert len(call(metadata=[("authorization", "Bearer secret")])) > 1
        with pytest.raises(grpc.RpcError) as e:
            call()
        assert e.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert s.session(";use_ssl=true;token=secret").range(5).count() == 5
        _, plain = channel(s)
        with pytest.raises(grpc.RpcError):
            list(plain.ExecutePlan(request(pb.ExecutePlanRequest, str(uuid.uuid4()), sql="select 1"), timeout=5))
    finally:
        assert s.stop() == 0


def test_client_certificates(certificates):
    c = certificates
    s = Server("--tls-cert", c + "/server.pem", "--tls-key", c + "/server.key", "--tls-client-ca", c + "/ca.pem")
    try:
        known = secure(s, grpc.ssl_channel_credentials(read(c, "ca.pem"), read(c, "client.key"), read(c, "client.pem")))
        assert len(known()) > 1
        unknown = secure(s, grpc.ssl_channel_credentials(read(c, "ca.pem")))
        with pytest.raises(grpc.RpcError) as e:
            unknown(timeout=5)
        assert e.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    finally:
        assert s.stop() == 0


def test_certificate_and_key_belong_together(certificates):
    for args in (["--tls-cert", certificates + "/server.pem"], ["--tls-client-ca", certificates + "/ca.pem"],
                 ["--tls-cert", certificates + "/server.pem", "--tls-key", certificates + "/client.key"]):
        p = subprocess.run([BINARY, "server", "--port", "0", *args], capture_output=True, text=True, timeout=20)
        assert p.returncode in (1, 2) and p.stderr.startswith("error: ")


# ---- --read-only


def test_read_only(tmp_path):
    (tmp_path / "in").mkdir()
    s = Server(cwd=tmp_path)
    spark = s.session()
    spark.range(3).write.parquet(str(tmp_path / "in/p"))
    spark.range(4).write.saveAsTable("t")
    spark.sql("create view v as select id from t where id > 0")
    spark.sql("create function f(x int) returns int return x + 1")
    assert s.stop() == 0

    def tree():
        return sorted(os.path.join(d, f) for d, _, files in os.walk(tmp_path) for f in [""] + files)

    before = tree()
    s = Server("--read-only", cwd=tmp_path)
    try:
        spark = s.session()
        assert spark.read.parquet(str(tmp_path / "in/p")).count() == 3
        assert spark.table("t").count() == 4 and spark.table("v").count() == 3
        assert spark.sql("show tables").count() == 2 and spark.catalog.listDatabases()
        spark.sql("describe extended t").collect()
        assert spark.sql("select f(1) a").collect()[0].a == 2
        spark.range(2).createTempView("mine")
        spark.sql("create temporary view mine2 as select * from mine")
        spark.sql("set spark.sql.ansi.enabled = false")
        spark.sql("use default")
        spark.table("t").cache().count()
        assert spark.sql("select count(*) from mine2 join t using (id)").collect()[0][0] == 2
        for text in ("create table n (a int)", "create table n as select 1 a", "create database d", "drop table t",
                     "drop view v", "insert into t values (9)", "insert overwrite t values (9)", "truncate table t",
                     "alter table t rename to u", "alter table t add columns (b int)", "analyze table t compute statistics",
                     "create or replace view v as select 1", "create view w as select 1",
                     "create function g() return 1", "create or replace function f() return 1", "drop function f", "drop database default cascade",
                     f"insert overwrite directory '{tmp_path}/out' using csv select 1", "msck repair table t",
                     f"set chert.spill.dir = {tmp_path}/spill"):
            with pytest.raises(Exception) as e:
                spark.sql(text).collect()
            if "DROP_DATABASE" not in str(e.value) and "NOT_A_PARTITIONED" not in str(e.value) \
                    and "not supported" not in str(e.value):
                assert "READ_ONLY" in str(e.value), (text, e.value)
        refused(lambda: spark.range(1).write.csv(str(tmp_path / "out")), "READ_ONLY")
        refused(lambda: spark.range(1).write.mode("overwrite").parquet(str(tmp_path / "in/p")), "READ_ONLY")
        refused(lambda: spark.range(1).write.saveAsTable("n"), "READ_ONLY")
        refused(lambda: spark.range(1).writeTo("n").create(), "READ_ONLY")
        refused(lambda: spark.range(1).write.insertInto("t"), "READ_ONLY")
    finally:
        assert s.stop() == 0
    assert tree() == before


# ---- --allow-path


def test_allow_path(tmp_path):
    home, one, two, secret = (tmp_path / n for n in ("home", "one", "two", "secret"))
    for folder in (home, one, two, secret, tmp_path / "one-more"):
        folder.mkdir()
    for folder in (one, two, secret, tmp_path / "one-more"):
        (folder / "a.csv").write_text("1\n")
    os.symlink(secret, one / "link")
    os.symlink(secret / "a.csv", one / "file_link.csv")
    os.symlink(secret / "none", one / "dangling")
    os.symlink(two, one / "good_link")
    (one / "mixed").mkdir()
    (one / "mixed/a.csv").write_text("1\n")
    os.symlink(secret / "a.csv", one / "mixed/b.csv")
    (one / "deep").mkdir()
    os.symlink(secret, one / "deep/sub")
    s = Server("--allow-path", str(one), "--allow-path", str(two), cwd=home)
    try:
        spark = s.session()

        def count(path):
            return spark.read.csv(str(path)).count()

        for good in (one / "a.csv", f"file:{one}/a.csv", f"file://{two}/a.csv", one / "../two/a.csv", one / "good_link",
                     "../one/a.csv", f"{one}/[a].csv", f"{one}//a.csv"):
            assert count(good) == 1, good
        for bad in (secret, secret / "a.csv", secret / "none", one / "link", one / "link/a.csv", one / "file_link.csv",
                    one / "../secret", f"{one}/good_link/../../secret/a.csv", f"{one}/./../secret/a.csv",
                    "../secret/a.csv", f"{tmp_path}/*/a.csv", f"{one}/../secre?/a.csv", f"file:{one}/../secret",
                    tmp_path / "one-more/a.csv", tmp_path, "/", "/etc/passwd", "/proc/self/environ", one / "mixed",
                    one / "none/../../secret/a.csv", f"{{{one},{secret}}}/a.csv", f"{secret}/*.csv", f"{secret}/none*",
                    f"{tmp_path}/none*/x", f"{one}/deep/*/a.csv", f"{one}/deep/*/none*", f"{one}/*/../../secret/a*",
                    f"{one}/link/n*", "/home/*", "/nowhere/*"):
            refused(lambda bad=bad: count(bad), "PATH_NOT_ALLOWED")
        refused(lambda: spark.read.option("recursiveFileLookup", True).csv(str(one / "deep")).count(), "PATH_NOT_ALLOWED")
        refused(lambda: count(one / "none.csv"), "PATH_NOT_FOUND")
        refused(lambda: count(one / "none*.csv"), "PATH_NOT_FOUND")
        assert count(f"{one}/{{a,none}}.c?v") == 1 and count(f"{one}/../{{one,two}}/a.*") == 2
        for kind in ("text", "json", "parquet"):
            refused(lambda kind=kind: spark.read.format(kind).load(str(secret / "a.csv")).count(), "PATH_NOT_ALLOWED")
        refused(lambda: spark.sql(f"select * from csv.`{secret}/a.csv`").count(), "PATH_NOT_ALLOWED")

        def write(path, mode="overwrite"):
            spark.range(2).write.mode(mode).csv(str(path))

        write(one / "out")
        assert count(one / "out") == 2
        write(two / "deeper/out")
        write(one / "good_link/linked")
        assert (two / "linked").is_dir()
        for bad in (secret / "out", secret, tmp_path / "new", one / "../new", one / "link", one / "link/x", one / "dangling",
                    one / "dangling/x", "/new", one / "none/../../x", "../new"):
            for mode in ("overwrite", "append", "error", "ignore"):
                refused(lambda bad=bad, mode=mode: write(bad, mode), "PATH_NOT_ALLOWED")
        # The catalog is allowed, tables elsewhere are not.
        spark.range(3).write.saveAsTable("t")
        assert spark.table("t").count() == 3 and (home / "spark-warehouse/t").is_dir()
        spark.sql(f"create table inside (id int) using csv location '{one}/t'")
        for text in (f"create table x (a int) using csv location '{secret}'", f"create database d location '{secret}/d'",
                     f"alter table inside set location '{secret}'", f"set chert.spill.dir = {secret}/spill",
                     f"insert overwrite directory '{secret}/o' using csv select 1"):
            refused(lambda text=text: spark.sql(text).collect(), "PATH_NOT_ALLOWED")
        spark.conf.set("spark.sql.shuffle.partitions", "3")
        refused(lambda: spark.conf.set("chert.spill.dir", str(secret)), "PATH_NOT_ALLOWED")
        assert sorted(os.listdir(secret)) == ["a.csv"]
        assert sorted(os.listdir(tmp_path)) == ["home", "one", "one-more", "secret", "two"]
    finally:
        assert s.stop() == 0


def test_allow_path_wants_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "none"):
        p = subprocess.run([BINARY, "server", "--port", "0", "--allow-path", str(path)], capture_output=True, text=True,
                           timeout=20)
        assert p.returncode == (2 if path.name == "file" else 1) and str(path) in p.stderr


def test_functions_in_python_are_refused_where_something_is_forbidden():
    from pyspark.sql import functions as F
    s = Server("--read-only")
    try:
        spark = s.session()
        refused(spark.range(1).select(F.udf(lambda x: x, "bigint")("id")).collect, "--read-only")
    finally:
        assert s.stop() == 0


# ---- --allow-native-functions


MASK = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "examples/functions/libmask.so")


def load(spark, path, name="mask_card"):
    return spark.sql(f"create or replace temporary function {name} as 'mask_card' using file '{path}'").collect()


@pytest.mark.parametrize("more", [[], ["--read-only"]])
def test_shared_objects_are_not_loaded_for_clients(more):
    s = Server(*more)
    try:
        spark = s.session()
        for path in (MASK, "/nowhere.so", "file:" + MASK):
            refused(lambda path=path: load(spark, path), "NATIVE_FUNCTION_NOT_ALLOWED")
        refused(lambda: spark.sql("select mask_card('a', 1)").collect(), "UNRESOLVED_ROUTINE")
    finally:
        assert s.stop() == 0


def test_shared_objects_are_loaded_from_the_folder_that_was_allowed(tmp_path):
    good, other = tmp_path / "good", tmp_path / "other"
    for folder in (good, other):
        folder.mkdir()
        shutil.copy(MASK, folder / "libmask.so")
    os.symlink(other / "libmask.so", good / "link.so")
    os.symlink(good / "libmask.so", other / "back.so")
    s = Server("--allow-native-functions", str(good), "--allow-path", str(other), cwd=tmp_path)
    try:
        spark = s.session()
        for bad in (other / "libmask.so", good / "link.so", "libmask.so", f"{good}/../other/libmask.so", good / "../none.so",
                    "https://example.org/libmask.so"):
            refused(lambda bad=bad: load(spark, bad), "NATIVE_FUNCTION_NOT_ALLOWED")
        refused(lambda: load(spark, good / "none.so"), "CANNOT_LOAD_FUNCTION_CLASS")
        for path in (good / "libmask.so", f"file:{good}/libmask.so", other / "back.so", "good/libmask.so"):
            load(spark, path)
            assert spark.sql("select mask_card('abcd', 1) m").collect()[0].m == "***d"
        assert spark.catalog.functionExists("mask_card") and spark.catalog.getFunction("MASK_CARD").name == "mask_card"
        assert "mask_card" in [f.name for f in spark.catalog.listFunctions()]
        assert spark.range(3).selectExpr("mask_card(id, 0) m").distinct().count() == 1
        assert not s.session().catalog.functionExists("mask_card")  # it is the session's
        spark.sql("drop temporary function mask_card")
        assert not spark.catalog.functionExists("mask_card")
    finally:
        assert s.stop() == 0


# ---- databases that are files


def sqlite_of(path, *statements):
    connection = sqlite3.connect(path)
    try:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        connection.commit()
        return rows
    finally:
        connection.close()


def read_sqlite(spark, name, **options):
    reader = spark.read.format("jdbc").option("url", f"jdbc:sqlite:{name}").option("dbtable", "t")
    return reader.options(**options).load().collect()


def test_sqlite_reads_no_file_that_is_not_allowed_by_another_name(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        sqlite_of(folder / "x.db", "create table t (a int)", "insert into t values (1)")
    s = Server("--allow-path", str(here), cwd=here)
    try:
        spark = s.session()
        assert len(read_sqlite(spark, "x.db")) == len(read_sqlite(spark, f"file:{here}/x.db")) == 1
        for name in (f"{there}/x.db", f"file:{there}/x.db", f"file:file:{there}/x.db", f"file:file:%2F{there}/x.db"):
            with pytest.raises(Exception, match="PATH_NOT_ALLOWED|file:|unable to open"):
                read_sqlite(spark, name)
        for name in (f"{there}/x.db", f"file:{there}/x.db", "file:%2F" + str(there)[1:] + "/x.db"):
            refused(lambda name=name: read_sqlite(spark, "x.db", sessionInitStatement=f"ATTACH '{name}' AS o"), "not authorized")
    finally:
        assert s.stop() == 0


def test_sqlite_is_not_written_by_a_server_that_only_reads(tmp_path):
    sqlite_of(tmp_path / "x.db", "create table t (a int)", "insert into t values (1)")
    s = Server("--read-only", cwd=tmp_path)
    try:
        spark = s.session()
        assert len(read_sqlite(spark, "x.db?mode=rw")) == 1
        for name in ("x.db", "x.db?mode=rw"):
            refused(lambda name=name: read_sqlite(spark, name, sessionInitStatement="DELETE FROM t"), "readonly")
        assert sqlite_of(tmp_path / "x.db", "select count(*) from t") == [(1,)]
    finally:
        assert s.stop() == 0
