"""The application inside a process: built once, and only where the database keeps shops apart."""

import logging
import time

from flask import Flask
from sqlalchemy.exc import OperationalError

from printfarm import create_app
from printfarm.config import Settings
from printfarm.core.database import db
from printfarm.core.fences import refuse_unfenced

log = logging.getLogger(__name__)

AGAIN_S = 2


def fenced_app(settings: Settings) -> Flask:
    """Build the application, waiting for a database that does not answer yet.

    Raises Unfenced when the database's role could see every shop.
    """
    app = create_app(settings)
    with app.app_context():
        while True:
            try:
                refuse_unfenced(db.engine)
            except OperationalError as problem:
                log.warning("the database does not answer yet (%s); still trying", str(problem.orig).strip())
                time.sleep(AGAIN_S)
            else:
                db.engine.dispose()  # forks of this process begin with no connection of its own
                return app
