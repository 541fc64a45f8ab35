"""The parts of a Bambu-family 3MF that speak of all plates: settings, results of slicing, plates, metadata, pictures."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.limits import MIB, Deadline
from printfarm.files.readers.package_xml import (
    BrokenXml,
    ModelSettings,
    SliceInfo,
    read_model_metadata,
    read_model_settings,
    read_slice_info,
)
from printfarm.files.readers.pictures import thumbnail
from printfarm.files.readers.plates import Findings
from printfarm.files.readers.relations import cover_entries
from printfarm.files.readers.results import Slicer, Thumbnail
from printfarm.files.readers.settings import Settings
from printfarm.files.readers.values import clean_text, json_object

_PLATE_GCODE = re.compile(r"metadata/plate_(\d{1,5})\.gcode")
_PROJECT_SETTINGS = "metadata/project_settings.config"
_SLICE_INFO = "metadata/slice_info.config"
_MODEL_SETTINGS = "metadata/model_settings.config"
_MODEL = "3d/3dmodel.model"
_PICTURES = (
    ("plate", "metadata/plate_{}.png"),
    ("small", "metadata/plate_{}_small.png"),
    ("no_light", "metadata/plate_no_light_{}.png"),
    ("top", "metadata/top_{}.png"),
)
_COVERS = ("auxiliaries/.thumbnails/thumbnail_3mf.png", "metadata/thumbnail.png")
_MODEL_HEAD_BYTES = 2 * MIB
_APPLICATION = re.compile(r"([A-Za-z][A-Za-z_ ]{0,40})-([Vv]?\d.{0,60})")
_THREE_NUMBERS = re.compile(r"\d+\.\d+\.\d+(?![.\d]).*")
_PREFIXES = (("X-QDT-", "QIDIStudio"), ("X-CX-", "Creality_Print"))


@dataclass(slots=True)
class Package:
    settings: Settings = field(default_factory=lambda: Settings({}))
    slice_info: SliceInfo = field(default_factory=SliceInfo)
    model_settings: ModelSettings = field(default_factory=ModelSettings)
    metadata: dict[str, str] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)
    found: Findings = field(default_factory=Findings)


def is_bambu_family(archive: Archive) -> bool:
    return bool(gcode_entries(archive)) or _PROJECT_SETTINGS in archive or _SLICE_INFO in archive


def gcode_entries(archive: Archive) -> dict[int, str]:
    """The plate G-codes by plate index; of names that differ only in case the first counts."""
    found = {int(m[1]): name for name in reversed(archive.names) if (m := _PLATE_GCODE.fullmatch(name))}
    return {index: name for index, name in found.items() if index > 0}


def read_package(archive: Archive, deadline: Deadline) -> Package:
    """Read all parts. A part that is broken becomes a warning: the G-code states most of it too."""
    package = Package()
    limits = deadline.limits

    def settings() -> None:
        values = json_object(archive.read(_PROJECT_SETTINGS, limits.json_bytes), limits.json_depth)
        package.settings, package.raw["project_settings"] = Settings(values), values

    def slice_info() -> None:
        package.slice_info = read_slice_info(archive.read(_SLICE_INFO, limits.xml_bytes))
        package.raw["slice_info"] = package.slice_info.raw

    def model_settings() -> None:
        package.model_settings = read_model_settings(archive.read(_MODEL_SETTINGS, limits.xml_bytes))
        package.raw["model_settings"] = package.model_settings.raw

    def metadata() -> None:
        package.metadata = read_model_metadata(archive.head(_MODEL, _MODEL_HEAD_BYTES))
        package.raw["model_metadata"] = package.metadata

    parts: tuple[tuple[str, Callable[[], None]], ...] = (
        (_PROJECT_SETTINGS, settings),
        (_SLICE_INFO, slice_info),
        (_MODEL_SETTINGS, model_settings),
        (_MODEL, metadata),
    )
    for name, read in parts:
        if name not in archive:
            continue
        try:
            read()
        except (DamagedEntry, BrokenXml, ValueError) as error:
            sentence = f"The part {name} of this file cannot be read and was left out ({error})."
            package.found.warn("part_unreadable", clean_text(sentence) or "")
    return package


@dataclass(slots=True)
class PictureReader:
    """Reads pictures as long as the bytes for all of them last."""

    archive: Archive
    deadline: Deadline
    found: Findings
    left_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.left_bytes = self.deadline.limits.pictures_bytes

    def of_plate(self, index: int) -> tuple[Thumbnail, ...]:
        """The pictures of one plate, the best to show first; the `pick` mask is none."""
        every = (self._read(kind, pattern.format(index), index) for kind, pattern in _PICTURES)
        return tuple(picture for picture in every if picture)

    def covers(self) -> tuple[Thumbnail, ...]:
        stated = (name for name in cover_entries(self.archive) if not name.startswith("metadata/plate_"))
        names = dict.fromkeys((*_COVERS, *stated))
        return tuple(picture for name in names if (picture := self._read("cover", name, None)))

    def _read(self, kind: str, name: str, plate: int | None) -> Thumbnail | None:
        limits = self.deadline.limits
        if name not in self.archive or self.left_bytes <= 0:
            return None
        try:
            content = self.archive.read(name, min(limits.picture_bytes, self.left_bytes))
        except DamagedEntry as error:
            self.found.warn("picture_unreadable", f"A picture was left out: {error}.", plate)
            return None
        picture = thumbnail(kind, content, limits)
        if picture is None:
            side = limits.picture_side_px
            self.found.warn("picture_refused", f"{name} is no picture, or larger than {side} x {side}.", plate)
            return None
        self.left_bytes -= len(content)
        return picture


def package_slicer(package: Package, *, sliced: bool) -> Slicer | None:
    """The slicer as the package states it, for files whose G-code has no signature."""
    header = package.slice_info.header
    if version := header.get("OrcaSlicer-Version"):
        return Slicer("OrcaSlicer", version)
    stated = package.metadata.get("Application")
    application = _APPLICATION.fullmatch(stated or "")
    name, version = application.groups() if application else (clean_text(stated, 80), None)
    if name and name != "BambuStudio":
        return Slicer(name, version)
    for prefix, maker in _PREFIXES:
        if any(key.startswith(prefix) for key in header):
            return Slicer(maker, header.get(f"{prefix}Client-Version") or version)
    if name is None:
        client = header.get("X-BBL-Client-Version")
        return Slicer("BambuStudio", client) if client else None
    # Orca up to 2.3 and its forks call themselves BambuStudio with their own three numbers.
    is_orca = not sliced and version is not None and _THREE_NUMBERS.fullmatch(version) is not None
    return Slicer("OrcaSlicer" if is_orca else name, version)


def title(package: Package) -> str | None:
    found = clean_text(package.metadata.get("Title"))
    return None if found == "(Unsaved)" else found
