"""Tokens for programs: made, shown once, revoked."""

from uuid import UUID

from flask import current_app, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts import service
from printfarm.accounts.access import shop_view
from printfarm.accounts.forms import TokenForm
from printfarm.accounts.queries import tokens_of
from printfarm.accounts.views.blueprint import bp
from printfarm.core.tenancy import shop_of
from printfarm.core.web import ViewAnswer, after_commit, done, external_url, page, refused


@bp.get("/tokens")
@shop_view(role="admin")
def tokens(db: Session) -> ViewAnswer:
    return _tokens(db)


@bp.post("/tokens")
@shop_view(role="admin")
def make_token(db: Session) -> ViewAnswer:
    """The token is shown once, in the answer: only its hash is kept."""
    form = TokenForm()
    if not form.validate():
        return refused(lambda db: _tokens(db, form=form))
    token = service.make_token(db, shop_of(db), form.name.data, form.scope.data)
    return after_commit(lambda db: _tokens(db, token=token))


@bp.post("/tokens/<uuid:token_id>/revoke")
@shop_view(role="admin")
def revoke_token(db: Session, token_id: UUID) -> ViewAnswer:
    name = service.revoke_token(db, shop_of(db), token_id)
    return done(url_for("accounts.tokens"), message=f"The token of {name} no longer works.")


def _tokens(db: Session, form: TokenForm | None = None, token: str | None = None) -> ResponseReturnValue:
    return page(
        "accounts/tokens.html",
        tokens=tokens_of(db, shop_of(db)),
        form=form or TokenForm(formdata=None),
        token=token,
        spoolman_import_url=current_app.extensions.get("printfarm.spoolman_import", ""),
        spoolman_url=external_url("/spoolman"),
        spoolman_url_with_token=external_url(f"/spoolman/{token}") if token else "",
    )
