"""Reads the projects of Cura: what the stacks of settings in them say. Such a project is never sliced.

A stack is a list of containers, the strongest first: the user's own changes, changed quality, quality, material, nozzle, and
the definition of the machine. A value that is a formula (it begins with `=`) counts as not stated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.fdm_material import SUFFIX, Material, read_materials
from printfarm.files.readers.limits import MIB, Deadline
from printfarm.files.readers.mesh_3mf import objects_of, project_geometry
from printfarm.files.readers.mesh_reading import drawing
from printfarm.files.readers.package import PictureReader, read_package, title
from printfarm.files.readers.results import Filament, FileReading, Plate, PrinterModel, Slicer
from printfarm.files.readers.source import Source
from printfarm.files.readers.values import clean_text, colour, json_object, number, storable, truth

_FOLDER = "cura/"
_VERSION = "cura/version.ini"
_NOT_SETTINGS = {"cura/preferences.cfg"}
_MOST_FILES = 200
_MOST_INI_BYTES = MIB
_MOST_BYTES = 4 * MIB
_MAX_C = 600.0

Ini = Mapping[str, Mapping[str, str]]


@dataclass(slots=True)
class _Project:
    """The INI files by their names without folder and endings, and the definitions that they build on."""

    files: dict[str, Ini] = field(default_factory=dict)
    machine: str | None = None
    extruders: list[str] = field(default_factory=list)
    materials: dict[str, Material] = field(default_factory=dict)


def recognises(source: Source) -> bool:
    archive = source.archive
    return archive is not None and any(name.startswith(_FOLDER) for name in archive.names)


def read(source: Source, deadline: Deadline) -> FileReading:
    archive = source.archive
    assert archive is not None
    package = read_package(archive, deadline)
    project = _read_project(archive)
    geometry = project_geometry(archive, deadline, package.found)
    covers = PictureReader(archive, deadline, package.found).covers()
    version = _ini(archive, _VERSION).get("versions", {}).get("cura_version")
    package.raw["cura"] = project.files
    return FileReading(
        format="3mf",
        sliced=False,
        slicer=Slicer("Cura", clean_text(version, 60)),
        title=title(package),
        designer=package.metadata.get("Designer"),
        licence=package.metadata.get("LicenseTerms"),
        plates=(_plate(project, archive, deadline, objects_of(geometry)),),
        thumbnails=covers,
        mesh=geometry.mesh,
        warnings=tuple(package.found.warnings),
        raw=storable(package.raw),
        draw=drawing(geometry.triangles) if geometry.placed else None,
    )


def _plate(project: _Project, archive: Archive, deadline: Deadline, objects: tuple[str, ...]) -> Plate:
    machine = _Stack(project, [project.machine] if project.machine else [])
    trains = [_Stack(project, [name, *machine.names]) for name in project.extruders]
    filaments = tuple(_filament(place, train, project) for place, train in enumerate(trains, start=1))
    nozzles = tuple(n for train in trains if (n := train.number("machine_nozzle_size", high=10)))
    bed = machine.pair("material_bed_temperature_layer_0", "material_bed_temperature")
    return Plate(
        index=1,
        layer_height_mm=machine.number("layer_height", high=20),
        first_layer_height_mm=machine.number("layer_height_0", high=20),
        nozzle_mm=nozzles or None,
        bed_c=bed,
        nozzle_c=filaments[0].nozzle_c if filaments else None,
        printer=PrinterModel(
            model=_machine_name(project, archive, deadline), preset=clean_text(machine.general("name"), 200)
        ),
        supports=truth(machine.text("support_enable") or ""),
        objects=objects,
        filaments=filaments,
    )


def _filament(slot: int, train: "_Stack", project: _Project) -> Filament:
    """What is loaded; how much of it is needed nobody has worked out yet."""
    names = [name for name in project.materials if any(one.startswith(name) for one in train.containers())]
    material = project.materials[max(names, key=len)] if names else Material()
    return Filament(
        slot=slot,
        material=material.material,
        colour=colour(material.colour),
        vendor=material.brand,
        preset=material.colour_name,
        nozzle_c=train.pair("material_print_temperature_layer_0", "material_print_temperature"),
        density_g_cm3=material.density_g_cm3,
        diameter_mm=material.diameter_mm,
    )


class _Stack:
    """The stacks `names`, the strongest first: an extruder's comes before the machine's."""

    def __init__(self, project: _Project, names: Sequence[str]) -> None:
        self.names = list(names)
        self._files = project.files

    def general(self, key: str) -> str | None:
        return self._files[self.names[0]].get("general", {}).get(key) if self.names else None

    def containers(self) -> Iterator[str]:
        for name in self.names:
            listed = self._files[name].get("containers", {})
            yield from (_plain(listed[place]) for place in sorted(listed, key=lambda p: number(p) or 0))

    def text(self, key: str) -> str | None:
        for name in self.containers():
            value = self._files.get(name, {}).get("values", {}).get(key)
            if value is not None:
                return None if value.startswith("=") else value
        return None

    def number(self, key: str, *, high: float) -> float | None:
        return number(self.text(key), high=high) or None

    def pair(self, first: str, others: str) -> tuple[float | None, float | None] | None:
        found = self.number(first, high=_MAX_C), self.number(others, high=_MAX_C)
        return None if found == (None, None) else (found[0] or found[1], found[1])


def _read_project(archive: Archive) -> _Project:
    project = _Project()
    trains: list[tuple[float, str]] = []
    left_bytes = _MOST_BYTES
    names = [name for name in archive.names if name.startswith(_FOLDER)]
    for entry in [name for name in names if name.endswith(".cfg") and name not in _NOT_SETTINGS][:_MOST_FILES]:
        ini = _ini(archive, entry)
        left_bytes -= sum(len(key) + len(value) for section in ini.values() for key, value in section.items())
        if left_bytes < 0:
            break
        name = _plain(entry.removeprefix(_FOLDER).removesuffix(".cfg").removesuffix(".inst"))
        kind = name.rpartition(".")[2]
        project.files[name] = ini
        if kind == "global":
            project.machine = project.machine or name
        elif kind == "extruder" and truth(ini.get("metadata", {}).get("enabled", "true")) is not False:
            trains.append((number(ini.get("metadata", {}).get("position")) or 0, name))
    project.extruders = [name for _, name in sorted(trains)][:64]
    found = read_materials(archive, [name for name in names if name.endswith(SUFFIX)])
    project.materials = {_plain(name.removeprefix(_FOLDER).partition(".")[0]): one for name, one in found}
    return project


def _machine_name(project: _Project, archive: Archive, deadline: Deadline) -> str | None:
    """The name of the machine's definition, which is the last container of the machine's stack."""
    if project.machine is None:
        return None
    containers = list(_Stack(project, [project.machine]).containers())
    entry = f"{_FOLDER}{containers[-1]}.def.json" if containers else ""
    if entry not in archive:
        return None
    try:
        definition = json_object(archive.read(entry, deadline.limits.json_bytes), deadline.limits.json_depth)
    except (DamagedEntry, ValueError):
        return None
    return clean_text(definition.get("name"), 200)


def _ini(archive: Archive, entry: str) -> Ini:
    """The sections of an INI file; a file that cannot be read has none."""
    sections: dict[str, dict[str, str]] = {}
    if entry not in archive:
        return sections
    try:
        text = archive.read(entry, _MOST_INI_BYTES).decode("utf-8", "replace")
    except DamagedEntry:
        return sections
    section: dict[str, str] = {}
    for line in text.splitlines()[:20_000]:
        key, separator, value = line.partition("=")
        if line.startswith("[") and line.rstrip().endswith("]"):
            section = sections.setdefault(line.strip()[1:-1], {})
        elif separator and not line.startswith((" ", "\t", ";", "#")):
            section.setdefault(key.strip(), value.strip())
    return sections


def _plain(name: str) -> str:
    """Names are written as addresses are (`%20`, `+`), in the files' names and sometimes inside of them."""
    return unquote_plus(name).strip().lower()
