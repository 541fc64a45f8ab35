"""The broker inside a simulated printer, met with an ordinary MQTT client."""

import json
import socket
import ssl
import time

import pytest

from hub.simulators import MqttOptions, PrinterSpec, SimulatedFarm
from tests.hub.simulators.clients import MqttListener, start_command, tls_context, wait_until


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    specs = [PrinterSpec(model="P1S"), PrinterSpec(model="X1C", mqtt=MqttOptions(max_clients=2))]
    with SimulatedFarm(specs, speed=0, data=tmp_path_factory.mktemp("farm")) as farm:
        yield farm


@pytest.fixture
def printer(farm):
    yield farm.printers[0]
    for name in list(farm.printers[0].core.faults.active):
        farm.printers[0].clear(name)


def test_a_subscriber_gets_the_answers_and_reports(printer):
    with MqttListener(printer) as hub:
        hub.ask_all()
        hub.send({"info": {"sequence_id": "9", "command": "get_version"}})
        assert hub.answer("get_version")["sequence_id"] == "9"
        wait_until(lambda: hub.merged.get("gcode_state") == "IDLE")


def test_a_wrong_code_is_refused_with_5_and_the_connection_ends(printer):
    listener = MqttListener(printer, code="wrong")
    wait_until(lambda: listener.connack)
    assert "Not authorized" in listener.connack
    wait_until(lambda: listener.disconnects)
    listener.client.loop_stop()


@pytest.mark.parametrize("topic", ["#", "device/+/request", "device/01P00A000000001/request", "device/+/report"])
def test_forbidden_subscriptions_end_the_connection_without_a_word(printer, topic):
    listener = MqttListener(printer, topic=topic, client_id="curious")
    wait_until(lambda: listener.disconnects)
    assert not listener.subscribed
    listener.client.loop_stop()


def test_another_printers_topic_is_granted_and_stays_silent(printer):
    with MqttListener(printer, topic="device/01p00a000000001/report", client_id="lower-case") as deaf:
        with MqttListener(printer) as hub:
            hub.ask_all()
            wait_until(lambda: hub.merged)
        assert deaf.messages == []


def test_a_request_to_another_printers_topic_is_ignored(printer):
    with MqttListener(printer) as hub:
        hub.serial = "01P00A000000009"
        hub.ask_all()
        wait_until(lambda: hub.acknowledged, "the PUBACK")
        assert hub.messages == []


def test_the_same_client_id_takes_the_session_over(printer):
    with MqttListener(printer, client_id="hub") as first, MqttListener(printer, client_id="hub") as second:
        wait_until(lambda: first.disconnects, "the end of the first session")
        second.ask_all()
        wait_until(lambda: second.merged)


def test_one_client_too_many_is_closed_after_its_connect(farm):
    printer = farm.printers[1]
    with MqttListener(printer, client_id="a"), MqttListener(printer, client_id="b"):
        third = MqttListener(printer, client_id="c")
        wait_until(lambda: printer.mqtt.refused_connects)
        assert third.connack == ""
        third.client.loop_stop()


def test_garbage_requests_are_ignored(printer):
    with MqttListener(printer) as hub:
        for payload in (b"\xff\xfe", b"{", b"[" * 5000, b"null", b'"text"', b'{"print": []}'):
            hub.client.publish(f"device/{printer.serial}/request", payload, qos=1)
        hub.ask_all()
        wait_until(lambda: hub.merged)
        assert hub.acknowledged >= 6


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "ftp://[x"},
        {"url": "ftp://a%00b.3mf"},
        {"url": "ftp://" + "a" * 5000},
        {"url": "ftp://\ud800.3mf"},
        {"subtask_id": "\u00b2"},
        {"subtask_id": "9" * 5000},
        {"use_ams": True, "ams_mapping": [{}, 1e300, True, 10**30]},
    ],
    ids=["no address", "zero byte", "too long", "half a character", "raised digit", "5000 digits", "odd slots"],
)
def test_a_nonsensical_start_starts_nothing_and_the_clock_goes_on(tmp_path, changes):
    with SimulatedFarm([PrinterSpec(model="X1C"), PrinterSpec(model="P1S")], speed=600, data=tmp_path) as farm:
        printer, other = farm.printers
        with MqttListener(printer) as hub:
            hub.send(start_command(b"", **changes))
            hub.answer("project_file")
            began_s = other.status()["virtual_s"]
            wait_until(lambda: other.status()["virtual_s"] > began_s + 120, "two more minutes of the other printer")
            assert not printer.starts


