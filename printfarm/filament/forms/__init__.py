"""The shape of what people say of filament and spools. Weights are typed in grams."""

from printfarm.filament.forms.brands import BrandForm
from printfarm.filament.forms.filaments import ColourForm, FilamentForm
from printfarm.filament.forms.shopping import (
    ArrivalForm,
    ExpectedForm,
    OrderForm,
    OrderLineForm,
    TimesForm,
    WishForm,
)
from printfarm.filament.forms.spools import MergeForm, NewSpoolForm, ReceiveForm, SplitForm, SpoolFactsForm
from printfarm.filament.forms.stock import AgreedForm, DiscardForm, ResolveForm, WeighForm

__all__ = [
    "AgreedForm",
    "ArrivalForm",
    "BrandForm",
    "ColourForm",
    "DiscardForm",
    "ExpectedForm",
    "FilamentForm",
    "MergeForm",
    "NewSpoolForm",
    "OrderForm",
    "OrderLineForm",
    "ReceiveForm",
    "ResolveForm",
    "SplitForm",
    "SpoolFactsForm",
    "TimesForm",
    "WeighForm",
    "WishForm",
]
