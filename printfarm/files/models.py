"""Stored files and uploads. An upload keeps everything that a retry needs: what came, what was read, what was typed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from printfarm.core.clock import utc_now
from printfarm.core.database import Base
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table

# receiving → received → reading → needs-answer → done; failed from each of them; duplicate and discarded end it too.
UPLOAD_STATES = ("receiving", "received", "reading", "needs-answer", "done", "failed", "duplicate", "discarded")


class StoredFile(ShopScoped, Base):
    """Bytes that a shop keeps: a sliced file or a picture. They lie at core.storage.storage_key(shop, kind, id)."""

    __tablename__ = "stored_files"
    __table_args__ = shop_table(UniqueConstraint("shop_id", "kind", "sha256"), Index(None, "shop_id", "created_at"))

    kind: Mapped[str]  # sliced | picture
    sha256: Mapped[str]
    md5: Mapped[str]  # upper-case hexadecimal: Bambu printers check it
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    content_type: Mapped[str]
    original_name: Mapped[str]
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Upload(ShopScoped, Base):
    """One file on its way into the library."""

    __tablename__ = "uploads"
    __table_args__ = shop_table(
        shop_reference("file_id", "stored_files"),
        shop_reference("duplicate_of_id", "stored_files"),
        CheckConstraint(f"state IN {UPLOAD_STATES}", name="state"),
        Index(None, "shop_id", "state", "created_at"),
    )

    user_id: Mapped[UUID | None]
    original_name: Mapped[str]
    declared_bytes: Mapped[int | None] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(default="receiving")
    progress_percent: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]  # a sentence
    attempts: Mapped[int] = mapped_column(default=0)
    file_id: Mapped[UUID | None]
    duplicate_of_id: Mapped[UUID | None]
    extracted: Mapped[dict[str, Any] | None]  # what the reader saw (printfarm.files.readers)
    typed: Mapped[dict[str, Any] | None]  # what the person has filled in so far
    variant_id: Mapped[UUID | None]  # what it became; the library is above, so no foreign key
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    file: Mapped[StoredFile | None] = relationship(
        primaryjoin="foreign(Upload.file_id) == StoredFile.id", viewonly=True
    )
