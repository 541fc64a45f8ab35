"""0006: the ledger gets causes, spools a state, filaments their demand; nothing is lost on the way, nor on the way back."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from printfarm.core import migrations
from tests.support import old_databases
from tests.support.old_databases import as_shop, guards, insert, rows

CAUSE_OF = {
    "new": "received",
    "set": "correction",
    "add": "correction",
    "subtract": "correction",
    "print": "print",
    "resolve": "moved",
    "undo": "undo",
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path):
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    yield from old_databases.empty_database(tmp_path, server)


def fill(engine: Engine) -> tuple[UUID, UUID]:
    """Two shops with spools and a line of each kind in the ledger; a shop and its filament."""
    with engine.execution_options(writes=True).begin() as db:
        made = [fill_shop(db) for _ in range(2)]
    return made[0]


def fill_shop(db: Connection) -> tuple[UUID, UUID]:
    shop, filament, printer, hub = uuid4(), uuid4(), uuid4(), uuid4()
    insert(db, "shops", id=shop, name="Shop")
    as_shop(db, shop)
    insert(db, "filaments", id=filament, shop_id=shop, cost_per_gram=249)
    insert(db, "hubs", id=hub, shop_id=shop)
    insert(db, "printers", id=printer, shop_id=shop, hub_id=hub, connection="online")
    weights = {"whole": (1000, 1000), "begun": (1000, 400), "bare": (1000, 0), "hung": (1000, 700)}
    spools = {name: uuid4() for name in weights}
    for name, (initial, remaining) in weights.items():
        facts = {"filament_id": filament, "code": name, "initial_mg": initial, "remaining_mg": remaining}
        insert(db, "spools", id=spools[name], shop_id=shop, **facts)
    insert(db, "printer_slots", shop_id=shop, printer_id=printer, ams_unit=0, slot=0, spool_id=spools["hung"])
    for kind in CAUSE_OF:
        insert(
            db, "stock_entries", shop_id=shop, filament_id=filament, spool_id=spools["begun"], kind=kind, reason=kind
        )
    insert(db, "models", id=(model := uuid4()), shop_id=shop)
    file = uuid4()
    insert(db, "stored_files", id=file, shop_id=shop)
    for version in (1, 2):
        variant, plate = uuid4(), uuid4()
        insert(db, "variants", id=variant, shop_id=shop, model_id=model, file_id=file, version=version)
        insert(db, "plates", id=plate, shop_id=shop, variant_id=variant)
        for slot in (1, 2):
            insert(db, "filament_requirements", shop_id=shop, plate_id=plate, slot=slot, filament_id=filament)
    return shop, filament


def test_what_was_there_gets_the_new_words(engine: Engine):
    command.upgrade(migrations.alembic_config(engine), "0005")
    shop, _ = fill(engine)
    command.upgrade(migrations.alembic_config(engine), "0006")
    entries = rows(engine, shop, "stock_entries")
    assert {line.reason: line.cause for line in entries} == CAUSE_OF
    assert not any(line.is_discrepancy for line in entries)
    states = {spool.code: spool.state for spool in rows(engine, shop, "spools")}
    assert states == {"whole": "sealed", "begun": "open", "bare": "empty", "hung": "loaded"}
    (filament,) = rows(engine, shop, "filaments")
    assert filament.cost_per_gram == 24_900  # six places instead of four
    assert (filament.demand_count, filament.spool_mg, filament.diameter_mm) == (2, 1_000_000, 175)
    assert [brand.name for brand in rows(engine, shop, "brands")] == ["x"]


def test_the_way_back_keeps_every_line(engine: Engine):
    command.upgrade(migrations.alembic_config(engine), "0005")
    shop, _ = fill(engine)
    before = {table: guards(engine, table) for table in ("filaments", "spools", "stock_entries", "printer_slots")}
    command.upgrade(migrations.alembic_config(engine), "0006")
    command.downgrade(migrations.alembic_config(engine), "0005")
    assert {table: guards(engine, table) for table in before} == before
    assert [row.cost_per_gram for row in rows(engine, shop, "filaments")] == [249]
    kinds = {line.reason: line.kind for line in rows(engine, shop, "stock_entries")}
    assert kinds == {**{kind: kind for kind in CAUSE_OF}, "add": "set", "subtract": "set"}


@pytest.mark.parametrize("revision", ["0006", "0005"])
def test_the_ledger_stays_append_only(engine: Engine, revision: str):
    command.upgrade(migrations.alembic_config(engine), "0005")
    shop, _ = fill(engine)
    command.upgrade(migrations.alembic_config(engine), "0006")
    command.downgrade(migrations.alembic_config(engine), revision) if revision != "0006" else None
    with pytest.raises(DBAPIError, match="append-only"), engine.execution_options(writes=True).begin() as db:
        as_shop(db, shop)
        db.execute(sa.text("UPDATE stock_entries SET delta_mg = 0"))


def test_filaments_that_only_their_finish_told_apart_come_back_apart(engine: Engine):
    command.upgrade(migrations.alembic_config(engine), "0006")
    shop = uuid4()
    with engine.execution_options(writes=True).begin() as db:
        insert(db, "shops", id=shop, name="Shop")
        as_shop(db, shop)
        for finish in ("", "matte"):
            insert(db, "filaments", shop_id=shop, colour_name="Black", finish=finish, diameter_mm=175)
    command.downgrade(migrations.alembic_config(engine), "0005")
    names = sorted(row.colour_name for row in rows(engine, shop, "filaments"))
    assert names[0] == "Black"
    assert names[1].startswith("Black (")
