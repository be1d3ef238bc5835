"""Blocking: intervals of correlated series cover, short runs say so, squared means lose their bias."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom

from spectral_ceilings.diagnostic import quantile
from spectral_ceilings.diagnostic.observables.statistics import (
    Estimate,
    blocked,
    blocked_columns,
    squared_norm,
)
from spectral_ceilings.theory.errors import InputError


def autoregressive(a, records, series, seed=0):
    """Stationary x_k = a x_{k-1} + e_k with unit variance, (records, series)."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((records, series)) * np.sqrt(1 - a**2)
    noise[0] /= np.sqrt(1 - a**2)
    return lfilter([1.0], [1.0, -a], noise, axis=0)


def exact_error(a, records):
    """Standard error of the mean of such a series, exactly: the double sum over a^|i-j|."""
    sums = (1 + a) / (1 - a) - 2 * a * (1 - a**records) / (records * (1 - a) ** 2)
    return np.sqrt(sums / records)


CASES = [(0.0, 300), (0.5, 600), (0.9, 2000), (0.98, 10000)]


@pytest.mark.parametrize(("a", "records"), CASES)
def test_intervals_of_correlated_means_cover(a, records):
    series = 400
    estimates = blocked_columns(autoregressive(a, records, series))
    assert all(estimate.enough for estimate in estimates)
    covered = sum(abs(estimate.value) <= estimate.half_width() for estimate in estimates)
    # 93 %: tau is itself estimated, which costs up to 2 % at 40 independent records; below that count chance has 0.1 %
    assert covered >= binom.ppf(1e-3, series, 0.93)
    assert covered <= binom.ppf(1 - 1e-3, series, 0.97)
    errors = np.array([estimate.error for estimate in estimates])
    # a variance from n blocks scatters by sqrt(2/n): the mean of 400 is sharp to 5 standard errors of sqrt(2/10/400)
    assert np.sqrt((errors**2).mean()) == pytest.approx(exact_error(a, records), rel=0.11)


@pytest.mark.parametrize(("a", "records"), CASES)
def test_autocorrelation_time_is_that_of_the_process(a, records):
    taus = [estimate.tau for estimate in blocked_columns(autoregressive(a, records, 200, seed=1))]
    # Sokal's window: relative error sqrt(2 (2W + 1) / N) with W = 5 tau, here at most 0.45 for one series, 0.03 for 200; and
    # exp(-5) and the clipping at 1/2 are missed, below 10 %
    assert np.median(taus) == pytest.approx(0.5 * (1 + a) / (1 - a), rel=0.12)


def test_a_run_shorter_than_twenty_autocorrelation_times_says_so():
    estimates = blocked_columns(autoregressive(0.99, 400, 200))  # four autocorrelation times
    short = [estimate for estimate in estimates if not estimate.enough]
    assert len(short) >= 180  # the few others saw no slow motion at all
    # where a run says that it is too short, its error is the spread of what it saw, and no small number
    assert np.mean([abs(estimate.value) <= estimate.half_width() for estimate in short]) >= 0.95


def test_replicas_share_one_mean():
    rng = np.random.default_rng(5)
    # each replica sits at its own level: only their number counts, however long they are
    levels = rng.standard_normal(12)
    replicas = [level + 1e-3 * rng.standard_normal(500) for level in levels]
    estimate = blocked(replicas)
    assert estimate.value == pytest.approx(levels.mean(), abs=1e-4)
    assert estimate.blocks == 12
    assert estimate.error == pytest.approx(levels.std(ddof=1) / np.sqrt(12), rel=1e-2)


def test_intervals_are_those_of_student():
    estimate = Estimate(0.0, 2.0, 5.0, 0.5, 5, True)
    assert estimate.half_width() == pytest.approx(2 * quantile(4), rel=1e-12)
    assert estimate.half_width(numbers=10) > 2 * estimate.half_width()
    assert blocked(np.full(7, 0.1)).half_width() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("series", [[], np.zeros((0, 3)), np.array([1.0, np.nan])])
def test_what_is_no_series_is_refused(series):
    with pytest.raises(InputError):
        blocked(series)


def test_several_columns_need_the_other_function():
    with pytest.raises(InputError, match="2 columns"):
        blocked(np.zeros((5, 2)))


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_squared_means_have_no_bias_and_honest_errors(shift):
    rng = np.random.default_rng(3)
    columns, blocks, trials = 6, 30, 1500
    rows = [
        squared_norm(shift + rng.standard_normal((blocks, columns)) / np.sqrt(blocks)) for _ in range(trials)
    ]
    values, errors = np.array(rows).T
    truth = columns * shift**2
    # exact for normal blocks of variance s2 in each column: 2 c s2^2 / n(n-1) + 4 |mu|^2 s2 / n
    s2 = 1 / blocks
    variance = 2 * columns * s2**2 / (blocks * (blocks - 1)) + 4 * truth * s2 / blocks
    assert values.mean() == pytest.approx(truth, abs=4 * np.sqrt(variance / trials))
    # the variance of 1500 values scatters by sqrt(2/1500) = 4 %, more with the tails of a square: three of 5 %
    assert values.var() == pytest.approx(variance, rel=0.15)
    # zeta_1 is zero without a shift, and its estimate, cut off at zero, adds to the error: it errs on the safe side
    assert 0.95 < np.sqrt((errors**2).mean() / variance) < (1.1 if shift else 1.25)


def test_many_short_replicas_whose_means_rise_in_order_end():
    """Blocks that are whole replicas are independent: they cannot be doubled, however their neighbours go together."""
    means = np.arange(20.0)
    estimate = blocked([np.full(4, mean) for mean in means])
    assert estimate.error == pytest.approx(means.std(ddof=1) / np.sqrt(20), rel=1e-12)
    assert estimate.blocks == 20
