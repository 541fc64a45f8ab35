"""`python -m hub.simulators`: a farm of simulated printers as a process of its own, until SIGTERM or Ctrl-C.

Prints one JSON object a line: `printer` for each printer, `control`, then `ready`.
"""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from pydantic import ValidationError

from hub.simulators.control import ControlServer
from hub.simulators.farm import SimulatedFarm
from hub.simulators.spec import FarmConfig


def main(arguments: list[str] | None = None) -> int:
    try:
        config = _config(_parser().parse_args(arguments))
    except (OSError, ValidationError, ValueError) as error:
        sys.stderr.write(f"The simulated printers cannot start: {error}\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_args: stop.set())
    try:
        run(config, stop)
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"The simulated printers cannot start: {error}\n")
        return 1
    return 0


def run(config: FarmConfig, stop: threading.Event) -> None:
    """Serve until `stop` is set."""
    with SimulatedFarm.from_config(config) as farm:
        control = ControlServer(farm)
        control_port = control.start(config.control_port)
        for printer in farm.printers:
            _say("printer", printer.address())
        _say("control", {"host": "127.0.0.1", "port": control_port})
        _say("ready", {"data": str(farm.data), "speed": config.speed})
        stop.wait()
        control.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hub.simulators", description="Simulated Bambu printers on loopback."
    )
    parser.add_argument("--config", type=Path, help="a JSON file: printers, speed, data, control_port")
    parser.add_argument(
        "--printers", default="X1C,P1S,A1MINI", help="models, separated by commas (X1C, P1S, A1MINI, H2D)"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="1 to 1000 times real time; 0 waits for `advance`")
    parser.add_argument("--data", help="folder for certificates, memory cards and transcripts")
    parser.add_argument("--control-port", type=int, default=0)
    return parser


def _config(options: argparse.Namespace) -> FarmConfig:
    if options.config is not None:
        return FarmConfig.model_validate_json(options.config.read_bytes())
    models = [model.strip().upper() for model in options.printers.split(",")]
    return FarmConfig.model_validate(
        {
            "printers": [{"model": model} for model in models],
            "speed": options.speed,
            "data": options.data,
            "control_port": options.control_port,
        }
    )


def _say(event: str, fields: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
