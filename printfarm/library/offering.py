"""A filament that a file wants and the shop lacks, as it is offered: what the file says, filled up from the catalogue."""

from collections.abc import Sequence
from dataclasses import replace

from printfarm.core.errors import DomainError
from printfarm.filament import catalogue
from printfarm.filament.materials import finish_in, is_brand
from printfarm.filament.service import FilamentFacts
from printfarm.library import guesses
from printfarm.library.guesses import WantedFilament

# What slicers write where nobody said who made it.
NOBODY = frozenset({"", "generic", "unknown", "(undefined)", "undefined", "default"})


def suggestion(wanted: WantedFilament, brands: Sequence[str]) -> dict[str, str]:
    """What stands in the form at first: the brand as the shop writes it, the colour as the brand calls it."""
    entry = _entry(wanted)
    vendor = entry.line.brand if entry else wanted.vendor
    return {
        "brand": next((one for one in brands if is_brand(one, vendor)), vendor),
        "material": wanted.material,
        "finish": entry.line.finish if entry else finish_in(f"{wanted.material} {wanted.preset}"),
        "colour_name": entry.colour_name if entry else guesses.colour_name(wanted.colour_hex),
        "colour_hex": wanted.colour_hex,
    }


def new_filament(
    wanted: WantedFilament, *, brand: str, material: str, finish: str, colour_name: str, colour_hex: str
) -> FilamentFacts:
    """Density as the file says it, else as the brand's material usually has it; temperatures from the catalogue."""
    line = catalogue.usual_line(brand, material, f"{finish} {wanted.preset}")
    facts = FilamentFacts(
        brand=brand,
        material=material,
        finish=finish,
        colour_name=colour_name,
        colour_hex=colour_hex,
        density_g_cm3=wanted.density_g_cm3,
    )
    return facts if line is None else _filled(facts, line)


def _filled(facts: FilamentFacts, line: catalogue.Line) -> FilamentFacts:
    return replace(
        facts,
        density_g_cm3=facts.density_g_cm3 or line.density_g_cm3,
        nozzle_min_c=line.nozzle_min_c,
        nozzle_max_c=line.nozzle_max_c,
        bed_c=line.bed_c,
    )


def _entry(wanted: WantedFilament) -> catalogue.Entry | None:
    if wanted.vendor.strip().casefold() in NOBODY or not wanted.material:
        return None
    try:
        return catalogue.nearest_entry(wanted.vendor, wanted.material, wanted.colour_hex, wanted.preset)
    except DomainError:  # a colour that is none
        return None
