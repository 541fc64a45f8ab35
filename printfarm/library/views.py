"""Models: the list, one model, what is known of it, and the archive."""

from uuid import UUID

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.fields import one_line
from printfarm.core.web import ViewAnswer, done, is_fragment, page, refused
from printfarm.library import queries, service
from printfarm.library.forms import ModelForm
from printfarm.library.markdown import html_of
from printfarm.library.queries import Asked

bp = Blueprint("library", __name__, url_prefix="/library")

FILTERS = ("q", "category", "tag", "designer", "show", "sort", "more")


@bp.get("/")
@shop_view(role="viewer")
def models(db: Session) -> ViewAnswer:
    args = {name: value for name in FILTERS if (value := one_line(request.args.get(name))[:300])}
    asked = Asked(
        text=args.get("q", ""),
        category=args.get("category", ""),
        tag=args.get("tag", "").casefold(),
        designer=args.get("designer", ""),
        archived=args.get("show") == "archived",
        sort=args.get("sort", ""),
    )
    unfolded = bool(asked.tag or asked.designer or asked.archived or args.get("more"))
    return page(
        "library/models.html",
        "model_list",
        models=queries.list_models(db, asked, request.args.get("page", 1, type=int)),
        asked=asked,
        args=args,
        choices=queries.list_choices(db, archived=asked.archived) if unfolded and not is_fragment() else None,
        categories=service.category_choices(db),
    )


@bp.get("/models/<uuid:model_id>")
@shop_view(role="viewer")
def model(db: Session, model_id: UUID) -> ViewAnswer:
    found = service.find_model(db, model_id)
    return page(
        "library/model.html",
        "variant_list",
        model=found,
        description=html_of(found.description),
        tags=queries.tags_of(db, [model_id]).get(model_id, []),
        images=[image for image in service.images_of(db, model_id) if image.file_id],
        variants=queries.newest_variants(db, model_id, request.args.get("page", 1, type=int)),
        labels=dict(service.category_choices(db)),
    )


@bp.get("/models/<uuid:model_id>/edit")
@shop_view(role="operator")
def edit_model(db: Session, model_id: UUID) -> ViewAnswer:
    found = service.find_model(db, model_id)
    tags = ", ".join(queries.tags_of(db, [model_id]).get(model_id, []))
    return _model_form(db, model_id, ModelForm(formdata=None, obj=found, data={"tags": tags}))


@bp.post("/models/<uuid:model_id>/edit")
@shop_view(role="operator")
def save_model(db: Session, model_id: UUID) -> ViewAnswer:
    form = ModelForm(obj=service.find_model(db, model_id))
    form.offer(service.category_choices(db))
    if not form.validate():
        return refused(lambda db: _model_form(db, model_id, form))
    service.edit_model(db, model_id, form.facts())
    return done(url_for("library.model", model_id=model_id), message="Saved.")


@bp.post("/models/<uuid:model_id>/archive")
@shop_view(role="operator")
def archive_model(db: Session, model_id: UUID) -> ViewAnswer:
    service.archive_model(db, model_id)
    return done(url_for("library.model", model_id=model_id), message="Put into the archive.")


@bp.post("/models/<uuid:model_id>/restore")
@shop_view(role="operator")
def restore_model(db: Session, model_id: UUID) -> ViewAnswer:
    service.restore_model(db, model_id)
    return done(url_for("library.model", model_id=model_id), message="Taken out of the archive.")


def _model_form(db: Session, model_id: UUID, form: ModelForm) -> ResponseReturnValue:
    form.offer(service.category_choices(db))
    return page("library/model_edit.html", model=service.find_model(db, model_id), form=form)
