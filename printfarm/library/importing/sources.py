"""Where files come from: a folder on this machine, or a zip that somebody sent. Both are listed, and opened file by file.

Nothing is unpacked to disk under a name that a file brought, no stated size is believed, and no link is followed.
"""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote_from_bytes, unquote_to_bytes

from printfarm.core.errors import DomainError
from printfarm.core.formats import file_size
from printfarm.files.readers import UnreadableFile
from printfarm.files.readers.archive import check_directory
from printfarm.files.readers.limits import Limits
from printfarm.library.importing.names import clean_path, is_junk, zip_name

MIB = 1024 * 1024
KIND = "import"  # of the storage key of a zip
CHUNK = MIB
MOST_ENTRIES = 50_000
# A zip of a library is a third of what is in it; text packs to a tenth. More than this is a bomb.
RATIO, RATIO_FROM_BYTES = 100, 10 * MIB
MOST_UNPACKED_BYTES = 200_000 * MIB
ZIP_LIMITS = Limits(entries=MOST_ENTRIES, central_directory_bytes=16 * MIB)
DAMAGE = (
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    struct.error,
    EOFError,
    OverflowError,
    ValueError,
)

LINK = "This is a link to something elsewhere. Links are not followed."
NO_FILE = "This is no plain file."
LOCKED = "This file is locked with a password. Make the zip without one."
PACKED = "This file is packed in a way that is not read here. Make the zip anew, with the usual compression."
BOMB = "This file is packed like a zip bomb: it grows beyond all measure."
DAMAGED = "This file is damaged in the zip. Make the zip anew."
GONE = "This file is not there any more, or must not be read. Look at its place."


class NoSource(DomainError):
    """The folder or zip is not there, or cannot be read at all."""

    status = 422


@dataclass(frozen=True)
class Entry:
    """A file that was found. `place` opens it, `path` is for people, `stamp` changes with it; `problem`: a sentence."""

    place: str
    path: str
    size_bytes: int
    stamp: str
    problem: str | None = None


class Source(Protocol):
    """What an import reads."""

    def entries(self) -> Iterator[Entry]:
        """Every file, in the order of the paths as far as that is cheap. Raises NoSource."""

    def open(self, place: str) -> IO[bytes]:
        """The bytes of one file. Raises UnreadableFile with a sentence."""


def quoted(path: bytes | str) -> str:
    """A path of any system in plain letters: file names are bytes, and need not be text."""
    return quote_from_bytes(os.fsencode(path))


def unquoted(place: str) -> str:
    return os.fsdecode(unquote_to_bytes(place))


class FolderSource:
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        if not root.is_dir():
            raise NoSource(f"There is no folder {clean_path(str(root)) or root} here. Say where it is, then go on.")

    def entries(self) -> Iterator[Entry]:
        for parent, folders, names in os.walk(self.root, onerror=self._refuse):
            folders[:] = sorted(name for name in folders if not is_junk(name))
            linked = [name for name in folders if Path(parent, name).is_symlink()]
            for name in [*sorted(names), *linked]:
                relative = os.path.relpath(os.path.join(parent, name), self.root)  # noqa: PTH118  # may be no text
                if not is_junk(name):
                    yield self._entry(relative)

    def open(self, place: str) -> IO[bytes]:
        try:
            path = self.root / unquoted(place)
            if not path.resolve().is_relative_to(self.root.resolve()):
                raise UnreadableFile(LINK)
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as problem:
            raise UnreadableFile(GONE) from problem
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UnreadableFile(NO_FILE)
        return os.fdopen(descriptor, "rb")

    def _entry(self, relative: str) -> Entry:
        place, path = quoted(relative), clean_path(os.fsencode(relative).decode("utf-8", "replace"))
        try:
            about = (self.root / relative).lstat()
        except OSError:
            return Entry(place, path, 0, "", GONE)
        problem = None
        if stat.S_ISLNK(about.st_mode):
            problem = LINK
        elif not stat.S_ISREG(about.st_mode):
            problem = NO_FILE
        return Entry(place, path, about.st_size, f"{about.st_size}-{about.st_mtime_ns}", problem)

    def _refuse(self, problem: OSError) -> None:
        if problem.filename and Path(problem.filename) == self.root:
            raise NoSource(f"The folder {clean_path(str(self.root))} cannot be read by this program.") from problem


class ZipSource:
    """A zip on this machine, opened for as long as the import works on it."""

    def __init__(self, path: Path) -> None:
        try:
            check_directory(path, ZIP_LIMITS)
            self._zip = zipfile.ZipFile(path)
        except UnreadableFile as problem:
            raise NoSource(problem.sentence) from problem
        except DAMAGE as problem:
            raise NoSource("This is no zip, or it is damaged. Make it anew, then send it again.") from problem
        self._entries = self._zip.infolist()
        unpacked = sum(entry.file_size for entry in self._entries)
        if len(self._entries) > MOST_ENTRIES:
            raise NoSource(f"This zip holds {len(self._entries)} files; {MOST_ENTRIES} are allowed. Send it in parts.")
        if unpacked > max(RATIO_FROM_BYTES, RATIO * path.stat().st_size) or unpacked > MOST_UNPACKED_BYTES:
            raise NoSource(
                f"This zip says that it unpacks to {file_size(unpacked)}, as zip bombs do. It was not opened."
            )

    def close(self) -> None:
        self._zip.close()

    def entries(self) -> Iterator[Entry]:
        for number, entry in enumerate(self._entries):
            path = clean_path(zip_name(entry))
            if entry.is_dir() or is_junk(path):
                continue
            yield Entry(str(number), path, entry.file_size, f"{entry.file_size}-{entry.CRC}", _problem(entry))

    def open(self, place: str) -> IO[bytes]:
        entry = self._entries[int(place)]
        problem = _problem(entry)
        if problem is not None:
            raise UnreadableFile(problem)
        try:
            return self._zip.open(entry)
        except (*DAMAGE, OSError) as refusal:
            raise UnreadableFile(DAMAGED) from refusal


def _problem(entry: zipfile.ZipInfo) -> str | None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        return LINK
    if entry.flag_bits & 1:
        return LOCKED
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return PACKED
    if entry.file_size > RATIO_FROM_BYTES and entry.file_size > RATIO * max(1, entry.compress_size):
        return BOMB
    return None


@contextmanager
def opened_zip(path: Path) -> Iterator[ZipSource]:
    source = ZipSource(path)
    try:
        yield source
    finally:
        source.close()


def chunks_of(source: Source, place: str, most_bytes: int) -> Iterator[bytes]:
    """The bytes of one file, piece by piece. Raises UnreadableFile when it is damaged or larger than `most_bytes`."""
    size = 0
    with source.open(place) as stream:
        while chunk := _next(stream):
            size += len(chunk)
            if size > most_bytes:
                raise UnreadableFile(f"This file is larger than {most_bytes // MIB} MB, the limit here.")
            yield chunk


def _next(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(CHUNK)
    except (*DAMAGE, OSError) as problem:
        raise UnreadableFile(DAMAGED) from problem
