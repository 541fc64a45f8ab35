"""Background jobs of the search."""

from uuid import UUID

from jobs import background_job
from printfarm.insight.search.rebuilding import rebuild


@background_job
def reindex(shop_id: str, _subject: str = "") -> int:
    """Read everything of a shop into the search's index."""
    return rebuild(UUID(shop_id))
