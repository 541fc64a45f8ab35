"""Sheets (CSV) that are taken into the inventory: each with what became of its lines."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from printfarm.core.clock import utc_now
from printfarm.core.database import Base, Json
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table

SHEET_STATES = ("reading", "ready", "running", "done", "failed")
# What a line would do, or did: a new roll, another fact of one that is here, nothing, or it cannot be.
OUTCOMES = ("new", "changed", "same", "refused")


class SheetImport(ShopScoped, Base):
    """One sheet: first it is only read, and taken in when a person says so."""

    __tablename__ = "sheet_imports"
    __table_args__ = shop_table(
        CheckConstraint(f"state IN {SHEET_STATES}", name="state"), Index(None, "shop_id", "created_at")
    )

    state: Mapped[str] = mapped_column(default="reading")
    name: Mapped[str]  # of the file
    file_key: Mapped[str] = mapped_column(default="")  # where its bytes lie until it is done
    ignored: Mapped[list[Any]] = mapped_column(Json, default=list)  # headings that mean nothing here
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    lines: Mapped[int] = mapped_column(default=0)  # how many it has
    done_to: Mapped[int] = mapped_column(default=0)  # the last line that was taken in
    error: Mapped[str] = mapped_column(default="")
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]


class SheetLine(ShopScoped, Base):
    """A line of a sheet, and what it would do or did."""

    __tablename__ = "sheet_lines"
    __table_args__ = shop_table(
        shop_reference("import_id", "sheet_imports", ondelete="CASCADE"),
        CheckConstraint(f"what IN {OUTCOMES}", name="what"),
        UniqueConstraint("shop_id", "import_id", "line"),
        Index(None, "shop_id", "import_id", "what", "line"),
    )

    import_id: Mapped[UUID]
    line: Mapped[int]
    what: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    why: Mapped[str] = mapped_column(default="")
