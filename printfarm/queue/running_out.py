"""Prints that will use up a roll before they are done: by the ledger, or by the printer's own word where it knows the roll by
its chip and says that less is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.bus import recall_telemetry
from printfarm.core.tenancy import shop_of
from printfarm.filament.models import Spool
from printfarm.files.readers.results import LayerUse
from printfarm.fleet.models import PrinterSlot, slot_label
from printfarm.fleet.queries import PRINTER_TELEMETRY
from printfarm.library.counted import uses_of_plates
from printfarm.library.models import Plate
from printfarm.queue.drawn import booked_of
from printfarm.queue.ending import Draw, RollEnd, end_of_roll
from printfarm.queue.models import ACTIVE_RUN_STATES, NextRoll, PrintRun, RunFilament
from printfarm.queue.service.feeds import Feeding, feeds_of

# A printer guesses what is left in whole per cent of a full roll, and is often off by one or two.
GUESS_IS_OFF = 2
# How long before a roll ends whoever said which one is next is told so: layers at least, per cent of them, or minutes.
SOON_LAYERS, SOON_PERCENT, SOON_MINUTES = 3, 5, 15


@dataclass(frozen=True)
class RunningOut:
    """A roll that a print will use up. `minutes`: until then, by the printer's clock; None where it does not tell.
    `by_printer`: the ledger has enough, but the printer says otherwise. `is_past`: the print is beyond that layer already, so
    the roll held more, or another one feeds it. `then`: the roll that a person said is fed next; `due` says when it is to be
    put in: "now" or "soon", and nothing before that.
    """

    run: PrintRun
    slot: int
    label: str
    slot_id: UUID | None
    spool: Spool
    end: RollEnd
    minutes: int | None
    by_printer: bool
    is_past: bool = False
    then: Spool | None = None
    due: str = ""


@dataclass(frozen=True)
class _Place:
    """A run's roll with the plate's slots that it feeds."""

    run: PrintRun
    feedings: Sequence[Feeding]
    spool: Spool
    slot: PrinterSlot | None
    live: Mapping[str, Any]
    given_mg: int = 0  # what the ledger has booked of this print already
    then: Spool | None = None  # what a person said is fed when this roll ends

    @property
    def reached(self) -> int:
        """The layers that are done."""
        layers = [one for one in (self.run.layer, self.live.get("layer")) if one is not None]
        return max(layers, default=0) if self.run.started_at else 0

    @property
    def layers(self) -> int | None:
        return self.live.get("total_layers") or self.run.total_layers

    def draws(self, from_layer: int | None = None) -> list[Draw] | None:
        """What is taken from the roll from a layer on, or since it was put in; None when nobody saw when that was."""
        found = []
        for one in self.feedings:
            begun = from_layer if from_layer is not None else _begun(one, self.layers)
            if begun is None or one.used.planned_mg is None:
                return None
            found.append(Draw(one.used.slot, one.used.planned_mg, begun))
        return found


def running_out(db: Session, runs: Sequence[PrintRun]) -> dict[UUID, list[RunningOut]]:
    """By run, the rolls that it will use up. Eight statements at most, and one question to Redis."""
    active = [run for run in runs if run.state in ACTIVE_RUN_STATES]
    if not active:
        return {}
    places = _places(db, active)
    plates = {
        plate.id: plate for plate in db.scalars(select(Plate).where(Plate.id.in_({run.plate_id for run in active})))
    }
    suspects = [one for one in places if _ends(one, plates[one.run.plate_id], ())]
    uses = uses_of_plates(
        db, list({one.run.plate_id: plates[one.run.plate_id] for one in places}.values()) if suspects else []
    )
    found: dict[UUID, list[RunningOut]] = {}
    for place in places if suspects else ():
        plate = plates[place.run.plate_id]
        ends = _ends(place, plate, uses.get(plate.id, ()))
        if ends is not None:
            found.setdefault(place.run.id, []).append(_told(place, *ends))
    return found


def _ends(place: _Place, plate: Plate, uses: Sequence[LayerUse]) -> tuple[RollEnd, bool] | None:
    """Where the roll ends, and whether only the printer says so."""
    layers = place.layers or plate.layers
    draws = place.draws()
    end = end_of_roll(place.spool.remaining_mg + place.given_mg, draws, layers, uses) if draws else None
    if end is not None:
        return end, False
    said, rest = _said_left(place), place.draws(place.reached)
    end = end_of_roll(said, rest, layers, uses) if said is not None and rest and layers else None
    return (end, True) if end is not None else None


def _said_left(place: _Place) -> int | None:
    """What the printer says is left on a roll that it knows, with the benefit of the doubt."""
    slot = place.slot
    if slot is None or slot.reported_remain_percent is None or place.run.started_at is None:
        return None
    if slot.reported_tag is None or slot.reported_tag != place.spool.tag:
        return None
    return place.spool.initial_mg * (slot.reported_remain_percent + GUESS_IS_OFF) // 100


def _told(place: _Place, end: RollEnd, by_printer: bool) -> RunningOut:
    feeding = place.feedings[0]
    then = place.then if place.then is not None and place.then.id != place.spool.id else None
    return RunningOut(
        run=place.run,
        slot=feeding.used.slot,
        label=slot_label(*feeding.place),
        slot_id=place.slot.id if place.slot else None,
        spool=place.spool,
        end=end,
        minutes=_minutes(place, end),
        by_printer=by_printer,
        is_past=end.layer is not None and place.reached > end.layer,
        then=then,
        due=_due(place, end) if then else "",
    )


def _due(place: _Place, end: RollEnd) -> str:
    """Whether the next roll is to be put in now, or in some layers or minutes."""
    if place.run.started_at is None:
        return ""
    if end.layer is None:
        done = max(place.run.percent or 0, place.live.get("percent") or 0)
        return "now" if done >= end.percent else "soon" if done >= end.percent - SOON_PERCENT else ""
    if place.reached >= end.layer - 1:
        return "now"
    ahead, minutes = max(SOON_LAYERS, (end.layers or 0) * SOON_PERCENT // 100), _minutes(place, end)
    near = place.reached >= end.layer - 1 - ahead
    return "soon" if near or (minutes is not None and minutes <= SOON_MINUTES) else ""


def _minutes(place: _Place, end: RollEnd) -> int | None:
    """The share of the printer's remaining time that lies before the end of the roll."""
    left: int | None = place.live.get("remaining_minutes")
    layers = place.layers
    if left is None or end.layer is None or not layers or place.reached >= layers:
        return None
    return round(left * max(0, end.layer - 1 - place.reached) / (layers - place.reached))


