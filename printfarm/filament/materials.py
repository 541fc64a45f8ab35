"""What people and slicers call materials: the material itself, and the finish that is often written into it."""

import re
from functools import lru_cache

# Finishes by the words that speak of them, the most telling first.
_WORDS = {
    "matte": ("matte", "matt", "mat"),
    "silk": ("silk", "seide"),
    "marble": ("marble",),
    "wood": ("wood", "holz"),
    "glow": ("glow", "luminous"),
    "sparkle": ("sparkle", "glitter", "twinkling", "shimmer"),
    "metallic": ("metal", "metallic"),
    "translucent": ("translucent", "transparent", "clear"),
    "satin": ("satin",),
    "glossy": ("glossy", "gloss", "shiny"),
    "high speed": ("hs", "hf", "rapid", "hyper", "highspeed", "speed"),
    "lightweight": ("aero", "lw", "lightweight"),
}
FINISHES = tuple(_WORDS)
_FINISH_OF = {word: finish for finish, words in _WORDS.items() for word in words}
# Words beside a material that make no other material of it.
_ADDED = frozenset(
    {"basic", "plus", "pro", "tough", "dual", "color", "colour", "gradient", "standard", "easy", "filament"}
)
# Written otherwise, but the same.
_ALIASES = {"nylon": "pa", "pet-g": "petg", "flex": "tpu", "tpe": "tpu"}
# "PA6", "PA12", and how hard a flexible one is, "95A".
_NUMBER_OF_PA = re.compile(r"^pa\d+")
_HARDNESS = re.compile(r"\d+[ad]")
# What slicers call a brand that people know by another name.
_BRANDS = {"prusa polymers": "prusament", "prusa": "prusament", "prusa research": "prusament", "bbl": "bambu"}


@lru_cache(maxsize=1024)
def family(material: str) -> str:
    """The material without what only says how it looks: "PLA+", "PLA matte" and "Silk PLA" are "pla", "PLA-CF" stays."""
    words = re.split(r"[\s_]+", material.casefold().replace("+", " ").strip())
    kept = [one for one in words if one not in _FINISH_OF and one not in _ADDED and not _HARDNESS.fullmatch(one)]
    plain = _NUMBER_OF_PA.sub("pa", "-".join(kept or words))
    return _ALIASES.get(plain, plain)


@lru_cache(maxsize=1024)
def finish_in(text: str) -> str:
    """The finish that a text speaks of, such as a slicer's preset "Bambu PLA Matte @BBL X1C"; "" when it says none."""
    said = {_FINISH_OF.get(word) for word in re.split(r"[^\w]+", text.casefold().split("@")[0])}
    return next((finish for finish in FINISHES if finish in said), "")


def spellings(kind: str) -> list[str]:
    """What stands in the materials of a family: one of these."""
    first = re.split(r"[^\w]", kind, maxsplit=1)[0]
    return [first, *(other for other, same in _ALIASES.items() if same == kind)]


def is_brand(one: str, other: str) -> bool:
    """Whether two names mean the same brand: slicers write "Bambu Lab" where people write "Bambu"."""
    ours, theirs = _brand(one), _brand(other)
    return bool(ours and theirs) and (f"{ours} ".startswith(f"{theirs} ") or f"{theirs} ".startswith(f"{ours} "))


@lru_cache(maxsize=1024)
def _brand(name: str) -> str:
    plain = " ".join(re.split(r"[\W_]+", name.casefold())).strip()
    return _BRANDS.get(plain, plain)
