"""Files that want to harm: each is answered with the right values or a sentence, in little time and memory."""

import json
import os
import resource
import struct
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from printfarm.files.readers import Limits, UnreadableFile, read_file
from printfarm.files.readers.archive import Archive, DamagedEntry
from printfarm.files.readers.limits import Deadline
from printfarm.files.readers.scan import count_moves
from printfarm.files.sample_builder import build_sliced_3mf
from tests.files.readers.builders import orca_gcode, png_bomb, prusa_gcode, sliced_entries, write_zip

GCODE = "Metadata/plate_1.gcode"
SLICE_INFO = "Metadata/slice_info.config"
PROJECT_SETTINGS = "Metadata/project_settings.config"


def read_with(tmp_path: Path, changes: dict[str, bytes | str], **options):
    return read_file(write_zip(tmp_path / "hostile.3mf", {**sliced_entries(), **changes}), **options)


def codes(reading) -> set[str]:
    return {w.code for w in reading.warnings}


def test_a_bomb_of_g_code_is_stopped_and_its_values_stay(tmp_path: Path):
    started = time.process_time()  # the machine may be busy with other things
    reading = read_with(tmp_path, {GCODE: b"G1 X1\n" * 20_000_000})
    assert (reading.plates[0].time_total_s, reading.plates[0].printable) == (1200, False)
    assert "gcode_damaged" in codes(reading)
    assert time.process_time() - started < 10


def test_a_bomb_that_would_outlast_the_clock_is_known_by_what_it_says_of_itself(tmp_path: Path):
    path = write_zip(tmp_path / "bomb.3mf", {GCODE: b"G1 X1\n" * 4_000_000})
    with Archive(path, deadline := Deadline(Limits())) as archive, pytest.raises(DamagedEntry, match="zip bomb"):
        next(archive.stream(GCODE.lower(), 2**30))
    assert deadline.unpacked_bytes == 0


def test_a_part_of_the_settings_that_is_too_large_is_left_out(tmp_path: Path):
    reading = read_with(tmp_path, {PROJECT_SETTINGS: b'{"a": "' + b"x" * 5_000_000 + b'"}'})
    assert "part_unreadable" in codes(reading)
    assert reading.plates[0].filaments[0].material == "PLA"


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><config>&c;</config>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><config><header>&x;</header></config>',
        "<config>" * 150_000,
        "",
        "\x00\x01\x02",
        '<?xml version="1.0" encoding="no-such-encoding"?><config/>',
    ],
    ids=["entities", "external", "deep", "empty", "bytes", "encoding"],
)
def test_xml_that_tries_something_is_left_out(tmp_path: Path, xml):
    reading = read_with(tmp_path, {SLICE_INFO: xml, "Metadata/model_settings.config": xml, "3D/3dmodel.model": xml})
    assert (reading.plates[0].time_total_s, reading.plates[0].grams) == (1200, 5.0)
    assert "part_unreadable" in codes(reading)


def test_xml_in_another_encoding_is_read_or_repaired(tmp_path: Path):
    text = sliced_entries()[SLICE_INFO].decode()
    wide = text.replace("UTF-8", "UTF-16").encode("utf-16")
    assert read_with(tmp_path, {SLICE_INFO: wide}).plates[0].sources["time_total_s"] == "slice_info"
    broken = text.replace('name="Part"', 'name="Käfer"').encode("latin-1")
    reading = read_with(tmp_path, {SLICE_INFO: broken})
    assert reading.plates[0].sources["time_total_s"] == "slice_info"
    assert reading.plates[0].objects == ("K\ufffdfer",)


@pytest.mark.parametrize(
    "settings",
    [
        "[" * 100_000,
        "{" * 10,
        "[1, 2]",
        '{"layer_height": NaN, "filament_type": {"a": [1]}}',
        '{"a": 1e999}',
        "1" * 5000,
    ],
    ids=["deep", "cut", "list", "nan", "infinite", "long-number"],
)
def test_json_that_is_no_settings_is_left_out(tmp_path: Path, settings):
    reading = read_with(tmp_path, {PROJECT_SETTINGS: settings})
    assert reading.plates[0].grams == 5.0
    json.dumps(reading.raw, allow_nan=False)


def test_numbers_without_sense_become_unknown(tmp_path: Path):
    text = sliced_entries()[SLICE_INFO].decode()
    for old, new in (
        ('value="1200"', 'value="-5"'),
        ('used_g="5.00"', 'used_g="inf"'),
        ('value="61.5"', 'value="nan"'),
        ('filament id="1"', 'filament id="99999"'),
    ):
        text = text.replace(old, new)
    plate = read_with(tmp_path, {SLICE_INFO: text}).plates[0]
    assert (plate.time_total_s, plate.time_first_layer_s) == (1200, None)
    assert [(f.slot, f.grams) for f in plate.filaments] == [(1, 5.0)]


