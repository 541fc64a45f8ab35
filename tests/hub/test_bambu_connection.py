"""How the hub keeps its connection to a simulated Bambu printer, and what it says when it cannot."""

import time
from dataclasses import replace

import pytest

from hub.simulators.bambu.commands import COMMANDS
from hub.simulators.spec import FtpsOptions, PrinterSpec
from tests.hub.rig import PRINT, QUICK, RUN, Rig, large_file, printer_config, printer_id
from tests.hub.simulators.clients import sliced_file, wait_until


def test_a_wrong_access_code_is_told_and_a_right_one_helps(hub, farm_of):
    printer = farm_of("P1S").printers[0]
    configure = {"command_id": "c1", "action": "add", "printer": printer_config(printer, access_code="wrong")}
    hub.supervisor.take(hub_command(**configure))
    status = hub.wait_connection(printer_id(printer), "refused")
    assert "access code" in status.connection_sentence
    hub.supervisor.take(hub_command(command_id="c2", action="update", printer=printer_config(printer)))
    hub.wait_online(printer_id(printer))
    assert hub.wait_ack("c2").success


def hub_command(**fields):
    from hub.protocol import ConfigurePrinter

    return ConfigurePrinter(**fields)


def test_a_code_that_was_changed_at_the_printer_is_told(hub, printer):
    """[B13]"""
    printer.fault("B13", access_code="87654321")
    status = hub.wait_connection(printer_id(printer), "refused")
    assert "access code" in status.connection_sentence
    hub.start(printer, RUN, PRINT)
    assert hub.wait_run(RUN, "failed").code == "connection_refused"


def test_another_certificate_is_refused_until_a_person_accepts_it(hub, printer):
    """[B14]"""
    printer.fault("B14")
    status = hub.wait_connection(printer_id(printer), "refused")
    assert "another certificate" in status.connection_sentence
    accepted = printer_config(printer, certificate_sha256=printer.certificate_sha256)
    hub.supervisor.take(hub_command(command_id="c2", action="update", printer=accepted))
    hub.wait_online(printer_id(printer))


def test_the_first_certificate_is_remembered_over_a_restart_of_the_hub(hub, printer):
    hub.restart(while_down=lambda: printer.fault("B14"))
    assert hub.wait_connection(printer_id(printer), "refused")


def test_another_printer_at_the_address_is_refused_by_its_serial(hub, printer):
    """[B15]"""
    printer.fault("B15", serial="01P00A999999999")
    status = hub.wait_connection(printer_id(printer), "refused")
    assert "01P00A999999999" in status.connection_sentence


def test_no_access_code_is_sent_to_a_printer_with_another_certificate(hub, farm_of):
    printer = farm_of(PrinterSpec(model="P1S", certificate="wrong_name")).printers[0]
    hub.supervisor.take(hub_command(command_id="c1", action="add", printer=printer_config(printer)))
    hub.wait_connection(printer_id(printer), "refused")
    assert printer.status()["connects"] == 0


def test_a_broken_connection_comes_back_and_asks_for_everything(hub, printer):
    """[B01]"""
    hub.start(printer, RUN, PRINT)
    hub.wait_printing(printer)
    printer.fault("B01")
    hub.wait_connection(printer_id(printer), "offline", "connecting")
    hub.wait_online(printer_id(printer))
    assert hub.wait_run(RUN, "completed", "unknown").state == "completed"
    assert hub.states(RUN).count("running") == 1


def test_a_connection_that_falls_silent_is_replaced(hub, printer):
    """[B02]"""
    connects = printer.status()["connects"]
    printer.fault("B02")
    status = hub.wait_connection(printer_id(printer), "offline")
    assert "silent" in status.connection_sentence
    wait_until(lambda: printer.status()["connects"] > connects, "a new session")
    hub.wait_online(printer_id(printer))


def test_a_printer_that_stalls_for_a_while_fails_nothing(hub, printer):
    """[B34]"""
    hub.start(printer, RUN, PRINT)
    hub.wait_printing(printer)
    printer.fault("B34", for_s=60)
    assert hub.wait_run(RUN, "completed", "unknown", "failed").state == "completed"


