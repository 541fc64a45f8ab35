"""Background jobs: RQ functions of about ten lines that call services. They take ids as text and may run twice."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from flask import Flask, has_app_context

P = ParamSpec("P")
R = TypeVar("R")


def background_job(function: Callable[P, R]) -> Callable[P, R]:
    """Run inside the application: the current one, or this worker's own."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if has_app_context():
            return function(*args, **kwargs)
        with _application().app_context():
            return function(*args, **kwargs)

    return run


@lru_cache(maxsize=1)
def _application() -> Flask:
    from printfarm import create_app

    return create_app()
