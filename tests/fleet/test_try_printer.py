"""Trying a printer: the hub goes step by step, the page says what failed and what to do."""

import pytest
from sqlalchemy import select

from hub import protocol
from printfarm.core.work import read_only, unit_of_work
from printfarm.fleet.models import Command, Printer, PrinterTrial
from printfarm.fleet.service import commands, printers, trials
from tests.fleet.test_set_up_printer import form

PIN = "0a" * 32
STEPS = ("address", "certificate", "access_code", "serial", "developer_mode", "ftps", "storage")


def result(hub, command, failed=None, sentence="", pin=PIN):
    reached = True
    steps = []
    for name in STEPS:
        ok = None if not reached else name != failed
        steps.append(protocol.TryStepResult(name=name, ok=ok, sentence=sentence if name == failed else "Fine."))
        reached = reached and name != failed
    hub.store(
        protocol.TryResult(
            seq=hub.next_seq(),
            command_id=command.command_id,
            steps=steps,
            certificate_sha256=pin,
            model="Bambu Lab P1S",
            firmware="01.08.01.00",
        )
    )


@pytest.fixture
def line(served, hub):
    from tests.support.hubs import FakeHub

    with FakeHub(served.url, hub.id, hub.secret) as fake:
        yield fake


def the_trial(app, shop):
    with app.app_context(), read_only(shop.id) as db:
        return db.scalars(select(PrinterTrial).order_by(PrinterTrial.created_at.desc())).first()


def test_everything_works_and_saving_pins_the_certificate(app, shop, adam, hub, line):
    trial_page = adam.post("/fleet/printers/new", form(hub, then="try")).location
    waiting = adam.get(trial_page)
    assert "This takes up to a minute." in waiting.text
    assert waiting.one('noscript meta[http-equiv="refresh"]')
    asked = line.hear(protocol.TryPrinter)
    assert (asked.printer.address, asked.printer.serial, asked.printer.access_code) == (
        "192.0.2.10",
        "01P00A000000001",
        "s3cr3t-1",
    )
    result(line, asked)
    page = adam.get(trial_page)
    assert "Everything works" in page.text
    assert PIN in page.text
    assert not page.all('meta[http-equiv="refresh"]')
    saved = adam.post(f"{trial_page}/save")
    assert saved.status == 303
    with app.app_context(), read_only(shop.id) as db:
        anna = db.scalars(select(Printer)).one()
        assert anna.certificate_sha256 == PIN
        assert printers.access_code_of(anna) == "s3cr3t-1"
    assert the_trial(app, shop).access_code_sealed == ""


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("address", "Nothing answers at 192.0.2.10:8883. Is the printer on?"),
        ("certificate", "Another certificate."),
        ("access_code", "The printer refuses the access code."),
        ("serial", "Check the serial number, letter by letter."),
        ("developer_mode", "Developer Mode is off."),
        ("ftps", "No file arrives."),
        ("storage", "There is no memory card in the printer. Insert one."),
    ],
)
def test_the_step_that_failed_says_what_to_do(adam, hub, line, step, sentence):
    trial_page = adam.post("/fleet/printers/new", form(hub, then="try")).location
    result(line, line.hear(protocol.TryPrinter), failed=step, sentence=sentence)
    page = adam.get(trial_page)
    row = page.one(f"#step-{step}").get_text(" ", strip=True)
    assert "failed" in row
    assert sentence in row
    assert "Save it all the same" in page.text


def test_the_details_are_changed_without_typing_the_code_again(app, shop, adam, hub, line):
    trial_page = adam.post("/fleet/printers/new", form(hub, then="try", address="192.0.2.11")).location
    result(line, line.hear(protocol.TryPrinter), failed="address", sentence="Nothing answers.")
    back = adam.get(trial_page).one('a[href*="trial="]')["href"]
    page = adam.get(back)
    assert page.one("#address")["value"] == "192.0.2.11"
    assert not page.one("#access_code").get("value")
    trial_id = page.one("#trial_id")["value"]
    adam.post("/fleet/printers/new", form(hub, then="try", access_code="", trial_id=trial_id))
    asked = line.hear(protocol.TryPrinter)
    assert (asked.printer.address, asked.printer.access_code) == ("192.0.2.10", "s3cr3t-1")


def test_trying_again_asks_the_same(adam, hub, line):
    trial_page = adam.post("/fleet/printers/new", form(hub, then="try")).location
    first = line.hear(protocol.TryPrinter)
    result(line, first, failed="address", sentence="Nothing answers.")
    again = adam.post(f"{trial_page}/again")
    assert again.location != trial_page
    second = line.hear(protocol.TryPrinter)
    assert second.command_id != first.command_id
    assert second.printer.access_code == "s3cr3t-1"


