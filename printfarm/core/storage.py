"""Stored files: on the local disk or in R2/S3, at `<shop>/<kind>/<id>`. Written under a temporary name, shown by a row."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import UUID

from flask import current_app

from printfarm.config import Settings
from printfarm.core.errors import Unavailable

CHUNK = 1 << 20
DRAFT = ".part"
SCRATCH = "read-"  # how copies begin that one process reads; those of a killed one are swept out of INCOMING
INCOMING = "incoming"  # the folder of the data folder where files lie that nobody keeps yet


@dataclass(frozen=True)
class StoredObject:
    """What lies under a key, as a listing tells it."""

    key: str
    size_bytes: int
    changed_at: datetime


@dataclass(frozen=True)
class OpenParts:
    """A file that somebody began to send in parts and that is not put together yet."""

    key: str
    parts_id: str
    begun_at: datetime


class DirectStorage(Protocol):
    """A storage into which browsers put files themselves. Each URL is for one key, one length and one hour."""

    def put_url(self, key: str, content_type: str, size_bytes: int) -> str:
        """A presigned PUT of exactly so many bytes."""

    def begin_parts(self, key: str) -> str:
        """Begin a file that comes in parts; returns the id that the other methods want."""

    def part_url(self, key: str, parts_id: str, number: int, size_bytes: int) -> str:
        """A presigned PUT of one part; the first has number 1."""

    def parts(self, key: str, parts_id: str) -> dict[int, int] | None:
        """The parts that have arrived: number → bytes. None when nothing is known of this id (any more)."""

    def finish_parts(self, key: str, parts_id: str) -> None:
        """Put the parts together; the file appears whole under its key."""

    def abort_parts(self, key: str, parts_id: str) -> None:
        """Forget the parts that have arrived; an id that is not known is no error."""

    def open_parts(self, folder: str) -> Iterator[OpenParts]:
        """Everything below a folder (or under one key) that was begun and not put together."""


class Storage(Protocol):
    """What the rest of the house knows of storage. Every method raises Unavailable with a sentence when it cannot."""

    @property
    def direct(self) -> DirectStorage | None:
        """How browsers put files here themselves; None: they send them through the app."""

    def put_file(self, key: str, source: Path, *, move: bool = False) -> None:
        """Keep a file under a key; it appears whole or not at all. `move` takes the source away, which may cost nothing."""

    def objects(self, folder: str) -> Iterator[StoredObject]:
        """Everything that lies below a folder ("<shop>/"), in no order, page by page."""

    def open(self, key: str) -> IO[bytes]:
        """A stream of what is stored. Raises FileNotFoundError."""

    def local_copy(self, key: str) -> "Any":
        """A context manager that gives a readable path, on this machine, for as long as it is open."""

    def delete(self, key: str) -> None:
        """Forget a key; one that is not there is no error."""

    def size(self, key: str) -> int | None:
        """Bytes stored under a key, or None."""

    def get_url(self, key: str, file_name: str, content_type: str) -> str | None:
        """A presigned GET, or None when the app serves the file itself."""


def storage_key(shop_id: UUID, kind: str, file_id: UUID) -> str:
    """Where a file lives. Nothing in it comes from a person."""
    return f"{shop_id}/{kind}/{file_id}"


def is_draft(key: str) -> bool:
    """Whether this is no key but a file on our disk that somebody was writing, and was killed."""
    name = key.rpartition("/")[2]
    return name.startswith(".") and name.endswith(DRAFT)


def storage() -> Storage:
    """The application's storage."""
    kept: Storage = current_app.extensions["printfarm.storage"]
    return kept


def make_storage(settings: Settings) -> Storage:
    """Local disk, or S3 where a bucket is configured."""
    if not settings.uses_s3:
        return DiskStorage(settings.files_dir)
    from printfarm.core.bucket import BucketStorage  # its library takes ten megabytes in every process

    return BucketStorage(settings)


class DiskStorage:
    """Files in one folder of the data folder."""

    direct = None

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_file(self, key: str, source: Path, *, move: bool = False) -> None:
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (move and _rename(source, target)):
            self._copy(source, target)
            if move:
                source.unlink()

    def _copy(self, source: Path, target: Path) -> None:
        draft = target.with_name(f".{target.name}.{os.getpid()}{DRAFT}")
        try:
            shutil.copyfile(source, draft)
            with draft.open("rb+") as written:
                os.fsync(written.fileno())
            draft.replace(target)
        except OSError as problem:
            draft.unlink(missing_ok=True)
            raise Unavailable("The file could not be stored: the disk is full or not writable.") from problem

    def open(self, key: str) -> IO[bytes]:
        return self._path(key).open("rb")

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        path = self._path(key)
        if not path.is_file():
            raise FileNotFoundError(key)
        yield path

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def size(self, key: str) -> int | None:
        path = self._path(key)
        return path.stat().st_size if path.is_file() else None

    def objects(self, folder: str) -> Iterator[StoredObject]:
        for parent, _folders, names in os.walk(self._path(folder)):
            for name in names:
                found = Path(parent, name)
                try:
                    about = found.stat()
                except FileNotFoundError:  # deleted while we walk
                    continue
                key = found.relative_to(self.root.resolve()).as_posix()
                yield StoredObject(key, about.st_size, datetime.fromtimestamp(about.st_mtime, UTC))

    def get_url(self, key: str, file_name: str, content_type: str) -> str | None:  # noqa: ARG002
        return None

    def _path(self, key: str) -> Path:
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise FileNotFoundError(key)
        return path


def _rename(source: Path, target: Path) -> bool:
    """Move within one disk; False when the two lie on different ones."""
    try:
        source.replace(target)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise Unavailable("The file could not be stored: the folder is not writable.") from problem
        return False
    return True
