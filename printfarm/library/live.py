"""What open screens hear of the library: lists fetch themselves anew."""

from printfarm.core.live import marks
from printfarm.library.events import ModelChanged, VariantAdded, VariantChanged


def install() -> None:
    marks(ModelChanged, "library")
    marks(VariantAdded, "library")
    marks(VariantChanged, "library")
