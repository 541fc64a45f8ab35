"""Reads G-code of Cura: Marlin, RepRap, Griffin and the flavours that count volumes.

Cura states times and lengths (or volumes), never a weight, a material or a printer's nozzle; Griffin knows the nozzles.
An engine that is run by hand leaves its placeholders in the header: those are unknown, not 6666 seconds.
"""

import re
from dataclasses import replace

from printfarm.files.readers.comments import Comments, first_bed_c, first_nozzle_c, leading_number, positive
from printfarm.files.readers.cura_settings import stated_settings
from printfarm.files.readers.results import PrinterModel, Slicer
from printfarm.files.readers.stated import COMMANDS, COMMENTS, HEADER, Pair, Stated, StatedSlot
from printfarm.files.readers.values import MAX_GRAMS, MAX_METRES, clean_text, number, seconds, truth, whole

_SIGNATURE = re.compile(
    r"\n;[ \t]*(?:FLAVOR:[A-Za-z(]|Generated with Cura|GENERATOR\.NAME:[ \t]*Cura|TARGET_MACHINE\.NAME:)"
    r"|CuraEngine|\n[ \t]*;Basic settings: Layer height:",
)
_VERSION = re.compile(
    r"\n;[ \t]*Generated with Cura(?:_SteamEngine|Engine)?[ \t]+(v?\d[\w.+-]{0,40}|master|main)", re.ASCII
)
_AMOUNT = re.compile(
    r"(?<![\d.,])(-?\d{1,12}(?:[.,]\d{1,9})?(?:[eE][+-]?\d{1,2})?)[ \t]*(mm3|mm\^3|mm³|mm|m|g)(?![A-Za-z0-9])", re.ASCII
)
_LAYER = re.compile(r"\n;LAYER:(-?\d{1,6})(?!\d)", re.ASCII)
_LEGACY_TIME = re.compile(r"(?:(\d{1,5}) hours?)?[ \t]*(?:(\d{1,5}) minutes?)?[ \t]*(?:(\d{1,5}) seconds?)?", re.ASCII)
_TRAIN = re.compile(r"(\d{1,2})\.MATERIAL\.VOLUME_USED", re.ASCII)
_PLACEHOLDER_S = (666, 6666)
_MAX_FIRST_LAYER_MM = 2.0
_MAX_VOLUME_MM3 = 1e8
_TIME_TOLERANCE_S = 2


def recognises(head: str) -> bool:
    return _SIGNATURE.search(head) is not None


def read(comments: Comments) -> Stated:
    slots = _griffin_slots(comments) or _slots(comments)
    used = [slot for slot in slots if slot.metres or slot.volume_mm3 or slot.grams]
    first_tool = used[0].slot - 1 if used else None
    settings = stated_settings(comments)
    time_s = _time_s(comments, is_sliced=bool(used))
    return Stated(
        slicer=Slicer("Cura", _version(comments)),
        time_total_s=time_s,
        layers=_layers(comments),
        max_z_mm=positive(_number(comments, "MAXZ", "PRINT.SIZE.MAX.Z", high=10_000)),
        layer_height_mm=positive(comments.number("Layer height", high=20)),
        first_layer_height_mm=_first_layer_mm(comments),
        nozzle_mm=_nozzle_mm(comments),
        nozzle_c=_nozzle_c(comments, first_tool),
        bed_c=_bed_c(comments),
        printer=PrinterModel(model=_printer(comments)),
        supports=True if "\n;TYPE:SUPPORT" in comments.text else truth(settings.get("support_enable", "").lower()),
        slots=_named(comments, used),
        sources={
            "layers": HEADER if comments.first("LAYER_COUNT") else COMMENTS,
            "nozzle_c": HEADER if _train(comments, first_tool or 0, "INITIAL_TEMPERATURE") else COMMANDS,
            "bed_c": HEADER if comments.first("BUILD_PLATE.INITIAL_TEMPERATURE") else COMMANDS,
        },
        names_features=all(slot.metres for slot in used) and "\n;TYPE:" in comments.text,
        doubts=_doubts(comments, time_s),
        settings=settings,
        raw=comments.raw(),
    )


def _version(comments: Comments) -> str | None:
    found = _VERSION.search(comments.text)
    return found[1] if found else clean_text(comments.first("GENERATOR.VERSION"), 40)


def _number(comments: Comments, *keys: str, high: float) -> float | None:
    found = (comments.number(key, high=high) for key in keys)
    return next((value for value in found if value is not None), None)


def _time_s(comments: Comments, *, is_sliced: bool) -> int | None:
    """A placeholder is told from a real 6666 seconds by the filament: a sliced file uses some."""
    stated = seconds(_number(comments, "TIME", "PRINT.TIME", high=1e9))
    if stated in _PLACEHOLDER_S and not is_sliced:
        return None
    return stated or _legacy_time_s(comments.first("Print time"))


def _named(comments: Comments, used: list[StatedSlot]) -> tuple[StatedSlot, ...]:
    """Start codes can have Cura write the material, its name and the weights too, as `Filament weight = [4.1, 0]`."""
    weights = [number(w, high=MAX_GRAMS) for w in (comments.first("Filament weight", "=") or "").strip("[]").split(",")]
    material, preset = (clean_text(comments.first(f"Filament {key}", "="), 80) for key in ("type", "name"))
    material = None if material is None or "{" in material else material.strip("\"'")
    preset = None if preset is None or "{" in preset else preset.strip("\"'")
    if len(used) != 1:
        material = preset = None
    return tuple(
        replace(
            slot,
            grams=slot.grams or (weights[slot.slot - 1] or None if slot.slot <= len(weights) else None),
            material=material,
            preset=preset,
        )
        for slot in used
    )


