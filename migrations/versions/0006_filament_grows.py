"""Filament grows: brands, what a roll is and where it came from, causes in the ledger, what fed a run, the nightly check."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.fences import append_only, each_shop, fence

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)

STATES = ("on order", "sealed", "open", "loaded", "empty", "discarded")
KINDS = ("new", "set", "add", "subtract", "print", "resolve", "undo")
CAUSES = (
    "received",
    "print",
    "failed print",
    "purge",
    "correction",
    "weighed",
    "moved",
    "undo",
    "discarded",
    "imported",
)
CAUSE_OF = {"new": "received", "set": "correction", "add": "correction", "subtract": "correction", "resolve": "moved"}
KIND_OF = {
    "received": "new",
    "imported": "new",
    "failed print": "print",
    "purge": "print",
    "correction": "set",
    "weighed": "set",
    "moved": "resolve",
    "discarded": "set",
}
# What tells one filament from another, and what did.
FACTS = ("brand", "material", "finish", "colour_hex", "colour_name", "diameter_mm")
OLD_FACTS = ("brand", "material", "colour_hex", "colour_name")
TEXTS = {
    "filaments": ("finish", "article_number", "supplier"),
    "spools": ("supplier", "note"),
}


def upgrade() -> None:
    _add_brands()
    _add_checks()
    _add_feeds()
    _add_drying_rules()
    _widen_filaments()
    _widen_spools()
    op.add_column("printer_slots", sa.Column("reported_tag", sa.String(), nullable=True))
    op.add_column("printer_slots", sa.Column("reported_remain_percent", sa.Integer(), nullable=True))
    _change_ledger("kind", "cause", CAUSES, CAUSE_OF, [_discrepancy()], [])
    _index_ledger()
    _scale_costs("* 100")
    fence("brands", "stock_checks", "run_feeds", "next_rolls", "drying_rules")
    _name_brands()


def downgrade() -> None:
    _scale_costs("/ 100")
    for index in LEDGER_INDEXES:
        op.drop_index(index, "stock_entries")
    _change_ledger("cause", "kind", KINDS, KIND_OF, [], ["is_discrepancy"])
    with op.batch_alter_table("printer_slots") as batch:
        batch.drop_column("reported_remain_percent")
        batch.drop_column("reported_tag")
    _narrow_spools()
    _part_twins()
    with op.batch_alter_table("filaments") as batch:
        batch.drop_constraint("uq_filaments_facts", type_="unique")
        batch.create_unique_constraint(op.f("uq_filaments_shop_id_" + "_".join(OLD_FACTS)), ["shop_id", *OLD_FACTS])
        for column in (*TEXTS["filaments"], *_filament_columns()):
            batch.drop_column(column if isinstance(column, str) else column.name)
    op.drop_table("drying_rules")
    op.drop_table("next_rolls")
    op.drop_table("run_feeds")
    op.drop_table("stock_checks")
    op.drop_table("brands")


def _own(table: str) -> list[sa.schema.SchemaItem]:
    """What every shop's table has."""
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f(f"fk_{table}_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("shop_id", "id", name=op.f(f"uq_{table}_shop_id_id")),
    ]


def _add_brands() -> None:
    op.create_table(
        "brands",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tare_mg", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("extra", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        *_own("brands"),
        sa.UniqueConstraint("shop_id", "name", name=op.f("uq_brands_shop_id_name")),
    )


def _add_checks() -> None:
    op.create_table(
        "stock_checks",
        sa.Column("checked_at", TIME, nullable=False),
        sa.Column("spools", sa.Integer(), nullable=False),
        sa.Column("drifted", JSON, nullable=False),
        *_own("stock_checks"),
    )
    op.create_index(op.f("ix_stock_checks_shop_id_checked_at"), "stock_checks", ["shop_id", "checked_at"])


def _add_drying_rules() -> None:
    op.create_table(
        "drying_rules",
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        *_own("drying_rules"),
        sa.UniqueConstraint("shop_id", "material", name=op.f("uq_drying_rules_shop_id_material")),
    )


