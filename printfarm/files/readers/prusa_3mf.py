"""Reads the projects of PrusaSlicer and SuperSlicer: settings and a picture, never amounts."""

from dataclasses import replace
from xml.etree.ElementTree import Element

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.gcode_facts import read_facts
from printfarm.files.readers.gcode_stream import GcodeReader, GcodeText
from printfarm.files.readers.limits import Deadline
from printfarm.files.readers.mesh_3mf import objects_of, project_geometry
from printfarm.files.readers.mesh_reading import drawing
from printfarm.files.readers.model_3mf import Said
from printfarm.files.readers.package import PictureReader, package_slicer, read_package, title
from printfarm.files.readers.package_xml import BrokenXml, parse_xml
from printfarm.files.readers.plain_gcode import plate_of
from printfarm.files.readers.plates import StatedFilament, combine_filaments, raw_gcode
from printfarm.files.readers.results import Filament, FileReading, UnreadableFile
from printfarm.files.readers.settings import Settings, SettingsChain
from printfarm.files.readers.source import Source
from printfarm.files.readers.values import clean_text, storable, whole

SETTINGS = "metadata/slic3r_pe.config"
_OBJECTS = "metadata/slic3r_pe_model.config"


def recognises(source: Source) -> bool:
    return source.archive is not None and SETTINGS in source.archive


def read(source: Source, deadline: Deadline) -> FileReading:
    """A project is one plate that is not sliced; raises UnreadableFile when its settings cannot be read."""
    archive = source.archive
    assert archive is not None
    package = read_package(archive, deadline)
    pictures = PictureReader(archive, deadline, package.found)
    try:
        text = GcodeReader(deadline).read(archive.stream(SETTINGS, deadline.limits.xml_bytes))
    except DamagedEntry as error:
        raise UnreadableFile("The settings of this PrusaSlicer project are damaged. Save it again.") from error
    facts = read_facts(text)
    covers = pictures.covers()
    geometry = project_geometry(archive, deadline, package.found, _said_of_objects(archive, deadline))
    package.raw["project_settings"] = raw_gcode(text, facts)["comments"]
    return FileReading(
        format="3mf",
        sliced=False,
        slicer=package_slicer(package, sliced=False),
        title=title(package),
        designer=package.metadata.get("Designer"),
        licence=package.metadata.get("LicenseTerms"),
        plates=(
            replace(
                plate_of(text, facts, covers),
                filaments=_slots(text),
                objects=objects_of(geometry),
                printable=False,
                gcode_bytes=None,
            ),
        ),
        thumbnails=covers,
        mesh=geometry.mesh,
        warnings=tuple(package.found.warnings),
        raw=storable(package.raw),
        draw=drawing(geometry.triangles) if geometry.placed else None,
    )


def _said_of_objects(archive: Archive, deadline: Deadline) -> Said:
    """Names, and which triangles belong to volumes that only modify others; nothing when that part is broken."""
    try:
        root = parse_xml(archive.read(_OBJECTS, deadline.limits.xml_bytes)) if _OBJECTS in archive else ()
    except (DamagedEntry, BrokenXml):
        return Said()
    names: dict[int, str] = {}
    left_out: dict[int, list[tuple[int, int]]] = {}
    for thing in root:
        number = whole(thing.get("id"))
        if number is None:
            continue
        if name := clean_text(_values(thing).get("name"), 200):
            names[number] = name
        left_out[number] = [
            (first, last)
            for volume in thing.iterfind("volume")
            if _only_modifies(_values(volume))
            and (first := whole(volume.get("firstid"))) is not None
            and (last := whole(volume.get("lastid"))) is not None
        ]
    return Said(names, left_out)


def _values(element: Element) -> dict[str, str]:
    pairs = ((item.get("key"), item.get("value")) for item in element.iterfind("metadata"))
    return {key: value for key, value in pairs if key is not None and value is not None}


def _only_modifies(values: dict[str, str]) -> bool:
    """Newer versions name the type of a volume, older ones only say that it is a modifier."""
    return values.get("volume_type", "ModelPart") != "ModelPart" or values.get("modifier") == "1"


def _slots(text: GcodeText) -> tuple[Filament, ...]:
    """All slots of the project, without amounts."""
    settings = SettingsChain(Settings(text.settings))
    slots = [StatedFilament(slot) for slot in range(1, min(settings.slot_count, 256) + 1)]
    return combine_filaments(slots, None, settings, None)
