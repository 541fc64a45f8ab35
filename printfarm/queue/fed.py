"""Which rolls fed a print, in words, for the pages of jobs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.filament.models import Spool
from printfarm.fleet.models import slot_label
from printfarm.queue.models import PrintRun, RunFeed, RunFilament
from printfarm.queue.service.feeds import feeds_of


def fed_in_words(db: Session, runs: Sequence[PrintRun]) -> dict[UUID, list[str]]:
    """By run, for each slot that more than one roll fed: "Anna A1: spool K7QX2 until layer 120, then M3TRW". Two statements."""
    changes: dict[tuple[UUID, int], list[RunFeed]] = {}
    for feed in feeds_of(db, [run.id for run in runs]):
        changes.setdefault((feed.run_id, feed.slot), []).append(feed)
    wanted = {feed.spool_id for feeds in changes.values() for feed in feeds}
    wanted |= {used.spool_id for run in runs for used in run.filaments if (run.id, used.slot) in changes}
    rows = (
        db.execute(select(Spool.id, Spool.code).where(Spool.id.in_([one for one in wanted if one]))) if changes else ()
    )
    codes = {row.id: row.code for row in rows}
    return {
        run.id: [
            f"{run.printer.name} {_line(used, changes[run.id, used.slot], codes)}"
            for used in run.filaments
            if (run.id, used.slot) in changes
        ]
        for run in runs
    }


def _line(used: RunFilament, feeds: Sequence[RunFeed], codes: dict[UUID, str]) -> str:
    place = slot_label(used.ams_unit, used.printer_slot)
    words = f"{place}: {_roll(used.spool_id, codes, 'spool ')}"
    for feed in feeds:
        now = slot_label(feed.ams_unit, feed.printer_slot)
        elsewhere = f" in {now}" if now != place else ""
        words += f" until {_where(feed)}, then {_roll(feed.spool_id, codes)}{elsewhere}"
        place = now
    return words


def _roll(spool_id: UUID | None, codes: dict[UUID, str], before: str = "") -> str:
    return before + codes[spool_id] if spool_id in codes else "a roll that nobody has named"


def _where(feed: RunFeed) -> str:
    if feed.layer is not None:
        return f"layer {feed.layer}" if feed.layer else "the start"
    return f"{feed.percent} %" if feed.percent is not None else "a point that nobody saw"
