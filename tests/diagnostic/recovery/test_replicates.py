"""Intervals over backbones, against SciPy's tests, and against a simulation where SciPy has no test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spectral_ceilings.diagnostic.recovery.replicates import interval, paired_sample, unpaired_sample

NUMBERS = st.floats(-1.0, 1.0).map(lambda value: round(value, 6))


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=3, max_size=8).filter(lambda values: np.ptp(values) > 1e-3))
def test_one_setting_is_student_s_paired_test(differences: list[float]) -> None:
    mean, low, high = interval([paired_sample(differences)])
    wanted = stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    assert mean == pytest.approx(np.mean(differences), abs=1e-15)
    # the quantile of Student's t has a relative error below 1e-10 in either library
    assert [low, high] == pytest.approx([wanted.low, wanted.high], rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(
    st.lists(NUMBERS, min_size=2, max_size=6).filter(lambda values: np.ptp(values) > 1e-3),
    st.lists(NUMBERS, min_size=2, max_size=6).filter(lambda values: np.ptp(values) > 1e-3),
)
def test_unpaired_samples_are_welch_s_test(first: list[float], second: list[float]) -> None:
    mean, low, high = interval([unpaired_sample(first, second)])
    test = stats.ttest_ind(first, second, equal_var=False)
    if test.df < 2:
        assert (low, high) == (None, None)
        return
    wanted = test.confidence_interval(0.95)
    assert [mean, low, high] == pytest.approx(
        [np.mean(first) - np.mean(second), wanted.low, wanted.high], rel=1e-9, abs=1e-12
    )


def test_equal_settings_have_the_interval_of_their_pooled_seeds() -> None:
    """Two settings with the same differences: variance s^2 / n / 2, twice the degrees of freedom."""
    differences = [0.1, 0.2, 0.4]
    mean, low, high = interval([paired_sample(differences)] * 2)
    reach = stats.t.ppf(0.975, 4) * np.std(differences, ddof=1) / np.sqrt(3) / np.sqrt(2)
    assert [mean, low, high] == pytest.approx([0.7 / 3, 0.7 / 3 - reach, 0.7 / 3 + reach], rel=1e-9)


def test_the_interval_over_settings_covers() -> None:
    """Four settings of different means and spreads, three seeds each: the interval holds their mean in 95 % of the draws.

    4,000 draws: the share has a standard error of 0.0034; Satterthwaite's degrees of freedom are approximate and err to the
    safe side, by less than 0.03 for these spreads.
    """
    rng = np.random.default_rng(3)
    means, spreads = np.array([-1.0, 0.0, 0.5, 2.0]), np.array([0.1, 0.2, 0.3, 0.2])
    inside = 0
    for draw in rng.normal(size=(4000, 4, 3)):
        samples = [paired_sample(row) for row in (means[:, None] + spreads[:, None] * draw).tolist()]
        _, low, high = interval(samples)
        assert low is not None
        assert high is not None
        inside += low <= means.mean() <= high
    assert 0.95 - 4 * 0.0034 <= inside / 4000 <= 0.98 + 4 * 0.0034


def test_two_differences_have_no_interval() -> None:
    assert interval([paired_sample([0.1, 0.3])])[1:] == (None, None)
    assert interval([paired_sample([0.1])] * 9)[1:] == (None, None)
    assert interval([unpaired_sample([0.1], [0.2, 0.4])])[1:] == (None, None)


def test_equal_differences_have_an_interval_of_no_width() -> None:
    assert interval([paired_sample([0.5, 0.5, 0.5]), paired_sample([1.5] * 3)]) == (1.0, 1.0, 1.0)
