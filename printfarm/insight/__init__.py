"""What the whole shop looks like: the dashboard."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens."""
    from printfarm.insight import views

    app.register_blueprint(views.bp)
