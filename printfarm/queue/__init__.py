"""Print jobs, runs, feasibility, dispatch, consumption."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens."""
    from printfarm.queue import views

    app.register_blueprint(views.bp)
