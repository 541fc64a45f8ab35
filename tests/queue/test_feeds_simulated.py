"""Rolls that change in the middle of a print, from a simulated printer through the hub to the ledger."""

from contextlib import ExitStack

import pytest
from sqlalchemy import select

from hub import protocol
from hub.simulators.farm import SimulatedFarm
from hub.simulators.spec import PrinterSpec, SpoolSpec
from printfarm.core.bus import remember_telemetry
from printfarm.core.work import unit_of_work
from printfarm.filament.models import Spool
from printfarm.fleet.service import apply_status
from printfarm.queue.models import PrintRun
from tests.fleet.rolls import make_roll
from tests.hub.rig import FileServer, Rig, printer_id
from tests.hub.simulators.clients import sliced_file
from tests.queue.test_feeds import begin, feeds, taken
from tests.support.factories import World, load, report

BLACK = "111111FF"
GRAMS, LAYERS = 20.0, 100


class Floor:
    """A hub, and one printer with two rolls of black PLA in its AMS."""

    def __init__(self, folder, stack: ExitStack, **spec) -> None:
        self.farm = stack.enter_context(SimulatedFarm([PrinterSpec(model="X1C", **spec)], speed=60))
        self.printer = self.farm.printers[0]
        server = FileServer()
        stack.callback(server.close)
        self.hub = Rig(folder, server)
        stack.callback(self.hub.close)
        self.hub.add(self.printer)

    def print(self, run: PrintRun, *, halfway=None) -> None:
        """From the start to the end; `halfway` happens at layer 50."""
        data = sliced_file(seconds=600, grams=(GRAMS,), layers=LAYERS)
        self.hub.start(self.printer, run.code, data, ams_mapping=[0], use_ams=True)
        if halfway is not None:
            self.hub.wait_status(printer_id(self.printer), "half of it", lambda s: (s.layer or 0) >= 50)
            halfway()
        self.hub.wait_run(run.code, "completed")

    def tell(self, world: World, run: PrintRun) -> None:
        """Web hears it all, in the order in which it happened."""
        said = [one for one in list(self.hub.shown) if isinstance(one, protocol.PrinterStatus)]
        for message in sorted([*said, *self.hub.reports(run.code)], key=lambda one: one.at):
            if isinstance(message, protocol.PrinterStatus):
                known = message.model_copy(update={"printer_id": str(world.printer_id)})
                remember_telemetry(world.shop_id, "printer", world.printer_id, known.model_dump(mode="json"))
                with unit_of_work(world.shop_id) as db:
                    apply_status(db, world.printer_id, known)
            else:
                facts = {"layer": message.layer, "total_layers": message.total_layers, "percent": message.percent}
                with unit_of_work(world.shop_id) as db:
                    report(db, world.printer_id, run.code, message.state, **facts)


@pytest.fixture
def stack():
    with ExitStack() as opened:
        yield opened


@pytest.mark.slow
def test_a_switch_by_the_printer_itself_charges_both_rolls(world, tmp_path, stack):
    """Pains 16 and 17, end to end: the printer goes on from another AMS slot when the first roll runs out."""
    other = make_roll(world.shop_id, "Other", "#121212")
    with unit_of_work(world.shop_id) as db:
        load(db, world.printer_id, other.id, slot=1)
    rolls = [SpoolSpec(color=BLACK, remaining_g=12), SpoolSpec(color=BLACK, remaining_g=900), None, None]
    floor = Floor(tmp_path, stack, ams=[rolls], auto_switch=True)
    run = begin(world)
    floor.print(run)
    floor.tell(world, run)
    left = floor.printer.core.status()["remaining_g"]
    assert (left["0"], 900 - left["1"]) == (0, pytest.approx(8, abs=0.2)), "what the printer really did"
    used = taken(world)
    assert sum(used.values()) == 20_000
    assert used[world.spool_id] == pytest.approx(12_000, abs=1_200)
    assert [spool_id for _, spool_id in feeds(world)] == [other.id]


@pytest.mark.slow
def test_a_roll_that_is_taken_out_in_the_middle_is_never_a_kilogram(world, tmp_path, stack):
    """Pain 15, end to end: the slot goes on to say that 1,000 per cent are left."""
    floor = Floor(tmp_path, stack, ams=[[SpoolSpec(color=BLACK, remaining_g=900), None, None, None]])
    status = floor.hub.status(printer_id(floor.printer))
    tag = next(slot.tag for slot in status.slots if (slot.ams_unit, slot.slot) == (0, 0))
    with unit_of_work(world.shop_id) as db:
        db.scalars(select(Spool).where(Spool.id == world.spool_id)).one().tag = tag
    run = begin(world)
    floor.print(run, halfway=lambda: floor.printer.fault("B37", tray=0, remain=1000))
    floor.tell(world, run)
    assert taken(world) == {world.spool_id: 20_000}
