"""How the application is put together: settings, extensions, areas. Stands outside the order of the areas, as config does."""

from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask_babel import Babel
from flask_wtf import CSRFProtect
from htmx_flask import Htmx
from werkzeug.middleware.proxy_fix import ProxyFix

from printfarm import accounts, filament, files, fleet, floor, insight, installable, library, navigation, queue
from printfarm.config import Settings
from printfarm.core import assets, compression, formats, headers, health, live, rates, secrets, sockets, web
from printfarm.core.database import db, engine_options, tune
from printfarm.core.storage import make_storage

ROOT = Path(__file__).resolve().parent.parent
AREAS = (accounts, files, filament, library, fleet, queue, floor, insight)

csrf = CSRFProtect()
babel = Babel()


def build(settings: Settings) -> Flask:
    """Make the application from its settings. Nothing is written but the secret key, at the first start."""
    app = Flask("printfarm", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    _configure(app, settings)
    db.init_app(app)
    with app.app_context():
        tune(db.engine)
    csrf.init_app(app)
    babel.init_app(app)
    Htmx(app)
    app.extensions["printfarm.storage"] = make_storage(settings)
    app.extensions["printfarm.live"] = live.Hall(app, settings.max_sockets)
    compression.install(app)  # what is registered first sees the answer last
    rates.install(app, settings.redis_url)
    formats.install(app)
    assets.install(app)
    headers.install(app, settings)
    web.install(app)
    app.register_blueprint(health.bp)
    for area in AREAS:
        area.install(app)
    navigation.install(app)
    installable.install(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def is_https(settings: Settings) -> bool:
    """Whether browsers reach us over https: by our own TLS or by a proxy's."""
    return settings.tls != "off" or (settings.public_url or "").startswith("https://")


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SETTINGS=settings,
        MASTER_KEY=settings.secret,
        SECRET_KEY=secrets.derive_key(settings.secret, "cookies"),
        REDIS_URL=settings.redis_url,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        SESSION_COOKIE_NAME="printfarm",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        SESSION_REFRESH_EACH_REQUEST=False,  # accounts.login does, when it notes that a session was seen
        PREFERRED_URL_SCHEME="https" if is_https(settings) else "http",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # SameSite and the token do the work; referrers are stripped by some browsers
        # A form is read into memory, whoever sends it. The upload view alone streams more, and counts it itself.
        MAX_CONTENT_LENGTH=1_000_000,
        SOCK_SERVER_OPTIONS=sockets.SOCKET_OPTIONS,
    )
