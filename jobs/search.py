"""Background jobs of the search."""

from uuid import UUID

from jobs import background_job
from printfarm.core import background
from printfarm.core.background import SLOW, BackgroundJob, enqueue_now
from printfarm.insight.search.rebuilding import rebuild_for_a_while

REINDEX = "jobs.search.reindex"


@background_job
def reindex(shop_id: str, _subject: str = "", position: str = "") -> None:
    """Read a shop into the search's index, as far as a job's time reaches; the rest is another job."""
    background.started(REINDEX, shop_id, queue=SLOW)
    rest = rebuild_for_a_while(UUID(shop_id), position)
    if rest:
        enqueue_now(BackgroundJob(REINDEX, (shop_id, shop_id, rest), SLOW))
