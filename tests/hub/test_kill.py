"""kill -9 of the hub at every step of a start: the printer is started at most once, and web hears the truth."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub import protocol
from tests.hub.doomed_hub import STEPS
from tests.hub.rig import Rig, large_file, printer_config, start_command
from tests.hub.simulators.clients import wait_until

RUN = "PF-7K2M9Q"
ROOT = Path(__file__).parents[2]


def project_files(printer):
    return [entry for entry in printer.transcript.of_kind("request") if '"project_file"' in entry["text"]]


@pytest.mark.parametrize("step", STEPS)
def test_a_hub_that_is_killed_starts_a_print_at_most_once(farm_of, file_server, tmp_path, step):
    printer = farm_of("P1S").printers[0]
    command = start_command(file_server, f"id-{printer.serial}", RUN, large_file(seconds=300, layers=20))
    for name, model in (("command.json", command), ("printer.json", printer_config(printer))):
        (tmp_path / name).write_text(model.model_dump_json())
    killed = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.hub.doomed_hub",
            tmp_path,
            tmp_path / "command.json",
            tmp_path / "printer.json",
            step,
        ],
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    hub = Rig(tmp_path, file_server)
    try:
        hub.supervisor.take(command)  # web never got an answer, or asks again
        never_sent = step == "published, not sent"
        end = hub.wait_run(RUN, "completed", "unknown", "failed")
        assert end.state == ("unknown" if never_sent else "completed"), (end.code, end.sentence, end.evidence)
        assert sum(printer.starts.values()) == (0 if never_sent else 1)
        assert hub.states(RUN).count("completed") <= 1
        assert len([m for m in hub.messages() if m.type == "command_ack" and m.command_id == command.command_id]) == 1
        wait_until(lambda: hub.ledger.open_runs(printer.serial) == [], "nothing to be left open")
    finally:
        hub.close()


def test_a_hub_that_is_killed_while_printing_tells_the_end_once(farm_of, file_server, tmp_path):
    printer = farm_of("P1S").printers[0]
    hub = Rig(tmp_path, file_server)
    hub.add(printer)
    hub.start(printer, RUN, large_file(seconds=600, layers=20))
    hub.wait_printing(printer)
    hub.restart(while_down=lambda: wait_until(lambda: printer.status()["gcode_state"] == "FINISH", "the end"))
    try:
        end = hub.wait_run(RUN, "completed")
        assert end.ended_while_offline
        hub.restart()
        hub.wait_online(f"id-{printer.serial}")
        hub.order(printer, "refresh")
        assert hub.states(RUN) == ["sending", "accepted", "running", "completed"]
        assert sum(printer.starts.values()) == 1
    finally:
        hub.close()


def test_a_start_that_was_interrupted_long_ago_is_not_taken_up_again(farm_of, file_server, tmp_path, monkeypatch):
    printer = farm_of("P1S").printers[0]
    hub = Rig(tmp_path, file_server)
    try:
        hub.add(printer)
        printer.fault("B23", bytes_per_s=10_000)
        hub.start(printer, RUN, large_file())
        wait_until(lambda: any(m.type == "file_progress" for m in list(hub.shown)), "the transfer")
        monkeypatch.setattr("hub.printer.RESUME_WITHIN_S", -1)
        hub.restart()
        report = hub.wait_run(RUN, "failed", "cancelled")
        assert (report.state, report.code) == ("failed", "hub_was_away")
        assert sum(printer.starts.values()) == 0
        assert isinstance(report, protocol.RunReport)
    finally:
        hub.close()
