"""Bad luck on a simulated Bambu printer. The names in brackets are those of the fault catalogue."""

import pytest

from hub.simulators.spec import FtpsOptions, PrinterSpec
from tests.hub.rig import PRINT, RUN, large_file, printer_id
from tests.hub.simulators.clients import sliced_file, wait_until


def commands_of(printer, word):
    """How often this file command came."""
    return sum(entry["text"].startswith(word) for entry in printer.transcript.of_kind("ftp command"))


# --- Starting ---


def test_a_lost_answer_is_made_up_for_by_the_printers_own_words(hub, printer):
    """[B04]"""
    printer.fault("B04", command="project_file")
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "completed")
    assert sum(printer.starts.values()) == 1
    assert "failed" not in hub.states(RUN)


def test_a_printer_that_starts_late_is_waited_for(hub, printer):
    """[B05]"""
    printer.fault("B05", delay_s=120)
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "completed")
    assert sum(printer.starts.values()) == 1
    assert "unknown" not in hub.states(RUN)


def test_a_start_that_the_printer_never_confirms_becomes_unknown_and_is_not_sent_again(hub, printer):
    """[B03] A deaf session: telemetry flows, nothing is heard."""
    printer.fault("B03")
    connects = printer.status()["connects"]
    hub.start(printer, RUN, PRINT)
    report = hub.wait_run(RUN, "unknown", "failed")
    assert report.state == "unknown"
    assert "Look at the printer" in report.sentence
    wait_until(lambda: printer.status()["connects"] > connects, "a new session with a new client id")
    hub.wait_online(printer_id(printer))
    assert sum(printer.starts.values()) == 0


def test_a_deaf_session_is_replaced_and_the_next_command_is_heard(hub, printer):
    """[B03]"""
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "running")
    printer.fault("B03")
    connects = printer.status()["connects"]
    assert hub.order(printer, "pause", RUN).code == "no_answer"
    wait_until(lambda: printer.status()["connects"] > connects, "a new session")
    hub.wait_online(printer_id(printer))
    assert hub.order(printer, "pause", RUN).success
    hub.wait_run(RUN, "paused")


def test_nothing_is_started_on_a_printer_that_works_on_something_else(hub, printer):
    printer.foreign_job(subtask_name="Somebody else's", duration_s=3000)
    hub.wait_status(printer_id(printer), "the foreign job", lambda s: s.state == "printing")
    hub.start(printer, RUN, PRINT)
    report = hub.wait_run(RUN, "failed")
    assert report.code == "printer_busy"
    assert RUN not in str(printer.starts)
    assert hub.server.fetched == []


def test_a_printer_that_says_it_is_busy_fails_the_run_without_a_second_try(hub, printer):
    """[B24]"""
    printer.fault("B24")
    hub.start(printer, RUN, PRINT)
    report = hub.wait_run(RUN, "failed")
    assert report.code == "0500_4004"
    assert "busy" in report.sentence


def test_a_file_that_the_printer_cannot_read_fails_with_the_reason(hub, printer):
    """[B25]"""
    printer.fault("B25")
    hub.start(printer, RUN, PRINT)
    report = hub.wait_run(RUN, "failed", "completed")
    assert (report.state, report.code) == ("failed", "0500_4003")
    assert "Slice it again" in report.sentence


def test_without_developer_mode_the_start_is_refused_with_what_to_do(hub, printer):
    """[B26]"""
    printer.fault("B26")
    hub.start(printer, RUN, PRINT)
    report = hub.wait_run(RUN, "failed")
    assert "Developer Mode" in report.sentence
    status = hub.wait_status(printer_id(printer), "developer mode off", lambda s: s.developer_mode is False)
    assert status.connection == "online"
    assert sum(printer.starts.values()) == 0


def test_a_model_that_says_so_is_refused_before_the_file_is_sent(hub, farm_of):
    x1 = farm_of(PrinterSpec(model="X1C", developer_mode=False)).printers[0]
    hub.add(x1)
    hub.start(x1, RUN, PRINT)
    assert hub.wait_run(RUN, "failed").code == "developer_mode_off"
    assert hub.server.fetched == []


