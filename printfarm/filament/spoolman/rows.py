"""The rows of another Spoolman, as we understand them: the same from its API, its exports and its tables."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from printfarm.filament.spoolman.asking import HEAVIEST_G

KINDS = ("vendor", "filament", "spool")


def _text(value: Any) -> Any:
    return "" if value is None else _storable(str(value)).strip()[:2000]


def _storable(text: str) -> str:
    """Without what no database keeps: NUL, and halves of a sign."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _empty(value: Any) -> Any:
    return None if value in ("", None) else value


def _whole(value: Any) -> Any:
    """Temperatures stand as 210.0 in some exports."""
    value = _empty(value)
    try:
        return round(float(value)) if value is not None else None
    except (OverflowError, TypeError) as problem:
        raise ValueError("not a temperature") from problem


def _extra(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return (
        {_storable(str(key)): _storable(str(one)) for key, one in value.items() if one is not None}
        if isinstance(value, dict)
        else {}
    )


def _in_utc(at: datetime) -> datetime:
    """What has no zone there is in UTC; the same second, however it was written."""
    if not 1970 <= at.year <= 2200:
        raise ValueError("this time cannot be right")
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.replace(microsecond=0)


Text = Annotated[str, BeforeValidator(_text)]
Grams = Annotated[Annotated[float, Field(ge=0, le=HEAVIEST_G)] | None, BeforeValidator(_empty)]
Money = Annotated[Annotated[float, Field(ge=0, le=1_000_000)] | None, BeforeValidator(_empty)]
Celsius = Annotated[Annotated[int, Field(ge=0, le=600)] | None, BeforeValidator(_whole)]
Moment = Annotated[datetime, AfterValidator(_in_utc)]
Time = Annotated[Moment | None, BeforeValidator(_empty)]
Number = Annotated[int, Field(ge=1, le=2_000_000_000)]


class Row(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    id: Number
    registered: Moment
    comment: Text = ""
    extra: Annotated[dict[str, str], BeforeValidator(_extra), Field(max_length=100)] = {}
    external_id: Text = ""

    @property
    def second(self) -> str:
        """When it was registered, as it is compared."""
        return self.registered.replace(tzinfo=None).isoformat() + "Z"

    def facts(self) -> dict[str, Any]:
        """What is remembered of it, to see at the next import what has changed there."""
        return self.model_dump(mode="json", exclude={"id", "registered"})


class Vendor(Row):
    name: Annotated[str, BeforeValidator(_text), Field(min_length=1)]
    empty_spool_weight: Grams = None


class Filament(Row):
    vendor_id: Annotated[int | None, BeforeValidator(_empty)] = None
    name: Text = ""
    material: Text = ""
    price: Money = None
    density: Annotated[float, Field(ge=0.01, le=30)]
    diameter: Annotated[float, Field(ge=0.1, le=10)]
    weight: Grams = None
    spool_weight: Grams = None
    article_number: Text = ""
    settings_extruder_temp: Celsius = None
    settings_bed_temp: Celsius = None
    color_hex: Text = ""
    multi_color_hexes: Text = ""
    multi_color_direction: Text = ""


class Spool(Row):
    filament_id: Number
    price: Money = None
    initial_weight: Grams = None
    spool_weight: Grams = None
    used_weight: Annotated[float, Field(ge=0, le=10 * HEAVIEST_G)] = 0
    location: Text = ""
    lot_nr: Text = ""
    archived: Annotated[bool, BeforeValidator(lambda value: value or False)] = False
    first_used: Time = None
    last_used: Time = None


MODELS: dict[str, type[Row]] = {"vendor": Vendor, "filament": Filament, "spool": Spool}


def kind_of(raw: dict[str, Any]) -> str:
    """What a record is, by what only such records have."""
    if "filament_id" in raw or "used_weight" in raw or isinstance(raw.get("filament"), dict):
        return "spool"
    return "filament" if "density" in raw or "diameter" in raw or "vendor_id" in raw else "vendor"


def read_row(kind: str, raw: dict[str, Any]) -> Row:
    """Raises ValidationError."""
    values = dict(raw)
    if kind == "spool" and isinstance(raw.get("filament"), dict):
        values.setdefault("filament_id", raw["filament"].get("id"))
    if kind == "filament" and isinstance(raw.get("vendor"), dict):
        values.setdefault("vendor_id", raw["vendor"].get("id"))
    return MODELS[kind].model_validate(values)


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """A row of an export, where nested facts have dots in their names ("filament.vendor.name")."""
    made: dict[str, Any] = {}
    for name, value in flat.items():
        *way, last = str(name).split(".")[:6]
        place = made
        for step in way:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place[last] = value
    return made
