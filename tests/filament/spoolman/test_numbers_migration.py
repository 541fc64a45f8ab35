"""0007: brands, filaments and spools get numbers, each shop its own, in the order in which they were made."""

from datetime import UTC, datetime
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


def test_each_shop_counts_its_own_and_the_way_back_is_open(engine):
    command.upgrade(migrations.alembic_config(engine), "0006")
    tables = ("brands", "filaments", "spools")
    before = {table: guards(engine, table) for table in tables}
    shops = [uuid4(), uuid4()]
    with engine.execution_options(writes=True).begin() as db:
        for shop in shops:
            insert(db, "shops", id=shop, name="Shop")
            as_shop(db, shop)
            insert(db, "filaments", id=(filament := uuid4()), shop_id=shop)
            for day in (3, 1, 2):
                at = datetime(2026, 1, day, tzinfo=UTC)
                insert(
                    db,
                    "spools",
                    shop_id=shop,
                    filament_id=filament,
                    code=f"CODE{day}",
                    created_at=at,
                    state="open",
                    tag=None,
                )
    command.upgrade(migrations.alembic_config(engine), "0007")
    for shop in shops:
        assert {one.code: one.number for one in rows(engine, shop, "spools")} == {"CODE1": 1, "CODE2": 2, "CODE3": 3}
        assert [one.number for one in rows(engine, shop, "filaments")] == [1]
        assert {one.kind: one.last for one in rows(engine, shop, "counters")} == {"filament": 1, "spool": 3}
    command.downgrade(migrations.alembic_config(engine), "0006")
    assert {table: guards(engine, table) for table in tables} == before
    assert len(rows(engine, shops[0], "spools")) == 3
