"""Imports and their items: what was found in a folder or a zip, what it is to become, and how far each is."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from printfarm.core.clock import utc_now
from printfarm.core.database import Base
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table

IMPORT_SOURCES = ("folder", "zip")
IMPORT_GOALS = ("plan", "import")
# running: somebody works on it, or it is owed that. planned: all is looked into, and a person says go or not.
IMPORT_STATES = ("running", "stopped", "planned", "done", "failed")
ITEM_KINDS = ("model", "file", "picture")
# listed → ready → working → done; duplicate, skipped and failed end it with a sentence.
ITEM_STATES = ("listed", "ready", "working", "done", "duplicate", "skipped", "failed")


class Import(ShopScoped, Base):
    """One folder or zip on its way into the library."""

    __tablename__ = "imports"
    __table_args__ = shop_table(
        CheckConstraint(f"source IN {IMPORT_SOURCES}", name="source"),
        CheckConstraint(f"goal IN {IMPORT_GOALS}", name="goal"),
        CheckConstraint(f"state IN {IMPORT_STATES}", name="state"),
        Index(None, "shop_id", "created_at"),
    )

    user_id: Mapped[UUID | None]
    source: Mapped[str]
    place: Mapped[str]  # where the folder lies, as sources.quoted writes it; of a zip ""
    name: Mapped[str]  # as people read it
    goal: Mapped[str] = mapped_column(default="plan")
    state: Mapped[str] = mapped_column(default="running")
    error: Mapped[str | None]  # a sentence
    plan: Mapped[dict[str, Any]]  # importing.plan.Plan
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)  # of the zip
    others: Mapped[int] = mapped_column(default=0)  # files of kinds that are left alone
    listed_at: Mapped[datetime | None]  # None: what is there is still to be listed
    # Who works on it, and until when nobody else may: a runner that is late finds that it is no longer its own.
    runner_id: Mapped[UUID | None]
    alive_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    ended_at: Mapped[datetime | None]


class ImportItem(ShopScoped, Base):
    """A model that is to be, or a file or picture that goes into one."""

    __tablename__ = "import_items"
    __table_args__ = shop_table(
        shop_reference("import_id", "imports", ondelete="CASCADE"),
        CheckConstraint(f"kind IN {ITEM_KINDS}", name="kind"),
        CheckConstraint(f"state IN {ITEM_STATES}", name="state"),
        UniqueConstraint("shop_id", "import_id", "key"),
        Index(None, "shop_id", "import_id", "state", "position"),
        Index(None, "shop_id", "import_id", "position"),
        Index(None, "shop_id", "sha256"),
    )

    import_id: Mapped[UUID]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default="listed")
    position: Mapped[int]
    key: Mapped[str]  # a hash of `place`, or of what groups a model
    place: Mapped[str]  # where the source finds it; never shown
    path: Mapped[str]  # as people read it: "Dragons/Red/plate.3mf"
    model_item_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(default="")  # of the model or variant that it becomes
    facts: Mapped[dict[str, Any] | None]  # of a model: category, tags, designer, licence, source
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    stamp: Mapped[str] = mapped_column(default="")  # changes when the file does
    sha256: Mapped[str | None]
    found: Mapped[dict[str, Any] | None]  # what was read: importing.looking.summary
    sentence: Mapped[str | None]  # why not
    attempts: Mapped[int] = mapped_column(default=0)
    upload_id: Mapped[UUID | None]
    model_id: Mapped[UUID | None]
    variant_id: Mapped[UUID | None]
    image_id: Mapped[UUID | None]
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
