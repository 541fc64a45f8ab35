"""Sessions: flask-login holds a random token in the signed cookie; the table says whether it still counts."""

import logging
from datetime import timedelta

from flask import Flask, g, session
from flask_login import AnonymousUserMixin, LoginManager
from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.accounts.access import SignedIn, memberships_of
from printfarm.accounts.models import SignInSession
from printfarm.accounts.service import SESSION_LENGTH
from printfarm.core.clock import utc_now
from printfarm.core.errors import Unavailable
from printfarm.core.secrets import token_hash
from printfarm.core.work import read_only, unit_of_work

log = logging.getLogger(__name__)

# Writing "last seen" at every click would make every reader a writer.
SEEN_EVERY = timedelta(minutes=10)

manager = LoginManager()
manager.session_protection = None  # the table decides; phones change their address all day


def install(app: Flask) -> None:
    """Teach flask-login where sessions are."""
    manager.init_app(app)


@manager.user_loader  # type: ignore[untyped-decorator]
def load(token: str) -> SignedIn | None:
    """The person behind a session's token, or None when it has ended. Raises Unavailable without a database."""
    try:
        with read_only(None) as db:
            who = find(db, token)
    except Unavailable:
        g._login_user = AnonymousUserMixin()  # noqa: SLF001  # so that the error page does not ask the database again
        if g.get("showing_error"):
            return None
        raise
    if who is not None and utc_now() - who.session.last_seen_at > SEEN_EVERY:
        _note_seen(who)
    return who


def _note_seen(who: SignedIn) -> None:
    """Say when the session was last used, which also makes it and its cookie last longer."""
    session.modified = True
    try:
        with unit_of_work(None) as db:
            kept = db.get(SignInSession, who.session.id)
            if kept is not None:
                kept.last_seen_at = utc_now()
                kept.expires_at = utc_now() + SESSION_LENGTH
    except Unavailable as problem:  # reading goes on while somebody else writes; the next click notes it
        log.info("could not note when a session was seen: %s", problem)


def find(db: Session, token: str) -> SignedIn | None:
    """Look a session up by its token, with its shop and the role there as they are now."""
    known = db.scalar(select(SignInSession).where(SignInSession.token_hash == token_hash(token)))
    if known is None or known.expires_at <= utc_now() or known.user.disabled_at is not None:
        return None
    mine = memberships_of(db, known.user_id, known.shop_id)
    here = next((one for one in mine if one.shop_id == known.shop_id), None)
    shop, role = (here.shop, here.role) if here else (None, None)
    return SignedIn(token=token, session=known, user=known.user, shop=shop, role=role, memberships=mine)
