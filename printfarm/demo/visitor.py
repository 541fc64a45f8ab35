"""Sam, who visits the demo shop every few seconds and does what people do there, so that life goes on.

Everything goes through the services that the pages use. A refusal (a printer is still busy, somebody was faster) is a
matter for the next visit.
"""

import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.simulators.control import ControlClient, ControlError
from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.demo.catalogue import (
    BY_FILE,
    BY_KEY,
    LOADED,
    MODEL_IDS,
    SLOTS_PER_UNIT,
    THINGS,
    Thing,
    spool_spec,
)
from printfarm.demo.shop import DemoShop
from printfarm.demo.sliced import DESIGNER, write_sliced
from printfarm.filament import service as filament
from printfarm.filament.models import Spool
from printfarm.files import receiving
from printfarm.files.models import Upload
from printfarm.files.service import find_upload
from printfarm.fleet import service as fleet
from printfarm.fleet.models import EXTERNAL_UNIT, Printer, PrinterSlot
from printfarm.fleet.queries import printer_facts
from printfarm.library import guesses, intake
from printfarm.library.models import Model, Plate, Variant
from printfarm.library.service import ModelFacts
from printfarm.queue import service as queue
from printfarm.queue.fitting import READY_STATES
from printfarm.queue.models import ACTIVE_RUN_STATES, JobOption, PrintJob, PrintRun

log = logging.getLogger(__name__)

WAITING_EACH = 2
NOZZLE_MM = Decimal("0.4")
# Long enough for a person to see a bed that waits and a printer that is free, or to act first.
BED_S, FREE_S, LOST_S = 15.0, 8.0, 30.0
EMPTY_BELOW_MG = 90_000
NEW_ROLL_G = 1000
EXTERNAL_TRAY = 254


