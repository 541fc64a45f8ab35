"""Reads G-code of IceSL. Its comments are settings; it states neither a time nor an amount."""

import re

from printfarm.files.readers.comments import Comments, chosen_tools, first_bed_c, first_nozzle_c, positive
from printfarm.files.readers.results import PrinterModel, Slicer
from printfarm.files.readers.stated import COMMANDS, COMMENTS, CONFIG, Pair, Stated, StatedSlot
from printfarm.files.readers.values import clean_text, truth

_SIGNATURE = re.compile(r"\n;[ \t]*<IceSL[ \t]*([^>\n]{0,60})>", re.IGNORECASE)
_LAYER = re.compile(r"\n; <layer (\d{1,6})>", re.ASCII)
_VERSION = re.compile(r"v?(\d+\.\d[\w.+-]*)")


def recognises(head: str) -> bool:
    return _SIGNATURE.search(head) is not None


def read(comments: Comments) -> Stated:
    signature = _SIGNATURE.search(comments.text)
    version = _VERSION.match(signature[1]) if signature else None
    tools = chosen_tools(comments.text)
    nozzle_c = _pair(_of_tool(comments, "extruder_temp_degree_c", tools[0], high=600))
    bed_c = _pair(positive(comments.number("bed_temp_degree_c", high=300)))
    supports = truth((comments.first("gen_supports") or "").lower())
    layers = [int(n) for n in _LAYER.findall(comments.text)]
    return Stated(
        slicer=Slicer("IceSL", clean_text(version[1] if version else None, 40)),
        layers=max(layers) + 1 if layers else None,
        layer_height_mm=positive(comments.number("z_layer_height_mm", high=20)),
        first_layer_height_mm=_first_layer_mm(comments),
        nozzle_mm=tuple(n for tool in tools if (n := _of_tool(comments, "nozzle_diameter_mm", tool, high=10))) or None,
        nozzle_c=nozzle_c or _pair(first_nozzle_c(comments.text)),
        bed_c=bed_c or _pair(first_bed_c(comments.text)),
        printer=PrinterModel(model=clean_text(comments.first("printer"), 120)),
        supports=supports,
        slots=tuple(
            StatedSlot(tool + 1, diameter_mm=_of_tool(comments, "filament_diameter_mm", tool, high=10))
            for tool in tools
        ),
        sources=dict.fromkeys(("layer_height_mm", "first_layer_height_mm", "nozzle_mm", "printer", "supports"), CONFIG)
        | {"layers": COMMENTS}
        | {"nozzle_c": CONFIG if nozzle_c else COMMANDS, "bed_c": CONFIG if bed_c else COMMANDS},
        settings=comments.raw(),
    )


def _first_layer_mm(comments: Comments) -> float | None:
    """Its own height counts only when it is switched on, and says nothing over a raft."""
    if truth((comments.first("add_raft") or "").lower()):
        return None
    is_own = truth((comments.first("use_different_thickness_first_layer") or "true").lower())
    return positive(comments.number("z_layer_height_first_layer_mm" if is_own else "z_layer_height_mm", high=20))


def _of_tool(comments: Comments, key: str, tool: int, *, high: float) -> float | None:
    return positive(comments.number(f"{key}_{tool}", high=high) or comments.number(key, high=high))


def _pair(c: float | None) -> Pair | None:
    return (c, None) if c else None
