"""Where the views of accounts are registered."""

from flask import Blueprint, request, session
from flask_login import login_user
from sqlalchemy.orm import Session

from printfarm.accounts import service
from printfarm.accounts.login import find
from printfarm.accounts.models import User

bp = Blueprint("accounts", __name__)


def begin_session(db: Session, user: User, shop: object = None) -> None:
    """Sign this browser in. What the cookie held before is thrown away, so nobody can plant a session beforehand."""
    token = service.start_session(
        db,
        user,
        shop_id=shop,  # type: ignore[arg-type]
        address=request.remote_addr or "",
        browser=request.user_agent.string,
    )
    session.clear()
    session.permanent = True
    who = find(db, token)
    assert who is not None
    login_user(who)
