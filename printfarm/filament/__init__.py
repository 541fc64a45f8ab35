"""Filament, spools, and the ledger of grams."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views and screens. Areas above add their commands to a spool's page and to the list of spools:
    templates in `app.extensions["printfarm.spool_actions"]` and `["printfarm.spools_actions"]`.
    """
    from printfarm.filament import live, spoolman, views  # noqa: F401  # screens register by being imported
    from printfarm.filament.queries.care import care_of
    from printfarm.filament.sheets import views as sheets
    from printfarm.filament.views import orders, shopping  # noqa: F401

    spoolman.install(app)
    sheets.install(app)
    app.register_blueprint(views.bp)
    app.register_blueprint(shopping.bp)
    app.extensions.setdefault("printfarm.spools_actions", []).append("filament/_to_shopping.html")
    app.jinja_env.globals["care_of"] = care_of  # wherever a roll is shown
    for place in ("spool", "spools"):
        app.jinja_env.globals[f"{place}_actions"] = app.extensions.setdefault(f"printfarm.{place}_actions", [])
