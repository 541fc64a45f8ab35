"""Exact quantities: weights are integer milligrams, money integer minor units, cost per gram a four-place decimal."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

MG_PER_GRAM = 1000


def mg_from_grams(grams: Decimal | float | str) -> int:
    """Grams to integer milligrams, rounded half to even. Raises ValueError for anything that is no finite number."""
    try:
        exact = Decimal(str(grams))
    except InvalidOperation as problem:
        raise ValueError(f"{grams!r} is not a weight in grams") from problem
    if not exact.is_finite():
        raise ValueError(f"{grams!r} is not a weight in grams")
    return int((exact * MG_PER_GRAM).quantize(Decimal(1), ROUND_HALF_EVEN))


def grams_from_mg(milligrams: int) -> Decimal:
    """Integer milligrams to grams, exactly."""
    return Decimal(milligrams) / MG_PER_GRAM


def cost_of_gram(price: Decimal, grams: Decimal | float) -> Decimal:
    """What a gram costs when so many cost `price`: in six places, so that a kilogram costs to the cent what was typed."""
    return (Decimal(price) / Decimal(grams)).quantize(Decimal("0.000001"))


def cost_minor(milligrams: int, cost_per_gram: Decimal, minor_per_major: int = 100) -> int:
    """What a weight of filament costs, in the currency's minor units, rounded half to even."""
    exact = grams_from_mg(milligrams) * cost_per_gram * minor_per_major
    return int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))
