"""The shape of what people say of filament and spools. Weights are typed in grams."""

from printfarm.filament.forms.filaments import FilamentForm
from printfarm.filament.forms.spools import NewSpoolForm, SpoolFactsForm
from printfarm.filament.forms.stock import AgreedForm, ResolveForm, WeighForm

__all__ = ["AgreedForm", "FilamentForm", "NewSpoolForm", "ResolveForm", "SpoolFactsForm", "WeighForm"]
