"""A program that speaks Spoolman's API."""

from contextvars import Context
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse


class Program:
    """Its token goes into the header, or with `in_path` into the path, as Moonraker's has to."""

    def __init__(self, app: Flask, token: str | None, *, in_path: bool = False) -> None:
        self.app, self.token, self.in_path = app, token, in_path
        self.client = app.test_client()

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = more.pop("headers", {})
        before = "/spoolman"
        if self.in_path:
            before = f"/spoolman/{self.token}"
        elif self.token is not None:
            headers = {"Authorization": f"Bearer {self.token}", **headers}
        url = f"{before}/api/v1{path}"
        return Context().run(self.client.open, url, method=method, headers=headers, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        return self.ask("POST", path, json=body, **more)

    def patch(self, path: str, body: Any) -> TestResponse:
        return self.ask("PATCH", path, json=body)

    def put(self, path: str, body: Any, **more: Any) -> TestResponse:
        return self.ask("PUT", path, json=body, **more)

    def delete(self, path: str) -> TestResponse:
        return self.ask("DELETE", path)
