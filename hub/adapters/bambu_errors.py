"""Bambu's error numbers in words: what happened and what to do. Our own sentences; an unknown number is shown as it is.

print_error is an unsigned 32-bit number, written MMMM_EEEE in hex; EEEE below 0x4000 is a status, not an error. An HMS
entry is two 32-bit numbers, written HMS_AAAA_AAAA_CCCC_CCCC; its severity is the high half of the second.
"""

from typing import Any

from hub.protocol import ActiveError, Severity

CANCELLED = frozenset({"0300_400C", "0500_400E"})
PAUSED_BY_PERSON = "0300_8001"
SIGNATURE_MISSING = 0x05024007
"""The printer wants signed commands: Developer Mode is off."""

DEVELOPER_MODE = (
    "The printer refuses commands because Developer Mode is off. On the printer's screen open Settings, LAN only, switch "
    "LAN only and Developer Mode on, and enter the new access code here."
)

_SPURIOUS = frozenset({"0300_0002"})

_START_REFUSED = frozenset(
    {"0500_4002", "0500_400A", "0500_4003", "0500_4004", "0500_4006", "0500_4015", "0500_400B", "0500_400C", "0500_4016",
     "0500_4037", "0500_4038", "0500_C010", "0502_4007"}
)  # fmt: skip

_SENTENCES: dict[str, str] = {
    "0300_8001": "The print was paused at the printer.",
    "0300_8003": "The printer sees spaghetti: the print has probably come loose. Look at the bed, then resume or stop.",
    "0300_8004": "The filament has run out. Load the same filament, then resume.",
    "0300_8006": "The printer cannot see the marker of the build plate. Clean or align the plate, then resume.",
    "0300_8007": "The power failed during the print. Look at the print, then resume or stop it on the printer's screen.",
    "0300_8011": "Another build plate is on the bed than the file was sliced for. Change the plate, then resume.",
    "0500_4002": "The printer cannot find the file under the path that it was given. Start the print again.",
    "0500_400A": "The printer does not accept the file's name. Start the print again.",
    "0500_4003": "The printer cannot read the file. Slice it again for this printer, upload it and start again.",
    "0500_4004": "The printer was busy and did not take the start. Wait until it is idle, then start again.",
    "0500_4006": "The printer's storage is full. Delete old files and timelapses on it, then start again.",
    "0500_4015": "The printer's storage is full. Delete old files and timelapses on it, then start again.",
    "0500_400B": "The printer could not fetch the file. Start the print again.",
    "0500_400C": "There is no memory card in the printer. Insert one, then start again.",
    "0500_4016": "The printer's memory card is write-protected. Unlock or replace it, then start again.",
    "0500_4037": "The file was sliced for another printer model. Slice it for this one.",
    "0500_4038": "The file was sliced for another nozzle size. Change the nozzle, or slice it for this one.",
    "0500_C010": "The printer could not read or write its memory card. Check the card, then start again.",
    "0502_4007": DEVELOPER_MODE,
    "0700_8011": "The filament in the AMS slot has run out. Load the same filament, then resume.",
    "07FF_8011": "The filament of the external spool has run out. Load the same filament, then resume.",
    "0700_8012": "The AMS slot that the print asks for cannot be used. Check which filament is in which slot.",
    "07FF_8012": "The print asks for the external spool in a way that the printer does not accept. Check the slots.",
}

_HMS_SENTENCES: dict[str, str] = {"HMS_0500_0500_0001_0007": DEVELOPER_MODE}

_MODULES: dict[int, str] = {
    0x03: "motion and heating",
    0x05: "main board",
    0x07: "AMS",
    0x08: "tool head",
    0x0C: "camera and first-layer check",
    0x12: "AMS",
    0x18: "AMS HT",
}
_HMS_SEVERITY: dict[int, Severity] = {1: "fatal", 2: "serious", 3: "warning", 4: "info"}


def print_error(number: int) -> ActiveError | None:
    """None for 0, for a status, for "cancelled" (which is an ending, not an error) and for known false alarms."""
    code = code_of(number)
    if number & 0xFFFF < 0x4000 or code in CANCELLED or code in _SPURIOUS:
        return None
    sentence = _SENTENCES.get(code) or _unknown(code, number >> 24)
    return ActiveError(code=code, sentence=sentence, severity="info" if code == PAUSED_BY_PERSON else "serious")


def code_of(number: int) -> str:
    """MMMM_EEEE."""
    text = f"{number & 0xFFFFFFFF:08X}"
    return f"{text[:4]}_{text[4:]}"


def is_cancel(number: int) -> bool:
    return code_of(number) in CANCELLED


def refuses_start(error: ActiveError) -> bool:
    return error.code in _START_REFUSED


def hms_error(attr: int, code: int) -> ActiveError:
    digits = f"{attr & 0xFFFFFFFF:08X}{code & 0xFFFFFFFF:08X}"
    name = "HMS_" + "_".join(digits[start : start + 4] for start in range(0, 16, 4))
    severity = _HMS_SEVERITY.get((code & 0xFFFFFFFF) >> 16, "warning")
    sentence = _HMS_SENTENCES.get(name) or _unknown(name, (attr & 0xFFFFFFFF) >> 24)
    return ActiveError(code=name, sentence=sentence, severity=severity)


def refusal(answer: dict[str, Any], number: int | None) -> tuple[str, str]:
    """Code and sentence for a command that the printer answered with "failed"."""
    if number:
        code = code_of(number)
        return code, _SENTENCES.get(code) or _unknown(code, number >> 24)
    reason = str(answer.get("reason") or "").strip()[:120]
    return "refused", f"The printer refused the command{f': {reason}' if reason else ' and gave no reason'}."


def _unknown(code: str, module: int) -> str:
    part = _MODULES.get(module)
    where = f" ({part})" if part else ""
    return f"The printer reports {code}{where}. Its screen says more, and so does the maker's help page for this code."
