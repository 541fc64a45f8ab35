"""The faults that need no network: what the printer says and does when something is wrong with itself."""

import json

import pytest

from hub.simulators.bambu import CATALOGUE
from tests.hub.simulators.clients import sliced_file, start_command


def test_every_fault_of_the_catalogue_has_a_name_and_a_sentence():
    assert [name for name in CATALOGUE if name.startswith("B")] == [f"B{number:02d}" for number in range(1, 38)]
    assert all(": " in sentence for name, sentence in CATALOGUE.items() if name.startswith("B"))


def test_an_unknown_fault_is_refused_with_the_known_ones(bench):
    with pytest.raises(ValueError, match="Known are: B01"):
        bench().core.fault("B99")


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_fault_can_be_set_during_a_print_and_cleared(bench, name):
    printer = bench("X1C")
    printer.start()
    printer.wait_for("RUNNING")
    printer.core.fault(name)
    printer.wait(50)
    printer.core.clear(name)
    printer.wait(200)
    assert not printer.core.faults.is_on(name)
    assert printer.core.runner.starts["42"] == 1


def test_a_fault_waits_for_its_percentage(bench):
    printer = bench("P1S")
    printer.core.fault("B35", at_percent=40)
    printer.start(sliced_file(seconds=1000))
    printer.wait_for("FAILED")
    assert 39 <= printer.merged["mc_percent"] <= 41


def test_a_fault_set_during_the_print_waits_for_its_percentage_too(bench):
    printer = bench("P1S")
    printer.start(sliced_file(seconds=1000))
    printer.wait_for("RUNNING")
    printer.core.fault("B35", at_percent=60, user=True)
    printer.wait_for("FAILED")
    assert 59 <= printer.merged["mc_percent"] <= 61


def test_a_fault_waits_for_a_state(bench):
    printer = bench("P1S")
    printer.core.fault("B35", when="PREPARE")
    printer.start()
    printer.wait_for("FAILED", limit_s=60)
    assert "RUNNING" not in printer.told("gcode_state")


def test_a_fault_with_a_duration_ends_by_itself(bench):
    printer = bench("P1S")
    printer.core.fault("B26", for_s=30)
    assert not printer.core.developer_mode
    printer.wait(31)
    assert printer.core.developer_mode


def test_a_lost_answer_does_not_lose_the_command(bench):
    printer = bench("P1S")
    data = printer.upload()
    printer.core.fault("B04", command="project_file")
    assert printer.ask({"info": {"sequence_id": "1", "command": "get_version"}})
    assert printer.ask(start_command(data)) == []
    printer.wait_for("RUNNING", limit_s=60)
    assert printer.ask({"print": {"sequence_id": "2", "command": "pause"}})


def test_a_late_start_keeps_the_old_state_and_ids(bench):
    printer = bench("P1S")
    printer.start(sliced_file(seconds=100))
    printer.wait_for("FINISH")
    printer.core.fault("B05", delay_s=120)
    printer.start(sliced_file(seconds=100), subtask_id="43")
    printer.wait(119)
    assert printer.ask_all()["gcode_state"] == "FINISH"
    assert printer.ask_all()["subtask_id"] == "42"
    printer.wait_for("RUNNING", limit_s=40)
    assert printer.core.runner.starts == {"42": 1, "43": 1}


def test_stale_progress_stands_during_preparation(bench):
    printer = bench("P1S")
    printer.core.fault("B06", percent=87, layer=190)
    printer.start()
    printer.wait_for("PREPARE")
    assert (printer.merged["mc_percent"], printer.merged["layer_num"]) == (87, 190)
    printer.wait_for("RUNNING")
    assert (printer.merged["mc_percent"], printer.merged["layer_num"]) == (0, 0)


def test_finish_is_repeated_in_full_reports(bench):
    printer = bench("P1S")
    printer.core.fault("B08", every_s=5)
    printer.start(sliced_file(seconds=100))
    printer.wait_for("FINISH")
    heard = [m["print"] for m in printer.wait(30)]
    finished = [push for push in heard if push["msg"] == 0]
    assert len(finished) >= 5
    assert all((push["gcode_state"], push["subtask_id"]) == ("FINISH", "42") for push in finished)


