"""Imports of folders and zips."""

from uuid import UUID

from jobs import background_job
from printfarm.library.importing import running


@background_job
def run_import(shop_id: str, import_id: str, turn_id: str | None = None) -> None:
    """Half a minute of it; then it queues up again behind what else waits."""
    running.run_import(UUID(shop_id), UUID(import_id), turn_id=UUID(turn_id) if turn_id else None)


@background_job
def forget_import(shop_id: str, import_id: str) -> None:
    running.forget_zip(UUID(shop_id), UUID(import_id))
