"""The first start, signing in and out, a person's own page, shops and their members, and the socket of live screens."""

from printfarm.accounts.views.blueprint import bp

__all__ = ["bp"]

from printfarm.accounts.views import first_start, joining, members, profile, shops, sign_in, socket, tokens  # noqa: F401