def test_a_crowded_printer_is_tried_again_later(hub, printer):
    """[B33]"""
    printer.fault("B33")
    printer.fault("B01")
    status = hub.wait_connection(printer_id(printer), "offline")
    printer.clear("B33")
    hub.wait_online(printer_id(printer))
    assert status.connection_sentence


@pytest.mark.parametrize("fault", ["B27", "B28", "B32"])
def test_garbage_and_odd_types_are_survived(hub, printer, fault):
    """[B27, B28, B32]"""
    printer.fault(fault)
    hub.start(printer, RUN, PRINT)
    assert hub.wait_run(RUN, "completed", "failed", "unknown").state == "completed"


def test_packets_that_are_never_acknowledged_do_not_wedge_the_hub(hub, printer):
    printer.fault("no-puback")
    for _ in range(30):
        assert hub.order(printer, "light_on").success


def test_a_health_message_that_flickers_is_told_once(hub, printer):
    """[B31]"""
    printer.fault("B31")
    wait_until(lambda: hub._find("printer_error", active=True), "the error")
    time.sleep(1)
    assert len([m for m in hub.messages() if m.type == "printer_error"]) == 1
    printer.clear("B31")


def test_slots_show_what_is_loaded_and_an_empty_one(hub, farm_of):
    """[B36]"""
    x1 = farm_of("X1C").printers[0]
    hub.add(x1)
    status = hub.wait_online(printer_id(x1))
    first = next(slot for slot in status.slots if (slot.ams_unit, slot.slot) == (0, 0))
    assert (first.material, first.colour_hex, first.remain_percent) == ("PLA", "FFFFFF", 82)
    x1.fault("B36", tray=0)
    hub.wait_status(
        printer_id(x1),
        "an empty slot",
        lambda s: any(slot.slot == 0 and slot.empty for slot in s.slots if not slot.ams_unit),
    )


def test_a_slot_that_speaks_of_a_roll_that_is_gone_is_an_empty_slot(hub, farm_of):
    """[B37]"""
    x1 = farm_of("X1C").printers[0]
    hub.add(x1)
    status = hub.wait_online(printer_id(x1))
    first = next(slot for slot in status.slots if (slot.ams_unit, slot.slot) == (0, 0))
    assert first.tag is not None
    assert len(first.tag) == 32
    x1.fault("B37", tray=0, remain=1000)
    status = hub.wait_status(
        printer_id(x1),
        "an empty slot",
        lambda s: any(slot.slot == 0 and slot.empty for slot in s.slots if not slot.ams_unit),
    )
    gone = next(slot for slot in status.slots if (slot.ams_unit, slot.slot) == (0, 0))
    assert (gone.remain_percent, gone.tag, gone.colour_hex) == (None, None, None)


def test_a_sick_printer_does_not_slow_a_healthy_one(hub, farm_of):
    farm = farm_of("P1S", "X1C")
    sick, healthy = farm.printers
    hub.add(healthy)
    hub.supervisor.take(hub_command(command_id="c1", action="add", printer=printer_config(sick, address="192.0.2.1")))
    sick_configs = [printer_config(sick, id=f"sick-{n}", serial=f"01P00A00000900{n}", mqtt_port=9) for n in range(4)]
    for number, config in enumerate(sick_configs):
        hub.supervisor.take(hub_command(command_id=f"s{number}", action="add", printer=config))
    began = time.monotonic()
    hub.start(healthy, RUN, PRINT)
    hub.wait_run(RUN, "running")
    assert time.monotonic() - began < 8


def test_the_same_serial_cannot_be_entered_twice(hub, printer):
    hub.supervisor.take(hub_command(command_id="c2", action="add", printer=printer_config(printer, id="other")))
    answer = hub.wait_ack("c2")
    assert not answer.success
    assert "only once" in answer.sentence


def test_a_removed_printer_is_left_alone(hub, printer):
    hub.supervisor.take(hub_command(command_id="c2", action="remove", printer=printer_config(printer)))
    wait_until(lambda: not printer.mqtt.client_ids, "the connection to end")
    assert hub.ledger.printers() == []


# --- Trying a printer ---

GOOD = ["address", "certificate", "access_code", "serial", "ftps", "storage"]


