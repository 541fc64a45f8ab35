"""People of the tests."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from flask import Flask

from printfarm.accounts.models import Membership
from printfarm.accounts.service import add_user, open_shop
from printfarm.core.work import unit_of_work
from tests.support.browser import Browser, Page

PASSWORD = "correct horse battery"


class Person:
    """Somebody signed in: `person.get`, `person.post`, and who they are."""

    def __init__(self, app: Flask, shop_id: UUID, user_id: UUID, role: str, browser: Browser) -> None:
        self.app, self.shop_id, self.user_id, self.role, self.browser = app, shop_id, user_id, role, browser

    def get(self, url: str, **kwargs: Any) -> Page:
        return self.browser.get(url, **kwargs)

    def post(self, url: str, form: dict[str, Any] | None = None, **kwargs: Any) -> Page:
        return self.browser.post(url, form, **kwargs)


def open_shop_with(app: Flask, *, email: str, name: str, shop_name: str) -> SimpleNamespace:
    with app.app_context(), unit_of_work(None) as db:
        user = add_user(db, email=email, name=name, password=PASSWORD)
        membership = open_shop(db, user, name=shop_name, currency="EUR", timezone="Europe/Berlin")
        return SimpleNamespace(id=membership.shop_id, owner=user.id)


def hire(app: Flask, shop: SimpleNamespace, email: str, name: str, role: str) -> Person:
    with app.app_context(), unit_of_work(None) as db:
        user = add_user(db, email=email, name=name, password=PASSWORD)
        db.add(Membership(shop_id=shop.id, user_id=user.id, role=role))
        user_id = user.id
    return Person(app, shop.id, user_id, role, Browser(app).signed_in(user_id, shop.id))
