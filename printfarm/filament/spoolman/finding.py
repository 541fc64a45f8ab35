"""Lists as clients ask for them: filters by part of a word, sorting, a piece of the whole and how long the whole is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.filament.colours import distance
from printfarm.filament.models import Brand, Filament, Spool

MOST = 5000  # without a limit, so many at once; X-Total-Count says how many there are
LARGEST_OFFSET = 10_000_000
FARTHEST = 765.0  # what colours.distance says of black and white

Asked = Mapping[str, str]


class NotAsked(DomainError):
    """A filter or order that is none."""

    status = 422


@dataclass(frozen=True)
class Found:
    """A piece of a list, and how many there are in all."""

    items: Sequence[Any]
    total: int


def find_vendors(db: Session, asked: Asked) -> Found:
    wanted = select(Brand).where(Brand.name != "")
    wanted = _where(wanted, asked, {("name",): _text(Brand.name)})
    wanted = _external(db, wanted, Brand, asked)
    order = {
        "id": Brand.number,
        "registered": Brand.created_at,
        "name": func.lower(Brand.name),
        "comment": Brand.note,
        "empty_spool_weight": Brand.tare_mg,
    }
    return _piece(db, wanted, asked, order, Brand.number)


def find_filaments(db: Session, asked: Asked) -> Found:
    wanted = select(Filament).where(Filament.archived_at.is_(None))
    wanted = _where(wanted, asked, _filament_filters(""))
    wanted = _external(db, wanted, Filament, asked)
    if asked.get("color_hex"):
        wanted = wanted.where(Filament.id.in_(_alike(db, asked)))
    return _piece(db, wanted, asked, _filament_order(""), Filament.number)


def find_spools(db: Session, asked: Asked) -> Found:
    """Those that are here; archived ones only on request, discarded ones never."""
    wanted = select(Spool).join(Filament, (Filament.shop_id == Spool.shop_id) & (Filament.id == Spool.filament_id))
    wanted = wanted.where(Spool.state.not_in(("discarded", "on order")))
    if asked.get("allow_archived", "").lower() not in {"1", "true", "yes", "on"}:
        wanted = wanted.where(Spool.archived_at.is_(None))
    filters = _filament_filters("filament.")
    filters |= {("location",): _text(Spool.location), ("lot_nr",): _text(Spool.batch)}
    wanted = _where(wanted, asked, filters)
    order = {
        "id": Spool.number,
        "registered": Spool.created_at,
        "first_used": Spool.first_used_at,
        "last_used": Spool.last_used_at,
        "price": Spool.cost_per_gram * Spool.initial_mg,
        "remaining_weight": Spool.remaining_mg,
        "remaining_length": Spool.remaining_mg,
        "used_weight": Spool.initial_mg - Spool.remaining_mg,
        "used_length": Spool.initial_mg - Spool.remaining_mg,
        "initial_weight": Spool.initial_mg,
        "spool_weight": Spool.tare_mg,
        "location": Spool.location,
        "lot_nr": Spool.batch,
        "comment": Spool.note,
        "archived": Spool.archived_at,
        **_filament_order("filament."),
    }
    return _piece(db, wanted, asked, order, Spool.number)


def every(db: Session, find: Callable[[Session, Asked], Found], asked: Asked) -> list[Any]:
    """The whole of a list, where nobody can ask for the next piece of it."""
    items: list[Any] = []
    while True:
        piece = find(db, {**asked, "offset": str(len(items))})
        items += piece.items
        if not piece.items or len(items) >= piece.total:
            return items


def words_in(db: Session, column: Any) -> list[str]:
    """What stands in a column, each once."""
    used = select(column).where(column != "").distinct().order_by(column).limit(MOST)
    return list(db.scalars(used))


def _filament_filters(prefix: str) -> dict[tuple[str, ...], Callable[[str], ColumnElement[bool]]]:
    vendor, ours = f"{prefix}vendor.", prefix.rstrip(".")
    old = f"{ours}_" if ours else ""
    return {
        (f"{prefix}name", f"{old}name"): _text(Filament.colour_name),
        (f"{prefix}material", f"{old}material"): _text(Filament.material),
        (f"{prefix}article_number",): _text(Filament.article_number),
        (f"{vendor}name", "vendor_name"): _text(Filament.brand),
        (f"{vendor}id", "vendor_id"): _of_vendor,
        **({(f"{prefix}id", f"{old}id"): _numbers(Filament.number)} if prefix else {}),
    }


def _filament_order(prefix: str) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "id": Filament.number,
        "registered": Filament.created_at,
        "name": func.lower(Filament.colour_name),
        "material": func.lower(Filament.material),
        "price": Filament.cost_per_gram * Filament.spool_mg,
        "density": Filament.density_g_cm3,
        "diameter": Filament.diameter_mm,
        "weight": Filament.spool_mg,
        "spool_weight": Filament.tare_mg,
        "article_number": Filament.article_number,
        "comment": Filament.note,
        "settings_extruder_temp": Filament.nozzle_max_c,
        "settings_bed_temp": Filament.bed_c,
        "color_hex": Filament.colour_hex,
        "vendor.name": func.lower(Filament.brand),
        "vendor.id": select(Brand.number)
        .where(Brand.shop_id == Filament.shop_id, Brand.name == Filament.brand)
        .scalar_subquery(),
    }
    named = {f"{prefix}{name}": column for name, column in columns.items()}
    named[f"{prefix}combined_name"] = func.lower(Filament.brand + " - " + Filament.colour_name)
    return named


def _where(
    wanted: Select[Any], asked: Asked, filters: dict[tuple[str, ...], Callable[[str], ColumnElement[bool]]]
) -> Select[Any]:
    for names, condition in filters.items():
        text = next((asked[name] for name in names if name in asked), None)
        if text is not None:
            wanted = wanted.where(condition(text))
    return wanted


def _text(column: Any) -> Callable[[str], ColumnElement[bool]]:
    """Terms parted by commas: one of them stands in the column; in quotes it is the column; an empty one means nothing is."""

    def condition(text: str) -> ColumnElement[bool]:
        terms = [part.strip() for part in _storable(text).split(",")][:50]
        return or_(*(_stands(column, term) for term in terms))

    return condition


def _stands(column: Any, term: str) -> Any:
    if not term or term == '""':
        return column == ""
    if len(term) > 1 and term[0] == term[-1] == '"':
        return column == term[1:-1]
    return column.icontains(term, autoescape=True)


def _numbers(column: Any) -> Callable[[str], ColumnElement[bool]]:
    return lambda text: column.in_(_ids(text))


def _of_vendor(text: str) -> ColumnElement[bool]:
    ids = _ids(text)
    named = select(Brand.name).where(Brand.shop_id == Filament.shop_id, Brand.number.in_(ids))
    of_them = Filament.brand.in_(named)
    return or_(of_them, Filament.brand == "") if -1 in ids else of_them


def _ids(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")][:500]
    except ValueError as problem:
        raise NotAsked("An ID is a whole number; several are parted by commas.") from problem
    return [one for one in found if abs(one) < 2**31]


def _external(db: Session, wanted: Select[Any], table: Any, asked: Asked) -> Select[Any]:
    """By the name in another database, which is kept beside our own columns."""
    text = asked.get("external_id")
    if text is None:
        return wanted
    terms = {part.strip().strip('"') for part in text.split(",")}
    known = db.execute(select(table.id, table.told))
    mine = [row_id for row_id, told in known if str(told.get("external_id") or "") in terms]
    return wanted.where(table.id.in_(mine))


def _alike(db: Session, asked: Asked) -> list[Any]:
    """Filaments of about this colour: 0 is the same, 100 as different as black and white."""
    try:
        wanted, near = f"#{asked['color_hex'].lstrip('#')}", float(asked.get("color_similarity_threshold", "20"))
        known = db.execute(select(Filament.id, Filament.colour_hex).where(Filament.archived_at.is_(None)))
        return [
            row_id
            for row_id, colours in known
            if any(distance(wanted, one) <= near * FARTHEST / 100 for one in colours.split(","))
        ]
    except (ValueError, DomainError) as problem:
        raise NotAsked("A colour is six hexadecimal digits, its threshold a number from 0 to 100.") from problem


def _piece(db: Session, wanted: Select[Any], asked: Asked, columns: dict[str, Any], last: Any) -> Found:
    total = db.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    ordered = wanted.order_by(*_order(asked.get("sort", ""), columns), last)
    limit = min(_whole(asked, "limit", MOST), MOST)
    piece = ordered.limit(limit).offset(min(_whole(asked, "offset", 0), LARGEST_OFFSET))
    return Found(db.scalars(piece).all(), total)


def _order(text: str, columns: dict[str, Any]) -> list[Any]:
    made = []
    for part in [one for one in text.split(",") if one.strip()][:10]:
        name, _, direction = part.strip().partition(":")
        if name not in columns or direction.lower() not in {"", "asc", "desc"}:
            raise NotAsked(f"Nothing can be sorted by {part[:80]}.")
        made.append(columns[name].desc() if direction.lower() == "desc" else columns[name].asc())
    return made


def _whole(asked: Asked, name: str, default: int) -> int:
    text = asked.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 12:
        raise NotAsked(f"{name} is a whole number from 0 on.")
    return int(text)


def _storable(text: str) -> str:
    return text.replace("\x00", "")[:1000]
