"""The XML entries of a sample 3MF."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from printfarm.files.sample_gcode import SampleFilament


@dataclass(frozen=True)
class PlateSpec:
    """One sliced plate. Times in whole seconds; `filaments` are the slots that it uses.

    `detail` is how often each outline is walked: more moves for the same grams.
    """

    index: int = 1
    name: str = ""
    filaments: Sequence[SampleFilament] = (SampleFilament(),)
    time_total_s: int = 1200
    time_model_s: int = 780
    first_layer_time_s: float = 61.5
    layers: int = 20
    layer_height_mm: float = 0.2
    first_layer_height_mm: float = 0.2
    objects: Sequence[str] = ("Part",)
    support_used: bool = False
    detail: int = 1


@dataclass(frozen=True)
class SampleFile:
    """What all plates of one file share."""

    plates: Sequence[PlateSpec]
    printer_model_id: str
    bed_type: str
    nozzle_mm: float
    title: str
    designer: str
    slicer_version: str
    extra_settings: Mapping[str, str | list[str]] = field(default_factory=dict)

    @property
    def slots(self) -> list[SampleFilament]:
        """The project's slots in order; a slot that no plate uses is filled with a plain one."""
        by_slot = {f.slot: f for plate in self.plates for f in plate.filaments}
        return [by_slot.get(slot, SampleFilament(slot=slot)) for slot in range(1, max(by_slot) + 1)]


def slice_info_xml(sample: SampleFile) -> str:
    plates = "".join(_sliced_plate_xml(sample, plate) for plate in sample.plates)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<config>\n  <header>\n'
        '    <header_item key="X-BBL-Client-Type" value="slicer"/>\n'
        f'    <header_item key="X-BBL-Client-Version" value={quoteattr(sample.slicer_version)}/>\n'
        f"  </header>\n{plates}</config>\n"
    )


def _sliced_plate_xml(sample: SampleFile, plate: PlateSpec) -> str:
    values = {
        "index": plate.index,
        "printer_model_id": sample.printer_model_id,
        "nozzle_diameters": f"{sample.nozzle_mm:g}",
        "timelapse_type": 0,
        "prediction": plate.time_total_s,
        "weight": f"{sum(f.grams for f in plate.filaments):.2f}",
        "first_layer_time": plate.first_layer_time_s,
        "outside": "false",
        "support_used": "true" if plate.support_used else "false",
        "label_object_enabled": "true",
        "filament_maps": " ".join("1" for _ in sample.slots),
    }
    lines = [f"    <metadata key={quoteattr(k)} value={quoteattr(str(v))}/>" for k, v in values.items()]
    for number, name in enumerate(plate.objects, start=101):
        lines.append(f'    <object identify_id="{number}" name={quoteattr(name)} skipped="false" />')
    lines += [
        f'    <filament id="{f.slot}" tray_info_idx={quoteattr(f.tray_info_idx)} type={quoteattr(f.material)} '
        f'color={quoteattr(f.colour)} used_m="{f.mm(f.grams) / 1000:.2f}" used_g="{f.grams:.2f}" />'
        for f in plate.filaments
    ]
    return "  <plate>\n" + "\n".join(lines) + "\n  </plate>\n"


def model_settings_xml(sample: SampleFile) -> str:
    plates = []
    for plate in sample.plates:
        stem = f"Metadata/plate_{plate.index}"
        values = {
            "plater_id": plate.index,
            "plater_name": plate.name,
            "locked": "false",
            "gcode_file": f"{stem}.gcode",
            "thumbnail_file": f"{stem}.png",
            "pattern_bbox_file": f"{stem}.json",
        }
        lines = [f"    <metadata key={quoteattr(k)} value={quoteattr(str(v))}/>" for k, v in values.items()]
        plates.append("  <plate>\n" + "\n".join(lines) + "\n  </plate>\n")
    return '<?xml version="1.0" encoding="UTF-8"?>\n<config>\n' + "".join(plates) + "</config>\n"


def model_xml(sample: SampleFile) -> str:
    values = {
        "Application": f"BambuStudio-{sample.slicer_version}",
        "BambuStudio:3mfVersion": "1",
        "Title": sample.title,
        "Designer": sample.designer,
        "CreationDate": "2026-01-01",
    }
    lines = [f"  <metadata name={quoteattr(k)}>{escape(v)}</metadata>" for k, v in values.items()]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<model unit="millimeter" xml:lang="en-US" '
        'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">\n'
        + "\n".join(lines)
        + "\n  <resources>\n  </resources>\n  <build/>\n</model>\n"
    )


def relationships(index: int) -> str:
    package = "http://schemas.openxmlformats.org/package/2006"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Relationships xmlns="{package}/relationships">\n'
        ' <Relationship Target="/3D/3dmodel.model" Id="rel-1" '
        'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>\n'
        f' <Relationship Target="/Metadata/plate_{index}.png" Id="rel-2" '
        f'Type="{package}/relationships/metadata/thumbnail"/>\n'
        "</Relationships>\n"
    )


def gcode_relationships(plates: Sequence[PlateSpec]) -> str:
    lines = [
        f' <Relationship Target="/Metadata/plate_{p.index}.gcode" Id="rel-{n}" '
        'Type="http://schemas.bambulab.com/package/2021/gcode"/>\n'
        for n, p in enumerate(plates, start=1)
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\n'
        + "".join(lines)
        + "</Relationships>\n"
    )


CONTENT_TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
 <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
 <Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
 <Default Extension="png" ContentType="image/png"/>
 <Default Extension="gcode" ContentType="text/x.gcode"/>
</Types>
"""
