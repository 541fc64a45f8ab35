"""The menu: which pages every screen leads to. Stands outside the order of the areas, as the application does."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_login import current_user

from printfarm.accounts.access import role_allows


@dataclass(frozen=True)
class Entry:
    """A line of the menu. `phone` is its short word in the bar at the bottom; `foot` puts it among the settings."""

    endpoint: str
    label: str
    icon: str
    phone: str = ""
    foot: bool = False
    role: str = "viewer"


MENU = (
    Entry("insight.dashboard", "Dashboard", "layout-dashboard", phone="Start"),
    Entry("queue.show", "Print queue", "list-ordered", phone="Queue"),
    Entry("fleet.show", "Printers", "printer", phone="Printers"),
    Entry("library.models", "Library", "library", phone="Library"),
    Entry("files.uploads", "Upload", "cloud-upload", role="operator"),
    Entry("filament.filaments", "Filament", "spool"),
    Entry("accounts.members", "Members", "users", foot=True),
    Entry("accounts.shop_settings", "Shop", "settings", foot=True, role="admin"),
    Entry("accounts.shops", "My shops", "store", foot=True),
    Entry("accounts.profile", "Profile", "user", foot=True),
)


def install(app: Flask) -> None:
    """Tell every template who looks, from which shop, and where they can go."""
    app.context_processor(surroundings)


def surroundings() -> dict[str, Any]:
    """What templates/base.html asks for."""
    who = current_user
    if not who or not who.is_authenticated:
        return {"shop": g.get("shop"), "role": None, "theme": "system", "nav_items": [], "sign_out_url": None}
    shop, role = g.get("shop") or who.shop, g.get("role") or who.role
    return {
        "shop": shop,
        "role": role,
        "theme": who.user.theme,
        "nav_items": menu(role),
        "sign_out_url": url_for("accounts.sign_out"),
        "live": shop is not None,
    }


def menu(role: str | None) -> list[dict[str, Any]]:
    """The lines that exist in this installation and that this role may open."""
    return [
        {
            "endpoint": entry.endpoint,
            "label": entry.label,
            "icon": entry.icon,
            "phone": entry.phone,
            "foot": entry.foot,
            "active": _is_active(entry),
        }
        for entry in MENU
        if entry.endpoint in current_app.view_functions and _may_open(entry, role)
    ]


def _may_open(entry: Entry, role: str | None) -> bool:
    view = current_app.view_functions[entry.endpoint]
    return getattr(view, "needed_role", None) == "person" or role_allows(role, entry.role)


def _is_active(entry: Entry) -> bool:
    area = entry.endpoint.split(".")[0]
    return request.endpoint == entry.endpoint or (area == request.blueprint and area != "accounts")