def test_without_a_hub_the_page_says_so_and_gives_up(app, shop, adam, hub):
    trial_page = adam.post("/fleet/printers/new", form(hub, then="try")).location
    assert "The hub that should try it is not connected." in adam.get(trial_page).text
    with app.app_context(), unit_of_work(shop.id) as db:
        command = db.scalars(select(Command)).one()
        commands.fail_command(db, command, "never_sent", commands.NEVER_SENT)
    page = adam.get(trial_page)
    assert "The trial did not happen" in page.text
    assert "nothing was sent" in page.text
    assert not page.all('meta[http-equiv="refresh"]')


def test_a_changed_certificate_is_trusted_in_two_steps(app, shop, adam, olga, hub, printer, line):
    old, new = "0a" * 32, "0b" * 32
    with app.app_context(), unit_of_work(shop.id) as db:
        anna = db.get(Printer, printer.id)
        anna.certificate_sha256, anna.connection = old, "refused"
        anna.connection_sentence = "The printer shows another certificate than before."
        hub_row = anna.hub_id
    assert hub_row == hub.id
    page = adam.get(f"/fleet/printers/{printer.id}")
    assert "The printer shows another certificate than before." in page.text
    assert olga.post(f"/fleet/printers/{printer.id}/trust").status == 403
    trial_page = adam.post(f"/fleet/printers/{printer.id}/trust").location
    asked = line.hear(protocol.TryPrinter)
    assert asked.printer.certificate_sha256 is None
    assert asked.printer.access_code == printer.access_code
    result(line, asked, pin=new)
    page = adam.get(trial_page)
    assert "another certificate than the one that was trusted" in page.text
    assert adam.post(f"{trial_page}/save").status == 303
    with app.app_context(), read_only(shop.id) as db:
        assert db.get(Printer, printer.id).certificate_sha256 == new


def test_trying_an_edited_printer_keeps_its_pin(adam, hub, app, shop, printer, line):
    with app.app_context(), unit_of_work(shop.id) as db:
        db.get(Printer, printer.id).certificate_sha256 = PIN
    adam.post(f"/fleet/printers/{printer.id}/edit", form(hub, then="try", access_code=""))
    asked = line.hear(protocol.TryPrinter)
    assert asked.printer.certificate_sha256 == PIN
    assert asked.printer.access_code == printer.access_code


def test_the_code_of_an_old_trial_is_wiped(app, shop, adam, hub, line):
    trial_page = adam.post("/fleet/printers/new", form(hub, then="try")).location
    result(line, line.hear(protocol.TryPrinter))
    with app.app_context(), unit_of_work(shop.id) as db:
        trials.forget_trial(db, the_trial(app, shop).id)
    answer = adam.post(f"{trial_page}/save")
    assert answer.status == 409
    assert "too old" in answer.text
    with app.app_context(), read_only(shop.id) as db:
        assert not list(db.scalars(select(Printer)))


def test_a_result_is_taken_once_and_only_from_the_hub_that_was_asked(app, shop, adam, hub, line, served):
    from printfarm.fleet import service
    from tests.support.hubs import FakeHub

    adam.post("/fleet/printers/new", form(hub, then="try"))
    asked = line.hear(protocol.TryPrinter)
    with app.app_context(), unit_of_work(shop.id) as db:
        other = service.add_hub(db, "Garage")
    with FakeHub(served.url, other.id, other.secret) as stranger:
        result(stranger, asked, pin="ff" * 32)
    assert the_trial(app, shop).answered_at is None
    result(line, asked)
    result(line, asked, failed="address", sentence="late")
    assert all(step["ok"] for step in the_trial(app, shop).steps)


def test_another_shop_sees_no_trial(app, shop, adam, charlie, hub):
    trial_page = adam.post("/fleet/printers/new", form(hub, then="try")).location
    assert charlie.get(trial_page).status == 404
    assert charlie.post(f"{trial_page}/save").status == 404
    assert charlie.post(f"{trial_page}/again").status == 404
    trial_id = trial_page.rsplit("/", 1)[1]
    assert charlie.get(f"/fleet/printers/new?trial={trial_id}").status == 404


def test_an_operator_may_not_try(olga, hub):
    assert olga.post("/fleet/printers/new", form(hub, then="try")).status == 403


def test_saving_twice_makes_one_printer_and_says_so(app, shop, adam, hub, line):
    trial_page = adam.post("/fleet/printers/new", form(hub, then="try")).location
    result(line, line.hear(protocol.TryPrinter))
    assert adam.post(f"{trial_page}/save").status == 303
    again = adam.post(f"{trial_page}/save")
    assert again.status == 409
    assert "saved before" in again.text
    with app.app_context(), read_only(shop.id) as db:
        assert len(list(db.scalars(select(Printer)))) == 1
