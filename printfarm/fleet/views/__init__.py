from flask import Blueprint

bp = Blueprint("fleet", __name__, url_prefix="/fleet")
