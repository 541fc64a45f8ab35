"""A shop sees only itself: the ORM's fence, the stamp, the composite keys, and PostgreSQL's row-level security."""

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import aliased

from printfarm.core.database import db as database
from printfarm.core.tenancy import ForeignShop, NoShop
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Filament, Spool


def add_filament(shop_id, name="Galaxy Black"):
    with unit_of_work(shop_id) as db:
        row = Filament(brand="Prusament", material="PLA", colour_name=name, colour_hex="#111111")
        db.add(row)
        db.flush()
        return row.id


def test_a_row_gets_the_shop_of_its_session(ctx, alice):
    filament = add_filament(alice.shop_id)
    with read_only(alice.shop_id) as db:
        assert db.get(Filament, filament).shop_id == alice.shop_id


@pytest.mark.parametrize(
    "statement",
    [
        select(Filament),
        select(Filament.id),
        select(func.count()).select_from(Filament),
        select(aliased(Filament)),
        select(func.count()).select_from(select(Filament).subquery()),
    ],
    ids=["entity", "column", "count", "alias", "subquery"],
)
def test_nothing_of_another_shop_is_read(ctx, alice, charlie, statement):
    add_filament(alice.shop_id)
    with read_only(charlie.shop_id) as db:
        assert db.execute(statement).scalar() in (None, 0)
    with read_only(alice.shop_id) as db:
        assert db.execute(statement).scalar() not in (None, 0)


def test_get_by_id_finds_nothing_of_another_shop(ctx, alice, charlie):
    filament = add_filament(alice.shop_id)
    with read_only(charlie.shop_id) as db:
        assert db.get(Filament, filament) is None


def test_bulk_changes_stay_inside_the_shop(ctx, alice, charlie):
    add_filament(alice.shop_id)
    with unit_of_work(charlie.shop_id) as db:
        assert db.execute(update(Filament).values(brand="stolen")).rowcount == 0
        assert db.execute(delete(Filament)).rowcount == 0


def test_a_session_without_a_shop_may_not_touch_a_shops_table(ctx, alice):
    add_filament(alice.shop_id)
    with pytest.raises(NoShop), read_only(None) as db:
        db.execute(select(Filament))
    with read_only(None) as db:
        assert db.execute(select(func.count()).select_from(Filament.__table__.alias())).scalar_one() in (0, 1)


def test_a_row_of_another_shop_cannot_be_written(ctx, alice, charlie):
    with pytest.raises(ForeignShop), unit_of_work(charlie.shop_id) as db:
        db.add(Filament(shop_id=alice.shop_id, brand="x", material="PLA", colour_name="x", colour_hex="#000000"))


def test_a_foreign_key_cannot_point_into_another_shop(ctx, alice, charlie):
    filament = add_filament(alice.shop_id)
    with pytest.raises(IntegrityError), unit_of_work(charlie.shop_id) as db:
        db.add(Spool(filament_id=filament, initial_mg=1_000_000))


def test_a_read_only_session_refuses_to_write(ctx, alice):
    with pytest.raises((RuntimeError, DBAPIError)), read_only(alice.shop_id) as db:
        db.add(Filament(brand="x", material="PLA", colour_name="x", colour_hex="#000000"))
        db.flush()


def test_row_level_security_holds_even_for_plain_sql(ctx, backend, alice, charlie):
    if backend != "postgresql":
        pytest.skip("SQLite has no row-level security")
    add_filament(alice.shop_id)
    with read_only(charlie.shop_id) as db:
        assert db.execute(text("SELECT count(*) FROM filaments")).scalar_one() == 0
    with read_only(None) as db:
        assert db.execute(text("SELECT count(*) FROM filaments")).scalar_one() == 0
    with pytest.raises(DBAPIError), unit_of_work(charlie.shop_id) as db:
        db.execute(text("UPDATE filaments SET shop_id = :shop"), {"shop": alice.shop_id})
        db.execute(
            text(
                "INSERT INTO filaments (id, shop_id, brand, material, colour_name, colour_hex, purchase_url, note,"
                " unassigned_mg, created_at) VALUES (gen_random_uuid(), :shop, '', '', '', '', '', '', 0, now())"
            ),
            {"shop": alice.shop_id},
        )


def test_every_shop_scoped_table_is_fenced_in_the_catalogue(ctx, backend):
    if backend != "postgresql":
        pytest.skip("SQLite has no row-level security")
    from printfarm.core.database import Base
    from printfarm.core.tenancy import ShopScoped

    scoped = {m.local_table.name for m in Base.registry.mappers if issubclass(m.class_, ShopScoped)}
    catalogue = text(
        "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
        " WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL"
    )
    with database.engine.connect() as connection:
        assert set(connection.execute(catalogue).scalars()) == scoped
