"""The settings of a slicer as typed values. They come as JSON (3MF) or as `key = value` comments (G-code).

Every value is a text or a list of texts, in hand-made files also a number, null, or a scalar where a list is usual.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from printfarm.files.readers.values import clean_text, colour, number, text_list, truth

Pair = tuple[float | None, float | None]

_BED_KEYS: Mapping[str, str] = {
    "cool plate": "cool_plate_temp",
    "cool plate / pla plate": "cool_plate_temp",
    "engineering plate": "eng_plate_temp",
    "high temp plate": "hot_plate_temp",
    "smooth pei plate": "hot_plate_temp",
    "smooth pei plate / high temp plate": "hot_plate_temp",
    "textured pei plate": "textured_plate_temp",
    "supertack plate": "supertack_plate_temp",
    "cool plate (supertack)": "supertack_plate_temp",
    "bambu cool plate supertack": "supertack_plate_temp",
    "textured cool plate": "textured_cool_plate_temp",
}
_MAX_C = 600.0
_MAX_LIST = 2000
_MAX_CHARACTERS = 65_536


class Settings:
    """One set of settings: either the project's JSON or the CONFIG_BLOCK of one G-code."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._texts: dict[str, list[str]] = {}
        self._numbers: dict[tuple[str, float, float], list[float | None]] = {}
        self.slot_count = self._count_slots()

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str) -> str | None:
        """A single text; quotes around it are taken off, and of a list the first is meant."""
        parts = self.texts(key)
        return clean_text(parts[0]) if parts else None

    def texts(self, key: str) -> list[str]:
        r"""A list of texts: from JSON as it is, from a comment split at `;` outside quotes."""
        if key not in self._texts:
            self._texts[key] = _as_texts(self._values.get(key))
        return self._texts[key]

    def numbers(self, key: str, *, low: float = 0.0, high: float = 1e9) -> list[float | None]:
        """A list of numbers, split at commas or semicolons; what is no number within the bounds is None."""
        asked = (key, low, high)
        if asked not in self._numbers:
            self._numbers[asked] = [number(part, low=low, high=high) for part in _as_parts(self._values.get(key))]
        return self._numbers[asked]

    def number(self, key: str, *, low: float = 0.0, high: float = 1e9) -> float | None:
        found = self.numbers(key, low=low, high=high)
        return found[0] if found else None

    def flag(self, key: str) -> bool | None:
        return truth(self.text(key) or "")

    def of_slot(self, key: str, slot: int) -> str | None:
        """The text for one slot."""
        parts = self.texts(key)
        if 1 <= slot <= len(parts):
            return parts[slot - 1]
        return parts[0] if len(parts) == 1 else None

    def number_of_slot(self, key: str, slot: int, *, low: float = 0.0, high: float = 1e9) -> float | None:
        """The number for one slot; arrays may have one entry for each nozzle variant of each filament."""
        return _pick(self.numbers(key, low=low, high=high), slot, self.slot_count, self._self_index())

    def _self_index(self) -> list[float | None]:
        return self.numbers("filament_self_index")

    def _count_slots(self) -> int:
        """How many filament slots the settings speak of."""
        for key in ("filament_type", "filament_colour", "filament_settings_id"):
            if parts := self.texts(key):
                return len(parts)
        return max((len(self.numbers(key)) for key in ("filament_diameter", "nozzle_diameter")), default=0)


