"""The library's background jobs."""

from uuid import UUID

from jobs import background_job
from printfarm.library import image_work


@background_job
def prepare_image(shop_id: str, image_id: str) -> None:
    image_work.prepare_image(UUID(shop_id), UUID(image_id))
