"""The machines that can be added, with what slicers write into files for them and how their serial numbers begin.

Source: the research notes on printer protocols, section 1.11 (model codes as in SSDP's DevModel and in a sliced file's
printer_model_id).
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Machine:
    """One model of printer. What hangs on it (AMS units) is left to what it reports."""

    model_id: str
    name: str
    serial_prefix: str


MACHINES = (
    Machine("BL-P001", "Bambu Lab X1 Carbon", "00M"),
    Machine("BL-P002", "Bambu Lab X1", "00W"),
    Machine("C13", "Bambu Lab X1E", "03W"),
    Machine("C11", "Bambu Lab P1P", "01S"),
    Machine("C12", "Bambu Lab P1S", "01P"),
    Machine("N7", "Bambu Lab P2S", "22E"),
    Machine("N1", "Bambu Lab A1 mini", "030"),
    Machine("N2S", "Bambu Lab A1", "039"),
    Machine("N9", "Bambu Lab A2L", "26A"),
    Machine("N6", "Bambu Lab X2D", "20P"),
    Machine("O1D", "Bambu Lab H2D", "094"),
    Machine("O1E", "Bambu Lab H2D Pro", "239"),
    Machine("O1S", "Bambu Lab H2S", "093"),
    Machine("O1C", "Bambu Lab H2C", "31B"),
)
BY_ID = {machine.model_id: machine for machine in MACHINES}

NOZZLES_MM = (Decimal("0.20"), Decimal("0.40"), Decimal("0.60"), Decimal("0.80"))

# The names that slicers write as `curr_bed_type`; empty: any plate may lie on the printer.
BED_TYPES = (
    "",
    "Textured PEI Plate",
    "High Temp Plate",
    "Cool Plate",
    "Engineering Plate",
    "Supertack Plate",
    "Textured Cool Plate",
)


def machine_of_serial(serial: str) -> Machine | None:
    """The machine that a serial number belongs to, by its first three characters."""
    prefix = serial.strip().upper()[:3]
    return next((machine for machine in MACHINES if machine.serial_prefix == prefix), None)
