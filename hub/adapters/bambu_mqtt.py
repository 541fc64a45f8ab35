"""One MQTT connection to a Bambu printer. A lost connection is never revived: a new object with a new client id takes
its place, because queued messages would be replayed and an old id can leave a session that hears nothing.
"""

import contextlib
import json
import secrets
import socket
from collections.abc import Callable
from typing import Any, Literal

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.adapters.bambu_tls import PrinterContext
from hub.protocol import PrinterConfig

KEEPALIVE_S = 30
MOST_IN_FLIGHT = 1000
_WRONG_CODE = frozenset({134, 135})  # paho's numbers for the answers 4 and 5 of MQTT 3.1.1

Loss = Literal["wrong_code", "refused", "closed"]


class MqttSession:
    """`on_up`, `on_loss` and `on_message` are called on paho's thread and must only hand over."""

    def __init__(
        self,
        config: PrinterConfig,
        context: PrinterContext,
        on_up: Callable[[], None],
        on_loss: Callable[[Loss], None],
        on_message: Callable[[bytes], None],
    ) -> None:
        self._config = config
        self._on_up, self._on_loss, self._on_message = on_up, on_loss, on_message
        self._closed = False
        serial = config.serial.upper()
        self._report_topic = f"device/{serial}/report"
        self._request_topic = f"device/{serial}/request"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"printfarm-{secrets.token_hex(6)}",
            protocol=mqtt.MQTTv311,
            clean_session=True,
            reconnect_on_failure=False,
        )
        client.username_pw_set("bblp", config.access_code)
        client.tls_set_context(context)
        client.tls_insecure_set(True)  # PrinterContext checks the pin instead of a host name
        client.max_inflight_messages_set(MOST_IN_FLIGHT)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        self._client = client

    def open(self, timeout_s: float) -> None:
        """Blocks for the TCP and TLS handshakes. Raises OSError, and CertificateRefusedError of that family."""
        self._client.connect_timeout = timeout_s
        self._client.connect(self._config.address, self._config.mqtt_port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def publish(self, payload: dict[str, Any]) -> bool:
        """Send with QoS 1. False when it was certainly not sent."""
        if not self._client.is_connected():
            return False
        sent = self._client.publish(self._request_topic, json.dumps(payload, separators=(",", ":")), qos=1)
        return sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """Drops the connection at once, also a dead one: saying goodbye to a dead printer would block."""
        self._closed = True
        stream = self._client.socket()
        if isinstance(stream, socket.socket):
            with contextlib.suppress(OSError):  # the printer was faster
                stream.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, _: Any, __: Any, code: ReasonCode, ___: Properties | None) -> None:
        if not code.is_failure:
            client.subscribe(self._report_topic, qos=1)
            return
        self._lost("wrong_code" if code.value in _WRONG_CODE else "refused")

    def _subscribed(self, _: mqtt.Client, __: Any, ___: int, codes: list[ReasonCode], ____: Properties | None) -> None:
        if any(code.is_failure for code in codes):
            self._lost("refused")
        elif not self._closed:
            self._on_up()

    def _disconnected(self, _: mqtt.Client, __: Any, ___: Any, ____: ReasonCode, _____: Properties | None) -> None:
        self._lost("closed")

    def _received(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        if not self._closed:
            self._on_message(bytes(message.payload))

    def _lost(self, loss: Loss) -> None:
        if not self._closed:
            self._closed = True
            self._on_loss(loss)
