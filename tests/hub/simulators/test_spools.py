"""AMS: slots, spools that grow lighter, changes, and what the printer says about them."""

import pytest

from hub.simulators import SpoolSpec
from tests.hub.simulators.clients import sliced_file


def tray(full, slot, unit=0):
    return full["ams"]["ams"][unit]["tray"][slot]


def test_the_bits_say_which_slots_hold_a_spool_and_which_spools_are_genuine(bench):
    ams = bench("X1C").ask_all()["ams"]
    assert ams["tray_exist_bits"] == "7"
    assert ams["tray_is_bbl_bits"] == "3"
    assert ams["ams_exist_bits"] == "1"
    assert ams["tray_now"] == "255"


def test_an_empty_slot_is_nothing_but_its_number(bench):
    printer = bench("X1C")
    assert tray(printer.ask_all(), 3) == {"id": "3"}
    printer.core.fault("B36", tray=1)
    printer.wait(1)
    assert tray(printer.merged, 1) == {"id": "1"}
    assert printer.merged["ams"]["tray_exist_bits"] == "5"


def test_a_new_spool_is_read_before_it_is_known(bench):
    printer = bench("X1C")
    printer.ask_all()
    printer.core.insert_spool(3, SpoolSpec(color="0A2CA5FF"))
    printer.wait(1)
    assert printer.merged["ams"]["tray_reading_bits"] == "8"
    assert tray(printer.merged, 3) == {"id": "3"}
    printer.wait(21)
    assert printer.merged["ams"]["tray_reading_bits"] == "0"
    assert tray(printer.merged, 3)["tray_color"] == "0A2CA5FF"
    assert tray(printer.merged, 3)["tray_uuid"] != "0" * 32


def test_spools_have_their_own_identity_in_every_printer_and_slot(bench):
    full = bench("X1C", seed=1).ask_all()
    other = bench("A1MINI", seed=2).ask_all()
    uuids = {tray(report, slot)["tray_uuid"] for report in (full, other) for slot in (0, 1)}
    assert len(uuids) == 4
    assert tray(full, 2)["tray_uuid"] == "0" * 32


def test_a_print_takes_its_grams_from_the_mapped_slots(bench):
    printer = bench("X1C")
    printer.start(sliced_file(seconds=600, grams=(30.0, 12.5)), use_ams=True, ams_mapping=[1, 0])
    printer.wait_for("FINISH")
    left = printer.core.status()["remaining_g"]
    assert left["1"] == pytest.approx(410 - 30)
    assert left["0"] == pytest.approx(820 - 12.5)
    assert printer.merged["ams"]["tray_now"] == "255"


def test_a_stopped_print_takes_only_what_it_printed(bench):
    printer = bench("X1C")
    printer.start(sliced_file(seconds=1000, grams=(100.0,)), use_ams=True, ams_mapping=[0])
    printer.wait_for("RUNNING")
    printer.wait(500)
    printer.ask({"print": {"sequence_id": "1", "command": "stop"}})
    printer.wait_for("FAILED")
    used_g = 820 - printer.core.status()["remaining_g"]["0"]
    assert 20 < used_g < 60


def test_only_genuine_spools_report_what_remains(bench):
    printer = bench("X1C")
    printer.start(sliced_file(seconds=600, grams=(0, 100.0, 100.0)), use_ams=True, ams_mapping=[-1, 1, 2])
    printer.wait_for("FINISH")
    full = printer.ask_all()
    assert tray(full, 1)["remain"] == 31
    assert tray(full, 2)["remain"] == -1
    assert printer.core.status()["remaining_g"]["2"] == pytest.approx(900)


def test_the_filament_change_shows_its_captured_steps(bench):
    printer = bench("X1C")
    printer.start(sliced_file(seconds=600), use_ams=True, ams_mapping=[0])
    printer.wait_for("FINISH")
    assert printer.told("ams_status") == [0, 258, 261, 262, 768, 258, 259, 260, 0]
    slots = []
    for push in printer.pushes():
        if slots[-1:] != [push["ams"]["tray_now"]]:
            slots.append(push["ams"]["tray_now"])
    assert slots == ["255", "0", "255"]


def test_each_filament_of_a_print_is_loaded_in_turn(bench):
    printer = bench("A1MINI")
    printer.ask_all()
    printer.start(sliced_file(seconds=900, grams=(5, 5, 5)), use_ams=True, ams_mapping=[2, 0, 1])
    printer.wait_for("FINISH")
    slots = []
    for push in printer.pushes():
        now = push.get("ams", {}).get("tray_now")
        if now is not None and slots[-1:] != [now]:
            slots.append(now)
    assert slots == ["255", "2", "0", "1", "255"]


@pytest.mark.parametrize("mapping", [[254], [255], [3]], ids=["external by number", "none by number", "empty slot"])
def test_a_mapping_to_a_slot_that_cannot_feed_fails(bench, mapping):
    printer = bench("X1C")
    printer.start(use_ams=True, ams_mapping=mapping)
    printer.wait_for("FAILED", limit_s=40)
    assert printer.merged["print_error"] == 0x07008012


