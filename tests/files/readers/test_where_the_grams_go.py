"""The count of the moves: model, start code, support, purge and tower, for each slot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printfarm.files.readers.body import BodyCount
from printfarm.files.readers.moves import MoveCounter
from printfarm.files.readers.results import Split
from printfarm.files.readers.scan_plan import MODEL, PURGE, START, SUPPORT, TOWER, SlotChange
from printfarm.files.readers.scan_result import without_loading


def count(text: str, **known) -> MoveCounter:
    counter = MoveCounter(change=SlotChange(**known))
    counter.feed(b"\n" + text.strip("\n").encode())
    return counter


def test_each_move_belongs_to_the_feature_before_it():
    counter = count("""
M83
; FEATURE: Custom
G1 X1 E1
; FEATURE: Outer wall
G1 X1 Y1 E2
G1 F900 X2 E.5
G2 X5 Y5 I1 J1 E4
; FEATURE: Support interface
G1 Y1 E8
;TYPE:Support material
G1 Y2 E8
; FEATURE: Prime tower
G1 X1 Y1 E16
;TYPE:Wipe tower
G1 X1 Y1 E16
; FEATURE: Skirt
G1 X1 Y1 E32
""")
    assert dict(counter.mm) == {(0, START): 1, (0, MODEL): 38.5, (0, SUPPORT): 16, (0, TOWER): 32}


def test_pulling_back_and_forth_is_no_use_of_filament():
    counter = count("M83\nG1 X1 E1\nG1 E-.8 F1800\nG1 E.8 F1800\nG1 X2 E-.2\nG1 X3 F600\n")
    assert counter.total_mm == 1


def test_wiping_does_not_count():
    counter = count("M83\nG1 X1 E1\n; WIPE_START\nG1 X2 E5\n; WIPE_END\nG1 X3 E1\n;WIPE_START\nG1 X2 E5\n;WIPE_END\n")
    assert counter.total_mm == 2


def test_a_flush_counts_although_nothing_moves():
    counter = count("M83\nG1 E9\n; FLUSH_START\nG1 E20 F500\nG1 E-1\nG1 X5 E3\n; FLUSH_END\nG1 E9\n")
    assert dict(counter.mm) == {(0, PURGE): 20, (0, MODEL): 3}


def test_a_virtual_flush_stands_in_comments():
    counter = count("M83\n;VG1 E9\n; VFLUSH_START\n;VG1 E20 F1\n;VG1 E5\n; VFLUSH_END\n;VG1 E9\n", slot_count=2)
    assert dict(counter.mm) == {(0, PURGE): 25}


def test_the_first_of_a_flush_is_the_filament_before():
    area_mm2 = 2.405281875
    counter = count(
        "M83\nT0\nG1 X1 E1\nT1\n; FLUSH_START\nG1 E30\nG1 E70\n; FLUSH_END\nG1 X2 E1\n",
        slot_count=2,
        nozzle_volume_mm3=[40 * area_mm2],
        diameter_mm=[1.75, 1.75],
    )
    assert counter.mm[0, PURGE] == pytest.approx(40, rel=1e-4)
    assert counter.mm[1, PURGE] == pytest.approx(60, rel=1e-4)
    assert counter.tool_changes == 1


def test_another_nozzle_holds_another_rest():
    counter = count(
        "M83\nT0\nG1 X1 E1\nT1\n; FLUSH_START\nG1 E30\n; FLUSH_END\n",
        slot_count=2,
        nozzle_volume_mm3=[100, 100],
        extruder_of_slot=[0, 1],
    )
    assert (counter.mm.get((0, PURGE)), counter.mm[1, PURGE]) == (None, 30)


def test_commands_that_look_like_tools_are_none():
    counter = count("M83\nT1\nT255\nT1000\nT3\n;VT0\nG1 X1 E1\n", slot_count=3)
    assert dict(counter.mm) == {(0, MODEL): 1}
    assert counter.tools_seen == [1, 0]


def test_absolute_lengths_are_differences():
    counter = count("M82\nG92 E0\nG1 X1 E1\nG1 X2 E3.5\nG1 E2.5\nG1 E3.5\nG92 E0\nG1 X3 E2\n; FLUSH_START\nG1 E6\n")
    assert dict(counter.mm) == {(0, MODEL): 5.5, (0, PURGE): 4}


def test_relative_places_make_relative_lengths():
    counter = count("M82\nG92 E0\nG91\nG1 X1 E1\nG1 X1 E1\nG90\nG92 E0\nG1 X1 E1\n")
    assert counter.total_mm == 3


def height(text: str, *, pieces: int = 1) -> tuple[int, float | None]:
    """Layers and greatest height of a text that comes in so many pieces."""
    body, content = BodyCount(), text.encode()
    size = -(-len(content) // pieces)
    for at in range(0, len(content), size):
        body.feed(content[at : at + size])
    body.end()
    return body.layers, body.max_z_mm


@pytest.mark.parametrize("pieces", [1, 2, 3, 5, 7, 40])
def test_layers_and_their_heights_are_counted_in_both_dialects(pieces):
    assert height("; CHANGE_LAYER\n; Z_HEIGHT: 0.2\n; CHANGE_LAYER\n; Z_HEIGHT: .4\n", pieces=pieces) == (2, 0.4)
    assert height(";LAYER_CHANGE\n;Z:0.2\n;HEIGHT:0.2\n;LAYER_CHANGE\r\n;Z:0.45", pieces=pieces) == (2, 0.45)
    counter = count("; CHANGE_LAYER\n; Z_HEIGHT: 0.2\n;LAYER_CHANGE\n;Z:0.2\n;BEFORE_LAYER_CHANGE\n")
    assert counter.layers == 2


def test_a_broken_number_counts_as_nothing():
    assert count("M83\nG1 X1 E1.2.3\nG1 X1 E2\nG1 X1 E.\n").total_mm == 2


LENGTHS = st.lists(st.integers(min_value=1, max_value=99_999), min_size=1, max_size=30)


@given(LENGTHS)
def test_relative_and_absolute_say_the_same(lengths):
    relative = "M83\n" + "\n".join(f"G1 X{n} E{length / 1000:.3f}" for n, length in enumerate(lengths))
    place, lines = 0, []
    for n, length in enumerate(lengths):
        place += length
        lines.append(f"G1 X{n} E{place / 1000:.3f}")
    absolute = "M82\nG92 E0\n" + "\n".join(lines)
    assert count(relative).total_mm == pytest.approx(sum(lengths) / 1000)
    assert count(absolute).total_mm == pytest.approx(sum(lengths) / 1000)


@given(LENGTHS, st.data())
def test_it_does_not_matter_how_the_text_is_cut_into_blocks(lengths, data):
    lines = ["M83"]
    for n, length in enumerate(lengths):
        lines += [f"; FEATURE: {('Support', 'Inner wall', 'Prime tower')[n % 3]}", f"G1 X{n} E{length / 1000:.3f}"]
    cut = data.draw(st.integers(min_value=0, max_value=len(lines)))
    whole, parts = MoveCounter(), MoveCounter()
    whole.feed("".join("\n" + line for line in lines).encode())
    for some in (lines[:cut], lines[cut:]):
        parts.feed("".join("\n" + line for line in some).encode())
    assert {k: pytest.approx(v) for k, v in whole.mm.items()} == dict(parts.mm)


def test_filament_that_is_only_pushed_in_and_out_is_not_used_up():
    split = without_loading(Split(model_g=2.0, start_g=0.5, tower_g=1.0), 3.0)
    assert (split.model_g, split.start_g, split.tower_g) == (2.0, 0.5, 0.5)
    split = without_loading(Split(model_g=2.0, start_g=0.5, tower_g=1.0), 2.2)
    assert (split.model_g, split.start_g, split.tower_g) == (2.0, pytest.approx(0.2), 0)
    assert without_loading(Split(model_g=2.0), None) == Split(model_g=2.0)
