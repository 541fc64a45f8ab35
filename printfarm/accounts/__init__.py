"""Shops, people, roles, sessions."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views and its place in the application."""
    from printfarm.accounts import login, views
    from printfarm.accounts.access import enter_shop

    app.extensions["printfarm.enter_shop"] = enter_shop
    login.install(app)
    app.register_blueprint(views.bp)
