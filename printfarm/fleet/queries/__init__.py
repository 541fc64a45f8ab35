"""What screens and decisions need to know of the fleet, each in a fixed number of statements."""

from printfarm.fleet.queries.cards import TITLES, OnPrinter, PrinterCard, SlotView, card_of, printer_cards
from printfarm.fleet.queries.facts import (
    FILE_TELEMETRY,
    PRINTER_TELEMETRY,
    PrinterFacts,
    SlotFacts,
    facts_of,
    printer_facts,
)
from printfarm.fleet.queries.lists import last_refusal, list_hubs, page_of_printers, past_errors, where_spools_lie

__all__ = [
    "FILE_TELEMETRY",
    "PRINTER_TELEMETRY",
    "TITLES",
    "OnPrinter",
    "PrinterCard",
    "PrinterFacts",
    "SlotFacts",
    "SlotView",
    "card_of",
    "facts_of",
    "last_refusal",
    "list_hubs",
    "page_of_printers",
    "past_errors",
    "printer_cards",
    "printer_facts",
    "where_spools_lie",
]
