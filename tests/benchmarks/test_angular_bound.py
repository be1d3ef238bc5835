"""The bound that a response from a linear space keeps, and the part of a term that keeps none."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.angular_bound import judged
from spectral_ceilings.diagnostic.training.angular_labels import learned

FRAMES, ATOMS, COLUMNS = 12, 4, 6


def space(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(FRAMES * ATOMS * 3, COLUMNS))
    return columns, columns @ rng.normal(size=COLUMNS), rng.normal(size=len(columns))


def shaped(values: np.ndarray) -> np.ndarray:
    return values.reshape(1, FRAMES, -1)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [0.01, 0.5, 3.0])
def test_no_response_from_a_space_passes_its_best_fit_however_much_is_learned(seed: int, size: float) -> None:
    columns, within, across = space(seed)
    term = within + across
    best = columns @ np.linalg.lstsq(columns, term, rcond=None)[0]
    bound = float(best @ best / (term @ term))
    # any member of the space; the last digits of sums over 144 products of size 1 are below 1e-13 of them
    response = size * (best + columns @ np.random.default_rng([seed, 1]).normal(size=COLUMNS))
    (_, *_), (r2, *_), (cos2, *_) = judged(shaped(response), shaped(term))
    assert r2 <= bound + 1e-12
    assert cos2 <= bound + 1e-12
    (all_of_it, *_), (r2, *_), (cos2, *_) = judged(shaped(best), shaped(term))
    np.testing.assert_allclose([all_of_it, r2, cos2], bound, rtol=1e-12)
    # twice the best fit: twice as much is learned, past the bound, and no more is held
    (twice, *_), (r2, *_), (cos2, *_) = judged(shaped(2 * best), shaped(term))
    assert twice == pytest.approx(2 * bound, rel=1e-12)
    assert r2 < bound
    assert cos2 == pytest.approx(bound, rel=1e-12)


def test_what_is_learned_is_what_a_training_records_and_seeds_are_judged_one_by_one() -> None:
    terms, responses = np.random.default_rng(5).normal(size=(2, 3, FRAMES, ATOMS * 3))
    (value, low, high), _, _ = judged(responses, terms)
    recorded = [
        learned(
            list((term - response).reshape(FRAMES, ATOMS, 3)),
            list(term.reshape(FRAMES, 1, ATOMS, 3)),
            None,
        )[0]["learned"]
        for term, response in zip(terms, responses, strict=True)
    ]
    assert value == pytest.approx(np.mean(recorded), rel=1e-12)
    assert low < value < high
