"""What a simulated farm can be told: checked at the door, so that a typing error is a sentence and not a silent default."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Model = Literal["X1C", "P1S", "A1MINI", "H2D"]


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SpoolSpec(Spec):
    """One roll in a slot. With `rfid` the printer knows its identity and reports how much remains."""

    material: str = "PLA"
    brand: str = "PLA Basic"
    preset: str = "GFA00"
    color: str = Field(default="FFFFFFFF", pattern=r"^[0-9A-F]{8}$")
    rfid: bool = True
    weight_g: float = 1000.0
    remaining_g: float = 1000.0


class FtpsOptions(Spec):
    """How the file server behaves when no fault says otherwise."""

    require_session_reuse: bool = True
    close_notify: bool = False
    data_protection: Literal["private", "either", "clear"] | None = None
    """None: what the model does. `clear` breaks every encrypted data connection, as some A1 mini do."""
    delay_226_s: float | None = None
    bytes_per_s: int | None = None
    banner: str = "(simulated printer) ready."


class MqttOptions(Spec):
    max_clients: int = 4
    puback: bool = True
    enforce_keepalive: bool = True


class FaultSpec(Spec):
    name: str
    at_percent: float | None = None
    when: str | None = None
    for_s: float | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class PrinterSpec(Spec):
    model: Model = "P1S"
    serial: str | None = Field(default=None, pattern=r"^[0-9A-Z]{6,32}$")
    access_code: str | None = Field(default=None, pattern=r"^[0-9A-Za-z]{4,32}$")
    name: str | None = None
    host: str = "127.0.0.1"
    mqtt_port: int = 0
    ftps_port: int = 0
    seed: int = 0
    ams: list[list[SpoolSpec | None]] | None = None
    """Units of slots; None gives what the model usually has, [] gives a printer without AMS."""
    ams_ht: list[SpoolSpec | None] = Field(default_factory=list, max_length=8)
    """An AMS HT holds one roll; each entry is one of them."""
    external: SpoolSpec | None = None
    """What the holder beside the AMS is said to carry; None is a generic white PLA, a material of "" nothing."""
    auto_switch: bool = False
    """A spool that runs out is followed by another one of the same material and colour."""
    quota_bytes: int = 4_000_000_000
    developer_mode: bool = True
    checks_model: bool = False
    """Refuse files that were sliced for another model (0500_4037)."""
    ftps: FtpsOptions = Field(default_factory=FtpsOptions)
    mqtt: MqttOptions = Field(default_factory=MqttOptions)
    certificate: Literal["good", "expired", "wrong_name"] = "good"
    tls13: bool = False
    """Offer TLS 1.3 too, as a P2S does; a client that takes it cannot reuse its session for data connections."""
    rsa: bool = False
    """RSA keys as the real printers have; elliptic ones are quicker to make."""
    ssdp_target: tuple[str, int] | None = None
    faults: list[FaultSpec] = Field(default_factory=list)


class FarmConfig(Spec):
    printers: list[PrinterSpec]
    speed: float = Field(default=1.0, ge=0, le=1000)
    data: str | None = None
    control_port: int = 0
