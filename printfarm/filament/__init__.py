"""Filament, spools, and the ledger of grams."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens."""
    from printfarm.filament import views

    app.register_blueprint(views.bp)
