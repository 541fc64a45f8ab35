"""Rules of the fleet: hubs, printers, their slots, commands to them, and what they report."""

from printfarm.fleet.service.commands import (
    START_PATIENCE,
    Start,
    expire_command,
    find_command,
    send_command,
    slot_number,
    start_body,
)
from printfarm.fleet.service.control import control
from printfarm.fleet.service.hubs import NewHub, add_hub, archive_hub, find_hub
from printfarm.fleet.service.matching import Match, match_slots
from printfarm.fleet.service.printers import (
    BUSY_CHECKS,
    CodeMissing,
    InUse,
    PrinterSettings,
    SerialTaken,
    add_printer,
    archive_printer,
    clear_bed,
    edit_printer,
    find_printer,
    lock_printer,
    move_printer,
    needs_clearing,
    set_maintenance,
)
from printfarm.fleet.service.reports import apply_status, store_message, take_report
from printfarm.fleet.service.slots import Assigned, assign_spool, confirm_spool, find_slot, forget_chip
from printfarm.fleet.service.trials import find_trial, forget_trial, save_trial, start_trial

__all__ = [
    "BUSY_CHECKS",
    "START_PATIENCE",
    "Assigned",
    "CodeMissing",
    "InUse",
    "Match",
    "NewHub",
    "PrinterSettings",
    "SerialTaken",
    "Start",
    "add_hub",
    "add_printer",
    "apply_status",
    "archive_hub",
    "archive_printer",
    "assign_spool",
    "clear_bed",
    "confirm_spool",
    "control",
    "edit_printer",
    "expire_command",
    "find_command",
    "find_hub",
    "find_printer",
    "find_slot",
    "find_trial",
    "forget_chip",
    "forget_trial",
    "lock_printer",
    "match_slots",
    "move_printer",
    "needs_clearing",
    "save_trial",
    "send_command",
    "set_maintenance",
    "slot_number",
    "start_body",
    "start_trial",
    "store_message",
    "take_report",
]
