"""Filaments themselves: adding, editing, putting away."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.filament.colours import normal_colours
from printfarm.filament.events import FilamentChanged
from printfarm.filament.models import Filament, Spool


@dataclass(frozen=True)
class FilamentFacts:
    """What a person says of a filament. `colour_hex`: one colour, or several joined by commas."""

    brand: str
    material: str
    colour_name: str
    colour_hex: str
    density_g_cm3: Decimal | None = None
    cost_per_gram: Decimal | None = None
    purchase_url: str = ""
    note: str = ""


def find_filament(db: Session, filament_id: UUID) -> Filament:
    """Raises NotFound."""
    found = db.get(Filament, filament_id)
    if found is None:
        raise NotFound("This filament is not here. It may have been removed.")
    return found


def add_filament(  # noqa: PLR0913  # the facts of a filament, by name
    db: Session,
    *,
    brand: str,
    material: str,
    colour_name: str,
    colour_hex: str,
    density_g_cm3: Decimal | None = None,
    cost_per_gram: Decimal | None = None,
    purchase_url: str = "",
    note: str = "",
) -> Filament:
    """A new filament. The same brand, material and colour again is refused with a sentence."""
    facts = FilamentFacts(brand, material, colour_name, colour_hex, density_g_cm3, cost_per_gram, purchase_url, note)
    filament = Filament(**_cleaned(facts))
    _refuse_twin(db, filament)
    db.add(filament)
    db.flush()
    emit(db, FilamentChanged(shop_id=shop_of(db), filament_id=filament.id))
    return filament


def edit_filament(db: Session, filament_id: UUID, facts: FilamentFacts) -> Filament:
    """Change what is known of a filament."""
    filament = find_filament(db, filament_id)
    for name, value in _cleaned(facts).items():
        setattr(filament, name, value)
    with db.no_autoflush:
        _refuse_twin(db, filament)
    emit(db, FilamentChanged(shop_id=filament.shop_id, filament_id=filament.id))
    return filament


def archive_filament(db: Session, filament_id: UUID) -> None:
    """Put a filament away. Refused while spools of it are in use."""
    filament = find_filament(db, filament_id)
    in_use = db.scalar(select(Spool.id).where(Spool.filament_id == filament_id, Spool.archived_at.is_(None)).limit(1))
    if in_use is not None:
        raise DomainError("There are still spools of this filament. Archive them first.")
    filament.archived_at = utc_now()
    emit(db, FilamentChanged(shop_id=filament.shop_id, filament_id=filament.id))


def restore_filament(db: Session, filament_id: UUID) -> None:
    """Bring a filament back."""
    filament = find_filament(db, filament_id)
    filament.archived_at = None
    emit(db, FilamentChanged(shop_id=filament.shop_id, filament_id=filament.id))


def _cleaned(facts: FilamentFacts) -> dict[str, object]:
    values: dict[str, object] = {
        name: value.strip() if isinstance(value, str) else value for name, value in asdict(facts).items()
    }
    values["colour_hex"] = normal_colours(facts.colour_hex)
    return values


def _refuse_twin(db: Session, filament: Filament) -> None:
    twin = db.scalar(
        select(Filament).where(
            Filament.brand == filament.brand,
            Filament.material == filament.material,
            Filament.colour_hex == filament.colour_hex,
            Filament.colour_name == filament.colour_name,
        )
    )
    if twin is not None and twin is not filament:
        away = " It is archived; restore it." if twin.archived_at else ""
        raise DomainError(f"{filament.brand} {filament.material} {filament.colour_name} is already here.{away}")
