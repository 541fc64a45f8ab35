"""The library grows: categories, tags and pictures of models, counted moves, costs beside the filament, a quota."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.fences import fence

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_categories_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_categories_shop_id_id")),
        sa.UniqueConstraint("shop_id", "name", name=op.f("uq_categories_shop_id_name")),
    )
    op.create_table(
        "file_scans",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress_percent", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("checkpoint", JSON, nullable=True),
        sa.Column("result", JSON, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'scanning', 'done', 'failed')", name=op.f("ck_file_scans_state")),
        sa.ForeignKeyConstraint(
            ["shop_id", "file_id"],
            ["stored_files.shop_id", "stored_files.id"],
            name=op.f("fk_file_scans_shop_id_file_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_file_scans_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_scans")),
        sa.UniqueConstraint("shop_id", "file_id", name=op.f("uq_file_scans_shop_id_file_id")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_file_scans_shop_id_id")),
    )
    op.create_index(
        op.f("ix_file_scans_shop_id_state_created_at"), "file_scans", ["shop_id", "state", "created_at"], unique=False
    )

    op.create_table(
        "model_images",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("original_name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'done', 'failed')", name=op.f("ck_model_images_state")),
        sa.ForeignKeyConstraint(
            ["shop_id", "file_id"],
            ["stored_files.shop_id", "stored_files.id"],
            name=op.f("fk_model_images_shop_id_file_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "model_id"],
            ["models.shop_id", "models.id"],
            name=op.f("fk_model_images_shop_id_model_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_model_images_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_images")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_model_images_shop_id_id")),
        sa.UniqueConstraint("shop_id", "model_id", "file_id", name=op.f("uq_model_images_shop_id_model_id_file_id")),
    )
    op.create_table(
        "model_tags",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "model_id"],
            ["models.shop_id", "models.id"],
            name=op.f("fk_model_tags_shop_id_model_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_model_tags_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_tags")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_model_tags_shop_id_id")),
        sa.UniqueConstraint("shop_id", "model_id", "tag", name=op.f("uq_model_tags_shop_id_model_id_tag")),
    )
    op.create_index(op.f("ix_model_tags_shop_id_tag"), "model_tags", ["shop_id", "tag"], unique=False)

    op.create_index(op.f("ix_job_options_shop_id_plate_id_id"), "job_options", ["shop_id", "plate_id", "id"])
    op.create_index(op.f("ix_print_runs_shop_id_plate_id_state"), "print_runs", ["shop_id", "plate_id", "state"])

    op.add_column("plates", sa.Column("sources", JSON, nullable=True))

    op.add_column("shops", sa.Column("electricity_per_kwh", sa.BigInteger(), nullable=True))
    op.add_column("shops", sa.Column("printer_power_w", sa.Integer(), nullable=True))
    op.add_column("shops", sa.Column("machine_per_hour", sa.BigInteger(), nullable=True))
    op.add_column("shops", sa.Column("labour_per_hour", sa.BigInteger(), nullable=True))
    op.add_column("shops", sa.Column("labour_minutes_per_print", sa.Integer(), nullable=True))
    op.add_column("shops", sa.Column("quota_bytes", sa.BigInteger(), nullable=True))

    op.add_column("uploads", sa.Column("relative_path", sa.String(), nullable=True))
    op.add_column("uploads", sa.Column("fingerprint", sa.String(), nullable=True))
    op.add_column("uploads", sa.Column("parts_id", sa.String(), nullable=True))
    op.create_index(op.f("ix_uploads_shop_id_fingerprint"), "uploads", ["shop_id", "fingerprint"], unique=False)

    op.add_column("variants", sa.Column("mesh", JSON, nullable=True))
    fence("categories", "file_scans", "model_images", "model_tags")


def downgrade() -> None:
    with op.batch_alter_table("variants", schema=None) as batch_op:
        batch_op.drop_column("mesh")

    with op.batch_alter_table("uploads", schema=None, table_args=(_states(),)) as batch_op:
        batch_op.drop_index(batch_op.f("ix_uploads_shop_id_fingerprint"))
        batch_op.drop_column("parts_id")
        batch_op.drop_column("fingerprint")
        batch_op.drop_column("relative_path")

    with op.batch_alter_table("shops", schema=None) as batch_op:
        batch_op.drop_column("quota_bytes")
        batch_op.drop_column("labour_minutes_per_print")
        batch_op.drop_column("labour_per_hour")
        batch_op.drop_column("machine_per_hour")
        batch_op.drop_column("printer_power_w")
        batch_op.drop_column("electricity_per_kwh")

    with op.batch_alter_table("plates", schema=None) as batch_op:
        batch_op.drop_column("sources")

    op.drop_index(op.f("ix_print_runs_shop_id_plate_id_state"), "print_runs")
    op.drop_index(op.f("ix_job_options_shop_id_plate_id_id"), "job_options")
    op.drop_index(op.f("ix_model_tags_shop_id_tag"), "model_tags")

    op.drop_table("model_tags")
    op.drop_table("model_images")
    op.drop_index(op.f("ix_file_scans_shop_id_state_created_at"), "file_scans")

    op.drop_table("file_scans")
    op.drop_table("categories")


def _states() -> sa.CheckConstraint:
    """SQLite changes a table by copying it, and the copy is made without the checks that are not stated."""
    states = "state IN ('receiving', 'received', 'reading', 'needs-answer', 'done', 'failed', 'duplicate', 'discarded')"
    return sa.CheckConstraint(states, name=op.f("ck_uploads_state"))
