"""The shop's own fields, and the settings that clients keep with us. Both are JSON text in one table."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import Shop
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.tenancy import shop_of
from printfarm.filament.models_spoolman import SpoolmanSetting
from printfarm.filament.spoolman.asking import MOST_FIELDS, ExtraField

ENTITIES = ("vendor", "filament", "spool")
# The settings that clients know, their JSON type, and what they are until somebody sets them.
SETTINGS: dict[str, tuple[str, Any]] = {
    "currency": ("string", "EUR"),
    "round_prices": ("boolean", False),
    "print_presets": ("array", []),
    **{f"extra_fields_{entity}": ("array", []) for entity in ENTITIES},
    "base_url": ("string", ""),
    "locations": ("array", []),
    "locations_spoolorders": ("object", {}),
}
TYPES: dict[str, type] = {"string": str, "boolean": bool, "array": list, "object": dict}
LONGEST = 60_000
KEY = re.compile(r"[a-z0-9_]{1,64}")


class NotSo(DomainError):
    """A value is not what the field or setting holds."""

    status = 400


def settings(db: Session) -> dict[str, dict[str, Any]]:
    """All settings, set or not."""
    kept = {one.key: one.value for one in db.scalars(select(SpoolmanSetting))}
    kept["currency"] = json.dumps(_currency(db))
    return {
        key: {"value": kept.get(key, json.dumps(default)), "is_set": key in kept, "type": kind}
        for key, (kind, default) in SETTINGS.items()
    }


def setting(db: Session, key: str) -> dict[str, Any]:
    """Raises NotFound."""
    if key not in SETTINGS:
        raise NotFound(f"Setting {key} does not exist.")
    return settings(db)[key]


def set_setting(db: Session, key: str, value: str | None) -> None:
    """Keep a setting, or forget it (None). Raises NotFound, NotSo."""
    setting(db, key)
    if value is None:
        db.execute(delete(SpoolmanSetting).where(SpoolmanSetting.key == key))
        return
    said = _parsed(key, value)
    if key == "currency" and said != _currency(db):
        raise DomainError("The currency is one of the shop's settings in PrintFarm; change it there.")
    if key.startswith("extra_fields_"):
        said = [_field(key.removeprefix("extra_fields_"), one) for one in said]
    _keep(db, key, said)


def extra_fields(db: Session, entity: str) -> list[dict[str, Any]]:
    """The shop's own fields of one kind of row. Raises NotFound."""
    if entity not in ENTITIES:
        raise NotFound(f"There are no fields of {entity}.")
    found: list[dict[str, Any]] = json.loads(settings(db)[f"extra_fields_{entity}"]["value"])
    return found


def keep_field(db: Session, entity: str, key: str, said: ExtraField) -> list[dict[str, Any]]:
    """A new field, or another definition of one. Raises NotSo."""
    known = [one for one in extra_fields(db, entity) if one["key"] != key]
    if len(known) >= MOST_FIELDS:
        raise NotSo(f"There are {MOST_FIELDS} fields already.")
    made = _field(entity, {**said.model_dump(exclude_none=True), "key": key})
    _keep(db, f"extra_fields_{entity}", [*known, made])
    return extra_fields(db, entity)


def remove_field(db: Session, entity: str, key: str) -> list[dict[str, Any]]:
    """The definition goes; what rows hold of it stays until they are changed. Raises NotFound."""
    known = extra_fields(db, entity)
    left = [one for one in known if one["key"] != key]
    if len(left) == len(known):
        raise NotFound(f"Extra field with key {key} does not exist for entity type {entity}")
    _keep(db, f"extra_fields_{entity}", left)
    return left


def with_extra(
    db: Session, entity: str, known: Mapping[str, str], sent: Mapping[str, str | None] | None, *, new: bool = False
) -> dict[str, str]:
    """A row's own fields with what was sent: by key, null takes a value away. A new row gets the defaults. Raises NotSo."""
    if not sent and not new:
        return dict(known)
    defined = {one["key"]: one for one in extra_fields(db, entity)}
    values = dict(known)
    if new:
        values |= {key: one["default_value"] for key, one in defined.items() if one.get("default_value") is not None}
    for key, value in (sent or {}).items():
        if key not in defined:
            raise NotSo(f"Unknown extra field {key}.")
        if value is None:
            values.pop(key, None)
        elif not _fits(defined[key], value):
            raise NotSo(f"Invalid extra field for key {key}: this is not a value of type {defined[key]['field_type']}.")
        else:
            values[key] = value
    return values


