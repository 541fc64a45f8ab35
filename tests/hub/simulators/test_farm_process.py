"""The farm as a process of its own: what it prints, its remote control, what it keeps, how it stops."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hub.simulators import PrinterSpec, SimulatedFarm
from hub.simulators.control import ControlClient, ControlError
from tests.hub.simulators.clients import FtpsClient, MqttListener, sliced_file, start_command, wait_until

ROOT = Path(__file__).parents[3]


class Process:
    """`python -m hub.simulators …`, read until it says that it is ready."""

    def __init__(self, *arguments):
        self.program = subprocess.Popen(
            [sys.executable, "-m", "hub.simulators", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.said = []
        for line in self.program.stdout:
            self.said.append(json.loads(line))
            if self.said[-1]["event"] == "ready":
                break

    def lines(self, event):
        return [line for line in self.said if line["event"] == event]

    def control(self):
        (line,) = self.lines("control")
        return ControlClient(line["host"], line["port"])

    def stop(self):
        self.program.send_signal(signal.SIGTERM)
        _output, errors = self.program.communicate(timeout=20)
        return self.program.returncode, errors.decode()


@pytest.fixture
def process(tmp_path):
    started = []

    def start(*arguments):
        started.append(Process("--data", str(tmp_path / "data"), *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.program.poll() is None:
            one.stop()


class Address:
    def __init__(self, line):
        self.__dict__.update(line)


def test_it_names_every_printer_and_stops_on_sigterm(process):
    farm = process("--printers", "X1C,P1S,A1MINI", "--speed", "60")
    printers = farm.lines("printer")
    assert [line["model"] for line in printers] == ["X1C", "P1S", "A1MINI"]
    for line in printers:
        assert {"serial", "access_code", "host", "mqtt_port", "ftps_port", "certificate_sha256"} <= set(line)
    code, errors = farm.stop()
    assert (code, errors) == (0, "")


def test_it_stops_without_a_word_while_clients_are_connected(process):
    farm = process("--printers", "P1S", "--speed", "60")
    address = Address(farm.lines("printer")[0])
    client = FtpsClient(address)
    with MqttListener(address) as hub, socket.create_connection((address.host, address.mqtt_port)):
        assert farm.stop() == (0, "")
        wait_until(lambda: hub.disconnects)
    client.close()


def test_a_print_survives_the_loss_of_its_client_and_is_counted_once(process):
    farm = process("--printers", "P1S", "--speed", "300")
    address = Address(farm.lines("printer")[0])
    data = sliced_file(seconds=1500)
    client = FtpsClient(address)
    client.put("part.gcode.3mf", data)
    client.close()
    with MqttListener(address) as hub:
        hub.send(start_command(data))
        wait_until(lambda: hub.merged.get("gcode_state") == "RUNNING")
    with farm.control() as control:
        wait_until(lambda: control.call("status", address.serial)["gcode_state"] == "FINISH")
        status = control.call("status", address.serial)
        assert status["starts"] == {"42": 1}
        assert status["connects"] == 1


def test_faults_and_time_obey_the_remote_control(process):
    farm = process("--printers", "X1C", "--speed", "0")
    serial = farm.lines("printer")[0]["serial"]
    with farm.control() as control:
        subtask_id = control.call("foreign_job", serial, options={"duration_s": 200})["subtask_id"]
        control.call("fault", serial, name="B35", options={"at_percent": 50})
        control.call("advance", seconds=40)
        assert control.call("status", serial)["gcode_state"] == "RUNNING"
        control.call("advance", seconds=300)
        status = control.call("status", serial)
        assert status["gcode_state"] == "FAILED"
        assert status["starts"] == {subtask_id: 1}
        control.call("insert_spool", serial, tray=3, spool={"material": "ABS"})
        assert "3" in control.call("status", serial)["remaining_g"]
        control.call("remove_spool", serial, tray=3)
        control.call("fault", serial, name="B26", options={})
        control.call("clear", serial, name="B26")
        assert control.call("list")["printers"][0]["serial"] == serial


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"do": "dance"}, "dance"),
        ({"do": "status", "printer": "nobody"}, "nobody"),
        ({"do": "fault", "name": "B99"}, "Known are"),
        ({"do": "fault"}, "name"),
        ({"do": "insert_spool", "tray": 3, "spool": {"colour": "red"}}, "colour"),
        ({"do": "insert_spool", "tray": 99}, "no AMS slot 99"),
    ],
)
def test_a_wrong_wish_is_answered_with_a_sentence(process, wish, sentence):
    farm = process("--printers", "X1C", "--speed", "0")
    serial = farm.lines("printer")[0]["serial"]
    with farm.control() as control, pytest.raises(ControlError, match=sentence):
        control.call(**({"printer": serial} | wish))


def test_a_mistake_in_one_printer_stops_neither_the_others_nor_goes_unnoticed(tmp_path, monkeypatch, caplog):
    farm = SimulatedFarm([PrinterSpec(model="P1S"), PrinterSpec(model="X1C")], speed=100, data=tmp_path)
    farm.start()
    broken, healthy = farm.printers
    monkeypatch.setattr(broken.core.telemetry, "_drift", lambda _elapsed_s: 1 / 0)
    began_s = healthy.status()["virtual_s"]
    wait_until(lambda: broken.failures and healthy.status()["virtual_s"] > began_s + 100)
    with pytest.raises(ZeroDivisionError):
        farm.stop()
    assert broken.serial in caplog.text


def test_certificates_codes_and_files_outlive_the_process(process):
    first = process("--printers", "P1S", "--speed", "0")
    client = FtpsClient(Address(first.lines("printer")[0]))
    client.put("part.gcode.3mf", sliced_file())
    client.close()
    first.stop()
    second = process("--printers", "P1S", "--speed", "0")
    before, after = first.lines("printer")[0], second.lines("printer")[0]
    assert {key: before[key] for key in ("serial", "access_code", "certificate_sha256")} == {
        key: after[key] for key in ("serial", "access_code", "certificate_sha256")
    }
    client = FtpsClient(Address(after))
    assert client.size("part.gcode.3mf") == len(sliced_file())
    client.close()


def test_a_config_file_describes_the_farm(process, tmp_path):
    config = tmp_path / "farm.json"
    printer = {"model": "A1MINI", "serial": "03000A123456789", "access_code": "abcd1234", "developer_mode": False}
    config.write_text(json.dumps({"printers": [printer], "speed": 0, "data": str(tmp_path / "elsewhere")}))
    farm = process("--config", str(config))
    (line,) = farm.lines("printer")
    assert (line["serial"], line["access_code"]) == ("03000A123456789", "abcd1234")
    with farm.control() as control:
        assert control.call("status", line["serial"])["faults"] == ["B26"]


@pytest.mark.parametrize(
    ("text", "sentence"), [('{"printers": [{"model": "MK4"}]}', "MK4"), ("{", "JSON"), (None, "No such file")]
)
def test_a_wrong_config_is_a_sentence_and_exit_2(tmp_path, text, sentence):
    config = tmp_path / "farm.json"
    if text is not None:
        config.write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "hub.simulators", "--config", str(config)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("The simulated printers cannot start")
    assert sentence in ended.stderr
