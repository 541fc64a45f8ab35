"""What a Bambu printer does, apart from how it is reached: states, reports, spools, faults. No socket in this folder."""

from hub.simulators.bambu.core import PrinterCore
from hub.simulators.bambu.faults import CATALOGUE
from hub.simulators.bambu.profiles import PROFILES, Profile
from hub.simulators.bambu.storage import FileStore

__all__ = ["CATALOGUE", "PROFILES", "FileStore", "PrinterCore", "Profile"]
