"""Where a value of a plate was read, in words for people."""

from collections.abc import Mapping

_WHERE = {
    "slice_info": "the file's list of plates",
    "gcode header": "the head of the G-code",
    "header": "the head of the G-code",
    "gcode totals": "the totals in the G-code",
    "tail": "the end of the G-code",
    "m73": "the progress marks in the G-code",
    "config": "the slicer's settings",
    "model_settings": "the project's list of objects",
    "commands": "the commands in the G-code",
    "comments": "the comments in the G-code",
    "scan": "counted from the moves",
    "derived": "worked out from other values",
    "preset": "the slicer's preset",
    "person": "typed by hand",
}
_WHAT = {
    "time_total_s": "Time",
    "time_model_s": "Time of the model alone",
    "grams": "Weight",
    "metres": "Length of filament",
    "layers": "Layers",
    "max_z_mm": "Height",
    "layer_height_mm": "Layer height",
    "first_layer_height_mm": "First layer",
    "nozzle_mm": "Nozzle",
    "nozzle_c": "Nozzle temperature",
    "bed_c": "Bed temperature",
    "bed_type": "Bed",
    "printer": "Printer",
    "model": "Printer",
    "preset": "Printer preset",
    "material": "Material",
    "colour": "Colour",
    "vendor": "Brand",
    "supports": "Supports",
    "objects": "Objects",
    "tool_changes": "Changes of filament",
    "time_first_layer_s": "Time of the first layer",
    "split_g": "Parts of the weight",
    "filaments": "Filaments",
}


def in_words(sources: Mapping[str, object] | None) -> list[tuple[str, str]]:
    """What was read, and where; what was not found is left out. Unknown names stay as the reader wrote them."""
    return [
        (_WHAT.get(what, what.replace("_", " ").capitalize()), _WHERE.get(str(where), str(where)))
        for what, where in (sources or {}).items()
        if where and where != "unknown"
    ]
