# SPDX-License-Identifier: Apache-2.0
"""Bytes that no client sends: clear errors, and a server that lives on."""
import os
import random
import socket
import struct
import uuid

import pytest

pytest.importorskip("grpc")
os.environ.setdefault("TZ", "UTC")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"

import grpc  # noqa: E402
import pyspark.sql.connect.proto as pb  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from server import SLOWER, Server, channel, no_hang, request  # noqa: E402, F401


@pytest.fixture(scope="module")
def server():
    s = Server("--memory", "512M")
    yield s
    assert s.stop() == 0


@pytest.fixture(autouse=True)
def lives_on(server):
    yield
    spark = server.session()
    assert spark.range(3).count() == 3
    spark.stop()


@pytest.fixture
def stub(server):
    ch, stub = channel(server, [("grpc.max_send_message_length", -1)])
    yield stub
    ch.close()


def rows(stub, plan, session=None):
    r = request(pb.ExecutePlanRequest, session or str(uuid.uuid4()))
    r.plan.CopyFrom(plan)
    return sum(x.arrow_batch.row_count for x in stub.ExecutePlan(r))


def raw(server, path="ExecutePlan"):
    ch = grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)])
    return ch.unary_stream(f"/spark.connect.SparkConnectService/{path}", lambda b: b, lambda b: b)


def failure(call):
    with pytest.raises(grpc.RpcError) as e:
        call()
    assert e.value.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.OK)
    return e.value.details()


# ---- connections


def connect(server):
    s = socket.create_connection(("127.0.0.1", server.port), 10)
    s.settimeout(10)
    return s


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.mark.parametrize("text", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                  b"\0" * 1000, PREFACE[:10] + b"?" * 100])
def test_what_is_not_http2_is_shown_the_door(server, text):
    with connect(server) as s:
        s.sendall(text)
        while True:  # what the server says first, and then the end
            try:
                if not s.recv(65536):
                    break
            except ConnectionResetError:
                break


def test_garbage_frames(server):
    choose = random.Random(7)
    for _ in range(200):
        with connect(server) as s:
            n = choose.randrange(1, 400)
            kind, flags, stream = choose.randrange(12), choose.randrange(256), choose.randrange(8)
            try:
                s.sendall(PREFACE + struct.pack(">BHBBI", 0, 0, 4, 0, 0) +
                          struct.pack(">BHBBI", 0, n, kind, flags, stream) + choose.randbytes(n))
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass


def test_half_open_connections_cost_little(server):
    before = server.rss()
    held = [connect(server) for _ in range(300)]
    for i, s in enumerate(held):
        if i % 2:
            s.sendall(PREFACE + struct.pack(">BHBBI", 0, 0, 4, 0, 0))
    spark = server.session()
    assert spark.range(10).count() == 10
    spark.stop()
    assert server.rss() - before < 100 << 20
    for s in held:  # without a word
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


# ---- messages


def test_bytes_that_are_no_message(server):
    call = raw(server)
    choose = random.Random(3)
    good = request(pb.ExecutePlanRequest, str(uuid.uuid4()), sql="select 1").SerializeToString()
    for i in range(100):
        text = choose.randbytes(choose.randrange(200)) if i % 2 else bytearray(good)
        if i % 2 == 0:
            for _ in range(choose.randrange(1, 4)):
                text[choose.randrange(len(text))] = choose.randrange(256)
        try:
            list(call(bytes(text), timeout=20))
        except grpc.RpcError as e:
            assert e.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), e
    for n in range(len(good)):
        try:
            list(call(good[:n], timeout=20))
        except grpc.RpcError as e:
            assert e.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), e


def test_a_message_that_is_too_large(server):
    before = server.rss()
    assert "larger than the server takes" in failure(lambda: list(raw(server)(b"\x0a" + b"x" * (129 << 20))))
    assert server.rss() - before < 64 << 20