def test_a_power_cut_forgets_the_print(bench):
    printer = bench("P1S")
    printer.start()
    printer.wait_for("RUNNING")
    printer.core.fault("B09", off_s=60, boot_s=20)
    assert printer.wait(59) == []
    assert printer.ask({"pushing": {"command": "pushall"}}) == []
    assert printer.core.power.state == "off"
    printer.wait(2)
    assert printer.core.power.state == "booting"
    printer.wait(25)
    full = printer.ask_all()
    assert (full["gcode_state"], full["subtask_id"], full["gcode_file"]) == ("IDLE", "0", "")
    assert printer.core.runner.endings == [{"subtask_id": "42", "state": "LOST", "print_error": 0, "foreign": False}]


def test_a_power_cut_with_recovery_asks_and_goes_on(bench):
    printer = bench("P1S")
    printer.start(sliced_file(seconds=1000))
    printer.wait_for("RUNNING")
    printer.wait(600)
    reached = printer.merged["mc_percent"]
    printer.core.fault("B10", off_s=60, boot_s=20)
    printer.wait(100)
    full = printer.ask_all()
    assert (full["gcode_state"], full["print_error"], full["subtask_id"]) == ("PAUSE", 0x03008007, "42")
    assert abs(full["mc_percent"] - reached) <= 1
    printer.ask({"print": {"sequence_id": "1", "command": "resume"}})
    printer.wait_for("FINISH")
    assert printer.core.runner.starts == {"42": 1}


def test_the_file_left_on_the_card_may_print_again_after_a_power_cycle(bench):
    printer = bench("A1MINI")
    printer.start(sliced_file(seconds=100))
    printer.wait_for("FINISH")
    printer.core.fault("B11", off_s=50, boot_s=20)
    printer.wait_for("RUNNING", limit_s=200)
    ghost = printer.merged["subtask_id"]
    assert ghost not in {"0", "42"}
    assert printer.core.runner.starts == {"42": 1, ghost: 1}


def test_a_deleted_file_prints_no_ghost(bench):
    printer = bench("A1MINI")
    printer.start(sliced_file(seconds=100))
    printer.wait_for("FINISH")
    (printer.core.store.root / "part.gcode.3mf").unlink()
    printer.core.fault("B11", off_s=50, boot_s=20)
    printer.wait(400)
    assert printer.ask_all()["gcode_state"] == "IDLE"
    assert printer.core.runner.starts == {"42": 1}


def test_a_foreign_job_is_announced_and_runs(bench):
    printer = bench("P1S")
    subtask_id = printer.core.start_foreign_job(subtask_name="Benchy from the screen", duration_s=100)
    (echo, *_more) = printer.wait(1)
    assert echo["print"]["command"] == "project_file"
    assert echo["print"]["subtask_name"] == "Benchy from the screen"
    printer.wait_for("FINISH", limit_s=200)
    assert printer.merged["subtask_id"] == subtask_id
    assert printer.core.runner.endings[0]["foreign"]


@pytest.mark.parametrize(
    ("name", "code"), [("B17", 0x05004006), ("B18", 0x0500400C), ("B25", 0x05004003)], ids=["full", "no card", "parse"]
)
def test_a_start_fails_with_its_own_code(bench, name, code):
    printer = bench("P1S")
    printer.core.fault(name)
    printer.start()
    printer.wait_for("FAILED", limit_s=60)
    assert printer.merged["print_error"] == code
    assert not printer.core.runner.starts


def test_a_removed_card_is_reported_and_comes_back(bench):
    printer = bench("P1S")
    printer.ask_all()
    printer.core.fault("B18")
    printer.wait(1)
    assert printer.merged["sdcard"] is False
    assert printer.merged["home_flag"] >> 8 & 3 == 0
    printer.core.clear("B18")
    printer.wait(1)
    assert printer.merged["sdcard"] is True
    assert printer.merged["home_flag"] >> 8 & 3 == 1


def test_a_printer_that_claims_to_be_busy_starts_nothing(bench):
    printer = bench("P1S")
    printer.core.fault("B24")
    printer.start()
    printer.wait(60)
    assert printer.told("print_error")[:1] == [0x05004004]
    assert not printer.core.runner.starts


