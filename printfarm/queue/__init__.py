"""Print jobs, runs, feasibility, dispatch, consumption."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens, and its place on the pages of lower areas."""
    from printfarm.queue import live, reactions, views  # noqa: F401  # reactions and screens register by being imported

    app.register_blueprint(views.bp)
    app.extensions.setdefault("printfarm.variant_actions", []).append("queue/_add.html")
