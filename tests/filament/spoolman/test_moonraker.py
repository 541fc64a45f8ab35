"""The real Moonraker from the package index, with its [spoolman] section pointed here; only Klippy is simulated."""

import json
import math
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import select

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.models import StockEntry
from tests.support.klippy import Klippy
from tests.support.serving import serving

ROOT = Path(__file__).parents[3]
PYTHON = Path(os.environ.get("PRINTFARM_MOONRAKER_PYTHON", ROOT / ".venv-moonraker/bin/python"))
CONFIG = """
[server]
host: 127.0.0.1
port: {port}
klippy_uds_address: {klippy}

[machine]
provider: none
validate_service: False
validate_config: False

[authorization]
trusted_clients:
  127.0.0.1

[spoolman]
server: {spoolman}
sync_rate: 1
"""
MG_PER_MM = math.pi * 0.875**2 * 1.24


@pytest.fixture
def backend() -> str:
    """One database is enough here: what differs between the two is tried without Moonraker."""
    return "sqlite"


@pytest.fixture
def moonraker(app, token, short_tmp) -> Iterator[SimpleNamespace]:
    if not PYTHON.exists():
        pytest.skip("Moonraker is not installed beside this checkout; .ci/run does that")
    folder = short_tmp / f"moonraker-{os.getpid()}-{time.monotonic_ns()}"
    for name in ("config", "logs", "gcodes"):
        (folder / name).mkdir(parents=True)
    klippy = Klippy(folder / "klippy.sock")
    port = free_port()
    with serving(app) as server:
        spoolman = f"http://{server.host}/spoolman/{token}"
        config = CONFIG.format(port=port, klippy=folder / "klippy.sock", spoolman=spoolman)
        (folder / "config/moonraker.conf").write_text(config)
        with (folder / "out.log").open("w") as out:
            process = subprocess.Popen([PYTHON, "-m", "moonraker", "-d", folder, "-n"], stdout=out, stderr=out)
        try:
            made = SimpleNamespace(url=f"http://127.0.0.1:{port}", klippy=klippy, log=folder / "out.log")
            wait_for(lambda: ask(made, "/server/spoolman/status").get("spoolman_connected"), made.log)
            assert klippy.subscribed.wait(20), made.log.read_text()[-3000:]
            yield made
        finally:
            process.terminate()
            process.wait(10)
            klippy.close()


def test_moonraker_uses_our_spools(app, shop, moonraker, roll, program):
    ask(moonraker, "/server/spoolman/spool_id", {"spool_id": roll.number})
    for mm in (100.5, 2000, 1.25, 800):
        moonraker.klippy.extrude(mm)
    used = round(2901.75 * MG_PER_MM) / 1000
    wait_for(lambda: program.get(f"/spool/{roll.number}").json["used_weight"] >= used - 0.002, moonraker.log)
    told = program.get(f"/spool/{roll.number}").json
    assert told["used_weight"] == pytest.approx(used, abs=0.002)
    assert told["used_length"] == pytest.approx(2901.75, abs=1)
    # What Mainsail and Fluidd show comes through Moonraker's proxy.
    proxied = {"request_method": "GET", "path": f"/v1/spool/{roll.number}", "use_v2_response": True}
    assert ask(moonraker, "/server/spoolman/proxy", proxied)["response"]["id"] == roll.number
    with app.app_context(), unit_of_work(shop.id) as db:
        service.book_reported(db, roll.id)
        newest = select(StockEntry).where(StockEntry.spool_id == roll.id).order_by(StockEntry.id.desc()).limit(1)
        line = db.scalar(newest)
    assert (line.cause, line.reason) == ("print", "Reported by Moonraker on Voron")
    # A roll that is deleted here is no longer the active one there.
    program.delete(f"/spool/{roll.number}")
    wait_for(lambda: ask(moonraker, "/server/spoolman/spool_id")["spool_id"] is None, moonraker.log)


def ask(moonraker: SimpleNamespace, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(moonraker.url + path, data, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=5) as answer:
            return json.load(answer)["result"]
    except OSError:
        return {}


def wait_for(condition: Callable[[], object], log: Path, within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, log.read_text()[-4000:]
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
