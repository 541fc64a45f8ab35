"""How the models differ on the wire."""

import json

import pytest

from hub.simulators.bambu.report import to_bytes

P1_KEYS = 63
X1_KEYS = 95


def test_p1_and_a1_send_only_what_changed(bench):
    printer = bench("P1S")
    full = printer.ask_all()
    assert full["msg"] == 0
    heard = printer.wait(120)
    assert heard
    for message in heard:
        assert message["print"]["msg"] == 1
        assert set(message["print"]) < set(full)
        assert len(message["print"]) < 10


def test_a_delta_carries_a_key_only_when_its_value_changed(bench):
    printer = bench("P1S")
    printer.ask_all()
    told = {}
    for push in printer.pushes() + [m["print"] for m in printer.wait(300)]:
        if push["msg"] == 1:
            assert all(told[key] != push[key] for key in push if key in told and key not in {"command", "msg"})
        told.update(push)


def test_deltas_and_the_full_report_agree_at_any_time(bench):
    printer = bench("A1MINI")
    printer.ask_all()
    printer.start(use_ams=True, ams_mapping=[0])
    for _look in range(8):
        printer.wait(200)
        merged = dict(printer.merged)
        full = printer.ask_all()
        for key in ("gcode_state", "mc_percent", "layer_num", "ams", "stg_cur", "subtask_id", "print_error"):
            assert merged[key] == full[key]


def test_x1_sends_everything_each_second_without_saying_so(bench):
    printer = bench("X1C")
    heard = printer.wait(10)
    assert 9 <= len(heard) <= 12
    assert all("msg" not in message["print"] and "ams" in message["print"] for message in heard)


def test_push_numbers_grow_by_one(bench):
    printer = bench("P1S")
    printer.ask_all()
    printer.wait(200)
    numbers = [int(push["sequence_id"]) for push in printer.pushes()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize(("model", "keys"), [("P1S", P1_KEYS), ("X1C", X1_KEYS)])
def test_the_full_report_has_the_size_of_the_real_one(bench, model, keys):
    full = bench(model).ask_all()
    counted = len(full) + (0 if "msg" in full else 1)
    assert counted == keys


def test_only_the_large_models_print_prettily(bench):
    for model, pretty in (("X1C", True), ("H2D", True), ("P1S", False), ("A1MINI", False)):
        core = bench(model).core
        (payload,) = core.to_bytes({"print": {"a": 1}})
        assert payload == to_bytes({"print": {"a": 1}}, pretty=pretty)
        assert json.loads(payload) == {"print": {"a": 1}}


def test_each_model_has_its_own_idle_stage_and_chamber(bench):
    seen = {model: bench(model).ask_all() for model in ("X1C", "P1S", "A1MINI")}
    assert {model: full["stg_cur"] for model, full in seen.items()} == {"X1C": -1, "P1S": 255, "A1MINI": 0}
    assert seen["P1S"]["chamber_temper"] == seen["A1MINI"]["chamber_temper"] == 5
    assert seen["X1C"]["chamber_temper"] > 20
    assert seen["A1MINI"]["xcam"] == {"buildplate_marker_detector": True}
    assert "fun" in seen["X1C"]
    assert "fun" not in seen["P1S"]


def test_the_file_name_follows_the_model(bench):
    x1, p1 = bench("X1C"), bench("P1S")
    for printer in (x1, p1):
        printer.start()
        printer.wait_for("RUNNING", limit_s=60)
    assert x1.merged["gcode_file"] == "/data/Metadata/plate_1.gcode"
    assert p1.merged["gcode_file"] == "part.gcode.3mf"
    p1.wait_for("FINISH")
    assert p1.merged["gcode_file"] == ""


def test_get_version_names_the_product_and_its_ams(bench):
    (answer,) = bench("X1C").ask({"info": {"sequence_id": "5", "command": "get_version"}})
    modules = {module["name"]: module for module in answer["info"]["module"]}
    assert answer["info"]["sequence_id"] == "5"
    assert modules["ota"]["product_name"] == "Bambu Lab X1 Carbon"
    assert modules["ota"]["sn"] == "01P00A000000001"
    assert "ams/0" in modules


def test_an_h2d_starts_late_and_names_its_slot_by_the_extruder(bench):
    printer = bench("H2D")
    printer.start(use_ams=True, ams_mapping=[1])
    printer.wait(45)
    assert printer.core.report["gcode_state"] == "IDLE"
    assert printer.core.report["subtask_id"] == "0"
    printer.wait_for("RUNNING", limit_s=300)
    printer.wait(200)
    assert printer.merged["device"]["extruder"]["info"][0]["snow"] == 1
    assert printer.merged["ams"]["tray_now"] == "1"


def test_an_unknown_command_gets_no_answer(bench):
    assert bench().ask({"print": {"sequence_id": "1", "command": "dance"}}) == []


@pytest.mark.parametrize("request_", [None, 5, [], {"print": 3}, {"print": {}}, {"x": {"command": ["a"]}}])
def test_nonsense_gets_no_answer(bench, request_):
    assert bench().ask(request_) == []