@pytest.mark.parametrize("request_", ["deep", "hot"])
def test_a_monstrous_command_is_survived(printer, farm, request_):
    body = {"sequence_id": "1", "command": "gcode_line", "param": "M104 S" + "9" * 400}
    if request_ == "deep":
        body = {"sequence_id": "1", "command": "pause", "param": json.loads("[" * 400 + "]" * 400)}
    with MqttListener(printer) as hub:
        hub.send({"print": body})
        wait_until(lambda: hub.acknowledged)
        farm.advance(60)
        hub.ask_all()
        wait_until(lambda: hub.merged.get("gcode_state") == "IDLE")
        assert hub.merged["nozzle_target_temper"] <= 300
        assert not hub.disconnects


def test_a_request_with_a_trailing_zero_byte_is_understood(printer):
    with MqttListener(printer) as hub:
        request = {"info": {"sequence_id": "1", "command": "get_version"}}
        hub.client.publish(f"device/{printer.serial}/request", json.dumps(request).encode() + b"\x00", qos=1)
        hub.answer("get_version")


@pytest.mark.parametrize(
    "hello",
    [
        b"GET / HTTP/1.1\r\n" * 9,
        b"\x10\xff\xff\xff\xff\xff",
        b"\x10\x02\x00\x09",
        b"\xc0\x00",
        b"\x10\xff\xff\x7f",
    ],
    ids=["http", "endless length", "short string", "ping first", "too large"],
)
def test_whoever_does_not_speak_mqtt_is_dropped_and_others_are_served(printer, hello):
    with socket.create_connection((printer.host, printer.mqtt_port), timeout=10) as plain:
        stranger = tls_context().wrap_socket(plain)
        stranger.sendall(hello)
        assert stranger.recv(100) == b""
    with MqttListener(printer) as hub:
        hub.ask_all()
        wait_until(lambda: hub.merged)


def test_an_older_protocol_level_is_refused_with_1(printer):
    with socket.create_connection((printer.host, printer.mqtt_port), timeout=10) as plain:
        stranger = tls_context().wrap_socket(plain)
        stranger.sendall(b"\x10\x0f\x00\x04MQTT\x03\x02\x00\x3c\x00\x03abc")
        assert stranger.recv(100) == b"\x20\x02\x00\x01"


def test_a_silent_client_is_dropped_after_one_and_a_half_keepalives(printer):
    with socket.create_connection((printer.host, printer.mqtt_port), timeout=10) as plain:
        client = tls_context().wrap_socket(plain)
        code = printer.access_code.encode()
        body = b"\x00\x04MQTT\x04\xc2\x00\x01\x00\x03idl\x00\x04bblp" + len(code).to_bytes(2, "big") + code
        client.sendall(bytes([0x10, len(body)]) + body)
        assert client.recv(100) == b"\x20\x02\x00\x00"
        since = time.monotonic()
        assert client.recv(100) == b""
        assert time.monotonic() - since > 1.2


def test_the_connection_is_tls_1_2_with_the_serial_as_name(printer):
    with socket.create_connection((printer.host, printer.mqtt_port), timeout=10) as plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(printer.authority.certificate_path)
        with context.wrap_socket(plain) as secured:
            assert secured.version() == "TLSv1.2"
            certificate = secured.getpeercert()
    assert (("commonName", printer.serial),) in certificate["subject"]
    assert "subjectAltName" not in certificate


def test_without_pubacks_commands_are_still_carried_out(printer):
    with MqttListener(printer) as hub:
        printer.fault("no-puback")
        wait_until(lambda: not printer.mqtt.puback)
        hub.send({"info": {"sequence_id": "9", "command": "get_version"}})
        hub.answer("get_version")
        assert hub.acknowledged == 0


def test_a_refused_connect_carries_the_wanted_code(printer):
    printer.fault("connect-refused", code=4)
    wait_until(lambda: printer.mqtt.refuse_code)
    listener = MqttListener(printer)
    wait_until(lambda: listener.connack)
    assert "Bad user name or password" in listener.connack
    listener.client.loop_stop()


def test_the_transcript_holds_both_directions(printer):
    with MqttListener(printer) as hub:
        hub.ask_all()
        wait_until(lambda: hub.merged)
    lines = [
        json.loads(line)
        for line in (printer.authority.folder.parent / f"{printer.serial}.jsonl").read_text().splitlines()
    ]
    kinds = {line["kind"] for line in lines}
    assert {"connect", "request", "report"} <= kinds
    assert all("at" in line for line in lines)
    assert not any(printer.access_code in line["text"] for line in lines)
