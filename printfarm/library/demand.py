"""How many variants want each filament. The figure stands on the filament (`demand_count`) and is kept here, in the very
transaction that changes it: a variant counts once for each filament that its plates need, unless it or its model is archived.

Whoever changes what is counted holds the row of the model, so that two at once never count a variant twice, or not at all.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from printfarm.core.locks import locked
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.from_above import Use
from printfarm.filament.models import Filament
from printfarm.filament.service import change_demand
from printfarm.library.models import FilamentRequirement, Model, Plate, Variant

log = logging.getLogger(__name__)


def count_demand(db: Session, *of: ColumnElement[bool]) -> Counter[UUID]:
    """Counted afresh: the variants that want each filament; of some variants or models, if it is said which."""
    wanted = (
        select(FilamentRequirement.filament_id, func.count(Plate.variant_id.distinct()))
        .join(Plate, Plate.id == FilamentRequirement.plate_id)
        .join(Variant, Variant.id == Plate.variant_id)
        .join(Model, Model.id == Variant.model_id)
        .where(FilamentRequirement.filament_id.is_not(None), Variant.archived_at.is_(None), *of)
        .group_by(FilamentRequirement.filament_id)
    )
    return Counter({filament_id: count for filament_id, count in db.execute(wanted) if filament_id is not None})


def uses_of_filaments(db: Session, filament_ids: Sequence[UUID]) -> dict[UUID, Use]:
    """What the variants that want these filaments take of them, each printed once."""
    of_variants = (
        select(
            FilamentRequirement.filament_id,
            func.sum(func.coalesce(FilamentRequirement.total_mg, 0)).label("mg"),
        )
        .join(Plate, Plate.id == FilamentRequirement.plate_id)
        .join(Variant, Variant.id == Plate.variant_id)
        .join(Model, Model.id == Variant.model_id)
        .where(FilamentRequirement.filament_id.in_(filament_ids))
        .where(Variant.archived_at.is_(None), Model.archived_at.is_(None))
        .group_by(FilamentRequirement.filament_id, Variant.id)
        .subquery()
    )
    sums = select(of_variants.c.filament_id, func.sum(of_variants.c.mg), func.max(of_variants.c.mg))
    rows = db.execute(sums.group_by(of_variants.c.filament_id))
    return {filament_id: Use(int(total), int(most)) for filament_id, total, most in rows}


def drifted_demand(db: Session) -> dict[UUID, tuple[int, int]]:
    """Filaments whose figure is not what a fresh count says: (kept, counted). Always empty, or there is a bug."""
    fresh = count_demand(db, Model.archived_at.is_(None))
    kept = db.execute(select(Filament.id, Filament.demand_count))
    return {one: (count, fresh[one]) for one, count in kept if count != fresh[one]}


def check_demand(shop_id: UUID) -> int:
    """Every night: put right what drifted, and say so in the log; how many did. What changes meanwhile is kept, because the
    difference is added and not the figure set.
    """
    with read_only(shop_id) as db:
        drifted = drifted_demand(db)
    if drifted:
        with unit_of_work(shop_id) as db:
            drifted = drifted_demand(db)
            change_demand(db, {one: counted - kept for one, (kept, counted) in drifted.items()})
    for filament_id, (kept, counted) in drifted.items():
        log.error(
            "shop %s: filament %s: wanted by %s variants by its figure, by %s", shop_id, filament_id, kept, counted
        )
    return len(drifted)


def demand_came(db: Session, variant: Variant, model: Model) -> None:
    """A variant was added, with all that it needs."""
    if model.archived_at is None:
        change_demand(db, count_demand(db, Variant.id == variant.id))


def demand_of_model_came(db: Session, model: Model) -> None:
    """A model was taken out of the archive."""
    change_demand(db, count_demand(db, Variant.model_id == model.id))


def demand_of_model_went(db: Session, model: Model) -> None:
    """A model was put away."""
    change_demand(db, {one: -count for one, count in count_demand(db, Variant.model_id == model.id).items()})


@contextmanager
def demand_followed(db: Session, variant: Variant, model: Model) -> Iterator[None]:
    """What happens in here may change which filaments the slots of a variant mean."""
    before = count_demand(db, Variant.id == variant.id)
    yield
    db.flush()
    if variant.archived_at is None and model.archived_at is None:
        change = count_demand(db, Variant.id == variant.id)
        change.subtract(before)
        change_demand(db, change)


def lock_models_wanting(db: Session, filament_ids: Sequence[UUID]) -> None:
    """Nobody changes meanwhile what the variants that want these filaments need."""
    wanting = (
        select(Variant.model_id)
        .join(Plate, Plate.variant_id == Variant.id)
        .join(FilamentRequirement, FilamentRequirement.plate_id == Plate.id)
        .where(FilamentRequirement.filament_id.in_(filament_ids))
    )
    db.scalars(locked(select(Model.id).where(Model.id.in_(wanting)).order_by(Model.id))).all()


def demand_merged(db: Session, filament_id: UUID, into_id: UUID) -> None:
    """What wanted the one filament wants the other. A variant that wanted both counts once."""
    needs = update(FilamentRequirement).where(FilamentRequirement.filament_id == filament_id)
    db.execute(needs.values(filament_id=into_id))
    both = (filament_id, into_id)
    fresh = count_demand(db, Model.archived_at.is_(None), FilamentRequirement.filament_id.in_(both))
    kept = db.execute(select(Filament.id, Filament.demand_count).where(Filament.id.in_(both)))
    change_demand(db, {one: fresh[one] - count for one, count in kept})
