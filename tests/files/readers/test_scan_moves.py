"""The fast count says what a slow one says, line by line and by the rules; and it does not matter where it is cut."""

import json
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from printfarm.files.readers import read_file
from printfarm.files.readers import scan as scan_module
from printfarm.files.readers.moves import MoveCounter
from printfarm.files.readers.scan import Scan
from printfarm.files.readers.scan_plan import MODEL, PURGE, START, SUPPORT, TOWER, ScanPlan, SlotChange
from printfarm.files.sample_builder import PlateSpec, build_sliced_3mf
from tests.files.readers.builders import orca_gcode, prusa_gcode, two_colours

NUMBER = re.compile(r"E(-?(?:\d{1,6}\.\d*|\d{1,6}|\.\d+))(?![\d.])")


class SlowCount:
    """The rules, one line after the other, with numbers as decimal texts."""

    def __init__(self) -> None:
        self.mm: dict[tuple[int, str], float] = defaultdict(float)
        self.tool, self.kind, self.layers = 0, MODEL, 0
        self.relative = self.all_relative = self.wiping = self.flushing = self.virtual = False
        self.last = 0.0

    def feed(self, text: str) -> None:
        for line in text.split("\n"):
            self._line(line.strip(" \t"))

    def _line(self, line: str) -> None:
        if line.startswith(";"):
            self._comment(line[1:].removeprefix(" "))
        elif found := re.match(r"T(\d{1,4})(?![\d.])", line):
            self.tool = int(found[1]) if int(found[1]) < 64 else self.tool
        elif found := re.match(r"(M8[23]|G9[01])(?![\d.])", line):
            self.relative = {"M83": True, "M82": False}.get(found[1], self.relative)
            self.all_relative = {"G91": True, "G90": False}.get(found[1], self.all_relative)
        elif re.match(r"G92(?![\d.])", line):
            if found := NUMBER.search(line.partition(";")[0]):
                self.last = float(found[1])
        elif re.match(r"G0?[0-3] ", line):
            self._move(line.partition(";")[0])

    def _move(self, words: str) -> None:
        found = NUMBER.search(words)
        if not found:
            return
        length = float(found[1])
        if not (self.relative or self.all_relative):
            self.last, length = length, length - self.last
        if length <= 0:
            return
        if re.search(r"[XYIJ]", words):
            self.mm[self.tool, self.kind] += 0 if self.wiping else length
        elif self.flushing:
            self.mm[self.tool, PURGE] += length

    def _comment(self, comment: str) -> None:
        if found := re.match(r"(?:FEATURE|TYPE):[ ]?(.*)", comment):
            name = found[1].lower()
            towers = ("prime tower", "prime-tower", "wipe tower")
            kinds = {SUPPORT: ("support",), TOWER: towers, START: ("custom",)}
            self.kind = next((kind for kind, words in kinds.items() if name.startswith(words)), MODEL)
        for mark, name in (("WIPE", "wiping"), ("FLUSH", "flushing"), ("VFLUSH", "virtual")):
            if comment.startswith((f"{mark}_START", f"{mark}_END")):
                setattr(self, name, comment.startswith(f"{mark}_START"))
        self.layers += comment.startswith(("CHANGE_LAYER", "LAYER_CHANGE"))
        if self.virtual and (found := re.match(r"VG1 E(\d+\.?\d*)", comment)):
            self.mm[self.tool, PURGE] += float(found[1])


LENGTH = st.one_of(
    st.decimals(min_value=0, max_value=99, places=5).map(lambda number: f"{number:f}".lstrip("0") or "0"),
    st.decimals(min_value=-3, max_value=9999, places=5).map(lambda number: f"{number:f}"),
    st.integers(min_value=0, max_value=999_999).map(str),
    st.sampled_from(["0", "-.8", ".00001", "5.", "12.345678", "1234.56789", "123456.654321", "000001.5", "0.123456"]),
)
COMMAND = st.sampled_from(["G1", "G0", "G2", "G3", "G01", "G10", "G4", " G1", "\tG1", "  G3"])
WORDS = st.sampled_from(["X1", "X10.5 Y3", "Y-3", "I1 J2", "Z.4", "F1800", "F900 X2", "Z1 F9 Y1", "", "P1"])
AFTER = st.sampled_from(["", " F1200", " ; Extra E5", ";E9", " X3", " ; X1", " F9 ", "  "])
MOVE = st.builds(lambda c, w, e, a: f"{c} {w}{' ' * bool(w)}E{e}{a}", COMMAND, WORDS, LENGTH, AFTER)
STILL = st.builds(lambda c, e, a: f"{c} E{e}{a}", COMMAND, LENGTH, AFTER)
LINES = """
M82|M83|M830|G90|G91|G90.1|G92 E0|G92 E1.5|G92 X0 E0|G92|G92.1 E3|M204 S500|T0|T1|T255|T1000| T2|; FEATURE: Outer wall
;TYPE:Support material|; FEATURE: Prime tower|M73 E5|;TYPE:PRIME-TOWER|; FEATURE: Custom|;TYPE:Wipe tower|; LINE_WIDTH: 0.4
; FEATURE: Support interface|; WIPE_START|;WIPE_END|; FLUSH_START|; FLUSH_END|; VFLUSH_START|; VFLUSH_END|;VG1 E4.5 F1
; CHANGE_LAYER|;LAYER_CHANGE|;BEFORE_LAYER_CHANGE||G1 X1|G28|; G1 X1 E9|G1 X1 ; E9|;|EXCLUDE_OBJECT_START NAME=E1
M117 E 1|G1 X2 E|G1 X2 E.|G1 X1 Ex|; E1|E5|G1 ; X E4|G1 X1 E1.2.3|G1 X1 E-|G1 X1 E12345678|G1 X1 E1.234567890.1|G1 X1 E-.5
G1 X1 E0.30000000000000004|G1 X1 E1.2345678.|G1 X1 E.3000000000000000444
"""
OTHER = st.sampled_from([line for lines in LINES.strip("\n").split("\n") for line in lines.split("|")])
TEXT = st.lists(st.one_of(MOVE, STILL, OTHER), max_size=60)


