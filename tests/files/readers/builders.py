"""Builds the files that the readers' tests read. Each function follows the layout of one slicer, with values of our own."""

import base64
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from printfarm.files.sample_builder import PlateSpec, SampleFilament, sliced_3mf_entries

MODEL_XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<model unit="millimeter" '
    'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">\n'
    ' <metadata name="Application">{application}</metadata>\n <metadata name="Title">{title}</metadata>\n'
    " <resources><object id='1'/></resources>\n <build/>\n</model>\n"
)


def write_zip(path: Path, entries: Mapping[str, bytes | str]) -> Path:
    """A zip with these entries in this order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def png(width: int = 8, height: int = 8, colour: str = "#26A69A") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def png_bomb(side: int = 40_000) -> bytes:
    """A valid grey PNG of side x side pixels that takes few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    pixels = zlib.compress(b"\x00" * (side // 8 + 1) * 200, 9)
    header = struct.pack(">2I5B", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def text_thumbnail(content: bytes, width: int, height: int, tag: str = "thumbnail", times: str = "x") -> str:
    """A picture as comments of a G-code."""
    encoded = base64.b64encode(content).decode()
    lines = [f"; {tag} begin {width}{times}{height} {len(encoded)}"]
    lines += [f"; {encoded[at : at + 78]}" for at in range(0, len(encoded), 78)]
    return "\n".join([*lines, f"; {tag} end"]) + "\n"


def sliced_entries(*plates: PlateSpec, **options: object) -> dict[str, bytes]:
    return sliced_3mf_entries(plates or (PlateSpec(),), **options)


def two_colours(**changes: float) -> tuple[SampleFilament, SampleFilament]:
    """A first slot of PLA and a third of PETG, with a purge, a tower and supports on the second of them."""
    first = SampleFilament(slot=1, grams=10.0)
    second = SampleFilament(
        slot=3,
        material="PETG",
        colour="#FF6A13",
        grams=6.0,
        purge_grams=2.0,
        tower_grams=1.0,
        support_grams=0.5,
        density_g_cm3=1.27,
        nozzle_c=255,
        bed_c=70,
        vendor="Generic",
        preset="Generic PETG",
        tray_info_idx="GFG99",
    )
    return first, second


def project_entries(
    plates: Sequence[str] = ("", "Lids"),
    *,
    client_version: str = "02.05.00.66",
    application: str = "BambuStudio-02.05.00.66",
    title: str = "Keychain",
    settings: Mapping[str, object] | None = None,
) -> dict[str, bytes | str]:
    """A project that is not sliced: `plates` are the names that the person gave."""
    defined = "".join(
        f'<plate><metadata key="plater_id" value="{n}"/><metadata key="plater_name" value="{name}"/>'
        f'<model_instance><metadata key="object_id" value="2"/></model_instance></plate>'
        for n, name in enumerate(plates, start=1)
    )
    values = {
        "layer_height": "0.2",
        "initial_layer_print_height": "0.25",
        "nozzle_diameter": ["0.4"],
        "printer_model": "Bambu Lab A1",
        "printer_settings_id": "Bambu Lab A1 0.4 nozzle",
        "curr_bed_type": "Textured PEI Plate",
        "textured_plate_temp": ["65", "70"],
        "textured_plate_temp_initial_layer": ["60", "72"],
        "filament_type": ["PLA", "PETG"],
        "filament_colour": ["#FFFFFF", "#161616FF"],
    }
    return {
        "3D/3dmodel.model": MODEL_XML.format(application=application, title=title),
        "Metadata/project_settings.config": json.dumps({**values, **(settings or {})}),
        "Metadata/slice_info.config": (
            '<?xml version="1.0"?><config><header><header_item key="X-BBL-Client-Type" value="slicer"/>'
            f'<header_item key="X-BBL-Client-Version" value="{client_version}"/></header></config>'
        ),
        "Metadata/model_settings.config": (
            '<?xml version="1.0"?><config><object id="2"><metadata key="name" value="Ring"/></object>'
            f"{defined}</config>"
        ),
        "Metadata/plate_1.png": png(512, 512),
    }


ORCA_CONFIG = """; CONFIG_BLOCK_START
; curr_bed_type = Textured PEI Plate
; textured_plate_temp = 60,60
; textured_plate_temp_initial_layer = 55,55
; hot_plate_temp = 99,99
; hot_plate_temp_initial_layer = 99,99
; filament_colour = #26A69A;#0D6284
; filament_cost = 20,25
; filament_density = 1.24,1.24
; filament_diameter = 1.75,1.75
; filament_settings_id = "Flashforge Generic PLA";"House; special"
; filament_type = PLA;PLA
; filament_vendor = Generic;Generic
; initial_layer_print_height = 0.25
; layer_height = 0.2
; nozzle_diameter = 0.4
; nozzle_temperature = 215,215
; nozzle_temperature_initial_layer = 220,220
; printer_model = Flashforge AD5X
; printer_settings_id = Flashforge AD5X 0.4 nozzle
; CONFIG_BLOCK_END
"""

ORCA_TOTALS = """; filament used [mm] = 1000.00, 500.00
; filament used [cm3] = 2.41, 1.20
; filament used [g] = 2.98, 1.49
; filament cost = 0.06, 0.04
; total filament used [g] = 4.47
; total filament change = 1
; total layers count = 2
; estimated printing time (normal mode) = 1h 2m 3s
; estimated first layer printing time (normal mode) = 14s
"""

_TWO_SLOT_MOVES = """; EXECUTABLE_BLOCK_START
M83
T0
;LAYER_CHANGE
;Z:0.25
;HEIGHT:0.25
;TYPE:Outer wall
G1 X10 Y0 E600
;TYPE:Support
G1 X0 Y0 E400
T1
;LAYER_CHANGE
;Z:0.45
;HEIGHT:0.2
;TYPE:Prime tower
G1 X10 Y10 E100
;TYPE:Internal solid infill
G1 X20 Y10 E400
;WIPE_START
G1 X10 Y10 E-1
;WIPE_END
; printer_model = a look-alike inside of the code
; EXECUTABLE_BLOCK_END
"""


def orca_gcode(name: str = "OrcaSlicer 2.3.1", *, head_layout: bool = False, moves: str = _TWO_SLOT_MOVES) -> str:
    """OrcaSlicer for a printer of another maker; `head_layout` is the order of the Flashforge builds."""
    header = f"; HEADER_BLOCK_START\n; generated by {name} on 2026-01-02 at 03:04:05\n; total layer number: 2\n"
    header += "; max_z_height: 0.45\n; HEADER_BLOCK_END\n\n"
    pictures = "; THUMBNAIL_BLOCK_START\n" + text_thumbnail(png(48, 48), 48, 48) + "; THUMBNAIL_BLOCK_END\n"
    if head_layout:
        return header + ORCA_TOTALS + ORCA_CONFIG + pictures + moves
    return header + pictures + moves + ORCA_TOTALS + ORCA_CONFIG


def prusa_gcode(
    *,
    version: str = "2.9.2",
    time: str = "1h 4m 37s",
    mm: str = "1000.00, 0.00, 250.00",
    grams: str | None = "2.98, 0.00, 0.75",
    markers: bool = True,
    before: str = "",
    config: Mapping[str, str] | None = None,
) -> str:
    """PrusaSlicer: pictures at the head, totals and settings at the tail."""
    settings = {
        "bed_temperature": "60,60,60",
        "extruder_colour": "#FF8000;#DB5182;#3EC0FF",
        "filament_colour": ";#00FF00;#0000FF",
        "filament_cost": "25,25,25",
        "filament_density": "1.24,1.24,1.24",
        "filament_diameter": "1.75,1.75,1.75",
        "filament_settings_id": '"Generic PLA";"Generic PLA";"Generic PLA @MMU"',
        "filament_type": "PLA;PLA;PLA",
        "filament_vendor": "Generic;Generic;Prusa Polymers",
        "first_layer_bed_temperature": "65,65,65",
        "first_layer_height": "0.2",
        "first_layer_temperature": "230,230,230",
        "layer_height": "0.15",
        "nozzle_diameter": "0.4,0.4,0.4",
        "printer_model": "MK4S",
        "printer_settings_id": "Original Prusa MK4S",
        "single_extruder_multi_material": "1",
        "temperature": "225,225,225",
        **(config or {}),
    }
    lines = [f"{before}; generated by PrusaSlicer {version} on 2026-01-02 at 03:04:05 UTC", ""]
    lines += [text_thumbnail(png(16, 16), 16, 16), text_thumbnail(png(220, 124), 220, 124)]
    lines += ["M73 P0 R99", "M83", "T0"]
    for z in (0.2, 0.35, 0.5):
        lines += [";LAYER_CHANGE", f";Z:{z}", ";HEIGHT:0.2", ";TYPE:Perimeter", "G1 X10 Y10 E.8", "G1 E-.8", "G1 E.8"]
    lines += ["", f"; filament used [mm] = {mm}", "; filament used [cm3] = 2.41, 0.00, 0.60"]
    lines += [f"; filament used [g] = {grams}"] if grams is not None else []
    lines += [f"; estimated printing time (normal mode) = {time}", "; estimated printing time (silent mode) = 9h"]
    lines += ["; total toolchanges = 1", "; max_layer_z = 0.5", ""]
    lines += ["; prusaslicer_config = begin"] if markers else []
    lines += [f"; {key} = {value}" for key, value in settings.items()]
    lines += ["; prusaslicer_config = end"] if markers else []
    return "\n".join(lines) + "\n"


def bambu_gcode(*, header: Sequence[str], config: Mapping[str, str], moves: str = "M83\nG1 X1 Y1 E1\n") -> str:
    """Bambu Studio: header and settings at the head."""
    lines = ["; HEADER_BLOCK_START", *(f"; {line}" for line in header), "; HEADER_BLOCK_END", ""]
    lines += ["; CONFIG_BLOCK_START", *(f"; {key} = {value}" for key, value in config.items()), "; CONFIG_BLOCK_END"]
    return "\n".join([*lines, "; EXECUTABLE_BLOCK_START", moves.rstrip("\n"), "; EXECUTABLE_BLOCK_END"]) + "\n"


def bgcode(*, deflate: bool = True, config: Mapping[str, str] | None = None, extra: bytes = b"") -> bytes:
    """PrusaSlicer's binary G-code with its metadata, one picture and an empty block of G-code."""

    def block(kind: int, content: bytes, parameters: bytes = b"\0\0", *, packed: bool = False) -> bytes:
        body = zlib.compress(content) if packed else content
        start = struct.pack("<HHI", kind, int(packed), len(content))
        start += (struct.pack("<I", len(body)) if packed else b"") + parameters + body
        return start + struct.pack("<I", zlib.crc32(start))

    def text(pairs: Mapping[str, str]) -> bytes:
        return "".join(f"{key}={value}\n" for key, value in pairs.items()).encode()

    settings = {
        "bed_temperature": "60,60",
        "filament_density": "1.24,1.27",
        "filament_diameter": "1.75,1.75",
        "filament_type": "PLA;PETG",
        "first_layer_bed_temperature": "65,85",
        "layer_height": "0.2",
        "nozzle_diameter": "0.4,0.4",
        "printer_model": "XL2IS",
        **(config or {}),
    }
    totals = {
        "filament used [mm]": "5473.85, 0.00",
        "filament used [g]": "15.01, 0.00",
        "estimated printing time (normal mode)": "58m 58s",
        "max_layer_z": "36.00",
    }
    picture = png(220, 124)
    return (
        struct.pack("<4sIH", b"GCDE", 1, 1)
        + block(0, text({"Producer": "PrusaSlicer 2.9.2"}))
        + block(3, text({"printer_model": "XL2IS"}))
        + block(5, picture, struct.pack("<3H", 0, 220, 124))
        + extra
        + block(4, text(totals), packed=deflate)
        + block(2, text(settings), packed=deflate)
        + block(1, b"")
    )
