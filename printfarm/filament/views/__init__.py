"""The screens of filament; they register by being imported."""

from printfarm.filament.views import brands, catalogue, filaments, ledger, rolls, spools, stock  # noqa: F401
from printfarm.filament.views.blueprint import bp

__all__ = ["bp"]
