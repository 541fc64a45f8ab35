"""The shop of `printfarm demo`: made once through the same services that people use, then kept moving by a visitor.

Stands outside the order of the areas, as the command line does.
"""

import logging
import random
import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.accounts import service as accounts
from printfarm.accounts.models import Shop, User
from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Spool
from printfarm.files import extraction, receiving
from printfarm.files.sample_builder import PlateSpec, SampleFilament, build_sliced_3mf
from printfarm.files.service import find_upload
from printfarm.fleet import service as fleet
from printfarm.fleet.enrolment import ensure_built_in_hub
from printfarm.fleet.models import EXTERNAL_UNIT, Hub, Printer, PrinterSlot
from printfarm.library import intake
from printfarm.library.models import Plate
from printfarm.library.service import ModelFacts
from printfarm.queue import service as queue
from printfarm.queue.models import PrintJob

log = logging.getLogger(__name__)

MODEL_IDS = {"X1C": "BL-P001", "P1S": "C12", "A1MINI": "N1"}  # as simulators name them → as slicers write them
WAITING_JOBS = 5  # the visitor keeps so many in the queue
BED_CLEARED_AFTER_S = 12


@dataclass(frozen=True)
class Roll:
    """A filament of the demo shop, and how much of it lies there. `rolls` lie in printers, one each."""

    key: str
    brand: str
    material: str
    colour_name: str
    colour_hex: str
    grams: int
    rolls: int = 1


@dataclass(frozen=True)
class Thing:
    """A model of the demo shop: sliced for one printer, with grams per filament."""

    name: str
    category: str
    printer: str
    minutes: int
    layers: int
    grams: Sequence[tuple[str, float]]


ROLLS = (
    Roll("white", "Bambu Lab", "PLA", "White", "#FFFFFF", 820, rolls=2),
    Roll("black", "Bambu Lab", "PLA", "Black", "#000000", 410),
    Roll("orange", "Bambu Lab", "PETG", "Orange", "#FF6A13", 730),
    Roll("green", "Bambu Lab", "PLA", "Green", "#00AE42", 650, rolls=2),
    Roll("blue", "Sunlu", "PLA", "Blue", "#0A2CA5", 240),
)
THINGS = (
    Thing("Cable clip", "household", "X1C", 18, 20, [("white", 4.2)]),
    Thing("Phone stand", "household", "X1C", 55, 60, [("black", 31.5), ("white", 2.4)]),
    Thing("Garden hook", "garden", "X1C", 40, 45, [("orange", 22.0)]),
    Thing("Plant pot", "garden", "P1S", 70, 80, [("green", 48.0)]),
    Thing("Drawer handle", "household", "P1S", 32, 40, [("green", 14.6)]),
    Thing("Key ring", "gifts", "A1MINI", 15, 12, [("green", 2.8)]),
    Thing("Name badge", "gifts", "A1MINI", 25, 14, [("blue", 3.9), ("white", 1.6)]),
)


def make_shop(printers: Sequence[dict[str, Any]]) -> UUID:
    """The demo shop's id; makes the shop when nobody is there yet. `printers`: what the simulators were told to be."""
    with read_only(None) as db:
        known = db.scalar(select(Shop.id).order_by(Shop.created_at).limit(1))
    if known is not None:
        return known
    with unit_of_work(None) as db:
        membership = accounts.set_up(
            db,
            email="demo@example.com",
            name="Dana Demo",
            password=secrets.token_urlsafe(16),  # nobody knows it: the link signs in
            shop_name="Demo Prints",
        )
        shop_id, user_id = membership.shop_id, membership.user_id
    ensure_built_in_hub()
    with unit_of_work(shop_id) as db:
        filaments = _stock_up(db, user_id)
        _add_printers(db, printers, filaments["green"])
    for thing in THINGS:
        _add_thing(shop_id, user_id, thing, filaments)
    return shop_id


def sign_in_link(address: str) -> str:
    """A link that signs in once."""
    with unit_of_work(None) as db:
        user = db.scalars(select(User).order_by(User.created_at).limit(1)).one()
        return address + accounts.sign_in_path(accounts.make_sign_in_link(db, user.id))


class Visitor:
    """Does what people in a shop do: puts rolls into printers, clears beds, wants things printed, starts them."""

    def __init__(self, shop_id: UUID) -> None:
        self._shop_id = shop_id
        self._dirty_since: dict[UUID, float] = {}
        self._choose = random.Random(4)  # noqa: S311  # which thing to print next is no secret

    def look_around(self) -> None:
        """One round. A refusal (a printer is still busy, a spool too short) is a matter for the next round."""
        with unit_of_work(self._shop_id) as db:
            _load_slots(db)
        with unit_of_work(self._shop_id) as db:
            self._clear_beds(db)
            self._want_more(db)
        self._start_what_can()

    def _clear_beds(self, db: Session) -> None:
        now = time.monotonic()
        dirty = db.scalars(select(Printer.id).where(Printer.bed_cleared.is_(False))).all()
        self._dirty_since = {printer: self._dirty_since.get(printer, now) for printer in dirty}
        for printer, since in self._dirty_since.items():
            if now - since > BED_CLEARED_AFTER_S:
                fleet.clear_bed(db, printer, None)

    def _want_more(self, db: Session) -> None:
        waiting = db.scalar(select(func.count()).select_from(PrintJob).where(PrintJob.state == "queued")) or 0
        plates = db.scalars(select(Plate.id).order_by(Plate.id)).all()
        for _ in range(WAITING_JOBS - waiting):
            queue.add_jobs(db, self._choose.choice(plates))

    def _start_what_can(self) -> None:
        with read_only(self._shop_id) as db:
            jobs = db.scalars(select(PrintJob.id).where(PrintJob.state == "queued").order_by(PrintJob.place)).all()
            printers = db.scalars(select(Printer.id).where(Printer.archived_at.is_(None))).all()
        for job in jobs:
            for printer in printers:
                try:
                    with unit_of_work(self._shop_id) as db:
                        queue.start_job(db, job, printer)
                except DomainError as refusal:
                    log.debug("not now: %s", refusal)
                else:
                    break


