"""The second fence on PostgreSQL: row-level security on every shop's table, forced, for reading and for writing.

The shop comes from `set_config('app.shop_id', …, true)`, which every transaction of the program sets; without it no row is
visible and none can be written.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

THIS_SHOP = "shop_id = nullif(current_setting('app.shop_id', true), '')::uuid"


def fence(*tables: str) -> None:
    """Close shop-scoped tables to every other shop. Does nothing on SQLite, which has no roles."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_shop ON {table} USING ({THIS_SHOP}) WITH CHECK ({THIS_SHOP})")


def append_only(table: str) -> None:
    """Refuse changes to lines already written: a ledger's past does not move."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"
        )
    else:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def each_shop() -> Iterator[Any]:
    """The id of every shop, one after the other; on PostgreSQL its rows can be seen and changed while it is at hand."""
    connection = op.get_bind()
    shops = sa.table("shops", sa.column("id", sa.Uuid()))
    on_postgresql = connection.dialect.name == "postgresql"
    for shop_id in connection.scalars(sa.select(shops.c.id)).all():
        if on_postgresql:
            connection.execute(sa.text("SELECT set_config('app.shop_id', :shop, true)"), {"shop": str(shop_id)})
        yield shop_id
    if on_postgresql:
        connection.execute(sa.text("SELECT set_config('app.shop_id', '', true)"))