def test_a_second_command_for_the_same_run_does_nothing(hub, printer):
    hub.start(printer, RUN, PRINT)
    hub.start(printer, RUN, PRINT)
    hub.start(printer, RUN, PRINT, command_id="another-command")
    assert hub.wait_ack("another-command").code == "already_started"
    hub.wait_run(RUN, "completed")
    assert sum(printer.starts.values()) == 1
    assert hub.states(RUN) == ["sending", "accepted", "running", "completed"]


def test_a_start_can_be_cancelled_while_the_file_is_on_its_way(hub, printer):
    """[B23]"""
    printer.fault("B23", bytes_per_s=20_000)
    hub.start(printer, RUN, large_file())
    wait_until(lambda: any(m.type == "file_progress" for m in list(hub.shown)), "progress")
    assert hub.order(printer, "stop", RUN).success
    assert hub.wait_run(RUN, "cancelled", "failed").state == "cancelled"
    assert sum(printer.starts.values()) == 0


# --- The file ---


@pytest.mark.parametrize("reply", ["426", "226", None])
def test_half_an_upload_is_noticed_by_its_size_and_sent_again(hub, printer, reply):
    """[B19]"""
    options = {"bytes": 1000, **({"reply": reply} if reply else {})}
    printer.fault("B19", **options)
    hub.start(printer, RUN, large_file(100_000))
    hub.wait_run(RUN, "running")
    assert commands_of(printer, "STOR") == 2


def test_an_upload_that_is_short_twice_is_given_up_and_cleared_away(hub, printer):
    """[B19]"""
    printer.fault("B19", bytes=1000, reply="226", count=2)
    hub.start(printer, RUN, large_file(100_000))
    assert hub.wait_run(RUN, "failed").code == "short_upload"
    assert not list(printer.core.store.root.glob("*.3mf"))
    assert sum(printer.starts.values()) == 0


@pytest.mark.parametrize("delay_s", [1, None])
def test_a_whole_file_whose_receipt_never_comes_is_believed_by_its_size(hub, printer, delay_s):
    """[B20]"""
    printer.fault("B20", **({"delay_s": delay_s} if delay_s else {}))
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "accepted")
    assert hub.wait_run(RUN, "running")


def test_a_server_that_never_says_goodbye_does_not_hang_the_transfer(hub, printer):
    """[B21]"""
    printer.fault("B21")
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "running")


@pytest.mark.parametrize(("reply", "code"), [("552", "storage_full"), ("553", "storage_refused")])
def test_a_full_card_fails_the_run_before_the_start(hub, printer, reply, code):
    """[B17]"""
    printer.fault("B17", reply=reply)
    hub.start(printer, RUN, large_file())
    report = hub.wait_run(RUN, "failed")
    assert report.code == code
    assert hub._find("run_report", state="accepted") is None
    assert sum(printer.starts.values()) == 0


def test_a_missing_card_fails_the_run_before_the_file_is_sent(hub, printer):
    """[B18]"""
    printer.fault("B18")
    hub.supervisor.republish()
    hub.order(printer, "refresh")
    hub.start(printer, RUN, PRINT)
    report = hub.wait_run(RUN, "failed")
    assert report.code in {"no_storage", "storage_refused"}
    assert "card" in report.sentence


def test_an_a1_that_only_takes_unencrypted_data_gets_it_so(hub, farm_of):
    a1 = farm_of(PrinterSpec(model="A1MINI", ftps=FtpsOptions(data_protection="clear"))).printers[0]
    hub.add(a1)
    hub.start(a1, RUN, PRINT)
    hub.wait_run(RUN, "running")


def test_a_file_that_web_does_not_give_any_more_fails_with_words(hub, printer):
    command = hub.start(printer, RUN, PRINT, file_url=f"{hub.server.url}/files/gone")
    report = hub.wait_run(RUN, "failed")
    assert report.code == "file_gone"
    assert hub.wait_ack(command.command_id).success


def test_a_file_that_is_not_the_one_that_was_ordered_is_refused(hub, printer):
    hub.start(printer, RUN, PRINT, md5="0" * 32)
    assert hub.wait_run(RUN, "failed").code == "file_damaged"


def test_after_the_run_the_file_is_gone_from_a_p1s(hub, printer):
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "completed")
    wait_until(lambda: not list(printer.core.store.root.glob("*.3mf")), "the file to be removed")


