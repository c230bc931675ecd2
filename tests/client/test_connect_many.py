# SPDX-License-Identifier: Apache-2.0
"""Many users at once: none holds up another, slow and lost clients hold nothing, sessions come and go."""
import os
import threading
import time
import uuid
from functools import partial

import pytest

pytest.importorskip("grpc")
os.environ.setdefault("TZ", "UTC")
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"

import pyspark.sql.connect.proto as pb  # noqa: E402
from pyspark.errors import AnalysisException  # noqa: E402
from pyspark.sql import Row, functions as F  # noqa: E402
from server import SLOWER, Server, channel, no_hang, request  # noqa: E402, F401

# An hour of work each: what waits for one of them does not end. The one in a few long morsels, the other in many.
ENDLESS = ["select count(*) from range(40) a join range(1000000000000) b on a.id + b.id < 0",
           "select sum(hash(id)) from range(100000000000)"]
SMALL = "select id % 7 k, count(*) n from range(300000) group by 1 order by 1"


@pytest.fixture(scope="module")
def server():
    s = Server("--memory", "512M", "--threads", "2")
    yield s
    assert s.stop() == 0


def wait_until(true, seconds=30 * SLOWER):
    end = time.time() + seconds
    while not true() and time.time() < end:
        time.sleep(0.02)
    return true()


class Running:
    """
    Statements that run in threads, each in a session of its own, until they are interrupted. What `action` returns
    is to be ONE operation: spark.sql() is an operation too, and between two there is nothing to interrupt.
    """

    def __init__(self, server, statements, action=lambda spark, text: spark.sql(text).collect):
        self.sessions = [server.session() for _ in statements]
        self.errors = []

        def run(operation):
            try:
                operation()
            except Exception as e:  # noqa: BLE001
                self.errors.append(str(e))

        self.threads = [threading.Thread(target=run, args=(action(*a),), daemon=True)
                        for a in zip(self.sessions, statements)]
        for t in self.threads:
            t.start()
        assert wait_until(lambda: all(self.states()))

    def states(self):
        return [[s.state for s in status_of(spark) if s.state == s.OPERATION_STATE_RUNNING] for spark in self.sessions]

    def stop(self):
        """How many were still running."""
        n = 0
        for spark, thread in zip(self.sessions, self.threads):
            n += bool(spark.interruptAll())
            thread.join()
            spark.stop()
        return n


def status_of(spark):
    client = spark.client
    r = pb.GetStatusRequest(session_id=client._session_id, user_context=pb.UserContext(user_id=client._user_id or ""))
    r.operation_status.SetInParent()
    return client._stub.GetStatus(r, metadata=client._builder.metadata()).operation_statuses


# ---- nobody holds up anybody


@pytest.mark.parametrize("endless", ENDLESS)
def test_eight_endless_queries_hold_up_no_small_one(server, endless):
    slow = Running(server, [endless] * 8)
    spark = server.session()
    for _ in range(5):
        assert spark.sql("select 1 a").collect() == [Row(a=1)]
        assert sum(r.n for r in spark.sql(SMALL).collect()) == 300000
    spark.stop()
    assert slow.stop() == 8
    assert all("OPERATION_CANCELED" in e for e in slow.errors)


@pytest.mark.parametrize("kind", ["collect", "show", "write", "table", "count", "view", "sample"])
def test_whatever_runs_can_be_interrupted(server, kind, tmp_path):
    action = {
        "collect": lambda spark, text: spark.sql(text).collect,
        "show": lambda spark, text: spark.sql(text).show,
        "write": lambda spark, text: partial(spark.sql(text).write.parquet, str(tmp_path / "out")),
        "table": lambda spark, text: partial(
            spark.sql, f"create table t_{uuid.uuid4().hex} location '{tmp_path}/t' as {text}"),
        "count": lambda spark, text: spark.sql(text).count,
        "view": lambda spark, text: partial(spark.sql, "cache table endless as " + text),
        "sample": lambda spark, text: spark.range(10).sample(True, 1e15, 1).count,
    }[kind]
    slow = Running(server, [ENDLESS[0]], action)
    assert slow.stop() == 1
    assert "OPERATION_CANCELED" in slow.errors[0]
    assert os.listdir(tmp_path) in ([], ["t"])


def test_a_row_that_is_sampled_for_ever_comes_as_often_as_it_is_asked_for(server):
    spark = server.session()
    assert spark.range(5, 10).sample(True, 1e300, 1).limit(10000).distinct().collect() == [Row(id=5)]
    assert 995_000 < spark.range(1).sample(True, 1e6, 1).count() < 1_005_000
    spark.stop()


