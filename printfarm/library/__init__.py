"""Models, variants, plates."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens."""
    from printfarm.library import views

    app.register_blueprint(views.bp)
