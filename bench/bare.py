"""The yardstick: Flask, SQLAlchemy and Jinja with nothing around them, listing 50 of 10,000 rows.

Served by the same gunicorn with the same settings as PrintFarm's web process. `python -m bench.bare FOLDER PORT`.
"""

import sys
from pathlib import Path
from typing import Any

from flask import Flask, render_template_string
from gunicorn.app.base import BaseApplication
from sqlalchemy import String, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from printfarm.config import load_settings
from printfarm.processes.web import options

ROWS, SHOWN = 10_000, 50
OURS = ("post_fork", "post_worker_init")  # they need PrintFarm's own application
PAGE = """<!doctype html><title>Things</title><table>
{% for thing in things %}<tr><td>{{ thing.id }}</td><td>{{ thing.name }}</td><td>{{ thing.weight_mg / 1000 }} g</td></tr>
{% endfor %}</table>"""


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String, index=True)
    weight_mg: Mapped[int]


def make_app(path: Path) -> Flask:
    engine = create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        rows = [{"name": f"thing {number:05}", "weight_mg": number} for number in range(ROWS)]
        db.execute(insert(Thing), rows)
        db.commit()
    engine.dispose()
    app = Flask("bare")

    @app.get("/")
    def show() -> str:
        with Session(engine) as db:
            return render_template_string(
                PAGE, things=db.scalars(select(Thing).order_by(Thing.name).limit(SHOWN)).all()
            )

    return app


class BareServer(BaseApplication):
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        super().__init__()

    def load_config(self) -> None:
        environ = {
            "PRINTFARM_DATA_DIR": str(self.folder),
            "PRINTFARM_HOST": "127.0.0.1",
            "PRINTFARM_PORT": str(self.port),
        }
        for name, value in options(load_settings(environ)).items():
            if name not in OURS:
                self.cfg.set(name, value)

    def load(self) -> Any:
        return make_app(self.folder / "bare.db")


if __name__ == "__main__":
    BareServer(Path(sys.argv[1]), int(sys.argv[2])).run()
