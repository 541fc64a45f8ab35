"""A run on a simulated Bambu printer, from web's command to the end that web is told."""

import pytest

from tests.hub.simulators.clients import sliced_file

RUN = "PF-7K2M9Q"


@pytest.mark.parametrize("model", ["P1S", "A1MINI", "X1C"])
def test_a_print_runs_from_command_to_completion_and_is_started_once(hub, farm_of, model):
    printer = farm_of(model).printers[0]
    hub.add(printer)
    hub.start(printer, RUN, sliced_file(seconds=300, layers=20))
    end = hub.wait_run(RUN, "completed", "failed", "cancelled", "unknown")
    assert hub.states(RUN) == ["sending", "accepted", "running", "completed"]
    assert (end.percent, end.layer, end.total_layers) == (100, 20, 20)
    assert not end.ended_while_offline
    assert sum(printer.starts.values()) == 1
    assert hub.wait_ack(f"start-{RUN}").code == "accepted"