def test_scripts_in_names_stay_text_and_colours_must_be_colours(tmp_path: Path):
    text = sliced_entries()[SLICE_INFO].decode()
    text = text.replace('name="Part"', 'name="&lt;script&gt;alert(1)&lt;/script&gt;&#x202E;"')
    text = text.replace('color="#26A69A"', 'color="red;background:url(x)"')
    plate = read_with(tmp_path, {SLICE_INFO: text}).plates[0]
    assert plate.objects[0].startswith("<script>")
    assert plate.filaments[0].colour == "#26A69A"


def test_a_picture_of_a_size_that_would_fill_the_memory_is_left_out(tmp_path: Path):
    reading = read_with(tmp_path, {"Metadata/plate_1.png": png_bomb()})
    assert [t.kind for t in reading.plates[0].thumbnails] == ["small", "no_light", "top"]
    assert "picture_refused" in codes(reading)


def test_names_that_point_outside_are_ignored_and_nothing_is_unpacked(tmp_path: Path):
    before = set(tmp_path.rglob("*"))
    reading = read_with(tmp_path, {"../../evil.gcode": "x", "C:\\evil": "y", "Metadata/../../plate_9.gcode": "z"})
    assert [p.index for p in reading.plates] == [1]
    assert "names_ignored" in codes(reading)
    assert {p.name for p in set(tmp_path.rglob("*")) - before} == {"hostile.3mf"}


def test_a_link_is_not_followed(tmp_path: Path):
    path = write_zip(tmp_path / "a.3mf", sliced_entries())
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("Metadata/plate_2.gcode")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert [p.index for p in read_file(path).plates] == [1]


def test_of_two_entries_with_one_name_the_first_counts(tmp_path: Path):
    entries = {**sliced_entries(), "Metadata/PLATE_1.gcode": b"G1 X1 E999\n"}
    reading = read_file(write_zip(tmp_path / "a.3mf", entries))
    assert (reading.plates[0].grams, codes(reading)) == (5.0, {"duplicate_names"})


def test_a_locked_zip_is_refused(tmp_path: Path):
    content = bytearray(write_zip(tmp_path / "a.3mf", {GCODE: b"G1"}).read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    (tmp_path / "a.3mf").write_bytes(content)
    with pytest.raises(UnreadableFile, match="password"):
        read_file(tmp_path / "a.3mf")


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.99])
def test_a_zip_that_was_cut_off_is_refused(tmp_path: Path, keep):
    path = build_sliced_3mf(tmp_path / "a.3mf")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(UnreadableFile, match="cut off"):
        read_file(path)


def test_damage_inside_of_the_g_code_makes_a_plate_that_cannot_be_printed(tmp_path: Path):
    path = build_sliced_3mf(tmp_path / "a.3mf")
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(GCODE)
    middle = entry.header_offset + entry.compress_size // 2
    content[middle : middle + 40] = b"\xff" * 40
    path.write_bytes(content)
    reading = read_file(path)
    assert (reading.plates[0].printable, reading.plates[0].time_total_s) == (False, 1200)
    assert "gcode_damaged" in codes(reading)


def test_a_size_that_lies_is_not_believed(tmp_path: Path):
    path = build_sliced_3mf(tmp_path / "a.3mf")
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    place = content.index(GCODE.encode(), directory) - 46
    content[place + 24 : place + 28] = struct.pack("<I", 100)
    path.write_bytes(content)
    reading = read_file(path)
    assert (reading.plates[0].printable, reading.plates[0].time_total_s) == (False, 1200)


def test_too_many_entries_are_refused_before_they_fill_the_memory(tmp_path: Path):
    path = tmp_path / "many.3mf"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(5001):
            archive.writestr(f"{number}", b"")
    with pytest.raises(UnreadableFile, match="5000 are allowed"):
        read_file(path)
    with pytest.raises(UnreadableFile, match="far more entries"):
        read_file(path, limits=Limits(central_directory_bytes=100_000))


def test_too_many_plates_are_refused(tmp_path: Path):
    with pytest.raises(UnreadableFile, match="2 are allowed"):
        read_with(tmp_path, {"Metadata/plate_2.gcode": "G1", "Metadata/plate_3.gcode": "G1"}, limits=Limits(plates=2))


