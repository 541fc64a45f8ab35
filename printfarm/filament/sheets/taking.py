"""Taking lines of a sheet in, in the caller's transaction. The same lines again change nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.core.events import emit
from printfarm.filament import service
from printfarm.filament.events import BrandChanged
from printfarm.filament.models import Filament, Spool
from printfarm.filament.models_spoolman import SpoolmanOrigin
from printfarm.filament.service import SpoolFacts
from printfarm.filament.service.arriving import Arrival, filament_to_come, take_in_filaments, take_in_spools
from printfarm.filament.service.belonging import change_filament
from printfarm.filament.service.stock import lock_spool
from printfarm.filament.sheets.planning import Known, Plan, colour_of, cost_of, judge, know
from printfarm.filament.sheets.saying import Said


def take_in(
    db: Session, lines: Sequence[tuple[Said, str]], *, source: str, user_id: UUID | None
) -> list[tuple[Said, Plan]]:
    """What became of each line. One that is refused leaves nothing behind; the others are taken in all the same. Somebody who
    writes the same at this very moment is an IntegrityError, and a second try knows of it.
    """
    known = know(db, lines)
    _lock(db, known, lines)
    done, new = [], _New(db, known)
    for said, key in lines:
        reason = f"{source}, line {said.line}"
        try:
            plan = judge(known, said, key)
            if _touches_what_is_here(plan):
                new.write()
                with db.begin_nested():
                    _touch(db, known, said, plan, reason=reason, user_id=user_id)
            if plan.what == "new":
                new.note(said, plan, {"reason": reason, "cause_key": key, "user_id": user_id})
        except DomainError as problem:
            plan = Plan("refused", problem.sentence, said.name)
        done.append((said, plan))
    new.write()
    return done


def _touches_what_is_here(plan: Plan) -> bool:
    """Other than a roll that is new, which nobody has a lock on."""
    filament = plan.filament
    told = filament is not None and (filament.archived_at is not None or bool(plan.of_filament))
    return plan.what == "changed" or (plan.what == "new" and (told or bool(plan.of_brand)))


class _New:
    """What is new in some lines, written together: what comes first in the sheet has the smaller number."""

    def __init__(self, db: Session, known: Known) -> None:
        self._db, self._known = db, known
        self._filaments: list[Filament] = []
        self._rolls: list[tuple[Said, Arrival]] = []

    def note(self, said: Said, plan: Plan, line: Mapping[str, Any]) -> None:
        filament = plan.filament or self._filament(said, plan)
        cost = cost_of(said, said.weights.get("initial", plan.left_mg))
        facts = SpoolFacts(**{**plan.facts, "cost_per_gram": cost})
        arrival = Arrival(
            filament,
            plan.left_mg or 0,
            facts,
            code=said.code,
            is_ordered=said.state == "on order",
            is_archived=bool(plan.archive),
            line=line,
        )
        self._rolls.append((said, arrival))

    def write(self) -> None:
        filaments, rolls = self._filaments, self._rolls
        self._filaments, self._rolls = [], []
        if filaments:
            take_in_filaments(self._db, filaments)
        if not rolls:
            return
        spools = take_in_spools(self._db, [arrival for _, arrival in rolls])
        for (said, _), spool in zip(rolls, spools, strict=True):
            if said.origin is not None:
                self._remember_origin(said.origin, spool)

    def _filament(self, said: Said, plan: Plan) -> Filament:
        texts = said.texts
        weight = said.weights.get("initial") or said.weights.get("filament_weight")
        more: dict[str, Any] = {} if said.diameter is None else {"diameter_mm": said.diameter}
        more |= {"spool_mg": weight} if weight else {}
        facts = service.FilamentFacts(
            brand=texts.get("brand", ""),
            material=texts["material"],
            finish=texts.get("finish", ""),
            colour_name=texts["colour"],
            colour_hex=colour_of(said),
            **{**more, **plan.of_filament},
        )
        made = filament_to_come(facts)
        self._filaments.append(made)
        self._known.filaments.setdefault(texts["colour"].casefold(), []).append(made)
        return made

    def _remember_origin(self, origin: tuple[int, str], spool: Spool) -> None:
        number, registered = origin
        held = {"held_mg": spool.remaining_mg}
        known = SpoolmanOrigin(kind="spool", number=number, registered=registered, subject_id=spool.id, facts=held)
        self._db.add(known)


def _lock(db: Session, known: Known, lines: Sequence[tuple[Said, str]]) -> None:
    """The rolls that are meant, always in one order, and as they are now."""
    wanted = {known.codes[said.code].id for said, _ in lines if said.code in known.codes}
    wanted |= {spool.id for spool in known.numbers.values()} | {spool.id for spool, _ in known.origins.values()}
    for spool_id in sorted(wanted):
        lock_spool(db, spool_id)


def _touch(db: Session, known: Known, said: Said, plan: Plan, *, reason: str, user_id: UUID | None) -> None:
    if plan.of_brand:
        _tell_brand(db, known, said, plan)
    if plan.spool is not None:
        _change(db, plan.spool, plan, said.state, reason=reason, user_id=user_id)
        _remember_weight(db, known, said, plan.spool)
    elif plan.filament is not None:  # of a roll that is new
        if plan.filament.archived_at is not None:
            service.restore_filament(db, plan.filament.id)
        _tell_filament(db, plan.filament, plan)


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


def _tell_brand(db: Session, known: Known, said: Said, plan: Plan) -> None:
    of = plan.filament or (plan.spool.filament if plan.spool is not None else None)
    brand = service.brand_named(db, of.brand if of is not None else said.texts["brand"])
    brand.extra = {**plan.of_brand, **brand.extra}
    known.brands[brand.name.casefold()] = brand
    emit(db, BrandChanged(shop_id=brand.shop_id, brand_id=brand.id))


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
