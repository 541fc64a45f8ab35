"""Names as they come from folders and zips of any system, and what they say of models and variants."""

import re
import unicodedata
import zipfile
import zlib
from pathlib import PurePosixPath

from printfarm.files.formats import READABLE
from printfarm.files.names import plain_path
from printfarm.library.guesses import NAME_LENGTH

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".gif", ".svg", ".tif", ".tiff")
# Folders that only sort files by kind: what lies in them belongs to the folder above.
_SORTING = """
gcode gcodes g-code sliced slices stl stls obj 3mf 3mfs mesh meshes file files model models print prints export exports output
outputs image images img imgs picture pictures pics photo photos bilder fotos render renders thumbnails
"""
SORTING = frozenset(_SORTING.split())
# What computers leave in folders by themselves.
JUNK_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information"})
JUNK_FILES = frozenset({"thumbs.db", "desktop.ini"})
_DRIVE = re.compile(r"^(\\\\[?.]\\)?[A-Za-z]:[\\/]*")
_ENDINGS = re.compile(rf"({'|'.join(re.escape(end) for end in READABLE)}|\.gcode)+$", re.IGNORECASE)
_UNICODE_PATH = 0x7075
_UTF8_FLAG = 0x800


def clean_path(raw: str) -> str:
    """A path for people, whatever system wrote it: with slashes, without a drive. Never opened."""
    without_drive = _DRIVE.sub("", raw)
    storable = without_drive.encode("utf-8", "replace").decode("utf-8")
    return plain_path(unicodedata.normalize("NFC", storable))


def zip_name(entry: zipfile.ZipInfo) -> str:
    """The name of an entry. Without the flag for UTF-8 it is UTF-8 all the same (macOS), or the old code page of DOS."""
    if entry.flag_bits & _UTF8_FLAG:
        return entry.orig_filename
    raw = entry.orig_filename.encode("cp437", "replace")
    stated = _stated_name(entry.extra, raw)
    if stated is not None:
        return stated
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return entry.orig_filename


def _stated_name(extra: bytes, raw: bytes) -> str | None:
    """The name in Info-ZIP's extra field, when it speaks of this very name."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = int.from_bytes(extra[at : at + 2], "little"), int.from_bytes(extra[at + 2 : at + 4], "little")
        body = extra[at + 4 : at + 4 + size]
        if (
            kind == _UNICODE_PATH
            and len(body) > 5
            and body[0] == 1
            and body[1:5] == zlib.crc32(raw).to_bytes(4, "little")
        ):
            return body[5:].decode("utf-8", "replace")
        at += 4 + size
    return None


def is_junk(path: str) -> bool:
    """Whether a computer left it there by itself, or hid it."""
    parts = [part.casefold() for part in PurePosixPath(path).parts]
    return (
        any(part in JUNK_FOLDERS or part.startswith(".") for part in parts)
        or parts[-1:] == []
        or (parts[-1] in JUNK_FILES or parts[-1].startswith("._"))
    )


def is_file(path: str) -> bool:
    return path.lower().endswith(READABLE)


def is_picture(path: str) -> bool:
    return path.lower().endswith(PICTURES)


def model_folder(path: str) -> str:
    """The folder whose name is the model's: the nearest that does not only sort by kind; "" for the top."""
    folder = PurePosixPath(path).parent
    while len(folder.parts) > 1 and folder.name.casefold() in SORTING:
        folder = folder.parent
    return "" if folder == PurePosixPath() else str(folder)


def spoken(name: str) -> str:
    """A folder's or a file's name as a title: without endings and underscores."""
    words = " ".join(_ENDINGS.sub("", name).replace("_", " ").split())
    return words[:NAME_LENGTH].strip() or "Unnamed"


def ending(path: str) -> str:
    """What a file is by its name, as a word: "STL", "GCODE.3MF"."""
    found = _ENDINGS.search(path)
    return found.group().lstrip(".").upper() if found else ""
