"""Indices spread evenly over a sequence."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.splits import evenly_spaced


@given(st.integers(1, 3000), st.integers(1, 400))
def test_picked_indices_are_distinct_and_evenly_spread_from_the_first_to_the_last(
    total: int, count: int
) -> None:
    picked = evenly_spaced(total, count)
    assert len(picked) == min(total, count)
    assert picked[0] == 0
    if count > 1:
        assert picked[-1] == total - 1
    steps = np.diff(picked)
    assert (steps > 0).all()
    # Each index is rounded by at most one half, so two steps differ by at most two halves more than exact ones: by 1.
    assert len(steps) == 0 or steps.max() - steps.min() <= 1
