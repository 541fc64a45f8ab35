"""What a reader found in a file.

Lengths are in mm or metres, weights in grams, times in seconds, temperatures in degrees Celsius.

A value that the file does not state is None: never 0, never a guess.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from printfarm.files.readers.scan_plan import ScanPlan

Json = dict[str, Any]


class UnreadableFile(Exception):
    """The file is refused; the message is a sentence for the person who brought it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Slicer:
    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class PrinterModel:
    """The printer that the file was sliced for: its name, the maker's short id (`C12`) and the slicer's preset."""

    model: str | None = None
    id: str | None = None
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """Where the grams go, counted from the moves. `start_g` is the purge line of the start code."""

    model_g: float = 0.0
    start_g: float = 0.0
    support_g: float = 0.0
    purge_g: float = 0.0
    tower_g: float = 0.0

    @property
    def total_g(self) -> float:
        return self.model_g + self.start_g + self.support_g + self.purge_g + self.tower_g

    def __add__(self, other: "Split") -> "Split":
        return Split(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_json(self) -> Json:
        """The start code's purge line counts as model here; `start` tells how much of it that is."""
        return {
            "model": round(self.model_g + self.start_g, 3),
            "support": round(self.support_g, 3),
            "purge": round(self.purge_g, 3),
            "tower": round(self.tower_g, 3),
            "start": round(self.start_g, 3),
        }


@dataclass(frozen=True, slots=True)
class LayerUse:
    """The share of each slot's filament (0 to 1) that is used when `layers` layers are done."""

    layers: int
    share_of_slot: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Filament:
    """One slot of one plate. Slots count from 1; `nozzle_c` and `bed_c` are (first layer, other layers)."""

    slot: int
    material: str | None = None
    colour: str | None = None
    vendor: str | None = None
    preset: str | None = None
    tray_info_idx: str | None = None
    metres: float | None = None
    grams: float | None = None
    grams_derived: bool = False
    nozzle_c: tuple[float | None, float | None] | None = None
    bed_c: tuple[float | None, float | None] | None = None
    density_g_cm3: float | None = None
    diameter_mm: float | None = None
    cost_per_kg: float | None = None
    split: Split | None = None

    def to_json(self) -> Json:
        return {
            "slot": self.slot,
            "material": self.material,
            "colour": self.colour,
            "vendor": self.vendor,
            "preset": self.preset,
            "tray_info_idx": self.tray_info_idx,
            "metres": self.metres,
            "grams": self.grams,
            "grams_derived": self.grams_derived,
            "nozzle_c": _pair(self.nozzle_c),
            "bed_c": _pair(self.bed_c),
            "density_g_cm3": self.density_g_cm3,
            "diameter_mm": self.diameter_mm,
            "cost_per_kg": self.cost_per_kg,
            "split_g": self.split.to_json() if self.split else None,
        }


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture. `kind` is plate, small, no_light, top, cover, gcode or drawn (by us); `format` is png, jpg, qoi or bmp."""

    kind: str
    width: int
    height: int
    format: str
    content: bytes = field(repr=False)

    def to_json(self) -> Json:
        return {"kind": self.kind, "width": self.width, "height": self.height, "format": self.format}


@dataclass(frozen=True, slots=True)
class ReadingWarning:
    """Something that a person should know. `code` is stable, `plate` is None when it is about the whole file."""

    code: str
    sentence: str
    plate: int | None = None

    def to_json(self) -> Json:
        return {"code": self.code, "plate": self.plate, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class Plate:
    """One arrangement on one bed.

    `printable` says that its G-code is there and whole. `gcode_path` is its name inside the 3MF, as a Bambu printer
    wants it. `sources` tells where the important values come from: slice_info, gcode header, gcode totals, config,
    scan or derived. `split` and `use_by_layer` are counted later (see `scan`), after `scan_plan`.
    """

    index: int
    name: str | None = None
    time_total_s: int | None = None
    time_model_s: int | None = None
    time_first_layer_s: float | None = None
    layers: int | None = None
    max_z_mm: float | None = None
    layer_height_mm: float | None = None
    first_layer_height_mm: float | None = None
    nozzle_mm: tuple[float, ...] | None = None
    bed_type: str | None = None
    bed_c: tuple[float | None, float | None] | None = None
    nozzle_c: tuple[float | None, float | None] | None = None
    printer: PrinterModel = PrinterModel()
    supports: bool | None = None
    tool_changes: int | None = None
    objects: tuple[str, ...] = ()
    filaments: tuple[Filament, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()
    split: Split | None = None
    use_by_layer: tuple[LayerUse, ...] = ()
    printable: bool = False
    gcode_path: str | None = None
    gcode_bytes: int | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    scan_plan: ScanPlan | None = field(default=None, repr=False)

    @property
    def grams(self) -> float | None:
        """The plate's grams over all slots; None as soon as one slot is unknown, or when no slot is known."""
        known = [f.grams for f in self.filaments]
        return sum(g for g in known if g is not None) if known and None not in known else None

    @property
    def picture(self) -> Thumbnail | None:
        """The best picture to show: the plate's own, in colour, of a useful size."""
        return self.thumbnails[0] if self.thumbnails else None

    def to_json(self) -> Json:
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _SPECIAL}
        return plain | {
            "nozzle_mm": list(self.nozzle_mm) if self.nozzle_mm else None,
            "bed_c": _pair(self.bed_c),
            "nozzle_c": _pair(self.nozzle_c),
            "printer": {"model": self.printer.model, "id": self.printer.id, "preset": self.printer.preset},
            "objects": list(self.objects),
            "filaments": [f.to_json() for f in self.filaments],
            "thumbnails": [t.to_json() for t in self.thumbnails],
            "split_g": self.split.to_json() if self.split else None,
            "sources": dict(self.sources),
        }


