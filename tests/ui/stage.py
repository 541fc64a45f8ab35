"""A bare Flask application around the templates: the look and the small scripts stand on nothing of the shop's areas."""

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, flash, jsonify, make_response, redirect, render_template, render_template_string, request
from flask_sock import Sock
from flask_wtf import CSRFProtect
from simple_websocket import ConnectionClosed
from werkzeug.serving import make_server

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
POLICY = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'"

BROWSER_PAGE = """
{% extends "base.html" %}{% block title %}Stage{% endblock %}
{% block styles %}<link rel="stylesheet" href="{{ url_for('static', filename='css/upload.css') }}">{% endblock %}
{% block scripts %}<script defer src="{{ url_for('static', filename='js/upload.js') }}"></script>{% endblock %}
{% block main %}{% import "_ui/ui.html" as ui %}
<p id="card-1">old card</p>
<div id="list" {{ ui.live("things", "/list") }}>list 0</div>
{{ ui.post_button("Refuse", "/refuse/409", target="#list") }}
{{ ui.post_button("Page error", "/refuse/500", target="#list") }}
{{ ui.post_button("New list", "/refuse/412", target="#list") }}
{{ ui.post_button("Stop it", "/stop", confirm="Stop the print? 26 g are lost.", target="#list") }}
<div id="slot"></div>
{{ ui.search() }}
<div class="needs-operator" id="operators">for operators</div>
{{ ui.upload("/take", begin_url="/begin", reads=[".gcode", ".stl"], max_bytes=2000000, changed="things") }}
{% endblock %}
"""

PIECE = 1000  # bytes


class Stage:
    """The application and what it saw."""

    def __init__(self) -> None:
        self.app = Flask("stage", template_folder=str(TEMPLATES), static_folder=str(STATIC))
        self.app.config.update(SECRET_KEY="stage", SOCK_SERVER_OPTIONS={"ping_interval": 25})
        self.role = "owner"
        self.sockets: list[queue.Queue[str | int]] = []
        self.lists_fetched = 0
        self.stops = 0
        self.taken: list[tuple[str, int]] = []
        self.offered: list[dict[str, Any]] = []
        self.pieces: list[str] = []
        self.cancelled: list[str] = []
        self.fail_uploads = 0
        self.breaks = 0
        self.signed_out = False
        CSRFProtect(self.app)
        self.app.context_processor(self._context)
        self._routes()
        self._sockets()

    def push(self, message: str | int) -> None:
        """Send to every open socket; a number closes them with that code."""
        for waiting in self.sockets:
            waiting.put(message)

    @contextmanager
    def served(self) -> Iterator[str]:
        server = make_server("127.0.0.1", 0, self.app, threaded=True)
        server.daemon_threads = True  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.port}"
        self.push(1012)
        server.shutdown()
        thread.join(5)
        server.server_close()

    def _context(self) -> dict[str, Any]:
        labels = (
            ("Queue", "list-ordered"),
            ("Printers", "printer"),
            ("Upload", "upload"),
            ("Spools", "spool"),
            ("Library", "library"),
        )
        items = [
            {
                "endpoint": "showcase",
                "url": f"/showcase?{label}",
                "label": label,
                "icon": icon,
                "active": label == "Queue",
            }
            | ({"phone": label, "key": label[0].lower()} if label != "Library" else {"group": "Stock"})
            for label, icon in labels
        ]
        return {"nav_items": items, "shop": {"name": "Shop & Sons"}, "role": self.role, "sign_out_url": "/out"}

    def _routes(self) -> None:
        app = self.app

        @app.after_request
        def policy(response):
            response.headers["Content-Security-Policy"] = POLICY
            return response

        @app.get("/showcase")
        def showcase():
            return render_template("_ui/showcase.html")

        @app.get("/")
        def page():
            if request.args.get("flash"):
                flash("Saved the spool.", "success")
            return render_template_string(BROWSER_PAGE)

        @app.get("/list")
        def fetch_list():
            self.lists_fetched += 1
            return self._list()

        @app.post("/stop")
        def stop():
            self.stops += 1
            return self._list()

        @app.get("/error/<int:code>")
        def error(code: int):
            context = {
                "code": code,
                "title": "Not now",
                "sentence": "The bed is full.",
                "reference": "AB12",
                "back": "/",
            }
            return render_template("errors/error.html", **context), code

        @app.post("/refuse/<int:code>")
        def refuse(code: int):
            if code == 500:
                return error(500)
            if code == 412:
                return self._list("as it is now"), 409
            response = make_response(
                render_template("errors/toast.html", sentence="The bed is full.", reference=None), code
            )
            response.headers["HX-Reswap"] = "none"
            return response

        self._uploads(app)

    def _uploads(self, app: Flask) -> None:
        """Takes files in pieces of PIECE bytes, as docs/decisions/0026 says; those called direct… go to a storage."""
        here: dict[str, bytes] = {}
        files: dict[str, dict[str, Any]] = {}

        def step(name: str):
            at, size = len(here[name]), files[name]["size"]
            if at == size:
                self.taken.append((name, size))
                return jsonify(id=name, url="/showcase")
            direct = name.startswith("direct")
            send = {
                "method": "PUT" if direct else "POST",
                "url": f"/bytes/{name}?at={at}",
                "at": at,
                "to": min(at + PIECE, size),
            }
            return jsonify(upload_id=name, send=send, next_url=f"/next/{name}", cancel_url=f"/cancel/{name}")

        @app.post("/take")
        def take_whole():
            self.taken += [(one.filename, len(one.read())) for one in request.files.getlist("files")]
            return "<p>Thank you</p>"

        @app.post("/begin")
        def begin():
            if self.signed_out:
                return redirect("/showcase")
            if self.fail_uploads:
                self.fail_uploads -= 1
                return jsonify(error="The disk of the server is full."), 422
            asked = request.get_json()
            files[asked["name"]] = asked
            self.offered.append(asked)
            here.setdefault(asked["name"], b"")
            return step(asked["name"])

        @app.post("/next/<name>")
        def go_on(name: str):
            return step(name)

        def take(name: str):
            if self.breaks:
                self.breaks -= 1
                return jsonify(error="Too many files are coming in."), 503
            assert request.args.get("at", type=int) == len(here[name])
            here[name] += request.get_data()
            self.pieces.append(name)
            return step(name) if request.method == "POST" else ("", 200)

        app.route("/bytes/<name>", methods=["POST", "PUT"], endpoint="take")(app.extensions["csrf"].exempt(take))

        @app.post("/cancel/<name>")
        def cancel(name: str):
            self.cancelled.append(name)
            return jsonify(removed=True)

    def _list(self, words: str = "") -> str:
        source = (
            '{% import "_ui/ui.html" as ui %}<div id="list" {{ ui.live("things", "/list") }}>list {{ words }}</div>'
        )
        return render_template_string(source, words=words or self.lists_fetched)

    def _sockets(self) -> None:
        @Sock(self.app).route("/ws/live")
        def live(ws):
            waiting: queue.Queue[str | int] = queue.Queue()
            self.sockets.append(waiting)
            try:
                while isinstance(message := waiting.get(), str):
                    ws.send(message)
                ws.close(message)
                ws.sock.shutdown(socket.SHUT_RDWR)  # else the answer of the request follows the last frame
            except ConnectionClosed:
                return
            finally:
                self.sockets.remove(waiting)
