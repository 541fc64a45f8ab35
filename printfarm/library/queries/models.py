"""Models in lists: filtered, sorted, paged."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from printfarm.core.paging import Paged, paginate
from printfarm.core.searching import stands_in, words_of
from printfarm.library.from_above import PRINTS_OF_MODELS
from printfarm.library.models import Model, ModelTag, Variant

MODELS_PAGE, CHOICES_SHOWN = 24, 60
SORTS = ("recent", "name", "printed")


@dataclass(frozen=True)
class Asked:
    """What a person wants to see of the library; everything stands in the address."""

    text: str = ""
    category: str = ""
    tag: str = ""
    designer: str = ""
    archived: bool = False
    sort: str = "recent"

    @property
    def filters(self) -> bool:
        return bool(self.text or self.category or self.tag or self.designer)


@dataclass(frozen=True)
class ModelCard:
    """A model in a list."""

    model: Model
    variants: int = 0
    printed: int = 0
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Choices:
    """What the list can be narrowed to, the most used first: (value, how many models)."""

    tags: list[tuple[str, int]]
    designers: list[tuple[str, int]]


def list_models(db: Session, asked: Asked, page: int = 1) -> Paged[ModelCard]:
    """Models, filtered, sorted and paged; with what their cards show, in five statements."""
    found = paginate(db, _sorted(_wanted(asked), asked.sort), page, MODELS_PAGE)
    ids = [model.id for model in found.items]
    variants, printed, tags = _variant_counts(db, ids), _printed(db, ids), tags_of(db, ids)
    cards = [
        ModelCard(model, variants.get(model.id, 0), printed.get(model.id, 0), tags.get(model.id, []))
        for model in found.items
    ]
    return Paged(cards, found.number, found.pages, found.total)


def list_choices(db: Session, *, archived: bool = False) -> Choices:
    """Two statements that look at every model: only for a page whose further filters are unfolded."""
    shown = Model.archived_at.is_not(None) if archived else Model.archived_at.is_(None)
    tags = select(ModelTag.tag, func.count()).join(Model, Model.id == ModelTag.model_id).where(shown)
    return Choices(
        tags=_most_used(db, tags, ModelTag.tag),
        designers=_most_used(
            db, select(Model.designer, func.count()).where(shown, Model.designer != ""), Model.designer
        ),
    )


def tags_of(db: Session, model_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The tags of each of these models, by the alphabet."""
    rows = db.execute(
        select(ModelTag.model_id, ModelTag.tag).where(ModelTag.model_id.in_(model_ids)).order_by(ModelTag.tag)
    )
    found: dict[UUID, list[str]] = {}
    for model_id, tag in rows:
        found.setdefault(model_id, []).append(tag)
    return found


def models_in(db: Session, categories: Sequence[str]) -> dict[str, int]:
    """How many models each category holds, archived ones too."""
    rows = db.execute(
        select(Model.category, func.count()).where(Model.category.in_(categories)).group_by(Model.category)
    )
    return {row[0]: row[1] for row in rows}


def search_models(db: Session, text: str, *, limit: int = 8) -> list[Model]:
    """Models whose name is like a text, likest first: for a person who has to choose one."""
    words = [word for word in text.split() if len(word) > 2][:6] or [text]
    likely = select(Model).where(
        Model.archived_at.is_(None), or_(*(Model.name.icontains(word, autoescape=True) for word in words))
    )
    found = list(db.scalars(likely.order_by(Model.updated_at.desc()).limit(200)))
    return sorted(found, key=lambda model: -_likeness(model.name, text))[:limit]


def model_named(db: Session, name: str) -> Model | None:
    """The model of exactly this name, whatever its case as far as the database knows cases (SQLite: A to Z)."""
    wanted = select(Model).where(Model.archived_at.is_(None), func.lower(Model.name) == func.lower(name))
    return db.scalar(wanted.order_by(Model.updated_at.desc()).limit(1))


def _wanted(asked: Asked) -> Select[Any]:
    wanted = select(Model).where(Model.archived_at.is_not(None) if asked.archived else Model.archived_at.is_(None))
    if asked.category:
        wanted = wanted.where(Model.category == asked.category)
    if asked.designer:
        wanted = wanted.where(Model.designer == asked.designer)
    if asked.tag:
        wanted = wanted.where(Model.id.in_(select(ModelTag.model_id).where(ModelTag.tag == asked.tag)))
    if asked.text:
        wanted = wanted.where(*(_is_about(word) for word in words_of(asked.text)))
    return wanted


def _is_about(word: str) -> ColumnElement[bool]:
    """A word stands in one of the model's texts, or in one of its tags."""
    tagged = select(ModelTag.model_id).where(ModelTag.tag.icontains(word, autoescape=True))
    return or_(stands_in(word, Model.name, Model.designer, Model.description, Model.category), Model.id.in_(tagged))


def _sorted(wanted: Select[Any], sort: str) -> Select[Any]:
    by_name = (func.lower(Model.name), Model.id)
    if sort == "name":
        return wanted.order_by(*by_name)
    if sort == "printed" and PRINTS_OF_MODELS:
        counted = PRINTS_OF_MODELS[0](None).subquery()
        most = func.coalesce(counted.c[1], 0).desc()
        return wanted.outerjoin(counted, counted.c[0] == Model.id).order_by(most, *by_name)
    return wanted.order_by(Model.updated_at.desc(), Model.id.desc())


def _printed(db: Session, model_ids: Sequence[UUID]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for ask in PRINTS_OF_MODELS:
        found |= {row[0]: row[1] for row in db.execute(ask(model_ids))}
    return found


def _variant_counts(db: Session, model_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = db.execute(
        select(Variant.model_id, func.count(Variant.name.distinct()))
        .where(Variant.model_id.in_(model_ids))
        .group_by(Variant.model_id)
    )
    return {row[0]: row[1] for row in rows}


def _most_used(db: Session, counted: Select[str, int], column: Any) -> list[tuple[str, int]]:
    rows = db.execute(counted.group_by(column).order_by(func.count().desc(), column).limit(CHOICES_SHOWN))
    return [(row[0], row[1]) for row in rows]


def _likeness(name: str, text: str) -> float:
    return difflib.SequenceMatcher(None, name.casefold(), text.casefold()).ratio()
