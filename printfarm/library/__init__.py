"""Models, variants, plates."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens.

    Upper areas add what can be done with a plate: the name of a template (context: `variant`, `plate`) in the list
    `app.extensions["printfarm.variant_actions"]`. What they know of plates goes into
    `app.extensions["printfarm.plate_facts"]`: functions of a session and plates' ids that give term and text per plate.
    """
    from printfarm.library import live, upload_views, views

    app.register_blueprint(views.bp)
    upload_views.install(app)
    live.install()
    app.extensions["printfarm.upload_page"] = "library.upload"
    app.extensions.setdefault("printfarm.variant_actions", [])
    app.extensions.setdefault("printfarm.plate_facts", [])
