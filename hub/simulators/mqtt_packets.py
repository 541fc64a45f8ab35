"""The bytes of MQTT 3.1.1, as far as a printer needs them (OASIS standard, chapters 2 and 3)."""

import asyncio
import struct
from dataclasses import dataclass

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 10, 11, 12, 13, 14

PACKET_LIMIT_BYTES = 256 * 1024
LENGTH_BYTES = 4


class MalformedPacketError(Exception):
    """The client does not speak MQTT 3.1.1; the connection is closed, as the standard asks."""


@dataclass(frozen=True)
class Packet:
    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True)
class Connect:
    client_id: str
    keepalive_s: int
    user: str
    password: str
    level: int


@dataclass(frozen=True)
class Publish:
    topic: str
    payload: bytes
    qos: int
    packet_id: int


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """The next packet. Raises MalformedPacketError, or asyncio.IncompleteReadError at the end of the connection."""
    first = (await reader.readexactly(1))[0]
    length = 0
    for position in range(LENGTH_BYTES):
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            break
    else:
        raise MalformedPacketError("remaining length longer than four bytes")
    if length > PACKET_LIMIT_BYTES:
        raise MalformedPacketError(f"packet of {length} bytes")
    return Packet(first >> 4, first & 0x0F, await reader.readexactly(length))


def packet(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    header, length = bytearray([kind << 4 | flags]), len(body)
    while True:
        byte, length = length & 0x7F, length >> 7
        header.append(byte | (0x80 if length else 0))
        if not length:
            return bytes(header) + body


def publish(topic: str, payload: bytes) -> bytes:
    """QoS 0, not retained: all that a printer sends."""
    name = topic.encode()
    return packet(PUBLISH, struct.pack("!H", len(name)) + name + payload)


class _Body:
    """Reads fields off a packet's body."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise MalformedPacketError("packet ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def text(self) -> str:
        return self.take(self.number()).decode("utf-8", "replace")

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.at)

    @property
    def is_empty(self) -> bool:
        return self.at >= len(self.data)


def parse_connect(body: bytes) -> Connect:
    fields = _Body(body)
    if fields.text() != "MQTT":
        raise MalformedPacketError("not MQTT")
    level, flags, keepalive_s = fields.take(1)[0], fields.take(1)[0], fields.number()
    client_id = fields.text()
    if flags & 0x04:  # a will, which a printer has no use for
        fields.text()
        fields.take(fields.number())
    user = fields.text() if flags & 0x80 else ""
    password = fields.text() if flags & 0x40 else ""
    return Connect(client_id, keepalive_s, user, password, level)


def parse_subscribe(body: bytes) -> tuple[int, list[tuple[str, int]]]:
    fields = _Body(body)
    packet_id, wishes = fields.number(), []
    while not fields.is_empty:
        wishes.append((fields.text(), fields.take(1)[0]))
    return packet_id, wishes


def parse_publish(flags: int, body: bytes) -> Publish:
    fields = _Body(body)
    topic, qos = fields.text(), flags >> 1 & 3
    return Publish(topic, packet_id=fields.number() if qos else 0, qos=qos, payload=fields.rest())
