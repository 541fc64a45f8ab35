"""A simulated printer on somebody else's servers: its state machine at an ordinary MQTT broker, its files in a folder
that an ordinary FTP server serves. So the hub's adapter meets programs that we did not write.
"""

import json
import ssl
import threading
from types import TracebackType
from typing import Any, Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from hub.simulators.bambu import PrinterCore
from hub.simulators.clock import VirtualClock

TICK_S = 0.1
CONNECT_PATIENCE_S = 15.0


class BridgeError(Exception):
    """The broker did not let the simulated printer in."""


class BrokerBridge:
    """Listens to `device/<serial>/request` and publishes to `device/<serial>/report` while its `with` block runs."""

    def __init__(
        self,
        core: PrinterCore,
        *,
        host: str,
        port: int,
        username: str,
        password: str,
        context: ssl.SSLContext,
        clock: VirtualClock,
    ) -> None:
        self.core, self.clock = core, clock
        self.host, self.port = host, port
        self._in_order = threading.Lock()
        self._stopping, self._listening = threading.Event(), threading.Event()
        self._refusal = ""
        self._ticker = threading.Thread(target=self._tick, name=f"bridge-{core.serial}", daemon=True)
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"printer-{core.serial}")
        self._client.username_pw_set(username, password)
        self._client.tls_set_context(context)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_args: self._listening.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._client.connect(self.host, self.port, keepalive=30)
        self._client.loop_start()
        if not self._listening.wait(CONNECT_PATIENCE_S):
            self._client.loop_stop()
            raise BridgeError(f"The broker at {self.host}:{self.port} did not answer. {self._refusal}".strip())
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._ticker.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: paho.Client, _userdata: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
        else:
            client.subscribe(f"device/{self.core.serial}/request", qos=1)

    def _on_message(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        try:
            request = json.loads(message.payload)
        except ValueError:
            self.core.note("unreadable request", message.payload.decode("utf-8", "replace"))
            return
        with self._in_order:
            self._publish(self.core.handle_request(request))

    def _tick(self) -> None:
        while not self._stopping.wait(TICK_S):
            with self._in_order:
                self._publish(self.core.tick(self.clock.now_s()))

    def _publish(self, reports: list[dict[str, Any]]) -> None:
        for report in reports:
            for payload in self.core.to_bytes(report):
                sent = self._client.publish(f"device/{self.core.serial}/report", payload, qos=0)
                if sent.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
                    self.core.note("report lost", paho.error_string(sent.rc))
