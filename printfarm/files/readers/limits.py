"""How much a file may cost to read. A hostile file is cheap to make and must stay cheap to refuse."""

import time
from dataclasses import dataclass, field

from printfarm.files.readers.results import UnreadableFile

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps, with the sizes seen in real files in mind (they stay below a tenth of each)."""

    entries: int = 5000
    central_directory_bytes: int = 4 * MIB
    xml_bytes: int = 8 * MIB
    json_bytes: int = 4 * MIB
    json_depth: int = 60
    picture_bytes: int = 10 * MIB
    pictures_bytes: int = 64 * MIB
    picture_side_px: int = 4096
    gcode_bytes: int = 1024 * MIB
    total_bytes: int = 2048 * MIB
    ratio: int = 200
    ratio_from_bytes: int = 10 * MIB
    line_bytes: int = MIB
    first_bytes: int = MIB
    head_bytes: int = 4 * MIB
    tail_bytes: int = MIB
    settings_bytes: int = 8 * MIB
    settings_keys: int = 5000
    mesh_bytes: int = 1024 * MIB
    triangles: int = 20_000_000
    mesh_items: int = 10_000
    plates: int = 200
    slots: int = 256
    seconds: float = 30.0


@dataclass(slots=True)
class Deadline:
    """Counts the seconds and the unpacked bytes of one reading."""

    limits: Limits
    started_s: float = field(default_factory=time.monotonic)
    unpacked_bytes: int = 0

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self.started_s > self.limits.seconds

    @property
    def is_near(self) -> bool:
        """Nine tenths are gone: time to stop what can be left out."""
        return time.monotonic() - self.started_s > 0.9 * self.limits.seconds

    def count(self, size_bytes: int) -> None:
        """Book unpacked bytes; raises UnreadableFile when the whole file has become too large."""
        self.unpacked_bytes += size_bytes
        if self.unpacked_bytes > self.limits.total_bytes:
            gigabytes = self.limits.total_bytes / (1024 * MIB)
            raise UnreadableFile(f"This file unpacks to more than {gigabytes:.0f} GB. Slice it again in smaller parts.")
