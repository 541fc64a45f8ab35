"""Two shops that hold one row of every table, so that a test can try to reach the one from the other with real ids."""

import hashlib
import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import Column, select
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from printfarm.accounts.models import Credential, Membership, SignInSession
from printfarm.accounts.service import invite, make_token
from printfarm.core.clock import utc_now
from printfarm.core.database import Base
from printfarm.core.ids import new_id
from printfarm.core.migrations import import_models
from printfarm.core.storage import storage, storage_key
from printfarm.core.tenancy import ShopScoped
from printfarm.core.work import read_only, unit_of_work
from printfarm.fleet.service import PrinterSettings, add_printer
from printfarm.fleet.service.hubs import NewHub, add_hub
from tests.support.cast import Person

Values = Callable[[dict[str, UUID]], Any]

# What a column must hold to make sense; everything else is filled by its type.
VALUES: dict[str, Values] = {
    "stored_files.kind": lambda _ids: "sliced",
    "filaments.colour_hex": lambda _ids: "#336699",
    "filaments.material": lambda _ids: "PLA",
    "file_scans.state": lambda _ids: "failed",
    "file_scans.checkpoint": lambda _ids: {"plans": [], "kept": None},
    "uploads.state": lambda _ids: "failed",
    "uploads.error": lambda _ids: "It could not be read.",
    "uploads.bytes_at": lambda _ids: "sliced",
    "uploads.duplicate_of_id": lambda _ids: None,
    "imports.source": lambda _ids: "zip",
    "imports.goal": lambda _ids: "import",
    "imports.state": lambda _ids: "stopped",
    "imports.plan": lambda _ids: {},
    "import_items.kind": lambda _ids: "file",
    "import_items.state": lambda _ids: "ready",
    "import_items.found": lambda _ids: {"wants": [WISH]},
    "stock_entries.cause": lambda _ids: "print",
    "stock_entries.spool_id": lambda _ids: None,
    "stock_entries.undoes_id": lambda _ids: None,
    "stock_entries.delta_mg": lambda _ids: -1000,
    "sheet_imports.state": lambda _ids: "ready",
    "sheet_imports.file_key": lambda _ids: "",
    "sheet_imports.counts": lambda _ids: dict.fromkeys(("new", "changed", "same", "refused"), 1),
    "sheet_lines.what": lambda _ids: "new",
    "spoolman_imports.state": lambda _ids: "ready",
    "spoolman_imports.file_key": lambda _ids: "",
    "spoolman_imports.found": lambda _ids: {"rows": {}, "lines": [], "skipped": [], "fields": {}},
    "spools.remaining_mg": lambda _ids: 500_000,
    "model_images.file_id": lambda _ids: None,
    "models.category": lambda _ids: "other",
    "plates.printable": lambda _ids: True,
    "variants.file_format": lambda _ids: "gcode.3mf",
    "print_jobs.place": lambda _ids: "a0",
    "print_jobs.state": lambda _ids: "printing",
    "print_runs.state": lambda _ids: "running",
    "commands.kind": lambda _ids: "identify",
    "commands.state": lambda _ids: "acknowledged",
    "printer_trials.asked": lambda ids: {
        "name": "Tried",
        "model_id": "C12",
        "address": "192.0.2.1",
        "serial": "01P00A123456780",
        "hub_id": str(ids["hubs"]),
        "access_code": "",
        "nozzle_mm": "0.40",
        "bed_type": "",
        "location": "",
        "mqtt_port": 8883,
        "ftps_port": 990,
    },
    "printer_trials.access_code_sealed": lambda _ids: "",
    "printer_trials.command_id": lambda ids: ids["commands"],
    "printer_trials.printer_id": lambda ids: ids["printers"],
    "printer_errors.severity": lambda _ids: "warning",
    "run_reports.state": lambda _ids: "running",
    "foreign_runs.state": lambda _ids: "running",
    "job_events.kind": lambda _ids: "note",
}


# A filament that a file of an import asks for.
WISH = {
    "slot": 1,
    "material": "PLA",
    "colour_hex": "",
    "vendor": "",
    "preset": "",
    "grams": 1.0,
    "density_g_cm3": None,
    "cost_per_gram": None,
    "plates": 1,
}


@dataclass
class Shop:
    """A shop with a row in every table: `ids` by table, and a word that stands in every text of its own."""

    app: Flask
    owner: Person
    secret_word: str
    ids: dict[str, UUID] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    hub: NewHub | None = None

    @property
    def id(self) -> UUID:
        return self.owner.shop_id

    def __getitem__(self, table: str) -> UUID:
        return self.ids[table]


def shop_models() -> list[type[ShopScoped]]:
    """Every shop-scoped model, parents first."""
    import_models()
    by_table = {m.local_table.name: m.class_ for m in Base.registry.mappers if issubclass(m.class_, ShopScoped)}
    in_order = [by_table[table.name] for table in Base.metadata.sorted_tables if table.name in by_table]
    return sorted(in_order, key=lambda model: model.__tablename__ == "printer_trials")  # it names rows without a key