# ---- clients that read nothing, and lost ones

BIG = "select id, repeat('x', 1000) s from range(100000000)"


def execute(stub, session, text, reattachable=True):
    """A stream of which nothing is read."""
    return stub.ExecutePlan(request(pb.ExecutePlanRequest, session, sql=text, reattachable=reattachable))


def test_clients_that_do_not_read_hold_up_nobody():
    s = Server("--memory", "512M", "--threads", "2")
    try:
        ch, stub = channel(s)
        sessions = [str(uuid.uuid4()) for _ in range(8)]
        streams = [execute(stub, i, BIG) for i in sessions]
        first = [next(x) for x in streams]
        assert len(first) == 8
        spark = s.session()
        for _ in range(3):
            assert sum(r.n for r in spark.sql(SMALL).collect()) == 300000
        assert s.rss() < 640 << 20
        # They go on where they were.
        rows = 0
        for r in streams[0]:
            rows += r.arrow_batch.row_count
            if rows > 300000:
                break
        for x in streams:
            x.cancel()
        ch.close()
    finally:
        assert s.stop() == 0


def test_queries_of_lost_clients_end_in_time():
    s = Server("--memory", "256M", "--detached-timeout", "1")
    try:
        watch = s.session()
        rss = []
        for _ in range(4):
            ch, stub = channel(s)
            session = str(uuid.uuid4())
            stream = execute(stub, session, BIG)
            next(stream)
            ch.close()  # in mid-stream
            ch, stub = channel(s)
            ask = request(pb.GetStatusRequest, session)
            ask.operation_status.SetInParent()
            assert wait_until(lambda: not stub.GetStatus(ask).operation_statuses)
            ch.close()
            assert watch.range(3).count() == 3
            rss.append(s.rss())
        assert rss[-1] <= rss[0] + (16 << 20)
    finally:
        assert s.stop() == 0


def test_a_stream_without_reattach_ends_with_its_client(server):
    ch, stub = channel(server)
    session = str(uuid.uuid4())
    stream = execute(stub, session, BIG, reattachable=False)
    next(stream)
    stream.cancel()
    ask = request(pb.GetStatusRequest, session)
    ask.operation_status.SetInParent()
    assert wait_until(lambda: not stub.GetStatus(ask).operation_statuses)
    ch.close()


# ---- sessions


def test_sessions_belong_to_their_user(server):
    _, stub = channel(server)
    session = str(uuid.uuid4())

    def config(user, operation):
        r = pb.ConfigRequest(session_id=session, user_context=pb.UserContext(user_id=user))
        r.operation.CopyFrom(operation)
        return stub.Config(r)

    op = pb.ConfigRequest.Operation()
    op.set.pairs.add(key="spark.sql.shuffle.partitions", value="77")
    ann = config("ann", op)
    op = pb.ConfigRequest.Operation()
    op.get.keys.append("spark.sql.shuffle.partitions")
    bob = config("bob", op)
    assert bob.pairs[0].value != "77" and bob.server_side_session_id != ann.server_side_session_id
    assert config("ann", op).pairs[0].value == "77"


def test_temporary_views_are_ones_own_and_global_ones_everybodys(server):
    one, other = server.session(), server.session()
    name = "g" + uuid.uuid4().hex
    one.range(3).createTempView("mine")
    one.range(4).createGlobalTempView(name)
    with pytest.raises(AnalysisException):
        other.table("mine").count()
    assert other.table("global_temp." + name).count() == 4
    with pytest.raises(AnalysisException):
        other.range(1).createGlobalTempView(name)
    one.stop()  # the view stays: it is the application's
    assert other.table("global_temp." + name).count() == 4
    assert name in [t.name for t in other.catalog.listTables("global_temp")]
    other.range(5).createOrReplaceGlobalTempView(name)
    assert server.session().table("global_temp." + name).count() == 5
    assert other.catalog.dropGlobalTempView(name)
    assert not other.catalog.dropGlobalTempView(name)


def test_new_and_cloned_sessions(server):
    spark = server.session()
    spark.range(2).createTempView("v")
    spark.conf.set("spark.sql.shuffle.partitions", "9")
    new, clone = spark.newSession(), spark.cloneSession()
    assert new.conf.get("spark.sql.shuffle.partitions") != "9"
    with pytest.raises(AnalysisException):
        new.table("v").count()
    assert clone.conf.get("spark.sql.shuffle.partitions") == "9" and clone.table("v").count() == 2
    clone.range(5).createOrReplaceTempView("v")
    clone.conf.set("spark.sql.shuffle.partitions", "10")
    assert spark.table("v").count() == 2 and spark.conf.get("spark.sql.shuffle.partitions") == "9"
    spark.stop()
    assert clone.table("v").count() == 5
    clone.stop()
    new.stop()


