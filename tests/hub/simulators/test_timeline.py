"""The golden path of a print and the state machine around it, in virtual time and without a network."""

import io
import json
import zipfile

import pytest

from tests.hub.simulators.clients import sliced_file, start_command


def first(pushes, **wanted):
    """The index of the first push that carries all these values."""
    for index, push in enumerate(pushes):
        if all(push.get(key) == value for key, value in wanted.items()):
            return index
    raise AssertionError(f"No report carries {wanted}")


def test_a_print_passes_the_captured_steps_in_order(bench):
    printer = bench("P1S")
    printer.ask_all()
    ack = printer.start()
    assert (ack["command"], ack["sequence_id"], ack["result"]) == ("project_file", "30050", "success")
    assert ack["url"] == "ftp://part.gcode.3mf"
    printer.wait_for("FINISH")
    pushes = printer.pushes()
    steps = [
        first(pushes, msg=0, subtask_id="42", gcode_state="IDLE"),
        first(pushes, gcode_state="PREPARE"),
        first(pushes, gcode_state="RUNNING", total_layer_num=20, mc_print_stage="2"),
        first(pushes, stg_cur=2),
        first(pushes, hw_switch_state=1),
        first(pushes, stg_cur=14),
        first(pushes, stg_cur=13),
        first(pushes, stg_cur=0),
        first(pushes, layer_num=20),
        first(pushes, mc_percent=99),
        first(pushes, gcode_state="FINISH", mc_percent=100, gcode_file="", print_type="idle", mc_print_stage="1"),
    ]
    assert steps == sorted(steps)
    assert printer.told("gcode_state") == ["IDLE", "PREPARE", "RUNNING", "FINISH"]


def test_the_acceptance_is_told_before_the_new_ids(bench):
    printer = bench("P1S")
    printer.ask_all()
    printer.start()
    printer.wait(3)
    busy = [push["upgrade_state"]["cur_state_code"] for push in printer.pushes() if "upgrade_state" in push]
    assert busy == [0, 1, 1]  # the first full report, the delta at +0.3 s, the full report at +0.5 s
    assert printer.told("subtask_id") == ["0", "42"]


def test_progress_only_grows_and_jumps_at_the_end_of_the_start_code(bench):
    printer = bench("P1S")
    printer.start(sliced_file(seconds=1000, layers=100))
    printer.wait_for("FINISH")
    percents, layers = printer.told("mc_percent"), printer.told("layer_num")
    assert percents == sorted(percents)
    assert layers == sorted(layers)
    first_step = next(percent for percent in percents if percent)
    assert first_step >= 20
    assert (percents[-1], layers[-1]) == (100, 100)


def test_no_time_remains_at_94_percent(bench):
    printer = bench("P1S")
    printer.start(sliced_file(seconds=3000))
    printer.wait_for("RUNNING")
    while printer.merged["mc_percent"] < 93:
        printer.wait(1)
    assert printer.merged["mc_remaining_time"] >= 1
    while printer.merged["mc_percent"] < 95:
        printer.wait(1)
    assert printer.merged["mc_remaining_time"] == 0


def test_the_printing_time_is_the_prediction_of_the_file(bench):
    printer = bench("P1S")
    printer.start(sliced_file(seconds=777))
    printer.wait_for("RUNNING")
    began_s = printer.now_s
    printer.wait_for("FINISH")
    assert printer.now_s - began_s == pytest.approx(777, abs=1)


def test_the_old_progress_stands_while_the_next_print_is_prepared(bench):
    printer = bench("P1S")
    printer.start(sliced_file(seconds=200))
    printer.wait_for("FINISH")
    printer.start(sliced_file(seconds=200, layers=7), subtask_id="43")
    printer.wait_for("PREPARE")
    assert (printer.merged["mc_percent"], printer.merged["layer_num"]) == (100, 20)
    printer.wait_for("RUNNING")
    assert (printer.merged["mc_percent"], printer.merged["layer_num"], printer.merged["total_layer_num"]) == (0, 0, 7)
    assert printer.core.runner.starts == {"42": 1, "43": 1}


