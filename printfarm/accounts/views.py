"""Signing in and out, the first start, members."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)
