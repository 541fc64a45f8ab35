"""Filaments themselves: adding, editing, putting away, and how many variants want them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.filament.colours import normal_colours
from printfarm.filament.events import FilamentChanged
from printfarm.filament.models import Filament, Spool
from printfarm.filament.service.brands import brand_name


@dataclass(frozen=True)
class FilamentFacts:
    """What a person says of a filament. `colour_hex`: one colour, or several joined by commas. Weights in milligrams."""

    brand: str
    material: str
    colour_name: str
    colour_hex: str
    finish: str = ""
    density_g_cm3: Decimal | None = None
    diameter_mm: Decimal = Decimal("1.75")
    nozzle_min_c: int | None = None
    nozzle_max_c: int | None = None
    bed_c: int | None = None
    cost_per_gram: Decimal | None = None
    spool_mg: int = 1_000_000
    tare_mg: int | None = None
    low_below_mg: int | None = None
    article_number: str = ""
    supplier: str = ""
    purchase_url: str = ""
    note: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    def cleaned(self) -> dict[str, Any]:
        """The values as they are kept."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        tidy = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        return {**tidy, "colour_hex": normal_colours(self.colour_hex), "extra": dict(self.extra)}


class AlreadyHere(DomainError):
    """The shop has this very filament. `twin_id` says which one it is."""

    def __init__(self, twin: Filament) -> None:
        away = " It is archived; restore it." if twin.archived_at else ""
        super().__init__(f"{name_of(twin)} is already here.{away}")
        self.twin_id = twin.id


def name_of(filament: Filament) -> str:
    """A filament in words: "Prusament PLA matte Galaxy Black"."""
    return " ".join(part for part in (filament.brand, filament.material, filament.finish, filament.colour_name) if part)


def find_filament(db: Session, filament_id: UUID) -> Filament:
    """Raises NotFound."""
    found = db.get(Filament, filament_id)
    if found is None:
        raise NotFound("This filament is not here. It may have been removed.")
    return found


def what_became_of(db: Session, filament_id: UUID) -> UUID:
    """The filament that this one was merged into, and that one; itself where it is still there, or was brought back."""
    seen: set[UUID] = set()
    while filament_id not in seen:
        seen.add(filament_id)
        found = find_filament(db, filament_id)
        if found.archived_at is not None and "merged_into" in found.told:
            filament_id = UUID(found.told["merged_into"])
    return filament_id


def add_filament(db: Session, **facts: Any) -> Filament:
    """A new filament; the facts are those of FilamentFacts, by name. Raises AlreadyHere, also when somebody adds the same
    at this very moment.
    """
    values = FilamentFacts(**facts).cleaned()
    values["brand"] = brand_name(db, values["brand"])
    _refuse_twin(db, values)
    filament = Filament(**values)
    try:
        with db.begin_nested():
            db.add(filament)
    except IntegrityError:
        _refuse_twin(db, values)
        raise
    emit(db, FilamentChanged(shop_id=shop_of(db), filament_id=filament.id))
    return filament


def find_or_add_filament(db: Session, **facts: Any) -> Filament:
    """The shop's own filament with these facts, taken out of the archive if it lay there, or a new one."""
    values = FilamentFacts(**facts).cleaned()
    known = _twin(db, values)
    if known is None:
        try:
            return add_filament(db, **facts)
        except AlreadyHere as added_meanwhile:
            known = find_filament(db, added_meanwhile.twin_id)
    if known.archived_at is not None:
        restore_filament(db, known.id)
    return known


def edit_filament(db: Session, filament_id: UUID, facts: FilamentFacts) -> Filament:
    """Change what is known of a filament."""
    filament = find_filament(db, filament_id)
    values = facts.cleaned()
    values["brand"] = brand_name(db, values["brand"])
    _refuse_twin(db, values, filament_id)
    try:
        with db.begin_nested():
            for name, value in values.items():
                setattr(filament, name, value)
    except IntegrityError:
        _refuse_twin(db, values, filament_id)
        raise
    emit(db, FilamentChanged(shop_id=filament.shop_id, filament_id=filament.id))
    return filament


def archive_filament(db: Session, filament_id: UUID) -> None:
    """Put a filament away. Refused while spools of it are in use; a spool that comes at this moment waits, or comes first."""
    filament = lock_filament(db, filament_id)
    in_use = db.scalar(select(Spool.id).where(Spool.filament_id == filament_id, Spool.archived_at.is_(None)).limit(1))
    if in_use is not None:
        raise DomainError("There are still spools of this filament. Archive them first.")
    filament.archived_at = utc_now()
    emit(db, FilamentChanged(shop_id=filament.shop_id, filament_id=filament.id))


def restore_filament(db: Session, filament_id: UUID) -> None:
    """Bring a filament back."""
    filament = lock_filament(db, filament_id)
    filament.archived_at = None
    emit(db, FilamentChanged(shop_id=filament.shop_id, filament_id=filament.id))


def lock_filament(db: Session, filament_id: UUID) -> Filament:
    """The filament, locked until the transaction ends; after the spool's lock, never before. Raises NotFound."""
    # New rolls and promises of it wait, too: a foreign key asks for a lock that only the weaker one would grant.
    mine = select(Filament).where(Filament.id == filament_id).with_for_update(of=Filament)
    filament = db.scalar(mine.execution_options(populate_existing=True))
    if filament is None:
        raise NotFound("This filament is not here. It may have been removed.")
    return filament


def change_demand(db: Session, by: Mapping[UUID, int]) -> None:
    """So many variants more, or fewer, want each of these filaments. The library says so, within the transaction in which
    it happens; adding in the database itself loses nothing when two do it at once.
    """
    for filament_id in sorted(one for one, change in by.items() if change):
        mine = update(Filament).where(Filament.id == filament_id)
        db.execute(mine.values(demand_count=Filament.demand_count + by[filament_id]))


def _twin(db: Session, values: Mapping[str, Any], but: UUID | None = None) -> Filament | None:
    """Another filament that would be the same; case does not tell two apart."""
    same = [
        func.lower(getattr(Filament, name)) == func.lower(values[name])
        for name in ("brand", "material", "finish", "colour_name")
    ]
    wanted = select(Filament).where(*same, Filament.colour_hex == values["colour_hex"])
    wanted = wanted.where(Filament.diameter_mm == values["diameter_mm"]).order_by(Filament.archived_at.is_not(None))
    with db.no_autoflush:
        found = db.scalars(wanted.where(Filament.id != but) if but else wanted)
        return found.first()


def _refuse_twin(db: Session, values: Mapping[str, Any], but: UUID | None = None) -> None:
    twin = _twin(db, values, but)
    if twin is not None:
        raise AlreadyHere(twin)
