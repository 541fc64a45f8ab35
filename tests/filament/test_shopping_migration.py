"""0008: wishes, purchases and the shop's choice come to a database that has none, and the way back is open."""

from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command

from printfarm.core import migrations
from tests.support import old_databases
from tests.support.old_databases import as_shop, guards, insert, rows


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path):
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    yield from old_databases.empty_database(tmp_path, server)


def test_rolls_that_were_on_order_stay_so_and_nothing_is_urgent_earlier(engine):
    command.upgrade(migrations.alembic_config(engine), "0007")
    before = {table: guards(engine, table) for table in ("shops", "spools")}
    shop, filament = uuid4(), uuid4()
    with engine.execution_options(writes=True).begin() as db:
        insert(db, "shops", id=shop, name="Shop")
        as_shop(db, shop)
        insert(db, "filaments", id=filament, shop_id=shop)
        insert(db, "spools", shop_id=shop, filament_id=filament, code="K7QX2M", state="on order", tag=None)
    command.upgrade(migrations.alembic_config(engine), "0008")
    (roll,) = rows(engine, shop, "spools")
    assert (roll.state, roll.purchase_id) == ("on order", None)
    with engine.begin() as db:
        assert db.exec_driver_sql("SELECT shopping_times FROM shops").scalar_one() == 1
    assert rows(engine, shop, "purchases") == rows(engine, shop, "shopping_wishes") == []
    command.downgrade(migrations.alembic_config(engine), "0007")
    assert {table: guards(engine, table) for table in before} == before
    assert [one.code for one in rows(engine, shop, "spools")] == ["K7QX2M"]
