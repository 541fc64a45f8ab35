"""initial"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.fences import append_only, fence

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shops",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("units", sa.String(), nullable=False),
        sa.Column("default_filament_brand", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shops")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_credentials_shop_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_credentials_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_credentials_token_hash")),
    )
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_credentials_shop_id_kind"), ["shop_id", "kind"], unique=False)

    op.create_table(
        "filaments",
        sa.Column("brand", sa.String(), nullable=False),
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("colour_name", sa.String(), nullable=False),
        sa.Column("colour_hex", sa.String(), nullable=False),
        sa.Column("density_g_cm3", sa.BigInteger(), nullable=True),
        sa.Column("cost_per_gram", sa.BigInteger(), nullable=True),
        sa.Column("purchase_url", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("unassigned_mg", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_filaments_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filaments")),
        sa.UniqueConstraint(
            "shop_id",
            "brand",
            "material",
            "colour_hex",
            "colour_name",
            name=op.f("uq_filaments_shop_id_brand_material_colour_hex_colour_name"),
        ),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_filaments_shop_id_id")),
    )
    with op.batch_alter_table("filaments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_filaments_shop_id_material_colour_hex"), ["shop_id", "material", "colour_hex"], unique=False
        )

    op.create_table(
        "hubs",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_sealed", sa.String(), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("printers_revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_hubs_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hubs")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_hubs_shop_id_id")),
    )
    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.create_index(
            "uq_hubs_built_in",
            ["shop_id"],
            unique=True,
            sqlite_where=sa.text("built_in AND archived_at IS NULL"),
            postgresql_where=sa.text("built_in AND archived_at IS NULL"),
        )

    op.create_table(
        "memberships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'admin', 'operator', 'viewer')", name=op.f("ck_memberships_role")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_memberships_shop_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
        sa.UniqueConstraint("user_id", "shop_id", name=op.f("uq_memberships_user_id_shop_id")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_shop_id"), ["shop_id"], unique=False)

    op.create_table(
        "owed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_owed_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owed")),
        sa.UniqueConstraint("kind", "subject_id", name=op.f("uq_owed_kind_subject_id")),
    )
    with op.batch_alter_table("owed", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_owed_due_at"), ["due_at"], unique=False)

    op.create_table(
        "print_jobs",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("place", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("feasibility", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("feasible_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'processing', 'uploaded', 'printing', 'paused', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_print_jobs_state"),
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_print_jobs_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_jobs")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_print_jobs_shop_id_id")),
    )
    with op.batch_alter_table("print_jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_print_jobs_shop_id_ended_at"), ["shop_id", "ended_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_print_jobs_shop_id_state_place"), ["shop_id", "state", "place"], unique=False
        )

    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_sessions_shop_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "stored_files",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("md5", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("original_name", sa.String(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=True),
        sa.Column("height_px", sa.Integer(), nullable=True),
        sa.Column("upload_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_stored_files_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_files")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_stored_files_shop_id_id")),
    )
    with op.batch_alter_table("stored_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stored_files_shop_id_created_at"), ["shop_id", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_files_shop_id_upload_id"), ["shop_id", "upload_id"], unique=False)
        batch_op.create_index(
            "uq_stored_files_sliced",
            ["shop_id", "sha256"],
            unique=True,
            sqlite_where=sa.text("kind = 'sliced'"),
            postgresql_where=sa.text("kind = 'sliced'"),
        )

    op.create_table(
        "job_events",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "job_id"],
            ["print_jobs.shop_id", "print_jobs.id"],
            name=op.f("fk_job_events_shop_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_job_events_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_events")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_job_events_shop_id_id")),
    )
    with op.batch_alter_table("job_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_events_shop_id_job_id_at"), ["shop_id", "job_id", "at"], unique=False)

    op.create_table(
        "models",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("designer", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("source_url", sa.String(), nullable=False),
        sa.Column("picture_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "picture_id"],
            ["stored_files.shop_id", "stored_files.id"],
            name=op.f("fk_models_shop_id_picture_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_models_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_models_shop_id_id")),
    )
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_models_shop_id_archived_at_name"), ["shop_id", "archived_at", "name"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_models_shop_id_archived_at_updated_at"),
            ["shop_id", "archived_at", "updated_at"],
            unique=False,
        )

    op.create_table(
        "printer_trials",
        sa.Column("hub_id", sa.Uuid(), nullable=False),
        sa.Column("printer_id", sa.Uuid(), nullable=True),
        sa.Column("command_id", sa.Uuid(), nullable=True),
        sa.Column("asked", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("access_code_sealed", sa.String(), nullable=False),
        sa.Column("steps", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("certificate_sha256", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("firmware", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "hub_id"],
            ["hubs.shop_id", "hubs.id"],
            name=op.f("fk_printer_trials_shop_id_hub_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_printer_trials_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printer_trials")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_printer_trials_shop_id_id")),
    )
    op.create_table(
        "printers",
        sa.Column("hub_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("model_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("mqtt_port", sa.Integer(), nullable=False),
        sa.Column("ftps_port", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("access_code_sealed", sa.String(), nullable=False),
        sa.Column("certificate_sha256", sa.String(), nullable=True),
        sa.Column("nozzle_mm", sa.BigInteger(), nullable=False),
        sa.Column("bed_type", sa.String(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("in_maintenance", sa.Boolean(), nullable=False),
        sa.Column("bed_cleared", sa.Boolean(), nullable=False),
        sa.Column("bed_cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bed_cleared_by", sa.Uuid(), nullable=True),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("connection_sentence", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("firmware", sa.String(), nullable=True),
        sa.Column("developer_mode", sa.Boolean(), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "connection IN ('unknown', 'connecting', 'online', 'offline', 'refused')",
            name=op.f("ck_printers_connection"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "hub_id"],
            ["hubs.shop_id", "hubs.id"],
            name=op.f("fk_printers_shop_id_hub_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_printers_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printers")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_printers_shop_id_id")),
    )
    with op.batch_alter_table("printers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_printers_shop_id_archived_at_position"), ["shop_id", "archived_at", "position"], unique=False
        )
        batch_op.create_index(
            "uq_printers_serial_in_use",
            ["shop_id", "serial"],
            unique=True,
            sqlite_where=sa.text("archived_at IS NULL"),
            postgresql_where=sa.text("archived_at IS NULL"),
        )

    op.create_table(
        "promises",
        sa.Column("filament_id", sa.Uuid(), nullable=False),
        sa.Column("needed_mg", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("cause_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "filament_id"],
            ["filaments.shop_id", "filaments.id"],
            name=op.f("fk_promises_shop_id_filament_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_promises_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises")),
        sa.UniqueConstraint(
            "shop_id", "cause_id", "filament_id", name=op.f("uq_promises_shop_id_cause_id_filament_id")
        ),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_promises_shop_id_id")),
    )
    with op.batch_alter_table("promises", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_promises_shop_id_filament_id"), ["shop_id", "filament_id"], unique=False)

    op.create_table(
        "spools",
        sa.Column("filament_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("initial_mg", sa.BigInteger(), nullable=False),
        sa.Column("remaining_mg", sa.BigInteger(), nullable=False),
        sa.Column("tare_mg", sa.BigInteger(), nullable=True),
        sa.Column("low_below_mg", sa.BigInteger(), nullable=False),
        sa.Column("cost_per_gram", sa.BigInteger(), nullable=True),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("purchased_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "filament_id"],
            ["filaments.shop_id", "filaments.id"],
            name=op.f("fk_spools_shop_id_filament_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_spools_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spools")),
        sa.UniqueConstraint("shop_id", "code", name=op.f("uq_spools_shop_id_code")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_spools_shop_id_id")),
    )
    with op.batch_alter_table("spools", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_spools_shop_id_filament_id_archived_at"),
            ["shop_id", "filament_id", "archived_at"],
            unique=False,
        )

    op.create_table(
        "uploads",
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("original_name", sa.String(), nullable=False),
        sa.Column("declared_bytes", sa.BigInteger(), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress_percent", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("bytes_at", sa.String(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("duplicate_of_id", sa.Uuid(), nullable=True),
        sa.Column("picture_id", sa.Uuid(), nullable=True),
        sa.Column("extracted", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("typed", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("variant_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('receiving', 'received', 'reading', 'needs-answer', 'done', 'failed', 'duplicate', 'discarded')",
            name=op.f("ck_uploads_state"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "duplicate_of_id"],
            ["stored_files.shop_id", "stored_files.id"],
            name=op.f("fk_uploads_shop_id_duplicate_of_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "file_id"],
            ["stored_files.shop_id", "stored_files.id"],
            name=op.f("fk_uploads_shop_id_file_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "picture_id"],
            ["stored_files.shop_id", "stored_files.id"],
            name=op.f("fk_uploads_shop_id_picture_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_uploads_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_uploads_shop_id_id")),
    )
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_uploads_shop_id_state_created_at"), ["shop_id", "state", "created_at"], unique=False
        )

    op.create_table(
        "commands",
        sa.Column("hub_id", sa.Uuid(), nullable=False),
        sa.Column("printer_id", sa.Uuid(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("sentence", sa.String(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'sent', 'acknowledged', 'failed')", name=op.f("ck_commands_state")),
        sa.ForeignKeyConstraint(
            ["shop_id", "hub_id"],
            ["hubs.shop_id", "hubs.id"],
            name=op.f("fk_commands_shop_id_hub_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "printer_id"],
            ["printers.shop_id", "printers.id"],
            name=op.f("fk_commands_shop_id_printer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_commands_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_commands_shop_id_id")),
    )
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_commands_shop_id_hub_id_state_created_at"),
            ["shop_id", "hub_id", "state", "created_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_commands_shop_id_run_id"), ["shop_id", "run_id"], unique=False)

    op.create_table(
        "foreign_runs",
        sa.Column("printer_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("layer", sa.Integer(), nullable=True),
        sa.Column("total_layers", sa.Integer(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "printer_id"],
            ["printers.shop_id", "printers.id"],
            name=op.f("fk_foreign_runs_shop_id_printer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_foreign_runs_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_foreign_runs")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_foreign_runs_shop_id_id")),
        sa.UniqueConstraint("shop_id", "printer_id", "key", name=op.f("uq_foreign_runs_shop_id_printer_id_key")),
    )
    with op.batch_alter_table("foreign_runs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_foreign_runs_shop_id_printer_id_began_at"),
            ["shop_id", "printer_id", "began_at"],
            unique=False,
        )

    op.create_table(
        "printer_errors",
        sa.Column("printer_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "printer_id"],
            ["printers.shop_id", "printers.id"],
            name=op.f("fk_printer_errors_shop_id_printer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_printer_errors_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printer_errors")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_printer_errors_shop_id_id")),
    )
    with op.batch_alter_table("printer_errors", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_printer_errors_shop_id_printer_id_ended_at"),
            ["shop_id", "printer_id", "ended_at"],
            unique=False,
        )

    op.create_table(
        "printer_slots",
        sa.Column("printer_id", sa.Uuid(), nullable=False),
        sa.Column("ams_unit", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("spool_id", sa.Uuid(), nullable=True),
        sa.Column("reported_material", sa.String(), nullable=True),
        sa.Column("reported_colour_hex", sa.String(), nullable=True),
        sa.Column("reported_empty", sa.Boolean(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "printer_id"],
            ["printers.shop_id", "printers.id"],
            name=op.f("fk_printer_slots_shop_id_printer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "spool_id"],
            ["spools.shop_id", "spools.id"],
            name=op.f("fk_printer_slots_shop_id_spool_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_printer_slots_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printer_slots")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_printer_slots_shop_id_id")),
        sa.UniqueConstraint(
            "shop_id", "printer_id", "ams_unit", "slot", name=op.f("uq_printer_slots_shop_id_printer_id_ams_unit_slot")
        ),
    )
    with op.batch_alter_table("printer_slots", schema=None) as batch_op:
        batch_op.create_index(
            "uq_printer_slots_spool",
            ["shop_id", "spool_id"],
            unique=True,
            sqlite_where=sa.text("spool_id IS NOT NULL"),
            postgresql_where=sa.text("spool_id IS NOT NULL"),
        )

    op.create_table(
        "run_reports",
        sa.Column("hub_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("printer_id", sa.Uuid(), nullable=False),
        sa.Column("run_code", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("layer", sa.Integer(), nullable=True),
        sa.Column("total_layers", sa.Integer(), nullable=True),
        sa.Column("ended_while_offline", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "hub_id"],
            ["hubs.shop_id", "hubs.id"],
            name=op.f("fk_run_reports_shop_id_hub_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "printer_id"],
            ["printers.shop_id", "printers.id"],
            name=op.f("fk_run_reports_shop_id_printer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_run_reports_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_reports")),
        sa.UniqueConstraint("shop_id", "hub_id", "seq", name=op.f("uq_run_reports_shop_id_hub_id_seq")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_run_reports_shop_id_id")),
    )
    with op.batch_alter_table("run_reports", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_run_reports_shop_id_run_code_seq"), ["shop_id", "run_code", "seq"], unique=False
        )

    op.create_table(
        "stock_entries",
        sa.Column("filament_id", sa.Uuid(), nullable=False),
        sa.Column("spool_id", sa.Uuid(), nullable=True),
        sa.Column("delta_mg", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("cause_key", sa.String(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('new', 'set', 'add', 'subtract', 'print', 'resolve', 'undo')", name=op.f("ck_stock_entries_kind")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "filament_id"],
            ["filaments.shop_id", "filaments.id"],
            name=op.f("fk_stock_entries_shop_id_filament_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "spool_id"],
            ["spools.shop_id", "spools.id"],
            name=op.f("fk_stock_entries_shop_id_spool_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "undoes_id"],
            ["stock_entries.shop_id", "stock_entries.id"],
            name=op.f("fk_stock_entries_shop_id_undoes_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_stock_entries_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_entries")),
        sa.UniqueConstraint("shop_id", "cause_key", name=op.f("uq_stock_entries_shop_id_cause_key")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_stock_entries_shop_id_id")),
        sa.UniqueConstraint("shop_id", "undoes_id", name=op.f("uq_stock_entries_shop_id_undoes_id")),
    )
    with op.batch_alter_table("stock_entries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_stock_entries_shop_id_filament_id_created_at"),
            ["shop_id", "filament_id", "created_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_stock_entries_shop_id_run_id"), ["shop_id", "run_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_stock_entries_shop_id_spool_id_created_at"),
            ["shop_id", "spool_id", "created_at"],
            unique=False,
        )

    op.create_table(
        "variants",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("file_format", sa.String(), nullable=False),
        sa.Column("sliced", sa.Boolean(), nullable=False),
        sa.Column("slicer_name", sa.String(), nullable=True),
        sa.Column("slicer_version", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "file_id"],
            ["stored_files.shop_id", "stored_files.id"],
            name=op.f("fk_variants_shop_id_file_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "model_id"],
            ["models.shop_id", "models.id"],
            name=op.f("fk_variants_shop_id_model_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_variants_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variants")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_variants_shop_id_id")),
        sa.UniqueConstraint(
            "shop_id", "model_id", "name", "version", name=op.f("uq_variants_shop_id_model_id_name_version")
        ),
    )
    with op.batch_alter_table("variants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_variants_shop_id_file_id"), ["shop_id", "file_id"], unique=False)

    op.create_table(
        "plates",
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("duration_s", sa.Integer(), nullable=True),
        sa.Column("model_duration_s", sa.Integer(), nullable=True),
        sa.Column("layers", sa.Integer(), nullable=True),
        sa.Column("height_mm", sa.BigInteger(), nullable=True),
        sa.Column("layer_height_mm", sa.BigInteger(), nullable=True),
        sa.Column("first_layer_height_mm", sa.BigInteger(), nullable=True),
        sa.Column("nozzle_mm", sa.BigInteger(), nullable=True),
        sa.Column("bed_type", sa.String(), nullable=True),
        sa.Column("bed_first_c", sa.Integer(), nullable=True),
        sa.Column("bed_c", sa.Integer(), nullable=True),
        sa.Column("nozzle_first_c", sa.Integer(), nullable=True),
        sa.Column("nozzle_c", sa.Integer(), nullable=True),
        sa.Column("printer_model", sa.String(), nullable=True),
        sa.Column("printer_model_id", sa.String(), nullable=True),
        sa.Column("printer_preset", sa.String(), nullable=True),
        sa.Column("printable", sa.Boolean(), nullable=False),
        sa.Column("gcode_path", sa.String(), nullable=True),
        sa.Column("picture_id", sa.Uuid(), nullable=True),
        sa.Column("warnings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "picture_id"],
            ["stored_files.shop_id", "stored_files.id"],
            name=op.f("fk_plates_shop_id_picture_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "variant_id"],
            ["variants.shop_id", "variants.id"],
            name=op.f("fk_plates_shop_id_variant_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_plates_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plates")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_plates_shop_id_id")),
        sa.UniqueConstraint("shop_id", "variant_id", "number", name=op.f("uq_plates_shop_id_variant_id_number")),
    )
    op.create_table(
        "variant_metadata",
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("raw", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "variant_id"],
            ["variants.shop_id", "variants.id"],
            name=op.f("fk_variant_metadata_shop_id_variant_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_variant_metadata_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variant_metadata")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_variant_metadata_shop_id_id")),
        sa.UniqueConstraint("shop_id", "variant_id", name=op.f("uq_variant_metadata_shop_id_variant_id")),
    )
    op.create_table(
        "filament_requirements",
        sa.Column("plate_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("material", sa.String(), nullable=True),
        sa.Column("colour_hex", sa.String(), nullable=True),
        sa.Column("vendor", sa.String(), nullable=True),
        sa.Column("preset", sa.String(), nullable=True),
        sa.Column("filament_id", sa.Uuid(), nullable=True),
        sa.Column("total_mg", sa.BigInteger(), nullable=True),
        sa.Column("model_mg", sa.BigInteger(), nullable=True),
        sa.Column("purge_mg", sa.BigInteger(), nullable=True),
        sa.Column("waste_mg", sa.BigInteger(), nullable=True),
        sa.Column("length_mm", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "filament_id"],
            ["filaments.shop_id", "filaments.id"],
            name=op.f("fk_filament_requirements_shop_id_filament_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "plate_id"],
            ["plates.shop_id", "plates.id"],
            name=op.f("fk_filament_requirements_shop_id_plate_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_filament_requirements_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filament_requirements")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_filament_requirements_shop_id_id")),
        sa.UniqueConstraint("shop_id", "plate_id", "slot", name=op.f("uq_filament_requirements_shop_id_plate_id_slot")),
    )
    with op.batch_alter_table("filament_requirements", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_filament_requirements_shop_id_filament_id"), ["shop_id", "filament_id"], unique=False
        )

    op.create_table(
        "job_options",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("plate_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "job_id"],
            ["print_jobs.shop_id", "print_jobs.id"],
            name=op.f("fk_job_options_shop_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "plate_id"],
            ["plates.shop_id", "plates.id"],
            name=op.f("fk_job_options_shop_id_plate_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_job_options_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_options")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_job_options_shop_id_id")),
        sa.UniqueConstraint("shop_id", "job_id", "plate_id", name=op.f("uq_job_options_shop_id_job_id_plate_id")),
    )
    op.create_table(
        "print_runs",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("printer_id", sa.Uuid(), nullable=False),
        sa.Column("plate_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("layer", sa.Integer(), nullable=True),
        sa.Column("total_layers", sa.Integer(), nullable=True),
        sa.Column("upload_percent", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parts_made", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('starting', 'running', 'paused', 'unknown', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_print_runs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "job_id"],
            ["print_jobs.shop_id", "print_jobs.id"],
            name=op.f("fk_print_runs_shop_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "plate_id"],
            ["plates.shop_id", "plates.id"],
            name=op.f("fk_print_runs_shop_id_plate_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "printer_id"],
            ["printers.shop_id", "printers.id"],
            name=op.f("fk_print_runs_shop_id_printer_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_print_runs_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_runs")),
        sa.UniqueConstraint("code", name=op.f("uq_print_runs_code")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_print_runs_shop_id_id")),
    )
    with op.batch_alter_table("print_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_print_runs_shop_id_ended_at"), ["shop_id", "ended_at"], unique=False)
        batch_op.create_index(
            "uq_print_runs_active_job",
            ["shop_id", "job_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('starting', 'running', 'paused', 'unknown')"),
            postgresql_where=sa.text("state IN ('starting', 'running', 'paused', 'unknown')"),
        )
        batch_op.create_index(
            "uq_print_runs_active_printer",
            ["shop_id", "printer_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('starting', 'running', 'paused', 'unknown')"),
            postgresql_where=sa.text("state IN ('starting', 'running', 'paused', 'unknown')"),
        )

    op.create_table(
        "run_filaments",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("ams_unit", sa.Integer(), nullable=True),
        sa.Column("printer_slot", sa.Integer(), nullable=True),
        sa.Column("filament_id", sa.Uuid(), nullable=True),
        sa.Column("spool_id", sa.Uuid(), nullable=True),
        sa.Column("planned_mg", sa.BigInteger(), nullable=True),
        sa.Column("used_mg", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "filament_id"],
            ["filaments.shop_id", "filaments.id"],
            name=op.f("fk_run_filaments_shop_id_filament_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "run_id"],
            ["print_runs.shop_id", "print_runs.id"],
            name=op.f("fk_run_filaments_shop_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "spool_id"],
            ["spools.shop_id", "spools.id"],
            name=op.f("fk_run_filaments_shop_id_spool_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_run_filaments_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_filaments")),
        sa.UniqueConstraint("shop_id", "id", name=op.f("uq_run_filaments_shop_id_id")),
        sa.UniqueConstraint("shop_id", "run_id", "slot", name=op.f("uq_run_filaments_shop_id_run_id_slot")),
    )
    fence(
        "commands",
        "filament_requirements",
        "filaments",
        "foreign_runs",
        "hubs",
        "job_events",
        "job_options",
        "models",
        "plates",
        "print_jobs",
        "print_runs",
        "printer_errors",
        "printer_slots",
        "printer_trials",
        "printers",
        "promises",
        "run_filaments",
        "run_reports",
        "spools",
        "stock_entries",
        "stored_files",
        "uploads",
        "variant_metadata",
        "variants",
    )
    append_only("stock_entries")


def downgrade() -> None:
    op.drop_table("run_filaments")
    with op.batch_alter_table("print_runs", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_print_runs_active_printer",
            sqlite_where=sa.text("state IN ('starting', 'running', 'paused', 'unknown')"),
            postgresql_where=sa.text("state IN ('starting', 'running', 'paused', 'unknown')"),
        )
        batch_op.drop_index(
            "uq_print_runs_active_job",
            sqlite_where=sa.text("state IN ('starting', 'running', 'paused', 'unknown')"),
            postgresql_where=sa.text("state IN ('starting', 'running', 'paused', 'unknown')"),
        )
        batch_op.drop_index(batch_op.f("ix_print_runs_shop_id_ended_at"))

    op.drop_table("print_runs")
    op.drop_table("job_options")
    with op.batch_alter_table("filament_requirements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_filament_requirements_shop_id_filament_id"))

    op.drop_table("filament_requirements")
    op.drop_table("variant_metadata")
    op.drop_table("plates")
    with op.batch_alter_table("variants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_variants_shop_id_file_id"))

    op.drop_table("variants")
    with op.batch_alter_table("stock_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stock_entries_shop_id_spool_id_created_at"))
        batch_op.drop_index(batch_op.f("ix_stock_entries_shop_id_run_id"))
        batch_op.drop_index(batch_op.f("ix_stock_entries_shop_id_filament_id_created_at"))

    op.drop_table("stock_entries")
    with op.batch_alter_table("run_reports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_reports_shop_id_run_code_seq"))

    op.drop_table("run_reports")
    with op.batch_alter_table("printer_slots", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_printer_slots_spool",
            sqlite_where=sa.text("spool_id IS NOT NULL"),
            postgresql_where=sa.text("spool_id IS NOT NULL"),
        )

    op.drop_table("printer_slots")
    with op.batch_alter_table("printer_errors", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_printer_errors_shop_id_printer_id_ended_at"))

    op.drop_table("printer_errors")
    with op.batch_alter_table("foreign_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_foreign_runs_shop_id_printer_id_began_at"))

    op.drop_table("foreign_runs")
    with op.batch_alter_table("commands", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commands_shop_id_run_id"))
        batch_op.drop_index(batch_op.f("ix_commands_shop_id_hub_id_state_created_at"))

    op.drop_table("commands")
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_uploads_shop_id_state_created_at"))

    op.drop_table("uploads")
    with op.batch_alter_table("spools", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_spools_shop_id_filament_id_archived_at"))

    op.drop_table("spools")
    with op.batch_alter_table("promises", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_promises_shop_id_filament_id"))

    op.drop_table("promises")
    with op.batch_alter_table("printers", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_printers_serial_in_use",
            sqlite_where=sa.text("archived_at IS NULL"),
            postgresql_where=sa.text("archived_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_printers_shop_id_archived_at_position"))

    op.drop_table("printers")
    op.drop_table("printer_trials")
    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_models_shop_id_archived_at_updated_at"))
        batch_op.drop_index(batch_op.f("ix_models_shop_id_archived_at_name"))

    op.drop_table("models")
    with op.batch_alter_table("job_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_events_shop_id_job_id_at"))

    op.drop_table("job_events")
    with op.batch_alter_table("stored_files", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_stored_files_sliced",
            sqlite_where=sa.text("kind = 'sliced'"),
            postgresql_where=sa.text("kind = 'sliced'"),
        )
        batch_op.drop_index(batch_op.f("ix_stored_files_shop_id_upload_id"))
        batch_op.drop_index(batch_op.f("ix_stored_files_shop_id_created_at"))

    op.drop_table("stored_files")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_user_id"))

    op.drop_table("sessions")
    with op.batch_alter_table("print_jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_print_jobs_shop_id_state_place"))
        batch_op.drop_index(batch_op.f("ix_print_jobs_shop_id_ended_at"))

    op.drop_table("print_jobs")
    with op.batch_alter_table("owed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_owed_due_at"))

    op.drop_table("owed")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_memberships_shop_id"))

    op.drop_table("memberships")
    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_hubs_built_in",
            sqlite_where=sa.text("built_in AND archived_at IS NULL"),
            postgresql_where=sa.text("built_in AND archived_at IS NULL"),
        )

    op.drop_table("hubs")
    with op.batch_alter_table("filaments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_filaments_shop_id_material_colour_hex"))

    op.drop_table("filaments")
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_credentials_shop_id_kind"))

    op.drop_table("credentials")
    op.drop_table("users")
    op.drop_table("shops")