def test_an_empty_spool_pauses_the_print_until_a_new_one_is_in(bench):
    printer = bench("X1C", ams=[[SpoolSpec(remaining_g=5)]])
    printer.start(sliced_file(seconds=600, grams=(20,)), use_ams=True, ams_mapping=[0])
    printer.wait_for("PAUSE")
    assert printer.merged["stg_cur"] == 6
    assert printer.merged["print_error"] == 0x07008011
    assert printer.merged["hms"]
    printer.ask({"print": {"sequence_id": "1", "command": "resume"}})
    printer.wait(30)
    assert printer.merged["gcode_state"] == "PAUSE"
    printer.core.insert_spool(0, SpoolSpec())
    printer.ask({"print": {"sequence_id": "2", "command": "resume"}})
    printer.wait_for("FINISH")
    assert printer.merged["hms"] == []
    assert printer.core.status()["remaining_g"]["0"] == pytest.approx(1000 - 15, abs=1)


def test_with_auto_switch_another_spool_of_the_same_kind_takes_over(bench):
    twins = [SpoolSpec(color="000000FF", remaining_g=5), SpoolSpec(color="000000FF"), SpoolSpec()]
    printer = bench("X1C", ams=[twins], auto_switch=True)
    printer.start(sliced_file(seconds=600, grams=(20,)), use_ams=True, ams_mapping=[0])
    printer.wait_for("FINISH")
    assert "PAUSE" not in printer.told("gcode_state")
    left = printer.core.status()["remaining_g"]
    assert left["0"] == 0
    assert left["1"] == pytest.approx(1000 - 15, abs=1)


def test_a_print_from_the_external_spool_leaves_the_ams_alone(bench):
    printer = bench("X1C")
    printer.start(sliced_file(seconds=300), use_ams=False, ams_mapping=[])
    printer.wait_for("FINISH")
    assert printer.core.status()["remaining_g"] == {"0": 820, "1": 410, "2": 1000}
    assert any(push["ams"]["tray_now"] == "254" for push in printer.pushes())


def test_the_holder_carries_what_it_was_told(bench):
    night = SpoolSpec(material="PETG", brand="", preset="GFG99", color="2B2B2FFF", rfid=False)
    told = bench("P1S", external=night).ask_all()["vt_tray"]
    assert (told["tray_type"], told["tray_color"], told["tray_info_idx"]) == ("PETG", "2B2B2FFF", "GFG99")
    assert bench("P1S").ask_all()["vt_tray"]["tray_type"] == "PLA"


def test_a_colour_in_lower_case_is_stored_as_nothing(bench):
    printer = bench("X1C")
    setting = {"sequence_id": "1", "command": "ams_filament_setting", "ams_id": 0, "tray_id": 2, "tray_type": "ABS"}
    printer.ask({"print": setting | {"tray_color": "ff0000ff"}})
    assert tray(printer.ask_all(), 2)["tray_color"] == "00000000"
    printer.ask({"print": setting | {"tray_color": "FF0000FF"}})
    assert tray(printer.ask_all(), 2)["tray_color"] == "FF0000FF"
    assert tray(printer.ask_all(), 2)["tray_type"] == "ABS"


def test_the_external_spool_is_addressed_by_254_only(bench):
    printer = bench("X1C")
    setting = {"sequence_id": "1", "command": "ams_filament_setting", "ams_id": 255, "tray_color": "FF0000FF"}
    (refused,) = printer.ask({"print": setting | {"tray_id": 0}})[:1]
    assert refused["print"]["result"] == "fail"
    (done, *_rest) = printer.ask({"print": setting | {"tray_id": 254}})
    assert done["print"]["result"] == "success"
    assert printer.ask_all()["vt_tray"]["tray_color"] == "FF0000FF"


def test_a_setting_for_an_empty_slot_is_answered_without_a_result(bench):
    (answer,) = bench("X1C").ask(
        {
            "print": {
                "sequence_id": "1",
                "command": "ams_filament_setting",
                "ams_id": 0,
                "tray_id": 3,
                "tray_color": "FF0000FF",
            }
        }
    )
    assert answer == {"print": {"sequence_id": "1", "command": "ams_filament_setting"}}


def test_an_ams_ht_has_its_own_numbers_and_bits(bench):
    printer = bench("X1C", ams_ht=[SpoolSpec(material="PA-CF", remaining_g=500), None])
    full = printer.ask_all()
    assert [unit["id"] for unit in full["ams"]["ams"]] == ["0", "128", "129"]
    assert [len(unit["tray"]) for unit in full["ams"]["ams"]] == [4, 1, 1]
    assert full["ams"]["ams_exist_bits"] == "31"
    assert full["ams"]["tray_exist_bits"] == "10007"
    printer.start(sliced_file(seconds=600, grams=(20.0,)), use_ams=True, ams_mapping=[128])
    printer.wait_for("FINISH")
    assert printer.core.status()["remaining_g"]["128"] == pytest.approx(480)


def test_a_slot_may_go_on_to_say_nonsense_of_the_roll_that_was_in_it(bench):
    printer = bench("X1C")
    printer.ask_all()
    printer.core.fault("B37", tray=1, remain=1000)
    printer.wait(1)
    left = tray(printer.merged, 1)
    assert (left["remain"], left["tray_type"], left["tray_uuid"]) == (1000, "", "0" * 32)
    assert printer.merged["ams"]["tray_exist_bits"] == "5"
