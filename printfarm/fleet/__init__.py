"""Hubs, printers, slots, live state."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens."""
    from printfarm.fleet import views

    app.register_blueprint(views.bp)
