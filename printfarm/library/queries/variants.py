"""Variants: in a model's list, and one with everything on its page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, selectinload

from printfarm.core.paging import Paged, paginate
from printfarm.filament.models import Filament
from printfarm.files.models import StoredFile
from printfarm.library.from_above import Prints, prints_of_plates
from printfarm.library.models import FilamentRequirement, Model, Plate, Variant
from printfarm.library.service import find_model, find_variant

VARIANTS_PAGE, VERSIONS_SHOWN, OTHERS_SHOWN = 20, 50, 200


@dataclass(frozen=True)
class VariantSummary:
    """A variant in a list: sums over its plates. `None` where a plate does not say."""

    variant: Variant
    plates: list[Plate]
    duration_s: int | None
    total_mg: int | None
    colours: list[str]
    versions: int = 1
    prints: Prints = field(default_factory=Prints)

    @property
    def picture_id(self) -> UUID | None:
        return next((plate.picture_id for plate in self.plates if plate.picture_id), None)


@dataclass(frozen=True)
class VariantPage:
    """One variant with everything on its page."""

    variant: Variant
    model: Model
    file: StoredFile
    summary: VariantSummary
    versions: list[Variant]
    filaments: dict[UUID, Filament] = field(default_factory=dict)


def newest_variants(db: Session, model_id: UUID, page: int = 1) -> Paged[VariantSummary]:
    """The newest version of each variant of a model, by name."""
    newer = aliased(Variant)
    has_newer = select(newer.id).where(
        newer.model_id == Variant.model_id, newer.name == Variant.name, newer.version > Variant.version
    )
    wanted = (
        select(Variant)
        .where(Variant.model_id == model_id, ~has_newer.exists())
        .order_by(func.lower(Variant.name), Variant.id)
    )
    found = paginate(db, wanted, page, VARIANTS_PAGE)
    versions = {
        row[0]: row[1]
        for row in db.execute(
            select(Variant.name, func.count())
            .where(Variant.model_id == model_id, Variant.name.in_([v.name for v in found.items]))
            .group_by(Variant.name)
        )
    }
    return Paged(summaries(db, found.items, versions), found.number, found.pages, found.total)


def variant_page(db: Session, variant_id: UUID) -> VariantPage:
    """Raises NotFound."""
    variant = find_variant(db, variant_id)
    (summary,) = summaries(db, [variant], {})
    versions = db.scalars(
        select(Variant)
        .where(Variant.model_id == variant.model_id, Variant.name == variant.name)
        .order_by(Variant.version.desc())
        .limit(VERSIONS_SHOWN)
    )
    file = db.get_one(StoredFile, variant.file_id)
    model = find_model(db, variant.model_id)
    return VariantPage(variant, model, file, summary, list(versions), filaments_of(db, summary.plates))


def other_variants(db: Session, variant: Variant) -> list[Variant]:
    """What a variant can be compared with: the others of its model, its own earlier versions first."""
    wanted = select(Variant).where(Variant.model_id == variant.model_id, Variant.id != variant.id)
    order = ((Variant.name != variant.name), func.lower(Variant.name), Variant.version.desc())
    return list(db.scalars(wanted.order_by(*order).limit(OTHERS_SHOWN)))


def variant_of_file(db: Session, file_id: UUID) -> Variant | None:
    """What a stored file has become, or None while it waits for an answer."""
    return db.scalar(select(Variant).where(Variant.file_id == file_id).limit(1))


def filaments_of(db: Session, plates: Sequence[Plate]) -> dict[UUID, Filament]:
    """The filaments that were decided for these plates."""
    ids = {need.filament_id for plate in plates for need in plate.requirements if need.filament_id}
    return {found.id: found for found in db.scalars(select(Filament).where(Filament.id.in_(ids)))} if ids else {}


def summaries(db: Session, variants: Sequence[Variant], versions: dict[str, int]) -> list[VariantSummary]:
    """The sums of each variant, in a fixed number of statements."""
    wanted = (
        select(Plate)
        .where(Plate.variant_id.in_([variant.id for variant in variants]))
        .options(selectinload(Plate.requirements))
        .order_by(Plate.number)
    )
    plates: dict[UUID, list[Plate]] = {}
    for plate in db.scalars(wanted):
        plates.setdefault(plate.variant_id, []).append(plate)
    prints = prints_of_plates(db, [plate.id for several in plates.values() for plate in several])
    return [_summary(one, plates.get(one.id, []), versions.get(one.name, 1), prints) for one in variants]


def _summary(variant: Variant, plates: list[Plate], versions: int, prints: dict[UUID, Prints]) -> VariantSummary:
    requirements = [requirement for plate in plates for requirement in plate.requirements]
    return VariantSummary(
        variant=variant,
        plates=plates,
        duration_s=_sum([plate.duration_s for plate in plates]),
        total_mg=_sum([requirement.total_mg for requirement in requirements]),
        colours=list(dict.fromkeys(_colours(requirements)))[:8],
        versions=versions,
        prints=sum((prints[plate.id] for plate in plates), Prints()),
    )


def _colours(requirements: Sequence[FilamentRequirement]) -> list[str]:
    return [requirement.colour_hex for requirement in requirements if requirement.colour_hex]


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
