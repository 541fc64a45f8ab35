"""One print: what it is, how far it has come, and what it does at which point."""

import bisect
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hub.simulators.bambu.ams import EXTERNAL
from hub.simulators.bambu.sliced_file import PlateFacts

PREPARATION_SHARE = 0.3
PREPARATION_LIMIT_S = 240.0
REMAINING_ZERO_AT = 0.94
LAST_LAYER_AT = 0.97

_numbers = itertools.count()


@dataclass(order=True)
class Milestone:
    at_s: float
    number: int
    action: Callable[[], None] = field(compare=False)


@dataclass(frozen=True)
class Segment:
    """A stretch of the print from one tray; all segments share the printing time equally."""

    tray: int
    grams: float


@dataclass
class PrintJob:
    request: dict[str, Any]
    foreign: bool = False
    facts: PlateFacts | None = None
    segments: list[Segment] = field(default_factory=list)
    milestones: list[Milestone] = field(default_factory=list)
    ran_before_s: float = 0.0
    running_since_s: float | None = None
    extruded: float = 0.0
    """Share of the filament that has been used, 0 to 1."""

    @property
    def subtask_id(self) -> str:
        return str(self.request.get("subtask_id") or "0")

    @property
    def subtask_name(self) -> str:
        return str(self.request.get("subtask_name") or "")

    @property
    def entry(self) -> str:
        return str(self.request.get("param") or "")

    @property
    def url(self) -> str:
        return str(self.request.get("url") or "")

    @property
    def file(self) -> str:
        return str(self.request.get("file") or "")

    @property
    def file_name(self) -> str:
        return (self.file or self.url).rsplit("/", 1)[-1]

    @property
    def duration_s(self) -> float:
        return self.facts.duration_s if self.facts else 0.0

    @property
    def layers(self) -> int:
        return self.facts.layers if self.facts else 0

    @property
    def preparation_s(self) -> float:
        return min(PREPARATION_LIMIT_S, PREPARATION_SHARE * self.duration_s)

    def ran_s(self, now_s: float) -> float:
        """Printing time so far, without pauses."""
        running = 0.0 if self.running_since_s is None else max(0.0, now_s - self.running_since_s)
        return self.ran_before_s + running

    def go(self, now_s: float) -> None:
        self.running_since_s = now_s

    def halt(self, now_s: float) -> None:
        self.ran_before_s = self.ran_s(now_s)
        self.running_since_s = None

    def add(self, at_s: float, action: Callable[[], None]) -> None:
        bisect.insort(self.milestones, Milestone(at_s, next(_numbers), action))

    def at_share(self, printed: float) -> float:
        """The running time at which this share of the layers is printed."""
        return self.preparation_s + printed * (LAST_LAYER_AT * self.duration_s - self.preparation_s)

    def printed(self, ran_s: float) -> float:
        """Share of the layers printed, 0 to 1."""
        printing_s = LAST_LAYER_AT * self.duration_s - self.preparation_s
        return min(1.0, max(0.0, (ran_s - self.preparation_s) / printing_s)) if printing_s > 0 else 1.0

    def percent(self, ran_s: float) -> int:
        """Time based; stands at 0 during the start G-code and jumps at its end, and 99 is kept for the last move."""
        if ran_s < self.preparation_s:
            return 0
        return min(98, int(100 * ran_s / self.duration_s))

    def remaining_min(self, ran_s: float) -> int:
        left = REMAINING_ZERO_AT - ran_s / self.duration_s
        return max(0, -int(-left / REMAINING_ZERO_AT * self.duration_s // 60))

    def layer(self, ran_s: float) -> int:
        if ran_s < self.preparation_s:
            return 0
        return min(self.layers, int(self.printed(ran_s) * self.layers) + 1)

    def grams_between(self, number: int, start: float, end: float) -> float:
        """What segment `number` extrudes between two shares of the print."""
        count = len(self.segments)
        overlap = min(end, (number + 1) / count) - max(start, number / count)
        return max(0.0, overlap) * count * self.segments[number].grams


def plan_segments(facts: PlateFacts, request: dict[str, Any]) -> list[Segment]:
    """Which tray prints which grams: `ams_mapping` is indexed by the project's 0-based filament; -1 is the external spool."""
    mapping = request.get("ams_mapping")
    mapping = mapping if isinstance(mapping, list) and request.get("use_ams") else []
    segments = []
    for use in facts.filaments:
        mapped = mapping[use.filament_index] if use.filament_index < len(mapping) else -1
        tray = mapped if isinstance(mapped, int) and mapped >= 0 else EXTERNAL
        segments.append(Segment(tray, use.grams))
    return segments
