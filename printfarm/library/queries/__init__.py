"""What the library's screens need, each in a fixed number of statements."""

from printfarm.library.queries.metadata import Comparison, MetadataPage, compare, metadata_page, raw_of
from printfarm.library.queries.models import (
    MODELS_PAGE,
    SORTS,
    Asked,
    Choices,
    ModelCard,
    list_choices,
    list_models,
    model_named,
    models_in,
    search_models,
    tags_of,
)
from printfarm.library.queries.variants import (
    VariantPage,
    VariantSummary,
    filaments_of,
    newest_variants,
    other_variants,
    summaries,
    variant_of_file,
    variant_page,
)

__all__ = [
    "MODELS_PAGE",
    "SORTS",
    "Asked",
    "Choices",
    "Comparison",
    "MetadataPage",
    "ModelCard",
    "VariantPage",
    "VariantSummary",
    "compare",
    "filaments_of",
    "list_choices",
    "list_models",
    "metadata_page",
    "model_named",
    "models_in",
    "newest_variants",
    "other_variants",
    "raw_of",
    "search_models",
    "summaries",
    "tags_of",
    "variant_of_file",
    "variant_page",
]
