"""What a sheet tells of filaments and brands: rolls of one may differ in it, so that it fills gaps and changes nothing."""

from collections.abc import Mapping
from typing import Any

from printfarm.core.fields import one_line
from printfarm.core.units import grams_from_mg
from printfarm.filament.models import Brand, Filament
from printfarm.filament.sheets.own import OwnFields
from printfarm.filament.sheets.saying import Refused, Said

FILAMENT_TEXTS = {"article": "article_number", "link": "purchase_url"}
TOLD = {"article_number": "article number", "purchase_url": "where to buy"}


def of_filament(own: OwnFields, filament: Filament | None, said: Said) -> tuple[dict[str, Any], str]:
    """What a filament is told of itself, where it says nothing yet; and what it keeps. Rolls of one filament may differ in a
    sheet, so that none of them changes what is there.
    """
    texts = {FILAMENT_TEXTS[key]: said.texts[key] for key in FILAMENT_TEXTS if key in said.texts}
    has = filament.extra if filament is not None else {}
    extra = own.changed("filament", has, said.filament_extra)
    if filament is not None:
        texts = {name: text for name, text in texts.items() if not is_same(getattr(filament, name), text)}
    kept = [TOLD[name] for name in texts if filament is not None and getattr(filament, name)]
    kept += [key for key in extra if key in has]
    told: dict[str, Any] = {name: text for name, text in texts.items() if TOLD[name] not in kept}
    if "purchase_url" in told and not told["purchase_url"].startswith(("https://", "http://")):
        raise Refused("Where to buy is an address that begins with https://.")
    new = {key: value for key, value in extra.items() if key not in has}
    told |= {"extra": {**has, **new}} if new else {}
    stays = f"its filament keeps its {', '.join(kept)}: change that on the filament’s page" if kept else ""
    return told, stays


def of_brand(own: OwnFields, brands: Mapping[str, Brand], name: str, said: Said) -> tuple[dict[str, str], str]:
    """As of a filament: what is not said of the brand yet."""
    if not said.brand_extra or not name:
        return {}, "it has no brand that could be told anything" if said.brand_extra else ""
    brand = brands.get(name.casefold())
    has = brand.extra if brand is not None else {}
    extra = own.changed("vendor", has, said.brand_extra)
    kept = ", ".join(key for key in extra if key in has)
    stays = f"its brand keeps its {kept}: change that on the brand’s page" if kept else ""
    return {key: value for key, value in extra.items() if key not in has}, stays


def words_of(told: Mapping[str, Any]) -> list[str]:
    return [f"{TOLD[name]}: {word_of(told[name])}" for name in told if name != "extra"] + [
        f"{key}: {word_of(value)}" for key, value in told.get("extra", {}).items()
    ]


def is_same(here: Any, said: Any) -> bool:
    """A cell has one line, whatever was written here."""
    return bool(here == said) or (isinstance(here, str) and one_line(here) == said)


def word_of(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, int):
        return f"{grams_from_mg(value).normalize():f} g"
    return str(value)[:80]
