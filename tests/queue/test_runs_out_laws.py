"""Where a roll ends, as laws: it lasts to the layer before, not to that one; more on the roll never ends earlier."""

from hypothesis import given
from hypothesis import strategies as st

from printfarm.files.readers.results import LayerUse
from printfarm.files.readers.scan_result import share_after
from printfarm.queue.ending import Draw, end_of_roll

LAYERS = 200
SHARES = st.lists(st.floats(0, 1), min_size=0, max_size=8).map(sorted)


def uses_of(shares: list[float]) -> tuple[LayerUse, ...]:
    notes = [LayerUse(10 * (number + 1), {1: share}) for number, share in enumerate(shares)]
    return (*notes, LayerUse(LAYERS, {1: 1.0}))


@given(SHARES, st.integers(0, 10**9), st.integers(1, 10**9), st.integers(0, LAYERS))
def test_it_lasts_until_that_layer_and_no_longer(shares, has_mg, total_mg, begun):
    uses = uses_of(shares)
    end = end_of_roll(has_mg, [Draw(1, total_mg, begun)], LAYERS, uses)

    def used(layer: int) -> float:
        return total_mg * max(0.0, (share_after(uses, layer, 1) or 0) - (share_after(uses, begun, 1) or 0))

    if end is None:
        assert used(LAYERS) <= has_mg + 1
        return
    assert end.counted
    assert begun <= end.layer <= LAYERS
    assert used(end.layer) > has_mg
    assert used(end.layer - 1) <= has_mg + 0.5
    assert abs(end.missing_mg - (used(LAYERS) - has_mg)) <= 1


@given(SHARES, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**6))
def test_more_on_the_roll_never_ends_earlier(shares, has_mg, more_mg, total_mg):
    uses = uses_of(shares)
    less = end_of_roll(has_mg, [Draw(1, total_mg)], LAYERS, uses)
    more = end_of_roll(has_mg + more_mg, [Draw(1, total_mg)], LAYERS, uses)
    assert more is None or (less is not None and more.layer >= less.layer)


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_a_roll_below_zero_ends_at_once_and_without_layers_it_goes_by_grams(has_mg, total_mg):
    by_layer, by_grams = (
        end_of_roll(has_mg, [Draw(1, total_mg)], LAYERS),
        end_of_roll(has_mg, [Draw(1, total_mg)], None),
    )
    assert (by_layer is None) == (by_grams is None) == (has_mg >= total_mg)
    if by_grams is not None:
        assert by_grams.missing_mg == total_mg - max(0, has_mg)
        assert not by_grams.counted
        assert 0 <= by_grams.percent <= 99


def test_a_count_of_another_slicing_is_not_believed():
    end = end_of_roll(10, [Draw(1, 100)], 50, uses_of([]))
    assert end is not None
    assert not end.counted
