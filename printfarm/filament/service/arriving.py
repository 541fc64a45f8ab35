"""Many rolls that come at once, as a sheet tells of them: by the same laws as one, in a handful of statements for all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from printfarm.core.clock import utc_now
from printfarm.core.events import emit
from printfarm.core.ids import SPOOL_CODE, new_code, new_id
from printfarm.core.tenancy import shop_of
from printfarm.filament.events import FilamentChanged, SpoolChanged, StockChanged
from printfarm.filament.models import Filament, Spool, StockEntry
from printfarm.filament.numbers import next_numbers
from printfarm.filament.service.brands import brand_named
from printfarm.filament.service.filaments import FilamentFacts
from printfarm.filament.service.spools import SpoolFacts
from printfarm.filament.service.states import follow_the_ledger
from printfarm.filament.service.stock import refuse_impossible


@dataclass(frozen=True)
class Arrival:
    """A roll that is new here. `line`: what goes into its first line of the ledger."""

    filament: Filament
    weight_mg: int
    facts: SpoolFacts
    code: str | None = None  # its own, if it brings one
    is_ordered: bool = False
    is_archived: bool = False
    line: Mapping[str, Any] = field(default_factory=dict)


def filament_to_come(facts: FilamentFacts) -> Filament:
    """A filament that nobody has written yet: `take_in_filaments` does, many at once."""
    return Filament(id=new_id(), demand_count=0, unassigned_mg=0, **facts.cleaned())


def take_in_filaments(db: Session, made: Sequence[Filament]) -> None:
    """Write filaments that the caller has found to be new. Who adds the same at this very moment is an IntegrityError."""
    brands = {name: brand_named(db, name).name for name in dict.fromkeys(one.brand for one in made) if name}
    for one, number in zip(made, next_numbers(db, "filament", len(made)), strict=True):
        one.brand, one.number = brands.get(one.brand, ""), number
    db.add_all(made)
    db.flush()
    for one in made:
        emit(db, FilamentChanged(shop_id=shop_of(db), filament_id=one.id))


def take_in_spools(db: Session, arrivals: Sequence[Arrival]) -> list[Spool]:
    """Rolls with their first lines in the ledger. A code that another roll got meanwhile is an IntegrityError."""
    codes = iter(_free_codes(db, sum(one.code is None for one in arrivals)))
    numbers = next_numbers(db, "spool", len(arrivals))
    spools = [_spool(one, number, one.code or next(codes)) for one, number in zip(arrivals, numbers, strict=True)]
    db.add_all(spools)
    db.flush()
    entries = [_first_line(one, spool) for one, spool in zip(arrivals, spools, strict=True)]
    db.add_all(entries)
    db.flush()
    for one, spool, entry in zip(arrivals, spools, entries, strict=True):
        set_committed_value(spool, "filament", one.filament)
        emit(db, StockChanged(shop_id=spool.shop_id, filament_id=spool.filament_id, spool_id=spool.id))
        follow_the_ledger(db, spool, entry)
        emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return spools


def _spool(one: Arrival, number: int, code: str) -> Spool:
    refuse_impossible(one.weight_mg)
    initial_mg = one.weight_mg if one.facts.initial_mg is None else one.facts.initial_mg
    begun = one.facts.opened_on is not None or one.weight_mg < initial_mg
    facts = replace(one.facts, initial_mg=initial_mg)
    return Spool(
        id=new_id(),
        number=number,
        filament_id=one.filament.id,
        code=code,
        state="on order" if one.is_ordered else "open" if begun else "sealed",
        remaining_mg=one.weight_mg,
        archived_at=utc_now() if one.is_archived else None,
        **{name.name: getattr(facts, name.name) for name in fields(facts)},
    )


def _first_line(one: Arrival, spool: Spool) -> StockEntry:
    return StockEntry(
        filament_id=spool.filament_id, spool_id=spool.id, delta_mg=one.weight_mg, cause="imported", **one.line
    )


def _free_codes(db: Session, count: int) -> list[str]:
    """Codes that no roll of the shop has, discarded ones included: their labels may still stick somewhere."""
    found: list[str] = []
    while len(found) < count:
        found += _untaken(db, {new_code(SPOOL_CODE) for _ in range(count - len(found))} - {*found})
    return found


def _untaken(db: Session, codes: Iterable[str]) -> list[str]:
    wanted = list(codes)
    taken = set(db.scalars(select(Spool.code).where(Spool.code.in_(wanted))))
    return [one for one in wanted if one not in taken]
