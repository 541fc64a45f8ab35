"""Rules of the library: models, and what a person may change about models and variants."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import NotFound
from printfarm.core.events import emit
from printfarm.core.locks import locked
from printfarm.core.tenancy import shop_of
from printfarm.library.demand import demand_of_model_came, demand_of_model_went
from printfarm.library.events import ModelChanged, VariantChanged
from printfarm.library.models import Model, Plate, Variant
from printfarm.library.service.tags import set_tags


@dataclass(frozen=True)
class ModelFacts:
    """What a person says of a model. The description is Markdown; the source an http address."""

    name: str
    designer: str = ""
    description: str = ""
    category: str = "other"
    licence: str = ""
    source_url: str = ""
    tags: Sequence[str] = field(default=())

    def columns(self) -> dict[str, str]:
        """Those that are the model's own columns."""
        return {name: value for name, value in asdict(self).items() if name != "tags"}


def find_model(db: Session, model_id: UUID, *, lock: bool = False) -> Model:
    """Raises NotFound. `lock` makes others wait who add a version to the same model."""
    wanted = select(Model).where(Model.id == model_id)
    found = db.scalar(locked(wanted) if lock else wanted)
    if found is None:
        raise NotFound("This model is not here. It may have been removed.")
    return found


def find_variant(db: Session, variant_id: UUID) -> Variant:
    """Raises NotFound."""
    found = db.get(Variant, variant_id)
    if found is None:
        raise NotFound("This variant is not here. It may have been removed.")
    return found


def add_model(db: Session, facts: ModelFacts) -> Model:
    """A new model, still without variants."""
    model = Model(**facts.columns())
    db.add(model)
    db.flush()
    set_tags(db, model.id, facts.tags)
    emit(db, ModelChanged(shop_id=shop_of(db), model_id=model.id))
    return model


def edit_model(db: Session, model_id: UUID, facts: ModelFacts) -> Model:
    """Change what is known of a model."""
    model = find_model(db, model_id, lock=True)
    for name, value in facts.columns().items():
        setattr(model, name, value)
    set_tags(db, model_id, facts.tags)
    _model_changed(db, model)
    return model


def archive_model(db: Session, model_id: UUID) -> Model:
    """Put a model away: it leaves the lists, its prints and its history stay."""
    model = find_model(db, model_id, lock=True)
    if model.archived_at is None:
        model.archived_at = utc_now()
        demand_of_model_went(db, model)
        _model_changed(db, model)
    return model


def restore_model(db: Session, model_id: UUID) -> Model:
    """Take a model out of the archive."""
    model = find_model(db, model_id, lock=True)
    if model.archived_at is not None:
        model.archived_at = None
        demand_of_model_came(db, model)
        _model_changed(db, model)
    return model


def edit_variant(db: Session, variant_id: UUID, *, note: str, plate_names: Mapping[int, str]) -> Variant:
    """Change a variant's note and the names of its plates (by number; an empty one means no name)."""
    variant = find_variant(db, variant_id)
    variant.note = note
    for plate in db.scalars(select(Plate).where(Plate.variant_id == variant_id)):
        if plate.number in plate_names:
            plate.name = plate_names[plate.number] or None
    emit(db, VariantChanged(shop_id=shop_of(db), variant_id=variant.id))
    return variant


def next_version(db: Session, model_id: UUID, name: str) -> int:
    """The version that a new file under this name gets."""
    newest = db.scalar(select(func.max(Variant.version)).where(Variant.model_id == model_id, Variant.name == name))
    return (newest or 0) + 1


def plate_pictures(db: Session, model_id: UUID) -> list[UUID]:
    """The pictures of a model's plates, newest file first."""
    rows = db.scalars(
        select(Plate.picture_id)
        .join(Variant, Plate.variant_id == Variant.id)
        .where(Variant.model_id == model_id, Plate.picture_id.is_not(None))
        .order_by(Variant.created_at.desc(), Plate.number)
        .limit(24)
    )
    return [picture_id for picture_id in rows if picture_id is not None]


def _model_changed(db: Session, model: Model) -> None:
    emit(db, ModelChanged(shop_id=shop_of(db), model_id=model.id))
