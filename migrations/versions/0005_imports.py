"""Imports of folders and zips, and what was found in them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.fences import fence

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("goal", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("plan", JSON, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("others", sa.Integer(), nullable=False),
        sa.Column("listed_at", TIME, nullable=True),
        sa.Column("runner_id", sa.Uuid(), nullable=True),
        sa.Column("alive_until", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("source IN ('folder', 'zip')", name=op.f("ck_imports_source")),
        sa.CheckConstraint("goal IN ('plan', 'import')", name=op.f("ck_imports_goal")),
        sa.CheckConstraint(
            "state IN ('running', 'stopped', 'planned', 'done', 'failed')", name=op.f("ck_imports_state")
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_imports_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_imports_shop_id_id")),
    )
    op.create_index(op.f("ix_imports_shop_id_created_at"), "imports", ["shop_id", "created_at"])
    op.create_table(
        "import_items",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("model_item_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("facts", JSON, nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("stamp", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("found", JSON, nullable=True),
        sa.Column("sentence", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=True),
        sa.Column("model_id", sa.Uuid(), nullable=True),
        sa.Column("variant_id", sa.Uuid(), nullable=True),
        sa.Column("image_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('model', 'file', 'picture')", name=op.f("ck_import_items_kind")),
        sa.CheckConstraint(
            "state IN ('listed', 'ready', 'working', 'done', 'duplicate', 'skipped', 'failed')",
            name=op.f("ck_import_items_state"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "import_id"],
            ["imports.shop_id", "imports.id"],
            name=op.f("fk_import_items_shop_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_import_items_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_items")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_import_items_shop_id_id")),
        sa.UniqueConstraint("shop_id", "import_id", "key", name=op.f("uq_import_items_shop_id_import_id_key")),
    )
    for columns in (("import_id", "state", "position"), ("import_id", "position"), ("sha256",)):
        name = op.f("_".join(("ix_import_items_shop_id", *columns)))
        op.create_index(name, "import_items", ["shop_id", *columns])
    fence("imports", "import_items")


def downgrade() -> None:
    op.drop_table("import_items")
    op.drop_table("imports")
