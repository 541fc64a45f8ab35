"""Sheets that are taken into the inventory, and what became of their lines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.fences import fence

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
STATES = ("reading", "ready", "running", "done", "failed")
OUTCOMES = ("new", "changed", "same", "refused")


def upgrade() -> None:
    op.create_table(
        "sheet_imports",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("file_key", sa.String(), nullable=False),
        sa.Column("ignored", JSON, nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("done_to", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        *_own("sheet_imports"),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_sheet_imports_state")),
    )
    op.create_index(op.f("ix_sheet_imports_shop_id_created_at"), "sheet_imports", ["shop_id", "created_at"])
    op.create_table(
        "sheet_lines",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        *_own("sheet_lines"),
        sa.ForeignKeyConstraint(
            ["shop_id", "import_id"],
            ["sheet_imports.shop_id", "sheet_imports.id"],
            name=op.f("fk_sheet_lines_shop_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(f"what IN {OUTCOMES}", name=op.f("ck_sheet_lines_what")),
        sa.UniqueConstraint("shop_id", "import_id", "line", name=op.f("uq_sheet_lines_shop_id_import_id_line")),
    )
    op.create_index(
        op.f("ix_sheet_lines_shop_id_import_id_what_line"), "sheet_lines", ["shop_id", "import_id", "what", "line"]
    )
    fence("sheet_imports", "sheet_lines")


def downgrade() -> None:
    op.drop_table("sheet_lines")
    op.drop_table("sheet_imports")


def _own(table: str) -> list[sa.schema.SchemaItem]:
    """What every shop's table has."""
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f(f"fk_{table}_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("shop_id", "id", name=op.f(f"uq_{table}_shop_id_id")),
    ]
