"""Background jobs of filament."""

from uuid import UUID

from jobs import background_job
from printfarm.filament import nightly
from printfarm.filament.sheets import imports
from printfarm.library import demand


@background_job
def check_stock(shop_id: str, _subject: str = "") -> int:
    """Compare the cached weights of a shop with its ledger, and how many variants want each filament."""
    drifted = nightly.check_shop(UUID(shop_id))
    return drifted + demand.check_demand(UUID(shop_id))


@background_job
def read_sheet(shop_id: str, import_id: str) -> None:
    imports.read(UUID(shop_id), UUID(import_id))


@background_job
def take_in_sheet(shop_id: str, import_id: str) -> None:
    """Half a minute of it; then it queues up again behind what else waits."""
    imports.take_in_slice(UUID(shop_id), UUID(import_id))
