"""0002: every printer that is there gets a code of its own, on both databases, and nothing else about it changes."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import IntegrityError

from printfarm.core import migrations
from printfarm.core.database import make_engine
from printfarm.core.ids import PRINTER_CODE, typed_code
from tests.support.databases import OWNER, Postgres

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PRINTERS_PER_SHOP = 20
DEFAULTS: dict[type, object] = {str: "x", int: 1, bool: True, datetime: NOW}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path):
    """An empty database, entered as the owner of its tables, as migrations do."""
    if request.param == "sqlite":
        made = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
        yield made
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = f"old_{uuid4().hex[:12]}"
        server.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        made = make_engine(server.url(OWNER, name))
        yield made
        made.dispose()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    made.dispose()


def insert(db: Connection, table: str, **values: object) -> None:
    """A row with something in every column that must not be empty."""
    known = sa.Table(table, sa.MetaData(), autoload_with=db)
    for column in known.columns:
        if column.name in values or column.nullable:
            continue
        values[column.name] = uuid4() if column.name == "id" else DEFAULTS[column.type.python_type]
    kept = {
        name: value.hex if isinstance(value, UUID) and db.dialect.name == "sqlite" else value
        for name, value in values.items()
    }
    db.execute(sa.insert(known).values(kept))


def as_shop(db: Connection, shop_id: UUID) -> None:
    if db.dialect.name == "postgresql":
        db.execute(sa.text("SELECT set_config('app.shop_id', :shop, true)"), {"shop": str(shop_id)})


def fill(engine: Engine) -> list[UUID]:
    """Two shops as they were before, with printers and a slot on each."""
    shops = [uuid4(), uuid4()]
    with engine.execution_options(writes=True).begin() as db:
        for shop in shops:
            insert(db, "shops", id=shop, name="Shop")
            as_shop(db, shop)
            hub = uuid4()
            insert(db, "hubs", id=hub, shop_id=shop)
            for number in range(PRINTERS_PER_SHOP):
                printer = uuid4()
                insert(db, "printers", id=printer, shop_id=shop, hub_id=hub, serial=f"S{number}", connection="online")
                insert(db, "printer_slots", shop_id=shop, printer_id=printer, ams_unit=0, slot=0)
    return shops


def rows(engine: Engine, shop: UUID, table: str) -> list[sa.Row]:
    with engine.begin() as db:
        as_shop(db, shop)
        found = sa.Table(table, sa.MetaData(), autoload_with=db)
        of_shop = shop.hex if db.dialect.name == "sqlite" else shop
        return list(db.execute(sa.select(found).where(found.c.shop_id == of_shop)))


def test_printers_that_are_there_get_codes_that_differ(engine: Engine):
    command.upgrade(migrations.alembic_config(engine), "0001")
    shops = fill(engine)
    command.upgrade(migrations.alembic_config(engine), "0002")
    for shop in shops:
        codes = [row.code for row in rows(engine, shop, "printers")]
        assert len(set(codes)) == PRINTERS_PER_SHOP
        assert all(typed_code(code) == code and len(code) == PRINTER_CODE for code in codes)
        assert len(rows(engine, shop, "printer_slots")) == PRINTERS_PER_SHOP, "children went with their parents"


def test_what_guarded_printers_before_still_does(engine: Engine):
    command.upgrade(migrations.alembic_config(engine), "0001")
    shop = fill(engine)[0]
    before = guards(engine)
    command.upgrade(migrations.alembic_config(engine), "0002")
    after = guards(engine)
    assert before <= after
    assert {name for _, name in after - before} >= {"uq_printers_shop_id_code"}
    (one, other, *_) = rows(engine, shop, "printers")
    printers = sa.Table("printers", sa.MetaData(), autoload_with=engine)
    for values in ({"code": other.code}, {"code": None}, {"connection": "nonsense"}, {"serial": other.serial}):
        with pytest.raises(IntegrityError), engine.execution_options(writes=True).begin() as db:
            as_shop(db, shop)
            db.execute(sa.update(printers).where(printers.c.id == one.id).values(values))


def guards(engine: Engine) -> set[tuple[str, str]]:
    found = inspect(engine)
    return (
        {("check", str(one["name"])) for one in found.get_check_constraints("printers")}
        | {("unique", str(one["name"])) for one in found.get_unique_constraints("printers")}
        | {("key", str(one["name"])) for one in found.get_foreign_keys("printers")}
        | {("index", str(one["name"])) for one in found.get_indexes("printers") if not one.get("duplicates_constraint")}
    )
