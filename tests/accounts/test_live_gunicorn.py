"""The live socket under the server that people run: gunicorn, one worker, many threads."""

import http.client
import json
import signal
import subprocess
import time
from contextlib import ExitStack, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.processes.running import command, environment, free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def backend():
    """The server is the same for both databases."""
    return "sqlite"


@pytest.fixture
def web(app, settings_environ, tmp_path):
    """`printfarm web` as a process, on the test's database and Redis; its port and the process."""
    port = free_port()
    more = {**settings_environ, "PRINTFARM_PORT": str(port), "PRINTFARM_THREADS": "60", "PRINTFARM_MAX_UPLOADS": "8"}
    data_dir = tmp_path / "data"
    process = subprocess.Popen(command("web"), env=environment(data_dir, **more), stderr=subprocess.PIPE)
    try:
        _wait(port)
        yield port, process
    finally:
        process.kill()
        process.communicate()


def _wait(port):
    for _ in range(300):
        try:
            assert ask(port, "/healthz") == 200
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the web process did not start")


def ask(port, path, cookie=""):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Cookie": cookie})
        return connection.getresponse().status
    finally:
        connection.close()


def cookie_of(person):
    return f"printfarm={person.browser.client.get_cookie('printfarm').value}"


def open_socket(stack, port, person):
    return stack.enter_context(
        connect(
            f"ws://127.0.0.1:{port}/ws/live",
            additional_headers={"Cookie": cookie_of(person)},
            origin=f"http://127.0.0.1:{port}",
            close_timeout=1,
        )
    )


def first_closed(sockets):
    """Threads of the server seat the sockets: the one that came last need not be the one without a seat."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for ws in sockets:
            try:
                with suppress(TimeoutError):
                    ws.recv(0.01)
            except ConnectionClosed:
                return ws
    raise AssertionError("no socket was refused")


def closing_code(ws):
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            ws.recv(30)
    return closed.value.rcvd.code


def test_pushes_arrive_pages_stay_quick_and_stopping_says_goodbye(alice, web):
    port, process = web
    with ExitStack() as stack:
        sockets = [open_socket(stack, port, alice) for _ in range(21)]  # 60 threads - 8 uploads - 32 in reserve: 20
        refused = first_closed(sockets)
        assert closing_code(refused) == 1013
        sockets.remove(refused)
        assert ask(port, "/members", cookie_of(alice)) == 200, "sockets leave threads for pages"
        alice.post("/members/invite", {"role": "viewer"})
        for ws in sockets:
            while json.loads(ws.recv(10)) != {"type": "changed", "topics": ["members"]}:
                pass
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert {closing_code(ws) for ws in sockets} == {1012}
        process.wait(10)
        assert time.monotonic() - started < 20
