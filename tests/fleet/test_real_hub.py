"""The real hub program between the real application and simulated printers that speak the real protocols."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.simulators.farm import SimulatedFarm
from hub.simulators.spec import PrinterSpec
from printfarm.core.work import read_only
from printfarm.fleet import queries
from printfarm.fleet.enrolment import ensure_built_in_hub
from tests.fleet.test_hub_link import soon

ROOT = Path(__file__).parents[2]


@pytest.fixture
def farm():
    specs = [PrinterSpec(model="P1S", name="Anna"), PrinterSpec(model="A1MINI", name="Mini"), PrinterSpec(model="X1C")]
    with SimulatedFarm(specs, speed=20) as running:
        yield running


class RealHub:
    """`printfarm-hub` with the credentials that the built-in hub was given."""

    def __init__(self, app, url):
        self.app, self.url = app, url
        with app.app_context():
            ensure_built_in_hub()
        self.folder = app.config["SETTINGS"].hub_dir
        self.process = None

    def start(self):
        command = [sys.executable, "-m", "hub", "--data", str(self.folder), "--url", self.url]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PRINTFARM_")}
        self.process = subprocess.Popen(command, cwd=ROOT, env=kept, stderr=subprocess.DEVNULL)
        return self

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


@pytest.fixture
def real_hub(app, shop, served):
    hub = RealHub(app, served.url).start()
    yield hub
    hub.kill()


def hub_id(app, shop):
    with app.app_context(), read_only(shop.id) as db:
        return queries.list_hubs(db)[0][0].id


def typed(app, shop, printer, **more):
    models = {"P1S": "C12", "A1MINI": "N1", "X1C": "BL-P001"}
    return {
        "name": printer.name,
        "model_id": models[printer.model],
        "address": "127.0.0.1",
        "serial": printer.serial,
        "access_code": printer.access_code,
        "nozzle_mm": "0.40",
        "bed_type": "",
        "location": "",
        "hub_id": str(hub_id(app, shop)),
        "mqtt_port": str(printer.mqtt_port),
        "ftps_port": str(printer.ftps_port),
        **more,
    }


def facts(app, shop):
    with app.app_context(), read_only(shop.id) as db:
        return {one.name: one for one in queries.printer_facts(db)}


def tried(adam, app, shop, printer, **more):
    """The page of a trial that has ended."""
    url = adam.post("/fleet/printers/new", typed(app, shop, printer, then="try", **more)).location
    deadline = time.monotonic() + 60
    while "The hub is trying" in (page := adam.get(url)).text or "Waiting for the hub" in page.text:
        assert time.monotonic() < deadline, page.text
        time.sleep(0.2)
    return url, page


@pytest.mark.slow
def test_printers_come_online_with_their_slots(app, shop, adam, real_hub, farm):
    for printer in farm.printers:
        assert adam.post("/fleet/printers/new", typed(app, shop, printer, then="save")).status == 303
    soon(lambda: all(one.online and one.confirmed for one in facts(app, shop).values()), 60)
    found = facts(app, shop)
    assert {one.state for one in found.values()} == {"idle"}
    assert all("pause" in one.capabilities for one in found.values())
    assert [slot.label for slot in found["Mini"].slots] == ["A1", "A2", "A3", "A4", "External"]
    page = adam.get("/fleet")
    assert page.text.count("Ready") >= 3
    assert not page.all("main .notice")

    real_hub.kill()
    soon(lambda: not any(one.online for one in facts(app, shop).values()), 20)
    assert "Built-in hub is not connected" in adam.get("/fleet").text
    real_hub.start()
    soon(lambda: all(one.online and one.confirmed for one in facts(app, shop).values()), 60)


@pytest.mark.slow
def test_a_trial_finds_nothing_wrong_and_is_saved(app, shop, adam, real_hub, farm):
    url, page = tried(adam, app, shop, farm.printers[0])
    assert "Everything works" in page.text, page.text
    assert adam.post(f"{url}/save").status == 303
    soon(lambda: facts(app, shop)["Anna"].online, 60)


@pytest.mark.slow
def test_a_trial_says_exactly_what_is_wrong(app, shop, adam, real_hub, farm):
    anna, mini = farm.printers[0], farm.printers[1]
    _, page = tried(adam, app, shop, anna, access_code="wrong123")
    assert "refuses the access code" in page.one("#step-access_code").get_text()
    _, page = tried(adam, app, shop, anna, mqtt_port=str(anna.ftps_port + 1 if anna.ftps_port < 65535 else 1))
    assert "failed" in page.one("#step-address").get_text()
    _, page = tried(adam, app, shop, anna, mqtt_port=str(mini.mqtt_port))
    assert "failed" in page.one("#step-certificate").get_text()


@pytest.mark.slow
def test_light_and_stop_are_acknowledged(app, shop, adam, olga, real_hub, farm):
    from sqlalchemy import select

    from printfarm.fleet.models import Command

    adam.post("/fleet/printers/new", typed(app, shop, farm.printers[0], then="save"))
    soon(lambda: "Anna" in facts(app, shop) and facts(app, shop)["Anna"].confirmed, 60)
    anna = facts(app, shop)["Anna"]
    olga.post(f"/fleet/printers/{anna.id}/control", {"action": "light_on"})

    def answered():
        with app.app_context(), read_only(shop.id) as db:
            return [one.state for one in db.scalars(select(Command))]

    soon(lambda: answered() == ["acknowledged"], 30)
