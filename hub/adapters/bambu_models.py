"""What differs between Bambu's models, known from the first three characters of the serial number."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class BambuModel:
    """`keeps_files`: a file left on the card is harmless (A1 and P1 may print it again after a power cut).
    `patience`: factor on the time a start may take to show. `clear_data`: when the encrypted data channel fails, an
    unencrypted one is tried. `chamber_sensor`: the chamber temperature is measured.
    """

    name: str
    keeps_files: bool = True
    patience: float = 1.0
    clear_data: bool = False
    chamber_sensor: bool = True


_P1 = BambuModel("P1P", keeps_files=False, patience=1.5, chamber_sensor=False)
_A1 = BambuModel("A1", keeps_files=False, clear_data=True, chamber_sensor=False)

_BY_PREFIX: dict[str, BambuModel] = {
    "00M": BambuModel("X1 Carbon"),
    "00W": BambuModel("X1"),
    "03W": BambuModel("X1E"),
    "01S": _P1,
    "01P": replace(_P1, name="P1S"),
    "030": replace(_A1, name="A1 mini"),
    "039": _A1,
    "26A": replace(_A1, name="A2L"),
    "22E": BambuModel("P2S"),
    "20P": BambuModel("X2D", patience=2.0),
    "094": BambuModel("H2D", patience=2.0),
    "239": BambuModel("H2D Pro", patience=2.0),
    "093": BambuModel("H2S", patience=2.0),
    "31B": BambuModel("H2C", patience=2.0),
}


def model_of(serial: str) -> BambuModel:
    """A serial of a model that came later gets the careful defaults."""
    return _BY_PREFIX.get(serial[:3].upper(), BambuModel("Bambu Lab printer", keeps_files=False, patience=2.0))