class SettingsChain:
    """Several sets of settings, asked in order: what was really sliced first, the project after it."""

    def __init__(self, *sets: Settings) -> None:
        self.sets = [s for s in sets if s]

    def text(self, *keys: str) -> str | None:
        return next((t for s in self.sets for key in keys if (t := s.text(key))), None)

    def number(self, *keys: str, low: float = 0.0, high: float = 1e9) -> float | None:
        return next((n for s in self.sets for k in keys if (n := s.number(k, low=low, high=high)) is not None), None)

    def numbers(self, key: str, *, low: float = 0.0, high: float = 1e9) -> list[float | None]:
        return next((n for s in self.sets if (n := s.numbers(key, low=low, high=high))), [])

    def flag(self, *keys: str) -> bool | None:
        return next((f for s in self.sets for key in keys if (f := s.flag(key)) is not None), None)

    def of_slot(self, key: str, slot: int) -> str | None:
        return next((t for s in self.sets if (t := clean_text(s.of_slot(key, slot)))), None)

    def number_of_slot(self, key: str, slot: int, *, low: float = 0.0, high: float = 1e9) -> float | None:
        return next((n for s in self.sets if (n := s.number_of_slot(key, slot, low=low, high=high)) is not None), None)

    @property
    def slot_count(self) -> int:
        return max((s.slot_count for s in self.sets), default=0)

    def layer_height_mm(self) -> float | None:
        return self.number("layer_height", high=100)

    def first_layer_height_mm(self) -> float | None:
        """Prusa allows a percentage of the layer height."""
        found = self.number("initial_layer_print_height", "first_layer_height", high=100)
        if found is not None:
            return found or None
        text = self.text("first_layer_height")
        share = number(text[:-1]) if text and text.endswith("%") else None
        height_mm = self.layer_height_mm()
        return round(height_mm * share / 100, 4) if share and height_mm else None

    def nozzle_mm(self) -> tuple[float, ...] | None:
        """One diameter for each physical nozzle; a multi-material unit repeats its only nozzle for every slot."""
        found = [n for n in self.numbers("nozzle_diameter", high=10) if n]
        if self.flag("single_extruder_multi_material") and len(set(found)) == 1:
            found = found[:1]
        return tuple(found) or None

    def nozzle_c(self, slot: int) -> Pair | None:
        return self._pair(
            slot, ("nozzle_temperature_initial_layer", "first_layer_temperature"), ("nozzle_temperature", "temperature")
        )

    def bed_c(self, slot: int, bed_type: str | None) -> Pair | None:
        """The bed's temperature for the plate type that is chosen; the keys of the other types keep their values."""
        key = _BED_KEYS.get((bed_type or "").lower())
        if key:
            return self._pair(slot, (f"{key}_initial_layer",), (key,))
        return self._pair(slot, ("first_layer_bed_temperature",), ("bed_temperature",))

    def colour_of_slot(self, slot: int) -> str | None:
        """The filament's colour; Prusa means the extruder's when it is empty."""
        of_filament = colour(self.of_slot("filament_colour", slot) or "")
        return of_filament or colour(self.of_slot("extruder_colour", slot) or "")

    def _pair(self, slot: int, first_keys: Sequence[str], other_keys: Sequence[str]) -> Pair | None:
        def at(keys: Sequence[str]) -> float | None:
            found = (self.number_of_slot(key, slot, high=_MAX_C) for key in keys)
            return next((c for c in found if c is not None), None)

        first, other = at(first_keys), at(other_keys)
        return None if first is None and other is None else (first, other)


def _as_texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return ["" if v is None or isinstance(v, (list, dict)) else str(v)[:_MAX_CHARACTERS] for v in value[:_MAX_LIST]]
    if value is None or isinstance(value, dict):
        return []
    return text_list(str(value)[:_MAX_CHARACTERS])[:_MAX_LIST]


def _as_parts(value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value[:_MAX_LIST]
    if isinstance(value, str):
        text = value[:_MAX_CHARACTERS].replace(";", ",")
        return text.split(",")[:_MAX_LIST] if text.strip() else []
    return [] if value is None else [value]


def _pick(
    values: Sequence[float | None], slot: int, slot_count: int, self_index: Sequence[float | None]
) -> float | None:
    if not values or slot < 1:
        return None
    if len(values) == slot_count and slot <= len(values):
        return values[slot - 1]
    if len(values) == len(self_index) and slot in self_index:
        return values[self_index.index(slot)]
    return values[0]