def test_without_developer_mode_commands_are_refused_and_reading_works(bench):
    printer = bench("X1C", developer_mode=False)
    (refusal, *_more) = printer.ask(start_command(printer.upload()))
    assert refusal["print"]["result"] == "failed"
    assert refusal["print"]["err_code"] == 84033543
    assert refusal["print"]["reason"] == "mqtt message verify failed"
    full = printer.ask_all()
    assert int(full["fun"], 16) >> 29 & 1 == 1
    assert full["hms"][0]["attr"] == 0x05000500
    printer.core.clear("B26")
    full = printer.ask_all()
    assert int(full["fun"], 16) >> 29 & 1 == 0
    assert full["hms"] == []


@pytest.mark.parametrize("mode", ["bad_utf8", "nul", "truncated"])
def test_garbage_comes_before_each_good_payload(bench, mode):
    printer = bench("P1S")
    printer.core.fault("B27", mode=mode)
    bad, good = printer.core.to_bytes({"print": {"command": "push_status"}})
    assert json.loads(good)["print"]["command"] == "push_status"
    with pytest.raises(ValueError):
        json.loads(bad)


def test_odd_types_keep_their_meaning(bench):
    printer = bench("P1S")
    printer.core.fault("B28")
    full = printer.core.handle_request({"pushing": {"command": "pushall"}})[0]
    (payload,) = printer.core.to_bytes(full)
    odd = json.loads(payload)["print"]
    assert isinstance(odd["mc_percent"], str)
    assert isinstance(odd["mc_remaining_time"], float)
    assert odd["wifi_signal"] is None
    assert int(odd["mc_percent"]) == full["print"]["mc_percent"]


def test_the_clock_can_stand_in_1970(bench):
    printer = bench("X1C")
    printer.core.fault("B29")
    (payload,) = printer.core.to_bytes(printer.core.handle_request({"pushing": {"command": "pushall"}})[0])
    assert json.loads(payload)["print"]["gcode_start_time"] == "12"


def test_shutdown_noise_comes_before_the_dark(bench):
    printer = bench("X1C")
    printer.ask_all()
    printer.core.fault("B30", off_s=60, boot_s=20)
    noise = [m["print"]["ams"] for m in printer.wait(2) if "ams" in m["print"]]
    assert noise[-1]["tray_exist_bits"] == "0"
    assert noise[-1]["power_on_flag"] is False
    printer.wait(90)
    assert printer.ask_all()["ams"]["tray_exist_bits"] == "7"


def test_a_health_message_flickers(bench):
    printer = bench("P1S")
    printer.ask_all()
    printer.core.fault("B31")
    printer.wait(20)
    assert len(printer.told("hms")) >= 8


@pytest.mark.parametrize(("options", "expected"), [({}, 0), ({"absent": True}, None)])
def test_the_number_of_layers_can_be_missing(bench, options, expected):
    printer = bench("X1C")
    printer.core.fault("B32", **options)
    printer.start()
    printer.wait_for("RUNNING")
    printer.wait(300)
    assert printer.pushes()[-1].get("total_layer_num") == expected
    assert printer.merged["layer_num"] > 0


@pytest.mark.parametrize(("user", "code"), [(True, 50348044), (False, 0x03004006)])
def test_a_failed_print_says_whether_a_person_ended_it(bench, user, code):
    printer = bench("P1S")
    printer.start()
    printer.wait_for("RUNNING")
    printer.core.fault("B35", user=user)
    printer.wait_for("FAILED", limit_s=5)
    assert code in printer.told("print_error")
    printer.wait(5)
    assert printer.merged["print_error"] == (0 if user else code)
    assert bool(printer.ask_all()["hms"]) is not user


def test_a_runout_can_only_be_resumed_when_it_is_over(bench):
    printer = bench("P1S")
    printer.start()
    printer.wait_for("RUNNING")
    printer.wait(300)
    printer.core.fault("runout")
    printer.wait_for("PAUSE", limit_s=5)
    assert printer.merged["print_error"] == 0x03008004
    printer.ask({"print": {"sequence_id": "1", "command": "resume"}})
    printer.wait(60)
    assert printer.merged["gcode_state"] == "PAUSE"
    printer.core.clear("runout")
    printer.ask({"print": {"sequence_id": "2", "command": "resume"}})
    printer.wait_for("FINISH")
    assert printer.core.runner.starts == {"42": 1}
