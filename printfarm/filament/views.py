from flask import Blueprint

bp = Blueprint("filament", __name__, url_prefix="/filament")
