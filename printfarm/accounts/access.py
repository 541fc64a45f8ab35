"""Who may do what: the one permission table, the guard of every view, and the guard of sockets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from printfarm.accounts.models import ROLES, Membership, Shop, SignInSession, User
from printfarm.core.errors import NotAllowed
from printfarm.core.web import Deferred, is_fragment, safe_next, show_error
from printfarm.core.work import read_only, unit_of_work

# The least role for each kind of thing (seed roles: owner > admin > operator > viewer). Views name the role; this table is
# what the members page shows and what the route test walks.
PERMISSIONS = {
    "look at everything": "viewer",
    "upload files and answer for them": "operator",
    "change models, filament and spools": "operator",
    "queue, start, pause, cancel prints": "operator",
    "clear beds and assign spools": "operator",
    "add, change and remove printers": "admin",
    "invite and remove members": "admin",
    "change the shop's settings": "admin",
    "make and revoke tokens for programs": "admin",
    "make somebody owner": "owner",
}


# What `needed_role` of a view says when any signed-in person may open it, whatever the shop.
PERSON = "person"
# Who belongs to more shops finds the rest on the page of their shops.
SHOPS_KNOWN = 13


@dataclass(frozen=True)
class SignedIn:
    """Who asks, in which shop, as what. flask-login's user object; its id is the session's token."""

    token: str
    session: SignInSession
    user: User
    shop: Shop | None
    role: str | None
    memberships: tuple[Membership, ...] = ()  # where else they may go; the first SHOPS_KNOWN of them

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.token


def role_allows(role: str | None, needed: str) -> bool:
    """Whether a role reaches another."""
    return role is not None and ROLES.index(role) <= ROLES.index(needed)


View = Callable[..., Any]


def shop_view(role: str) -> Callable[[View], View]:
    """Guard a view: sign-in, shop, role, unit of work. The view gets the session first.

    GET and HEAD read; everything else writes in one transaction, and what it wants rendered (core.web.Deferred) is rendered
    after the commit.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            shop_id = _enter(role)
            if shop_id is None:
                return _to_sign_in()
            if request.method in {"GET", "HEAD"}:
                with read_only(shop_id) as db:
                    answer: ResponseReturnValue = view(db, *args, **kwargs)
                    return answer
            return _write(shop_id, view, args, kwargs)

        guarded.needed_role = role  # type: ignore[attr-defined]
        return guarded

    return guard


def shop_stream(role: str) -> Callable[[View], View]:
    """Guard a view that outlives a transaction (a file on its way in or out): sign-in, shop, role, and no unit of work.

    The view gets the shop's id first and opens short units of work of its own.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            shop_id = _enter(role)
            if shop_id is None:
                return _to_sign_in()
            answer: ResponseReturnValue = view(shop_id, *args, **kwargs)
            return answer

        guarded.needed_role = role  # type: ignore[attr-defined]
        return guarded

    return guard


def _enter(role: str) -> UUID | None:
    """Make the signed-in person's shop current; None for a stranger. Raises NotAllowed when the role does not reach."""
    who = current_user
    if not who.is_authenticated or who.shop is None:
        return None
    if not role_allows(who.role, role):
        raise NotAllowed(f"Your role in this shop is {who.role}; this needs {role}. Ask an owner or admin.")
    g.shop, g.role = who.shop, who.role
    shop_id: UUID = who.shop.id
    return shop_id


def person_view(view: View) -> View:
    """Guard a view about the signed-in person, who may belong to no shop. It gets who that is, and opens its own work.

    Passwords are hashed before a transaction begins: the hash is slow on purpose, and SQLite has one writer.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if not current_user.is_authenticated:
            return _to_sign_in()
        g.shop, g.role = current_user.shop, current_user.role
        answer: ResponseReturnValue = view(current_user._get_current_object(), *args, **kwargs)  # noqa: SLF001
        return answer

    guarded.needed_role = PERSON  # type: ignore[attr-defined]
    return guarded


def public(view: View) -> View:
    """Mark a view that strangers may open; the route test knows all others by their role."""
    view.needed_role = None  # type: ignore[attr-defined]
    return view


class _RolledBack(Exception):  # no error: it carries an answer out of a transaction
    def __init__(self, answer: Deferred) -> None:
        self.answer = answer


def _write(shop_id: UUID, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ResponseReturnValue:
    try:
        with unit_of_work(shop_id) as db:
            answer = view(db, *args, **kwargs)
            if isinstance(answer, Deferred) and not answer.keep:
                raise _RolledBack(answer)
    except _RolledBack as refusal:
        answer = refusal.answer
    if not isinstance(answer, Deferred):
        plain: ResponseReturnValue = answer
        return plain
    with read_only(shop_id) as db:
        response = current_app.make_response(answer.render(db))
    if answer.status != 200:
        response.status_code = answer.status
    return response


def _to_sign_in() -> ResponseReturnValue:
    if current_user.is_authenticated:  # signed in, but in no shop: removed from it, or it was deleted
        return redirect(url_for("accounts.shops"), 303)
    if is_fragment() or request.accept_mimetypes.best == "application/json":
        response = show_error(401, "You are signed out. Sign in again; nothing was changed.")
        response.headers["HX-Redirect"] = url_for("accounts.sign_in")
        return response
    asked = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(url_for("accounts.sign_in", next=asked), 303)


def enter_shop(db: Session, shop_id: UUID) -> None:
    """Make a shop current for rendering outside a person's request (pushed fragments)."""
    g.shop, g.role = db.get(Shop, shop_id), None


def own_origin() -> bool:
    """Whether a websocket was opened by our own page; a browser always says where from."""
    origin = urlsplit(request.headers.get("Origin", "")).netloc
    public = urlsplit(current_app.config["SETTINGS"].public_url or "").netloc  # a proxy may hide it from us
    return bool(origin) and origin in {request.host, public}


def memberships_of(db: Session, user_id: UUID, here: UUID | None) -> tuple[Membership, ...]:
    """A person's memberships in the order of their shops' names; the present shop's is among them, however many there are."""
    present = case((Membership.shop_id == here, 0), else_=1)
    mine = select(Membership).join(Shop, Shop.id == Membership.shop_id).where(Membership.user_id == user_id)
    found = db.scalars(mine.order_by(present, func.lower(Shop.name), Shop.id).limit(SHOPS_KNOWN))
    return tuple(sorted(found, key=lambda one: one.shop.name.casefold()))


def lands_on(path: str, role: str, fallback: str) -> str:
    """A page of ours to go on to in another shop: the same one when it names no record and this role may open it."""
    path = safe_next(path, fallback)
    try:
        endpoint, values = current_app.url_map.bind(request.host).match(urlsplit(path).path)
    except (HTTPException, RoutingException):
        return fallback
    needed = getattr(current_app.view_functions[endpoint], "needed_role", None)
    may = needed == PERSON or (needed in ROLES and role_allows(role, needed))
    return path if may and not values else fallback
