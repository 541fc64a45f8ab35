"""The guard of views that programs call: a shop's token instead of a signed-in person.

A token comes as `Authorization: Bearer …`. No cookie counts here, so that no page elsewhere can use somebody's browser, and
these views need no form token.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from flask import g, request
from flask.typing import ResponseReturnValue

from printfarm.accounts import service
from printfarm.accounts.access import View, role_allows
from printfarm.core import rates
from printfarm.core.errors import DomainError, NotAllowed, Unavailable
from printfarm.core.work import read_only, unit_of_work

# What `needed_role` of such a view says.
TOKEN = "token"  # noqa: S105  # not one itself
PER_MINUTE = 1200  # thirty printers that each report every five seconds, and people who look on
WRONG_PER_MINUTE = 60


class WrongToken(DomainError):
    """No token came, or one that is not known (any more)."""

    status = 401


@dataclass(frozen=True)
class Machine:
    """Who asks: a program with a token of a shop."""

    id: UUID
    name: str
    shop_id: UUID
    role: str


def token_view(role: str) -> Callable[[View], View]:
    """Guard a view: token, role, unit of work. The view gets the session first; GET reads, everything else writes."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            who = machine()
            if not role_allows(who.role, role):
                raise NotAllowed("This token may only read. Make one that may also book what is used.")
            work = read_only if request.method in {"GET", "HEAD"} else unit_of_work
            with work(who.shop_id) as db:
                answer: ResponseReturnValue = view(db, *args, **kwargs)
            return answer

        guarded.needed_role = TOKEN  # type: ignore[attr-defined]
        guarded.token_role = role  # type: ignore[attr-defined]
        return guarded

    return guard


def token_socket(view: View) -> View:
    """Mark a socket that asks for a token by itself (`machine()`)."""
    view.needed_role = TOKEN  # type: ignore[attr-defined]
    view.token_role = "viewer"  # type: ignore[attr-defined]  # noqa: S105
    return view


def machine() -> Machine:
    """Who asks. Raises WrongToken, or TooMany."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    found = None
    if kind.lower() == "bearer" and token:
        with read_only(None) as db:
            found = service.find_token(db, token.strip())
    if found is None or found.shop_id is None or found.role is None:
        rates.take("wrong token", rates.caller(), per_minute=WRONG_PER_MINUTE)
        raise WrongToken("This needs a token of the shop: make one in PrintFarm under Settings, Tokens for programs.")
    rates.take("token", str(found.id), per_minute=PER_MINUTE)
    with suppress(Unavailable):  # somebody else writes: another time
        if service.is_used_anew(found):
            with unit_of_work(None) as db:
                service.note_used(db, found.id)
    g.machine = Machine(found.id, found.note, found.shop_id, found.role)
    who: Machine = g.machine
    return who


def still_good(token_id: UUID) -> bool:
    """Whether a token was not revoked since; sockets ask now and then."""
    with read_only(None) as db:
        return service.is_token(db, token_id)
