"""Background jobs of filament."""

from uuid import UUID

from jobs import background_job
from printfarm.filament import nightly


@background_job
def check_stock(shop_id: str, _subject: str = "") -> int:
    """Compare the cached weights of a shop with its ledger."""
    return nightly.check_shop(UUID(shop_id))
