"""What is to be bought: wishes, purchases that rolls on order belong to, and from how many thresholds on it is urgent."""

import sqlalchemy as sa
from alembic import op

from migrations.fences import fence

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "shopping_wishes",
        sa.Column("filament_id", sa.Uuid(), nullable=False),
        sa.Column("rolls", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        *_own("shopping_wishes"),
        sa.UniqueConstraint("shop_id", "filament_id", name=op.f("uq_shopping_wishes_shop_id_filament_id")),
    )
    op.create_table(
        "purchases",
        sa.Column("filament_id", sa.Uuid(), nullable=False),
        sa.Column("rolls", sa.Integer(), nullable=False),
        sa.Column("wished", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("supplier", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        *_own("purchases"),
        sa.UniqueConstraint("shop_id", "token", "filament_id", name=op.f("uq_purchases_shop_id_token_filament_id")),
    )
    op.create_index(op.f("ix_purchases_shop_id_filament_id"), "purchases", ["shop_id", "filament_id"])
    with op.batch_alter_table("shops") as batch:
        batch.add_column(sa.Column("shopping_times", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("shops") as batch:
        batch.alter_column("shopping_times", existing_type=sa.Integer(), server_default=None)
    with op.batch_alter_table("spools") as batch:
        batch.add_column(sa.Column("purchase_id", sa.Uuid(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_spools_shop_id_purchase_id"),
            "purchases",
            ["shop_id", "purchase_id"],
            ["shop_id", "id"],
            ondelete="RESTRICT",
        )
    op.create_index(op.f("ix_spools_shop_id_purchase_id"), "spools", ["shop_id", "purchase_id"])
    fence("shopping_wishes", "purchases")


def downgrade() -> None:
    op.drop_index(op.f("ix_spools_shop_id_purchase_id"), "spools")
    with op.batch_alter_table("spools") as batch:
        batch.drop_constraint(op.f("fk_spools_shop_id_purchase_id"), type_="foreignkey")
        batch.drop_column("purchase_id")
    with op.batch_alter_table("shops") as batch:
        batch.drop_column("shopping_times")
    op.drop_table("purchases")
    op.drop_table("shopping_wishes")


def _own(table: str) -> list[sa.schema.SchemaItem]:
    """What every shop's table has; both speak of a filament."""
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f(f"fk_{table}_shop_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["shop_id", "filament_id"],
            ["filaments.shop_id", "filaments.id"],
            name=op.f(f"fk_{table}_shop_id_filament_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("shop_id", "id", name=op.f(f"uq_{table}_shop_id_id")),
    ]
