"""The menu: which pages every screen leads to. Stands outside the order of the areas, as the application does."""

import time
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_login import current_user

from printfarm.accounts.access import PERSON, SignedIn, role_allows


@dataclass(frozen=True)
class Entry:
    """A line of the menu.

    `phone` is its short word in the bar at the bottom; `key` goes there after "g"; `also` names further pages, or whole areas,
    that belong to it. `group` "" stands above the groups; the group "You" is the person's own menu.
    """

    endpoint: str
    label: str
    icon: str
    group: str = ""
    phone: str = ""
    key: str = ""
    also: tuple[str, ...] = ()
    role: str = "viewer"


MENU = (
    Entry("insight.dashboard", "Dashboard", "layout-dashboard", key="d", also=("insight.needs",)),
    Entry("queue.show", "Print queue", "list-ordered", "Printing", phone="Queue", key="q", also=("queue",)),
    Entry("fleet.show", "Printers", "printer", "Printing", phone="Printers", key="p", also=("fleet",)),
    Entry("library.models", "Library", "library", "Printing", key="l", also=("library",)),
    Entry("files.uploads", "Uploads", "cloud-upload", "Printing", key="u", also=("files", "library.upload"), role="operator"),
    Entry(
        "filament.spools", "Spools", "spool", "Stock", phone="Spools", key="s",
        also=(
            *(f"filament.{one}" for one in (
                "spool", "edit_spool", "split_spool", "merge_spools", "change_filament", "sheets", "sheet", "drying",
                "ledger", "stock_check", "spoolman_imports", "spoolman_import",
            )),
            "floor.labels",
        ),
    ),
    Entry("shopping.show", "Shopping list", "shopping-cart", "Stock", key="b", also=("shopping",)),
    Entry("filament.filaments", "Filaments", "palette", "Stock", key="f", also=("filament",)),
    Entry("floor.scan", "Scan", "scan-line", "Stock", phone="Scan", key="c", also=("floor",)),
    Entry("accounts.members", "Members", "users", "Shop"),
    Entry("accounts.shop_settings", "Settings", "settings", "Shop", also=("accounts.tokens",), role="admin"),
    Entry("accounts.profile", "Profile", "circle-user", "You"),
    Entry("accounts.shops", "My shops", "store", "You"),
)  # fmt: skip


def install(app: Flask) -> None:
    """Tell every template who looks, from which shop, and where they can go."""
    app.context_processor(surroundings)
    app.before_request(_note_the_time)


def _note_the_time() -> None:
    """Before the page reads anything: what changes from now on, its socket has to be told (core/live.py)."""
    g.asked_at_ms = _now_ms()


def _now_ms() -> int:
    return int(time.time() * 1000)


def surroundings() -> dict[str, Any]:
    """What templates/base.html asks for."""
    who = current_user
    if not who or not who.is_authenticated:
        return {"shop": g.get("shop"), "role": None, "theme": "system", "nav_items": [], "sign_out_url": None}
    shop, role = g.get("shop") or who.shop, g.get("role") or who.role
    items = menu(role)
    return {
        "shop": shop,
        "role": role,
        "theme": who.user.theme,
        "nav_items": items,
        "person_name": who.user.name,
        "other_shops": other_shops(who, next((item["url"] for item in items if item["active"]), "")),
        "search_url": url_for("insight.find") if shop is not None else None,
        "peek_url": url_for("insight.peek") if shop is not None else None,
        "sign_out_url": url_for("accounts.sign_out"),
        "live": shop is not None,
        "asked_at_ms": g.get("asked_at_ms") or _now_ms(),  # an expired form is refused before the time is noted
    }


def menu(role: str | None) -> list[dict[str, Any]]:
    """The lines that exist in this installation and that this role may open."""
    entries = [one for one in MENU if one.endpoint in current_app.view_functions and _may_open(one, role)]
    here = _here(entries)
    return [
        {
            "endpoint": entry.endpoint,
            "url": url_for(entry.endpoint),
            "label": entry.label,
            "icon": entry.icon,
            "group": entry.group,
            "phone": entry.phone,
            "key": entry.key,
            "active": entry is here,
        }
        for entry in entries
    ]


def other_shops(who: SignedIn, section: str) -> list[dict[str, str]]:
    """Where else this person belongs; `section` is the page to open there."""
    return [
        {
            "name": one.shop.name,
            "role": one.role,
            "section": section,
            "url": url_for("accounts.enter_shop", shop_id=one.shop_id),
        }
        for one in who.memberships
        if who.shop is None or one.shop_id != who.shop.id
    ]


def _may_open(entry: Entry, role: str | None) -> bool:
    view = current_app.view_functions[entry.endpoint]
    return getattr(view, "needed_role", None) == PERSON or role_allows(role, entry.role)


def _here(entries: list[Entry]) -> Entry | None:
    """The entry that the present page belongs to: its own, else one that names it, else one that names its area."""
    for place in (request.endpoint, request.blueprint):
        for entry in entries:
            if place and (place == entry.endpoint or place in entry.also):
                return entry
    return None
