"""What the tests hold against a simulated printer: a plain MQTT listener, a plain FTPS client, a small sliced file."""

import contextlib
import ftplib
import hashlib
import io
import json
import ssl
import time
import zipfile
from collections.abc import Callable
from typing import Any, Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_S = 15.0


def sliced_file(
    *, seconds: int = 1200, layers: int = 20, grams: tuple[float, ...] = (12.5,), plate: int = 1, model: str = ""
) -> bytes:
    """A `.gcode.3mf` with just the entries that a printer reads; the same bytes every time."""
    filaments = "".join(f'<filament id="{n}" type="PLA" used_g="{g}"/>' for n, g in enumerate(grams, start=1))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        gcode = f"; total layer number: {layers}\n" + "G1 X1 E1\n" * 2000
        archive.writestr(zipfile.ZipInfo(f"Metadata/plate_{plate}.gcode"), gcode)
        archive.writestr(
            zipfile.ZipInfo("Metadata/slice_info.config"),
            f'<config><plate><metadata key="index" value="{plate}"/><metadata key="prediction" value="{seconds}"/>'
            f'<metadata key="printer_model_id" value="{model}"/>{filaments}</plate></config>',
        )
    return stream.getvalue()


def start_command(
    data: bytes, *, subtask_id: str = "42", name: str = "part.gcode.3mf", **changes: Any
) -> dict[str, Any]:
    """A `project_file` as the hub would send it."""
    body = {
        "sequence_id": "30050",
        "command": "project_file",
        "param": "Metadata/plate_1.gcode",
        "url": f"ftp://{name}",
        "file": name,
        "md5": hashlib.md5(data).hexdigest().upper(),
        "subtask_name": "part",
        "subtask_id": subtask_id,
        "task_id": subtask_id,
        "use_ams": False,
        "ams_mapping": [],
    }
    return {"print": body | changes}


def tls_context() -> ssl.SSLContext:
    """Trusts everybody: these tests look at the printer's behaviour, the pin is the adapter's affair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def wait_until(condition: Callable[[], Any], what: str = "") -> Any:
    """The first true value, or a failed test that says what it waited for."""
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"Waited {PATIENCE_S:.0f} s in vain for {what or condition}")


class FtpsClient(ftplib.FTP_TLS):
    """Implicit TLS; the data connection reuses the session unless told otherwise, and is closed without a goodbye."""

    def __init__(
        self, printer: Any = None, *, host: str = "", port: int = 0, code: str = "", reuse: bool = True
    ) -> None:
        self._tls_socket: Any = None
        self.reuse = reuse
        super().__init__(context=tls_context(), timeout=10)
        self.connect(host or printer.host, port or printer.ftps_port)
        self.login("bblp", code or printer.access_code)
        self.prot_p()
        self.voidcmd("TYPE I")

    @property
    def sock(self) -> Any:
        return self._tls_socket

    @sock.setter
    def sock(self, value: Any) -> None:
        plain = value is not None and not isinstance(value, ssl.SSLSocket)
        self._tls_socket = self.context.wrap_socket(value) if plain else value

    def ntransfercmd(self, cmd: str, rest: Any = None) -> Any:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            connection = self.context.wrap_socket(connection, session=self.sock.session if self.reuse else None)
        return connection, size

    def put(self, name: str, data: bytes, *, goodbye: bool = False) -> str:
        """Upload; with `goodbye` the end of the TLS data stream is said, and the answer to it awaited."""
        with self.transfercmd(f"STOR {name}") as connection:
            with contextlib.suppress(OSError):  # when the server hangs up first, its reply says why
                connection.sendall(data)
            if goodbye:
                connection.unwrap().close()
        return self.voidresp()

    def names(self) -> str:
        with self.transfercmd("LIST") as connection:
            listing = connection.makefile("r").read()
        self.voidresp()
        return listing


class MqttListener:
    """Connects, subscribes to the reports, keeps all of them and a merged picture."""

    def __init__(
        self,
        printer: Any = None,
        *,
        serial: str = "",
        host: str = "",
        port: int = 0,
        code: str = "",
        client_id: str = "hub-test",
        topic: str = "",
        keepalive_s: int = 30,
    ) -> None:
        self.serial = serial or printer.serial
        self.messages: list[dict[str, Any]] = []
        self.payloads: list[bytes] = []
        self.merged: dict[str, Any] = {}
        self.connack: str = ""
        self.subscribed = self.acknowledged = self.disconnects = 0
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, reconnect_on_failure=False)
        self.client.tls_set_context(tls_context())
        self.client.username_pw_set("bblp", code or printer.access_code)
        self.topic = topic or f"device/{self.serial}/report"
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_a: setattr(self, "subscribed", self.subscribed + 1)
        self.client.on_publish = lambda *_a: setattr(self, "acknowledged", self.acknowledged + 1)
        self.client.on_disconnect = lambda *_a: setattr(self, "disconnects", self.disconnects + 1)
        self.client.on_message = self._on_message
        self.client.connect(host or printer.host, port or printer.mqtt_port, keepalive=keepalive_s)
        self.client.loop_start()

    def __enter__(self) -> Self:
        wait_until(lambda: self.subscribed, "the subscription")
        return self

    def __exit__(self, *_error: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def send(self, request: dict[str, Any], qos: int = 1) -> None:
        self.client.publish(f"device/{self.serial}/request", json.dumps(request), qos=qos)

    def ask_all(self) -> None:
        self.send({"pushing": {"sequence_id": "1", "command": "pushall"}})

    def answer(self, command: str) -> dict[str, Any]:
        return wait_until(lambda: self._find(command), f"an answer to {command}")

    def has_answer(self, command: str) -> bool:
        return self._find(command) is not None

    def states(self) -> list[str]:
        """Every gcode_state that was reported, repeats left out."""
        seen: list[str] = []
        for message in list(self.messages):
            state = message.get("print", {}).get("gcode_state")
            if state and seen[-1:] != [state]:
                seen.append(state)
        return seen

    def _find(self, command: str) -> dict[str, Any] | None:
        for message in list(self.messages):
            for body in message.values():
                if isinstance(body, dict) and body.get("command") == command:
                    return body
        return None

    def _on_connect(self, client: paho.Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        self.connack = str(reason)
        if not reason.is_failure:
            client.subscribe(self.topic, qos=1)

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self.payloads.append(message.payload)
        try:
            decoded = json.loads(message.payload)
        except ValueError:
            return
        self.messages.append(decoded)
        body = decoded.get("print", {})
        if body.get("command") == "push_status":
            self.merged.update(body)
