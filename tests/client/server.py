# SPDX-License-Identifier: Apache-2.0
"""A `chert server` of its own for a test module, and PySpark sessions on it."""
import os
import re
import signal
import subprocess
import sys
import threading
import uuid

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
SLOWER = int(os.environ.get("CHERT_SLOWER", "1"))  # by so much with a sanitizer, whose memory tells nothing
BINARY = os.environ.get("CHERT_BINARY") or os.path.join(HERE, "../../build/chert")


@pytest.fixture(autouse=True)
def no_hang():
    """For modules that import it: a test that waits for ever fails instead."""
    def late(*_):
        raise TimeoutError("the test did not end within 120 s")
    signal.signal(signal.SIGALRM, late)
    signal.alarm(120 * SLOWER)
    yield
    signal.alarm(0)


class Server:
    def __init__(self, *args, cwd=None):
        command = [os.path.abspath(BINARY), "server", "--port", "0", *args]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=cwd)
        line = self.process.stderr.readline()
        match = re.search(r"sc://[^:]*:(\d+)", line)
        if not match:
            self.process.wait()
            raise RuntimeError("chert server did not start: " + line)
        self.port = int(match.group(1))
        threading.Thread(target=self.pass_on, daemon=True).start()
        self.sessions = []

    def pass_on(self):
        """What else the server says, until it ends."""
        for line in self.process.stderr:
            sys.stderr.write(line)

    def url(self, parameters=""):
        return f"sc://localhost:{self.port}/;session_id={uuid.uuid4()}{parameters}"

    def session(self, parameters=""):
        from pyspark.sql.connect.session import SparkSession
        session = SparkSession.builder.remote(self.url(parameters)).create()
        self.sessions.append(session)
        return session

    def rss(self):
        """Bytes; 0 under a sanitizer, which gives nothing back."""
        if SLOWER > 1:
            return 0
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024

    def stop(self):
        """Ends it; gives its exit code. Sessions go first: at its end the client would look for a server for minutes."""
        for session in self.sessions:
            try:
                session.stop()
            except Exception:  # noqa: BLE001  # stopped before, or never let in
                pass
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def channel(server, options=()):
    """A channel and a stub on it: for what the client itself never does."""
    import grpc
    from pyspark.sql.connect.proto import base_pb2_grpc
    ch = grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.max_receive_message_length", -1), *options])
    return ch, base_pb2_grpc.SparkConnectServiceStub(ch)


def request(kind, session, sql=None, reattachable=False, user="test"):
    """A request of this kind; sql: the statement that it executes."""
    import pyspark.sql.connect.proto as pb
    r = kind(session_id=session, user_context=pb.UserContext(user_id=user))
    if sql is not None:
        r.plan.root.sql.query = sql
    if reattachable:
        r.operation_id = str(uuid.uuid4())
        r.request_options.add().reattach_options.reattachable = True
    return r
