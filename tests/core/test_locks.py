"""Rows that a transaction holds: nobody changes them meanwhile, and what refers to them can be written."""

import re

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from printfarm.accounts.models import Shop
from printfarm.core.database import db as database
from printfarm.core.locks import KEEPING_KEYS, locked
from printfarm.core.work import unit_of_work
from tests.architecture.test_repo import ROOT

# They delete what they lock, keep others from doing so, or take out of use what others are about to name (rolls, filaments).
LOCK_AGAINST_REFERENCES = {
    "core/owed.py",
    "files/service.py",
    "filament/service/brands.py",
    "filament/service/drying.py",
    "filament/service/filaments.py",
    "filament/service/stock.py",
    "filament/sheets/imports.py",
    "filament/spoolman/fields.py",
    "filament/spoolman/imports.py",
    "library/importing/service.py",
    "library/service/images.py",
}


@pytest.mark.parametrize("how", ["statement", "session"])
def test_a_held_row_can_be_referred_to_but_not_changed(ctx, shop, backend, how):
    if backend == "sqlite":
        pytest.skip("SQLite has one writer")
    with unit_of_work(shop.id) as db, database.engine.connect() as other:
        if how == "statement":
            db.scalar(locked(select(Shop).where(Shop.id == shop.id)))
        else:
            db.get(Shop, shop.id, with_for_update=KEEPING_KEYS)
        mine = {"shop": str(shop.id)}
        other.execute(text("SET lock_timeout = '200ms'"))
        other.execute(text("SELECT set_config('app.shop_id', :shop, true)"), mine)
        reference = "SELECT id FROM {} WHERE id = CAST(:shop AS uuid) FOR KEY SHARE"  # what a foreign key does
        assert other.execute(text(reference.format(Shop.__tablename__)), mine).one()
        with pytest.raises(OperationalError, match="lock timeout"):
            other.execute(text(f"UPDATE {Shop.__tablename__} SET name = 'x' WHERE id = CAST(:shop AS uuid)"), mine)


def test_all_other_rows_are_locked_in_one_way():
    sources = (ROOT / "printfarm").rglob("*.py")
    plain = {
        path.relative_to(ROOT / "printfarm").as_posix()
        for path in sources
        if re.search(r"with_for_update(\(|=True)", path.read_text())
    }
    assert plain - {"core/locks.py"} == LOCK_AGAINST_REFERENCES
