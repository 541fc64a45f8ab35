"""After how many days in the air rolls should be dried, by material: the usual days, and the shop's own."""

from typing import Any

from flask import request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.web import ViewAnswer, done, page, refused
from printfarm.filament import queries
from printfarm.filament.forms.drying import DryingForm
from printfarm.filament.materials import family
from printfarm.filament.service import drying as rules_of
from printfarm.filament.views.blueprint import bp


@bp.route("/drying", methods=["GET", "POST"])
@shop_view(role="operator")
def drying(db: Session) -> ViewAnswer:
    if request.method == "GET":
        return page("filament/drying.html", **_drying(db))
    form = DryingForm()
    if not form.validate_on_submit():
        return refused(lambda db: page("filament/drying.html", **_drying(db), form=form))
    rules_of.set_drying_days(db, form.material.data, form.days.data)
    return done(url_for("filament.drying"), message=f"Saved for {form.material.data}.")


def _drying(db: Session) -> dict[str, Any]:
    """A line for each material that has a rule or that the shop has, by its family."""
    rules, names = rules_of.drying_rules(db), {kind: kind.upper() for kind in rules_of.USUAL_DAYS}
    names |= {kind: kind.upper() for kind in rules}
    names |= {family(one): family(one).upper() for one in queries.materials_in_use(db)}
    lines = [(name, rules_of.drying_days(kind, rules), kind in rules) for kind, name in sorted(names.items())]
    return {"lines": lines, "unassigned": queries.count_unassigned(db)}