def test_interrupts_reach_what_they_name(server):
    def tagged(spark, text):
        df = spark.sql(text)

        def collect():  # a tag is its thread's
            spark.addTag("a" if "range(40)" in text else "b")
            df.collect()
        return collect

    slow = Running(server, ENDLESS, tagged)
    a, b = slow.sessions
    assert b.interruptTag("a") == [] and a.interruptTag("b") == []
    ids = [s.operation_id for s in status_of(a)]
    assert len(ids) == 1 and a.interruptOperation(str(uuid.uuid4())) == []
    assert a.interruptOperation(ids[0]) == ids
    slow.threads[0].join()
    assert slow.threads[1].is_alive() and b.interruptTag("b")
    slow.threads[1].join()
    assert len(slow.errors) == 2 and slow.stop() == 0


def test_idle_sessions_expire_and_running_ones_do_not():
    s = Server("--session-timeout", "1", "--threads", "2")
    try:
        idle = s.session()
        idle.range(1).createTempView("v")
        slow = Running(s, [ENDLESS[0]])
        time.sleep(3)
        with pytest.raises(Exception) as e:
            idle.table("v").count()
        assert "NO_ACTIVE_SESSION" in str(e.value)  # as the client says it
        assert slow.stop() == 1
    finally:
        assert s.stop() == 0


def test_a_released_session_is_gone(server):
    spark = server.session()
    assert spark.range(1).count() == 1
    ch, stub = channel(server)
    client = spark.client
    r = pb.ReleaseSessionRequest(session_id=client._session_id,
                                 user_context=pb.UserContext(user_id=client._user_id or ""))
    assert stub.ReleaseSession(r).session_id == client._session_id
    with pytest.raises(Exception) as e:
        spark.range(1).count()
    assert "NO_ACTIVE_SESSION" in str(e.value)  # as the client says it
    ch.close()


def test_a_thousand_sessions_leave_no_memory_behind():
    s = Server("--memory", "256M", "--threads", "2")
    try:
        ch, stub = channel(s)

        def visit(i):
            session = str(uuid.uuid4())
            rows = sum(r.arrow_batch.row_count for r in stub.ExecutePlan(
                request(pb.ExecutePlanRequest, session, sql=f"select id, count(*) from range({i % 50}) group by id")))
            stub.ReleaseSession(request(pb.ReleaseSessionRequest, session))
            return rows

        def round_of(n):
            wrong = []
            def work(k):
                for i in range(k, n, 20):
                    if visit(i) != i % 50:
                        wrong.append(i)
            threads = [threading.Thread(target=work, args=(k,)) for k in range(20)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            assert not wrong

        round_of(200)
        before = s.rss()
        round_of(1000)
        assert s.rss() - before < 16 << 20
        ch.close()
    finally:
        assert s.stop() == 0


# ---- more than the memory holds

def test_queries_wait_for_memory():
    """Each alone spills and succeeds; together they want many times what there is. None is refused, a small one passes."""
    s = Server("--memory", "96M", "--threads", "2")
    rows = 400000 // (4 if SLOWER > 1 else 1)
    texts = [f"select count(*) c, max(k) m from (select id * 7919 % {rows} k, cast(id as string) t from range({rows}) "
             f"order by k, t limit {rows - 1})",
             f"select count(*) c, max(t) m from (select id % {rows // 2} k, max(cast(id as string)) t from range({rows}) group by 1)",
             f"select count(*) c, max(a.t) m from (select id k, cast(id as string) t from range({rows})) a "
             f"join (select id * 3 k, cast(id as string) u from range({rows})) b on a.k = b.k"]
    try:
        first = s.session()
        wanted = [first.sql(t).collect()[0] for t in texts]
        answers, errors = [], []

        def ask(i):
            try:
                answers.append(s.session().sql(texts[i % 3]).collect()[0] == wanted[i % 3])
            except Exception as e:  # noqa: BLE001
                errors.append(str(e)[:300])

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(24)]
        for t in threads:
            t.start()
        assert first.sql("select 1 a").collect() == [Row(a=1)]
        for t in threads:
            t.join()
        assert not errors, errors[0]
        assert answers == [True] * 24
    finally:
        assert s.stop() == 0
