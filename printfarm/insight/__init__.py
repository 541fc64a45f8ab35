"""What the whole shop looks like: the dashboard."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views and screens."""
    from printfarm.insight import live, offline, search_views, views  # noqa: F401  # screens register by being imported
    from printfarm.insight.search import keeping

    keeping.install()
    app.register_blueprint(views.bp)
