"""What the Spoolman-compatible API and the import of a Spoolman keep beside filaments and spools."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from printfarm.core.clock import utc_now
from printfarm.core.database import Base, Json
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table

IMPORT_STATES = ("reading", "ready", "running", "done", "failed")


class MachineUse(ShopScoped, Base):
    """What a machine reported of a spool in small pieces and the ledger has not booked yet; in micrograms, so that many
    roundings do not add up. One line of the ledger is made of it after a few grams or minutes.
    """

    __tablename__ = "machine_uses"
    __table_args__ = shop_table(shop_reference("spool_id", "spools"), UniqueConstraint("shop_id", "spool_id"))

    spool_id: Mapped[UUID]
    pending_ug: Mapped[int] = mapped_column(BigInteger, default=0)
    since_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_said: Mapped[str] = mapped_column(
        default=""
    )  # the last report as it was sent: the same again at once is a repeat
    teller: Mapped[str] = mapped_column(default="")  # the name of the token that reported
    # What was reported and may be somebody else's grams, or the same once more; a person sees it in the ledger, and why.
    held_ug: Mapped[int] = mapped_column(BigInteger, default=0)
    held_because: Mapped[str] = mapped_column(default="")


class SpoolmanSetting(ShopScoped, Base):
    """A setting that a Spoolman client keeps with us; the value is JSON text, as it was sent."""

    __tablename__ = "spoolman_settings"
    __table_args__ = shop_table(UniqueConstraint("shop_id", "key"))

    key: Mapped[str]
    value: Mapped[str]


class SpoolmanOrigin(ShopScoped, Base):
    """Which of our rows came from which row of a Spoolman: by its number and the second in which it was registered, which are
    the same however the instance is read. Importing again finds it.
    """

    __tablename__ = "spoolman_origins"
    __table_args__ = shop_table(UniqueConstraint("shop_id", "kind", "number", "registered"))

    kind: Mapped[str]  # "vendor", "filament", "spool"
    number: Mapped[int]
    registered: Mapped[str]
    subject_id: Mapped[UUID]
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # what was last read of it


class SpoolmanImport(ShopScoped, Base):
    """One reading of a Spoolman: what was found in it, and how far it is taken in."""

    __tablename__ = "spoolman_imports"
    __table_args__ = shop_table(
        CheckConstraint(f"state IN {IMPORT_STATES}", name="state"), Index(None, "shop_id", "created_at")
    )

    state: Mapped[str] = mapped_column(default="reading")
    source: Mapped[str]  # an address, or the name of a file
    url: Mapped[str] = mapped_column(default="")
    file_key: Mapped[str] = mapped_column(default="")  # where the uploaded bytes lie until they are read
    found: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # the rows, as we understand them
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    error: Mapped[str] = mapped_column(default="")
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
