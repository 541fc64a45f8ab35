"""What the demo shop has on its shelf and in its library, before any of it is in the database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from printfarm.demo.solids import Solid, circle, clip, crescent, ell, gear, hook, lathe, prism, star

MODEL_IDS = {"X1C": "BL-P001", "P1S": "C12", "A1MINI": "N1"}  # as simulators name them → as slicers write them


@dataclass(frozen=True)
class Roll:
    """A filament, and the rolls of it, in grams. Preset and identifier as Bambu Studio writes them."""

    key: str
    brand: str
    material: str
    colour_name: str
    colour_hex: str
    grams: tuple[int, ...]
    preset: str
    tray_info_idx: str
    nozzle_c: int = 220
    bed_c: int = 55
    cost_per_kg: float = 24.99

    @property
    def first_colour(self) -> str:
        return self.colour_hex.split(",", 1)[0]


@dataclass(frozen=True)
class Use:
    """What a plate takes of a roll, in grams; purge and tower are parts of it."""

    roll: str
    grams: float
    purge_g: float = 0.0
    tower_g: float = 0.0


@dataclass(frozen=True)
class Thing:
    """A model, sliced for one kind of printer, with a plate for each drawing."""

    name: str
    category: str
    printer: str
    minutes: int
    layers: int
    uses: Sequence[Use]
    draw: Callable[[], Sequence[Sequence[Solid]]]
    plates: Sequence[str] = ("",)
    nozzle_mm: float = 0.4
    description: str = ""
    tags: Sequence[str] = ()
    by_visitor: bool = True  # False: uploaded, and left for a person to answer

    @property
    def file_name(self) -> str:
        return f"{self.name.replace(' ', '_')}.gcode.3mf"


WHITE, BLACK, ORANGE, GREEN, IVORY, BLUE, NIGHT = (
    "#FFFFFF",
    "#000000",
    "#FF6A13",
    "#00AE42",
    "#F4EFE3",
    "#0A2CA5",
    "#2B2B2F",
)
ROLLS = (
    Roll("white", "Bambu Lab", "PLA", "Jade white", WHITE, (820, 1000), "Bambu PLA Basic", "GFA00"),
    Roll("black", "Bambu Lab", "PLA", "Black", BLACK, (410,), "Bambu PLA Basic", "GFA00"),
    Roll("orange", "Bambu Lab", "PETG", "Orange", ORANGE, (600,), "Bambu PETG HF", "GFG02", 245, 70, 27.99),
    Roll("green", "Bambu Lab", "PLA", "Bambu green", GREEN, (650,), "Bambu PLA Basic", "GFA00"),
    Roll("ivory", "Bambu Lab", "PLA", "Matte ivory", IVORY, (940,), "Bambu PLA Matte", "GFA01"),
    Roll("blue", "Sunlu", "PLA", "Deep blue", BLUE, (480,), "Generic PLA", "GFL99", cost_per_kg=16.5),
    Roll("night", "Prusament", "PETG", "Galaxy black", NIGHT, (740,), "Generic PETG", "GFG99", 250, 80, 29.99),
    Roll("pink", "Polymaker", "PLA", "Sakura pink", "#F2A7BB", (64,), "Generic PLA", "GFL99", cost_per_kg=22.9),
    Roll("silk", "eSUN", "PLA", "Silk galaxy", "#5B2A86,#1D4ED8,#19B5A5", (1000,), "Generic PLA", "GFL99"),
)
BY_KEY = {roll.key: roll for roll in ROLLS}

# What lies in which place: (simulated model, AMS unit, slot) → roll. The blue one of the A1 mini has no spool assigned,
# so that its grams wait for a person.
EXTERNAL_UNIT, SLOTS_PER_UNIT = 255, 4
NOT_ASSIGNED = ("A1MINI", 0, 2)
LYING = {
    ("X1C", 0, 0): "white",
    ("X1C", 0, 1): "black",
    ("X1C", 0, 2): "orange",
    ("A1MINI", 0, 0): "green",
    ("A1MINI", 0, 1): "ivory",
    NOT_ASSIGNED: "blue",
    ("P1S", EXTERNAL_UNIT, 0): "night",
}
LOADED = {place: key for place, key in LYING.items() if place != NOT_ASSIGNED}
NO_SPOOL = {"material": "", "brand": "", "preset": "", "color": "00000000", "rfid": False}


def spool_spec(roll: Roll, *, external: bool = False, grams: float = 1000.0) -> dict[str, object]:
    """The roll as simulated printers are told of it; only the maker's own rolls have a tag that an AMS can read."""
    genuine = roll.brand == "Bambu Lab" and not external
    return {
        "material": roll.material,
        "brand": roll.preset.removeprefix("Bambu ") if genuine else "",
        "preset": roll.tray_info_idx,
        "color": f"{roll.first_colour.lstrip('#').upper()}FF",
        "rfid": genuine,
        "remaining_g": grams,
    }


