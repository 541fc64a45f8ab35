"""The count of a variant's moves: begin it anew."""

from uuid import UUID

from flask import Flask, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.web import ViewAnswer, done
from printfarm.files import scans
from printfarm.library import service
from printfarm.library.views import bp


def install(app: Flask) -> None:
    """The routes below belong to the library's blueprint, which is registered by now."""
    assert bp.name in app.blueprints


@bp.post("/variants/<uuid:variant_id>/count")
@shop_view(role="operator")
def count_again(db: Session, variant_id: UUID) -> ViewAnswer:
    """Count the moves once more after it failed."""
    found = service.find_variant(db, variant_id)
    scans.scan_again(db, found.file_id)
    return done(url_for("library.variant", variant_id=variant_id), message="Counting again. The page follows.")
