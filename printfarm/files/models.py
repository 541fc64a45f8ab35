"""Stored files and uploads. An upload keeps everything that a retry needs: what came, what was read, what was typed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from printfarm.core.clock import utc_now
from printfarm.core.database import Base
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table

# receiving → received → reading → needs-answer → done; failed from each of them; duplicate and discarded end it too.
UPLOAD_STATES = ("receiving", "received", "reading", "needs-answer", "done", "failed", "duplicate", "discarded")

# A sender who is there is heard of after every piece; one of 8 MB takes this long at 70 kB a second.
STALLED_AFTER = timedelta(minutes=2)


class StoredFile(ShopScoped, Base):
    """Bytes that a shop keeps: a sliced file or a picture. They lie at core.storage.storage_key(shop, kind, id).

    A sliced file has the id of the upload that brought it. A picture has smaller sisters under the kinds of
    printfarm.files.picture_sizes.
    """

    __tablename__ = "stored_files"
    __table_args__ = shop_table(
        # The same sliced bytes twice in a shop are refused by the database itself, however close the two uploads came.
        Index(
            "uq_stored_files_sliced",
            "shop_id",
            "sha256",
            unique=True,
            sqlite_where=text("kind = 'sliced'"),
            postgresql_where=text("kind = 'sliced'"),
        ),
        Index(None, "shop_id", "upload_id"),
        Index(None, "shop_id", "created_at"),
    )

    kind: Mapped[str]  # sliced | picture
    sha256: Mapped[str]
    md5: Mapped[str]  # upper-case hexadecimal: Bambu printers check it
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    content_type: Mapped[str]
    original_name: Mapped[str]
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    upload_id: Mapped[UUID | None]  # the upload that brought it, or whose file it is a picture of
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


SCAN_STATES = ("waiting", "scanning", "done", "failed")


class FileScan(ShopScoped, Base):
    """The count of a file's moves: where its grams go. It takes long, so it stops and goes on where it was."""

    __tablename__ = "file_scans"
    __table_args__ = shop_table(
        shop_reference("file_id", "stored_files", ondelete="CASCADE"),
        UniqueConstraint("shop_id", "file_id"),
        CheckConstraint(f"state IN {SCAN_STATES}", name="state"),
        Index(None, "shop_id", "state", "created_at"),
    )

    file_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(default="waiting")
    progress_percent: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]  # a sentence
    checkpoint: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)  # where it was, and what it had counted
    result: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class Upload(ShopScoped, Base):
    """One file on its way into the library."""

    __tablename__ = "uploads"
    __table_args__ = shop_table(
        shop_reference("file_id", "stored_files"),
        shop_reference("duplicate_of_id", "stored_files"),
        shop_reference("picture_id", "stored_files"),
        CheckConstraint(f"state IN {UPLOAD_STATES}", name="state"),
        Index(None, "shop_id", "state", "created_at"),
        Index(None, "shop_id", "fingerprint"),
    )

    user_id: Mapped[UUID | None]
    original_name: Mapped[str]
    relative_path: Mapped[str | None]  # in the folder that was dropped: "dragons/red/plate.3mf"
    fingerprint: Mapped[str | None]  # by which a browser that comes back knows its own half-sent file
    parts_id: Mapped[str | None]  # under which the storage gathers its parts, while it comes in as parts
    declared_bytes: Mapped[int | None] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(default="receiving")
    progress_percent: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]  # a sentence
    attempts: Mapped[int] = mapped_column(default=0)
    bytes_at: Mapped[str | None]  # the kind of storage key where its bytes lie: incoming (not yet hashed) | sliced
    file_id: Mapped[UUID | None]
    duplicate_of_id: Mapped[UUID | None]
    picture_id: Mapped[UUID | None]  # of its first plate
    # What the reader saw (printfarm.files.readers, with `raw`); up to some hundred kB, so lists leave it alone.
    extracted: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    typed: Mapped[dict[str, Any] | None]  # what the person has filled in so far
    variant_id: Mapped[UUID | None]  # what it became; the library is above, so no foreign key
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    file: Mapped[StoredFile | None] = relationship(
        primaryjoin="foreign(Upload.file_id) == StoredFile.id", viewonly=True
    )

    @property
    def may_stall(self) -> bool:
        """It comes in piece by piece, and goes on from there if that stops."""
        return self.state == "receiving" and self.fingerprint is not None

    @property
    def is_half_sent(self) -> bool:
        """Its browser has not been heard of for a while; the same file dropped again goes on."""
        return self.may_stall and utc_now() - self.updated_at > STALLED_AFTER

    @property
    def can_retry(self) -> bool:
        """It failed, and its bytes are still there to be read again."""
        return self.state == "failed" and self.bytes_at is not None
