"""The Spoolman-compatible API: Moonraker, OctoPrint and others use this shop's stock as they would use a Spoolman's."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the paths. Tokens count there, cookies do not, so forms' tokens are not asked for."""
    from printfarm.filament.spoolman import door, import_views, more_views, socket, views  # noqa: F401  # paths register by being imported

    app.register_blueprint(door.bp)
    app.extensions["csrf"].exempt(door.bp)
    import_views.install(app)
    app.extensions["printfarm.spoolman_import"] = (
        "/filament/spoolman"  # the page of tokens, of an area below, links there
    )
    app.wsgi_app = door.TokenInPath(app.wsgi_app)  # type: ignore[method-assign]
