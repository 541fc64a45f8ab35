"""The WSGI application: `gunicorn app:app`."""

from printfarm import create_app

app = create_app()
