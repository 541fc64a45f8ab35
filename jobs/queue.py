"""Background jobs of the queue."""

from uuid import UUID

from jobs import background_job
from printfarm.core import background
from printfarm.core.work import unit_of_work
from printfarm.queue.service import feasibility


@background_job
def recompute_feasibility(shop_id: str, _subject: str = "") -> int:
    """Work out anew what can be printed; changes that come meanwhile ask for another round."""
    background.started(feasibility.JOB, shop_id)
    with unit_of_work(UUID(shop_id)) as db:
        return feasibility.recompute(db)
