"""What the text of a G-code states, in one shape for every slicer.

A reader of one slicer fills it in; `text_gcode` turns it into a plate. What the text does not say stays None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from printfarm.files.readers.results import PrinterModel, Slicer

Pair = tuple[float | None, float | None]

HEADER, TOTALS, CONFIG, COMMANDS, COMMENTS = "gcode header", "gcode totals", "config", "commands", "comments"


@dataclass(frozen=True, slots=True)
class StatedSlot:
    """One slot, counted from 1. `volume_mm3` is what the flavours say that count volumes instead of lengths."""

    slot: int
    metres: float | None = None
    grams: float | None = None
    volume_mm3: float | None = None
    material: str | None = None
    colour: str | None = None
    vendor: str | None = None
    preset: str | None = None
    density_g_cm3: float | None = None
    diameter_mm: float | None = None
    cost_per_kg: float | None = None
    nozzle_c: Pair | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """`sources` names where each value stands that is not in the header; `doubts` are (code, sentence) for a person.

    `names_features` says that `;TYPE:` comments tell what the moves print, and that the lengths of the moves, from the
    first of these comments on, are those that are stated.
    """

    slicer: Slicer | None = None
    time_total_s: int | None = None
    layers: int | None = None
    max_z_mm: float | None = None
    layer_height_mm: float | None = None
    first_layer_height_mm: float | None = None
    nozzle_mm: tuple[float, ...] | None = None
    nozzle_c: Pair | None = None
    bed_c: Pair | None = None
    printer: PrinterModel = field(default_factory=PrinterModel)
    supports: bool | None = None
    slots: tuple[StatedSlot, ...] = ()
    names_features: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[tuple[str, str], ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
