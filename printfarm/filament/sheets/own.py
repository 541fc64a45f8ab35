"""The shop's own facts in a sheet: a column "extra.<key>" for each of a roll's, "filament.extra.<key>" for its filament's, and
"filament.vendor.extra.<key>" for its brand's.

So does Spoolman's export name them. What programs keep as JSON text stands in our own sheets as people write it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from printfarm.core.fields import one_line
from printfarm.filament.models import Brand, Filament, Spool
from printfarm.filament.sheets.saying import EXTRA, OF_BRAND, OF_FILAMENT, Refused
from printfarm.filament.spoolman.fields import as_value, extra_fields

KINDS: Mapping[str, type[Spool | Filament | Brand]] = {"spool": Spool, "filament": Filament, "vendor": Brand}


@dataclass(frozen=True)
class OwnColumns:
    """The keys of the shop's own facts, as columns behind the others."""

    of_spool: tuple[str, ...] = ()
    of_filament: tuple[str, ...] = ()
    of_brand: tuple[str, ...] = ()
    brands: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # what is said of each, by its name

    @property
    def headings(self) -> list[str]:
        named = ((EXTRA, self.of_spool), (OF_FILAMENT, self.of_filament), (OF_BRAND, self.of_brand))
        return [f"{before}{key}" for before, keys in named for key in keys]

    def cells(self, spool: Spool, *, raw: bool) -> list[str]:
        """`raw`: as programs keep them."""
        brand = self.brands.get(spool.filament.brand, {})
        said = ((spool.extra, self.of_spool), (spool.filament.extra, self.of_filament), (brand, self.of_brand))
        values = [extra.get(key, "") for extra, keys in said for key in keys]
        return values if raw else [_as_text(value) for value in values]


@dataclass(frozen=True)
class OwnFields:
    """What the shop has said of its own fields: by kind, then by key."""

    of: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def changed(self, kind: str, has: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
        """What is other than it is here. Raises Refused for what a field cannot hold."""
        return {key: self._value(kind, key, has, text) for key, text in said.items() if not _is(has.get(key), text)}

    def _value(self, kind: str, key: str, has: Mapping[str, str], text: str) -> str:
        defined, before = self.of.get(kind, {}).get(key), has.get(key, "")
        if defined is None:
            return text if _as_text(before) == before else json.dumps(text)
        value = as_value(defined, text)
        if value is None:
            raise Refused(f"“{text[:40]}” is not what your field “{key}” holds ({defined['field_type']}).")
        return value


def own_columns(db: Session) -> OwnColumns:
    """All that the shop has said of any roll, filament or brand, or has a field for: the same columns in each of its sheets."""
    found = []
    for kind, model in KINDS.items():
        keys = {str(one["key"]) for one in extra_fields(db, kind)}
        for extra in db.scalars(select(model.extra).where(cast(model.extra, String) != "{}")):
            keys |= extra.keys()
        found.append(tuple(sorted(keys)))
    of_spool, of_filament, of_brand = found
    brands = {one.name: one.extra for one in db.scalars(select(Brand))} if of_brand else {}
    return OwnColumns(of_spool, of_filament, of_brand, brands)


def own_fields(db: Session, lines: Iterable[object]) -> OwnFields:
    """Asked for only when some line speaks of them."""
    if not any(lines):
        return OwnFields()
    return OwnFields({kind: {one["key"]: one for one in extra_fields(db, kind)} for kind in KINDS})


def _as_text(value: str) -> str:
    """What a program keeps as JSON text, with its quotation marks, as people write it."""
    try:
        said = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return said if isinstance(said, str) else value


def _is(before: str | None, text: str) -> bool:
    return before is not None and text in {one_line(before), one_line(_as_text(before))}
