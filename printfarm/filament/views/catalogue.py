"""The catalogue: common brands and colours to pick from."""

from flask import request
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.paging import PAGE_SIZE, Paged
from printfarm.core.web import ViewAnswer, page
from printfarm.filament import catalogue, queries
from printfarm.filament.views.blueprint import bp, page_number


@bp.get("/catalogue")
@shop_view(role="viewer")
def browse_catalogue(db: Session) -> ViewAnswer:
    asked = {
        "text": request.args.get("q", "").strip(),
        "brand": request.args.get("brand", ""),
        "material": request.args.get("material", ""),
    }
    found = _paged(catalogue.search_entries(**asked), page_number())
    return page(
        "filament/catalogue.html",
        found=found,
        had=queries.had_of(db, found.items),
        asked=asked,
        brands=catalogue.brands(),
        materials=catalogue.materials(),
        unassigned=queries.count_unassigned(db),
    )


def _paged(entries: list[catalogue.Entry], number: int) -> Paged[catalogue.Entry]:
    pages = max(1, -(-len(entries) // PAGE_SIZE))
    number = min(max(1, number), pages)
    return Paged(entries[(number - 1) * PAGE_SIZE : number * PAGE_SIZE], number, pages, len(entries))
