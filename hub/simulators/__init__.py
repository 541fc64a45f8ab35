"""Printers that are only programs, but speak the real protocols on loopback: for `printfarm demo` and for tests.

    with SimulatedFarm([PrinterSpec(model="X1C")], speed=60) as farm:
        printer = farm.printers[0]
        connect_to(printer.host, printer.mqtt_port, printer.access_code)
        printer.fault("B03", at_percent=40)

`python -m hub.simulators --help` runs the same farm as a process of its own.
"""

from hub.simulators.farm import SimulatedFarm
from hub.simulators.printer import SimulatedPrinter
from hub.simulators.spec import FarmConfig, FtpsOptions, MqttOptions, PrinterSpec, SpoolSpec

__all__ = ["FarmConfig", "FtpsOptions", "MqttOptions", "PrinterSpec", "SimulatedFarm", "SimulatedPrinter", "SpoolSpec"]
