"""The screens of filament; they register by being imported."""

from printfarm.filament.views import (  # noqa: F401
    brands,
    catalogue,
    drying,
    filaments,
    inventory,
    ledger,
    merging,
    orders,
    rolls,
    shopping,
    spools,
    stock,
)
from printfarm.filament.views.blueprint import bp

__all__ = ["bp"]
