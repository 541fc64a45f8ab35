"""A large upload costs disk, not memory: measured in a process of its own."""

import http.client
import re
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1024 * 1024
BOUNDARY = "frontier"
SERVER = """
import sys
from werkzeug.serving import make_server
from printfarm import create_app
app = create_app()
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def server(settings_environ, app):
    """The same database and data folder, served by another process."""
    root = Path(__file__).resolve().parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), **settings_environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield child.pid, int(child.stdout.readline())
    child.kill()
    child.wait()
    child.stdout.close()


def peak_mib(pid: int) -> float:
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def send(person, port: int, megabytes: int) -> int:
    """Stream that much in chunks of a megabyte."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{megabytes}.3mf"\r\n\r\n'.encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
    connection.putrequest("POST", "/files/uploads")
    cookie = person.browser.client.get_cookie("printfarm")
    for name, value in {
        "Cookie": f"printfarm={cookie.value}",
        "X-CSRFToken": person.browser.csrf,
        "Accept": "application/json",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(head) + megabytes * MIB + len(tail)),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(head)
    for number in range(megabytes):
        connection.send(bytes([number % 251]) * MIB)
    connection.send(tail)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_two_hundred_megabytes_leave_memory_flat(olga, server) -> None:
    pid, port = server
    assert send(olga, port, 2) == 201
    before = peak_mib(pid)
    assert send(olga, port, 199) == 201
    after = peak_mib(pid)
    assert after / before < 1.15, f"peak {before:.0f} MiB after 2 MiB, {after:.0f} MiB after 199 MiB"
