"""Reads the 3MF files of Bambu Studio, OrcaSlicer and their forks: sliced ones with all plates, and projects."""

from dataclasses import dataclass, replace

from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.cross_checks import check_plate
from printfarm.files.readers.gcode_facts import GcodeFacts, read_facts
from printfarm.files.readers.gcode_stream import GcodeReader, GcodeText
from printfarm.files.readers.limits import Deadline
from printfarm.files.readers.mesh_3mf import project_geometry
from printfarm.files.readers.mesh_reading import drawing
from printfarm.files.readers.model_3mf import Geometry, Said
from printfarm.files.readers.package import (
    Package,
    PictureReader,
    gcode_entries,
    is_bambu_family,
    package_slicer,
    read_package,
    title,
)
from printfarm.files.readers.package_xml import DefinedPlate, SlicedPlate
from printfarm.files.readers.pictures import text_thumbnails
from printfarm.files.readers.plate_sources import sources_of
from printfarm.files.readers.plates import (
    StatedFilament,
    combine_filaments,
    raw_gcode,
    scan_plan,
)
from printfarm.files.readers.results import Filament, FileReading, Plate, PrinterModel, Slicer, UnreadableFile
from printfarm.files.readers.scan_plan import ScanPlan
from printfarm.files.readers.settings import Settings, SettingsChain
from printfarm.files.readers.source import Source
from printfarm.files.readers.values import storable


@dataclass(slots=True)
class _PlateGcode:
    """The G-code of one plate as far as it could be read: to its end (`whole`), or until damage or the end of time."""

    path: str | None = None
    text: GcodeText | None = None
    facts: GcodeFacts | None = None
    whole: bool = False
    damaged: bool = False


def recognises(source: Source) -> bool:
    return source.archive is not None and is_bambu_family(source.archive)


def read(source: Source, deadline: Deadline) -> FileReading:
    """Read every plate; raises UnreadableFile when there is nothing to show."""
    archive = source.archive
    assert archive is not None
    package = read_package(archive, deadline)
    gcodes = gcode_entries(archive)
    sliced = {p.index: p for p in reversed(package.slice_info.plates)}
    defined = {p.index: p for p in reversed(package.model_settings.plates)}
    indexes = sorted(set(gcodes) | set(sliced)) or sorted(defined) or [1]
    if len(indexes) > deadline.limits.plates:
        raise UnreadableFile(f"This file holds {len(indexes)} plates; {deadline.limits.plates} are allowed.")
    pictures = PictureReader(archive, deadline, package.found)
    reader = _PlateReader(archive, deadline, package, pictures)
    plates = tuple(reader.read(i, gcodes.get(i), sliced.get(i), defined.get(i)) for i in indexes)
    _warn_about_names(archive, package)
    said = Said(names=package.model_settings.names)
    geometry = Geometry() if gcodes else project_geometry(archive, deadline, package.found, said)
    return FileReading(
        format="gcode.3mf" if gcodes else "3mf",
        sliced=bool(gcodes),
        slicer=reader.slicer or package_slicer(package, sliced=bool(gcodes)),
        title=title(package),
        designer=package.metadata.get("Designer"),
        licence=package.metadata.get("License"),
        plates=plates,
        thumbnails=pictures.covers(),
        mesh=geometry.mesh,
        warnings=tuple(package.found.warnings),
        raw=package.raw,
        draw=drawing(geometry.triangles) if geometry.placed else None,
    )


