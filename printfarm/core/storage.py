"""Stored files: on the local disk or in R2/S3, at `<shop>/<kind>/<id>`. Written under a temporary name, shown by a row."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from flask import current_app

from printfarm.config import Settings
from printfarm.core.errors import Unavailable

CHUNK = 1 << 20
PUT_SECONDS = 3600


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
    return BucketStorage(settings) if settings.uses_s3 else DiskStorage(settings.files_dir)


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


class BucketStorage:
    """Files in R2 or S3. Presigned PUT, never POST: not every S3 speaks POST, and none limits it as it says."""

    def __init__(self, settings: Settings) -> None:
        assert settings.s3_bucket is not None
        self.bucket, self.prefix = settings.s3_bucket, settings.s3_prefix
        self.client = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            aws_access_key_id=settings.s3_access_key,
            aws_secret_access_key=settings.s3_secret_key,
            region_name=settings.s3_region,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=5,
                read_timeout=60,
                retries={"max_attempts": 3},
            ),
        )

    def put_file(self, key: str, source: Path) -> None:
        with _in_words():
            self.client.upload_file(str(source), self.bucket, self.prefix + key)

    def open(self, key: str) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
        try:
            self._fetch(key, file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile() as file:
            self._fetch(key, file)
            file.flush()
            yield Path(file.name)

    def delete(self, key: str) -> None:
        with _in_words():
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def size(self, key: str) -> int | None:
        with _in_words():
            try:
                return self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)["ContentLength"]
            except ClientError as problem:
                if _is_missing(problem):
                    return None
                raise

    def put_url(self, key: str, content_type: str) -> str | None:
        what = {"Bucket": self.bucket, "Key": self.prefix + key, "ContentType": content_type}
        return self.client.generate_presigned_url("put_object", Params=what, ExpiresIn=PUT_SECONDS)

    def get_url(self, key: str, file_name: str, content_type: str) -> str | None:
        what = {
            "Bucket": self.bucket,
            "Key": self.prefix + key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": f'attachment; filename="{_plain_name(file_name)}"',
        }
        return self.client.generate_presigned_url("get_object", Params=what, ExpiresIn=PUT_SECONDS)

    def _fetch(self, key: str, file: Any) -> None:
        with _in_words():
            try:
                self.client.download_fileobj(self.bucket, self.prefix + key, file)
            except ClientError as problem:
                if _is_missing(problem):
                    raise FileNotFoundError(key) from problem
                raise


def _plain_name(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name) or "file"


def _is_missing(problem: ClientError) -> bool:
    return problem.response.get("Error", {}).get("Code") in {"404", "NoSuchKey", "NotFound"}


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as problem:
        raise Unavailable("The file storage does not answer. Nothing was changed; try again in a moment.") from problem
