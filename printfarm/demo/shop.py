"""The demo shop itself: its people, its shelf and its printers. Made once; a later start finds it and corrects addresses."""

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.accounts import service as accounts
from printfarm.accounts.models import Membership, Shop, User
from printfarm.core.errors import DomainError
from printfarm.core.work import unit_of_work
from printfarm.demo.catalogue import MODEL_IDS, ROLLS, Roll
from printfarm.filament import catalogue
from printfarm.filament import service as filament
from printfarm.filament.models import Filament
from printfarm.fleet import service as fleet
from printfarm.fleet.enrolment import ensure_built_in_hub
from printfarm.fleet.models import Hub, Printer

OWNER, VISITOR = "owner@demo.example", "sam@demo.example"
SUPPLIER = "Filament Corner"
KILOGRAM, FORTNIGHT = 1_000_000, 14  # milligrams, days
NAMES = {"X1C": "Anna", "P1S": "Bruno", "A1MINI": "Mini"}


class NotADemo(DomainError):
    """The database belongs to a real shop, whose printers no visitor may start."""


@dataclass(frozen=True)
class DemoShop:
    """What the visitor needs to know. `models` says which simulated model a printer is."""

    id: UUID
    visitor_id: UUID
    filaments: dict[str, UUID]
    models: dict[UUID, str]


def make_shop(printers: Sequence[Mapping[str, Any]]) -> DemoShop:
    """Find or make the shop. `printers`: what the simulators were told to be. Raises NotADemo."""
    with unit_of_work(None) as db:
        shop_id, visitor_id = _find(db) or _open(db)
    ensure_built_in_hub()
    with unit_of_work(shop_id) as db:
        filaments = _stock(db, visitor_id)
        models = {_printer(db, spec).id: str(spec["model"]) for spec in printers}
    return DemoShop(shop_id, visitor_id, filaments, models)


def sign_in_link(address: str) -> str:
    """A link that signs the demo's owner in once."""
    with unit_of_work(None) as db:
        owner = db.scalars(select(User).where(User.email == OWNER)).one()
        return address + accounts.sign_in_path(accounts.make_sign_in_link(db, owner.id))


def _find(db: Session) -> tuple[UUID, UUID] | None:
    """Shop and visitor, or None in an empty database."""
    if accounts.needs_set_up(db):
        return None
    found = db.scalar(select(Membership).join(User).where(User.email == VISITOR))
    if found is None:
        raise NotADemo("This data folder belongs to a real shop. Choose another for the demo with PRINTFARM_DATA_DIR.")
    return found.shop_id, found.user_id


def _open(db: Session) -> tuple[UUID, UUID]:
    membership = accounts.set_up(
        db,
        email=OWNER,
        name="Robin Demo",
        password=secrets.token_urlsafe(24),  # nobody knows it: the link signs in
        shop_name="Corner Print Works",
        timezone=_own_zone(),
    )
    accounts.change_shop(
        db,
        membership.shop_id,
        electricity_per_kwh=Decimal("0.32"),
        printer_power_w=110,
        machine_per_hour=Decimal("0.45"),
        labour_per_hour=Decimal(30),
        labour_minutes_per_print=4,
    )
    sam = accounts.add_user(db, email=VISITOR, name="Sam, who visits", password=secrets.token_urlsafe(24))
    accounts.add_member(db, sam, db.get_one(Shop, membership.shop_id), "operator")
    return membership.shop_id, sam.id


def _own_zone() -> str:
    """The time zone of this machine, where it says so."""
    named = os.environ.get("TZ", "").lstrip(":") or os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    return named if named in available_timezones() else "UTC"


def _stock(db: Session, visitor_id: UUID) -> dict[str, UUID]:
    """Filaments by key; those that are not there yet come with their rolls."""
    known = {(one.brand, one.colour_name): one.id for one in db.scalars(select(Filament))}
    found = {roll.key: known.get((roll.brand, roll.colour_name)) for roll in ROLLS}
    added = {roll.key: found[roll.key] or _bought(db, roll, visitor_id) for roll in ROLLS}
    if not known:
        _to_buy(db, added, visitor_id)
    return added


def _bought(db: Session, roll: Roll, visitor_id: UUID) -> UUID:
    filament_id = filament.add_filament(
        db,
        brand=roll.brand,
        material=roll.material,
        colour_name=roll.colour_name,
        colour_hex=roll.colour_hex,
        cost_per_gram=Decimal(str(roll.cost_per_kg)) / 1000,
        **_usual(roll.brand, roll.material),
    ).id
    day = filament.today_of(db) - timedelta(days=FORTNIGHT * (1 + ROLLS.index(roll)))
    facts = filament.SpoolFacts(initial_mg=KILOGRAM, purchased_on=day, supplier=SUPPLIER, location="Shelf 1")
    for grams in roll.grams:
        filament.add_spool(db, filament_id, weight_mg=grams * 1000, facts=facts, user_id=visitor_id)
    return filament_id


def _to_buy(db: Session, filaments: Mapping[str, UUID], visitor_id: UUID) -> None:
    """One thing is on its way and another is wished for, so that there is something to receive and something to order."""
    coming = filament.OrderLine(filaments["blue"], rolls=2, seen=0, supplier=SUPPLIER, price_minor=1650)
    expected = filament.today_of(db) + timedelta(days=3)
    filament.order_rolls(db, [coming], expected_on=expected, user_id=visitor_id)
    filament.wish_for(db, filaments["silk"], user_id=visitor_id)


def _usual(brand: str, material: str) -> dict[str, Any]:
    """What the catalogue knows of a material of a brand."""
    line = catalogue.usual_line(brand, material)
    names = ("density_g_cm3", "nozzle_min_c", "nozzle_max_c", "bed_c")
    return {name: getattr(line, name) for name in names} if line else {}


def _printer(db: Session, spec: Mapping[str, Any]) -> Printer:
    """The printer with this serial number, at the address that it has now."""
    known = db.scalar(select(Printer).where(Printer.serial == spec["serial"], Printer.archived_at.is_(None)))
    hub_id = db.scalars(select(Hub.id).where(Hub.built_in.is_(True), Hub.archived_at.is_(None))).one()
    settings = fleet.PrinterSettings(
        name=known.name if known else NAMES.get(str(spec["model"]), spec["name"]),
        model_id=MODEL_IDS[spec["model"]],
        address=spec["host"],
        serial=spec["serial"],
        hub_id=known.hub_id if known else hub_id,
        access_code=spec["access_code"],
        mqtt_port=spec["mqtt_port"],
        ftps_port=spec["ftps_port"],
        location=known.location if known else "Workshop",
    )
    if known is None:
        return fleet.add_printer(db, settings)
    if (known.mqtt_port, known.ftps_port) != (settings.mqtt_port, settings.ftps_port):
        fleet.edit_printer(db, known.id, settings)
    return known
