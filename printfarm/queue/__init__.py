"""Print jobs, runs, feasibility, dispatch, consumption."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views, reactions and screens, and its place on the pages of lower areas."""
    from printfarm.filament.from_above import BOOKED_BY_PRINTS, DOUBTED_BY_PRINTS, PRINTS
    from printfarm.fleet.from_above import ENDS, LOCK_FIRST
    from printfarm.fleet.queries import TITLES
    from printfarm.fleet.service import BUSY_CHECKS
    from printfarm.library import from_above
    from printfarm.queue import live, reactions, views  # noqa: F401  # reactions and screens register by being imported
    from printfarm.queue.in_ledger import prints_of_runs
    from printfarm.queue.on_plates import made_so_far, printers_for, prints_of_models, prints_of_plates
    from printfarm.queue.on_printers import ends_on, on_printers, why_busy
    from printfarm.queue.service.feeds import lock_active_runs
    from printfarm.queue.service.reported import books_itself, may_be_of_a_print

    app.register_blueprint(views.bp)
    app.extensions.setdefault("printfarm.variant_actions", []).append("queue/_add.html")
    app.extensions.setdefault("printfarm.plate_facts", []).append(made_so_far)
    if on_printers not in TITLES:  # an application may be made twice in a process
        from_above.PRINTS_OF_PLATES.append(prints_of_plates)
        from_above.PRINTS_OF_MODELS.append(prints_of_models)
        from_above.PRINTERS_FOR.append(printers_for)
        PRINTS.append(prints_of_runs)
        BOOKED_BY_PRINTS.append(books_itself)
        DOUBTED_BY_PRINTS.append(may_be_of_a_print)
        TITLES.append(on_printers)
        BUSY_CHECKS.append(why_busy)
        ENDS.append(ends_on)
        LOCK_FIRST.append(lock_active_runs)
