"""Hubs: which there are, and adding one by hand."""

from uuid import UUID

from flask import url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.web import ViewAnswer, done, external_url, page, refused
from printfarm.fleet import queries, service
from printfarm.fleet.forms import HubForm
from printfarm.fleet.views.blueprint import bp


@bp.get("/hubs")
@shop_view(role="admin")
def hubs(db: Session) -> ViewAnswer:
    return page("fleet/hubs.html", "hub_list", hubs=queries.list_hubs(db), form=HubForm())


@bp.post("/hubs")
@shop_view(role="admin")
def add_hub(db: Session) -> ViewAnswer:
    """The secret is shown once, in this very answer, so there is no redirect to come back to."""
    form = HubForm()
    if form.validate_on_submit():
        try:
            made = service.add_hub(db, form.name.data)
        except DomainError as problem:
            form.name.errors = [problem.sentence]
        else:
            return page("fleet/hub_added.html", hub=made, url=external_url("/"))
    return refused(lambda db: page("fleet/hubs.html", hubs=queries.list_hubs(db), form=form))


@bp.post("/hubs/<uuid:hub_id>/archive")
@shop_view(role="admin")
def archive_hub(db: Session, hub_id: UUID) -> ViewAnswer:
    service.archive_hub(db, hub_id)
    return done(url_for("fleet.hubs"), message="The hub cannot sign in any more.")