def as_value(field: Mapping[str, Any], text: str) -> str | None:
    """What a person wrote for a field, as it is kept: JSON text. None when the field cannot hold it."""
    as_text = json.dumps(text, ensure_ascii=False)
    tried = (as_text, text) if field["field_type"] in {"text", "datetime"} else (text, as_text)
    return next((one for one in tried if _fits(field, one)), None)


def adopt_fields(db: Session, theirs: Mapping[str, list[Any]]) -> None:
    """The definitions of another Spoolman's fields, where the shop has none of that key; what is no definition is left."""
    for entity in ENTITIES:
        known = extra_fields(db, entity)
        keys = {one["key"] for one in known}
        for made in well_defined(entity, theirs.get(entity, [])):
            has_room = len(known) < MOST_FIELDS and len(json.dumps([*known, made])) <= LONGEST
            if made["key"] not in keys and has_room:
                keys.add(made["key"])
                known.append(made)
        if known:
            _keep(db, f"extra_fields_{entity}", known)


def well_defined(entity: str, theirs: Sequence[Any]) -> list[dict[str, Any]]:
    """Those of another Spoolman's definitions that are any."""
    made = []
    for said in theirs[:MOST_FIELDS]:
        with suppress(NotSo):
            made.append(_field(entity, said))
    return made


def _keep(db: Session, key: str, value: Any) -> None:
    text = json.dumps(value)
    if len(text) > LONGEST:
        raise NotSo("This is too much for one setting.")
    row = db.scalar(select(SpoolmanSetting).where(SpoolmanSetting.key == key).with_for_update())
    if row is None:
        db.add(SpoolmanSetting(key=key, value=text))
    else:
        row.value = text
    db.flush()


def _parsed(key: str, value: str) -> Any:
    kind = SETTINGS[key][0]
    try:
        said = json.loads(value)
    except (ValueError, RecursionError) as problem:
        raise NotSo("Value is not valid JSON.") from problem
    if not isinstance(said, TYPES[kind]):
        raise NotSo(f"Setting {key} must be of type {kind}.")
    return said


def _field(entity: str, said: Any) -> dict[str, Any]:
    """A definition in full. Raises NotSo."""
    if not isinstance(said, dict) or not isinstance(said.get("key"), str) or not KEY.fullmatch(said["key"]):
        raise NotSo("A key has small letters, digits and _, at most 64.")
    try:
        field = ExtraField.model_validate(said)
    except ValueError as problem:
        raise NotSo(f"The field {said['key'][:64]} is not well defined.") from problem
    if (field.field_type == "choice") != (field.choices is not None) or (
        field.field_type == "choice" and field.multi_choice is None
    ):
        raise NotSo("Choices and multi_choice are for fields of type choice, and those need both.")
    made = {**field.model_dump(exclude_none=True), "key": said["key"], "entity_type": entity}
    if field.default_value is not None and not _fits(made, field.default_value):
        raise NotSo("Default value is not valid.")
    return made


def _fits(field: Mapping[str, Any], value: str) -> bool:
    """Whether JSON text holds a value of the field's type."""
    try:
        said = json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    kind = field["field_type"]
    if kind in {"text", "datetime"}:
        return isinstance(said, str)
    if kind == "boolean":
        return isinstance(said, bool)
    if kind == "choice":
        chosen = said if field.get("multi_choice") else [said]
        return isinstance(chosen, list) and all(one in field["choices"] for one in chosen)
    numbers = said if kind.endswith("_range") else [said]
    allowed = (int,) if kind.startswith("integer") else (int, float)
    if kind.endswith("_range") and (not isinstance(said, list) or len(said) != 2):
        return False
    return all(isinstance(one, allowed) and not isinstance(one, bool) for one in numbers)


def _refuse(_constant: str) -> float:
    raise ValueError("not a number")


def _currency(db: Session) -> str:
    shop = db.get(Shop, shop_of(db))
    return shop.currency if shop else "EUR"