def test_a_pause_freezes_the_progress_and_a_resume_goes_on(bench):
    printer = bench("A1MINI")
    printer.start()
    printer.wait_for("RUNNING")
    printer.wait(400)
    printer.ask({"print": {"sequence_id": "1", "command": "pause"}})
    printer.wait_for("PAUSE", limit_s=11)
    frozen = printer.merged["mc_percent"]
    assert printer.merged["stg_cur"] == 16
    assert printer.merged["print_error"] == 0x03008001
    printer.wait(500)
    assert printer.merged["mc_percent"] == frozen
    printer.ask({"print": {"sequence_id": "2", "command": "resume"}})
    printer.wait_for("FINISH")
    assert "print_error" not in printer.pushes()[-1]
    assert printer.merged["print_error"] == 0
    assert printer.core.runner.starts == {"42": 1}


def test_a_stop_ends_failed_and_shows_the_cancel_code_for_two_seconds(bench):
    printer = bench("P1S")
    printer.start()
    printer.wait_for("RUNNING")
    printer.ask({"print": {"sequence_id": "1", "command": "stop"}})
    printer.wait_for("FAILED", limit_s=6)
    assert printer.merged["print_error"] == 50348044
    printer.wait(2.5)
    assert printer.merged["print_error"] == 0
    assert printer.merged["gcode_state"] == "FAILED"


def test_pause_and_stop_without_a_print_are_acknowledged_and_change_nothing(bench):
    printer = bench("P1S")
    before = printer.ask_all()["gcode_state"]
    for command in ("pause", "resume", "stop"):
        (ack,) = printer.ask({"print": {"sequence_id": "7", "command": command}})
        assert ack["print"]["result"] == "success"
    printer.wait(30)
    assert printer.ask_all()["gcode_state"] == before == "IDLE"


def test_a_second_start_is_refused_and_the_first_print_goes_on(bench):
    printer = bench("P1S")
    data = printer.upload()
    printer.start(data)
    printer.wait_for("RUNNING")
    printer.ask(start_command(data, subtask_id="43"))
    assert printer.core.report["print_error"] == 0x05004004
    printer.wait_for("FINISH")
    assert printer.core.runner.starts == {"42": 1}
    assert printer.core.runner.refused_starts == 1