def _add_feeds() -> None:
    op.create_table(
        "run_feeds",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("ams_unit", sa.Integer(), nullable=True),
        sa.Column("printer_slot", sa.Integer(), nullable=True),
        sa.Column("spool_id", sa.Uuid(), nullable=True),
        sa.Column("layer", sa.Integer(), nullable=True),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        *_own("run_feeds"),
        sa.ForeignKeyConstraint(
            ["shop_id", "run_id"],
            ["print_runs.shop_id", "print_runs.id"],
            name=op.f("fk_run_feeds_shop_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "spool_id"],
            ["spools.shop_id", "spools.id"],
            name=op.f("fk_run_feeds_shop_id_spool_id"),
            ondelete="RESTRICT",
        ),
    )
    op.create_index(op.f("ix_run_feeds_shop_id_run_id_slot_at"), "run_feeds", ["shop_id", "run_id", "slot", "at"])
    op.create_table(
        "next_rolls",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("spool_id", sa.Uuid(), nullable=False),
        *_own("next_rolls"),
        sa.ForeignKeyConstraint(
            ["shop_id", "run_id"],
            ["print_runs.shop_id", "print_runs.id"],
            name=op.f("fk_next_rolls_shop_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "spool_id"],
            ["spools.shop_id", "spools.id"],
            name=op.f("fk_next_rolls_shop_id_spool_id"),
            ondelete="RESTRICT",
        ),
        sa.UniqueConstraint("shop_id", "run_id", "slot", name=op.f("uq_next_rolls_shop_id_run_id_slot")),
    )


def _texts(table: str) -> list[sa.Column]:
    return [sa.Column(name, sa.String(), nullable=False, server_default="") for name in TEXTS[table]]


def _add(table: str, columns: list[sa.Column], *checks: tuple[str, tuple[str, ...]]) -> None:
    """Columns with a value for the rows that are there, and none for those to come: the program gives them theirs."""
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.add_column(column)
    with op.batch_alter_table(table) as batch:
        for column in columns:
            if column.server_default is not None:
                batch.alter_column(column.name, server_default=None)
        for column, allowed in checks:
            batch.create_check_constraint(op.f(f"ck_{table}_{column}"), f"{column} IN {allowed}")


def _filament_columns() -> list[sa.Column]:
    return [
        sa.Column("diameter_mm", sa.BigInteger(), nullable=False, server_default="175"),
        sa.Column("nozzle_min_c", sa.Integer(), nullable=True),
        sa.Column("nozzle_max_c", sa.Integer(), nullable=True),
        sa.Column("bed_c", sa.Integer(), nullable=True),
        sa.Column("spool_mg", sa.BigInteger(), nullable=False, server_default="1000000"),
        sa.Column("tare_mg", sa.BigInteger(), nullable=True),
        sa.Column("low_below_mg", sa.BigInteger(), nullable=True),
        sa.Column("extra", JSON, nullable=False, server_default="{}"),
        sa.Column("demand_count", sa.Integer(), nullable=False, server_default="0"),
    ]


def _widen_filaments() -> None:
    _add("filaments", [*_texts("filaments"), *_filament_columns()])
    with op.batch_alter_table("filaments") as batch:
        batch.drop_constraint(op.f("uq_filaments_shop_id_" + "_".join(OLD_FACTS)), type_="unique")
        batch.create_unique_constraint("uq_filaments_facts", ["shop_id", *FACTS])
    for shop_id in each_shop():  # counted once here, kept by the library from now on
        op.get_bind().execute(
            sa.text(
                "UPDATE filaments SET demand_count = (SELECT count(DISTINCT p.variant_id) FROM filament_requirements r "
                "JOIN plates p ON p.shop_id = r.shop_id AND p.id = r.plate_id "
                "JOIN variants v ON v.shop_id = p.shop_id AND v.id = p.variant_id "
                "JOIN models m ON m.shop_id = v.shop_id AND m.id = v.model_id "
                "WHERE r.shop_id = filaments.shop_id AND r.filament_id = filaments.id "
                "AND v.archived_at IS NULL AND m.archived_at IS NULL) WHERE shop_id = :shop"
            ).bindparams(sa.bindparam("shop", shop_id, sa.Uuid()))
        )


def _filaments() -> sa.TableClause:
    texts = [sa.column(name, sa.String()) for name in ("brand", "finish", "colour_name", "material", "colour_hex")]
    ids = [sa.column("id", sa.Uuid()), sa.column("shop_id", sa.Uuid())]
    return sa.table("filaments", *ids, *texts, sa.column("diameter_mm", sa.BigInteger()))


def _name_brands() -> None:
    """A brand for every name that filaments have."""
    known, db = _filaments(), op.get_bind()
    texts = [sa.column(name, sa.String()) for name in ("name", "url", "note")]
    ids = [sa.column("id", sa.Uuid()), sa.column("shop_id", sa.Uuid())]
    brands = sa.table("brands", *ids, *texts, sa.column("extra", JSON), sa.column("created_at", TIME))
    for shop_id in each_shop():
        for name in db.scalars(sa.select(known.c.brand).where(known.c.shop_id == shop_id, known.c.brand != "").distinct()).all():
            facts = {"name": name, "url": "", "note": "", "extra": {}, "created_at": sa.func.current_timestamp()}
            db.execute(sa.insert(brands).values(id=uuid4(), shop_id=shop_id, **facts))


def _part_twins() -> None:
    """Filaments that only finish or diameter told apart: those get into the name of the colour."""
    known, db = _filaments(), op.get_bind()
    columns = [known.c[name] for name in OLD_FACTS]
    for shop_id in each_shop():
        seen = set()
        mine = sa.select(known.c.id, known.c.finish, known.c.diameter_mm, *columns).where(known.c.shop_id == shop_id)
        for row in db.execute(mine.order_by(known.c.id)).all():
            facts = tuple(row[3:])
            if facts in seen:
                name = f"{row.colour_name} ({row.finish} {row.diameter_mm / 100:.2f} mm, {row.id.hex[-4:]})"
                db.execute(sa.update(known).where(known.c.id == row.id).values(colour_name=name))
            seen.add(facts)


def _spool_columns() -> list[sa.Column]:
    return [
        sa.Column("state", sa.String(), nullable=False, server_default="sealed"),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column("extra", JSON, nullable=False, server_default="{}"),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("dried_on", sa.Date(), nullable=True),
        sa.Column("first_used_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
    ]


SPOOL_INDEXES = ("remaining_mg", "state", "location", "purchased_on", "expires_on", "last_used_at", "created_at")


def _widen_spools() -> None:
    _add("spools", [*_texts("spools"), *_spool_columns()], ("state", STATES))
    for column in SPOOL_INDEXES:
        name = op.f(f"ix_spools_shop_id_archived_at_{column}")
        op.create_index(name, "spools", ["shop_id", "archived_at", column])
    has_tag = sa.text("tag IS NOT NULL")
    op.create_index(
        "uq_spools_tag", "spools", ["shop_id", "tag"], unique=True, sqlite_where=has_tag, postgresql_where=has_tag
    )
    for shop_id in each_shop():
        op.get_bind().execute(
            sa.text(
                "UPDATE spools SET state = CASE "
                "WHEN EXISTS (SELECT 1 FROM printer_slots s WHERE s.shop_id = spools.shop_id AND s.spool_id = spools.id) "
                "THEN 'loaded' WHEN remaining_mg <= 0 THEN 'empty' WHEN remaining_mg < initial_mg THEN 'open' "
                "ELSE 'sealed' END WHERE shop_id = :shop"
            ).bindparams(sa.bindparam("shop", shop_id, sa.Uuid()))
        )


def _narrow_spools() -> None:
    op.drop_index("uq_spools_tag", "spools")
    for column in SPOOL_INDEXES:
        op.drop_index(op.f(f"ix_spools_shop_id_archived_at_{column}"), "spools")
    with op.batch_alter_table("spools") as batch:
        batch.drop_constraint(op.f("ck_spools_state"), type_="check")
        for column in (*TEXTS["spools"], *(column.name for column in _spool_columns())):
            batch.drop_column(column)


def _discrepancy() -> sa.Column:
    return sa.Column("is_discrepancy", sa.Boolean(), nullable=False, server_default=sa.false())


def _change_ledger(
    old: str, new: str, allowed: tuple[str, ...], word_of: dict[str, str], added: list[sa.Column], dropped: list[str]
) -> None:
    """The ledger's causes get other words: its fence is taken down for that, and stands again afterwards."""
    _take_fence_down()
    with op.batch_alter_table("stock_entries") as batch:
        batch.drop_constraint(op.f(f"ck_stock_entries_{old}"), type_="check")
        batch.alter_column(old, new_column_name=new)
        for column in added:
            batch.add_column(column)
        for name in dropped:
            batch.drop_column(name)
    entries = sa.table("stock_entries", sa.column("shop_id", sa.Uuid()), sa.column(new, sa.String()))
    words = sa.case(word_of, value=entries.c[new], else_=entries.c[new])
    for shop_id in each_shop():
        op.get_bind().execute(sa.update(entries).where(entries.c.shop_id == shop_id).values({new: words}))
    with op.batch_alter_table("stock_entries") as batch:
        batch.create_check_constraint(op.f(f"ck_stock_entries_{new}"), f"{new} IN {allowed}")
        for column in added:
            batch.alter_column(column.name, server_default=None)
    append_only("stock_entries")


LEDGER_INDEXES = (
    "ix_stock_entries_shop_id_created_at",
    "ix_stock_entries_shop_id_cause_created_at",
    "ix_stock_entries_discrepancies",
)


def _index_ledger() -> None:
    """For the page of the whole ledger, newest first, and of one cause."""
    time, cause, discrepancies = LEDGER_INDEXES
    op.create_index(op.f(time), "stock_entries", ["shop_id", "created_at"])
    op.create_index(op.f(cause), "stock_entries", ["shop_id", "cause", "created_at"])
    marked = sa.text("is_discrepancy")
    op.create_index(
        discrepancies, "stock_entries", ["shop_id", "created_at"], sqlite_where=marked, postgresql_where=marked
    )


def _take_fence_down() -> None:
    if _is_sqlite():
        op.execute("DROP TRIGGER stock_entries_append_only")
    else:
        op.execute("DROP TRIGGER stock_entries_append_only ON stock_entries")
        op.execute("DROP FUNCTION stock_entries_is_append_only()")


def _scale_costs(by: str) -> None:
    """What a gram costs is kept in six places instead of four, as a whole number."""
    for shop_id in each_shop():
        for table in ("filaments", "spools"):
            scaled = sa.text(f"UPDATE {table} SET cost_per_gram = cost_per_gram {by} WHERE shop_id = :shop")  # noqa: S608
            op.get_bind().execute(scaled.bindparams(sa.bindparam("shop", shop_id, sa.Uuid())))


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
