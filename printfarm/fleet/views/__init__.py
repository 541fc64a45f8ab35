"""Pages of the fleet: printers, their slots, trials, hubs."""

from printfarm.fleet.views import hubs, printers, setting_up, slots
from printfarm.fleet.views.blueprint import bp

__all__ = ["bp", "hubs", "printers", "setting_up", "slots"]
