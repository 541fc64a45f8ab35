"""`printfarm demo`: everything, plus simulated printers and a visitor who keeps them busy, in a folder of its own."""

import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from printfarm.config import PREFIX, Settings, load_settings
from printfarm.processes import logs, up
from printfarm.processes.lock import die_with_parent, take_lock
from printfarm.processes.supervise import Program

FOLDER = "data-demo"
PRINTERS, SPEED = 3, 20
MODELS = ("X1C", "P1S", "A1MINI")
SERIAL_PREFIXES = {"X1C": "00M", "P1S": "01P", "A1MINI": "030"}
VISIT_EVERY_S = 3
VISITOR = Program("demo", ("demo-visitor",), priority=50)


def settings() -> Settings:
    """The settings of the environment, with the demo's own where nothing is said. Children inherit them."""
    for name, value in (("DATA_DIR", FOLDER), ("SIMULATORS", PRINTERS), ("SIMULATOR_SPEED", SPEED)):
        if not os.environ.get(PREFIX + name):
            os.environ[PREFIX + name] = str(value)
    return load_settings()


def run(settings: Settings) -> None:
    up.run(settings, more=[VISITOR])


def run_simulators(settings: Settings) -> None:
    """Simulated printers at addresses that stay the same from one start to the next."""
    from hub.simulators.__main__ import main

    die_with_parent()
    with take_lock(settings.data_dir, "simulators", wait_s=5):
        main(["--config", str(write_farm(settings))])


def run_visitor(settings: Settings) -> None:
    """Make the demo shop if there is none, print a link that signs in, and look around until SIGTERM."""
    from printfarm.core.errors import DomainError
    from printfarm.demo import Visitor, make_shop, sign_in_link
    from printfarm.processes.application import fenced_app

    logs.configure(settings.log_level)
    die_with_parent()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    with take_lock(settings.data_dir, "demo", wait_s=5), fenced_app(settings).app_context():
        visitor = Visitor(make_shop(json.loads(write_farm(settings).read_text())["printers"]))
        sys.stdout.write(f"Open this link to sign in; it works once: {sign_in_link(settings.address)}\n")
        sys.stdout.flush()
        while not stop.wait(VISIT_EVERY_S):
            try:
                visitor.look_around()
            except DomainError as refusal:
                logs.log.info("the visitor waits: %s", refusal.sentence)


def write_farm(settings: Settings) -> Path:
    """The simulators' configuration, made once: the shop remembers the printers' addresses."""
    folder = settings.data_dir / "simulators"
    path = folder / "farm.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        farm = {
            "speed": settings.simulator_speed,
            "data": str(folder),
            "printers": [_printer(number) for number in range(settings.simulators)],
        }
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(farm, indent=1))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # the simulators and the visitor start together; the first one's is the farm
        finally:
            draft.unlink()
    return path


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