def test_compressed_plans_that_are_damaged(stub):
    import zstandard
    relation = pb.Relation()
    relation.range.end, relation.range.step = 5, 1
    good = zstandard.ZstdCompressor().compress(relation.SerializeToString() + b"")

    def plan(data, codec=pb.COMPRESSION_CODEC_ZSTD):
        p = pb.Plan()
        p.compressed_operation.data = data
        p.compressed_operation.op_type = pb.Plan.CompressedOperation.OP_TYPE_RELATION
        p.compressed_operation.compression_codec = codec
        return p

    assert rows(stub, plan(good)) == 5
    for n in range(len(good)):
        assert "CompressedOperation" in failure(lambda n=n: rows(stub, plan(good[:n])))
    assert "zstd" in failure(lambda: rows(stub, plan(good, pb.COMPRESSION_CODEC_UNSPECIFIED)))
    bomb = zstandard.ZstdCompressor().compress(b"\0" * (300 << 20))
    assert "too large" in failure(lambda: rows(stub, plan(bomb)))


# ---- plans


def test_models_are_refused_by_a_status_alone(stub):
    """
    The client's last call at its exit is clean_cache. With rows or a "complete" before the status, its thread for events may still
    be at work on the status when the interpreter ends, and the client never does (grpcio 1.85).
    """
    p = pb.Plan()
    p.command.ml_command.clean_cache.SetInParent()
    r = request(pb.ExecutePlanRequest, str(uuid.uuid4()))
    r.plan.CopyFrom(p)
    assert "pyspark.ml" in failure(lambda: next(stub.ExecutePlan(r)))


def nested(n, wrap):
    """n relations, each around the one before; made from the inside as bytes, since protobuf would copy each time."""
    inner = pb.Relation()
    inner.range.end, inner.range.step = 1, 1
    text = inner.SerializeToString()
    for _ in range(n):
        text = wrap(text)
    return text


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, text):
    return varint(number << 3 | 2) + varint(len(text)) + text


def number_of(message, name):
    return message.DESCRIPTOR.fields_by_name[name].number


def run_bytes(server, relation):
    head = request(pb.ExecutePlanRequest, str(uuid.uuid4())).SerializeToString()
    plan = field(number_of(pb.Plan, "root"), relation)
    return list(raw(server)(head + field(number_of(pb.ExecutePlanRequest, "plan"), plan)))


@pytest.mark.parametrize("n", [400, 900])
def test_deep_plans_run(server, n):
    limit = lambda r: field(number_of(pb.Relation, "limit"),  # noqa: E731
                            field(number_of(pb.Limit, "input"), r) + b"\x10\x09")
    assert len(run_bytes(server, nested(n, limit))) > 1


def test_plans_that_are_too_deep(server):
    limit = lambda r: field(number_of(pb.Relation, "limit"),  # noqa: E731
                            field(number_of(pb.Limit, "input"), r) + b"\x10\x09")
    union = lambda r: field(number_of(pb.Relation, "set_op"),  # noqa: E731
                            field(number_of(pb.SetOperation, "left_input"), r) +
                            field(number_of(pb.SetOperation, "right_input"), field(number_of(pb.Relation, "range"),
                                                                                    b"\x10\x01\x18\x01")) + b"\x18\x03")
    for wrap, n in ((limit, 5000), (union, 5000), (limit, 20000)):
        assert "nested too deeply" in failure(lambda w=wrap, n=n: run_bytes(server, nested(n, w)))


def test_expressions_that_are_too_deep(server, stub):
    def deep(n):
        e = pb.Expression()
        e.literal.integer = 1
        text = e.SerializeToString()
        name = pb.Expression.UnresolvedFunction(function_name="negative").SerializeToString()
        for _ in range(n):
            text = field(number_of(pb.Expression, "unresolved_function"),
                         name + field(number_of(pb.Expression.UnresolvedFunction, "arguments"), text))
        project = field(number_of(pb.Project, "expressions"), text)
        return field(number_of(pb.Relation, "project"), project)

    assert len(run_bytes(server, deep(300))) > 1
    assert "nested too deeply" in failure(lambda: run_bytes(server, deep(10000)))


def test_wide_plans(server):
    """Many nodes beside each other, and in one chain of withColumn."""
    spark = server.session()
    df = spark.range(1)
    assert len(df.select(*[(F.col("id") + i).alias(f"c{i}") for i in range(2000)]).columns) == 2000
    assert df.where(F.col("id").isin(list(range(5000)))).count() == 1
    for i in range(100):
        df = df.withColumn(f"c{i}", F.col("id") + i)
    assert df.select(F.col("c99")).collect()[0][0] == 99
    spark.stop()


def call(name, *args):
    head = pb.Expression.UnresolvedFunction(function_name=name).SerializeToString()
    each = number_of(pb.Expression.UnresolvedFunction, "arguments")
    return field(number_of(pb.Expression, "unresolved_function"), head + b"".join(field(each, a) for a in args))