def test_an_a1_mini_gives_its_print_up_when_a_second_start_arrives(bench):
    printer = bench("A1MINI")
    data = printer.upload()
    printer.start(data)
    printer.wait_for("RUNNING")
    printer.ask(start_command(data, subtask_id="43"))
    printer.wait_for("FAILED", limit_s=5)
    assert printer.core.runner.starts == {"42": 1}
    assert printer.core.runner.endings[0]["print_error"] == 0x05004004


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda data: (b"", {}), 0x0500C010),
        (lambda data: (data[: len(data) // 2], {"md5": ""}), 0x05004003),
        (lambda data: (data, {"param": "Metadata/plate_3.gcode"}), 0x05004003),
        (lambda data: (data, {"md5": "0" * 32}), 0x05004003),
        (lambda data: (data, {"url": "ftp://missing.gcode.3mf", "file": "missing.gcode.3mf"}), 0x0500C010),
        (lambda data: (data, {"url": "ftp://../../etc/passwd"}), 0x05004003),
        (lambda data: (data, {"url": "ftp://part with space.gcode.3mf"}), 0x05004003),
        (lambda data: (data, {"use_ams": True, "ams_mapping": [0]}), 0x07FF8012),
    ],
    ids=["empty", "half", "wrong plate", "other checksum", "missing", "outside", "space in name", "no AMS"],
)
def test_a_start_that_cannot_work_is_acknowledged_and_then_fails(bench, spoil, code):
    printer = bench("P1S")
    data, changes = spoil(sliced_file())
    ack = printer.start(data, **changes)
    assert ack["result"] == "success"
    printer.wait_for("FAILED", limit_s=40)
    assert printer.merged["print_error"] == code
    assert "RUNNING" not in printer.told("gcode_state")
    assert not printer.core.runner.starts


@pytest.mark.parametrize(
    "url",
    ["ftp:///cache/part.gcode.3mf", "file:///sdcard/cache/part.gcode.3mf", "file:///mnt/sdcard/cache/part.gcode.3mf"],
)
def test_the_other_spellings_of_the_file_address_are_understood(bench, url):
    printer = bench("P1S")
    data = printer.upload(name="cache/part.gcode.3mf")
    printer.ask(start_command(data, url=url))
    printer.wait_for("RUNNING", limit_s=60)


@pytest.mark.parametrize(
    ("header", "info"),
    [
        ("; total layer number: " + "9" * 400, "<config/>"),
        ("; total estimated time: " + "9" * 5000 + "s", "<config/>"),
        ("; total layer number: 20", "<?xml version='1.0' encoding='martian'?><config/>"),
    ],
    ids=["layers", "time", "encoding"],
)
def test_a_file_with_monstrous_numbers_prints_with_ordinary_ones(bench, header, info):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("Metadata/plate_1.gcode", f"{header}\nG1 X1\n")
        archive.writestr("Metadata/slice_info.config", info)
    printer = bench("P1S")
    printer.start(stream.getvalue())
    printer.wait_for("FINISH")
    assert printer.merged["total_layer_num"] in {20, 50}


def test_the_bed_gets_as_warm_as_the_plate_in_use_wants_it(bench):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("Metadata/plate_1.gcode", "; hot_plate_temp = 0\n; textured_plate_temp = 80\nG1 X1\n")
    printer = bench("P1S")
    printer.start(stream.getvalue())
    printer.wait_for("RUNNING")
    printer.wait(120)
    assert printer.merged["bed_target_temper"] == 80


def test_the_fans_say_the_same_twice_and_stand_still_at_the_end(bench):
    printer = bench("P1S")
    printer.start()
    printer.wait_for("RUNNING")
    printer.wait(400)
    assert (printer.merged["cooling_fan_speed"], printer.merged["fan_gear"] & 0xFF) == ("9", 153)
    printer.wait_for("FINISH")
    assert (printer.merged["cooling_fan_speed"], printer.merged["fan_gear"]) == ("0", 0)


def test_ids_beyond_32_bits_leave_the_printer_idle(bench):
    printer = bench("P1S")
    printer.start(subtask_id=str(2**31))
    printer.wait(120)
    assert printer.core.report["gcode_state"] == "IDLE"
    assert not printer.core.runner.starts


def test_a_file_for_another_model_is_refused_only_by_a_printer_that_checks(bench):
    data = sliced_file(model="N1", seconds=100)
    checking = bench("P1S", checks_model=True)
    checking.start(data)
    checking.wait_for("FAILED", limit_s=40)
    assert checking.merged["print_error"] == 0x05004037
    easy = bench("X1C")
    easy.start(data)
    easy.wait_for("FINISH")


def test_the_same_seed_tells_the_same_story(bench, tmp_path):
    stories = []
    for _run in range(2):
        printer = bench("X1C", seed=5)
        printer.start(sliced_file(seconds=300))
        printer.wait_for("FINISH")
        stories.append(json.dumps(printer.messages))
    assert stories[0] == stories[1]


def test_one_long_step_ends_where_many_short_ones_do(bench):
    printer = bench("P1S")
    printer.start(sliced_file(seconds=10_000))
    printer.wait(20_000, step_s=20_000)
    assert printer.merged["gcode_state"] == "FINISH"
    assert printer.told("gcode_state") == ["IDLE", "PREPARE", "RUNNING", "FINISH"]
    assert len(printer.pushes()) < 60
