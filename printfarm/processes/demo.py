"""`printfarm demo`: everything, plus simulated printers and a visitor who keeps them busy, in a folder of its own."""

import contextlib
import io
import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from printfarm.config import PREFIX, Settings, load_settings
from printfarm.demo.catalogue import spools_of
from printfarm.processes import logs, up
from printfarm.processes.lock import die_with_parent, running_pid, take_lock
from printfarm.processes.supervise import Program

log = logging.getLogger(__name__)

FOLDER = "data-demo"
PRINTERS, SPEED = 3, 60
MODELS = ("X1C", "P1S", "A1MINI")
SERIAL_PREFIXES = {"X1C": "00M", "P1S": "01P", "A1MINI": "030"}
VISIT_EVERY_S = 2.0
VISITOR = Program("demo", ("demo-visitor",), priority=50)


def settings(data: Path | None = None) -> Settings:
    """The settings of the environment, with the demo's own where nothing is said. Children inherit them."""
    if data is not None:
        os.environ[f"{PREFIX}DATA_DIR"] = str(data.absolute())
    for name, value in (("DATA_DIR", FOLDER), ("SIMULATORS", PRINTERS), ("SIMULATOR_SPEED", SPEED)):
        if not os.environ.get(PREFIX + name):
            os.environ[PREFIX + name] = str(value)
    return load_settings()


def run(settings: Settings, *, fresh: bool = False) -> None:
    """Blocks until SIGTERM or Ctrl-C. `fresh` throws away what an earlier demo left. Raises up.CannotStart."""
    if running_pid(settings.data_dir, "up") is None:
        try:
            if fresh:
                _throw_away(settings)
            renew_farm(settings)
        except OSError as problem:
            raise up.CannotStart(f"The demo's folder {settings.data_dir} cannot be written: {problem}") from problem
    up.run(settings, more=[VISITOR])


def run_simulators(settings: Settings) -> None:
    """Simulated printers, at the addresses that the farm's file names."""
    from hub.simulators.__main__ import main

    die_with_parent()
    with take_lock(settings.data_dir, "simulators", wait_s=5):
        farm = _read_farm(settings) or renew_farm(settings)
        up.say(f"{len(farm['printers'])} simulated printers, {farm['speed']:g} times as fast as real ones")
        with contextlib.redirect_stdout(io.StringIO()):  # its addresses are for programs; they stand in the file
            ended = main(["--config", str(farm_path(settings))])
    sys.exit(ended)


def run_visitor(settings: Settings) -> None:
    """Make the demo shop if there is none, print a link that signs in, and look around until SIGTERM."""
    from printfarm.demo.shop import NotADemo, make_shop, sign_in_link
    from printfarm.demo.visitor import Visitor
    from printfarm.processes.application import fenced_app

    logs.configure(settings.log_level)
    die_with_parent()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    with take_lock(settings.data_dir, "demo", wait_s=5), fenced_app(settings).app_context():
        farm = _read_farm(settings) or {"printers": [], "control_port": 0}
        try:
            visitor = Visitor(make_shop(farm["printers"]), farm["control_port"])
        except NotADemo as problem:
            up.say(problem.sentence)
            stop.wait()
            return
        while not up.answers(settings, "/readyz") and not stop.wait(0.3):
            pass
        up.say(f"Open this link to sign in; it works once: {sign_in_link(settings.address)}")
        while not stop.wait(VISIT_EVERY_S):
            visitor.look_around()


def farm_path(settings: Settings) -> Path:
    return settings.data_dir / "simulators" / "farm.json"


def renew_farm(settings: Settings) -> dict[str, Any]:
    """Write the simulators' configuration: the printers of the last time, with other ports where theirs are taken."""
    path = farm_path(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = _read_farm(settings) or {}
    printers = [_with_free_ports(printer) for printer in known.get("printers", ())[: settings.simulators]]
    printers += [_printer(number) for number in range(len(printers), settings.simulators)]
    printers = [printer | spools_of(printer["model"]) for printer in printers]
    farm = {
        "speed": settings.simulator_speed,
        "data": str(path.parent),
        "control_port": _free_port(known.get("control_port", 0)),
        "printers": printers,
    }
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(farm, indent=1))
    draft.replace(path)
    return farm


def _read_farm(settings: Settings) -> dict[str, Any] | None:
    path = farm_path(settings)
    farm: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return farm


def _throw_away(settings: Settings) -> None:
    if settings.data_dir.exists() and not farm_path(settings).exists():
        raise up.CannotStart(
            f"{settings.data_dir} does not look like a demo's folder, so it was left alone. Choose another with --data."
        )
    if settings.data_dir.exists():
        shutil.rmtree(settings.data_dir)


def _printer(number: int) -> dict[str, Any]:
    model = MODELS[number % len(MODELS)]
    return {
        "model": model,
        "name": f"{model.replace('MINI', ' mini')} {number // len(MODELS) + 1}",
        "serial": f"{SERIAL_PREFIXES[model]}00D{number:09d}",
        "access_code": f"{number:02d}345678",
        "host": "127.0.0.1",
        "mqtt_port": _free_port(),
        "ftps_port": _free_port(),
    }


def _with_free_ports(printer: dict[str, Any]) -> dict[str, Any]:
    return printer | {name: _free_port(printer[name]) for name in ("mqtt_port", "ftps_port")}


def _free_port(wanted: int = 0) -> int:
    """A port on loopback that nobody listens on: the wanted one if it is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free on this machine")
