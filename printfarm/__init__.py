"""PrintFarm: the one program that a small 3D-printing shop runs on. `create_app` is the table of contents."""

from typing import TYPE_CHECKING

from printfarm.version import __version__

if TYPE_CHECKING:
    from flask import Flask

    from printfarm.config import Settings

__all__ = ["__version__", "create_app"]


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The web application. Settings come from the environment unless given."""
    from printfarm.application import build
    from printfarm.config import load_settings

    return build(settings or load_settings())
