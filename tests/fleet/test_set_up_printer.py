"""An admin adds, edits and archives printers."""

import threading

import pytest
from sqlalchemy import select

from hub import protocol
from printfarm.core.work import read_only, unit_of_work
from printfarm.fleet import queries, service
from printfarm.fleet.models import Printer, PrinterSlot
from printfarm.fleet.service import printers
from tests.fleet.conftest import add_printer, settings_for

NEW = {
    "name": "Anna",
    "model_id": "C12",
    "address": "192.0.2.10",
    "serial": "01P00A000000001",
    "access_code": "s3cr3t-1",
    "nozzle_mm": "0.40",
    "bed_type": "Textured PEI Plate",
    "location": "Shelf 2",
    "then": "save",
}


def form(hub, **more):
    return {**NEW, "hub_id": str(hub.id), **more}


def all_printers(app, shop):
    with app.app_context(), read_only(shop.id) as db:
        return list(db.scalars(select(Printer).order_by(Printer.position)))


def test_an_admin_adds_a_printer(app, shop, adam, hub):
    answer = adam.post("/fleet/printers/new", form(hub))
    assert answer.status == 303
    anna = all_printers(app, shop)[0]
    assert answer.location == f"/fleet/printers/{anna.id}"
    assert (anna.name, anna.model, anna.model_id, anna.serial) == ("Anna", "Bambu Lab P1S", "C12", "01P00A000000001")
    assert (str(anna.nozzle_mm), anna.bed_type, anna.location) == ("0.40", "Textured PEI Plate", "Shelf 2")
    page = adam.get(answer.location)
    assert "Anna is saved." in page.text
    assert "External" in page.text


def test_the_code_is_sealed_and_never_shown(app, shop, adam, hub):
    made = adam.post("/fleet/printers/new", form(hub)).location
    anna = all_printers(app, shop)[0]
    assert "s3cr3t-1" not in anna.access_code_sealed
    with app.app_context():
        assert printers.access_code_of(anna) == "s3cr3t-1"
    for url in (made, f"{made}/edit", "/fleet"):
        assert "s3cr3t-1" not in adam.get(url).response.get_data(as_text=True)


def test_the_serial_is_written_in_capitals(app, shop, adam, hub):
    adam.post("/fleet/printers/new", form(hub, serial=" 01p00a00000000f "))
    assert all_printers(app, shop)[0].serial == "01P00A00000000F"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "What do you call it?"),
        ("address", "192.168.1", "Write an address like"),
        ("address", "http://192.168.1.4/", "Write an address like"),
        ("address", "my printer", "Write an address like"),
        ("serial", "abc", "letters and digits"),
        ("serial", "01P00A-00000000", "letters and digits"),
        ("serial", "03000A000000001", "serial number of a Bambu Lab A1 mini"),
        ("access_code", "", "The access code is missing"),
        ("access_code", "has space", "without spaces"),
        ("model_id", "C99", "Not a valid choice"),
        ("nozzle_mm", "9", "Not a valid choice"),
        ("hub_id", "01a1fd3c-df91-70e1-9d4f-377b3a9fa6eb", "Not a valid choice"),
        ("mqtt_port", "99999", "between 1 and 65535"),
    ],
)
def test_bad_input_is_said_at_its_field(app, shop, adam, hub, field, value, sentence):
    answer = adam.post("/fleet/printers/new", form(hub, **{field: value}))
    assert answer.status == 422
    assert sentence in answer.one(f"#{field}-error").get_text()
    assert not answer.one("#access_code").get("value")
    assert not all_printers(app, shop)


def test_the_same_serial_twice_is_refused_naming_the_printer(app, shop, adam, hub, printer):
    answer = adam.post("/fleet/printers/new", form(hub, name="Second"))
    assert answer.status == 422
    assert "Anna has this serial number already" in answer.one("#serial-error").get_text()
    assert len(all_printers(app, shop)) == 1


def test_an_archived_serial_may_come_back(app, shop, adam, hub, printer):
    assert adam.post(f"/fleet/printers/{printer.id}/archive").status == 303
    assert adam.post("/fleet/printers/new", form(hub, name="Anna again")).status == 303


def test_another_shops_hub_cannot_be_chosen(app, charlie, hub):
    answer = charlie.post("/fleet/printers/new", form(hub))
    assert answer.status == 422


def test_an_operator_may_not_add(olga, hub):
    assert olga.get("/fleet/printers/new").status == 403
    assert olga.post("/fleet/printers/new", form(hub)).status == 403


def test_an_empty_code_keeps_the_known_one(app, shop, adam, hub, printer):
    answer = adam.post(
        f"/fleet/printers/{printer.id}/edit", form(hub, name="Anna II", address="192.0.2.99", access_code="")
    )
    assert answer.status == 303
    anna = all_printers(app, shop)[0]
    assert (anna.name, anna.address) == ("Anna II", "192.0.2.99")
    with app.app_context():
        assert printers.access_code_of(anna) == "s3cr3t-1"


def test_the_edit_page_is_filled(adam, printer):
    page = adam.get(f"/fleet/printers/{printer.id}/edit")
    assert page.one("#serial")["value"] == printer.serial
    assert page.one("#nozzle_mm option[selected]")["value"] == "0.40"
    assert page.one("#model_id option[selected]")["value"] == "C12"


