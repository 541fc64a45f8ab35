"""What every answer says about itself: the policy of the page, who may keep it; cookies are Secure exactly on https."""

import re
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from printfarm.config import Settings

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob: {pictures}; connect-src 'self' {sockets} {pictures};"
    " worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Sent by the one page that scans labels.
CAMERA_ALLOWED = "camera=(self), geolocation=(), microphone=()"
# A host name or address with a port; anything else a client put there is not repeated in a header.
HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, marked Secure exactly when the browser came over https."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002
        return on_https()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        # What is the same for everybody; a cookie, or "Vary: Cookie", would keep browsers from keeping it.
        if request.endpoint != "static" and not response.cache_control.public:
            super().save_session(app, session, response)


def on_https() -> bool:
    """Whether this browser speaks https to us: to our own TLS, to a trusted proxy, or to the public address."""
    if request.is_secure:
        return True
    settings: Settings = current_app.config["SETTINGS"]
    public = urlsplit(settings.public_url or "")
    return public.scheme == "https" and public.netloc == request.host


def may_be_installed() -> bool:
    """Whether browsers install this site and let it keep a page for no connection: over https, and on this machine itself."""
    return on_https() or urlsplit(request.host_url).hostname in {"localhost", "127.0.0.1", "::1"}


def install(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer."""
    app.session_interface = CookieSessions()
    pictures = _origin(settings)

    @app.after_request
    def add_headers(response: Response) -> Response:
        policy = CONTENT_SECURITY_POLICY.format(pictures=pictures, sockets=_own_sockets())
        response.headers.setdefault("Content-Security-Policy", " ".join(policy.split()).replace(" ;", ";"))
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        # With a self-signed certificate the header would lock out who later goes back to http.
        if on_https() and settings.tls != "self-signed":
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint != "static" and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def _own_sockets() -> str:
    # 'self' covers sockets in today's browsers, not in Safari before 15.4.
    if not HOST.fullmatch(request.host):
        return ""
    return f"{'wss' if on_https() else 'ws'}://{request.host}"


def _origin(settings: Settings) -> str:
    """Where the browser fetches and puts stored files: the bucket's origin, or nowhere else."""
    if not settings.uses_s3 or settings.s3_endpoint is None:
        return ""
    return "/".join(settings.s3_endpoint.split("/")[:3])
