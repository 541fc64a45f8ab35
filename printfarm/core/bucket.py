"""Stored files in R2 or S3; storage.py says what each method promises."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypedDict

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from printfarm.config import Settings
from printfarm.core.errors import Unavailable
from printfarm.core.storage import INCOMING, SCRATCH, DirectStorage, OpenParts, StoredObject

PUT_SECONDS = 3600


class _Place(TypedDict):
    dir: Path
    prefix: str


class BucketStorage:
    """Files in R2 or S3. Presigned PUT, never POST: not every S3 speaks POST, and none limits it as it says."""

    def __init__(self, settings: Settings) -> None:
        assert settings.s3_bucket is not None
        self.bucket, self.prefix = settings.s3_bucket, settings.s3_prefix
        self.copies = settings.data_dir / INCOMING
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

    @property
    def direct(self) -> DirectStorage:
        return self

    def put_file(self, key: str, source: Path, *, move: bool = False) -> None:
        with _in_words():
            self.client.upload_file(str(source), self.bucket, self.prefix + key)
        if move:
            source.unlink()

    def objects(self, folder: str) -> Iterator[StoredObject]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + folder)
        with _in_words():
            for page in pages:
                for one in page.get("Contents", []):
                    yield StoredObject(one["Key"].removeprefix(self.prefix), one["Size"], one["LastModified"])

    def open(self, key: str) -> IO[bytes]:
        file = tempfile.TemporaryFile(**self._copy())  # noqa: SIM115  # the caller closes it
        try:
            self._fetch(key, file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(**self._copy()) as file:
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

    def put_url(self, key: str, content_type: str, size_bytes: int) -> str:
        what = {**self._at(key), "ContentType": content_type, "ContentLength": size_bytes}
        return self.client.generate_presigned_url("put_object", Params=what, ExpiresIn=PUT_SECONDS)

    def begin_parts(self, key: str) -> str:
        with _in_words():
            return self.client.create_multipart_upload(**self._at(key))["UploadId"]

    def part_url(self, key: str, parts_id: str, number: int, size_bytes: int) -> str:
        what = {**self._at(key), "UploadId": parts_id, "PartNumber": number, "ContentLength": size_bytes}
        return self.client.generate_presigned_url("upload_part", Params=what, ExpiresIn=PUT_SECONDS)

    def parts(self, key: str, parts_id: str) -> dict[int, int] | None:
        found = self._parts(key, parts_id)
        return None if found is None else {part["PartNumber"]: part["Size"] for part in found}

    def finish_parts(self, key: str, parts_id: str) -> None:
        parts: list[Any] = [
            {"PartNumber": one["PartNumber"], "ETag": one["ETag"]} for one in self._parts(key, parts_id) or []
        ]
        with _in_words():
            self.client.complete_multipart_upload(**self._at(key), UploadId=parts_id, MultipartUpload={"Parts": parts})

    def abort_parts(self, key: str, parts_id: str) -> None:
        with _in_words():
            try:
                self.client.abort_multipart_upload(**self._at(key), UploadId=parts_id)
            except ClientError as problem:
                if not _is_missing(problem):
                    raise

    def open_parts(self, folder: str) -> Iterator[OpenParts]:
        listing = self.client.get_paginator("list_multipart_uploads")
        with _in_words():
            try:
                for page in listing.paginate(Bucket=self.bucket, Prefix=self.prefix + folder):
                    for one in page.get("Uploads", []):
                        yield OpenParts(one["Key"].removeprefix(self.prefix), one["UploadId"], one["Initiated"])
            except ClientError as problem:  # some servers say so instead of giving an empty list
                if not _is_missing(problem):
                    raise

    def _parts(self, key: str, parts_id: str) -> list[Any] | None:
        listing = self.client.get_paginator("list_parts")
        with _in_words():
            try:
                pages = list(listing.paginate(**self._at(key), UploadId=parts_id))
            except ClientError as problem:
                if _is_missing(problem):
                    return None
                raise
        return [part for page in pages for part in page.get("Parts", [])]

    def _at(self, key: str) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.prefix + key}

    def get_url(self, key: str, file_name: str, content_type: str) -> str | None:
        what = {
            "Bucket": self.bucket,
            "Key": self.prefix + key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": f'attachment; filename="{_plain_name(file_name)}"',
        }
        return self.client.generate_presigned_url("get_object", Params=what, ExpiresIn=PUT_SECONDS)

    def _copy(self) -> "_Place":
        """Beside the files that come in: there is room for them, and what a killed process leaves is swept."""
        self.copies.mkdir(parents=True, exist_ok=True)
        return {"dir": self.copies, "prefix": SCRATCH}

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
    return problem.response.get("Error", {}).get("Code") in {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as problem:
        raise Unavailable("The file storage does not answer. Nothing was changed; try again in a moment.") from problem
