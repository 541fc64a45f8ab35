"""Stored files, uploads, and the readers of slicer files."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens."""
    from printfarm.files import views

    app.register_blueprint(views.bp)
