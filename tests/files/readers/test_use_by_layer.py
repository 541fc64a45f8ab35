"""A print that stopped has used what its layers up to there needed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printfarm.files.readers import LayerUse, read_file
from printfarm.files.readers.moves import MoveCounter
from printfarm.files.readers.scan import count_moves
from printfarm.files.readers.scan_plan import ScanPlan
from printfarm.files.readers.scan_result import plate_scan, share_after, uses_from_json
from printfarm.files.sample_builder import PlateSpec, build_sliced_3mf
from tests.files.readers.builders import two_colours

USES = (LayerUse(2, {1: 0.5, 3: 0.0}), LayerUse(4, {1: 1.0, 3: 1.0}))


@pytest.mark.parametrize(
    ("layers", "first", "third"),
    [(0, 0, 0), (1, 0.25, 0), (2, 0.5, 0), (3, 0.75, 0.5), (4, 1, 1), (9, 1, 1)],
)
def test_between_two_notes_the_use_grows_evenly(layers, first, third):
    assert (share_after(USES, layers, 1), share_after(USES, layers, 3)) == (first, third)


def test_without_a_count_nothing_is_said():
    assert share_after((), 3, 1) is None
    assert share_after(USES, 3, 2) is None


def test_half_of_a_sliced_file_is_half_of_its_grams(tmp_path: Path):
    path = build_sliced_3mf(tmp_path / "a", [PlateSpec(layers=20, filaments=two_colours())])
    uses = count_moves(path, read_file(path)).plates[0].use_by_layer
    assert share_after(uses, 10, 1) == pytest.approx(0.5, abs=0.02)
    assert share_after(uses, 10, 3) == pytest.approx(0.5, abs=0.05)
    assert (share_after(uses, 20, 1), share_after(uses, 20, 3)) == (1, 1)


def test_it_is_the_same_after_it_was_kept_as_json():
    counter = MoveCounter()
    counter.feed(b"\nM83" + b"\n;LAYER_CHANGE\n;Z:1\nG1 X1 E1" * 5)
    found = plate_scan(ScanPlan(plate=1), counter)
    assert uses_from_json(found.to_json()["use_by_layer"]) == found.use_by_layer != ()


@given(st.integers(min_value=1, max_value=3000))
def test_tall_prints_keep_few_notes_in_order(layers):
    counter = MoveCounter()
    counter.feed(b"\nM83" + b"\n;LAYER_CHANGE\n;Z:1\nG1 X1 E1" * layers)
    uses = plate_scan(ScanPlan(plate=1), counter).use_by_layer
    assert len(uses) <= 130
    assert [u.layers for u in uses] == sorted({u.layers for u in uses})
    assert all(u.share_of_slot[1] == pytest.approx(u.layers / layers, abs=1e-5) for u in uses)
