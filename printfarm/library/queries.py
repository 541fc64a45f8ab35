"""What the library's screens need, each in a fixed number of statements."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased, selectinload

from printfarm.core.paging import Paged, paginate
from printfarm.core.searching import speaks_of
from printfarm.core.units import cost_minor
from printfarm.filament.models import Filament
from printfarm.files.models import StoredFile
from printfarm.library.models import FilamentRequirement, Model, Plate, Variant, VariantMetadata
from printfarm.library.service import find_model, find_variant

MODELS_PAGE, VARIANTS_PAGE, VERSIONS_SHOWN, METADATA_SHOWN = 24, 20, 50, 200
SORTS = ("recent", "name")


@dataclass(frozen=True)
class ModelCard:
    """A model in a list."""

    model: Model
    variants: int


@dataclass(frozen=True)
class VariantSummary:
    """A variant in a list: sums over its plates. `None` where a plate does not say."""

    variant: Variant
    plates: list[Plate]
    duration_s: int | None
    total_mg: int | None
    colours: list[str]
    versions: int = 1

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


@dataclass(frozen=True)
class Comparison:
    """Lines of metadata that differ between two variants; None where one of them says nothing. `total` counts all."""

    one: Variant
    other: Variant
    lines: list[tuple[str, str | None, str | None]]
    total: int


@dataclass(frozen=True)
class MetadataPage:
    """Lines of a file's metadata that speak of what was searched; `total` counts all that do."""

    lines: list[tuple[str, str]]
    total: int


def list_models(
    db: Session, *, text: str = "", category: str = "", archived: bool = False, sort: str = "recent", page: int = 1
) -> Paged[ModelCard]:
    """Models, filtered, sorted and paged; with how many variants each has."""
    wanted = select(Model).where(Model.archived_at.is_not(None) if archived else Model.archived_at.is_(None))
    if category:
        wanted = wanted.where(Model.category == category)
    if text:
        wanted = wanted.where(speaks_of(text, Model.name, Model.designer, Model.description, Model.category))
    order = (func.lower(Model.name), Model.id) if sort == "name" else (Model.updated_at.desc(), Model.id.desc())
    found = paginate(db, wanted.order_by(*order), page, MODELS_PAGE)
    counts = _variant_counts(db, [model.id for model in found.items])
    return Paged([ModelCard(m, counts.get(m.id, 0)) for m in found.items], found.number, found.pages, found.total)


def search_models(db: Session, text: str, *, limit: int = 8) -> list[Model]:
    """Models whose name is like a text, likest first: for a person who has to choose one."""
    words = [word for word in text.split() if len(word) > 2][:6] or [text]
    likely = select(Model).where(
        Model.archived_at.is_(None), or_(*(Model.name.icontains(word, autoescape=True) for word in words))
    )
    found = list(db.scalars(likely.order_by(Model.updated_at.desc()).limit(200)))
    return sorted(found, key=lambda model: -_likeness(model.name, text))[:limit]


def model_named(db: Session, name: str) -> Model | None:
    """The model of exactly this name, whatever its case."""
    wanted = select(Model).where(Model.archived_at.is_(None), func.lower(Model.name) == name.lower())
    return db.scalar(wanted.order_by(Model.updated_at.desc()).limit(1))


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
    return Paged(_summaries(db, found.items, versions), found.number, found.pages, found.total)


def variant_page(db: Session, variant_id: UUID) -> VariantPage:
    """Raises NotFound."""
    variant = find_variant(db, variant_id)
    (summary,) = _summaries(db, [variant], {})
    ids = {r.filament_id for plate in summary.plates for r in plate.requirements if r.filament_id}
    filaments = {f.id: f for f in db.scalars(select(Filament).where(Filament.id.in_(ids)))}
    versions = db.scalars(
        select(Variant)
        .where(Variant.model_id == variant.model_id, Variant.name == variant.name)
        .order_by(Variant.version.desc())
        .limit(VERSIONS_SHOWN)
    )
    file = db.get_one(StoredFile, variant.file_id)
    return VariantPage(variant, find_model(db, variant.model_id), file, summary, list(versions), filaments)


