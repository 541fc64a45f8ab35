"""Reads a G-code at both of its ends and keeps what says something."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from os import SEEK_END
from typing import BinaryIO

from printfarm.files.readers.body import BodyCount
from printfarm.files.readers.limits import MIB, Deadline, Limits

_PAIR = re.compile(
    rb"\n[ \t]*+;[ \t]*+(?:"
    rb"(?P<mark>(?:CONFIG|EXECUTABLE|HEADER|THUMBNAIL)_BLOCK_(?:START|END))"
    rb"|(?P<key>[A-Za-z][^\n=;:]{0,99}+)=(?P<value>[^\n]*)"
    rb")"
)
_BLOCK_MARK = b"_BLOCK_"


@dataclass(slots=True)
class GcodeText:
    """What was kept of a G-code: its ends (which may overlap), the `key = value` comments there, and what its body counts.

    `config` holds the pairs inside a CONFIG_BLOCK (or `<slicer>_config = begin … end`), `loose` those outside.
    Of a loose key that stands there more than once the last counts; the others are in `overridden`.
    """

    head: bytes = b""
    tail: bytes = b""
    config: dict[str, str] = field(default_factory=dict)
    loose: dict[str, str] = field(default_factory=dict)
    overridden: list[tuple[str, str]] = field(default_factory=list)
    body: BodyCount = field(default_factory=BodyCount)
    size_bytes: int = 0
    complete: bool = False
    long_lines: int = 0

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the slicer; files from before the config blocks have them among the loose pairs."""
        return self.config or self.loose


class GcodeReader:
    """Takes the bytes of a G-code and parses both of its ends; of what is between, it counts what the head leaves open.

    `knows_slots` says that another part of the file states which slots are used.
    """

    def __init__(self, deadline: Deadline, *, knows_slots: bool = False) -> None:
        self.text = GcodeText()
        self._deadline = deadline
        self._limits = deadline.limits
        self._knows_slots = knows_slots
        self._section = ""
        self._kept_bytes = 0
        self._collected_bytes = 0
        self._body: BodyCount | None = None

    def read(self, chunks: Iterable[bytes]) -> GcodeText:
        """Read what can only be read forwards. When the time is over first, `complete` stays False."""
        text, limits = self.text, self._limits
        last: deque[bytes] = deque()
        for chunk in chunks:
            text.size_bytes += len(chunk)
            last.append(chunk)
            while sum(map(len, last)) - len(last[0]) >= limits.tail_bytes:
                last.popleft()
            self._take(chunk)
            if self._deadline.is_near:
                return self._end(b"")
        text.complete = True
        return self._end(b"".join(last)[-limits.tail_bytes :])

    def read_ends(self, file: BinaryIO) -> GcodeText:
        """Read a file from where it stands; its middle only when the head leaves something open."""
        text, limits = self.text, self._limits
        start = file.tell()
        size_bytes = _end_of_text(file, start)
        text.size_bytes = size_bytes - start
        file.seek(start)
        while len(text.head) < limits.head_bytes and (chunk := file.read(MIB)):
            self._take(chunk)
        text.complete = self._body is None or not self._body.wants_something or self._read_middle(file)
        file.seek(max(start, size_bytes - limits.tail_bytes))
        return self._end(file.read(limits.tail_bytes))

    def read_whole(self, chunks: Iterable[bytes]) -> GcodeText:
        """Collect the comments of all of it, for a text whose ends do not say what they should."""
        self._section = ""
        for block in line_blocks(chunks, self._limits, self.text):
            self._collect(block)
            if self._deadline.is_near:
                break
        return self.text

    def _read_middle(self, file: BinaryIO) -> bool:
        """False when there was no time for all of it."""
        while chunk := file.read(MIB):
            self._take(chunk)
            if self._deadline.is_near:
                return False
        return True

    def _take(self, chunk: bytes) -> None:
        """The next piece. The first of them are the head; when that is parsed, it is known what to count."""
        text = self.text
        if self._body is not None:
            self._body.feed(chunk)
        room = self._limits.head_bytes - len(text.head)
        if room <= 0:
            return
        text.head += chunk[:room]
        if len(text.head) >= self._limits.first_bytes:
            is_first = self._body is None
            self._collect_head()
            if is_first and self._body is not None:
                self._body.feed(chunk[room:])

    def _collect_head(self) -> None:
        """Parse the first part of the head, and what follows as long as a block of settings has not ended."""
        head = self.text.head
        cut = head.rfind(b"\n")
        is_open = self._section not in {"", "EXECUTABLE"}
        if cut > self._collected_bytes and (self._collected_bytes == 0 or is_open):
            self._collect(plain_lines(head[self._collected_bytes : cut], first=self._collected_bytes == 0))
            self._collected_bytes = cut
        if self._body is None:
            self._body = BodyCount.of_unstated(head, knows_slots=self._knows_slots)
            self._body.feed(head)

    def _end(self, tail: bytes) -> GcodeText:
        """Parse the tail, or what of it the head did not reach."""
        text = self.text
        if self._body is None:
            self._collect_head()
        body = self._body
        if body is not None and text.complete:
            body.end()
            text.body = body
        text.tail = tail
        if not tail:
            return text
        tail_at = text.size_bytes - len(tail)
        if tail_at <= self._collected_bytes:
            rest = tail[self._collected_bytes - tail_at :]
            self._collect(plain_lines(rest, first=self._collected_bytes == 0))
            return text
        if self._section != "EXECUTABLE" or b"EXECUTABLE_BLOCK_END" not in tail:
            self._section = ""
        self._collect(plain_lines(tail[tail.find(b"\n") :]))
        return text

    def _collect(self, block: bytes) -> None:
        if b"=" not in block and _BLOCK_MARK not in block:
            return
        for found in _PAIR.finditer(block):
            if mark := found["mark"]:
                self._section = mark.partition(b"_")[0].decode() if mark.endswith(b"START") else ""
            elif self._section != "EXECUTABLE":
                self._keep(found["key"], found["value"])

    def _keep(self, raw_key: bytes, raw_value: bytes) -> None:
        text, limits = self.text, self._limits
        key = raw_key.decode("utf-8", "replace").strip()
        value = raw_value.decode("utf-8", "replace").strip()
        if key.endswith("_config") and value in {"begin", "end"}:
            self._section = "CONFIG" if value == "begin" else ""
            return
        self._kept_bytes += len(key) + len(value)
        if self._kept_bytes > limits.settings_bytes or len(text.config) + len(text.loose) > limits.settings_keys:
            return
        if self._section == "CONFIG":
            text.config[key] = value
            return
        if key in text.loose and len(text.overridden) < 100:
            text.overridden.append((key, text.loose[key]))
        text.loose[key] = value


