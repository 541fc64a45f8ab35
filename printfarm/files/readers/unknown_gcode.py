"""Reads G-code of slicers that are not known, or do not say their name: what commands and layer comments tell, no more."""

import re

from printfarm.files.readers.comments import Comments, chosen_tools, first_bed_c, first_nozzle_c
from printfarm.files.readers.gcode_facts import find_slicer
from printfarm.files.readers.results import UnreadableFile
from printfarm.files.readers.stated import COMMANDS, COMMENTS, Stated, StatedSlot

_SIGNATURE_CHARACTERS = 1 << 20
_COMMAND = re.compile(r"\n[ \t]*[GM]\d{1,4}(?![\w.])", re.ASCII)
_LAYER = re.compile(r"\n;[ \t]?LAYER:[ \t]?(-?\d{1,6})(?!\d)", re.ASCII)


def recognises(head: str) -> bool:  # noqa: ARG001 - the last to be asked takes every G-code
    return True


def read(comments: Comments) -> Stated:
    """Raises UnreadableFile for a text that is no G-code at all."""
    if _COMMAND.search(comments.text) is None:
        raise UnreadableFile("This text holds no command for a printer. Bring the file that the slicer exported.")
    numbers = [int(n) for n in _LAYER.findall(comments.text)]
    nozzle_c, bed_c = first_nozzle_c(comments.text), first_bed_c(comments.text)
    return Stated(
        slicer=find_slicer(comments.text[:_SIGNATURE_CHARACTERS]),
        layers=len({n for n in numbers if n >= 0}) or None if comments.is_whole else None,
        nozzle_c=(nozzle_c, None) if nozzle_c else None,
        bed_c=(bed_c, None) if bed_c else None,
        slots=tuple(StatedSlot(tool + 1) for tool in chosen_tools(comments.text)),
        sources={"layers": COMMENTS, "nozzle_c": COMMANDS, "bed_c": COMMANDS},
        raw=comments.raw(),
    )
