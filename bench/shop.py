"""A busy shop and an empty one, written straight into the database of a running PrintFarm."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import Flask
from fractional_indexing import generate_n_keys_between
from sqlalchemy import insert
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.ids import new_id
from printfarm.core.work import unit_of_work
from printfarm.filament import service as filament
from printfarm.queue.models import JobOption, PrintJob
from printfarm.queue.service import add_jobs
from printfarm.queue.service.feasibility import recompute
from tests.support.browser import Browser
from tests.support.cast import open_shop_with
from tests.support.factories import load, make_plate, make_printer

PRINTERS, SLOTS, SPOOLS, COLOURS = 10, 4, 40, 12
MODELS, WAITING, ENDED = 1_000, 200, 10_000
GRAM = 1_000


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in: what the browser sends with every request."""

    shop_id: UUID
    cookie: str


def busy_shop(app: Flask) -> Visitor:
    """Ten printers with loaded slots, 40 spools, 1,000 models, 200 waiting jobs and 10,000 ended ones."""
    visitor = _open(app, "Busy")
    with app.app_context(), unit_of_work(visitor.shop_id) as db:
        filaments = _stock(db)
        plates = [_plate(db, filaments, number) for number in range(MODELS)]
        for plate_id in plates[: WAITING // 10]:
            add_jobs(db, plate_id, quantity=10)
        _past_jobs(db, visitor.shop_id, plates)
        db.flush()
        recompute(db)
    return visitor


def empty_shop(app: Flask) -> Visitor:
    return _open(app, "Empty")


def _open(app: Flask, name: str) -> Visitor:
    shop = open_shop_with(app, email=f"{name.lower()}@example.com", name=name, shop_name=f"{name} Prints")
    client = Browser(app).signed_in(shop.owner, shop.id).client
    kept = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert kept is not None
    return Visitor(shop.id, f"{kept.key}={kept.value}")


def _stock(db: Session) -> list[UUID]:
    filaments = [
        filament.add_filament(
            db, brand="Bench", material="PLA", colour_name=f"Colour {number}", colour_hex=f"#{number * 20:02x}66{number:02x}"
        ).id
        for number in range(COLOURS)
    ]  # fmt: skip
    spools = [
        filament.add_spool(db, filaments[number % COLOURS], weight_mg=1_000 * GRAM).id for number in range(SPOOLS)
    ]
    for number in range(PRINTERS):
        printer = make_printer(db, name="Printer")
        for slot in range(SLOTS):
            load(db, printer.id, spools[(number * SLOTS + slot) % SPOOLS], slot=slot)
    return filaments


def _plate(db: Session, filaments: list[UUID], number: int) -> UUID:
    needs = {1: (filaments[number % COLOURS], 20 * GRAM), 2: (filaments[(number + 1) % COLOURS], 5 * GRAM)}
    return make_plate(db, needs=needs, name=f"Model {number}").id


def _past_jobs(db: Session, shop_id: UUID, plates: list[UUID]) -> None:
    now = utc_now()
    jobs = [
        {"id": new_id(), "shop_id": shop_id, "name": f"Past job {number}", "state": "completed", "place": place,
         "note": "", "created_at": now, "ended_at": now - timedelta(minutes=number)}
        for number, place in enumerate(generate_n_keys_between(None, None, ENDED))
    ]  # fmt: skip
    db.execute(insert(PrintJob), jobs)
    options = [
        {"id": new_id(), "shop_id": shop_id, "job_id": job["id"], "plate_id": plates[at % MODELS], "position": 0}
        for at, job in enumerate(jobs)
    ]
    db.execute(insert(JobOption), options)
