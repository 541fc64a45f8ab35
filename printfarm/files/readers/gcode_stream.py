"""Reads a G-code once, from first byte to last, and keeps only what says something."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from printfarm.files.readers.limits import Deadline, Limits
from printfarm.files.readers.moves import MoveCounter

_PAIR = re.compile(
    rb"\n[ \t]*+;[ \t]*+(?:"
    rb"(?P<mark>(?:CONFIG|EXECUTABLE|HEADER|THUMBNAIL)_BLOCK_(?:START|END))"
    rb"|(?P<key>[A-Za-z][^\n=;:]{0,99}+)=(?P<value>[^\n]*)"
    rb")"
)
_BLOCK_MARK = b"_BLOCK_"


@dataclass(slots=True)
class GcodeText:
    """What was kept of a G-code: its beginning, its `key = value` comments, and the count of its moves.

    `config` holds the pairs inside a CONFIG_BLOCK (or `<slicer>_config = begin … end`), `loose` those outside.
    Of a loose key that stands there more than once the last counts; the others are in `overridden`.
    """

    head: bytes = b""
    config: dict[str, str] = field(default_factory=dict)
    loose: dict[str, str] = field(default_factory=dict)
    overridden: list[tuple[str, str]] = field(default_factory=list)
    moves: MoveCounter = field(default_factory=MoveCounter)
    size_bytes: int = 0
    md5: str | None = None
    complete: bool = False
    long_lines: int = 0

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the slicer; files from before the config blocks have them among the loose pairs."""
        return self.config or self.loose


class GcodeReader:
    """Takes the bytes of a G-code piece by piece."""

    def __init__(self, deadline: Deadline, *, with_md5: bool = False) -> None:
        self.text = GcodeText()
        self._deadline = deadline
        self._limits = deadline.limits
        self._md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None
        self._section = ""
        self._kept_bytes = 0

    def read(self, chunks: Iterable[bytes], prepare: Callable[[GcodeText], None] | None = None) -> GcodeText:
        """Read to the end, or until the time is over (then `complete` stays False).

        `prepare` is called after the first block, when the settings at the head are known, and before its moves count.
        """
        text = self.text
        started = False
        for block in line_blocks(self._watched(chunks), self._limits, text):
            self._collect(block)
            if not started and prepare is not None:
                prepare(text)
            started = True
            text.moves.feed(block)
            if self._deadline.is_near:
                return text
        text.complete = True
        text.md5 = self._md5.hexdigest() if self._md5 else None
        return text

    def read_end(self, tail: bytes) -> None:
        """Collect the comments of a file's last bytes, after a reading that had to stop before."""
        self._section = ""
        self._collect(tail.replace(b"\r", b""))

    def _watched(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        text = self.text
        for chunk in chunks:
            text.size_bytes += len(chunk)
            if self._md5:
                self._md5.update(chunk)
            if len(text.head) < self._limits.head_bytes:
                text.head += chunk[: self._limits.head_bytes - len(text.head)]
            yield chunk

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