def furnish(app: Flask, owner: Person, secret_word: str) -> Shop:
    """Fill a shop: one row of every shop-scoped table, a picture, a file in the storage, an invitation, a session."""
    shop = Shop(app, owner, secret_word)
    with app.app_context():
        with unit_of_work(shop.id) as db:
            shop.hub = add_hub(db, f"Hub {secret_word}")
            shop.ids["hubs"] = shop.hub.id
        with unit_of_work(shop.id) as db:
            shop.ids["printers"] = add_printer(db, _settings(shop)).id
        with unit_of_work(shop.id) as db:
            for model in shop_models():
                if model.__tablename__ not in shop.ids:
                    _add_row(db, shop, model)
        with unit_of_work(shop.id) as db:
            shop.words["token"] = make_token(db, shop.id, secret_word, "stock")
            shop.words["invite"] = invite(db, shop.id, "viewer", by_role="owner", note=secret_word)
        _note_globals(shop)
        _keep_a_file(shop)
    return shop


def _settings(shop: Shop) -> PrinterSettings:
    return PrinterSettings(
        name=f"Printer {shop.secret_word}",
        model_id="C12",
        address="192.0.2.1",
        serial="01P00A123456789",
        hub_id=shop["hubs"],
        access_code="12345678",
        nozzle_mm=Decimal("0.40"),
        bed_type="",
        location=shop.secret_word,
        mqtt_port=8883,
        ftps_port=990,
    )


def _add_row(db: Session, shop: Shop, model: type[ShopScoped]) -> None:
    table = model.__table__  # type: ignore[attr-defined]
    row = model()
    for column in table.columns:
        if column.name not in {"id", "shop_id"} and not column.primary_key:
            _fill(row, column, shop)
    db.add(row)
    db.flush()
    shop.ids[table.name] = row.id
    if table.name == "spools":
        shop.words["spool code"] = row.code  # type: ignore[attr-defined]
    if table.name == "stored_files":
        picture = model(**{c.name: getattr(row, c.name) for c in table.columns if c.name != "id"})
        picture.kind = "picture"  # type: ignore[attr-defined]
        db.add(picture)
        db.flush()
        shop.ids["pictures"] = picture.id


def _fill(row: Any, column: Column[Any], shop: Shop) -> None:
    known = VALUES.get(f"{column.table.name}.{column.name}")
    if known is not None:
        setattr(row, column.name, known(shop.ids))
        return
    target = next((key.column.table.name for key in column.foreign_keys), None)
    if target is not None:
        setattr(row, column.name, shop.ids["pictures" if column.name == "picture_id" else target])
    elif not column.nullable and column.default is None:
        setattr(row, column.name, _any_value(column, shop))


def _any_value(column: Column[Any], shop: Shop) -> Any:
    made: dict[type, Any] = {
        str: shop.secret_word + "".join(random.choices(string.ascii_lowercase, k=6)),  # unique where it must be
        int: 1,
        bool: True,
        datetime: utc_now(),
        date: utc_now().date(),
        Decimal: Decimal("0.4"),
        UUID: new_id(),
    }
    kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    return made.get(kind.python_type, {})


def _note_globals(shop: Shop) -> None:
    with read_only(None) as db:
        shop.ids["memberships"] = db.scalars(select(Membership.id).where(Membership.shop_id == shop.id)).first()  # type: ignore[assignment]
        shop.ids["sessions"] = db.scalars(select(SignInSession.id).where(SignInSession.shop_id == shop.id)).first()  # type: ignore[assignment]
        shop.ids["invites"] = db.scalars(  # type: ignore[assignment]
            select(Credential.id).where(Credential.shop_id == shop.id, Credential.kind == "invite")
        ).first()
        shop.ids["tokens"] = db.scalars(  # type: ignore[assignment]
            select(Credential.id).where(Credential.shop_id == shop.id, Credential.kind == "token")
        ).first()
        shop.ids["shops"] = shop.id


def _keep_a_file(shop: Shop) -> None:
    data = Path(shop.app.config["SETTINGS"].data_dir)
    data.mkdir(parents=True, exist_ok=True)
    source = data / f"{shop.id}.bytes"
    source.write_bytes(shop.secret_word.encode() * 100)
    for kind, name in (("sliced", "stored_files"), ("picture", "pictures"), ("thumb", "pictures")):
        storage().put_file(storage_key(shop.id, kind, shop[name]), source)


def fingerprint(app: Flask, shop_id: UUID) -> dict[str, str]:
    """A hash of every table as one shop sees it; of tables that belong to no shop, of everything."""
    hashes = {}
    with app.app_context(), read_only(shop_id) as db:
        for table in Base.metadata.sorted_tables:
            rows = select(table)
            if "shop_id" in table.columns and table.name not in {"sessions", "credentials", "memberships", "owed"}:
                rows = rows.where(table.c.shop_id == shop_id)
            text = sorted(repr(tuple(row)) for row in db.execute(rows))
            hashes[table.name] = hashlib.sha256("\n".join(text).encode()).hexdigest()
    return hashes


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The tables that are not as they were."""
    return [name for name in before if before[name] != after[name]]
