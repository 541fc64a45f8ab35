"""The screens of filament; they register by being imported."""

from printfarm.filament.views import brands, catalogue, drying, filaments, inventory, ledger, rolls, spools, stock  # noqa: F401
from printfarm.filament.views import orders, shopping
from printfarm.filament.views.blueprint import bp

__all__ = ["bp", "orders", "shopping"]
