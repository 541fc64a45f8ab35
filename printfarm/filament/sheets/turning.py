"""What a sheet says of the state of a roll that is here, and of its filament: what can be done about it, or why it stays."""

from collections.abc import Mapping
from decimal import Decimal

from printfarm.filament.models import Filament, Spool
from printfarm.filament.service.filaments import name_of
from printfarm.filament.sheets.saying import Refused, Said

FACTS = ("brand", "material", "finish", "colour")
HERE = ("sealed", "open", "loaded")
# From a state to another one: the deed by which the pages do it too.
DEEDS: Mapping[tuple[str, str], str] = {
    ("on order", "sealed"): "receive",
    ("on order", "open"): "receive",
    ("sealed", "open"): "opened",
    **{(one, "empty"): "empty" for one in HERE},
    **{(one, "discarded"): "discard" for one in (*HERE, "empty")},
}


def deed_of(spool: Spool, said: Said, left_mg: int | None) -> tuple[str, str]:
    """The deed that gives the roll the state of its line, else why it keeps its own. Neither when the line wants nothing."""
    wanted, then = said.state, said.state_then
    if not wanted or wanted in {spool.state, then}:
        return "", ""
    if then and then != spool.state:
        return "", f"it was {then} when the sheet was made, is {spool.state} now, and stays that"
    if wanted == "empty" and left_mg:
        raise Refused(f"It says that {spool.code} is empty, and that there is something on it. Which is right?")
    deed = DEEDS.get((spool.state, wanted), "")
    return deed, "" if deed else f"it stays {spool.state}: only its own page can make it {wanted}"


def filament_for(known: Mapping[str, list[Filament]], spool: Spool, said: Said) -> tuple[Filament | None, str]:
    """The filament that the roll is of after all, when its line names another one; else why it stays what it is."""
    ours = spool.filament
    other = [fact for fact in FACTS if _differs(ours, fact, said.texts.get(fact, ""))]
    if not other:
        return None, _looks(ours, said)
    if said.kind is not None and said.kind != ours.number:
        return None, f"it was found to be {name_of(ours)} since the sheet was made, and stays that"
    is_ours = said.code is not None or said.number is not None
    found = _named(known, ours, said) if is_ours else []
    if len(found) == 1:
        return found[0], ""
    fact = other[0]
    of_what = f"{spool.code} is {own(ours, fact) or 'without ' + fact} here, not {said.texts[fact]}."
    if not is_ours:
        raise Refused(f"{of_what} Change it on its page.")
    if found:
        raise Refused(f"{of_what} Several filaments are called that: say which one on its page.")
    raise Refused(f"{of_what} There is no such filament in use: add it first.")


def _named(known: Mapping[str, list[Filament]], ours: Filament, said: Said) -> list[Filament]:
    """Those that the line may mean. An empty cell stands for what the roll is now, or for none."""
    told = {fact: said.texts.get(fact, "") for fact in FACTS}
    for wanted in ({fact: told[fact] or own(ours, fact) for fact in FACTS}, told):
        named = known.get(wanted["colour"].casefold(), ())
        found = [
            one
            for one in named
            if one is not ours and one.archived_at is None and all(same(own(one, fact), wanted[fact]) for fact in FACTS)
        ]
        found = [one for one in found if said.diameter in {None, ours.diameter_mm, one.diameter_mm}]
        looking_so = [one for one in found if said.colours == one.colour_hex]
        if found:
            return looking_so if len(looking_so) == 1 else found
    return []


def _looks(ours: Filament, said: Said) -> str:
    """A line changes a roll; what belongs to its filament, and so to other rolls too, it does not."""
    stays = []
    if said.colours is not None and said.colours != ours.colour_hex:
        stays.append(f"colour code {ours.colour_hex}")
    if said.diameter is not None and Decimal(said.diameter) != ours.diameter_mm:
        stays.append(f"diameter {ours.diameter_mm} mm")
    return f"its filament keeps its {' and its '.join(stays)}: change that on the filament’s page" if stays else ""


def _differs(ours: Filament, fact: str, theirs: str) -> bool:
    if not theirs or same(own(ours, fact), theirs):
        return False
    return not (fact == "colour" and same(f"{own(ours, fact)} {ours.finish}", theirs))


def own(filament: Filament, fact: str) -> str:
    return str(getattr(filament, "colour_name" if fact == "colour" else fact))


def same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
