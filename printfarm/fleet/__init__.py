"""Hubs, printers, slots, live state."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens, and the door for hubs. Areas above add their commands to a
    printer's page and to the fleet page: templates in `app.extensions["printfarm.printer_actions"]` and
    `["printfarm.printers_actions"]`.
    """
    from printfarm.filament.from_above import LOADED
    from printfarm.fleet import live, reactions, views  # noqa: F401  # reactions and screens register by being imported
    from printfarm.fleet.queries.loaded import slots_of_spools
    from printfarm.fleet.views import link

    app.register_blueprint(views.bp)
    app.register_blueprint(link.bp)
    if slots_of_spools not in LOADED:  # an application may be made twice in a process
        LOADED.append(slots_of_spools)
    app.extensions.setdefault("printfarm.spools_actions", []).append("fleet/_spools_actions.html")
    for place in ("printer", "printers"):
        app.jinja_env.globals[f"{place}_actions"] = app.extensions.setdefault(f"printfarm.{place}_actions", [])
