"""Hubs, printers, what is loaded in them, and the commands that they were sent."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from printfarm.core.clock import utc_now
from printfarm.core.database import Base, ExactDecimal
from printfarm.core.ids import new_printer_code
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table
from printfarm.filament.models import Spool

PROTOCOLS = ("bambu",)
CONNECTIONS = ("unknown", "connecting", "online", "offline", "refused")
# A web process that was killed could not say goodbye for its hubs.
HUB_SILENT = timedelta(seconds=45)
EXTERNAL_UNIT = 255
FIRST_HT_UNIT = 128
COMMAND_STATES = ("pending", "sent", "acknowledged", "failed")


class Hub(ShopScoped, Base):
    """A program near the printers. Its secret is sealed; it signs in with an HMAC over /ws/hub/<id>."""

    __tablename__ = "hubs"
    __table_args__ = shop_table(
        Index(
            "uq_hubs_built_in",
            "shop_id",
            unique=True,
            sqlite_where=text("built_in AND archived_at IS NULL"),
            postgresql_where=text("built_in AND archived_at IS NULL"),
        )
    )

    name: Mapped[str]
    secret_sealed: Mapped[str]
    built_in: Mapped[bool] = mapped_column(default=False)
    version: Mapped[str | None]
    last_seen_at: Mapped[datetime | None]
    connected_at: Mapped[datetime | None]
    # The connection that counts; an older one of the same hub sees another id here and goes.
    connection_id: Mapped[UUID | None]
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)  # the highest durable message stored
    printers_revision: Mapped[int] = mapped_column(default=0)  # grows when its list of printers changes
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]

    def is_connected(self, now: datetime | None = None) -> bool:
        """Whether a connection of it is alive: `last_seen_at` is renewed every few seconds while it is."""
        if self.connected_at is None or self.last_seen_at is None:
            return False
        return (now or utc_now()) - self.last_seen_at < HUB_SILENT


class Printer(ShopScoped, Base):
    """A machine. Its live temperatures are in Redis; here stand the facts that decisions need."""

    __tablename__ = "printers"
    __table_args__ = shop_table(
        shop_reference("hub_id", "hubs"),
        CheckConstraint(f"connection IN {CONNECTIONS}", name="connection"),
        Index(
            "uq_printers_serial_in_use",
            "shop_id",
            "serial",
            unique=True,
            sqlite_where=text("archived_at IS NULL"),
            postgresql_where=text("archived_at IS NULL"),
        ),
        UniqueConstraint("shop_id", "code"),
        Index(None, "shop_id", "archived_at", "position"),
    )

    hub_id: Mapped[UUID]
    name: Mapped[str]
    code: Mapped[str] = mapped_column(default=new_printer_code)  # short, printed on its label
    protocol: Mapped[str] = mapped_column(default="bambu")
    model: Mapped[str]  # "Bambu Lab P1S"
    model_id: Mapped[str]  # "C12": what the slicer writes into files for this machine
    address: Mapped[str]
    mqtt_port: Mapped[int] = mapped_column(default=8883)
    ftps_port: Mapped[int] = mapped_column(default=990)
    serial: Mapped[str]
    access_code_sealed: Mapped[str]
    certificate_sha256: Mapped[str | None]
    nozzle_mm: Mapped[Decimal] = mapped_column(ExactDecimal(2), default=Decimal("0.40"))
    bed_type: Mapped[str] = mapped_column(default="")  # the build plate that lies on it; empty: any
    location: Mapped[str] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)
    in_maintenance: Mapped[bool] = mapped_column(default=False)
    bed_cleared: Mapped[bool] = mapped_column(default=True)
    bed_cleared_at: Mapped[datetime | None]
    bed_cleared_by: Mapped[UUID | None]
    # The last that the printer itself confirmed.
    connection: Mapped[str] = mapped_column(default="unknown")
    connection_sentence: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="unknown")  # hub.protocol.PrinterState
    firmware: Mapped[str | None]
    developer_mode: Mapped[bool | None]
    last_seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]

    hub: Mapped[Hub] = relationship(primaryjoin="foreign(Printer.hub_id) == Hub.id", viewonly=True)
    slots: Mapped[list["PrinterSlot"]] = relationship(
        primaryjoin="Printer.id == foreign(PrinterSlot.printer_id)",
        viewonly=True,
        order_by="(PrinterSlot.ams_unit, PrinterSlot.slot)",
    )


def slot_label(ams_unit: int | None, slot: int | None) -> str:
    """What people call a place for filament; one that is not known is the external holder."""
    slot = slot or 0
    if ams_unit is None or ams_unit == EXTERNAL_UNIT:
        return "External" if slot == 0 else f"External {slot + 1}"
    if ams_unit >= FIRST_HT_UNIT:
        return f"HT {chr(ord('A') + ams_unit - FIRST_HT_UNIT)}"
    return f"{chr(ord('A') + ams_unit)}{slot + 1}"


class PrinterSlot(ShopScoped, Base):
    """A place for filament: an AMS slot or the external spool holder (`ams_unit` 255). Units and slots count from 0 as on
    the wire; people see A1, A2, … and "External".
    """

    __tablename__ = "printer_slots"
    __table_args__ = shop_table(
        shop_reference("printer_id", "printers", ondelete="CASCADE"),
        shop_reference("spool_id", "spools"),
        UniqueConstraint("shop_id", "printer_id", "ams_unit", "slot"),
        # A roll is in one place.
        Index(
            "uq_printer_slots_spool",
            "shop_id",
            "spool_id",
            unique=True,
            sqlite_where=text("spool_id IS NOT NULL"),
            postgresql_where=text("spool_id IS NOT NULL"),
        ),
    )

    printer_id: Mapped[UUID]
    ams_unit: Mapped[int]
    slot: Mapped[int]
    spool_id: Mapped[UUID | None]
    reported_material: Mapped[str | None]
    reported_colour_hex: Mapped[str | None]
    reported_empty: Mapped[bool | None]
    reported_tag: Mapped[str | None]  # of the roll's RFID chip
    reported_remain_percent: Mapped[int | None]  # what the printer guesses; never booked by itself
    reported_at: Mapped[datetime | None]

    spool: Mapped[Spool | None] = relationship(
        primaryjoin="foreign(PrinterSlot.spool_id) == Spool.id", viewonly=True, lazy="joined"
    )

    @property
    def label(self) -> str:
        """What people call it: A1 is the first slot of the first AMS unit."""
        return slot_label(self.ams_unit, self.slot)


class Command(ShopScoped, Base):
    """Something that a hub must do exactly once. It is re-sent until the hub acknowledges it."""

    __tablename__ = "commands"
    __table_args__ = shop_table(
        shop_reference("hub_id", "hubs", ondelete="CASCADE"),
        shop_reference("printer_id", "printers", ondelete="CASCADE"),
        CheckConstraint(f"state IN {COMMAND_STATES}", name="state"),
        Index(None, "shop_id", "hub_id", "state", "created_at"),
        Index(None, "shop_id", "run_id"),
    )

    hub_id: Mapped[UUID]
    printer_id: Mapped[UUID | None]
    run_id: Mapped[UUID | None]  # the queue is above, so no foreign key
    kind: Mapped[str]  # the message's type
    # Never a secret: access codes are added from the sealed column when the message is sent.
    body: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="pending")
    user_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]  # a command that was never sent is given up then; one that was sent never is
    # Written before the message leaves: a pending command has certainly not reached the hub.
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    code: Mapped[str | None]
    sentence: Mapped[str | None]


class PrinterTrial(ShopScoped, Base):
    """A "try it" of a printer's address and code, and what came of it. `asked` holds what the person typed but the code,
    which is sealed here and wiped when the printer is saved or an hour has gone.
    """

    __tablename__ = "printer_trials"
    __table_args__ = shop_table(shop_reference("hub_id", "hubs", ondelete="CASCADE"))

    hub_id: Mapped[UUID]
    printer_id: Mapped[UUID | None]
    command_id: Mapped[UUID | None]
    asked: Mapped[dict[str, Any]]
    access_code_sealed: Mapped[str]
    steps: Mapped[list[Any] | None]
    certificate_sha256: Mapped[str | None]
    model: Mapped[str | None]
    firmware: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    answered_at: Mapped[datetime | None]


class PrinterError(ShopScoped, Base):
    """An error that a printer reported, in words."""

    __tablename__ = "printer_errors"
    __table_args__ = shop_table(
        shop_reference("printer_id", "printers", ondelete="CASCADE"),
        Index(None, "shop_id", "printer_id", "ended_at"),
    )

    printer_id: Mapped[UUID]
    run_id: Mapped[UUID | None]
    code: Mapped[str]
    sentence: Mapped[str]
    severity: Mapped[str]
    began_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None]


class RunReport(ShopScoped, Base):
    """What a hub said about a run, as it came. The queue reads it in the same transaction (event RunReported)."""

    __tablename__ = "run_reports"
    __table_args__ = shop_table(
        shop_reference("hub_id", "hubs", ondelete="CASCADE"),
        shop_reference("printer_id", "printers", ondelete="CASCADE"),
        UniqueConstraint("shop_id", "hub_id", "seq"),
        Index(None, "shop_id", "run_code", "seq"),
    )

    hub_id: Mapped[UUID]
    seq: Mapped[int] = mapped_column(BigInteger)
    printer_id: Mapped[UUID]
    run_code: Mapped[str]
    state: Mapped[str]  # hub.protocol.RunState
    sentence: Mapped[str] = mapped_column(default="")
    code: Mapped[str] = mapped_column(default="")
    percent: Mapped[int | None]
    layer: Mapped[int | None]
    total_layers: Mapped[int | None]
    ended_while_offline: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]  # when the hub saw it
    evidence: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    handled_at: Mapped[datetime | None]  # the queue has taken it in; None: it knew no such run


class ForeignRun(ShopScoped, Base):
    """A print that was started at the printer's screen or by a slicer, not by us."""

    __tablename__ = "foreign_runs"
    __table_args__ = shop_table(
        shop_reference("printer_id", "printers", ondelete="CASCADE"),
        UniqueConstraint("shop_id", "printer_id", "key"),
        Index(None, "shop_id", "printer_id", "began_at"),
    )

    printer_id: Mapped[UUID]
    key: Mapped[str]
    title: Mapped[str]
    file_name: Mapped[str] = mapped_column(default="")
    state: Mapped[str]
    sentence: Mapped[str] = mapped_column(default="")
    percent: Mapped[int | None]
    layer: Mapped[int | None]
    total_layers: Mapped[int | None]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
