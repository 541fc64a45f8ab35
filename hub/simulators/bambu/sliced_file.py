"""What a printer reads from a `.gcode.3mf` before it starts: whether the plate is there, time, layers, filaments."""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from hub.simulators.bambu.codes import CARD_READ_ERROR, PARSE_ERROR

SLICE_INFO = "Metadata/slice_info.config"
SLICE_INFO_LIMIT_BYTES = 16 * 1024 * 1024
HEADER_BYTES = 256 * 1024
GCODE_LIMIT_BYTES = 1024**3
CHUNK_BYTES = 1024 * 1024
DEFAULT_DURATION_S = 600.0
DEFAULT_LAYERS = 50


class UnreadableFileError(Exception):
    """The file cannot be printed; `code` is the printer's own print_error."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class FilamentUse:
    filament_index: int
    """0-based filament of the project: the index into `ams_mapping`."""
    grams: float


@dataclass(frozen=True)
class PlateFacts:
    duration_s: float
    layers: int
    filaments: tuple[FilamentUse, ...] = ()
    printer_model_id: str = ""
    nozzle_c: float = 220.0
    bed_c: float = 60.0


def read_plate(path: Path, entry: str, md5: str) -> PlateFacts:
    """Facts about the plate whose G-code is `entry`. Raises UnreadableFileError as a printer would complain."""
    if not path.is_file() or path.stat().st_size == 0:
        raise UnreadableFileError(CARD_READ_ERROR, f"{path.name} is missing or empty on the card.")
    if md5 and _md5(path) != md5.upper():
        raise UnreadableFileError(PARSE_ERROR, f"{path.name} differs from the checksum in the start command.")
    try:
        with zipfile.ZipFile(path) as archive:
            header = _read_gcode(archive, entry)
            info = _slice_info(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise UnreadableFileError(PARSE_ERROR, f"{path.name} is not a whole zip file: {error}") from error
    except KeyError as error:
        raise UnreadableFileError(PARSE_ERROR, f"{path.name} holds no {entry}.") from error
    return _facts(header, _plate_element(info, entry))


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest().upper()


def _read_gcode(archive: zipfile.ZipFile, entry: str) -> str:
    """The head of the G-code; the rest is read too, so that damage anywhere is found before the print."""
    if archive.getinfo(entry).file_size > GCODE_LIMIT_BYTES:
        raise ValueError(f"{entry} is larger than a printer takes")
    with archive.open(entry) as stream:
        head = stream.read(HEADER_BYTES)
        while stream.read(CHUNK_BYTES):
            pass
    return head.decode("utf-8", "replace")


def _slice_info(archive: zipfile.ZipFile) -> ET.Element | None:
    try:
        if archive.getinfo(SLICE_INFO).file_size > SLICE_INFO_LIMIT_BYTES:
            return None
        text = archive.read(SLICE_INFO)
    except KeyError:
        return None
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        return None
    try:
        return ET.fromstring(text)  # noqa: S314 (no document type, size bounded above)
    except (ET.ParseError, LookupError, ValueError):  # the last two: an encoding that nobody knows
        return None


def _plate_element(info: ET.Element | None, entry: str) -> ET.Element | None:
    if info is None:
        return None
    number = re.search(r"plate_(\d+)\.gcode$", entry)
    wanted = number.group(1) if number else "1"
    return next((plate for plate in info.iter("plate") if _metadata(plate).get("index") == wanted), None)


def _metadata(plate: ET.Element) -> dict[str, str]:
    return {item.get("key", ""): item.get("value", "") for item in plate.findall("metadata")}


def _facts(header: str, plate: ET.Element | None) -> PlateFacts:
    stated = _metadata(plate) if plate is not None else {}
    layers = int(_number(r"^; total layer number:\s*(\d+)", header) or DEFAULT_LAYERS)
    return PlateFacts(
        duration_s=_positive(stated.get("prediction")) or _stated_time_s(header) or DEFAULT_DURATION_S,
        layers=max(1, layers),
        filaments=tuple(_filament_uses(plate.findall("filament") if plate is not None else ())),
        printer_model_id=stated.get("printer_model_id", ""),
        nozzle_c=_number(r"^; nozzle_temperature = (\d+)", header) or 220.0,
        bed_c=_number(r"^; (?:textured|hot)_plate_temp = ([1-9]\d*)", header) or 60.0,
    )


def _filament_uses(elements: Iterable[ET.Element]) -> Iterable[FilamentUse]:
    for element in elements:
        slot = _positive(element.get("id"))
        if slot:
            yield FilamentUse(int(slot) - 1, _positive(element.get("used_g")) or 0.0)


def _number(pattern: str, text: str) -> float | None:
    found = re.search(pattern, text, re.MULTILINE)
    return _positive(found.group(1)) if found else None


def _positive(text: str | None) -> float | None:
    """A finite positive number, else None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < 10_000_000 else None


def _stated_time_s(header: str) -> float | None:
    found = re.search(r"total estimated time: ([0-9dhms ]+)", header)
    if not found:
        return None
    unit_s = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"(\d{1,9})([dhms])", found.group(1))
    return _positive(str(sum(int(count) * unit_s[unit] for count, unit in parts)))