def test_a_good_printer_passes_every_step(hub, farm_of):
    x1 = farm_of("X1C").printers[0]
    trial = hub.try_printer(x1)
    assert [trial[name].ok for name in GOOD] == [True] * len(GOOD), trial
    assert trial["developer_mode"].ok is True
    assert trial["result"].certificate_sha256 == x1.certificate_sha256
    assert trial["result"].firmware == "01.09.00.00"
    assert "X1 Carbon" in trial["result"].model
    assert not list(x1.core.store.root.glob("printfarm-test*"))


def failing(trial):
    return [name for name in (*GOOD, "developer_mode") if trial[name].ok is False]


@pytest.mark.parametrize(
    ("changes", "step", "word"),
    [
        ({"mqtt_port": 9}, "address", "Nothing answers"),
        ({"access_code": "00000000x"}, "access_code", "refuses the access code"),
        ({"certificate_sha256": "0" * 64}, "certificate", "another certificate"),
        ({"ftps_port": 9}, "ftps", "file service"),
    ],
)
def test_a_trial_says_which_step_failed(hub, farm_of, changes, step, word):
    trial = hub.try_printer(farm_of("P1S").printers[0], **changes)
    assert failing(trial) == [step]
    assert word in trial[step].sentence


def test_a_wrong_serial_number_is_told_as_such(hub, farm_of):
    trial = hub.try_printer(farm_of("P1S").printers[0], serial="01P00A000000009")
    assert trial["serial"].ok is False
    assert "01P00A000000001" in trial["serial"].sentence


@pytest.mark.parametrize(
    ("spec", "fault", "step", "word"),
    [
        (PrinterSpec(model="X1C", developer_mode=False), None, "developer_mode", "Developer Mode is off"),
        (PrinterSpec(model="P1S"), "B18", "storage", "card"),
        (PrinterSpec(model="X1C", ftps=FtpsOptions(data_protection="clear")), None, "ftps", "data connection"),
    ],
)
def test_a_trial_sees_the_printers_own_troubles(hub, farm_of, spec, fault, step, word):
    printer = farm_of(spec).printers[0]
    if fault:
        printer.fault(fault)
    trial = hub.try_printer(printer)
    assert failing(trial) == [step], trial
    assert word in trial[step].sentence


def test_a_full_card_is_the_storages_problem(hub, farm_of):
    printer = farm_of("P1S").printers[0]
    printer.fault("B17", reply="553")
    assert failing(hub.try_printer(printer)) == ["storage"]


def test_an_address_where_something_else_answers_is_no_printer(hub, farm_of, file_server):
    port = int(file_server.url.rpartition(":")[2])
    trial = hub.try_printer(farm_of("P1S").printers[0], mqtt_port=port)
    assert failing(trial) == ["certificate"]
    assert "no Bambu printer" in trial["certificate"].sentence


def test_a_large_file_shows_its_progress(hub, printer):
    hub.start(printer, RUN, large_file(2_000_000))
    hub.wait_run(RUN, "running")
    sent = [m.bytes_sent for m in list(hub.shown) if m.type == "file_progress"]
    assert sent == sorted(sent)
    assert sent[-1] > 2_000_000


def test_a_lost_answer_is_asked_for_again_soon(tmp_path, file_server, farm_of, monkeypatch):
    """While a print goes on the printer is never quiet, and only a full report makes its words count."""
    rig = Rig(tmp_path, file_server, replace(QUICK, ask_every=120, quiet=60, silent=90))
    try:
        printer = farm_of("P1S").printers[0]
        rig.add(printer)
        rig.start(printer, RUN, sliced_file(seconds=3000, layers=20))
        rig.wait_printing(printer)
        answer, lost = COMMANDS["pushing", "pushall"], []

        def deaf_once(core, body):
            if lost:
                return answer(core, body)
            lost.append(body)
            return None

        monkeypatch.setitem(COMMANDS, ("pushing", "pushall"), deaf_once)
        rig.shown.clear()
        printer.fault("B01")
        rig.wait_connection(printer_id(printer), "offline")
        rig.wait_online(printer_id(printer))
        assert lost
    finally:
        rig.close()
