from types import SimpleNamespace

import pytest

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from tests.support.factories import make_printer


@pytest.fixture
def shelf(ctx, alice) -> SimpleNamespace:
    """Alice's spool and printer: their ids and codes."""
    with unit_of_work(alice.shop_id) as db:
        black = service.add_filament(
            db, brand="Prusament", material="PETG", colour_name="Galaxy Black", colour_hex="#111111"
        )
        spool = service.add_spool(db, black.id, weight_mg=1_000_000)
        printer = make_printer(db)
        return SimpleNamespace(
            spool=f"/filament/spools/{spool.id}",
            spool_code=spool.code,
            printer=f"/fleet/printers/{printer.id}",
            printer_code=printer.code,
            printer_name=printer.name,
            filament_id=black.id,
        )
