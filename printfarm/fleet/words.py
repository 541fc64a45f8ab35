"""States in words: what people read on a printer's card, with its icon and tone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Face:
    """How a state looks. Tones: quiet, busy, ok, warn, bad; bad only where somebody has to act."""

    word: str
    icon: str
    tone: str


NO_HUB = Face("Hub not connected", "unplug", "warn")
CONNECTION = {
    "refused": Face("Refused", "shield", "bad"),
    "connecting": Face("Connecting", "loader-circle", "quiet"),
    "unknown": Face("Connecting", "loader-circle", "quiet"),
    "offline": Face("Offline", "wifi-off", "quiet"),
}
READY = Face("Ready", "circle-check", "ok")
NEEDS_A_LOOK = Face("Needs a look", "octagon-alert", "bad")
TO_CLEAR = Face("Bed to clear", "hourglass", "warn")
MAINTENANCE = Face("Maintenance", "wrench", "quiet")
STATE = {
    "starting_up": Face("Starting up", "loader-circle", "quiet"),
    "idle": READY,
    "preparing": Face("Preparing", "loader-circle", "busy"),
    "printing": Face("Printing", "circle-play", "busy"),
    "pausing": Face("Pausing", "circle-pause", "warn"),
    "paused": Face("Paused", "circle-pause", "warn"),
    "attention": Face("Needs you", "octagon-alert", "bad"),
    "finished": READY,
    "cancelled": READY,
    "failed": READY,
    "busy": Face("Busy", "loader-circle", "busy"),
    "unknown": Face("Not known yet", "circle-question-mark", "quiet"),
}
RESTING = frozenset({"idle", "finished", "cancelled", "failed"})

TRY_STEPS = {
    "address": "Address",
    "certificate": "Certificate",
    "access_code": "Access code",
    "serial": "Serial number",
    "developer_mode": "Developer Mode",
    "ftps": "File transfer",
    "storage": "Memory card",
}
SPEEDS = {"silent": "Silent", "standard": "Standard", "sport": "Sport", "ludicrous": "Ludicrous"}


def face_of(
    *, hub_connected: bool, connection: str, state: str, bed_cleared: bool, in_maintenance: bool, lost_run: bool
) -> Face:
    """The one word that counts most about a printer now. `lost_run`: it should be printing, and rests."""
    if not hub_connected:
        return NO_HUB
    if connection != "online":
        return CONNECTION.get(connection, CONNECTION["offline"])
    if state in RESTING and lost_run:
        return NEEDS_A_LOOK
    if state in RESTING and not bed_cleared:
        return TO_CLEAR
    if state in RESTING and in_maintenance:
        return MAINTENANCE
    return STATE.get(state, STATE["unknown"])
