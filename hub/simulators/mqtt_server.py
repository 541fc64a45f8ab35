"""An MQTT 3.1.1 server for exactly one printer, which can misbehave on demand.

It lives in the farm's event loop; every method but the constructor is called there.
"""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from hub.simulators import mqtt_packets as mqtt
from hub.simulators.sockets import reset_on_close
from hub.simulators.transcript import Transcript

USER = "bblp"
PROTOCOL_LEVEL = 4
BAD_PROTOCOL, BAD_CREDENTIALS = 1, 5
CONNECT_PATIENCE_S = 10.0
BACKLOG_LIMIT_BYTES = 4 * 1024 * 1024

RequestHook = Callable[[bytes], None]


@dataclass(eq=False)
class Session:
    """One connected client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    client_id: str = ""
    keepalive_s: int = 0
    hears_reports: bool = False
    held_back: list[bytes] = field(default_factory=list)


class MqttServer:
    """The broker inside the printer. Attributes below the first block are switches that tests and faults turn."""

    def __init__(self, serial: str, access_code: str, context: ssl.SSLContext, on_request: RequestHook) -> None:
        self.serial = serial
        self.access_code = access_code
        self.context = context
        self.on_request = on_request
        self.transcript = Transcript()

        self.max_clients = 4
        self.puback = True
        self.enforce_keepalive = True
        self.refuse_code: int | None = None
        self.closes_after_connect = False
        self.resets_new_connections = False
        self.mute_all = False
        self.frozen = False
        self.mute_clients: set[str] = set()
        self.deaf_clients: set[str] = set()
        self.deaf_puback = False

        self.port = 0
        self.connects = 0
        self.refused_connects = 0
        self._server: asyncio.Server | None = None
        self._sessions: set[Session] = set()
        self._abandoned: set[Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- listening ----------------------------------------------------------------------------------------------------

    async def listen(self, host: str, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, host, port, ssl=self.context, ssl_handshake_timeout=30)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def is_listening(self) -> bool:
        return self._server is not None

    def stop_listening(self) -> None:
        """New connections are refused by the operating system; those that exist stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def close(self) -> None:
        self.stop_listening()
        self.drop_clients()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- faults -------------------------------------------------------------------------------------------------------

    def drop_clients(self, *, reset: bool = True) -> None:
        """End every connection, with a TCP reset or with an ordinary close."""
        for session in [*self._sessions, *self._abandoned]:
            self._drop(session, reset=reset)
        self._abandoned.clear()

    def abandon_clients(self) -> None:
        """Never say another word to those who are connected, nor close: what a cut cable looks like."""
        for session in self._sessions:
            _transport(session).pause_reading()
        self._abandoned |= self._sessions
        self._sessions = set()

    def freeze(self, *, frozen: bool) -> None:
        """Neither read nor write until thawed; what was to be said is said then."""
        self.frozen = frozen
        for session in list(self._sessions):
            if frozen:
                _transport(session).pause_reading()
                continue
            _transport(session).resume_reading()
            held, session.held_back = session.held_back, []
            for data in held:
                self._write(session, data)

    @property
    def client_ids(self) -> set[str]:
        return {session.client_id for session in self._sessions}

    # -- speaking -----------------------------------------------------------------------------------------------------

    def publish(self, payload: bytes) -> None:
        """Send a report to everyone who subscribed to it."""
        self.transcript.note("report", payload.decode("utf-8", "replace"), serial=self.serial)
        data = mqtt.publish(f"device/{self.serial}/report", payload)
        for session in list(self._sessions):
            if session.hears_reports and not self.mute_all and session.client_id not in self.mute_clients:
                self._write(session, data)

    def _write(self, session: Session, data: bytes) -> None:
        if self.frozen:
            session.held_back.append(data)
            return
        if _transport(session).get_write_buffer_size() > BACKLOG_LIMIT_BYTES:
            self._drop(session, reset=True)  # a client that has stopped reading must not fill the memory
            return
        session.writer.write(data)

    # -- one client ---------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self.resets_new_connections and await self._admit(session):
                await self._converse(session)
        except asyncio.CancelledError:
            pass  # only `close` cancels, and asyncio's streams would complain of a cancelled task
        except (asyncio.IncompleteReadError, mqtt.MalformedPacketError, TimeoutError, OSError) as error:
            self.transcript.note("mqtt closed", repr(error), serial=self.serial, client_id=session.client_id)
        finally:
            self._tasks.discard(task)
            if session not in self._abandoned:
                self._drop(session, reset=self.resets_new_connections)

    async def _admit(self, session: Session) -> bool:
        first = await asyncio.wait_for(mqtt.read_packet(session.reader), CONNECT_PATIENCE_S)
        if first.kind != mqtt.CONNECT:
            raise mqtt.MalformedPacketError("the first packet is not CONNECT")
        wish = mqtt.parse_connect(first.body)
        session.client_id, session.keepalive_s = wish.client_id, wish.keepalive_s
        code = self._verdict(wish)
        self.transcript.note("connect", wish.client_id, serial=self.serial, code=code)
        if self.closes_after_connect or (code == 0 and self._is_full(wish.client_id)):
            self.refused_connects += 1
            return False
        session.writer.write(mqtt.packet(mqtt.CONNACK, bytes([0, code])))
        await session.writer.drain()
        if code:
            self.refused_connects += 1
            return False
        for other in [other for other in self._sessions if other.client_id == wish.client_id]:
            self._drop(other, reset=False)
        self.connects += 1
        self._sessions.add(session)
        if self.frozen:
            _transport(session).pause_reading()
        return True

    def _verdict(self, wish: mqtt.Connect) -> int:
        if wish.level != PROTOCOL_LEVEL:
            return BAD_PROTOCOL
        if self.refuse_code is not None:
            return self.refuse_code
        return 0 if (wish.user, wish.password) == (USER, self.access_code) else BAD_CREDENTIALS

    def _is_full(self, client_id: str) -> bool:
        return len(self.client_ids - {client_id}) >= self.max_clients

    async def _converse(self, session: Session) -> None:
        patience_s = session.keepalive_s * 1.5 if session.keepalive_s and self.enforce_keepalive else None
        while True:
            arrived = await asyncio.wait_for(mqtt.read_packet(session.reader), patience_s)
            if session not in self._sessions or not self._answer(session, arrived):
                return

    def _answer(self, session: Session, arrived: mqtt.Packet) -> bool:
        """React to one packet; False ends the connection."""
        if arrived.kind == mqtt.PUBLISH:
            return self._on_publish(session, mqtt.parse_publish(arrived.flags, arrived.body))
        if arrived.kind == mqtt.SUBSCRIBE:
            return self._on_subscribe(session, arrived.body)
        if arrived.kind == mqtt.UNSUBSCRIBE:
            session.hears_reports = False
            self._write(session, mqtt.packet(mqtt.UNSUBACK, arrived.body[:2]))
        elif arrived.kind == mqtt.PINGREQ:
            self._write(session, mqtt.packet(mqtt.PINGRESP))
        return arrived.kind in {mqtt.UNSUBSCRIBE, mqtt.PINGREQ, mqtt.PUBACK}

    def _on_publish(self, session: Session, message: mqtt.Publish) -> bool:
        deaf = session.client_id in self.deaf_clients
        text = message.payload.decode("utf-8", "replace")
        self.transcript.note("request", text, serial=self.serial, topic=message.topic, qos=message.qos, ignored=deaf)
        if message.qos > 1:
            return False
        if message.qos == 1 and self.puback and (not deaf or self.deaf_puback):
            self._write(session, mqtt.packet(mqtt.PUBACK, struct.pack("!H", message.packet_id)))
        if not deaf and message.topic == f"device/{self.serial}/request":
            self.on_request(message.payload)
        return True

    def _on_subscribe(self, session: Session, body: bytes) -> bool:
        """Another printer's topic is granted and stays silent; wildcards and request topics end the connection."""
        packet_id, wishes = mqtt.parse_subscribe(body)
        if any("#" in topic or "+" in topic or topic.endswith("/request") for topic, _qos in wishes):
            self.transcript.note("forbidden subscription", str(wishes), serial=self.serial)
            return False
        if any(topic == f"device/{self.serial}/report" for topic, _qos in wishes):
            session.hears_reports = True
        granted = bytes(0 for _wish in wishes)
        self._write(session, mqtt.packet(mqtt.SUBACK, struct.pack("!H", packet_id) + granted))
        return True

    def _drop(self, session: Session, *, reset: bool) -> None:
        self._sessions.discard(session)
        with contextlib.suppress(RuntimeError):  # the loop of a farm that is being closed
            if reset:
                reset_on_close(session.writer.get_extra_info("socket"))
                _transport(session).abort()
            else:
                session.writer.close()


def _transport(session: Session) -> asyncio.Transport:
    return session.writer.transport  # type: ignore[return-value]  # a stream's transport reads and writes
