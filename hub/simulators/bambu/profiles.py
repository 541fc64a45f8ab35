"""How the models differ in what they report and do."""

from dataclasses import dataclass, field
from typing import Literal

from hub.simulators.spec import SpoolSpec


@dataclass(frozen=True)
class Profile:
    key: str
    product_name: str
    project: str
    """Model code as in SSDP's DevModel and in a sliced file's printer_model_id."""
    serial_prefix: str
    firmware: str
    sends_deltas: bool
    pretty: bool
    sends_msg: bool
    idle_stage: int
    telemetry_s: tuple[float, float]
    """Seconds between two pushes while printing: middle and spread."""
    idle_telemetry_s: tuple[float, float]
    has_chamber_sensor: bool = False
    has_aux_fans: bool = True
    has_new_fields: bool = False
    """The long report of X1 and H2: `fun`, `3D`, `device`, …"""
    dual_nozzle: bool = False
    gcode_file_is_entry: bool = False
    """`gcode_file` names the entry on the printer's own disk (X1, H2), not the uploaded file."""
    reports_pause_error: bool = False
    busy_cancels: bool = False
    """The A1 mini gives up its running job when another start arrives."""
    late_start_s: tuple[float, float] | None = None
    delay_226_s: float = 0.0
    data_protection: Literal["private", "either", "clear"] = "private"
    ams_module: str = "ams"
    ams_info: str = "1001"
    default_ams: tuple[tuple[SpoolSpec | None, ...], ...] = field(default=())


_FULL_AMS = (
    SpoolSpec(color="FFFFFFFF", remaining_g=820),
    SpoolSpec(color="000000FF", remaining_g=410),
    SpoolSpec(material="PETG", brand="PETG HF", preset="GFG02", color="FF6A13FF", rfid=False),
    None,
)
_LITE_AMS = (
    SpoolSpec(color="00AE42FF", remaining_g=650),
    SpoolSpec(brand="PLA Matte", preset="GFA01", color="FFFFFFFF", remaining_g=940),
    SpoolSpec(brand="", preset="GFL99", color="0A2CA5FF", rfid=False),
    None,
)

PROFILES: dict[str, Profile] = {
    "X1C": Profile(
        key="X1C",
        product_name="Bambu Lab X1 Carbon",
        project="BL-P001",
        serial_prefix="00M",
        firmware="01.09.00.00",
        sends_deltas=False,
        pretty=True,
        sends_msg=False,
        idle_stage=-1,
        telemetry_s=(1.0, 0.1),
        idle_telemetry_s=(1.0, 0.1),
        has_chamber_sensor=True,
        has_new_fields=True,
        gcode_file_is_entry=True,
        default_ams=(_FULL_AMS,),
    ),
    "P1S": Profile(
        key="P1S",
        product_name="Bambu Lab P1S",
        project="C12",
        serial_prefix="01P",
        firmware="01.08.02.00",
        sends_deltas=True,
        pretty=False,
        sends_msg=True,
        idle_stage=255,
        telemetry_s=(2.7, 0.3),
        idle_telemetry_s=(17.5, 12.5),
    ),
    "A1MINI": Profile(
        key="A1MINI",
        product_name="Bambu Lab A1 mini",
        project="N1",
        serial_prefix="030",
        firmware="01.05.00.00",
        sends_deltas=True,
        pretty=False,
        sends_msg=True,
        idle_stage=0,
        telemetry_s=(2.7, 0.3),
        idle_telemetry_s=(17.5, 12.5),
        has_aux_fans=False,
        busy_cancels=True,
        data_protection="either",
        ams_module="ams_f1",
        ams_info="2002",
        reports_pause_error=True,
        default_ams=(_LITE_AMS,),
    ),
    "H2D": Profile(
        key="H2D",
        product_name="Bambu Lab H2D",
        project="O1D",
        serial_prefix="094",
        firmware="01.02.00.00",
        sends_deltas=True,
        pretty=True,
        sends_msg=False,
        idle_stage=-1,
        telemetry_s=(2.0, 0.5),
        idle_telemetry_s=(10.0, 5.0),
        has_chamber_sensor=True,
        has_new_fields=True,
        dual_nozzle=True,
        gcode_file_is_entry=True,
        late_start_s=(50.0, 210.0),
        delay_226_s=30.0,
        ams_module="n3f",
        ams_info="2003",
        default_ams=(_FULL_AMS,),
    ),
}