def test_a_new_serial_forgets_the_old_certificate(app, shop, adam, hub, printer):
    with app.app_context(), unit_of_work(shop.id) as db:
        db.get(Printer, printer.id).certificate_sha256 = "ab" * 32
    adam.post(f"/fleet/printers/{printer.id}/edit", form(hub, serial="01P00A000000777"))
    assert all_printers(app, shop)[0].certificate_sha256 is None


def test_printers_move_up_and_down(app, shop, adam, hub, printer):
    add_printer(app, shop, hub, name="Berta", serial="01P00A000000002")
    add_printer(app, shop, hub, name="Clara", serial="01P00A000000003")
    adam.post(f"/fleet/printers/{printer.id}/move", {"direction": "down"})
    assert [one.name for one in all_printers(app, shop)] == ["Berta", "Anna", "Clara"]
    adam.post(f"/fleet/printers/{printer.id}/move", {"direction": "up"})
    adam.post(f"/fleet/printers/{printer.id}/move", {"direction": "up"})
    assert [one.name for one in all_printers(app, shop)] == ["Anna", "Berta", "Clara"]


def test_maintenance_goes_on_and_off(app, shop, olga, printer):
    olga.post(f"/fleet/printers/{printer.id}/maintenance", {"on": "1"})
    with app.app_context(), read_only(shop.id) as db:
        assert queries.printer_facts(db)[0].in_maintenance
    olga.post(f"/fleet/printers/{printer.id}/maintenance", {"on": "0"})
    with app.app_context(), read_only(shop.id) as db:
        assert not queries.printer_facts(db)[0].in_maintenance


def test_archiving_is_refused_while_something_runs(app, shop, adam, printer, monkeypatch):
    monkeypatch.setattr(printers, "BUSY_CHECKS", [lambda _db, _printer_id: "Anna prints Benchy right now."])
    answer = adam.post(f"/fleet/printers/{printer.id}/archive")
    assert answer.status == 409
    assert "Anna prints Benchy right now." in answer.text
    assert all_printers(app, shop)[0].archived_at is None


def test_an_archived_printer_leaves_the_fleet_and_its_spools(app, shop, adam, printer):
    assert adam.post(f"/fleet/printers/{printer.id}/archive").status == 303
    assert "Anna" not in adam.get("/fleet").one("#fleet").get_text()
    assert adam.get(f"/fleet/printers/{printer.id}").status == 404
    assert adam.post(f"/fleet/printers/{printer.id}/control", {"action": "light_on"}).status == 409
    with app.app_context(), read_only(shop.id) as db:
        assert all(slot.spool_id is None for slot in db.scalars(select(PrinterSlot)).unique())
        assert queries.printer_facts(db) == []


def test_commands_from_the_printers_page(app, shop, olga, bob, printer):
    assert olga.post(f"/fleet/printers/{printer.id}/control", {"action": "light_on"}).status == 303
    assert olga.post(f"/fleet/printers/{printer.id}/control", {"action": "self_destruct"}).status == 409
    assert bob.post(f"/fleet/printers/{printer.id}/control", {"action": "stop"}).status == 403
    from printfarm.fleet.models import Command

    with app.app_context(), read_only(shop.id) as db:
        sent = list(db.scalars(select(Command)))
    assert [(one.kind, one.body["action"], one.user_id) for one in sent] == [
        ("printer_command", "light_on", olga.user_id)
    ]


def test_a_changed_hub_is_refused_while_something_runs(app, shop, adam, hub, printer, monkeypatch):
    with app.app_context(), unit_of_work(shop.id) as db:
        other = service.add_hub(db, "Garage")
    monkeypatch.setattr(printers, "BUSY_CHECKS", [lambda _db, _printer_id: "Anna prints Benchy right now."])
    answer = adam.post(f"/fleet/printers/{printer.id}/edit", form(other, access_code=""))
    assert answer.status == 422
    assert "Anna prints Benchy right now." in answer.text


def test_two_people_add_the_same_printer_at_once(app, shop, adam, alice, hub):
    answers = []
    with app.app_context(), unit_of_work(shop.id) as db:
        service.add_printer(db, settings_for(hub))
        second = threading.Thread(
            target=lambda: answers.append(alice.post("/fleet/printers/new", form(hub, name="Twin")))
        )
        second.start()
        second.join(1)  # it waits for our write, or for the serial number
        assert not answers
    second.join(20)
    assert answers[0].status == 422
    assert "serial number" in answers[0].one("#serial-error").get_text()
    with app.app_context(), read_only(shop.id) as db:
        assert [one.name for one in queries.printer_facts(db)] == ["Anna"]


def test_a_stop_from_the_printers_page_is_for_the_print_that_was_seen(app, shop, olga, printer, connected):
    connected.status(printer.id, state="printing", run_code="PF-0001")
    olga.post(f"/fleet/printers/{printer.id}/control", {"action": "light_on"})
    assert connected.hear(protocol.PrinterCommand).run_code is None
    olga.post(f"/fleet/printers/{printer.id}/control", {"action": "stop"})
    assert connected.hear(protocol.PrinterCommand).run_code == "PF-0001"


def test_a_command_that_did_not_work_is_told_on_the_printers_page(olga, printer, connected):
    connected.status(printer.id)
    page = f"/fleet/printers/{printer.id}"
    olga.post(f"{page}/control", {"action": "light_on"})
    said = "The printer did not answer the command."
    connected.ack(connected.hear(protocol.PrinterCommand), success=False, code="no_answer", sentence=said)
    assert said in olga.get(page).text
    olga.post(f"{page}/control", {"action": "light_on"})
    connected.ack(connected.hear(protocol.PrinterCommand))
    assert said not in olga.get(page).text
