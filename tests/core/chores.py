"""A background job of the tests: it leaves a row in the shop that it was asked to work for."""

from uuid import UUID

from jobs import background_job
from printfarm.core.owed import settle
from printfarm.core.work import unit_of_work
from printfarm.filament.models import Filament


@background_job
def leave_a_mark(shop_id: str, subject_id: str) -> None:
    with unit_of_work(UUID(shop_id)) as db:
        db.add(Filament(brand="chore", material="PLA", colour_name=subject_id, colour_hex="#123456"))
        settle(db, "chore", UUID(subject_id))
