"""Categories: those that every shop has, and the shop's own. A model keeps the name of its category."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.library.events import CategoriesChanged
from printfarm.library.models import CATEGORIES, Category, Model

MOST_CATEGORIES = 60


def own_categories(db: Session) -> list[Category]:
    """The shop's own, by name."""
    return list(db.scalars(select(Category).order_by(func.lower(Category.name)).limit(MOST_CATEGORIES)))


def category_choices(db: Session) -> list[tuple[str, str]]:
    """All of them: what is kept, and what people read. The shop's own come first."""
    mine = [(category.name, category.name) for category in own_categories(db)]
    return [*mine, *((category, category.capitalize()) for category in CATEGORIES)]


def find_category(db: Session, category_id: UUID) -> Category:
    """Raises NotFound."""
    found = db.get(Category, category_id)
    if found is None:
        raise NotFound("This category is not here. It may have been removed.")
    return found


def add_category(db: Session, name: str) -> Category:
    """Refuses a name that there is, and more than a list can show."""
    _refuse_known(db, name)
    if (db.scalar(select(func.count()).select_from(Category)) or 0) >= MOST_CATEGORIES:
        raise DomainError(f"A shop has {MOST_CATEGORIES} categories of its own at most. Use tags for finer parts.")
    category = Category(name=name)
    try:
        with db.begin_nested():
            db.add(category)
    except IntegrityError as known:
        raise _known(name) from known  # somebody else was faster
    emit(db, CategoriesChanged(shop_id=shop_of(db)))
    return category


def rename_category(db: Session, category_id: UUID, name: str) -> Category:
    """Its models follow."""
    category = find_category(db, category_id)
    if category.name != name:
        _refuse_known(db, name, besides=category)
        _move_models(db, category.name, name)
        try:
            with db.begin_nested():
                category.name = name
        except IntegrityError as known:
            raise _known(name) from known
        emit(db, CategoriesChanged(shop_id=shop_of(db)))
    return category


def remove_category(db: Session, category_id: UUID, *, move_to: str | None) -> int:
    """Remove one of the shop's own; returns how many models moved to `move_to`.

    Refused while models are in it and nobody has said where they go.
    """
    category = find_category(db, category_id)
    inside = db.scalar(select(func.count()).select_from(Model).where(Model.category == category.name)) or 0
    if inside:
        known = {value for value, _label in category_choices(db)} - {category.name}
        if move_to not in known:
            many = "1 model is" if inside == 1 else f"{inside} models are"
            raise DomainError(f"{many} in “{category.name}”. Say which category they go to, then remove it.")
        _move_models(db, category.name, move_to)
    db.delete(category)
    db.flush()
    emit(db, CategoriesChanged(shop_id=shop_of(db)))
    return inside


def _move_models(db: Session, old: str, new: str) -> None:
    """The models' own time of change stays: nobody has worked on them."""
    moved = update(Model).where(Model.category == old).values(category=new, updated_at=Model.updated_at)
    db.execute(moved, execution_options={"synchronize_session": False})


def _refuse_known(db: Session, name: str, *, besides: Category | None = None) -> None:
    known = {value.casefold() for value, _label in category_choices(db)}
    if besides is not None:
        known.discard(besides.name.casefold())
    if name.casefold() in known:
        raise _known(name)


def _known(name: str) -> DomainError:
    return DomainError(f"There is a category “{name}” already.")