def test_on_an_x1c_the_file_stays_and_is_not_sent_twice(hub, farm_of):
    x1 = farm_of("X1C").printers[0]
    hub.add(x1)
    hub.start(x1, RUN, PRINT)
    hub.wait_run(RUN, "completed")
    stored = commands_of(x1, "STOR")
    hub.start(x1, "PF-SECOND", PRINT)
    hub.wait_run("PF-SECOND", "completed")
    assert (stored, commands_of(x1, "STOR")) == (1, 1)


# --- Ends ---


def test_a_finish_that_nobody_saw_is_told_once_as_such(hub, printer):
    """[B07]"""
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "running")
    printer.fault("B07")
    end = hub.wait_run(RUN, "completed", "unknown")
    assert end.state == "completed"
    assert end.ended_while_offline


def test_a_finish_that_is_repeated_for_ever_is_told_once_also_after_a_restart(hub, printer):
    """[B08]"""
    printer.fault("B08", every_s=10)
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "completed")
    hub.restart()
    hub.wait_online(printer_id(printer))
    hub.order(printer, "refresh")
    hub.order(printer, "refresh")
    assert hub.states(RUN).count("completed") == 1


def test_a_power_cut_that_loses_the_job_leaves_the_run_unknown(hub, printer):
    """[B09]"""
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "running")
    printer.fault("B09")
    end = hub.wait_run(RUN, "unknown", "completed", "failed")
    assert (end.state, end.code) == ("unknown", "vanished")


def test_a_power_cut_with_recovery_asks_the_person(hub, printer):
    """[B10]"""
    hub.start(printer, RUN, PRINT)
    hub.wait_printing(printer)
    printer.fault("B10")
    report = hub.wait_run(RUN, "paused")
    assert "power failed" in report.sentence
    assert hub.wait_status(printer_id(printer), "the printer asking", lambda s: s.state == "attention")


@pytest.mark.parametrize(("user", "state"), [(True, "cancelled"), (False, "failed")])
def test_a_cancelled_print_is_told_from_a_failed_one(hub, printer, user, state):
    """[B35]"""
    hub.start(printer, RUN, PRINT)
    hub.wait_run(RUN, "running")
    printer.fault("B35", user=user)
    end = hub.wait_run(RUN, "cancelled", "failed", "completed")
    assert end.state == state
    assert end.sentence


def test_pause_resume_and_stop_do_what_they_say(hub, printer):
    hub.start(printer, RUN, PRINT)
    hub.wait_printing(printer)
    assert hub.order(printer, "pause", RUN).success
    hub.wait_run(RUN, "paused")
    assert hub.order(printer, "resume", RUN).success
    wait_until(lambda: hub.states(RUN)[-1] == "running", "the print to go on")
    assert hub.order(printer, "stop", "PF-OTHER").code == "not_this_run"
    assert hub.order(printer, "stop", RUN).success
    assert hub.wait_run(RUN, "cancelled", "failed", "completed").state == "cancelled"


def test_a_run_out_pauses_with_words_and_goes_away_again(hub, printer):
    hub.start(printer, RUN, sliced_file(seconds=900))
    hub.wait_printing(printer)
    printer.fault("runout")
    report = hub.wait_run(RUN, "paused")
    assert "run out" in report.sentence
    assert wait_until(lambda: hub._find("printer_error", active=True), "the error")
    printer.clear("runout")
    hub.order(printer, "resume", RUN)
    wait_until(lambda: hub.states(RUN)[-1] == "running", "the print to go on")
    assert wait_until(lambda: hub._find("printer_error", active=False), "the error to be over")


def test_a_job_from_the_screen_is_told_as_foreign_from_beginning_to_end(hub, printer):
    """[B12]"""
    printer.fault("B12", subtask_name="Screen job", duration_s=120)
    seen = wait_until(lambda: hub._find("foreign_run", state="running"), "the foreign job")
    assert seen.title == "Screen job"
    end = wait_until(lambda: hub._find("foreign_run", state="completed"), "its end")
    assert end.key == seen.key


def test_a_file_that_starts_itself_after_a_power_cut_is_no_second_run_of_ours(hub, printer):
    """[B11]"""
    hub.start(printer, RUN, sliced_file(seconds=900))
    hub.wait_run(RUN, "running")
    printer.fault("B11")
    wait_until(lambda: hub._find("foreign_run", state="running"), "the ghost as a foreign job")
    assert hub.wait_run(RUN, "unknown")
    assert hub.states(RUN).count("running") == 1
