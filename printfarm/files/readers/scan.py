"""Counts the moves of a file's plates, one plate after the other. It can stop anywhere and go on later where it was.

What it keeps to go on is JSON: the counters of the plates that are done, and of the one at hand the counter and how many
of its bytes are in it. Inside a zip the bytes before that place are inflated again, but not looked at.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.limits import MIB, Deadline, Limits
from printfarm.files.readers.move_arrays import keep_memory
from printfarm.files.readers.moves import MoveCounter
from printfarm.files.readers.results import FileReading, Json
from printfarm.files.readers.scan_plan import ScanPlan
from printfarm.files.readers.scan_result import PlateScan, plate_scan, unread, with_scan

_PIECE_BYTES = 4 * MIB  # more at once is faster, until it takes more memory than it is worth
_BOM = b"\xef\xbb\xbf"


class Scan:
    """The count of one file. `kept` is what `to_json` said when an earlier count of the same plans stopped."""

    def __init__(self, path: Path, plans: Sequence[ScanPlan], kept: Json | None = None) -> None:
        self._path = path
        self._plans = list(plans)
        self._limits = Limits(seconds=float("inf"))
        self._done: list[Json] = list(kept["done"]) if kept else []
        self._offset = 0
        self._counter: MoveCounter | None = None
        self._long_lines = 0
        self._md5: str | None = None
        if kept and kept["counter"]:
            self._offset, self._long_lines = kept["offset"], kept["long_lines"]
            self._counter = MoveCounter.from_json(kept["counter"], self._plans[len(self._done)].change)

    def to_json(self) -> Json:
        """Where it is, and what it has counted so far."""
        return {
            "done": self._done,
            "offset": self._offset,
            "long_lines": self._long_lines,
            "counter": self._counter.to_json() if self._counter else None,
        }

    @property
    def percent(self) -> int:
        """How much of the G-code is counted, 0 to 100."""
        total = sum(plan.size_bytes for plan in self._plans)
        done = sum(plan.size_bytes for plan in self._plans[: len(self._done)]) + self._offset
        return min(100, done * 100 // total) if total else 100

    def run(self, tick: Callable[[], None] = lambda: None) -> list[PlateScan]:
        """Count to the end; `tick` is called after each block. Raises UnreadableFile when the file cannot be opened."""
        keep_memory()
        entries = any(plan.entry is not None for plan in self._plans)
        if not entries:
            return self._run(None, tick)
        with Archive(self._path, Deadline(self._limits)) as archive:
            return self._run(archive, tick)

    def _run(self, archive: Archive | None, tick: Callable[[], None]) -> list[PlateScan]:
        for plan in self._plans[len(self._done) :]:
            damage = None
            counter = self._counter or MoveCounter.of_plan(plan)
            self._counter = counter
            try:
                self._count(archive, plan, counter, tick)
            except DamagedEntry as problem:
                damage = f"The moves of plate {plan.plate} could not be counted: {problem}."
            self._done.append(
                {"counter": counter.to_json(), "md5": self._md5, "long_lines": self._long_lines, "damage": damage}
            )
            self._counter, self._offset, self._long_lines, self._md5 = None, 0, 0, None
        return [_result(plan, done) for plan, done in zip(self._plans, self._done, strict=True)]

    def _count(self, archive: Archive | None, plan: ScanPlan, counter: MoveCounter, tick: Callable[[], None]) -> None:
        """Feed the counter with blocks of whole lines, each line with its break in front."""
        read_bytes = self._offset
        rest = b"" if read_bytes else b"\n"  # the break in front of the first line is ours
        dropping = False
        for raw in _gathered(self._pieces(archive, plan)):
            piece = raw if read_bytes else raw.removeprefix(_BOM)
            read_bytes += len(raw)
            start = piece.find(b"\n") if dropping else 0
            if start < 0:
                continue
            dropping = False
            cut = piece.rfind(b"\n")
            if cut >= start:
                counter.feed(_plain(rest + piece[start:cut]))
                rest = piece[cut:]
                self._offset = read_bytes - len(rest)
                tick()
            else:
                rest += piece
            if len(rest) > self._limits.line_bytes:
                self._long_lines += 1
                rest, dropping = b"", True
        if rest:
            counter.feed(_plain(rest))
        self._offset = read_bytes

    def _pieces(self, archive: Archive | None, plan: ScanPlan) -> Iterator[bytes]:
        """The G-code from where the count is."""
        if archive is None or plan.entry is None:
            with self._path.open("rb") as file:
                file.seek(plan.offset_bytes + self._offset)
                yield from _read(file)
            return
        before = self._offset
        md5 = hashlib.md5(usedforsecurity=False) if plan.stated_md5 is not None else None
        for piece in archive.stream(plan.entry, self._limits.gcode_bytes):
            if md5:
                md5.update(piece)
            if before < len(piece):
                yield piece[before:]
            before = max(0, before - len(piece))
        self._md5 = md5.hexdigest() if md5 else None


def count_moves(path: Path, reading: FileReading) -> FileReading:
    """The reading together with the count, here and now: for those who can wait."""
    plans = [plate.scan_plan for plate in reading.plates if plate.scan_plan is not None]
    return with_scan(reading, Scan(path, plans).run()) if plans else reading


def _result(plan: ScanPlan, done: Json) -> PlateScan:
    if done["damage"]:
        return unread(plan, done["damage"])
    counter = MoveCounter.from_json(done["counter"], plan.change)
    return plate_scan(plan, counter, md5=done["md5"], long_lines=done["long_lines"])


def _read(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of a size that is worth looking at."""
    parts: list[bytes] = []
    for piece in pieces:
        parts.append(piece)
        if sum(map(len, parts)) >= _PIECE_BYTES:
            yield b"".join(parts)
            parts.clear()
    if parts:
        yield b"".join(parts)


def _plain(block: bytes) -> bytes:
    return block.replace(b"\r", b"") if b"\r" in block else block
