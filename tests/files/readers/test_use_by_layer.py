"""A print that stopped has used what its layers up to there needed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printfarm.files.readers import Filament, LayerUse, Plate, read_file
from printfarm.files.readers.moves import MoveCounter
from printfarm.files.readers.plates import use_by_layer
from printfarm.files.sample_builder import PlateSpec, build_sliced_3mf
from tests.files.readers.builders import two_colours

PLATE = Plate(
    index=1,
    filaments=(Filament(slot=1, grams=10.0), Filament(slot=3, grams=4.0), Filament(slot=4)),
    use_by_layer=(LayerUse(2, {1: 0.5, 3: 0.0}), LayerUse(4, {1: 1.0, 3: 1.0})),
)


@pytest.mark.parametrize(
    ("layers", "grams"),
    [
        (0, {1: 0, 3: 0}),
        (1, {1: 2.5, 3: 0}),
        (2, {1: 5, 3: 0}),
        (3, {1: 7.5, 3: 2}),
        (4, {1: 10, 3: 4}),
        (9, {1: 10, 3: 4}),
    ],
)
def test_between_two_notes_the_use_grows_evenly(layers, grams):
    assert PLATE.grams_after_layer(layers) == grams


def test_without_a_count_nothing_is_said():
    assert Plate(index=1, filaments=(Filament(slot=1, grams=10.0),)).grams_after_layer(3) == {}


def test_half_of_a_sliced_file_is_half_of_its_grams(tmp_path: Path):
    path = build_sliced_3mf(tmp_path / "a", [PlateSpec(layers=20, filaments=two_colours())])
    plate = read_file(path).plates[0]
    half = plate.grams_after_layer(10)
    assert half == {1: pytest.approx(5.0, abs=0.2), 3: pytest.approx(3.0, abs=0.2)}
    assert plate.grams_after_layer(20) == {1: 10.0, 3: 6.0}


@given(st.integers(min_value=1, max_value=3000))
def test_tall_prints_keep_few_notes_in_order(layers):
    counter = MoveCounter()
    counter.feed(b"\nM83" + b"\n;LAYER_CHANGE\n;Z:1\nG1 X1 E1" * layers)
    uses = use_by_layer(counter)
    assert len(uses) <= 130
    assert [u.layers for u in uses] == sorted({u.layers for u in uses})
    assert all(u.share_of_slot[1] == pytest.approx(u.layers / layers, abs=1e-5) for u in uses)