class Visitor:
    """`look_around` is one visit. `control_port` reaches the simulated printers, to hang new rolls into them."""

    def __init__(self, shop: DemoShop, control_port: int = 0) -> None:
        self._shop, self._control_port = shop, control_port
        self._seen: dict[tuple[str, UUID], float] = {}
        self._fitted: set[UUID] = set()
        self._to_upload = list(THINGS)
        self._choose = random.Random()  # noqa: S311  # which thing to print next is no secret

    def look_around(self) -> None:
        """One visit: a file, answers, rolls, beds, wishes, starts."""
        for step in (
            self._upload_next,
            self._answer_uploads,
            self._load_rolls,
            self._clear_beds,
            self._settle_lost,
            self._want_more,
            self._start_one,
        ):
            self._try(step)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except DomainError as refusal:
            log.info("not this time: %s", refusal.sentence)

    # -- the library --------------------------------------------------------------------------------------------------

    def _upload_next(self) -> None:
        """One file a visit, unless the shop has had it already."""
        with read_only(self._shop.id) as db:
            had = set(db.scalars(select(Upload.original_name)))
        self._to_upload = [thing for thing in self._to_upload if thing.file_name not in had]
        if not self._to_upload:
            return
        with tempfile.TemporaryDirectory(prefix="printfarm-demo-") as folder:
            path = write_sliced(self._to_upload[0], Path(folder))
            size = path.stat().st_size
            receiving.receive(self._shop.id, self._shop.visitor_id, path.name, size, [path.read_bytes()])

    def _answer_uploads(self) -> None:
        """Say what the demo's own files are; a person's files wait for that person."""
        with read_only(self._shop.id) as db:
            waiting = db.execute(select(Upload.id, Upload.original_name).where(Upload.state == "needs-answer")).all()
        for upload_id, name in waiting:
            thing = BY_FILE.get(name)
            if thing is not None and thing.by_visitor:
                with unit_of_work(self._shop.id) as db:
                    self._answer(db, upload_id, thing)

    def _answer(self, db: Session, upload_id: UUID, thing: Thing) -> None:
        upload = find_upload(db, upload_id, lock=True)
        if upload.state != "needs-answer":
            return
        variant = intake.add_variant(
            db,
            upload,
            intake.Answer(
                model_id=None,
                model=ModelFacts(thing.name, DESIGNER, thing.description, thing.category, tags=thing.tags),
                variant_name=guesses.variant_name(upload.extracted or {}),
                slots=[
                    intake.SlotAnswer(slot, self._shop.filaments[use.roll])
                    for slot, use in enumerate(thing.uses, start=1)
                ],
            ),
        )
        first = db.scalars(select(Plate.id).where(Plate.variant_id == variant.id).order_by(Plate.number)).first()
        if first is not None:
            queue.add_jobs(db, first, user_id=self._shop.visitor_id)

    # -- printers and rolls -------------------------------------------------------------------------------------------

    def _load_rolls(self) -> None:
        """A roll into each place that has one in this shop, once the printer has said that the place is there."""
        with unit_of_work(self._shop.id) as db:
            for slot in db.scalars(select(PrinterSlot).order_by(PrinterSlot.ams_unit, PrinterSlot.slot)).all():
                key = LOADED.get((self._shop.models.get(slot.printer_id, ""), slot.ams_unit, slot.slot))
                if key is not None and slot.id not in self._fitted:
                    self._fitted.add(slot.id)
                    self._load(db, slot, key)
            self._exchange_empty(db)

    def _load(self, db: Session, slot: PrinterSlot, key: str) -> None:
        if slot.spool_id is None:
            spool_id = _free_spool(db, self._shop.filaments[key])
            fleet.assign_spool(db, slot.id, spool_id or self._new_roll(db, self._shop.filaments[key]))

    def _exchange_empty(self, db: Session) -> None:
        """A roll that is nearly used up makes way for a new one, unless the printer works."""
        at_work = select(PrintRun.printer_id).where(PrintRun.state.in_(ACTIVE_RUN_STATES))
        empty = (
            select(PrinterSlot)
            .join(Spool, Spool.id == PrinterSlot.spool_id)
            .where(Spool.remaining_mg < EMPTY_BELOW_MG, PrinterSlot.printer_id.not_in(at_work))
        )
        for slot in db.scalars(empty).all():
            model = self._shop.models.get(slot.printer_id, "")
            key = LOADED.get((model, slot.ams_unit, slot.slot))
            if key is None or slot.spool_id is None:
                continue
            old, filament_id = slot.spool_id, self._shop.filaments[key]
            fleet.assign_spool(db, slot.id, _free_spool(db, filament_id) or self._new_roll(db, filament_id))
            filament.archive_spool(db, old)
            self._hang_in(db, slot)

    def _new_roll(self, db: Session, filament_id: UUID) -> UUID:
        return filament.add_spool(db, filament_id, weight_mg=NEW_ROLL_G * 1000, user_id=self._shop.visitor_id).id

    def _hang_in(self, db: Session, slot: PrinterSlot) -> None:
        """The simulated printer gets the same roll as the books."""
        serial = db.get_one(Printer, slot.printer_id).serial
        roll = BY_KEY[LOADED[self._shop.models[slot.printer_id], slot.ams_unit, slot.slot]]
        is_external = slot.ams_unit == EXTERNAL_UNIT
        tray = EXTERNAL_TRAY if is_external else slot.ams_unit * SLOTS_PER_UNIT + slot.slot
        try:
            with ControlClient("127.0.0.1", self._control_port, timeout_s=5) as control:
                control.call("insert_spool", serial, tray=tray, spool=spool_spec(roll, external=is_external))
        except (OSError, ControlError) as problem:
            log.warning("the simulated printer did not take the new roll: %s", problem)

    def _clear_beds(self) -> None:
        with read_only(self._shop.id) as db:
            dirty = list(db.scalars(select(Printer.id).where(Printer.bed_cleared.is_(False))))
        for printer_id in self._long_enough("bed", dirty, BED_S):
            with unit_of_work(self._shop.id) as db:
                fleet.clear_bed(db, printer_id, self._shop.visitor_id)

    # -- the queue ----------------------------------------------------------------------------------------------------

    def _settle_lost(self) -> None:
        """A print that nobody heard from again: the demo was stopped in the middle of it."""
        with read_only(self._shop.id) as db:
            lost = list(db.scalars(select(PrintRun.id).where(PrintRun.state == "unknown")))
        for run_id in self._long_enough("lost", lost, LOST_S):
            with unit_of_work(self._shop.id) as db:
                queue.settle_run(db, run_id, "failed", user_id=self._shop.visitor_id)

    def _want_more(self) -> None:
        """Two jobs wait for each printer, so that none of them rests for long."""
        with unit_of_work(self._shop.id) as db:
            plates, waiting = _plates(db), _waiting_plates(db)
            for model in sorted(set(self._shop.models.values())):
                own = [plate for plate in plates if plate.printer_model_id == MODEL_IDS[model]]
                for _ in range(WAITING_EACH - sum(waiting[plate.id] for plate in own) if own else 0):
                    queue.add_jobs(db, self._choose.choice(own).id, user_id=self._shop.visitor_id)

    def _start_one(self) -> None:
        """One start a visit: the first waiting job that a free printer can take."""
        with read_only(self._shop.id) as db:
            busy = set(db.scalars(select(PrintRun.printer_id).where(PrintRun.state.in_(ACTIVE_RUN_STATES))))
            free = [one.id for one in printer_facts(db) if _is_free(one.state, cleared=one.bed_cleared)]
            jobs = db.execute(
                select(PrintJob.id, PrintJob.feasibility).where(PrintJob.state == "queued").order_by(PrintJob.place)
            ).all()
        rested = self._long_enough("free", [one for one in free if one not in busy], FREE_S)
        for job_id, feasibility in jobs:
            for printer in (feasibility or {}).get("printers", ()):
                if printer["ready"] and not printer["short"] and UUID(printer["id"]) in rested:
                    with unit_of_work(self._shop.id) as db:
                        queue.start_job(db, job_id, UUID(printer["id"]), user_id=self._shop.visitor_id)
                    return

    def _long_enough(self, what: str, ids: list[UUID], seconds: float) -> list[UUID]:
        """Those of `ids` that have been seen so for a while; forgets the others."""
        now = time.monotonic()
        before = {key: since for key, since in self._seen.items() if key[0] != what}
        self._seen = before | {(what, one): self._seen.get((what, one), now) for one in ids}
        return [one for one in ids if now - self._seen[what, one] >= seconds]