def test_an_exotic_compression_is_not_unpacked(tmp_path: Path):
    path = tmp_path / "a.3mf"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sliced_entries().items():
            archive.writestr(name, content, zipfile.ZIP_LZMA if name == GCODE else zipfile.ZIP_DEFLATED)
    reading = read_file(path)
    assert not reading.plates[0].printable
    assert "packed in a way" in reading.warnings[0].sentence


def test_a_line_without_end_is_skipped(tmp_path: Path):
    path = tmp_path / "a.gcode"
    path.write_text(prusa_gcode().replace("M83\n", "M83\n;" + "x" * 12_000_000 + "\n"))
    reading = count_moves(path, read_file(path))
    assert reading.plates[0].grams == pytest.approx(3.73)
    assert codes(reading) >= {"long_lines"}


def test_a_thumbnail_without_end_is_left_out(tmp_path: Path):
    path = tmp_path / "a.gcode"
    path.write_text(orca_gcode().replace("; thumbnail end\n", ""))
    plate = read_file(path).plates[0]
    assert (plate.thumbnails, plate.time_total_s) == ((), 3723)


EVIL_TEXT = {
    "line breaks": "\n" * 900_000,
    "spaces": "\n;" + " " * 900_000,
    "spaces after a key": "\n; key" + " " * 900_000,
    "header starts": "; HEADER_BLOCK_START\n" * 40_000,
    "thumbnail starts": "; thumbnail begin 9x9 9\n" * 40_000,
    "digits": "\n; FLUSH_START\nM83\nG1 E" + "1" * 400_000 + " X1",
    "long numbers": "\nM83\nG1 X1 E" + "9" * 400_000,
    "absolute long numbers": "\nM82\nG1 X1 E" + "9" * 400 + "\nG1 X2 E1\nG1 X2 E" + "9" * 400,
    "quotes": '\n; filament_settings_id = "' + '\\"' * 400_000,
    "semicolons": "\n; filament_type = " + ";" * 900_000,
    "features": "\n;TYPE:a\n;TYPE:Support" * 40_000,
    "tools": "".join(f"\nT{n}" for n in range(9999)) * 10,
}


@pytest.mark.parametrize("name", EVIL_TEXT)
def test_text_made_to_be_slow_is_read_in_time(tmp_path: Path, name):
    path = tmp_path / "a.gcode"
    path.write_text(prusa_gcode().replace("M83\n", EVIL_TEXT[name] + "\nM83\n"))
    started = time.monotonic()
    json.dumps(count_moves(path, read_file(path)).to_json(), allow_nan=False)
    path.write_text(EVIL_TEXT[name] + "\n" + prusa_gcode())
    with suppress(UnreadableFile):
        read_file(path)
    assert time.process_time() - started < 10


def test_a_reading_that_takes_too_long_stops_and_reads_the_ends(tmp_path: Path):
    path = tmp_path / "a.gcode"
    body = "G1 X1 Y1 E.5\n" * 1_600_000
    path.write_text(prusa_gcode().replace("M83\n", "M83\n" + body))
    reading = read_file(path, limits=Limits(seconds=0.002))
    plate = reading.plates[0]
    assert codes(reading) >= {"gcode_too_long"}
    assert (plate.time_total_s, plate.printer.model, plate.split, plate.layers) == (3877, "MK4S", None, None)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of memory need POSIX")
def test_a_gigabyte_of_memory_is_enough(tmp_path: Path):
    settings = json.dumps({f"k{n}": ["1"] * 20 for n in range(20_000)})
    xml = "<config>" + "<plate/>" * 9_000 + "<a b=''/>" * 600_000 + "</config>"
    path = write_zip(tmp_path / "a.3mf", {**sliced_entries(), PROJECT_SETTINGS: settings, SLICE_INFO: xml})

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    run = subprocess.run(
        [sys.executable, "-m", "printfarm.files.inspect", "--json", str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        preexec_fn=limit,
        env={**os.environ},
    )
    answer = json.loads(run.stdout)
    assert (run.returncode, run.stderr, answer["ok"]) == (1, "", False)
    assert "plates" in answer["error"]


def test_plates_that_take_too_long_to_read_can_still_be_printed(tmp_path: Path):
    reading = read_with(
        tmp_path, {GCODE: sliced_entries()[GCODE] + b"G1 X1 Y1\n" * 800_000}, limits=Limits(seconds=0.002)
    )
    plate = reading.plates[0]
    assert (plate.time_total_s, plate.grams, plate.scan_plan, plate.printable) == (1200, 5.0, None, True)
    assert codes(reading) & {"gcode_too_long", "gcode_not_read"}
