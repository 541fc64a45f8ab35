"""Numbers for brands, filaments and spools, and what the Spoolman-compatible API and its import keep."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.fences import each_shop, fence

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
NUMBERED = {"brands": "brand", "filaments": "filament", "spools": "spool"}
STATES = ("reading", "ready", "running", "done", "failed")
NEW = ("counters", "machine_uses", "spoolman_settings", "spoolman_origins", "spoolman_imports")


def upgrade() -> None:
    _add_tables()
    for table in NUMBERED:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("number", sa.Integer(), nullable=True))
            batch.add_column(sa.Column("told", JSON, nullable=False, server_default="{}"))
    for shop_id in each_shop():
        for table, kind in NUMBERED.items():
            _count(shop_id, table, kind)
    for table in NUMBERED:
        with op.batch_alter_table(table) as batch:
            batch.alter_column("number", existing_type=sa.Integer(), nullable=False)
            batch.alter_column("told", existing_type=JSON, server_default=None)
            batch.create_unique_constraint(op.f(f"uq_{table}_shop_id_number"), ["shop_id", "number"])
    fence(*NEW)


def downgrade() -> None:
    for table in NUMBERED:
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"uq_{table}_shop_id_number"), type_="unique")
            batch.drop_column("told")
            batch.drop_column("number")
    for table in reversed(NEW):
        op.drop_table(table)


def _own(table: str) -> list[sa.schema.SchemaItem]:
    """What every shop's table has."""
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f(f"fk_{table}_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("shop_id", "id", name=op.f(f"uq_{table}_shop_id_id")),
    ]


def _add_tables() -> None:
    op.create_table(
        "counters",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        *_own("counters"),
        sa.UniqueConstraint("shop_id", "kind", name=op.f("uq_counters_shop_id_kind")),
    )
    op.create_table(
        "machine_uses",
        sa.Column("spool_id", sa.Uuid(), nullable=False),
        sa.Column("pending_ug", sa.BigInteger(), nullable=False),
        sa.Column("since_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("last_said", sa.String(), nullable=False),
        sa.Column("teller", sa.String(), nullable=False),
        sa.Column("held_ug", sa.BigInteger(), nullable=False),
        sa.Column("held_because", sa.String(), nullable=False),
        *_own("machine_uses"),
        sa.ForeignKeyConstraint(
            ["shop_id", "spool_id"],
            ["spools.shop_id", "spools.id"],
            name=op.f("fk_machine_uses_shop_id_spool_id"),
            ondelete="RESTRICT",
        ),
        sa.UniqueConstraint("shop_id", "spool_id", name=op.f("uq_machine_uses_shop_id_spool_id")),
    )
    op.create_table(
        "spoolman_settings",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        *_own("spoolman_settings"),
        sa.UniqueConstraint("shop_id", "key", name=op.f("uq_spoolman_settings_shop_id_key")),
    )
    op.create_table(
        "spoolman_origins",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("registered", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        *_own("spoolman_origins"),
        sa.UniqueConstraint(
            "shop_id", "kind", "number", "registered", name=op.f("uq_spoolman_origins_shop_id_kind_number_registered")
        ),
    )
    op.create_table(
        "spoolman_imports",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("file_key", sa.String(), nullable=False),
        sa.Column("found", JSON, nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        *_own("spoolman_imports"),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_spoolman_imports_state")),
    )
    op.create_index(op.f("ix_spoolman_imports_shop_id_created_at"), "spoolman_imports", ["shop_id", "created_at"])


def _count(shop_id: object, table: str, kind: str) -> None:
    """In the order in which they were made."""
    rows = sa.table(
        table,
        *(sa.column(name, sa.Uuid()) for name in ("id", "shop_id")),
        sa.column("number", sa.Integer()),
        sa.column("created_at", TIME),
    )
    bind = op.get_bind()
    mine = sa.select(rows.c.id).where(rows.c.shop_id == shop_id).order_by(rows.c.created_at, rows.c.id)
    ids = bind.scalars(mine).all()
    for number, one in enumerate(ids, start=1):
        bind.execute(sa.update(rows).where(rows.c.shop_id == shop_id, rows.c.id == one).values(number=number))
    if ids:
        counters = sa.table(
            "counters",
            *(sa.column(name, sa.Uuid()) for name in ("id", "shop_id")),
            sa.column("kind", sa.String()),
            sa.column("last", sa.Integer()),
        )
        bind.execute(sa.insert(counters).values(id=uuid4(), shop_id=shop_id, kind=kind, last=len(ids)))
