"""The area's blueprint."""

from flask import Blueprint

bp = Blueprint("floor", __name__)
