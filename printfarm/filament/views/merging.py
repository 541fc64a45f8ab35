"""Two filaments that turn out to be one: choose, see what moves, say so."""

from uuid import UUID

from flask import Response, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import StringField, validators

from printfarm.accounts.access import shop_view
from printfarm.core.web import ViewAnswer, done, page, refused
from printfarm.filament import queries, service
from printfarm.filament.service.merging import merge_filaments, what_moves
from printfarm.filament.views.blueprint import bp, me, page_number


class IntoForm(FlaskForm):  # type: ignore[misc]
    into = StringField(
        validators=[
            validators.InputRequired("Choose the filament that stays."),
            validators.UUID("Choose one from the list."),
        ]
    )


@bp.route("/filaments/<uuid:filament_id>/merge", methods=["GET", "POST"])
@shop_view(role="operator")
def merge_filament(db: Session, filament_id: UUID) -> ViewAnswer:
    """Without `into` the filaments to choose from; with it what would move; sent, it is done."""
    if request.method == "GET":
        return _asked(db, filament_id, request.args.get("into", type=UUID))
    form = IntoForm()
    if not form.validate_on_submit():
        return refused(lambda db: _asked(db, filament_id, None, form.into.errors))
    stays = merge_filaments(db, filament_id, UUID(form.into.data), user_id=me())
    said = f"Both are {service.name_of(stays)} now."
    return done(url_for("filament.filament", filament_id=stays.id), message=said)


def _asked(db: Session, filament_id: UUID, into_id: UUID | None, errors: object = ()) -> Response:
    known = service.find_filament(db, filament_id)
    text = request.args.get("q", known.material).strip()
    return page(
        "filament/merge_filaments.html",
        filament=known,
        into=service.find_filament(db, into_id) if into_id else None,
        moving=what_moves(db, filament_id),
        found=queries.list_filaments(db, text=text, page=page_number()),
        text=text,
        errors=errors,
    )