def _stock_up(db: Session, user_id: UUID) -> dict[str, UUID]:
    """Filaments by key, with their spools."""
    made = {}
    for roll in ROLLS:
        made[roll.key] = filament.add_filament(
            db,
            brand=roll.brand,
            material=roll.material,
            colour_name=roll.colour_name,
            colour_hex=roll.colour_hex,
            cost_per_gram=Decimal("0.0249"),
        ).id
        for _ in range(roll.rolls):
            filament.add_spool(db, made[roll.key], weight_mg=roll.grams * 1000, user_id=user_id)
    return made


def _add_printers(db: Session, printers: Sequence[dict[str, Any]], external: UUID) -> None:
    hub_id = db.scalars(select(Hub.id).where(Hub.built_in.is_(True))).one()
    for spec in printers:
        printer = fleet.add_printer(
            db,
            fleet.PrinterSettings(
                name=spec["name"],
                model_id=MODEL_IDS[spec["model"]],
                address=spec["host"],
                serial=spec["serial"],
                hub_id=hub_id,
                access_code=spec["access_code"],
                mqtt_port=spec["mqtt_port"],
                ftps_port=spec["ftps_port"],
                location="Demo",
            ),
        )
        if spec["model"] == "P1S":  # it has no AMS: a roll hangs behind it
            slot = db.scalars(
                select(PrinterSlot).where(PrinterSlot.printer_id == printer.id, PrinterSlot.ams_unit == EXTERNAL_UNIT)
            ).one()
            fleet.assign_spool(db, slot.id, _free_spool(db, external))


def _load_slots(db: Session) -> None:
    """Put a roll into every place that reports one: the same colour and material, as a person would."""
    reported = select(PrinterSlot).where(PrinterSlot.spool_id.is_(None), PrinterSlot.reported_colour_hex.is_not(None))
    by_look = {(roll.material, roll.colour_hex): roll for roll in ROLLS}
    for slot in db.scalars(reported).all():
        colour = (slot.reported_colour_hex or "")[:7].upper()
        roll = by_look.get(((slot.reported_material or "").split(" ")[0], colour))
        if roll is None or slot.reported_empty:
            continue
        filament_id = db.scalar(
            select(Spool.filament_id)
            .join(Spool.filament)
            .where(Spool.filament.has(colour_hex=roll.colour_hex))
            .limit(1)
        )
        spool_id = _free_spool(db, filament_id) if filament_id else None
        if spool_id is not None:
            fleet.assign_spool(db, slot.id, spool_id)


def _free_spool(db: Session, filament_id: UUID) -> UUID | None:
    loaded = select(PrinterSlot.spool_id).where(PrinterSlot.spool_id.is_not(None))
    return db.scalar(
        select(Spool.id).where(Spool.filament_id == filament_id, Spool.id.not_in(loaded)).order_by(Spool.id).limit(1)
    )


def _add_thing(shop_id: UUID, user_id: UUID, thing: Thing, filaments: dict[str, UUID]) -> None:
    """Upload a sliced file, let it be read, and answer what the page would ask."""
    with tempfile.TemporaryDirectory() as folder:
        path = build_sliced_3mf(
            Path(folder) / f"{thing.name}.gcode.3mf",
            [_plate(thing)],
            printer_model_id=MODEL_IDS[thing.printer],
            title=thing.name,
            designer="PrintFarm demo",
        )
        upload_id = receiving.receive(shop_id, user_id, path.name, path.stat().st_size, [path.read_bytes()]).id
    extraction.read_upload(shop_id, upload_id)
    slots = [intake.SlotAnswer(slot, filaments[key]) for slot, (key, _) in enumerate(thing.grams, start=1)]
    answer = intake.Answer(
        model_id=None,
        model=ModelFacts(thing.name, designer="PrintFarm demo", category=thing.category),
        variant_name="0.20 mm",
        slots=slots,
    )
    with unit_of_work(shop_id) as db:
        upload = find_upload(db, upload_id, lock=True)
        if upload.state == "needs-answer":
            intake.add_variant(db, upload, answer)


def _plate(thing: Thing) -> PlateSpec:
    rolls = {roll.key: roll for roll in ROLLS}
    used = [
        SampleFilament(
            slot=slot,
            material=rolls[key].material,
            colour=rolls[key].colour_hex,
            grams=grams,
            vendor=rolls[key].brand,
            preset=f"{rolls[key].brand} {rolls[key].material}",
        )
        for slot, (key, grams) in enumerate(thing.grams, start=1)
    ]
    seconds = thing.minutes * 60
    return PlateSpec(
        filaments=used,
        time_total_s=seconds,
        time_model_s=seconds - 360,
        layers=thing.layers,
        objects=(thing.name,),
    )
