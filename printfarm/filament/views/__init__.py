"""The screens of filament; they register by being imported."""

from printfarm.filament.views import filaments, spools, stock  # noqa: F401
from printfarm.filament.views.blueprint import bp

__all__ = ["bp"]
