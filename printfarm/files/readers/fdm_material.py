"""Reads the material files of Cura (`.xml.fdm_material`), which lie in its UFP files and projects."""

from collections.abc import Iterator
from dataclasses import dataclass

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.package_xml import BrokenXml, parse_xml
from printfarm.files.readers.values import clean_text, colour, number

SUFFIX = ".fdm_material"
_MOST_BYTES = 1 << 20
_MOST_FILES = 64


@dataclass(frozen=True, slots=True)
class Material:
    guid: str | None = None
    brand: str | None = None
    material: str | None = None
    colour: str | None = None
    colour_name: str | None = None
    density_g_cm3: float | None = None
    diameter_mm: float | None = None


def read_materials(archive: Archive, names: list[str]) -> Iterator[tuple[str, Material]]:
    """(entry name, material) of those that can be read."""
    for name in names[:_MOST_FILES]:
        try:
            yield name, read_material(archive.read(name, _MOST_BYTES))
        except (DamagedEntry, BrokenXml):
            continue


def read_material(content: bytes) -> Material:
    """The first value of each kind counts: settings of single printers come after them. Raises BrokenXml."""
    texts: dict[str, str] = {}
    for element in parse_xml(content).iter():
        if isinstance(element.tag, str):
            texts.setdefault(element.tag.rpartition("}")[2].lower(), element.text or "")
    return Material(
        guid=(clean_text(texts.get("guid"), 60) or "").lower() or None,
        brand=clean_text(texts.get("brand"), 80),
        material=clean_text(texts.get("material"), 80),
        colour=colour(texts.get("color_code")),
        colour_name=clean_text(texts.get("color"), 80),
        density_g_cm3=number(texts.get("density"), low=0.1, high=30),
        diameter_mm=number(texts.get("diameter"), low=0.5, high=10),
    )
