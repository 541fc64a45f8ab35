"""Writes short G-code as Bambu Studio lays it out: header, settings, layers.

The lengths of all moves add up to the stated grams.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_START_PURGE_MM = 20.0


@dataclass(frozen=True)
class SampleFilament:
    """One slot of a sample plate. `grams` is all of it; support, purge and tower are parts of that."""

    slot: int = 1
    material: str = "PLA"
    colour: str = "#26A69A"
    grams: float = 5.0
    support_grams: float = 0.0
    purge_grams: float = 0.0
    tower_grams: float = 0.0
    vendor: str = "Bambu Lab"
    preset: str = "Bambu PLA Basic"
    tray_info_idx: str = "GFA00"
    density_g_cm3: float = 1.26
    diameter_mm: float = 1.75
    nozzle_c: int = 220
    bed_c: int = 55
    cost_per_kg: float = 24.99

    def mm(self, grams: float) -> float:
        """The length of filament that weighs `grams`."""
        return grams * 1000 / (self.density_g_cm3 * math.pi / 4 * self.diameter_mm**2)


@dataclass(frozen=True)
class SampleMoves:
    """What the G-code of one plate is written from."""

    filaments: Sequence[SampleFilament]
    layers: int
    layer_height_mm: float
    first_layer_height_mm: float
    time_total_s: int
    time_model_s: int
    slicer_version: str
    detail: int = 1

    @property
    def max_z_mm(self) -> float:
        return round(self.first_layer_height_mm + (self.layers - 1) * self.layer_height_mm, 3)


def gcode_text(moves: SampleMoves, settings: Mapping[str, str | list[str]]) -> str:
    """The whole plate G-code. `settings` are those of the project and are repeated in the CONFIG_BLOCK."""
    lines = [*_header(moves), *_config(settings), "; EXECUTABLE_BLOCK_START", *_start(moves)]
    for layer in range(1, moves.layers + 1):
        lines += _layer(moves, layer)
    lines += _end(moves)
    return "\n".join(lines) + "\n"


def duration_words(seconds: int) -> str:
    """Seconds as slicers write them: `1d 2h 3m 4s`."""
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (left, "s")]
    return " ".join(f"{amount}{unit}" for amount, unit in parts if amount) or "0s"


def _header(moves: SampleMoves) -> Iterator[str]:
    used = moves.filaments
    volume = [f.mm(f.grams) * math.pi / 4 * f.diameter_mm**2 for f in used]
    yield "; HEADER_BLOCK_START"
    yield f"; BambuStudio {moves.slicer_version}"
    model, total = duration_words(moves.time_model_s), duration_words(moves.time_total_s)
    yield f"; model printing time: {model}; total estimated time: {total}"
    yield f"; total layer number: {moves.layers}"
    yield "; total filament length [mm] : " + ",".join(f"{f.mm(f.grams):.2f}" for f in used)
    yield "; total filament volume [cm^3] : " + ",".join(f"{v:.2f}" for v in volume)
    yield "; total filament weight [g] : " + ",".join(f"{f.grams:.2f}" for f in used)
    yield "; model label id: 101"
    yield f"; max_z_height: {moves.max_z_mm:.2f}"
    yield "; filament: " + ",".join(str(f.slot) for f in used)
    yield "; HEADER_BLOCK_END"
    yield ""


def _config(settings: Mapping[str, str | list[str]]) -> Iterator[str]:
    texts = {"filament_colour", "filament_type", "filament_vendor", "filament_settings_id", "filament_ids"}
    yield "; CONFIG_BLOCK_START"
    for key, value in sorted(settings.items()):
        if isinstance(value, str):
            yield f"; {key} = {value}"
        elif key in texts:
            yield f"; {key} = " + ";".join(f'"{v}"' if " " in v else v for v in value)
        else:
            yield f"; {key} = " + ",".join(value)
    yield "; CONFIG_BLOCK_END"
    yield ""


def _start(moves: SampleMoves) -> list[str]:
    first = moves.filaments[0]
    minutes = moves.time_total_s // 60
    return [
        f"M73 P0 R{minutes}",
        "M83 ; extruder relative",
        "; FEATURE: Custom",
        ";===== start ====",
        f"M140 S{first.bed_c}",
        "G28",
        f"M190 S{first.bed_c}",
        f"M620 S{first.slot - 1}A",
        f"M109 S{first.nozzle_c}",
        f"T{first.slot - 1}",
        f"M621 S{first.slot - 1}A",
        "G90",
        "G1 X18 Y1 Z0.8 F18000",
        f"G1 X198 E{min(_START_PURGE_MM, first.mm(_model_g(first))):.5f} F1200",
        "; MACHINE_START_GCODE_END",
    ]


def _layer(moves: SampleMoves, layer: int) -> Iterator[str]:
    height = moves.first_layer_height_mm if layer == 1 else moves.layer_height_mm
    z = moves.first_layer_height_mm + (layer - 1) * moves.layer_height_mm
    left_s = moves.time_model_s * (moves.layers - layer) // moves.layers
    yield "; CHANGE_LAYER"
    yield f"; Z_HEIGHT: {z:.2f}"
    yield f"; LAYER_HEIGHT: {height:.2f}"
    yield f"; layer num/total_layer_count: {layer}/{moves.layers}"
    yield f"M73 L{layer}"
    yield f"M73 P{100 * (layer - 1) // moves.layers} R{math.ceil(left_s / 60)}"
    yield f"G1 Z{z:.3f} F1200"
    used = moves.filaments if layer % 2 else list(reversed(moves.filaments))
    for place, filament in enumerate(used):
        if place:
            yield from _change(filament)
        yield from _purge(moves, layer, filament)
        yield from _features(moves, layer, filament)


def _change(filament: SampleFilament) -> Iterator[str]:
    slot = filament.slot - 1
    yield "; CP TOOLCHANGE START"
    yield "G1 E-2 F1800"
    yield f"M620 S{slot}A"
    yield f"T{slot}"
    yield f"M621 S{slot}A"


def _purge(moves: SampleMoves, layer: int, filament: SampleFilament) -> Iterator[str]:
    purge_mm = _share(filament.mm(filament.purge_grams), layer, moves.layers)
    if purge_mm:
        yield "; FLUSH_START"
        yield f"G1 E{purge_mm:.5f} F523"
        yield "; FLUSH_END"
        yield "G1 E-2 F1800"
        yield "G1 E2 F1800"
    tower_mm = _share(filament.mm(filament.tower_grams), layer, moves.layers)
    if tower_mm:
        yield "; FEATURE: Prime tower"
        yield from _square(180, 180, 20, tower_mm)


def _features(moves: SampleMoves, layer: int, filament: SampleFilament) -> Iterator[str]:
    model_mm = filament.mm(_model_g(filament))
    if filament is moves.filaments[0]:
        model_mm -= min(_START_PURGE_MM, model_mm)
    model_mm = _share(model_mm, layer, moves.layers)
    support_mm = _share(filament.mm(filament.support_grams), layer, moves.layers)
    if support_mm:
        yield "; FEATURE: Support"
        yield from _square(60 + 10 * filament.slot, 60, 8, support_mm)
    if not model_mm:
        return
    for feature, part, size in (("Outer wall", 0.4, 30), ("Inner wall", 0.3, 29), ("Sparse infill", 0.3, 28)):
        yield f"; FEATURE: {feature}"
        yield "; LINE_WIDTH: 0.42"
        for _ in range(moves.detail):
            yield from _square(90 + 3 * filament.slot, 100, size, model_mm * part / moves.detail)
    yield "; WIPE_START"
    yield "G1 X95 Y100 E-.76 F12000"
    yield "; WIPE_END"
    yield "G1 E-.04 F1800"
    yield "G1 E.8 F1800"


def _square(x: float, y: float, side: float, length_mm: float) -> Iterator[str]:
    corners = [(x + side, y), (x + side, y + side), (x, y + side), (x, y)]
    yield f"G1 X{x:g} Y{y:g} F30000"
    for corner_x, corner_y in corners:
        yield f"G1 X{corner_x:g} Y{corner_y:g} E{length_mm / 4:.5f}"


def _end(moves: SampleMoves) -> Iterator[str]:
    yield "; filament end gcode"
    yield "; FEATURE: Custom"
    yield f"G1 Z{moves.max_z_mm + 0.5:.2f} F900"
    yield "M140 S0"
    yield "M104 S0"
    yield "M73 P100 R0"
    yield "; EXECUTABLE_BLOCK_END"


def _model_g(filament: SampleFilament) -> float:
    return filament.grams - filament.support_grams - filament.purge_grams - filament.tower_grams


def _share(length_mm: float, layer: int, layers: int) -> float:
    """The layer's part of a length; parts of all layers add up to it."""
    return round(length_mm * layer / layers, 5) - round(length_mm * (layer - 1) / layers, 5)
