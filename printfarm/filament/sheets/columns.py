"""The columns of a sheet: what stands at their head, ours or others', and what it means."""

import re

# Our headings, in the order in which they are written → what they mean. Those that mean nothing are only for reading.
OURS: dict[str, str] = {
    "Code": "code",
    "Number": "number",
    "Brand": "brand",
    "Material": "material",
    "Finish": "finish",
    "Colour": "colour",
    "Colour code": "hex",
    "Diameter mm": "diameter",
    "Article number": "article",
    "Where to buy": "link",
    "Filament as exported": "kind",
    "State": "state",
    "State as exported": "state_then",
    "Left g": "left",
    "Left g as exported": "left_then",
    "Whole roll g": "initial",
    "Empty spool g": "tare",
    "Low below g": "low",
    "Cost per gram": "cost",
    "Place": "location",
    "Batch": "batch",
    "Bought from": "supplier",
    "Bought on": "bought",
    "Best before": "expires",
    "Opened on": "opened",
    "Dried on": "dried",
    "Note": "note",
    "Archived": "archived",
    "Loaded in": "",
    "Worth": "",
    "Variants that want it": "",
    "Last used (UTC)": "",
    "Added (UTC)": "",
}
# Spoolman's, as its own export writes them, and two of ours behind them.
SPOOLMAN: dict[str, str] = {
    "id": "id",
    "registered": "registered",
    "first_used": "",
    "last_used": "",
    "filament.id": "kind",
    "filament.registered": "",
    "filament.name": "colour",
    "filament.vendor.id": "",
    "filament.vendor.registered": "",
    "filament.vendor.name": "brand",
    "filament.vendor.empty_spool_weight": "",
    "filament.material": "material",
    "filament.price": "",
    "filament.density": "",
    "filament.diameter": "diameter",
    "filament.weight": "filament_weight",
    "filament.spool_weight": "",
    "filament.article_number": "article",
    "filament.comment": "",
    "filament.settings_extruder_temp": "",
    "filament.settings_bed_temp": "",
    "filament.color_hex": "hex",
    "filament.multi_color_hexes": "hexes",
    "filament.multi_color_direction": "",
    "price": "price",
    "remaining_weight": "left",
    "initial_weight": "initial",
    "spool_weight": "tare",
    "used_weight": "used",
    "remaining_length": "",
    "used_length": "",
    "location": "location",
    "lot_nr": "batch",
    "comment": "note",
    "archived": "archived",
    "code": "code",
    "remaining_weight_as_exported": "left_then",
}
# What people write at the head of sheets of their own.
OTHERS: dict[str, str] = {
    "vendor": "brand",
    "article no": "article",
    "sku": "article",
    "buy link": "link",
    "purchase url": "link",
    "manufacturer": "brand",
    "maker": "brand",
    "type": "material",
    "color": "colour",
    "color name": "colour",
    "colour name": "colour",
    "name": "colour",
    "hex": "hex",
    "color hex": "hex",
    "colour hex": "hex",
    "color code": "hex",
    "diameter": "diameter",
    "left": "left",
    "grams": "left",
    "remaining": "left",
    "remaining g": "left",
    "weight": "left",
    "weight g": "left",
    "initial": "initial",
    "initial g": "initial",
    "tare": "tare",
    "tare g": "tare",
    "threshold": "low",
    "low below": "low",
    "threshold g": "low",
    "cost g": "cost",
    "price per roll": "price",
    "lot": "batch",
    "shelf": "location",
    "supplier": "supplier",
    "purchased": "bought",
    "purchase date": "bought",
    "purchased on": "bought",
    "expiry": "expires",
    "expiry date": "expires",
    "expires": "expires",
    "expires on": "expires",
    "opened": "opened",
    "dried": "dried",
    "notes": "note",
    "remarks": "note",
}
WEIGHTS = frozenset({"left", "left_then", "initial", "tare", "low", "used", "filament_weight"})
READ_ONLY = tuple(heading for heading, key in OURS.items() if not key)
NUMBERS = WEIGHTS | {"diameter", "cost", "price"}
DAYS = frozenset({"bought", "expires", "opened", "dried"})


def plain(heading: str) -> str:
    """A heading without what is written differently everywhere: "Left (g)" and "left_g" are one."""
    return " ".join(re.sub(r"[^\w.#]+", " ", heading.replace("_", " ")).split()).casefold()


# A fact of the shop's own: of the roll, of its filament, or of the brand.
_OWN = re.compile(r"((?:filament\.(?:vendor\.)?)?extra\.)(.+)", re.IGNORECASE)
_MEANINGS = {plain(heading): key for known in (OTHERS, OURS, SPOOLMAN) for heading, key in known.items()}


def meaning(heading: str) -> str | None:
    """What a heading means; "" when it is known and only to be read, None when nobody here knows it."""
    own = _OWN.fullmatch(heading.strip())
    return f"{own[1].casefold()}{own[2]}" if own else _MEANINGS.get(plain(heading))
