"""Which roll lies where: by what printers report, and by hand."""

import pytest
from sqlalchemy import select

from hub import protocol
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.fleet import queries, service
from printfarm.fleet.models import PrinterSlot
from tests.fleet.conftest import add_printer
from tests.fleet.test_hub_link import soon


def ams(*materials, colour="111111"):
    return [
        protocol.SlotStatus(
            ams_unit=0, slot=number, material=material, colour_hex=colour if material else None, empty=not material
        )
        for number, material in enumerate(materials)
    ]


def facts(app, shop, name="Anna"):
    with app.app_context(), read_only(shop.id) as db:
        return next(one for one in queries.printer_facts(db) if one.name == name)


def slot_of(app, shop, label, name="Anna"):
    return next(slot for slot in facts(app, shop, name).slots if slot.label == label)


@pytest.fixture
def spools(app, shop):
    """A black and a white roll of PLA and a black one of PETG: ids by name."""
    with app.app_context(), unit_of_work(shop.id) as db:
        made = {}
        for name, material, colour in (
            ("black", "PLA", "#111111"),
            ("white", "PLA", "#FFFFFF"),
            ("petg", "PETG", "#111111"),
        ):
            kind = filament.add_filament(db, brand="P", material=material, colour_name=name.title(), colour_hex=colour)
            made[name] = filament.add_spool(db, kind.id, weight_mg=1_000_000).id
        return made


@pytest.fixture
def reported(app, shop, printer, connected):
    """Anna has reported an AMS with PLA, PETG, nothing, PLA."""
    connected.status(printer.id, slots=ams("PLA", "PETG", "", "PLA"))
    soon(lambda: len(facts(app, shop).slots) == 5)
    return connected


def test_slots_come_from_what_the_printer_reports(app, shop, reported):
    found = facts(app, shop)
    assert [(slot.label, slot.reported_material, slot.reported_empty) for slot in found.slots] == [
        ("A1", "PLA", False),
        ("A2", "PETG", False),
        ("A3", None, True),
        ("A4", "PLA", False),
        ("External", None, None),
    ]
    assert found.online
    assert found.confirmed
    assert all(slot.present for slot in found.slots)


def test_a_spool_is_assigned_by_hand(app, shop, olga, reported, spools):
    slot = slot_of(app, shop, "A1")
    page = olga.get(f"/fleet/slots/{slot.id}")
    assert "The printer reports PLA" in page.text
    assert page.one(f"#spool-{spools['black']}")
    answer = olga.post(f"/fleet/slots/{slot.id}", {"spool_id": str(spools["black"])})
    assert answer.status == 303
    assert "is in A1." in olga.get(answer.location).text
    assert "in Anna A1" in olga.get("/filament/spools").one(f"#spool-{spools['black']}").text
    assert "in Anna" not in olga.get("/filament/spools").one(f"#spool-{spools['white']}").text
    now = slot_of(app, shop, "A1")
    assert (now.spool_id, now.remaining_mg, now.material) == (spools["black"], 1_000_000, "PLA")


def test_the_search_narrows_the_list(app, shop, olga, reported, spools):
    page = olga.get(f"/fleet/slots/{slot_of(app, shop, 'A1').id}?q=white")
    assert page.one(f"#spool-{spools['white']}")
    assert not page.all(f"#spool-{spools['black']}")


def test_a_roll_is_in_one_place_and_moving_it_says_where_it_was(app, shop, olga, hub, reported, spools):
    add_printer(app, shop, hub, name="Berta", serial="01P00A000000002")
    olga.post(f"/fleet/slots/{slot_of(app, shop, 'A1').id}", {"spool_id": str(spools["black"])})
    external = slot_of(app, shop, "External", "Berta")
    assert "now in A1 of Anna" in olga.get(f"/fleet/slots/{external.id}").text
    answer = olga.post(f"/fleet/slots/{external.id}", {"spool_id": str(spools["black"])})
    assert "moved from A1 of Anna" in olga.get(answer.location).text
    assert slot_of(app, shop, "A1").spool_id is None
    assert slot_of(app, shop, "External", "Berta").spool_id == spools["black"]


def test_a_spool_is_taken_out(app, shop, olga, reported, spools):
    slot = slot_of(app, shop, "A1")
    olga.post(f"/fleet/slots/{slot.id}", {"spool_id": str(spools["black"])})
    olga.post(f"/fleet/slots/{slot.id}", {"spool_id": ""})
    assert slot_of(app, shop, "A1").spool_id is None


