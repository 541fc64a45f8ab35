"""Bambu's stage numbers (`stg_cur`) in our words."""

_STAGES: dict[int, str] = {
    1: "levelling the bed", 2: "heating the bed", 3: "calibrating vibration", 4: "changing filament",
    5: "paused by the file", 6: "paused: filament ran out", 7: "heating the nozzle", 8: "calibrating extrusion",
    9: "scanning the bed", 10: "inspecting the first layer", 11: "identifying the plate", 12: "calibrating the lidar",
    13: "homing", 14: "cleaning the nozzle", 15: "checking the nozzle temperature", 16: "paused by a person",
    17: "paused: the front cover fell off", 18: "calibrating the lidar", 19: "calibrating the flow",
    20: "paused: nozzle temperature fault", 21: "paused: bed temperature fault", 22: "unloading filament",
    23: "paused: skipped step", 24: "loading filament", 25: "calibrating motor noise", 26: "paused: AMS lost",
    27: "paused: heat-break fan fault", 28: "paused: chamber temperature fault", 29: "cooling the chamber",
    30: "paused by the file", 31: "showing motor noise", 32: "paused: nozzle covered with filament",
    33: "paused: cutter fault", 34: "paused: first layer fault", 35: "paused: nozzle clogged",
    36: "checking accuracy", 37: "calibrating accuracy", 38: "checking accuracy", 39: "calibrating the nozzle offset",
    40: "levelling the hot bed", 41: "checking the quick release", 42: "checking door and cover",
    43: "calibrating the laser", 44: "checking the platform", 45: "checking the top camera",
    46: "calibrating the top camera", 47: "levelling the bed, part 1", 48: "levelling the bed, part 2",
    49: "heating the chamber", 50: "cooling the bed", 51: "printing calibration lines", 52: "checking the material",
    53: "calibrating the live camera", 54: "waiting for the bed temperature", 55: "checking the material's place",
    56: "calibrating the cutter", 57: "measuring the surface", 58: "soaking in heat", 59: "homing the blade holder",
    60: "measuring the camera offset", 61: "finding the blade holder", 62: "testing the hotend change",
    63: "evening out the chamber temperature", 64: "preparing the hotend", 65: "calibrating clump detection",
    66: "purifying the chamber air", 67: "turning the rotary attachment", 68: "moving to the purge chute",
    69: "cooling the nozzle", 70: "moving to the middle of the bed", 71: "fitting arcs",
    72: "detecting the hotend type", 73: "aligning the plate", 74: "stopped: something lies on the bed",
    75: "stopped: something lies under the bed", 76: "extruding before the print", 77: "preparing the AMS",
}  # fmt: skip


def stage_word(number: int | None) -> str:
    """Empty for "nothing special" (-1, 0 and 255)."""
    if number is None or number in {-1, 0, 255}:
        return ""
    return _STAGES.get(number, f"stage {number}")
