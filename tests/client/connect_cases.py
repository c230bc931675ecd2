# SPDX-License-Identifier: Apache-2.0
"""Tests out of the cases of a module (recorded.py): one for each, all on one server."""
import signal
import sys

import pytest

pytest.importorskip("grpc")

import recorded  # noqa: E402
from server import Server  # noqa: E402


def make_tests(module_name):
    """(server, no_hang, test) for a module to take as its own."""
    module = sys.modules[module_name]
    answers = recorded.read(recorded.path_of(module.__file__))
    cases = recorded.lines_of(module.CASES)

    @pytest.fixture(scope="module")
    def server():
        s = Server("--memory", "512M")
        yield s
        assert s.stop() == 0

    @pytest.fixture(autouse=True)
    def no_hang():
        def late(*_):
            raise TimeoutError("the case did not end within 60 s")
        signal.signal(signal.SIGALRM, late)
        signal.alarm(60)
        yield
        signal.alarm(0)

    @pytest.mark.parametrize("title,code", cases, ids=[c[0].replace(" ", "_") for c in cases])
    def test(server, title, code):
        session = server.session()
        try:
            assert recorded.answer(session, module, code) == answers[title]
        finally:
            session.stop()

    return server, no_hang, test
