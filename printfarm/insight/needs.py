"""What waits for a person, worst first: one typed list for the dashboard, the bell and the page that shows all of it.

It is read from the facts themselves, in a fixed number of statements, so nothing has to be ticked off: what was done is gone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from printfarm.core.clock import utc_now
from printfarm.core.formats import day, grams, in_minutes
from printfarm.filament.models import Filament, Spool
from printfarm.filament.queries import Supply, count_buying, latest_check, supply_of
from printfarm.filament.queries.care import care_of
from printfarm.filament.service import spools_of_tags, today_of
from printfarm.files.models import Upload
from printfarm.fleet.models import Printer, PrinterError, PrinterSlot
from printfarm.fleet.queries.facts import PrinterFacts, facts_from, in_use
from printfarm.fleet.service.matching import contradiction
from printfarm.library.models import Plate, Variant
from printfarm.queue.models import ACTIVE_RUN_STATES, PrintRun
from printfarm.queue.running_out import RunningOut, running_out

UPLOADS_NAMED, SPOOLS_NAMED, SLOTS_NAMED = 3, 4, 4
RECENT, RECENT_FOR = 8, timedelta(hours=24)


@dataclass(frozen=True)
class Action:
    """What can be done about it on the spot: a form with one button. `endpoint` takes `args`, as url_for does."""

    label: str
    icon: str
    endpoint: str
    args: dict[str, Any]


@dataclass(frozen=True)
class Need:
    """One thing that waits. `tone` is bad (something stands still or is lost) or warn; `todo` says what to do about it; `since`
    is when it began, where somebody wrote that down; `spool` is drawn instead of the icon.
    """

    kind: str
    tone: str
    icon: str
    title: str
    todo: str
    endpoint: str
    args: dict[str, Any] = field(default_factory=dict)
    action: Action | None = None
    since: datetime | None = None
    spool: Spool | None = None


Seen = tuple[Printer, PrinterFacts]


def get_needs(
    db: Session, printers: Sequence[Printer] | None = None, ending: Sequence[RunningOut] | None = None
) -> list[Need]:
    """All that waits for a person, worst first. Thirteen statements at most; `printers` spares one where they are known."""
    # Besides those, up to nine for rolls that end or are damp; `ending` spares most of them where it is known.
    known = list(db.scalars(in_use()).unique()) if printers is None else printers
    now = utc_now()
    seen = [(printer, facts_from(printer, [], {}, now)) for printer in known]
    return [
        *_lost_runs(db),
        *_errors(db, seen),
        *_missing_hubs(seen),
        *_refusals(seen),
        *_beds(seen),
        *_ending(ending_rolls(db) if ending is None else ending),
        *_contradictions(db, known),
        *_damp(db, known),
        *_uploads(db),
        *_drift(db),
        *_unassigned(db),
        *_low_spools(db),
        *_shopping(db),
    ]


def recent_runs(db: Session) -> list[PrintRun]:
    """What ended in the last day, newest first: nothing to do about it, good to know."""
    latest = (
        select(PrintRun)
        .where(PrintRun.ended_at >= utc_now() - RECENT_FOR)
        .options(
            selectinload(PrintRun.printer),
            selectinload(PrintRun.plate).joinedload(Plate.variant).joinedload(Variant.model),
        )
        .order_by(PrintRun.ended_at.desc(), PrintRun.id.desc())
        .limit(RECENT)
    )
    return list(db.scalars(latest))


def _lost_runs(db: Session) -> Iterator[Need]:
    lost = select(PrintRun).where(PrintRun.state == "unknown").order_by(PrintRun.created_at)
    for run in db.scalars(lost.options(joinedload(PrintRun.printer), joinedload(PrintRun.job))):
        yield Need(
            kind="lost-run",
            tone="bad",
            icon="octagon-alert",
            title=f"{run.printer.name} needs a look",
            todo=f"How is {run.job.name} doing? Say what you found.",
            endpoint="queue.job",
            args={"job_id": run.job_id},
        )


def _errors(db: Session, seen: list[Seen]) -> Iterator[Need]:
    """Printers with something that a person should know; what only informs is left out."""
    rows = select(PrinterError).where(PrinterError.ended_at.is_(None), PrinterError.severity != "info")
    found: dict[UUID, list[PrinterError]] = {}
    for error in db.scalars(rows.order_by(PrinterError.began_at)):
        found.setdefault(error.printer_id, []).append(error)
    for printer, facts in seen:
        errors = found.get(printer.id, [])
        if errors:
            more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
            title, todo = f"{printer.name} reports an error", errors[0].sentence + more
            yield _at_printer("printer-error", "bad", "octagon-alert", printer, title, todo, since=errors[0].began_at)
        elif facts.state == "attention":
            title, todo = f"{printer.name} waits for you", "It has stopped and asks for something on its own screen."
            yield _at_printer("printer-waits", "bad", "octagon-alert", printer, title, todo)


def _missing_hubs(seen: list[Seen]) -> Iterator[Need]:
    """Hubs with printers that nobody hears from: said once, not per printer."""
    for hub in {printer.hub.id: printer.hub for printer, facts in seen if not facts.hub_connected}.values():
        yield Need(
            kind="lost-hub",
            tone="bad",
            icon="unplug",
            title=f"{hub.name} is not connected",
            todo="Its printers cannot be seen. Check that this hub runs and reaches the server.",
            endpoint="fleet.show",
            since=hub.last_seen_at,
        )


def _refusals(seen: list[Seen]) -> Iterator[Need]:
    """Printers that answer but do not let us in, or take no commands."""
    for printer, facts in seen:
        closed = facts.hub_connected and printer.connection == "refused"
        if closed or (facts.online and printer.developer_mode is False):
            todo = facts.connection_sentence or "Developer Mode is off, so it takes no commands."
            yield _at_printer("refused", "bad", "lock", printer, f"{printer.name} does not let us in", todo)


def _beds(seen: list[Seen]) -> Iterator[Need]:
    """What still stands on a bed. A printer at work has its bed in use, so it waits until that is over."""
    for printer, facts in seen:
        if not printer.bed_cleared and not facts.is_working:
            action = Action("Bed is clear", "check", "insight.clear_bed", {"printer_id": printer.id})
            title, todo = f"Clear the bed of {printer.name}", "Nothing starts there until it is clear."
            yield _at_printer("bed", "warn", "hourglass", printer, title, todo, action=action)


def _contradictions(db: Session, printers: Sequence[Printer]) -> Iterator[Need]:
    """Rolls of which the printers report that they are not where people put them; nothing is changed without a person."""
    names = {printer.id: printer for printer in printers}
    rows = select(PrinterSlot).where(PrinterSlot.spool_id.is_not(None), PrinterSlot.reported_empty.is_not(None))
    found = [
        slot for slot in db.scalars(rows.order_by(PrinterSlot.ams_unit, PrinterSlot.slot)) if slot.printer_id in names
    ]
    chips = spools_of_tags(db, [slot.reported_tag for slot in found])
    wrong = [(slot, said) for slot in found if (said := contradiction(slot, chips))]
    for slot, said in wrong[:SLOTS_NAMED]:
        title = f"Which roll is in {slot.label} of {names[slot.printer_id].name}?"
        yield Need("slot", "warn", "triangle-alert", title, said, "fleet.slot", {"slot_id": slot.id})
    if len(wrong) > SLOTS_NAMED:
        more = len(wrong) - SLOTS_NAMED
        title = "One more slot holds another roll" if more == 1 else f"{more} more slots hold other rolls"
        yield Need("slot", "warn", "triangle-alert", title, "See where the rolls are.", "fleet.rolls")


def ending_rolls(db: Session) -> list[RunningOut]:
    """The rolls that prints of this moment will use up, the first one first."""
    runs = select(PrintRun).where(PrintRun.state.in_(ACTIVE_RUN_STATES))
    active = list(db.scalars(runs.options(joinedload(PrintRun.printer), joinedload(PrintRun.job))))
    return [one for found in running_out(db, active).values() for one in found]


def _ending(ending: Sequence[RunningOut]) -> Iterator[Need]:
    """Prints that will stand still for want of filament."""
    for one in sorted(ending, key=lambda one: (one.minutes is None, one.minutes or 0))[:SLOTS_NAMED]:
        when = f", about {in_minutes(one.minutes)}" if one.minutes is not None else ""
        name = f"{one.spool.filament.material} {one.spool.filament.colour_name}"
        title = f"{one.run.printer.name} runs out of {name}{when}"
        todo = f"{one.label} ends {one.end.words} of {one.run.job.name}. Lay out another roll."
        if one.then and one.due:
            title = f"Change {one.label} of {one.run.printer.name} to spool {one.then.code} {one.due}"
            todo = f"{name} runs out {one.end.words} of {one.run.job.name}{when}. Put it in, then say that it feeds."
        elif one.is_past:
            title = f"{one.run.printer.name} prints on though its {name} is used up"
            todo = f"By the ledger {one.label} ended {one.end.words}. Weigh it, or say which roll feeds {one.run.job.name}."
        tone = "bad" if one.due == "now" else "warn"
        yield Need("ending", tone, "spool", title, todo, "queue.job", {"job_id": one.run.job_id}, spool=one.spool)


def _damp(db: Session, printers: Sequence[Printer]) -> Iterator[Need]:
    """Rolls in printers that should be dried, or are past their date."""
    names = {printer.id: printer.name for printer in printers}
    loaded = select(PrinterSlot).where(PrinterSlot.spool_id.is_not(None))
    rows = db.scalars(loaded.order_by(PrinterSlot.ams_unit, PrinterSlot.slot)).unique()
    lying = [(slot, slot.spool, care_of(slot.spool)) for slot in rows if slot.printer_id in names and slot.spool]
    found = [(slot, spool, care) for slot, spool, care in lying if care]
    for slot, spool, care in found[:SLOTS_NAMED]:
        named = f"{spool.filament.material} {spool.filament.colour_name}".strip()
        title = (
            f"{named} in {slot.label} of {names[slot.printer_id]} {'is damp' if care.is_wet else 'is past its date'}"
        )
        words = "; ".join(care.words)
        todo = f"{words[:1].upper()}{words[1:]}."
        yield Need("damp", "warn", "flame", title, todo, "filament.spool", {"spool_id": spool.id})
    if len(found) > SLOTS_NAMED:
        more = len(found) - SLOTS_NAMED
        title = (
            "One more roll in a printer is damp or old"
            if more == 1
            else f"{more} more rolls in printers are damp or old"
        )
        yield Need("damp", "warn", "flame", title, "See where the rolls are.", "fleet.rolls")


def _at_printer(kind: str, tone: str, icon: str, printer: Printer, title: str, todo: str, **more: Any) -> Need:
    return Need(kind, tone, icon, title, todo, "fleet.printer", {"printer_id": printer.id}, **more)


def _uploads(db: Session) -> Iterator[Need]:
    """Uploads that want an answer, the first few by name, and those that failed."""
    rows = select(Upload.state, func.count(), func.min(Upload.updated_at))
    found = {
        state: (count, since)
        for state, count, since in db.execute(
            rows.where(Upload.state.in_(("needs-answer", "failed"))).group_by(Upload.state)
        )
    }
    asking, _ = found.get("needs-answer", (0, None))
    if asking:
        yield from _asking_uploads(db, asking)
    failed, since = found.get("failed", (0, None))
    if failed:
        title = "One upload failed" if failed == 1 else f"{failed} uploads failed"
        todo = "See why, and try again or remove it."
        yield Need("failed-upload", "bad", "circle-x", title, todo, "files.uploads", since=since)


def _asking_uploads(db: Session, count: int) -> Iterator[Need]:
    asking = select(Upload).where(Upload.state == "needs-answer").order_by(Upload.id.desc()).limit(UPLOADS_NAMED)
    icon, todo = "circle-question-mark", "Say what it is; then it can be printed."
    for upload in db.scalars(asking):
        title, args = f"{upload.original_name} needs an answer", {"upload_id": upload.id}
        yield Need("upload", "warn", icon, title, todo, "library.upload", args, since=upload.updated_at)
    if count > UPLOADS_NAMED:
        more = count - UPLOADS_NAMED
        title = "One more upload needs an answer" if more == 1 else f"{more} more uploads need an answer"
        yield Need("upload", "warn", icon, title, "Say what they are; then they can be printed.", "files.uploads")


def _drift(db: Session) -> Iterator[Need]:
    """Weights that are not what their ledger adds up to, as the nightly comparison found."""
    check = latest_check(db)
    if check is not None and check.drifted:
        count = len(check.drifted)
        title = "One weight does not agree" if count == 1 else f"{count} weights do not agree"
        todo = "The filament's ledger adds up to something else. See which, and put it right."
        yield Need("drift", "bad", "scale", title, todo, "filament.stock_check", since=check.checked_at)


def _unassigned(db: Session) -> Iterator[Need]:
    waiting = db.scalar(select(func.coalesce(func.sum(Filament.unassigned_mg), 0))) or 0
    if waiting:
        title, todo = f"{grams(waiting)} without a spool", "Say which spool they came from."
        yield Need("unassigned", "warn", "scale", title, todo, "filament.unassigned")


def _low_spools(db: Session) -> Iterator[Need]:
    low = (Spool.archived_at.is_(None), Spool.is_low)
    rows = select(Spool, func.count().over()).where(*low).order_by(Spool.remaining_mg, Spool.id).limit(SPOOLS_NAMED)
    found = db.execute(rows).all()
    supplies = supply_of(db, [spool.filament_id for spool, _ in found]) if found else {}
    today, count = today_of(db), 0
    for spool, in_all in found:
        count = in_all
        name = f"{spool.filament.material} {spool.filament.colour_name}".strip()
        left = f"{grams(spool.remaining_mg)} left on spool {spool.code}."
        todo = f"{left} {_what_next(spool, supplies[spool.filament_id], today)}"
        args = {"spool_id": spool.id}
        yield Need("low", "warn", "spool", f"{name} runs low", todo, "filament.spool", args, spool=spool)
    if count > SPOOLS_NAMED:
        more = count - SPOOLS_NAMED
        title = "One more spool runs low" if more == 1 else f"{more} more spools run low"
        yield Need("low", "warn", "spool", title, "See them all.", "filament.spools", {"low": 1})


def _what_next(spool: Spool, supply: Supply, today: date) -> str:
    """Where the next grams come from when a roll ends: others that lie here, what is on its way, or the shop."""
    said = []
    beside = supply.lying_mg - spool.remaining_mg - spool.filament.unassigned_mg
    if beside > 0 and beside >= spool.low_below_mg:
        said.append(f"Lay out another: {grams(beside)} more are here.")
    if supply.coming:
        more = "One more is" if supply.coming == 1 else f"{supply.coming} more are"
        late = supply.expected_on is not None and supply.expected_on < today
        when = f", {'overdue since' if late else 'expected'} {day(supply.expected_on)}" if supply.expected_on else ""
        said.append(f"{more} on order{when}.")
    return " ".join(said) or "Buy another."


def _shopping(db: Session) -> Iterator[Need]:
    """What is to be bought, and what was ordered and should be here, each in one line: the pages say which."""
    urgent, late = count_buying(db, today_of(db))
    if late:
        title = "One order is overdue" if late == 1 else f"{late} orders are overdue"
        yield Need(
            "late-order", "warn", "clock", title, "Has it come? Receive it, or change the day.", "shopping.orders"
        )
    if urgent:
        title = "One filament to buy" if urgent == 1 else f"{urgent} filaments to buy"
        todo = "There is, or will be, less of it than its threshold."
        yield Need("shopping", "warn", "shopping-cart", title, todo, "shopping.show")