def test_assigning_twice_changes_nothing(app, shop, olga, reported, spools):
    slot = slot_of(app, shop, "A1")
    for _ in range(2):
        assert olga.post(f"/fleet/slots/{slot.id}", {"spool_id": str(spools["black"])}).status == 303
    assert slot_of(app, shop, "A1").spool_id == spools["black"]


def test_shutdown_noise_takes_no_assignment_away(app, shop, olga, printer, reported, spools):
    slot = slot_of(app, shop, "A1")
    olga.post(f"/fleet/slots/{slot.id}", {"spool_id": str(spools["black"])})
    reported.status(printer.id, slots=[])
    reported.status(printer.id, connection="offline", state="offline", slots=[], confirmed=False)
    soon(lambda: facts(app, shop).state == "offline")
    kept = slot_of(app, shop, "A1")
    assert (kept.spool_id, kept.reported_material) == (spools["black"], "PLA")


def test_an_ams_that_is_gone_is_not_present_now(app, shop, printer, reported):
    reported.status(printer.id, slots=[protocol.SlotStatus(ams_unit=255, slot=0, empty=True)])
    soon(lambda: not slot_of(app, shop, "A1").present)
    assert slot_of(app, shop, "External").present


@pytest.mark.parametrize(
    ("label", "spool", "says"),
    [
        ("A1", "petg", "A1 holds PLA"),
        ("A1", "white", "another colour in A1"),
        ("A3", "black", "A3 is empty"),
        ("A1", "black", None),
        ("External", "black", None),
    ],
)
def test_a_contradiction_is_a_warning(app, shop, olga, printer, reported, spools, label, spool, says):
    slot = slot_of(app, shop, label)
    olga.post(f"/fleet/slots/{slot.id}", {"spool_id": str(spools[spool])})
    row = olga.get(f"/fleet/printers/{printer.id}").one(f"#slot-{slot.id}")
    if says is None:
        assert not row.select(".notice")
    else:
        assert says in row.select_one(".notice").get_text()


def test_an_archived_roll_leaves_its_slot(app, shop, olga, reported, spools):
    olga.post(f"/fleet/slots/{slot_of(app, shop, 'A1').id}", {"spool_id": str(spools["black"])})
    with app.app_context(), unit_of_work(shop.id) as db:
        filament.archive_spool(db, spools["black"])
    assert slot_of(app, shop, "A1").spool_id is None


def test_an_archived_roll_cannot_be_assigned(app, shop, olga, reported, spools):
    with app.app_context(), unit_of_work(shop.id) as db:
        filament.archive_spool(db, spools["black"])
    answer = olga.post(f"/fleet/slots/{slot_of(app, shop, 'A1').id}", {"spool_id": str(spools["black"])})
    assert answer.status == 409
    assert "archived" in answer.text


def test_bad_input(app, shop, olga, reported, spools):
    slot = slot_of(app, shop, "A1")
    assert olga.post(f"/fleet/slots/{slot.id}", {"spool_id": "nonsense"}).status == 409
    assert olga.post(f"/fleet/slots/{slot.id}", {"spool_id": str(slot.id)}).status == 404


def test_a_viewer_may_not(app, shop, bob, reported, spools):
    slot = slot_of(app, shop, "A1")
    assert bob.post(f"/fleet/slots/{slot.id}", {"spool_id": str(spools["black"])}).status == 403


def test_another_shop_gets_404(app, shop, charlie, olga, reported, spools):
    slot = slot_of(app, shop, "A1")
    assert charlie.get(f"/fleet/slots/{slot.id}").status == 404
    assert charlie.post(f"/fleet/slots/{slot.id}", {"spool_id": str(spools["black"])}).status == 404


def test_labels():
    def label(unit, slot):
        return PrinterSlot(ams_unit=unit, slot=slot).label

    assert [label(0, 0), label(0, 3), label(1, 0), label(128, 0), label(129, 0), label(255, 0), label(255, 1)] == [
        "A1",
        "A4",
        "B1",
        "HT A",
        "HT B",
        "External",
        "External 2",
    ]


def test_numbers_for_the_printer():
    assert [service.slot_number(*place) for place in ((0, 0), (1, 2), (128, 0), (255, 0))] == [0, 6, 128, -1]


def test_every_slot_is_one_row(app, shop, printer, reported):
    for _ in range(3):
        reported.status(printer.id, slots=ams("PLA", "ABS", "", "PLA"))
    soon(lambda: slot_of(app, shop, "A2").reported_material == "ABS")
    with app.app_context(), read_only(shop.id) as db:
        assert len(list(db.scalars(select(PrinterSlot)).unique())) == 5
