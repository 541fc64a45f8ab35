"""Plates against printers, with where rolls would run out: the moves are looked up only for plates that a roll is short for."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from printfarm.files.readers.results import LayerUse
from printfarm.fleet.queries import PrinterFacts
from printfarm.library.counted import uses_of_plates
from printfarm.library.models import Plate
from printfarm.queue.fitting import PrinterVerdict, judge


def judge_plates(
    db: Session,
    plates: Sequence[Plate],
    printers: Sequence[PrinterFacts],
    busy: Collection[UUID],
    names: Mapping[UUID, str] | None = None,
) -> dict[UUID, list[PrinterVerdict]]:
    """By plate, the verdict on each printer. At most one statement."""

    def verdicts(plate: Plate, uses: Sequence[LayerUse] = ()) -> list[PrinterVerdict]:
        return [judge(plate, one, busy=one.id in busy, names=names, uses=uses) for one in printers]

    found = {plate.id: verdicts(plate) for plate in plates}
    short = [plate for plate in plates if any(one.shortages for one in found[plate.id])]
    uses = uses_of_plates(db, short)
    return found | {plate.id: verdicts(plate, uses[plate.id]) for plate in short if plate.id in uses}
