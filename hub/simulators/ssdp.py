"""The announcements by which slicers and the hub find a printer (chapter "discovery": NOTIFY every ten seconds)."""

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.simulators.printer import SimulatedPrinter

PERIOD_S = 10.1
SEARCH_TARGET = "urn:bambulab-com:device:3dprinter:1"


class Announcer:
    """Sends to one given address, so that a test never talks to the real network."""

    def __init__(self, printer: "SimulatedPrinter") -> None:
        self.printer = printer
        self._next_s = 0.0

    def step(self, now_s: float) -> None:
        target = self.printer.spec.ssdp_target
        if target is None or now_s < self._next_s or not self.printer.core.is_powered:
            return
        self._next_s = now_s + PERIOD_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(self.notice(), target)

    def notice(self) -> bytes:
        printer, profile = self.printer, self.printer.core.profile
        lines = [
            "NOTIFY * HTTP/1.1",
            "Host: 239.255.255.250:1990",
            "Server: UPnP/1.0",
            f"Location: {printer.host}",
            f"NT: {SEARCH_TARGET}",
            "NTS: ssdp:alive",
            f"USN: {printer.serial}",
            "Cache-Control: max-age=1800",
            f"DevModel.bambu.com: {profile.project}",
            f"DevName.bambu.com: {printer.name}",
            "DevSignal.bambu.com: -44",
            "DevConnect.bambu.com: lan",
            "DevBind.bambu.com: free",
            "Devseclink.bambu.com: secure",
            "DevInf.bambu.com: wlan0",
            f"DevVersion.bambu.com: {profile.firmware}",
            "DevCap.bambu.com: 1",
        ]
        return "\r\n".join([*lines, "", ""]).encode()