def counted(lines: list[str], cuts: list[int] | None = None) -> MoveCounter:
    """Counted in pieces, each of them kept as JSON in between."""
    counter = MoveCounter()
    places = sorted({0, len(lines), *(cut % (len(lines) + 1) for cut in cuts or [])})
    for start, end in pairwise(places):
        counter.feed("".join("\n" + line for line in lines[start:end]).encode())
        counter = MoveCounter.from_json(json.loads(json.dumps(counter.to_json())), SlotChange())
    return counter


@settings(max_examples=400)
@given(TEXT)
def test_it_says_what_the_rules_say(lines):
    slow = SlowCount()
    slow.feed("\n".join(lines))
    fast = counted(lines)
    expected = {key: mm for key, mm in slow.mm.items() if mm}
    assert fast.mm.keys() == expected.keys()
    assert fast.mm == pytest.approx(expected, abs=1e-6 * (len(lines) + 1))
    assert fast.layers == slow.layers


@settings(max_examples=200)
@given(TEXT, st.lists(st.integers(min_value=0, max_value=1000), max_size=5))
def test_it_says_the_same_wherever_it_is_cut_and_kept(lines, cuts):
    whole, pieces = counted(lines), counted(lines, cuts)
    assert {key: mm for key, mm in pieces.mm.items() if mm} == {key: mm for key, mm in whole.mm.items() if mm}
    assert (pieces.layers, pieces.after_layer, pieces.tools_seen) == (whole.layers, whole.after_layer, whole.tools_seen)


class Stopped(Exception):
    """Somebody ended the count in the middle."""


def stop_after(blocks: int):
    left = iter(range(blocks))

    def tick() -> None:
        if next(left, None) is None:
            raise Stopped

    return tick


def in_turns(path: Path, plans: list[ScanPlan], monkeypatch) -> tuple[list, int]:
    """Counted in small pieces, with an end after each: (what came out, how often it began)."""
    monkeypatch.setattr(scan_module, "_PIECE_BYTES", 1 << 18)
    kept, turns = None, 0
    while True:
        turns += 1
        scan = Scan(path, plans, kept)
        try:
            return scan.run(stop_after(1)), turns
        except Stopped:
            kept = json.loads(json.dumps(scan.to_json()))


def test_a_zip_that_is_counted_in_turns_ends_with_the_same(tmp_path: Path, monkeypatch):
    plates = [PlateSpec(index=n, layers=400, filaments=two_colours(), detail=20) for n in (1, 2)]
    path = build_sliced_3mf(tmp_path / "long.gcode.3mf", plates)
    plans = [plate.scan_plan for plate in read_file(path).plates]
    whole = Scan(path, plans).run()
    found, turns = in_turns(path, plans, monkeypatch)
    assert turns > 3
    assert [one.to_json() for one in found] == [one.to_json() for one in whole]
    assert all(one.warnings == () for one in found), "its checksums are right however often it was stopped"


@pytest.mark.parametrize("text", [prusa_gcode(), orca_gcode()], ids=["prusa", "orca"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a mark"])
def test_a_text_that_is_counted_in_turns_ends_with_the_same(tmp_path: Path, monkeypatch, text, start):
    path = tmp_path / "long.gcode"
    body = "".join(f"G1 X{n % 99} Y2 E.{n % 9}1\r\n" for n in range(200_000))
    path.write_bytes(start + text.replace("M83\n", "M83\n" + body, 1).encode())
    (plate,) = read_file(path).plates
    whole = Scan(path, [plate.scan_plan]).run()
    found, turns = in_turns(path, [plate.scan_plan], monkeypatch)
    assert turns > 3
    assert [one.to_json() for one in found] == [one.to_json() for one in whole]


def test_the_start_of_a_file_with_a_mark_and_windows_line_ends_counts(tmp_path: Path):
    path = tmp_path / "a.gcode"
    path.write_bytes(b"\xef\xbb\xbfM83\r\nG1 X1 E2\r\nG1 X2 E3")
    plan = ScanPlan(plate=1, g_per_m={1: 1000.0})
    (found,) = Scan(path, [plan]).run()
    assert found.split.model_g == 5.0


def test_how_far_it_is_grows_to_the_end(tmp_path: Path, monkeypatch):
    path = build_sliced_3mf(tmp_path / "a", [PlateSpec(index=n, layers=300, detail=30) for n in (1, 2)])
    monkeypatch.setattr(scan_module, "_PIECE_BYTES", 1 << 18)
    scan = Scan(path, [plate.scan_plan for plate in read_file(path).plates])
    seen = [scan.percent]
    scan.run(lambda: seen.append(scan.percent))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1], scan.percent) == (0, pytest.approx(99, abs=3), 100)


def test_a_plan_survives_its_json():
    plan = ScanPlan(
        plate=2, entry="a", grams={1: 2.5, 3: None}, g_per_m={3: 1.5}, change=SlotChange(4, [1.0], [0], [1.75])
    )
    assert ScanPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
