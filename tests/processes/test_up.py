"""`printfarm up`: it starts, keeps its processes alive, stops in order, and refuses in sentences."""

import json
import os
import signal
import socket
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from printfarm.config import load_settings
from printfarm.processes import up
from tests.processes.running import PROGRAMS, Up, free_port, is_alive, run, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def folder(short_tmp: Path, request: pytest.FixtureRequest) -> Path:
    return short_tmp / f"up-{os.getpid()}-{abs(hash(request.node.name)) % 10000}"


@pytest.fixture(scope="module")
def running(short_tmp: Path):
    with Up(short_tmp / f"shared-{os.getpid()}") as up:
        yield up.ready()


def test_it_prints_address_and_set_up_code(running: Up):
    assert f"PrintFarm is ready: http://localhost:{running.port}" in running.lines
    code = run(running.data_dir, "setup-code").stdout.strip()
    assert any("set-up code" in line and code in line for line in running.lines) or running.wait_for(code, 5)


def test_health_and_readiness_answer(running: Up):
    assert running.get("/healthz") == 200
    assert running.get("/readyz") == 200


def test_a_second_start_in_the_same_folder_is_refused(running: Up):
    done = run(running.data_dir, "up", PRINTFARM_PORT=str(free_port()))
    assert done.returncode == 2
    assert f"already runs in {running.data_dir} (process {running.process.pid})" in done.stderr
    assert running.get("/healthz") == 200


def test_a_restore_while_it_runs_is_refused(running: Up, tmp_path: Path):
    done = run(running.data_dir, "restore", str(tmp_path / "any.zip"))
    assert done.returncode == 2
    assert "Stop it before a restore" in done.stderr


def test_two_web_processes_never_share_a_folder(running: Up):
    assert running.pid("web") is not None


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_killed_process_comes_back(running: Up, program: str):
    running.becomes_ready_again()
    before = running.pid(program)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    until(
        lambda: running.pid(program) not in {None, before},
        20,
        lambda: f"{program} did not return: {running.lines[-20:]}",
    )
    running.becomes_ready_again()


def test_a_taken_port_is_a_sentence(folder: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run(folder, "up", PRINTFARM_PORT=str(other.getsockname()[1]))
    assert done.returncode == 2
    assert "is not free" in done.stderr
    assert "PRINTFARM_PORT" in done.stderr


def test_a_wrong_setting_is_a_sentence(folder: Path):
    done = run(folder, "up", PRINTFARM_PORT="eighty")
    assert done.returncode == 2
    assert done.stderr.strip() == "PRINTFARM_PORT must be a whole number from 1 to 65535, not 'eighty'."


def test_an_unwritable_folder_is_a_sentence(folder: Path):
    folder.mkdir()
    (folder / "file").write_text("not a folder")
    done = run(folder / "file", "up", PRINTFARM_PORT=str(free_port()))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_a_database_of_a_newer_program_is_refused_and_left_alone(folder: Path):
    folder.mkdir()
    path = folder / "printfarm.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    database.close()
    done = run(folder, "up", PRINTFARM_PORT=str(free_port()))
    assert done.returncode == 2
    assert "made by a newer PrintFarm" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_orphans_when_the_supervisor_is_killed_and_the_next_run_stops_in_order_on_sigterm(folder: Path):
    with Up(folder) as up:
        up.ready()
        pids = up.pids()
        up.process.kill()
        up.process.wait()
        with Up(folder, PRINTFARM_PORT=str(up.port)) as again:
            again.ready()
            assert not [name for name, pid in pids.items() if is_alive(pid)]
            assert set(again.pids().values()).isdisjoint(pids.values())
            stops_in_order(again, signal.SIGTERM)


def test_unreadable_redis_data_is_set_aside_and_ctrl_c_stops_in_order(folder: Path):
    broken = folder / "redis" / "appendonlydir"
    broken.mkdir(parents=True)
    (broken / "appendonly.aof.manifest").write_text("this is no manifest\n")
    with Up(folder) as up:
        up.wait_for("was set aside")
        up.ready()
        assert list((folder / "redis").glob("broken-*"))
        stops_in_order(up, signal.SIGINT)


def stops_in_order(up: Up, number: signal.Signals) -> None:
    pids = up.pids()
    assert None not in pids.values()
    up.process.send_signal(number)
    assert up.process.wait(60) == 0
    stops = [line.split("|")[0].strip() for line in up.lines if line.endswith("| stopped")]
    assert stops[0] == "web"
    assert set(stops[1:3]) == {"worker-slow", "worker-fast"}
    assert stops[3] == "redis"
    assert not [name for name, pid in pids.items() if is_alive(pid)]


def test_what_is_missing_is_said_by_name(tmp_path: Path):
    """The web process answers, the Redis that a setting names does not."""

    class Unready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(json.dumps({"ok": False, "parts": {"database": True, "redis": False}}).encode())

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Unready)
    port = str(server.server_port)
    own = {"PRINTFARM_DATA_DIR": str(tmp_path), "PRINTFARM_HOST": "127.0.0.1", "PRINTFARM_PORT": port}
    elsewhere = load_settings({**own, "PRINTFARM_REDIS_URL": "redis://127.0.0.1:1"})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        assert up.what_is_missing(load_settings(own)) == "no word from redis"
        assert "no word from redis. Check PRINTFARM_REDIS_URL" in up.what_is_missing(elsewhere)
    finally:
        server.shutdown()
        server.server_close()
    assert "the web process does not answer" in up.what_is_missing(elsewhere)
