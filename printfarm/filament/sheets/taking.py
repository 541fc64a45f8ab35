"""Taking lines of a sheet in, in the caller's transaction. The same lines again change nothing."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from printfarm.core.errors import DomainError
from printfarm.filament import service
from printfarm.filament.models import Filament, Spool
from printfarm.filament.models_spoolman import SpoolmanOrigin
from printfarm.filament.service import SpoolFacts
from printfarm.filament.service.belonging import change_filament
from printfarm.filament.service.spools import take_in_spool
from printfarm.filament.service.stock import lock_spool
from printfarm.filament.sheets.planning import Known, Plan, colour_of, cost_of, judge, know
from printfarm.filament.sheets.saying import Said


def take_in(
    db: Session, lines: Sequence[tuple[Said, str]], *, source: str, user_id: UUID | None
) -> list[tuple[Said, Plan]]:
    """What became of each line. One that is refused leaves nothing behind; the others are taken in all the same."""
    known = know(db, lines)
    _lock(db, known, lines)
    done = []
    for said, key in lines:
        try:
            plan = judge(known, said, key)
            with nullcontext() if _is_plain(plan) else db.begin_nested():
                _do(db, known, said, key, plan, reason=f"{source}, line {said.line}", user_id=user_id)
        except DomainError as problem:
            plan = Plan("refused", problem.sentence, said.name)
            _forget_rolled_back(known, said)
        done.append((said, plan))
    return done


def _is_plain(plan: Plan) -> bool:
    """A roll of a filament that is here: nothing is written of it before all is known to be right."""
    filament = plan.filament
    return plan.what == "same" or (
        plan.what == "new" and filament is not None and filament.archived_at is None and not plan.of_filament
    )


def _forget_rolled_back(known: Known, said: Said) -> None:
    """A filament that was made for a line that was refused is gone again."""
    colour = said.texts.get("colour", "").casefold()
    known.filaments[colour] = [one for one in known.filaments.get(colour, ()) if object_session(one) is not None]


def _lock(db: Session, known: Known, lines: Sequence[tuple[Said, str]]) -> None:
    """The rolls that are meant, always in one order, and as they are now."""
    wanted = {known.codes[said.code].id for said, _ in lines if said.code in known.codes}
    wanted |= {spool.id for spool in known.numbers.values()} | {spool.id for spool, _ in known.origins.values()}
    for spool_id in sorted(wanted):
        lock_spool(db, spool_id)


def _do(db: Session, known: Known, said: Said, key: str, plan: Plan, *, reason: str, user_id: UUID | None) -> None:
    if plan.what == "new":
        spool = _add(db, known, said, key, plan, reason=reason, user_id=user_id)
        known.codes[spool.code] = known.keys[key] = spool
    elif plan.what == "changed" and plan.spool is not None:
        _change(db, plan.spool, plan, said.state, reason=reason, user_id=user_id)
        _remember_weight(db, known, said, plan.spool)


def _add(db: Session, known: Known, said: Said, key: str, plan: Plan, *, reason: str, user_id: UUID | None) -> Spool:
    filament = plan.filament or _add_filament(db, known, said, plan)
    if filament.archived_at is not None:
        service.restore_filament(db, filament.id)
    if plan.filament is not None:
        _tell_filament(db, filament, plan)
    facts = SpoolFacts(**{**plan.facts, "cost_per_gram": cost_of(said, said.weights.get("initial", plan.left_mg))})
    spool = take_in_spool(
        db,
        filament.id,
        weight_mg=plan.left_mg or 0,
        facts=facts,
        is_ordered=said.state == "on order",
        code=said.code,
        reason=reason,
        cause_key=key,
        user_id=user_id,
    )
    if plan.archive:
        service.archive_spool(db, spool.id)
    if said.origin is not None:
        number, registered = said.origin
        held = {"held_mg": spool.remaining_mg}
        db.add(SpoolmanOrigin(kind="spool", number=number, registered=registered, subject_id=spool.id, facts=held))
    return spool


def _add_filament(db: Session, known: Known, said: Said, plan: Plan) -> Filament:
    facts = {"brand": said.texts.get("brand", ""), "material": said.texts["material"]}
    facts |= {"finish": said.texts.get("finish", ""), "colour_name": said.texts["colour"]}
    more: dict[str, Any] = {} if said.diameter is None else {"diameter_mm": said.diameter}
    weight = said.weights.get("initial") or said.weights.get("filament_weight")
    more |= {"spool_mg": weight} if weight else {}
    more |= plan.of_filament
    made = service.find_or_add_filament(db, colour_hex=colour_of(said), **facts, **more)
    known.filaments.setdefault(said.texts["colour"].casefold(), []).append(made)
    return made


def _change(db: Session, spool: Spool, plan: Plan, said_state: str, *, reason: str, user_id: UUID | None) -> None:
    if plan.archive is False:
        service.restore_spool(db, spool.id, user_id=user_id)
    if plan.deed == "receive":
        service.receive_ordered(db, spool.id, user_id=user_id)
    if plan.filament is not None:
        change_filament(db, spool.id, plan.filament.id, user_id=user_id)
    else:
        _tell_filament(db, spool.filament, plan)
    if plan.facts:
        service.edit_spool(db, spool.id, replace(SpoolFacts.of(spool), **plan.facts))
    if plan.left_mg not in {None, spool.remaining_mg}:
        service.set_weight(db, spool.id, plan.left_mg, reason=reason, user_id=user_id)
    _turn(db, spool, plan, said_state, reason=reason, user_id=user_id)
    if plan.archive and spool.archived_at is None:
        service.archive_spool(db, spool.id)


def _turn(db: Session, spool: Spool, plan: Plan, state: str, *, reason: str, user_id: UUID | None) -> None:
    """Its state, by the same deeds as on the pages; what became of it by the other cells may be enough."""
    if spool.state == state:
        return
    if plan.deed in {"opened", "receive"} and spool.state == "sealed":
        service.open_spool(db, spool.id)
    elif plan.deed == "empty":
        service.empty_spool(db, spool.id, user_id=user_id)
    elif plan.deed == "discard":
        service.discard_spool(db, spool.id, reason=reason, user_id=user_id)


def _tell_filament(db: Session, filament: Filament, plan: Plan) -> None:
    if plan.of_filament:
        known = {one.name: getattr(filament, one.name) for one in fields(service.FilamentFacts)}
        service.edit_filament(db, filament.id, service.FilamentFacts(**{**known, **plan.of_filament}))


def _remember_weight(db: Session, known: Known, said: Said, spool: Spool) -> None:
    """What a Spoolman said of its roll, to tell at the next sheet what was changed there since."""
    if said.origin not in known.origins or said.left_mg is None:
        return
    number, registered = said.origin
    mine = select(SpoolmanOrigin).where(SpoolmanOrigin.kind == "spool", SpoolmanOrigin.number == number)
    origin = db.scalars(mine.where(SpoolmanOrigin.registered == registered)).one()
    origin.facts = {**origin.facts, "held_mg": said.left_mg}
    known.origins[said.origin] = spool, said.left_mg
