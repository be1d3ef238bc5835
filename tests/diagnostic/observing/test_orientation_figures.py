"""Maps of orientations: as many bins as the noise allows, pooled without loss, drawn under the name of their cure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from spectral_ceilings.diagnostic.observing.cures import cures_table
from spectral_ceilings.diagnostic.observing.orientation_figures import (
    PREDICTED_MAP,
    FreeEnergyMap,
    bins_for,
    has_map,
    moments_panel,
    profile_panel,
    shown_maps,
)
from spectral_ceilings.diagnostic.pages.figure_style import LIGHT

from synthetic_observation import synthetic_observation

counted = st.sampled_from([(8, 12), (12, 24), (6, 6), (5, 7)])


def counts_map(counts: np.ndarray) -> FreeEnergyMap:
    """The map of independent records: the standard error of a count n is the root of n."""
    rows, columns = counts.shape
    scale = counts.size / counts.sum()
    cos, phi = (
        (np.arange(rows) + 0.5) / rows * 2 - 1,
        (np.arange(columns) + 0.5) / columns * 2 * np.pi - np.pi,
    )
    return FreeEnergyMap(cos, phi, counts * scale, np.sqrt(counts) * scale)


@given(st.floats(0, 1e6), counted)
def test_a_bin_holds_25_records_or_a_profile_is_left(independent, bins):
    rows, columns = bins_for(independent, bins)
    assert bins[0] % rows == 0 == bins[1] % columns
    if columns > 1:
        assert math.sqrt(rows * columns / independent) <= 0.2
        assert min(rows, columns) >= 4
    else:
        assert bins_for(independent / 2, bins)[1] == 1


@given(st.floats(0, 1e6), st.floats(1, 10), counted)
def test_more_records_never_make_a_coarser_map(independent, factor, bins):
    few, many = bins_for(independent, bins), bins_for(independent * factor, bins)
    assert math.prod(many) >= math.prod(few)


def test_the_bins_of_an_ordinary_run():
    assert bins_for(2400, (8, 12)) == (8, 12)
    assert bins_for(2399, (8, 12)) == (4, 12)
    assert bins_for(400, (8, 12)) == (4, 4)
    assert bins_for(399, (8, 12)) == (8, 1)
    assert bins_for(0, (8, 12)) == (4, 1)


@given(st.lists(st.integers(0, 50), min_size=96, max_size=96).filter(sum))
def test_pooling_keeps_the_records_and_their_noise(numbers):
    counts = np.array(numbers, dtype=float).reshape(8, 12)
    whole = counts_map(counts)
    # an empty bin counts with a share of 0 and without error, so that the sum is that of all records
    assert whole.independent == pytest.approx(counts.sum(), rel=1e-12)
    pooled = whole.coarser((4, 4))
    again = counts_map(counts.reshape(4, 2, 4, 3).sum(axis=(1, 3)))
    for name in ("cos_theta", "phi", "share", "error"):
        assert getattr(pooled, name) == pytest.approx(getattr(again, name), rel=1e-12, abs=1e-12)


def test_empty_bins_are_no_free_energy():
    values = [[0.0, None], [math.log(2.0), 0.0]]
    row = {"cos_theta": [-0.5, 0.5], "phi": [-1.5, 1.5], "values": values, "error": [[0.1, None], [0.1, 0.1]]}
    made = FreeEnergyMap.of(row)
    assert np.isnan(made.free_energy).tolist() == [[False, True], [False, False]]
    assert made.share.mean() == pytest.approx(1.0)
    # exp(-values) is 1, 0, 1/2, 1: two have the same energy, and one log 2 more
    assert made.free_energy[1, 0] - made.free_energy[0, 0] == pytest.approx(math.log(2.0))


def thin(result: dict, noise: float) -> dict:
    for row in result["observables"]["orientation"].values():
        row["maps"][0]["error"] = np.full((12, 24), noise).tolist()
    return result


def test_a_short_run_has_a_profile_and_a_long_one_a_map():
    assert has_map(synthetic_observation())
    # 288 bins with an error of 1.2 each: 200 records, enough for 8 bins
    short = thin(synthetic_observation(), 1.2)
    short["cures"] = cures_table(short)  # random is enough for orientations, grid-2-inversion the most exact
    assert not has_map(short)
    maps = shown_maps(short)
    assert {each.bins for name, each in maps.items() if name != PREDICTED_MAP} == {(6, 1)}
    axes = Figure().add_subplot()
    profile_panel(axes, short, LIGHT)
    assert set(axes.get_legend_handles_labels()[1]) == {
        "none",
        "random",
        "grid-2-inversion",
        "predicted, none",
    }


def test_a_run_without_an_error_has_a_profile():
    result = synthetic_observation()
    result["observables"]["orientation"]["none"]["numbers"][0]["enough"] = False
    assert not has_map(result)


def test_moments_stay_within_what_a_mean_can_be():
    result = synthetic_observation(("none",))
    result["observables"]["orientation"]["none"]["numbers"][0]["error"] = 60.0
    axes = Figure().add_subplot()
    moments_panel(axes, result, LIGHT)
    assert axes.get_ylim() == (-1.05, 1.05)
    assert "_" not in axes.get_ylabel().replace(r"$P_\ell$", "")
