"""Tells what a file is by its bytes. Its name says nothing: `.gcode.3mf` may be hand-made, `.3mf` may be sliced."""

import re

from printfarm.files.readers.archive import Archive
from printfarm.files.readers.results import UnreadableFile

_GCODE_LINE = re.compile(rb"(?:^|[\r\n])[ \t]*(?:[GMT]\d+\b|;)")


def is_zip(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def check_gcode(head: bytes) -> None:
    """Return when these first bytes may be G-code; else raise UnreadableFile."""
    if b"\x00" in head[:64] or not _GCODE_LINE.search(head):
        raise UnreadableFile("This is no file of a slicer: neither G-code, nor a 3MF, nor a mesh. Bring a sliced file.")


def refuse_zip(archive: Archive) -> UnreadableFile:
    """The sentence for a zip that no reader recognises."""
    if not archive.names:
        return UnreadableFile("This zip is empty.")
    return UnreadableFile("This is a zip, but no 3MF of a slicer. Bring the file that the slicer exported.")