def _end_of_text(file: BinaryIO, start: int) -> int:
    """Where the text ends: copies and printers pad files with zero bytes, sometimes with megabytes of them."""
    end = file.seek(0, SEEK_END)
    while end > start:
        at = max(start, end - MIB)
        file.seek(at)
        if left := len(file.read(end - at).rstrip(b"\0")):
            return at + left
        end = at
    return end


def plain_lines(part: bytes, *, first: bool = False) -> bytes:
    """Whole lines, each with its break in front, without carriage returns and (at the first) a byte order mark."""
    plain = part.replace(b"\r", b"") if b"\r" in part else part
    return b"\n" + plain.removeprefix(b"\xef\xbb\xbf") if first else plain


def line_blocks(chunks: Iterable[bytes], limits: Limits, text: GcodeText) -> Iterator[bytes]:
    """Cut a stream into blocks of whole lines, each line with its break in front.

    A line longer than the limit is dropped and counted in `text.long_lines`; carriage returns and a byte order mark are
    taken out.
    """
    rest = b"\n"
    dropping = False
    for piece in _plain_pieces(chunks):
        start = piece.find(b"\n") if dropping else 0
        if start < 0:
            continue
        dropping = False
        cut = piece.rfind(b"\n")
        if cut >= start:
            if block := rest + piece[start:cut]:
                yield block
            rest = piece[cut:]
        else:
            rest += piece
        if len(rest) > limits.line_bytes:
            text.long_lines += 1
            rest, dropping = b"", True
    if rest:
        yield rest


def _plain_pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    first = True
    for chunk in chunks:
        piece = chunk.removeprefix(b"\xef\xbb\xbf") if first else chunk
        yield piece.replace(b"\r", b"") if b"\r" in piece else piece
        first = False
