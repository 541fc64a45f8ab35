"""Imports of folders and zips."""

from uuid import UUID

from jobs import background_job
from printfarm.library.importing import running


@background_job
def run_import(shop_id: str, import_id: str) -> None:
    """A minute of it; then it queues up again behind what else waits."""
    running.run_import(UUID(shop_id), UUID(import_id))


@background_job
def forget_import(shop_id: str, import_id: str) -> None:
    running.forget_zip(UUID(shop_id), UUID(import_id))
