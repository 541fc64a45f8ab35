"""What web is shown of a printer."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.protocol import PrinterStatus

if TYPE_CHECKING:
    from hub.printer import Printer

_SAME_NAMES = (
    "percent", "layer", "total_layers", "remaining_minutes", "stage_word", "nozzle_c", "nozzle_target_c", "bed_c",
    "bed_target_c", "chamber_c", "speed", "wifi_dbm", "active_slot", "firmware", "developer_mode", "confirmed",
)  # fmt: skip


def status_of(printer: "Printer") -> PrinterStatus:
    """The last known values stay visible while the printer is away; `connection` and `confirmed` tell what they are."""
    report = printer.report
    return PrinterStatus(
        printer_id=printer.config.id,
        connection=printer.connection,
        connection_sentence=printer.connection_sentence,
        state=report.state if printer.connection == "online" else "offline",
        run_code=_run_code(printer),
        slots=list(report.slots),
        errors=list(report.errors),
        capabilities=sorted(printer.adapter.capabilities),
        at=datetime.now(UTC),
        **{name: getattr(report, name) for name in _SAME_NAMES},
    )


def _run_code(printer: "Printer") -> str | None:
    current = printer.starting or printer.watched
    return current.run.run_code if current is not None else None