def literal(i):
    return pb.Expression(literal=pb.Expression.Literal(integer=i)).SerializeToString()


def named(expression, name):
    return field(number_of(pb.Expression, "alias"), field(number_of(pb.Expression.Alias, "expr"), expression) +
                 field(number_of(pb.Expression.Alias, "name"), name.encode()))


def select(expressions, below=None):
    head = b"" if below is None else field(number_of(pb.Project, "input"), below)
    each = number_of(pb.Project, "expressions")
    return field(number_of(pb.Relation, "project"), head + b"".join(field(each, e) for e in expressions))


def union(left, right):
    return field(number_of(pb.Relation, "set_op"), field(number_of(pb.SetOperation, "left_input"), left) +
                 field(number_of(pb.SetOperation, "right_input"), right) + b"\x18\x02\x20\x01")


def two_by_two(parts, join):
    """One of all, in few levels."""
    while len(parts) > 1:
        parts = [join(*parts[i:i + 2]) if i + 1 < len(parts) else parts[i] for i in range(0, len(parts), 2)]
    return parts[0]


MANY = 100_000 // (20 if SLOWER > 1 else 1)
ONE_ROW = pb.Relation(range=pb.Range(end=1, step=1)).SerializeToString()
ID = pb.Expression(unresolved_attribute=pb.Expression.UnresolvedAttribute(unparsed_identifier="id")).SerializeToString()
LARGE = {
    "union": (MANY, lambda: two_by_two([ONE_ROW] * MANY, union)),
    "union of projects": (MANY, lambda: two_by_two([select([named(literal(i), "a")], ONE_ROW) for i in range(MANY)], union)),
    "columns": (1, lambda: select([named(literal(i), f"c{i}") for i in range(MANY)])),
    "sums": (1, lambda: select([named(call("+", ID, literal(i)), f"c{i}") for i in range(MANY)], ONE_ROW)),
    "list": (1, lambda: select([named(call("array", *map(literal, range(MANY))), "a")])),
    "in": (1, lambda: select([named(call("in", ID, *map(literal, range(MANY))), "a")], ONE_ROW)),
    "one sum": (1, lambda: select([named(two_by_two([ID] * MANY, lambda a, b: call("+", a, b)), "a")], ONE_ROW)),
}


@pytest.mark.parametrize("kind", LARGE)
def test_plans_of_a_hundred_thousand_nodes(server, kind):
    """The answer, or an error that says what is too large; and neither the time nor the memory of many more."""
    n, make = LARGE[kind]
    try:
        got = [pb.ExecutePlanResponse.FromString(r) for r in run_bytes(server, make())]
    except grpc.RpcError as e:
        assert e.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED), e.details()
        assert "OUT_OF_MEMORY" in e.details() or "too " in e.details(), e.details()
    else:
        assert sum(r.arrow_batch.row_count for r in got) == n
    assert server.rss() < 1 << 30


def test_sql_that_is_deep(server):
    spark = server.session()
    for text in ("select " + "(" * 20000 + "1" + ")" * 20000, "select " + "not " * 20000 + "true",
                 "select " + "1+" * 50000 + "1", "select 1" + " union all select 1" * 20000):
        try:
            spark.sql(text).collect()
        except Exception as e:  # noqa: BLE001
            assert "UNAVAILABLE" not in str(e), text[:30]
    spark.stop()


def test_plans_that_print_long_ids_are_compared(server):
    """Each "#1" of the printed plan is an id, and told by a number that may take more digits."""
    spark = server.session()
    ids = "".join(f"#{100000 + i}" for i in range(1000)) + "#1" * 200000
    a = spark.range(1).select(F.expr("uuid()"), F.lit(ids))
    assert a.sameSemantics(a)
    spark.stop()


def test_arguments_that_make_no_sense(server):
    spark = server.session()
    for wrong, said in ((lambda: spark.range(10).limit(-1).collect(), "IS_NEGATIVE"),
                        (lambda: spark.range(10).offset(-1).collect(), "IS_NEGATIVE"),
                        (lambda: spark.range(10).sample(2.0).collect(), "Sampling fraction"),
                        (lambda: spark.range(10).sample(-1.0).collect(), "Sampling fraction")):
        with pytest.raises(Exception, match=said):
            wrong()
    spark.stop()
