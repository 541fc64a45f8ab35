"""Opens a zip that nobody vouches for. Nothing is unpacked to disk, no size that the zip states is believed."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from printfarm.files.readers.limits import MIB, Deadline, Limits
from printfarm.files.readers.results import UnreadableFile

_CHUNK_BYTES = MIB
_END_RECORD = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64_RECORD = struct.Struct("<4sQ2H2L4Q")
_DAMAGE = (
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    ValueError,
    LookupError,
)


class DamagedEntry(Exception):
    """One entry of the zip cannot be read to its end."""


class Archive:
    """The entries of a zip by their normalised name (lower case, `/`, no leading slash)."""

    def __init__(self, path: Path, deadline: Deadline) -> None:
        """Open and check; raises UnreadableFile with a sentence."""
        self._deadline = deadline
        self._limits = deadline.limits
        check_directory(path, self._limits)
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGE as error:
            raise UnreadableFile(
                "This file is damaged or was cut off: its zip directory cannot be read. Export or copy it again."
            ) from error
        self.duplicates: list[str] = []
        self.ignored: list[str] = []
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._list()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def _list(self) -> None:
        entries = self._zip.infolist()
        if len(entries) > self._limits.entries:
            raise UnreadableFile(f"This zip holds {len(entries)} entries; {self._limits.entries} are allowed.")
        for entry in entries:
            name = _normal(entry.filename)
            if entry.flag_bits & 1:
                raise UnreadableFile("This file is locked with a password. Save it without one.")
            if entry.is_dir() or not name:
                continue
            if _is_link(entry) or ".." in name.split("/") or ":" in name:
                self.ignored.append(name)
            elif name in self._entries:
                self.duplicates.append(name)
            else:
                self._entries[name] = entry

    @property
    def names(self) -> list[str]:
        return list(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def real_name(self, name: str) -> str:
        """The entry's name as the zip writes it."""
        return self._entries[name].filename

    def read(self, name: str, max_bytes: int) -> bytes:
        """One whole entry; raises DamagedEntry when it is larger than `max_bytes`, broken, or packed suspiciously."""
        parts = []
        size = 0
        for chunk in self.stream(name, max_bytes):
            parts.append(chunk)
            size += len(chunk)
        return b"".join(parts)

    def head(self, name: str, max_bytes: int) -> bytes:
        """The first bytes of an entry that may be much longer."""
        try:
            with self._open(name) as stream:
                content = stream.read(max_bytes)
        except _DAMAGE as error:
            raise DamagedEntry(f"{name} cannot be read") from error
        self._deadline.count(len(content))
        return content

    def stream(self, name: str, max_bytes: int) -> Iterator[bytes]:
        """The bytes of one entry, piece by piece; raises DamagedEntry as `read` does."""
        packed_bytes = max(1, self._entries[name].compress_size)
        self._refuse_bomb(name, self._entries[name].file_size, packed_bytes)  # by what it says of itself, at once
        size = 0
        try:
            with self._open(name) as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    size += len(chunk)
                    self._deadline.count(len(chunk))
                    if size > max_bytes:
                        raise DamagedEntry(f"{name} is larger than {max_bytes / MIB:.0f} MB")
                    self._refuse_bomb(name, size, packed_bytes)
                    yield chunk
        except _DAMAGE as error:
            raise DamagedEntry(f"{name} is damaged") from error

    def _refuse_bomb(self, name: str, size_bytes: int, packed_bytes: int) -> None:
        if size_bytes > self._limits.ratio_from_bytes and size_bytes > self._limits.ratio * packed_bytes:
            raise DamagedEntry(f"{name} is packed like a zip bomb")

    def _open(self, name: str) -> IO[bytes]:
        entry = self._entries[name]
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise DamagedEntry(f"{name} is packed in a way that 3MF does not allow")
        return self._zip.open(entry)


def _normal(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return (entry.external_attr >> 16) & 0o170000 == 0o120000


def check_directory(path: Path, limits: Limits) -> None:
    """Look at the size of the directory first: Python's reader makes an object of every entry before anybody can ask."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size_bytes - 65_557))
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < _END_RECORD.size:
            raise UnreadableFile("This file is cut off: the end of the zip is missing. Export or copy it again.")
        directory_bytes = _END_RECORD.unpack_from(tail, at)[5]
        directory64_bytes = _directory64_bytes(tail, at)
    if directory_bytes == 0xFFFFFFFF and directory64_bytes is not None:
        directory_bytes = directory64_bytes
    if max(directory_bytes, directory64_bytes or 0) > limits.central_directory_bytes:
        raise UnreadableFile(f"This zip holds far more entries than the {limits.entries} that are allowed.")


def _directory64_bytes(tail: bytes, end_record_at: int) -> int | None:
    """The size that a zip64 record states; Python looks for it just before its locator, and so do we."""
    locator_at = end_record_at - _END64_LOCATOR.size
    record_at = locator_at - _END64_RECORD.size
    if record_at < 0 or tail[locator_at : locator_at + 4] != b"PK\x06\x07":
        return None
    mark, *_, size_bytes, _ = _END64_RECORD.unpack_from(tail, record_at)
    return int(size_bytes) if mark == b"PK\x06\x06" else None