def _legacy_time_s(text: str | None) -> int | None:
    """Cura 13 to 15 write `2 hours 24 minutes`."""
    found = _LEGACY_TIME.fullmatch(text.strip()) if text and len(text) < 60 else None
    if found is None:
        return None
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return seconds((hours * 60 + minutes) * 60 + rest)


def _slots(comments: Comments) -> list[StatedSlot]:
    """`Filament used: 2.08m, 0m`, `772.1mm3, 674.2mm3`, or of Cura 15 `5.3m 16.0g`; UltiGCode has a line for each."""
    stated = comments.first("Filament used")
    if stated is None:
        return _ultigcode_slots(comments)
    slots: list[StatedSlot] = []
    for text, unit in _AMOUNT.findall(stated)[:64]:
        value = number(text.replace(",", "."), high=_MAX_VOLUME_MM3)
        if unit == "g":
            if len(slots) == 1:
                slots[0] = StatedSlot(1, metres=slots[0].metres, grams=positive(value))
        elif unit in {"m", "mm"}:
            metres = value if unit == "m" or value is None else value / 1000
            slots.append(StatedSlot(len(slots) + 1, metres=number(metres, high=MAX_METRES)))
        else:
            slots.append(StatedSlot(len(slots) + 1, volume_mm3=value))
    return slots


def _ultigcode_slots(comments: Comments) -> list[StatedSlot]:
    """The volumes of a printer that knows its own filament's diameter."""
    volumes = [comments.number(key, high=_MAX_VOLUME_MM3) for key in ("MATERIAL", "MATERIAL2")]
    if comments.number("TIME") in _PLACEHOLDER_S and volumes[0] in _PLACEHOLDER_S:
        return []
    return [StatedSlot(place, volume_mm3=volume) for place, volume in enumerate(volumes, start=1)]


def _griffin_slots(comments: Comments) -> list[StatedSlot]:
    trains = [
        (int(train[1]), leading_number(value, high=_MAX_VOLUME_MM3))
        for rest, value in comments.starting_with("EXTRUDER_TRAIN.")
        if (train := _TRAIN.fullmatch(rest))
    ]
    return [StatedSlot(n + 1, volume_mm3=volume, nozzle_c=_train_c(comments, n)) for n, volume in sorted(trains)]


def _train(comments: Comments, train: int, key: str) -> float | None:
    return positive(comments.number(f"EXTRUDER_TRAIN.{train}.{key}", high=600))


def _train_c(comments: Comments, train: int) -> Pair | None:
    found = _train(comments, train, "INITIAL_TEMPERATURE")
    return (found, None) if found else None


def _nozzle_c(comments: Comments, first_tool: int | None) -> Pair | None:
    if found := _train_c(comments, first_tool or 0):
        return found
    told = first_nozzle_c(comments.text, first_tool) or first_nozzle_c(comments.text)
    return (told, None) if told else None


def _bed_c(comments: Comments) -> Pair | None:
    found = positive(comments.number("BUILD_PLATE.INITIAL_TEMPERATURE", high=300)) or first_bed_c(comments.text)
    return (found, None) if found else None


def _nozzle_mm(comments: Comments) -> tuple[float, ...] | None:
    trains = [_train(comments, n, "NOZZLE.DIAMETER") for n in range(16)]
    single = positive(comments.number("NOZZLE_DIAMETER", high=10) or comments.number("Nozzle diameter", "=", high=10))
    return tuple(n for n in trains if n and n < 10) or ((single,) if single else None)


def _layers(comments: Comments) -> int | None:
    stated = whole(_number(comments, "LAYER_COUNT", "Layer count", high=1_000_000))
    if stated:
        return stated
    counted = [int(n) for n in _LAYER.findall(comments.text)]
    return max(counted) + 1 if counted and comments.is_whole and max(counted) >= 0 else None


def _first_layer_mm(comments: Comments) -> float | None:
    """The lowest extrusion's height: that is the first layer, unless there is a raft under it."""
    lowest = _number(comments, "MINZ", "PRINT.SIZE.MIN.Z", high=_MAX_FIRST_LAYER_MM)
    has_raft = any(n.startswith("-") for n in _LAYER.findall(comments.text))
    return None if has_raft else positive(lowest)


def _printer(comments: Comments) -> str | None:
    name = clean_text(comments.first("TARGET_MACHINE.NAME"), 120)
    return None if name is None or name.lower() in {"unknown", "custom"} else name


def _doubts(comments: Comments, time_s: int | None) -> tuple[tuple[str, str], ...]:
    """The engine notes the time that has passed after each layer: the last note is the whole."""
    passed = seconds(leading_number(comments.last("TIME_ELAPSED")))
    if not time_s or not passed or passed - time_s <= max(_TIME_TOLERANCE_S, 0.01 * time_s):
        return ()
    sentence = (
        f"The header says {time_s} s, but the layers take {passed} s. The file was probably edited after slicing."
    )
    return (("time_differs", sentence),)
