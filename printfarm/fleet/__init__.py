"""Hubs, printers, slots, live state."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens, and the door for hubs."""
    from printfarm.fleet import live, reactions, views  # noqa: F401  # reactions and screens register by being imported
    from printfarm.fleet.views import link

    app.register_blueprint(views.bp)
    app.register_blueprint(link.bp)
