"""The count of a file's moves."""

from uuid import UUID

from jobs import background_job
from printfarm.files import scanning


@background_job
def scan_file(shop_id: str, file_id: str) -> None:
    scanning.scan_file(UUID(shop_id), UUID(file_id))
