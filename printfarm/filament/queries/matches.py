"""Which filaments of the shop look like another, or like what a file asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from printfarm.filament.colours import FAR, SAME, distance
from printfarm.filament.materials import family, finish_in, is_brand, spellings
from printfarm.filament.models import Filament

# What each thing that two filaments have in common is worth, of a hundred.
COLOUR, BRAND, FINISH = 72, 18, 10
SIMILAR = 6  # shown at most

_Facts = Row[UUID, str, str, str, str]


@dataclass(frozen=True)
class FilamentMatch:
    """A filament that may be the one that is meant. `score` 0 to 100; `why` in words."""

    filament: Filament
    score: int
    why: str


def match_filaments(
    db: Session,
    *,
    material: str | None,
    colour_hex: str | None,
    vendor: str | None = None,
    preset: str = "",
    limit: int = 8,
) -> list[FilamentMatch]:
    """The shop's filaments that fit a requirement, best first. Another material never fits; "PLA+" and "PLA matte" are PLA.
    `preset`: what the slicer calls it, which often tells the finish.
    """
    finish = finish_in(f"{material or ''} {preset}") if preset else None
    judged = ((one, *_judge(one, colour_hex, vendor, finish)) for one in _of_material(db, material))
    return _best(db, (one for one in judged if one[1] > 0), limit)


def similar_filaments(db: Session, material: str, colour_hex: str, *, but: UUID | None = None) -> list[FilamentMatch]:
    """The filaments of the same material whose colour is nearly this one, the nearest first."""
    apart = ((one, distance(one.colour_hex, colour_hex)) for one in _of_material(db, material) if one.id != but)
    near = ((one, round(100 - 100 * far / FAR), _looks(far)) for one, far in apart if far <= SAME)
    return _best(db, near, SIMILAR)


def _of_material(db: Session, material: str | None) -> list[_Facts]:
    """Only what is looked at: a shop may have thousands, of which a few are shown."""
    columns = (Filament.id, Filament.brand, Filament.material, Filament.finish, Filament.colour_hex)
    wanted = select(*columns).where(Filament.archived_at.is_(None)).order_by(Filament.created_at, Filament.id)
    if not material:
        return list(db.execute(wanted))
    kind = family(material)
    named = (func.lower(Filament.material).contains(part, autoescape=True) for part in spellings(kind))
    return [one for one in db.execute(wanted.where(or_(*named))) if family(one.material) == kind]


def _judge(one: _Facts, colour_hex: str | None, vendor: str | None, finish: str | None) -> tuple[int, str]:
    far = distance(one.colour_hex, colour_hex) if colour_hex else SAME
    near = max(0.0, 1 - far / FAR)
    same_brand = is_brand(one.brand, vendor or "")
    same_finish = finish is None or finish_in(f"{one.material} {one.finish}") == finish
    score = round(COLOUR * near) + (BRAND * same_brand + FINISH * same_finish if near else 0)
    words = [_looks(far)]
    if vendor:
        words.append("same brand" if same_brand else "another brand")
    return score, ", ".join(words + ([] if same_finish else ["another finish"]))


def _looks(far: float) -> str:
    return "same colour" if far < 1 else "nearly the same colour" if far <= SAME else "another colour"


def _best(db: Session, judged: Iterable[tuple[_Facts, int, str]], limit: int) -> list[FilamentMatch]:
    first = sorted(judged, key=lambda one: -one[1])[:limit]
    found = {one.id: one for one in db.scalars(select(Filament).where(Filament.id.in_([row.id for row, *_ in first])))}
    return [FilamentMatch(found[row.id], score, why) for row, score, why in first]