def metadata_of(db: Session, variant_id: UUID, text: str = "") -> MetadataPage:
    """What the file says of itself, as lines of key and value, filtered by a text in either."""
    sought = text.casefold()
    lines = [
        line
        for line in _lines(_raw(db, variant_id), "")
        if sought in line[0].casefold() or sought in line[1].casefold()
    ]
    return MetadataPage(lines[:METADATA_SHOWN], len(lines))


def compare(db: Session, one_id: UUID, other_id: UUID) -> Comparison:
    """What the metadata of two variants says differently. Raises NotFound."""
    one, other = find_variant(db, one_id), find_variant(db, other_id)
    ours, theirs = (dict(_lines(_raw(db, variant.id), "")) for variant in (one, other))
    keys = [*ours, *(key for key in theirs if key not in ours)]
    lines = [(key, ours.get(key), theirs.get(key)) for key in keys if ours.get(key) != theirs.get(key)]
    return Comparison(one, other, lines[:METADATA_SHOWN], len(lines))


def cost_of(shown: VariantPage, minor_per_major: int) -> int | None:
    """What the filament of all plates costs, in minor units; None when a weight, a filament or its price is unknown."""
    total = 0
    for need in (need for plate in shown.summary.plates for need in plate.requirements):
        filament = shown.filaments.get(need.filament_id) if need.filament_id else None
        if filament is None or filament.cost_per_gram is None or need.total_mg is None:
            return None
        total += cost_minor(need.total_mg, filament.cost_per_gram, minor_per_major)
    return total


def variant_of_file(db: Session, file_id: UUID) -> Variant | None:
    """What a stored file has become, or None while it waits for an answer."""
    return db.scalar(select(Variant).where(Variant.file_id == file_id).limit(1))


def _raw(db: Session, variant_id: UUID) -> dict[str, Any]:
    return db.scalar(select(VariantMetadata.raw).where(VariantMetadata.variant_id == variant_id)) or {}


def _summaries(db: Session, variants: Sequence[Variant], versions: dict[str, int]) -> list[VariantSummary]:
    wanted = (
        select(Plate)
        .where(Plate.variant_id.in_([variant.id for variant in variants]))
        .options(selectinload(Plate.requirements))
        .order_by(Plate.number)
    )
    plates: dict[UUID, list[Plate]] = {}
    for plate in db.scalars(wanted):
        plates.setdefault(plate.variant_id, []).append(plate)
    return [_summary(variant, plates.get(variant.id, []), versions.get(variant.name, 1)) for variant in variants]


def _summary(variant: Variant, plates: list[Plate], versions: int) -> VariantSummary:
    requirements = [requirement for plate in plates for requirement in plate.requirements]
    return VariantSummary(
        variant=variant,
        plates=plates,
        duration_s=_sum([plate.duration_s for plate in plates]),
        total_mg=_sum([requirement.total_mg for requirement in requirements]),
        colours=list(dict.fromkeys(_colours(requirements)))[:8],
        versions=versions,
    )


def _colours(requirements: Sequence[FilamentRequirement]) -> list[str]:
    return [requirement.colour_hex for requirement in requirements if requirement.colour_hex]


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _variant_counts(db: Session, model_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = db.execute(
        select(Variant.model_id, func.count(Variant.name.distinct()))
        .where(Variant.model_id.in_(model_ids))
        .group_by(Variant.model_id)
    )
    return {row[0]: row[1] for row in rows}


def _likeness(name: str, text: str) -> float:
    return difflib.SequenceMatcher(None, name.casefold(), text.casefold()).ratio()


def _lines(value: Any, path: str) -> list[tuple[str, str]]:
    """Nested metadata as lines: `project_settings › layer_height`, "0.2"."""
    if isinstance(value, dict):
        return [line for key, inner in value.items() for line in _lines(inner, f"{path} › {key}" if path else str(key))]
    if isinstance(value, list) and any(isinstance(inner, (dict, list)) for inner in value):
        return [line for number, inner in enumerate(value, 1) for line in _lines(inner, f"{path} › {number}")]
    if isinstance(value, list):
        return [(path, ", ".join(str(inner) for inner in value))]
    return [(path, "" if value is None else str(value))]
