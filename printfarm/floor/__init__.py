"""What people do with their hands: labels on spools and printers, and scanning them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def install(app: "Flask") -> None:
    """Register the area's views, and its place on the pages of lower areas."""
    from printfarm.filament.from_above import LABELS
    from printfarm.floor import photos, views

    photos.install(app)
    views.install(app)
    if views.labels_page not in LABELS:  # an application may be made twice in a process
        LABELS.append(views.labels_page)
    for place in ("spool", "spools", "printer", "printers"):
        actions = app.extensions.setdefault(f"printfarm.{place}_actions", [])
        actions.append(f"floor/_{place}_actions.html")
