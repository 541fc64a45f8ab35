"""Print jobs (what is wanted once on one bed), their options, and print runs (one attempt on one printer)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from printfarm.core.clock import utc_now
from printfarm.core.database import Base
from printfarm.core.tenancy import ShopScoped, shop_reference, shop_table
from printfarm.fleet.models import Printer
from printfarm.library.models import Plate

JOB_STATES = ("queued", "processing", "uploaded", "printing", "paused", "completed", "failed", "cancelled")
OPEN_JOB_STATES = ("queued", "processing", "uploaded", "printing", "paused")
RUN_STATES = ("starting", "running", "paused", "unknown", "completed", "failed", "cancelled")
ACTIVE_RUN_STATES = ("starting", "running", "paused", "unknown")
_ACTIVE = text(f"state IN {ACTIVE_RUN_STATES}")


class PrintJob(ShopScoped, Base):
    """What is wanted once on one bed. Quantity five is five jobs."""

    __tablename__ = "print_jobs"
    __table_args__ = shop_table(
        CheckConstraint(f"state IN {JOB_STATES}", name="state"),
        Index(None, "shop_id", "state", "place"),
        Index(None, "shop_id", "ended_at"),
    )

    name: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued")
    # A fractional index: moving one job rewrites one row. Compared byte by byte everywhere.
    place: Mapped[str] = mapped_column(String().with_variant(String(collation="C"), "postgresql"))
    note: Mapped[str] = mapped_column(default="")
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None]
    feasibility: Mapped[dict[str, Any] | None]  # printfarm.queue.service.feasibility; shown with its age
    feasible_at: Mapped[datetime | None]

    options: Mapped[list["JobOption"]] = relationship(
        primaryjoin="PrintJob.id == foreign(JobOption.job_id)", viewonly=True, order_by="JobOption.position"
    )
    runs: Mapped[list["PrintRun"]] = relationship(
        primaryjoin="PrintJob.id == foreign(PrintRun.job_id)", viewonly=True, order_by="PrintRun.created_at"
    )


class JobOption(ShopScoped, Base):
    """The same thing sliced for one kind of printer; dispatch picks one option of a job."""

    __tablename__ = "job_options"
    __table_args__ = shop_table(
        shop_reference("job_id", "print_jobs", ondelete="CASCADE"),
        shop_reference("plate_id", "plates"),
        UniqueConstraint("shop_id", "job_id", "plate_id"),
        Index(None, "shop_id", "plate_id", "id"),
    )

    job_id: Mapped[UUID]
    plate_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(default=0)

    plate: Mapped[Plate] = relationship(primaryjoin="foreign(JobOption.plate_id) == Plate.id", viewonly=True)


class PrintRun(ShopScoped, Base):
    """One attempt on one printer. At most one is active per printer and per job: the database itself refuses a second."""

    __tablename__ = "print_runs"
    __table_args__ = shop_table(
        shop_reference("job_id", "print_jobs", ondelete="CASCADE"),
        shop_reference("printer_id", "printers"),
        shop_reference("plate_id", "plates"),
        UniqueConstraint("code"),
        CheckConstraint(f"state IN {RUN_STATES}", name="state"),
        Index(
            "uq_print_runs_active_printer",
            "shop_id",
            "printer_id",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        Index(
            "uq_print_runs_active_job", "shop_id", "job_id", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE
        ),
        Index(None, "shop_id", "ended_at"),
        Index(None, "shop_id", "plate_id", "state"),
    )

    job_id: Mapped[UUID]
    printer_id: Mapped[UUID]
    plate_id: Mapped[UUID]
    code: Mapped[str]  # travels to the printer and comes back in its reports
    state: Mapped[str] = mapped_column(default="starting")
    sentence: Mapped[str] = mapped_column(default="")  # what the hub or the printer said last, in words
    error_code: Mapped[str | None]
    percent: Mapped[int | None]
    layer: Mapped[int | None]
    total_layers: Mapped[int | None]
    upload_percent: Mapped[int | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    booked_at: Mapped[datetime | None]  # its grams are in the ledger
    parts_made: Mapped[int] = mapped_column(default=0)

    job: Mapped[PrintJob] = relationship(primaryjoin="foreign(PrintRun.job_id) == PrintJob.id", viewonly=True)
    printer: Mapped[Printer] = relationship(primaryjoin="foreign(PrintRun.printer_id) == Printer.id", viewonly=True)
    plate: Mapped[Plate] = relationship(primaryjoin="foreign(PrintRun.plate_id) == Plate.id", viewonly=True)
    filaments: Mapped[list["RunFilament"]] = relationship(
        primaryjoin="PrintRun.id == foreign(RunFilament.run_id)", viewonly=True, order_by="RunFilament.slot"
    )


class RunFilament(ShopScoped, Base):
    """Which place of the printer served a slot of the plate, fixed when the run is made, and what it used."""

    __tablename__ = "run_filaments"
    __table_args__ = shop_table(
        shop_reference("run_id", "print_runs", ondelete="CASCADE"),
        shop_reference("filament_id", "filaments"),
        shop_reference("spool_id", "spools"),
        UniqueConstraint("shop_id", "run_id", "slot"),
    )

    run_id: Mapped[UUID]
    slot: Mapped[int]  # the plate's, 1-based
    ams_unit: Mapped[int | None]
    printer_slot: Mapped[int | None]
    filament_id: Mapped[UUID | None]
    spool_id: Mapped[UUID | None]
    planned_mg: Mapped[int | None] = mapped_column(BigInteger)
    used_mg: Mapped[int | None] = mapped_column(BigInteger)


class RunFeed(ShopScoped, Base):
    """From here on a slot of the plate was fed from another roll: changed by a person, or switched by the printer itself.

    The roll that fed it from the start stands in RunFilament; what was used is split where these say.
    """

    __tablename__ = "run_feeds"
    __table_args__ = shop_table(
        shop_reference("run_id", "print_runs", ondelete="CASCADE"),
        shop_reference("spool_id", "spools"),
        Index(None, "shop_id", "run_id", "slot", "at"),
    )

    run_id: Mapped[UUID]
    slot: Mapped[int]  # the plate's, 1-based
    ams_unit: Mapped[int | None]
    printer_slot: Mapped[int | None]
    spool_id: Mapped[UUID | None]  # None: nobody has said which roll lies there
    layer: Mapped[int | None]
    percent: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(default=utc_now)


class NextRoll(ShopScoped, Base):
    """What a person said when a print was started that a roll does not last for: this one is fed when that one ends."""

    __tablename__ = "next_rolls"
    __table_args__ = shop_table(
        shop_reference("run_id", "print_runs", ondelete="CASCADE"),
        shop_reference("spool_id", "spools"),
        UniqueConstraint("shop_id", "run_id", "slot"),
    )

    run_id: Mapped[UUID]
    slot: Mapped[int]  # the plate's, 1-based
    spool_id: Mapped[UUID]


class JobEvent(ShopScoped, Base):
    """A line of a job's history, in words."""

    __tablename__ = "job_events"
    __table_args__ = shop_table(
        shop_reference("job_id", "print_jobs", ondelete="CASCADE"), Index(None, "shop_id", "job_id", "at")
    )

    job_id: Mapped[UUID]
    run_id: Mapped[UUID | None]
    kind: Mapped[str]
    sentence: Mapped[str]
    user_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(default=utc_now)
