"""Shops, people, roles, sessions."""

from flask import Flask


def install(app: Flask) -> None:
    """Register the area's views and its place in the application."""
    from printfarm.accounts import live, login, views
    from printfarm.accounts.access import enter_shop

    app.extensions["printfarm.enter_shop"] = enter_shop
    login.install(app)
    live.install()
    app.register_blueprint(views.bp)
