"""Stored files, uploads, and the readers of slicer files."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def install(app: "Flask") -> None:
    """Register the area's views, reactions and screens."""
    from printfarm.files import live, receiving, views

    receiving.install(app)
    views.install(app)
    live.install(app)