class _PlateReader:
    """Reads one plate after the other; keeps the slicer that the first G-code names."""

    def __init__(self, archive: Archive, deadline: Deadline, package: Package, pictures: PictureReader) -> None:
        self._archive = archive
        self._deadline = deadline
        self._package = package
        self._pictures = pictures
        self._last_config: tuple[int, dict[str, str]] | None = None
        self.slicer: Slicer | None = None

    def read(self, index: int, entry: str | None, sliced: SlicedPlate | None, defined: DefinedPlate | None) -> Plate:
        gcode = self._read_gcode(index, entry, sliced)
        facts, text = gcode.facts, gcode.text
        if facts is not None and text is not None:
            self.slicer = self.slicer or facts.slicer
            self._keep_raw(index, text, facts)
        own = Settings(text.settings if text else {})
        settings = SettingsChain(own, self._package.settings)
        bed_type = (
            own.text("curr_bed_type") or (defined.bed_type if defined else None) or settings.text("curr_bed_type")
        )
        stated = sliced.filaments if sliced else self._project_slots(entry)
        filaments = combine_filaments(stated, facts, settings, bed_type, text.body.tools_seen if text else ())
        plate = _stated_plate(index, sliced, facts, settings)
        plate = replace(
            plate,
            name=defined.name if defined else None,
            bed_type=bed_type,
            bed_c=filaments[0].bed_c if filaments else None,
            nozzle_c=filaments[0].nozzle_c if filaments else None,
            objects=(sliced.objects if sliced else ()) or (defined.objects if defined else ()),
            filaments=filaments,
            thumbnails=self._pictures.of_plate(index)
            or (text_thumbnails(text.head, self._deadline.limits) if text else ()),
            printable=gcode.path is not None and not gcode.damaged,
            gcode_path=gcode.path,
            gcode_bytes=text.size_bytes if text and gcode.whole else None,
            scan_plan=self._scan_plan(index, entry, text, filaments, settings, sliced) if gcode.whole else None,
        )
        plate = replace(plate, sources=sources_of(plate, sliced, facts, defined))
        check_plate(self._package.found, plate, sliced, facts, settings)
        return plate

    def _project_slots(self, entry: str | None) -> tuple[StatedFilament, ...]:
        """A project that is not sliced shows all of its slots, without amounts."""
        if entry is not None:
            return ()
        count = min(self._package.settings.slot_count, self._deadline.limits.slots)
        return tuple(StatedFilament(slot) for slot in range(1, count + 1))

    def _read_gcode(self, index: int, entry: str | None, sliced: SlicedPlate | None) -> _PlateGcode:
        found = self._package.found
        if entry is None:
            if sliced is not None:
                found.warn("gcode_missing", f"Plate {index} was sliced, but its G-code is not in this file.", index)
            return _PlateGcode()
        if self._deadline.is_over:
            found.warn("gcode_not_read", f"There was no time left to read the G-code of plate {index}.", index)
            return _PlateGcode(path=self._archive.real_name(entry))
        known = [f.slot for f in sliced.filaments] if sliced else []
        reader = GcodeReader(self._deadline, knows_slots=bool(known))
        damaged = False
        try:
            reader.read(self._archive.stream(entry, self._deadline.limits.gcode_bytes))
        except DamagedEntry as error:
            damaged = True
            found.warn("gcode_damaged", f"The G-code of plate {index} cannot be printed: {error}.", index)
        text = reader.text
        if not text.complete and not damaged:
            found.warn("gcode_too_long", f"The G-code of plate {index} is too long to be read in time.", index)
        return _PlateGcode(self._archive.real_name(entry), text, read_facts(text, known), text.complete, damaged)

    def _scan_plan(
        self,
        index: int,
        entry: str | None,
        text: GcodeText | None,
        filaments: tuple[Filament, ...],
        settings: SettingsChain,
        sliced: SlicedPlate | None,
    ) -> ScanPlan | None:
        """How the moves of this plate will be counted."""
        if entry is None or text is None:
            return None
        stated = sliced.filaments if sliced else ()
        return scan_plan(
            index,
            filaments,
            settings,
            text,
            entry=entry,
            first_tool=stated[0].slot - 1 if stated else 0,
            extruder_of_slot=sliced.extruder_of_slot if sliced else (),
            stated_md5=self._stated_md5(f"{entry}.md5"),
        )

    def _stated_md5(self, name: str) -> str | None:
        """The checksum beside a G-code; empty when that cannot be read."""
        if name not in self._archive:
            return None
        try:
            return self._archive.read(name, 4096).decode("ascii", "replace").strip().lower()
        except DamagedEntry:
            return ""

    def _keep_raw(self, index: int, text: GcodeText, facts: GcodeFacts) -> None:
        """Plates usually share their settings: the same settings are kept once."""
        raw = raw_gcode(text, facts)
        if self._last_config and self._last_config[1] == raw["config"]:
            raw["config"] = {"same_as_plate": self._last_config[0]}
        else:
            self._last_config = (index, raw["config"])
        self._package.raw.setdefault("gcode", {})[str(index)] = storable(raw)


def _stated_plate(index: int, sliced: SlicedPlate | None, facts: GcodeFacts | None, settings: SettingsChain) -> Plate:
    """The values that slice_info, header and settings state, in this order."""
    total_s = sliced.time_total_s if sliced else None
    first_layer_s = sliced.time_first_layer_s if sliced else None
    return Plate(
        index=index,
        time_total_s=total_s if total_s is not None else (facts.time_total_s or None) if facts else None,
        time_model_s=facts.time_model_s if facts else None,
        time_first_layer_s=first_layer_s or (facts.time_first_layer_s if facts else None),
        layers=facts.layers if facts else None,
        max_z_mm=facts.max_z_mm if facts else None,
        layer_height_mm=settings.layer_height_mm(),
        first_layer_height_mm=settings.first_layer_height_mm(),
        nozzle_mm=(sliced.nozzle_mm if sliced else ()) or settings.nozzle_mm(),
        printer=PrinterModel(
            model=settings.text("printer_model"),
            id=sliced.printer_id if sliced else None,
            preset=settings.text("printer_settings_id"),
        ),
        supports=sliced.support_used if sliced and sliced.support_used is not None else settings.flag("enable_support"),
        tool_changes=facts.tool_changes if facts else None,
    )


def _warn_about_names(archive: Archive, package: Package) -> None:
    if archive.duplicates:
        names = ", ".join(archive.duplicates[:3])
        package.found.warn(
            "duplicate_names", f"The same name is in this file more than once ({names}); the first counts."
        )
    if archive.ignored:
        package.found.warn("names_ignored", "Some entries point outside of this file; they were ignored.")
