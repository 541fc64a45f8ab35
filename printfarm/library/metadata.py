"""Everything that a file says about itself, as lines in groups: for the page that shows all, and for comparing two.

`raw` is what printfarm.files.readers kept. Its settings are plain keys (`layer_height`), told apart by their names; its other
parts keep their own paths (`plates › 1 › metadata › weight`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

LONGEST_VALUE = 20_000

PRINTER, FILAMENT, PRINT, SCRIPTS = "Printer", "Filament", "Print settings", "G-code scripts"
ABOUT, PLATES, OBJECTS, GCODE = "About the file", "Plates", "Objects", "G-code"
SETTINGS = frozenset({PRINTER, FILAMENT, PRINT, SCRIPTS})
GROUPS = (PRINT, FILAMENT, PRINTER, SCRIPTS, PLATES, OBJECTS, ABOUT, GCODE)

# The parts of `raw` that are no settings, and the group of each.
_PARTS = {"slice_info": PLATES, "model_settings": OBJECTS, "model_metadata": ABOUT, "header": GCODE}
_SOURCES = {
    "slice_info": "list of plates",
    "model_settings": "list of objects",
    "model_metadata": "the model's own description",
    "project_settings": "the project's settings",
    "header": "head of the G-code",
    "config": "settings in the G-code",
    "comments": "comments in the G-code",
}
_SCRIPT = re.compile(r"_gcode$|^gcode_.*script|(^|_)(start|end|layer|pause)_g_?code|post_process")
_FILAMENT = re.compile(
    r"^(filament|textured_|hot_plate|cool_plate|eng_plate|supertack|nozzle_temperature|bed_temperature|temperature$|"
    r"first_layer_(bed_)?temperature|chamber_temp|fan_|.*_fan_|slow_down|overhang_fan|close_fan|full_fan|min_fan|max_fan|"
    r"pressure_advance|enable_pressure|adaptive_pressure|activate_|required_nozzle_HRC|extrusion_multiplier|flush_|"
    r"material_|default_filament|slowdown|cooling|bridge_fan|disable_fan|idle_temperature|temperature_vitri)"
)
_PRINTER = re.compile(
    r"^(machine_|printer_|print_host|printable_|nozzle_(diameter|type|hrc|volume|height)|extruder_|extruders|bed_(shape|"
    r"custom|exclude|mesh)|gcode_flavor|curr_bed_type|host_type|thumbnail|retract|retraction|deretraction|z_hop|wipe$|"
    r"wipe_distance|best_object_pos|head_wrap|support_(air|chamber|multi)|scan_first|single_extruder|silent_mode|"
    r"use_(firmware|relative)|upward_compat|emit_machine|bbl_|auxiliary_fan$|max_print_height|variable_layer|z_offset|"
    r"remaining_times|default_print_profile|parking_pos|cooling_tube|extra_loading|high_current|enable_filament_ramming)"
)


@dataclass(frozen=True)
class MetadataLine:
    """One value: the group that it is shown in, where in the file it stands, its key and its text."""

    group: str
    source: str
    key: str
    value: str

    def speaks_of(self, text: str) -> bool:
        return text in self.key.casefold() or text in self.value.casefold()


def lines_of(raw: Mapping[str, Any]) -> list[MetadataLine]:
    """Every value, by group and then in the file's own order. What two places say alike stands once, with both places."""
    found = _merged(line for name, part in raw.items() for line in _lines_of_part(str(name), part))
    order = {group: number for number, group in enumerate(GROUPS)}
    return sorted(found, key=lambda line: order[line.group])


def settings_of(raw: Mapping[str, Any]) -> dict[str, MetadataLine]:
    """The slicer's settings by their plain keys, whatever part of the file they stand in; the project's come first."""
    found: dict[str, MetadataLine] = {}
    for line in sorted(lines_of(raw), key=lambda line: not line.source.startswith(_SOURCES["project_settings"])):
        if line.group in SETTINGS:
            found.setdefault(line.key, line)
    return found


def group_of(key: str) -> str:
    """Which group of settings a key belongs to, told by its name."""
    if _SCRIPT.search(key):
        return SCRIPTS
    if _PRINTER.search(key):
        return PRINTER
    return FILAMENT if _FILAMENT.search(key) else PRINT


def means_the_same(one: str, other: str) -> bool:
    """A list has commas in a project and semicolons in a G-code; 0.20 is 0.2, and 1 for each of two slots is still 1."""
    return one == other or _parts(one) == _parts(other)


def _merged(lines: Iterable[MetadataLine]) -> list[MetadataLine]:
    """Settings are written into the project and into each G-code again."""
    found: dict[tuple[str, str, str], MetadataLine] = {}
    for line in lines:
        place = (line.group, line.key, "" if line.group in SETTINGS else line.source)
        before = found.get(place)
        if before is None:
            found[place] = line
        elif line.group in SETTINGS and means_the_same(before.value, line.value):
            found[place] = replace(before, source=f"{before.source}, {line.source}")
        else:
            found[(line.group, line.key, line.source)] = line
    return list(found.values())


def _parts(value: str) -> tuple[str, ...]:
    if "\n" in value:
        return (value,)
    parts = tuple(_plain(part) for part in re.split(r"[,;]", value))
    return parts[:1] if len(set(parts)) == 1 else parts


def _plain(part: str) -> str:
    text = part.strip().strip('"').strip()
    return f"{float(text):g}" if re.fullmatch(r"-?\d{1,12}(\.\d{1,12})?", text) else text


def _lines_of_part(name: str, part: Any) -> Iterator[MetadataLine]:
    if name == "gcode" and isinstance(part, Mapping):
        for plate, sections in part.items():
            where = f"plate {plate}: " if len(part) > 1 else ""
            yield from _lines_of_gcode(where, sections)
    elif name in _PARTS:
        yield from (MetadataLine(_PARTS[name], _SOURCES[name], key, value) for key, value in _flat(part, ""))
    else:
        yield from _settings(_SOURCES.get(name, name.replace("_", " ")), part)


def _lines_of_gcode(where: str, sections: Any) -> Iterator[MetadataLine]:
    if not isinstance(sections, Mapping):
        yield from _settings(where or "the G-code", {"value": sections})
        return
    for name, section in sections.items():
        source = where + _SOURCES.get(str(name), str(name).replace("_", " "))
        if name == "config":
            yield from _settings(source, {} if isinstance(section, Mapping) and "same_as_plate" in section else section)
        else:
            yield from (MetadataLine(GCODE, source, key, value) for key, value in _flat(section, ""))


def _settings(source: str, part: Any) -> Iterator[MetadataLine]:
    for key, value in _flat(part, ""):
        yield MetadataLine(group_of(key), source, key, value)


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Nested data as lines: `plates › 1 › weight`, "12.5"; lists of texts stay on one line."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{path} › {key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(inner, (Mapping, list)) for inner in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(inner, f"{path} › {number}" if path else str(number))
    elif isinstance(value, list):
        yield path, ", ".join("" if inner is None else str(inner) for inner in value)[:LONGEST_VALUE]
    else:
        yield path or "value", ("" if value is None else str(value))[:LONGEST_VALUE]
