"""Where a print reaches the end of a roll: by what each layer takes, as the moves were counted; else as if every layer took as
much as the next, and said so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from printfarm.files.readers.results import LayerUse
from printfarm.files.readers.scan_result import share_after

ROUNDING_MG = 0.5


@dataclass(frozen=True)
class Draw:
    """What a slot of the plate takes from the roll in all, and after which layer this roll began to feed it."""

    slot: int
    total_mg: int
    from_layer: int = 0


@dataclass(frozen=True)
class RollEnd:
    """The layer in which nothing is left; None where the plate's layers are not known. `share`: how much of the print is done
    then, 0 to 1, by layers or else by grams. `counted`: what the layers take was counted.
    """

    layer: int | None
    layers: int | None
    share: float
    counted: bool
    missing_mg: int

    @property
    def percent(self) -> int:
        return min(99, int(100 * self.share))

    @property
    def words(self) -> str:
        if self.layer is None:
            return f"after about {self.percent} % of the grams"
        where = f"in layer {self.layer} of {self.layers} ({self.percent} %)"
        return where if self.counted else f"about {where}, if every layer takes as much"


def end_of_roll(
    has_mg: int, draws: Sequence[Draw], layers: int | None, uses: Sequence[LayerUse] = ()
) -> RollEnd | None:
    """Where `has_mg` are used up; None when they last to the end."""
    if not layers:
        return _by_grams(has_mg, draws)
    counted = _is_counted(draws, layers, uses)

    def used(layer: int) -> float:
        return sum(draw.total_mg * _between(draw, layer, layers, uses if counted else ()) for draw in draws)

    has_mg = max(0, has_mg)
    missing = used(layers) - has_mg
    if missing <= ROUNDING_MG:
        return None
    low, high = 0, layers  # after `low` it lasts, after `high` it does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if used(middle) - has_mg > ROUNDING_MG else (middle, high)
    return RollEnd(high, layers, (high - 1) / layers, counted=counted, missing_mg=round(missing))


def _by_grams(has_mg: int, draws: Sequence[Draw]) -> RollEnd | None:
    """No layers are known. Then nobody can say what a roll gives that came in the middle."""
    total = sum(draw.total_mg for draw in draws)
    if has_mg >= total or any(draw.from_layer for draw in draws):
        return None
    return RollEnd(None, None, max(0, has_mg) / total, counted=False, missing_mg=total - max(0, has_mg))


def _is_counted(draws: Sequence[Draw], layers: int, uses: Sequence[LayerUse]) -> bool:
    """Only when all of it was counted, and for as many layers."""
    return bool(uses) and uses[-1].layers == layers and all(draw.slot in uses[-1].share_of_slot for draw in draws)


def _between(draw: Draw, layer: int, layers: int, uses: Sequence[LayerUse]) -> float:
    return max(0.0, _share(draw.slot, layer, layers, uses) - _share(draw.slot, draw.from_layer, layers, uses))


def _share(slot: int, layer: int, layers: int, uses: Sequence[LayerUse]) -> float:
    if uses:
        return share_after(uses, layer, slot) or 0.0
    return min(1.0, layer / layers)
