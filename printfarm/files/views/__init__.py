"""Uploading, the list of uploads, and serving what is stored."""

from flask import Flask

from printfarm.core.web import current_shop
from printfarm.core.work import read_only
from printfarm.files import picture_sizes, quota
from printfarm.files.quota import Room
from printfarm.files.views import pages, pieces, whole
from printfarm.files.views.blueprint import bp, upload_url

__all__ = ["bp", "install", "pages", "pieces", "upload_url", "whole"]

READ_A_STREAM = ("whole.receive_uploads", "pieces.take_bytes")


def install(app: Flask) -> None:
    """Views that read a stream check their CSRF token themselves: the general check would read the whole body first."""
    app.register_blueprint(bp)
    for view in READ_A_STREAM:
        app.extensions["csrf"].exempt(f"printfarm.files.views.{view}")
    app.extensions.setdefault("printfarm.upload_page", "files.uploads")
    app.jinja_env.globals.update(
        upload_url=upload_url,
        storage_room=_storage_room,
        picture_source=picture_sizes.picture_source,
        picture_sources=picture_sizes.picture_sources,
    )


def _storage_room() -> Room:
    """What the current shop uses of what it may; a page of a lower area shows it (templates/files/_quota.html)."""
    with read_only(current_shop().id) as db:
        return quota.room(db)
