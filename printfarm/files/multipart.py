"""Multipart bodies as a stream: nothing of a file is kept in memory, whatever its size."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from werkzeug.exceptions import BadRequest
from werkzeug.sansio.multipart import NEED_DATA, Data, Event, Field, File, MultipartDecoder, State

CHUNK_BYTES = 256 * 1024
FIELD_BYTES = 64 * 1024
PARTS = 200


@dataclass(frozen=True)
class FieldPart:
    """A text field, whole."""

    name: str
    value: str


@dataclass(frozen=True)
class FilePart:
    """A file: its chunks must be read before the next part is asked for; what is left unread is skipped."""

    name: str
    file_name: str
    chunks: Iterator[bytes]


def read_parts(stream: IO[bytes], boundary: str) -> Iterator[FieldPart | FilePart]:
    """The parts of a multipart/form-data body in their order. Raises BadRequest when the body is broken off or malformed."""
    events = _events(stream, boundary.encode("latin-1"))
    for event in events:
        if isinstance(event, File):
            chunks = _data(events)
            yield FilePart(event.name or "", event.filename, chunks)
            for _rest in chunks:
                pass
        elif isinstance(event, Field):
            yield FieldPart(event.name or "", _text(events))


def skip(stream: IO[bytes], at_most: int) -> None:
    """Read on and forget, so that the browser finishes sending and reads our answer; beyond `at_most` bytes it may not."""
    while at_most > 0 and (chunk := stream.read(min(CHUNK_BYTES, at_most))):
        at_most -= len(chunk)


def _events(stream: IO[bytes], boundary: bytes) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary, max_form_memory_size=4 * CHUNK_BYTES, max_parts=PARTS)
    while True:
        chunk = stream.read(CHUNK_BYTES)
        decoder.receive_data(chunk or None)
        try:
            while (event := decoder.next_event()) is not NEED_DATA:
                yield event
        except (ValueError, AttributeError) as problem:  # the decoder meets nonsense with either
            raise BadRequest("The upload broke off before it was complete. Nothing was stored; try again.") from problem
        if decoder.state is State.EPILOGUE:  # the last boundary; what a client sends after it is not ours
            return


def _data(events: Iterator[Event]) -> Iterator[bytes]:
    for event in events:
        assert isinstance(event, Data)
        if event.data:
            yield event.data
        if not event.more_data:
            return


def _text(events: Iterator[Event]) -> str:
    value = bytearray()
    for chunk in _data(events):
        value += chunk
        if len(value) > FIELD_BYTES:
            raise BadRequest("A field of this form is too long.")
    return value.decode(errors="replace")