def _begun(feeding: Feeding, layers: int | None) -> int | None:
    """The layer after which the roll began to feed."""
    feed = feeding.feed
    if feed is None:
        return 0
    if feed.layer is not None:
        return max(0, feed.layer)
    return None if feed.percent is None or not layers else layers * min(100, max(0, feed.percent)) // 100


def _places(db: Session, runs: Sequence[PrintRun]) -> list[_Place]:
    by_id = {run.id: run for run in runs}
    latest = {(feed.run_id, feed.slot): feed for feed in feeds_of(db, list(by_id))}
    used = db.scalars(select(RunFilament).where(RunFilament.run_id.in_(by_id)).order_by(RunFilament.slot))
    feeding = [Feeding(one, latest.get((one.run_id, one.slot))) for one in used]
    wanted = {one.spool_id for one in feeding if one.spool_id}
    spools = {one.id: one for one in db.scalars(select(Spool).where(Spool.id.in_(wanted)))}
    slots = {
        one.spool_id: one for one in db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id.in_(wanted))).unique()
    }
    live = recall_telemetry(shop_of(db), PRINTER_TELEMETRY, {run.printer_id for run in runs})
    rolls: dict[tuple[UUID, UUID], list[Feeding]] = {}
    for one in feeding:
        if one.spool_id in spools and one.spool_id is not None:
            rolls.setdefault((one.used.run_id, one.spool_id), []).append(one)
    if not rolls:
        return []
    given, then = booked_of(db, list(by_id)), _next_rolls(db, list(by_id))
    return [
        _Place(
            by_id[run_id],
            feedings,
            spools[spool_id],
            slots.get(spool_id),
            _of_run(by_id[run_id], live),
            given.get((run_id, spool_id), 0),
            then.get((run_id, feedings[0].used.slot)),
        )
        for (run_id, spool_id), feedings in rolls.items()
    ]


def _next_rolls(db: Session, run_ids: Sequence[UUID]) -> dict[tuple[UUID, int], Spool]:
    """By run and slot, the roll of which a person said that it is fed when this one ends."""
    rows = select(NextRoll.run_id, NextRoll.slot, Spool).join(Spool, Spool.id == NextRoll.spool_id)
    return {(row[0], row[1]): row[2] for row in db.execute(rows.where(NextRoll.run_id.in_(run_ids)))}


def _of_run(run: PrintRun, live: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """What the printer says of this very run."""
    said = live.get(str(run.printer_id), {})
    return said if said.get("run_code") == run.code else {}
