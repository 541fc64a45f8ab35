"""Which of the six hundred lines that a slicer writes are worth finding a variant by."""

from collections.abc import Iterator, Sequence
from typing import Any

from printfarm.insight.search import tokens
from printfarm.library.models import Plate

# By the names that the slicers give them: Bambu Studio and OrcaSlicer, PrusaSlicer and Slic3r, Cura, and what is like them.
TELLING = frozenset(
    {
        *("layer_height", "initial_layer_print_height", "first_layer_height", "layer_height_0", "line_width"),
        *("nozzle_diameter", "machine_nozzle_size", "nozzle_temperature", "temperature", "material_print_temperature"),
        *("curr_bed_type", "bed_type", "bed_temperature", "material_bed_temperature"),
        *("sparse_infill_density", "fill_density", "infill_sparse_density"),
        *("sparse_infill_pattern", "fill_pattern", "infill_pattern"),
        *("wall_loops", "perimeters", "wall_line_count", "top_shell_layers", "bottom_shell_layers"),
        *("top_solid_layers", "bottom_solid_layers", "seam_position"),
        *("enable_support", "support_material", "support_enable", "support_type", "support_material_style"),
        *("support_structure", "support_style"),
        *("brim_type", "brim_width", "adhesion_type", "skirt_loops", "skirts", "raft_layers"),
        *("spiral_mode", "spiral_vase", "magic_spiralize", "ironing", "ironing_type", "ironing_enabled", "fuzzy_skin"),
        *("enable_prime_tower", "wipe_tower", "prime_tower_enable", "timelapse_type", "print_sequence"),
        *("print_settings_id", "printer_settings_id", "filament_settings_id", "filament_type", "printer_model"),
    }
)
MOST, MOST_VALUES, LONGEST_VALUE, DEEPEST = 120, 8, 80, 6


def telling(raw: dict[str, Any], plates: Sequence[Plate]) -> set[str]:
    """Lines of the metadata as single words ("layerheight=0.2"), and those that the plates state in our own words."""
    found = {word for key, value in _lines(raw, DEEPEST) if (word := tokens.setting(key, value))}
    kept = set(sorted(found)[:MOST])
    for plate in plates:
        own = {"layer_height": plate.layer_height_mm, "nozzle": plate.nozzle_mm, "bed": plate.bed_type}
        kept |= {word for key, value in own.items() if value and (word := tokens.setting(key, str(value)))}
    return kept


def _lines(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth == 0:
        return
    inner: Any = value.items() if isinstance(value, dict) else [("", one) for one in value]
    for key, held in inner:
        if key in TELLING:
            for one in (held if isinstance(held, list) else [held])[:MOST_VALUES]:
                if isinstance(one, (str, int, float)) and len(str(one)) <= LONGEST_VALUE:
                    yield key, str(one)
        elif isinstance(held, (dict, list)):
            yield from _lines(held, depth - 1)
