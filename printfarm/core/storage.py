"""Stored files: on the local disk or in R2/S3, at `<shop>/<kind>/<id>`. Written under a temporary name, shown by a row."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import UUID

from flask import current_app

from printfarm.config import Settings
from printfarm.core.errors import Unavailable

CHUNK = 1 << 20


class Storage(Protocol):
    """What the rest of the house knows of storage. Every method raises Unavailable with a sentence when it cannot."""

    def put_file(self, key: str, source: Path) -> None:
        """Keep a file under a key; it appears whole or not at all."""

    def open(self, key: str) -> IO[bytes]:
        """A stream of what is stored. Raises FileNotFoundError."""

    def local_copy(self, key: str) -> "Any":
        """A context manager that gives a readable path, on this machine, for as long as it is open."""

    def delete(self, key: str) -> None:
        """Forget a key; one that is not there is no error."""

    def size(self, key: str) -> int | None:
        """Bytes stored under a key, or None."""

    def put_url(self, key: str, content_type: str) -> str | None:
        """A presigned PUT for a browser, or None when uploads go through the app."""

    def get_url(self, key: str, file_name: str, content_type: str) -> str | None:
        """A presigned GET, or None when the app serves the file itself."""


def storage_key(shop_id: UUID, kind: str, file_id: UUID) -> str:
    """Where a file lives. Nothing in it comes from a person."""
    return f"{shop_id}/{kind}/{file_id}"


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

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_file(self, key: str, source: Path) -> None:
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
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

    def put_url(self, key: str, content_type: str) -> str | None:  # noqa: ARG002
        return None

    def get_url(self, key: str, file_name: str, content_type: str) -> str | None:  # noqa: ARG002
        return None

    def _path(self, key: str) -> Path:
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise FileNotFoundError(key)
        return path