def _is_free(state: str, *, cleared: bool) -> bool:
    return cleared and state in READY_STATES


def _plates(db: Session) -> list[Plate]:
    """The plates of the demo's own things that its printers can make."""
    own = (
        select(Plate)
        .join(Variant, Variant.id == Plate.variant_id)
        .join(Model, Model.id == Variant.model_id)
        .where(Model.designer == DESIGNER, Model.archived_at.is_(None), Plate.nozzle_mm == NOZZLE_MM)
    )
    return list(db.scalars(own))


def _waiting_plates(db: Session) -> Counter[UUID]:
    queued = select(JobOption.plate_id).join(PrintJob, PrintJob.id == JobOption.job_id)
    return Counter(db.scalars(queued.where(PrintJob.state == "queued")))


def _free_spool(db: Session, filament_id: UUID) -> UUID | None:
    loaded = select(PrinterSlot.spool_id).where(PrinterSlot.spool_id.is_not(None))
    wanted = (
        select(Spool.id)
        .where(
            Spool.filament_id == filament_id,
            Spool.archived_at.is_(None),
            Spool.remaining_mg >= EMPTY_BELOW_MG,
            Spool.id.not_in(loaded),
        )
        .order_by(Spool.remaining_mg, Spool.id)
    )
    return db.scalar(wanted.limit(1))
