"""Whatever stands in a text, a reader answers with a reading or a sentence, and says the same however lines end."""

import contextlib
import json
import math
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from printfarm.files.readers import FileReading, UnreadableFile
from printfarm.files.readers.gcode_stream import GcodeText
from printfarm.files.readers.limits import Deadline, Limits
from printfarm.files.readers.plates import Findings
from printfarm.files.readers.text_gcode import FORMATS, find_format, read_text_gcode, reading_of
from tests.files.readers.builders import orca_gcode, png, prusa_gcode, text_thumbnail
from tests.files.readers.text_builders import EVERY, MOVES

BUILDERS = EVERY | {"prusa": prusa_gcode, "orca": orca_gcode}
FACTS = (
    "time_total_s",
    "layers",
    "layer_height_mm",
    "first_layer_height_mm",
    "nozzle_mm",
    "nozzle_c",
    "bed_c",
    "grams",
)
HOSTILE = (
    "-2147483648", "nan", "1e999", "9" * 4000, "", "\x00", "{x}", "<script>", "=cmd()", "٣", "0x10", "-0", "𝟙", ",,;;", "#"
)  # fmt: skip


def facts(reading: FileReading):
    plate = reading.plates[0]
    return {name: getattr(plate, name) for name in FACTS} | {"slicer": reading.slicer, "printer": plate.printer}


def read_bytes(content: bytes) -> FileReading:
    """As out of a container; every reading must fit into JSON and hold no value that makes no sense."""
    reading = read_text_gcode([content], Deadline(Limits()))
    json.dumps(reading.to_json(), allow_nan=False)
    json.dumps(reading.raw, allow_nan=False)
    for plate in reading.plates:
        assert plate.time_total_s is None or 0 < plate.time_total_s <= 10_000_000
        assert plate.layers is None or 0 < plate.layers <= 1_000_000
        for filament in plate.filaments:
            for amount in (filament.grams, filament.metres):
                assert amount is None or (math.isfinite(amount) and 0 <= amount <= 100_000)
    return reading


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("change", ["crlf", "cr", "bom", "latin1", "nul", "front"])
def test_how_a_text_is_saved_does_not_matter(read, name, change):
    content = BUILDERS[name]().encode()
    expected = facts(read(content))
    if change == "crlf":
        content = content.replace(b"\n", b"\r\n")
    elif change == "bom":
        content = b"\xef\xbb\xbf" + content
    elif change == "latin1":
        content = content + b"; d\xfcse\xff\n"
    elif change == "nul":
        content += b"\x00" * 2_500_000
    elif change == "front":
        content = b"; Postprocessed by [ArcWelder]\nM486 T1\nM117 go\n" + content
    elif name not in {"prusa", "orca", "slic3r"}:  # old Macs: the family's own parts are read by lines of other systems
        content = content.replace(b"\n", b"\r")
    assert facts(read(content)) == expected


@pytest.mark.parametrize("name", EVERY)
def test_a_long_print_is_read_at_its_ends(read, name):
    text = EVERY[name]()
    expected = facts(read(text))
    at = text.rindex(MOVES) if MOVES in text else text.rindex("G1 ")
    long = text[:at] + "G1 X10.123 Y20.456 E0.0312\n" * 220_000 + text[at:]
    assert facts(read(long)) == expected


@pytest.mark.parametrize("name", BUILDERS)
def test_much_that_was_appended_does_not_hide_the_totals(read, name):
    text = BUILDERS[name]()
    expected = facts(read(text))
    at = text.rindex("G1 ")
    long = text[:at] + "G1 X10.123 Y20.456 E0.0312\n" * 200_000 + text[at:] + "; a remark of a script\n" * 90_000
    assert facts(read(long)) == expected


@pytest.mark.parametrize("name", BUILDERS)
def test_exactly_one_reader_takes_it(name):
    content = BUILDERS[name]().encode()
    text = GcodeText(head=content, tail=content, size_bytes=len(content), complete=True)
    head = "\n" + content.decode()
    takers = [each for each in FORMATS if each.recognises(head)]
    chosen = find_format(text)
    assert chosen is None or not takers or chosen is takers[0]
    assert reading_of(text, Deadline(Limits()), Findings()).format == "gcode"


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_in_every_place_are_unknown_and_no_error(name, value):
    for separator in (":", "=", ","):
        lines = [
            line.partition(separator)[0] + separator + " " + value
            if line.startswith(";") and separator in line
            else line
            for line in BUILDERS[name]().split("\n")
        ]
        read_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize(
    "piece", ["START", "9", ";", " ", "\n;LAYER:1", "\n; a = b", "\nM104 S", "\n; thumbnail begin 1x1 1", "T1 ", "\r"]
)
def test_much_of_the_same_is_read_in_little_time(name, piece):
    text = BUILDERS[name]()
    at = text.index("\n", len(text) // 2)
    hostile = text[:at] + "\n" + piece * (400_000 // len(piece)) + text[at:]
    started_s = time.process_time()
    read_bytes(hostile.encode())
    assert time.process_time() - started_s < 10


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(BUILDERS)),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=40)), max_size=12),
    keep=st.floats(0.05, 1),
)
def test_a_damaged_text_is_a_reading_or_a_sentence(name, cuts, keep):
    content = bytearray(BUILDERS[name]().encode())
    for place, length, new in cuts:
        at = int(place * len(content))
        content[at : at + length] = new
    with contextlib.suppress(UnreadableFile):
        read_bytes(bytes(content[: int(keep * len(content))]))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_are_a_reading_or_a_sentence(content):
    with contextlib.suppress(UnreadableFile):
        read_bytes(content)


@pytest.mark.parametrize("times", ["x", " x ", "*", " * "])
@pytest.mark.parametrize("tag", ["thumbnail", "thumbnail_JPG", "thumbnail_QIDI", "png", "jpg"])
def test_pictures_in_all_writings(read, tag, times):
    picture = text_thumbnail(png(40, 30), 40, 30, tag=tag, times=times)
    for text in (picture + EVERY["cura"](), picture.replace("; ", ";") + EVERY["cura"]()):
        for content in (text, text.replace("\n", "\r\n"), "\ufeff" + text):
            assert [(t.width, t.height) for t in read(content).plates[0].thumbnails] == [(40, 30)]