def spools_of(model: str) -> dict[str, object]:
    """What a simulated printer of this model carries at first (`ams`, `external`): the same as the shop's books say."""
    slots: list[dict[str, object] | None] = [None] * SLOTS_PER_UNIT
    external = NO_SPOOL
    for (other, unit, slot), key in LYING.items():
        if other != model:
            continue
        roll = BY_KEY[key]
        if unit == EXTERNAL_UNIT:
            external = spool_spec(roll, external=True, grams=min(roll.grams))
        else:
            slots[slot] = spool_spec(roll, grams=min(roll.grams))
    return {"ams": [slots] if any(slots) else [], "external": external}


PAWN = (
    (11, 0), (11, 2), (8, 4), (7, 6), (5, 10), (4, 18), (6.5, 20), (4, 21.5), (5, 24), (6, 27), (5.5, 30), (3.5, 32.5),
    (0.2, 33.5),
)  # fmt: skip
CORNERS = [(x, y) for x in (-17, 17) for y in (-17, 17)]


def pawns(colour: str) -> list[Solid]:
    return [lathe(PAWN, colour, at=corner) for corner in CORNERS]


THINGS = (
    Thing(
        "Chess pawns", "toy", "X1C", 64, 168, [Use("white", 27.4)],
        lambda: [pawns(WHITE)], description="The four that always get lost.", tags=("chess", "game", "spare part"),
    ),
    Thing(
        "Gear box gears", "functional", "P1S", 58, 45, [Use("night", 31.2)],
        lambda: [[
            prism(gear(18, 22, 4), 9, NIGHT, at=(-14, 8), holes=[circle(6, centre=(0, 0))]),
            prism(gear(10, 11, 3.6), 9, NIGHT, at=(20, -16), holes=[circle(4)]),
            prism(gear(10, 11, 3.6), 9, NIGHT, at=(22, 22), holes=[circle(4)]),
        ]],
    ),
    Thing(
        "Star key rings", "keychain", "A1MINI", 44, 20, [Use("green", 8.6)],
        lambda: [[prism(star(5, 13, 5.5), 4, GREEN, at=at, holes=[circle(1.6, 16, (0, 8.6))]) for at in CORNERS]],
        tags=("gift", "kids"),
        description="Four at once.\n\n## After printing\n\n- Let the bed cool: they come off by themselves.\n"
        "- Rings of **20 mm** fit.",
    ),
    Thing(
        "Two-tone planter", "decoration", "X1C", 96, 170, [Use("white", 38.9, 6.1, 3.2), Use("black", 21.5, 5.8, 2.9)],
        lambda: [[lathe([(22, 0), (30, 34)], WHITE, is_open=True, flutes=10, depth=0.03, upper=BLACK, upper_from_mm=20)]],
    ),
    Thing(
        "Cable clips", "functional", "X1C", 52, 40, [Use("orange", 14.8)],
        lambda: [[prism(clip(), 8, ORANGE, at=(x, y)) for x in (-22, 0, 22) for y in (-22, 0, 22)]],
    ),
    Thing(
        "Moon earrings", "earring", "A1MINI", 38, 15, [Use("ivory", 3.4)],
        lambda: [[prism(crescent(12), 3, IVORY, at=at) for at in CORNERS]],
        tags=("gift", "jewellery"),
    ),
    Thing(
        "Twisted vase", "decoration", "P1S", 88, 350, [Use("night", 46.0)],
        lambda: [[lathe(
            [(18, 0), (26, 12), (28, 24), (20, 44), (13, 58), (17, 70)], NIGHT, is_open=True, flutes=12, depth=0.05, twist=1.6
        )]],
    ),
    Thing(
        "Gift box", "decoration", "A1MINI", 56, 120, [Use("blue", 19.7)],
        lambda: [
            [lathe([(20, 0), (20, 24)], BLUE, flutes=6, depth=0.05, is_open=True)],
            [prism(star(6, 22, 19), 5, BLUE)],
        ],
        plates=("Box", "Lid"), tags=("gift", "two plates"),
    ),
    Thing(
        "Wall hook", "tool", "P1S", 49, 60, [Use("night", 17.9)],
        lambda: [[prism(hook(), 12, NIGHT, at=(x, -12)) for x in (-19, 19)]],
    ),
    Thing(
        "Lamp shade", "decoration", "X1C", 110, 230, [Use("white", 52.3)],
        lambda: [[lathe([(34, 0), (33, 6), (20, 46)], WHITE, flutes=24, depth=0.025, twist=0.8, is_open=True)]],
    ),
    Thing(
        "Rain barrel coupling", "functional", "X1C", 75, 52, [Use("orange", 41.0)],
        lambda: [[lathe([(24, 0), (24, 8), (17, 9), (17, 26)], ORANGE, is_open=True)]],
        nozzle_mm=0.6, description="Sliced for a 0.6 mm nozzle, which no printer here carries.",
    ),
    Thing(
        "Book end", "functional", "P1S", 102, 300, [Use("night", 88.0)],
        lambda: [[prism([(x - 18, y - 16) for x, y in ell(38, 34, 4)], 40, NIGHT)]],
        by_visitor=False,
    ),
)  # fmt: skip
BY_FILE = {thing.file_name: thing for thing in THINGS}
