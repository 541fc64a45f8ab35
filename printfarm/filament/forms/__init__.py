"""The shape of what people say of filament and spools. Weights are typed in grams."""

from printfarm.filament.forms.brands import BrandForm
from printfarm.filament.forms.filaments import ColourForm, FilamentForm
from printfarm.filament.forms.spools import MergeForm, NewSpoolForm, ReceiveForm, SplitForm, SpoolFactsForm
from printfarm.filament.forms.stock import AgreedForm, ResolveForm, WeighForm

__all__ = [
    "AgreedForm",
    "BrandForm",
    "ColourForm",
    "FilamentForm",
    "MergeForm",
    "NewSpoolForm",
    "ReceiveForm",
    "ResolveForm",
    "SplitForm",
    "SpoolFactsForm",
    "WeighForm",
]
