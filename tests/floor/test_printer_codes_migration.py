"""0002: every printer that is there gets a code of its own, on both databases, and nothing else about it changes."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from printfarm.core import migrations
from printfarm.core.ids import PRINTER_CODE, typed_code
from tests.support import old_databases
from tests.support.old_databases import as_shop, guards, insert, rows

PRINTERS_PER_SHOP = 20


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path):
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    yield from old_databases.empty_database(tmp_path, server)


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
    before = guards(engine, "printers")
    command.upgrade(migrations.alembic_config(engine), "0002")
    after = guards(engine, "printers")
    assert before <= after
    assert {name for _, name in after - before} >= {"uq_printers_shop_id_code"}
    (one, other, *_) = rows(engine, shop, "printers")
    printers = sa.Table("printers", sa.MetaData(), autoload_with=engine)
    for values in ({"code": other.code}, {"code": None}, {"connection": "nonsense"}, {"serial": other.serial}):
        with pytest.raises(IntegrityError), engine.execution_options(writes=True).begin() as db:
            as_shop(db, shop)
            db.execute(sa.update(printers).where(printers.c.id == one.id).values(values))
