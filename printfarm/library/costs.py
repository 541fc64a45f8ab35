"""What it costs to produce a variant once, line by line, each with its formula in words.

Amounts are exact decimals until each line is rounded, half to even, to the currency's minor unit; the sum is of the rounded
lines, so that it adds up on paper. What is unknown is said to be unknown; it is never counted as nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from babel.numbers import get_currency_precision

from printfarm.accounts.models import Shop
from printfarm.core import formats
from printfarm.core.units import cost_minor
from printfarm.filament.models import Filament
from printfarm.library.models import FilamentRequirement, Plate

HOUR_S, WATTS_PER_KW, MINUTES_PER_HOUR = 3600, 1000, 60


@dataclass(frozen=True)
class CostLine:
    """`minor` is None when it is unknown; `words` then say why, else the formula. `unset`: a rate that the shop did not set."""

    what: str
    words: str
    minor: int | None
    unset: bool = False


@dataclass(frozen=True)
class Costs:
    """All lines, in the order in which they are shown."""

    lines: Sequence[CostLine]

    @property
    def known_minor(self) -> int | None:
        """The sum of what is known; None when nothing is."""
        known = [line.minor for line in self.lines if line.minor is not None]
        return sum(known) if known else None

    @property
    def unknown(self) -> list[str]:
        """What the sum leaves out because it is not known. Rates that the shop does not use are left out by choice."""
        return [line.what for line in self.lines if line.minor is None and not line.unset]

    @property
    def unset(self) -> list[str]:
        return [line.what for line in self.lines if line.unset]

    @property
    def total_minor(self) -> int | None:
        """The whole sum; None as soon as one line is unknown."""
        return None if self.unknown else self.known_minor


def costs_of(plates: Sequence[Plate], filaments: Mapping[UUID, Filament], shop: Shop) -> Costs:
    """What printing each of the plates once costs. The plates come with their requirements."""
    duration_s = _whole_duration(plates)
    return Costs(
        [
            *_filament_lines(plates, filaments, shop),
            _electricity(duration_s, shop),
            _machine(duration_s, shop),
            _labour(len(plates), shop),
        ]
    )


def _filament_lines(plates: Sequence[Plate], filaments: Mapping[UUID, Filament], shop: Shop) -> Iterator[CostLine]:
    """One line per filament, over all plates; what is not decided, by slot."""
    needs: dict[tuple[UUID | None, int], list[FilamentRequirement]] = {}
    for need in (need for plate in plates for need in plate.requirements):
        needs.setdefault((need.filament_id, 0 if need.filament_id else need.slot), []).append(need)
    for (filament_id, slot), same in needs.items():
        yield _filament_line(same, filaments.get(filament_id) if filament_id else None, slot, shop)
    if not needs:
        yield CostLine("Filament", "The file does not say how much it takes.", None)


def _filament_line(needs: Sequence[FilamentRequirement], filament: Filament | None, slot: int, shop: Shop) -> CostLine:
    weights = [need.total_mg for need in needs]
    if filament is None:
        return CostLine(f"Filament of slot {slot}", "It is not decided which filament it is.", None)
    name = f"{filament.brand} {filament.material} {filament.colour_name}".strip()
    if None in weights:
        return CostLine(name, "The file does not say how much it takes.", None)
    total_mg = sum(weight for weight in weights if weight is not None)
    if filament.cost_per_gram is None:
        return CostLine(name, f"{formats.grams(total_mg)}, but this filament has no price yet.", None)
    words = f"{formats.grams(total_mg)} × {formats.cost_per_gram(filament.cost_per_gram)}"
    return CostLine(name, words, cost_minor(total_mg, filament.cost_per_gram, _minor_per_major(shop)))


def _electricity(duration_s: int | None, shop: Shop) -> CostLine:
    if shop.electricity_per_kwh is None or shop.printer_power_w is None:
        return _not_set("Electricity", "the price of a kilowatt-hour and the printer's power are not set")
    if duration_s is None:
        return _no_time("Electricity")
    kwh = Decimal(duration_s) * shop.printer_power_w / (HOUR_S * WATTS_PER_KW)
    words = f"{formats.duration(duration_s)} × {shop.printer_power_w} W × {formats.amount(shop.electricity_per_kwh)} per kWh"
    return CostLine("Electricity", words, _minor(kwh * shop.electricity_per_kwh, shop))


def _machine(duration_s: int | None, shop: Shop) -> CostLine:
    if shop.machine_per_hour is None:
        return _not_set("Machine", "the rate for an hour of printing is not set")
    if duration_s is None:
        return _no_time("Machine")
    words = f"{formats.duration(duration_s)} × {formats.amount(shop.machine_per_hour)} per hour"
    return CostLine("Machine", words, _minor(Decimal(duration_s) * shop.machine_per_hour / HOUR_S, shop))


def _labour(prints: int, shop: Shop) -> CostLine:
    if shop.labour_per_hour is None or shop.labour_minutes_per_print is None:
        return _not_set("Labour", "the rate for an hour of work and the minutes for each print are not set")
    minutes = shop.labour_minutes_per_print * prints
    many = "" if prints == 1 else f"{prints} plates × "
    words = f"{many}{shop.labour_minutes_per_print} min × {formats.amount(shop.labour_per_hour)} per hour"
    return CostLine("Labour", words, _minor(shop.labour_per_hour * minutes / MINUTES_PER_HOUR, shop))


def _not_set(what: str, why: str) -> CostLine:
    return CostLine(what, f"Not counted: {why}.", None, unset=True)


def _no_time(what: str) -> CostLine:
    return CostLine(what, "The file does not say how long it takes.", None)


def _whole_duration(plates: Sequence[Plate]) -> int | None:
    known = [plate.duration_s for plate in plates if plate.duration_s is not None]
    return sum(known) if known and len(known) == len(plates) else None


def _minor(amount: Decimal, shop: Shop) -> int:
    return int((amount * _minor_per_major(shop)).quantize(Decimal(1), ROUND_HALF_EVEN))


def _minor_per_major(shop: Shop) -> int:
    return int(10 ** get_currency_precision(shop.currency))
