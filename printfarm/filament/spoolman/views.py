"""Spoolman's paths. Each view: read the message, one call, show the row."""

from typing import Any

from flask import Response, g, jsonify, request
from sqlalchemy.orm import Session

from printfarm.accounts.machines import token_view
from printfarm.core.clock import utc_now
from printfarm.filament.spoolman import asking, changing, finding
from printfarm.filament.spoolman.door import bp, read, total
from printfarm.filament.spoolman.showing import (
    around_filaments,
    show_filament,
    show_filaments,
    show_spools,
    show_vendor,
    show_vendors,
)

DONE = {"message": "Success!"}


@bp.get("/vendor")
@token_view(role="viewer")
def vendors(db: Session) -> Response:
    found = finding.find_vendors(db, request.args)
    return total(show_vendors(found.items), found.total)


@bp.post("/vendor")
@token_view(role="operator")
def add_vendor(db: Session) -> Response:
    return jsonify(show_vendor(changing.add_vendor(db, read(asking.Vendor))))


@bp.get("/vendor/<int:number>")
@token_view(role="viewer")
def vendor(db: Session, number: int) -> Response:
    return jsonify(show_vendor(changing.vendor_of(db, number)))


@bp.patch("/vendor/<int:number>")
@token_view(role="operator")
def change_vendor(db: Session, number: int) -> Response:
    return jsonify(show_vendor(changing.change_vendor(db, number, read(asking.VendorChange))))


@bp.delete("/vendor/<int:number>")
@token_view(role="operator")
def remove_vendor(db: Session, number: int) -> Response:
    changing.remove_vendor(db, number)
    return jsonify(DONE)


@bp.get("/filament")
@token_view(role="viewer")
def filaments(db: Session) -> Response:
    found = finding.find_filaments(db, request.args)
    return total(show_filaments(db, found.items), found.total)


@bp.post("/filament")
@token_view(role="operator")
def add_filament(db: Session) -> Response:
    return _filament(db, changing.add_filament(db, read(asking.Filament)))


@bp.get("/filament/<int:number>")
@token_view(role="viewer")
def filament(db: Session, number: int) -> Response:
    return _filament(db, changing.filament_of(db, number))


@bp.patch("/filament/<int:number>")
@token_view(role="operator")
def change_filament(db: Session, number: int) -> Response:
    return _filament(db, changing.change_filament(db, number, read(asking.FilamentChange)))


@bp.delete("/filament/<int:number>")
@token_view(role="operator")
def remove_filament(db: Session, number: int) -> Response:
    changing.remove_filament(db, number)
    return jsonify(DONE)


@bp.get("/spool")
@token_view(role="viewer")
def spools(db: Session) -> Response:
    found = finding.find_spools(db, request.args)
    return total(show_spools(db, found.items), found.total)


@bp.post("/spool")
@token_view(role="operator")
def add_spool(db: Session) -> Response:
    return _spool(db, changing.add_spool(db, read(asking.Spool)))


@bp.get("/spool/<int:number>")
@token_view(role="viewer")
def spool(db: Session, number: int) -> Response:
    return _spool(db, changing.spool_of(db, number))


@bp.patch("/spool/<int:number>")
@token_view(role="operator")
def change_spool(db: Session, number: int) -> Response:
    return _spool(db, changing.change_spool(db, number, read(asking.SpoolChange), teller=g.machine.name))


@bp.delete("/spool/<int:number>")
@token_view(role="operator")
def remove_spool(db: Session, number: int) -> Response:
    changing.remove_spool(db, number, teller=g.machine.name)
    return jsonify(DONE)


@bp.put("/spool/<int:number>/use")
@token_view(role="operator")
def use_spool(db: Session, number: int) -> Response:
    """What a machine used. It came when the request came, however long it waited for its turn in the database."""
    said, who = read(asking.Use), g.machine
    used = changing.use_spool(db, number, said, teller=who.name, token=str(who.id), arrived_at=_arrived_at())
    return _spool(db, used)


@bp.put("/spool/<int:number>/measure")
@token_view(role="operator")
def measure_spool(db: Session, number: int) -> Response:
    return _spool(db, changing.measure_spool(db, number, read(asking.Measure), teller=g.machine.name))


@bp.before_request
def note_arrival() -> None:
    g.arrived_at = utc_now()


def _arrived_at() -> Any:
    return g.arrived_at


def _filament(db: Session, row: Any) -> Response:
    return jsonify(show_filament(row, around_filaments(db, [row])))


def _spool(db: Session, row: Any) -> Response:
    return jsonify(show_spools(db, [row])[0])