_SPECIAL = {
    "nozzle_mm",
    "bed_c",
    "nozzle_c",
    "printer",
    "objects",
    "filaments",
    "thumbnails",
    "split",
    "sources",
    "use_by_layer",
    "scan_plan",
}


@dataclass(frozen=True, slots=True)
class MeshItem:
    """One thing on the bed. `is_closed` says that it has an inside, so that its volume means something."""

    name: str | None
    triangles: int
    size_mm: tuple[float, float, float]
    volume_mm3: float | None
    area_mm2: float | None
    is_closed: bool

    def to_json(self) -> Json:
        return {
            "name": self.name,
            "triangles": self.triangles,
            "size_mm": list(self.size_mm),
            "volume_mm3": self.volume_mm3,
            "area_mm2": self.area_mm2,
            "is_closed": self.is_closed,
        }


@dataclass(frozen=True, slots=True)
class Mesh:
    """Geometry of a model that is not sliced yet.

    Triangles, volume and area are sums over all items. `size_mm` is that of the largest item: the items of a project lie
    plate beside plate, so a box around all of them says nothing. `items` holds the first ones of `item_count`.
    """

    unit: str | None
    triangles: int
    size_mm: tuple[float, float, float]
    volume_mm3: float | None
    area_mm2: float | None
    is_closed: bool = False
    items: tuple[MeshItem, ...] = ()
    item_count: int = 1

    def to_json(self) -> Json:
        return {
            "unit": self.unit,
            "triangles": self.triangles,
            "size_mm": list(self.size_mm),
            "volume_mm3": self.volume_mm3,
            "area_mm2": self.area_mm2,
            "is_closed": self.is_closed,
            "item_count": self.item_count,
            "items": [item.to_json() for item in self.items],
        }


@dataclass(frozen=True, slots=True)
class FileReading:
    """Everything that one file says.

    `format` is gcode.3mf (sliced), 3mf (a project or a model), gcode, bgcode, gx, ufp, stl or obj. `raw` holds the whole
    metadata, ready for JSON. `draw` makes a picture of a plate that has none in the file, where the reader knows how.
    """

    format: str
    sliced: bool
    slicer: Slicer | None = None
    title: str | None = None
    designer: str | None = None
    licence: str | None = None
    plates: tuple[Plate, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()
    mesh: Mesh | None = None
    warnings: tuple[ReadingWarning, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    draw: Callable[[int], Thumbnail | None] | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> Json:
        """The reading as `printfarm inspect --json` prints it (without `raw` and the bytes of pictures)."""
        return {
            "format": self.format,
            "sliced": self.sliced,
            "slicer": {"name": self.slicer.name, "version": self.slicer.version} if self.slicer else None,
            "title": self.title,
            "designer": self.designer,
            "licence": self.licence,
            "plates": [p.to_json() for p in self.plates],
            "thumbnails": [t.to_json() for t in self.thumbnails],
            "mesh": self.mesh.to_json() if self.mesh else None,
            "warnings": [w.to_json() for w in self.warnings],
        }


def _pair(values: tuple[float | None, float | None] | None) -> list[float | None] | None:
    return list(values) if values else None
