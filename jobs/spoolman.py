"""What machines reported, and the import of a Spoolman."""

from uuid import UUID

from jobs import background_job
from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.spoolman import imports


@background_job
def book_machine_use(shop_id: str, spool_id: str) -> None:
    with unit_of_work(UUID(shop_id)) as db:
        service.book_reported(db, UUID(spool_id))


@background_job
def read_spoolman(shop_id: str, import_id: str) -> None:
    imports.read(UUID(shop_id), UUID(import_id))


@background_job
def take_in_spoolman(shop_id: str, import_id: str) -> None:
    imports.take_in(UUID(shop_id), UUID(import_id))
