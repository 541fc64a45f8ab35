"""Models, variants, plates."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def install(app: "Flask") -> None:
    """Register the area's views, reactions and screens.

    Upper areas add what can be done with a plate: the name of a template (context: `variant`, `plate`) in the list
    `app.extensions["printfarm.variant_actions"]`. What they know of plates goes into
    `app.extensions["printfarm.plate_facts"]`: functions of a session and plates' ids that give term and text per plate.
    How prints ended and which printers fit is asked through the lists of printfarm.library.from_above.
    """
    from printfarm.filament.from_above import LOCK_WANTING, USES
    from printfarm.files.orphans import WANTED_BY
    from printfarm.library import (
        category_views,
        image_views,
        import_views,
        live,
        reactions,  # noqa: F401  # it registers by being imported
        scan_views,
        sources,
        upload_views,
        variant_views,
        views,
    )
    from printfarm.library.demand import lock_models_wanting, uses_of_filaments
    from printfarm.library.importing import live as import_live
    from printfarm.library.importing.receiving import zips_that_wait
    from printfarm.library.importing.sources import KIND
    from printfarm.library.service.images import images_that_wait

    app.register_blueprint(views.bp)
    for more in (upload_views, variant_views, category_views, image_views, scan_views, import_views):
        more.install(app)
    live.install()
    import_live.install()
    if uses_of_filaments not in USES:
        USES.append(uses_of_filaments)
        LOCK_WANTING.append(lock_models_wanting)
    WANTED_BY.update({KIND: zips_that_wait, "incoming": images_that_wait})
    app.jinja_env.globals["sources_in_words"] = sources.in_words
    app.extensions["printfarm.upload_page"] = "library.upload"
    app.extensions.setdefault("printfarm.variant_actions", [])
    app.extensions.setdefault("printfarm.plate_facts", [])
