"""Common brands, their materials and colours, to pick from. We wrote it ourselves (docs/decisions/0030): names are as sold,
colours and temperatures our own approximations. One file of `brands/` for each brand; "Generic" says what most have in common.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from printfarm.core.searching import words_of
from printfarm.filament.colours import SAME, distance, normal_colours
from printfarm.filament.materials import family, finish_in, is_brand

GENERIC = "Generic"
# Colours to begin with, as a box of crayons has them: name and hexadecimal value.
PRESETS = (
    ("Black", "#1A1A1A"),
    ("Dark grey", "#4A4B4D"),
    ("Grey", "#8C8C8C"),
    ("Light grey", "#C4C6C8"),
    ("White", "#F7F7F5"),
    ("Clear", "#FFFFFF40"),
    ("Beige", "#E3D3B3"),
    ("Brown", "#6C4529"),
    ("Red", "#C8202B"),
    ("Orange", "#F0701E"),
    ("Yellow", "#F5CB1B"),
    ("Lime", "#9CCB3C"),
    ("Green", "#2F8F3A"),
    ("Dark green", "#1F4D32"),
    ("Turquoise", "#28B0A8"),
    ("Light blue", "#6FB6E0"),
    ("Blue", "#1F56A8"),
    ("Navy blue", "#1C2A50"),
    ("Purple", "#6B3A99"),
    ("Lilac", "#B7A0D2"),
    ("Pink", "#EE8FB2"),
    ("Magenta", "#C2257D"),
    ("Gold", "#C79A36"),
    ("Silver", "#B9BCC0"),
)


@dataclass(frozen=True)
class Line:
    """One product line of a brand: what all its colours have in common. `tare_g` only where one is known well."""

    brand: str
    url: str
    name: str
    material: str
    finish: str
    density_g_cm3: Decimal
    diameter_mm: Decimal
    nozzle_min_c: int
    nozzle_max_c: int
    bed_c: int
    tare_g: int | None


@dataclass(frozen=True)
class Entry:
    """One colour of a line. `key` names it in addresses."""

    key: str
    line: Line
    colour_name: str
    colour_hex: str
    words: str  # what is searched, in small letters


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """The whole catalogue: brands by name, the generic ones last; read once."""
    brands = [tomllib.loads(path.read_text("utf-8")) for path in (Path(__file__).parent / "brands").glob("*.toml")]
    brands.sort(key=lambda brand: (brand["name"] == GENERIC, brand["name"].lower()))
    return tuple(entry for brand in brands for line in brand["line"] for entry in _entries(brand, line))


@lru_cache(maxsize=1)
def _by_key() -> dict[str, Entry]:
    return {entry.key: entry for entry in entries()}


def find_entry(key: str) -> Entry | None:
    """The colour of this key."""
    return _by_key().get(key)


def search_entries(text: str = "", brand: str = "", material: str = "") -> list[Entry]:
    """Those in which every word stands, of a brand and a material if one is given."""
    words = [word.lower() for word in words_of(text)]
    return [
        one
        for one in entries()
        if brand in ("", one.line.brand)
        and material in ("", one.line.material)
        and all(word in one.words for word in words)
    ]


def brands() -> list[str]:
    return list(dict.fromkeys(one.line.brand for one in entries()))


def materials() -> list[str]:
    return sorted({one.line.material for one in entries()})


def nearest_entry(brand: str, material: str, colour_hex: str, preset: str = "") -> Entry | None:
    """The colour of a brand that looks like this one; of the finish that the slicer's preset speaks of, if there is one."""
    finish = finish_in(f"{material} {preset}")
    near = [(distance(one.colour_hex, colour_hex), one) for one in _of(brand, material)]
    near = [(far + (0 if one.line.finish == finish else SAME / 2), one) for far, one in near if far <= SAME]
    return min(near, key=lambda pair: pair[0])[1] if near else None


def usual_line(brand: str, material: str, preset: str = "") -> Line | None:
    """What a material of a brand is usually like: its density and temperatures; else what goes for all brands."""
    finish = finish_in(f"{material} {preset}")
    found = _of(brand, material) or _of(GENERIC, material)
    return min((one.line for one in found), key=lambda line: line.finish != finish) if found else None


def _of(brand: str, material: str) -> list[Entry]:
    kind = family(material)
    return [one for one in entries() if family(one.line.material) == kind and is_brand(one.line.brand, brand)]


def _entries(brand: dict[str, Any], line: dict[str, Any]) -> Iterable[Entry]:
    low, high = line["nozzle"]
    finish = line.get("finish", "")
    common = Line(
        brand=brand["name"],
        url=brand.get("url", ""),
        name=line.get("name") or f"{line['material']} {finish}".strip(),
        material=line["material"],
        finish=finish,
        density_g_cm3=Decimal(str(line["density"])),
        diameter_mm=Decimal(str(line.get("diameter", "1.75"))),
        nozzle_min_c=low,
        nozzle_max_c=high,
        bed_c=line["bed"],
        tare_g=brand.get("tare_g"),
    )
    for name, colour in line["colours"].items():
        key = "/".join(_slug(part) for part in (common.brand, common.name, name))
        words = f"{common.brand} {common.name} {common.material} {common.finish} {name}".lower()
        yield Entry(key, common, name, normal_colours(colour), words)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("+", "-plus")).strip("-")
