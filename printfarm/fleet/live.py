"""What open screens get when printers move: the card as HTML; lists and pages of one printer refetch themselves."""

from uuid import UUID

from sqlalchemy.orm import Session

from printfarm.core.events import Event
from printfarm.core.live import marks, shows
from printfarm.core.web import render_block
from printfarm.fleet.events import (
    CommandAnswered,
    ForeignRunSeen,
    HubConnected,
    HubLost,
    HubWanted,
    PrinterChanged,
    PrinterErrorCleared,
    PrinterErrorRaised,
    PrinterMoved,
    PrintersListed,
    RunReported,
    SlotFed,
    SlotsChanged,
    SpoolAssigned,
    TrialAnswered,
)
from printfarm.fleet.queries import card_of

CardMove = PrinterMoved | PrinterChanged | SlotsChanged | PrinterErrorRaised | PrinterErrorCleared | ForeignRunSeen
CARD_MOVES: tuple[type[CardMove], ...] = (
    PrinterMoved,
    PrinterChanged,
    SlotsChanged,
    PrinterErrorRaised,
    PrinterErrorCleared,
    ForeignRunSeen,
)
for listing in (PrintersListed, HubConnected, HubLost):
    marks(listing, "fleet")
for fact in (SlotsChanged, PrinterErrorRaised, PrinterErrorCleared, PrinterChanged, CommandAnswered):
    marks(fact, "printer")
marks(SlotsChanged, "filament")  # a spool says in which printer it is
for answer in (TrialAnswered, CommandAnswered, HubConnected, HubLost):
    marks(answer, "trial")
# The queue shows what follows from a report or a change of rolls (SlotsChanged goes with it), and the hub's own socket
# listens for what waits for it.
UNSEEN: tuple[type[Event], ...] = (RunReported, HubWanted, SpoolAssigned, SlotFed)


def _card(db: Session, event: CardMove) -> str:
    return push_card(db, event.printer_id)


for move in CARD_MOVES:
    shows(move)(_card)


def push_card(db: Session, printer_id: UUID) -> str:
    """A printer's card for every open screen; areas above call it when what they show on it changes."""
    card = card_of(db, printer_id)
    return "" if card is None else render_block("fleet/_card.html", "card", card=card, pushed=True)
