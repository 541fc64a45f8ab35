"""Files on their way into the library: reading them, and clearing up after those that did not make it."""

from uuid import UUID

from jobs import background_job
from printfarm.files import extraction, orphans


@background_job
def read_upload(shop_id: str, upload_id: str) -> None:
    extraction.read_upload(UUID(shop_id), UUID(upload_id))


@background_job
def expire_upload(shop_id: str, upload_id: str) -> None:
    extraction.expire_upload(UUID(shop_id), UUID(upload_id))


@background_job
def forget_file(shop_id: str, file_id: str) -> None:
    extraction.forget_file(UUID(shop_id), UUID(file_id))


@background_job
def forget_incoming(shop_id: str, file_id: str) -> None:
    extraction.forget_incoming(UUID(shop_id), UUID(file_id))


@background_job
def sweep_storage(shop_id: str, _subject: str = "") -> None:
    orphans.sweep_storage(UUID(shop_id))
