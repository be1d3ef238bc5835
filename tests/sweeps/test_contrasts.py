"""Contrasts over backbones, against SciPy's tests, and against a simulation where SciPy has no test."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spectral_ceilings.sweeps.cliffs import Cliff, by_setting, cliffs_of, factors_of
from spectral_ceilings.sweeps.contrasts import (
    Contrast,
    contrasts,
    interval,
    leading,
    over_settings,
    paired_sample,
    unpaired_sample,
)

NUMBERS = st.floats(-1.0, 1.0).map(lambda value: round(value, 6))


def cliff(labels: dict[str, object], seed: object, height: float, l_max: int = 2, degree: int = 2) -> Cliff:
    edge = degree * l_max
    r2 = (1.0, *[height] * edge, 0.0)
    return Cliff(
        f"{labels}{seed}{degree}",
        labels,
        str(seed),
        "C2H6O",
        "free",
        degree,
        edge,
        r2,
        edge,
        0.1 + height / 10,
    )


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


def test_few_seeds_have_no_interval_but_their_range() -> None:
    cliffs = [
        cliff({"l-max": l}, seed, 0.5 + 0.1 * l + 0.01 * seed * l, l) for l in (1, 2) for seed in (0, 1)
    ]
    (height,) = (c for c in contrasts(cliffs) if c.quantity == "height")
    assert (height.low, height.high, height.count) == (None, None, 2)
    assert [height.least, height.most] == pytest.approx([0.1, 0.11], abs=1e-15)


def make_grid() -> list[Cliff]:
    rng = np.random.default_rng(0)
    return [
        cliff(
            {"data": data, "l-max": l, "features": width},
            seed,
            0.6 + 0.05 * (width == 16) + rng.normal() / 100,
            l,
        )
        for data, l, width, seed in itertools.product(("a", "b"), (3, 1, 2), (8, 16), range(3))
    ]


def test_a_label_is_compared_with_its_neighbour_and_the_last_with_the_first() -> None:
    made = [c for c in over_settings(contrasts(make_grid())) if c.quantity == "height"]
    assert [(c.factor, c.value, c.against) for c in made] == [
        ("data", "b", "a"),
        ("l-max", 2, 1),
        ("l-max", 3, 2),
        ("l-max", 3, 1),
        ("features", 16, 8),
    ]
    assert [c.settings for c in made] == [6, 4, 4, 4, 6]
    assert all(c.count == 3 * c.settings and c.paired for c in made)
    assert [c.factor for c in leading(contrasts(make_grid()))] == ["data", "l-max", "features"]


def test_the_mean_over_settings_is_the_mean_of_the_settings() -> None:
    made = contrasts(make_grid())
    for whole in (c for c in made if not c.setting):
        parts = [c for c in made if c.setting and _same(c, whole)]
        assert len(parts) == whole.settings
        # a mean of six numbers below 10, rounded in another order
        assert whole.mean == pytest.approx(np.mean([part.mean for part in parts]), abs=1e-14)
        assert whole.least == min(part.least for part in parts)


def _same(first: Contrast, second: Contrast) -> bool:
    return all(
        getattr(first, name) == getattr(second, name)
        for name in ("factor", "value", "against", "degree", "quantity")
    )


def test_the_height_is_compared_up_to_the_lower_ceiling() -> None:
    """L = 1 and 2 recover the same below l = 2, and L = 2 nothing between: its height up to 4 does not enter."""
    low = Cliff("x", {"l-max": 1}, "0", "", "free", 2, 2, (1.0, 0.8, 0.6, 0.0, 0.0), 2, None)
    high = Cliff("y", {"l-max": 2}, "0", "", "free", 2, 4, (1.0, 0.8, 0.6, 0.1, 0.1), 4, None)
    made = {c.quantity: c for c in contrasts([low, high])}
    assert made["height"].mean == 0.0
    assert made["last recovered l"].mean == 2.0
    assert "force MAE" not in made


def test_other_seeds_are_compared_unpaired() -> None:
    cliffs = [cliff({"features": 8}, seed, 0.1 * seed) for seed in range(3)]
    cliffs += [cliff({"features": 16}, 10 + seed, 0.5 + 0.1 * seed) for seed in range(3)]
    (made,) = (c for c in contrasts(cliffs) if c.quantity == "height")
    assert not made.paired
    assert made.positive is None
    assert made.mean == pytest.approx(0.5, abs=1e-14)


def test_a_zip_has_no_pairs_that_differ_in_one_label() -> None:
    cliffs = [
        cliff({"l-max": l, "features": width}, seed, 0.5)
        for l, width in ((1, 8), (2, 16))
        for seed in range(3)
    ]
    assert contrasts(cliffs) == []


def test_cliffs_take_the_first_injection_and_the_free_readout() -> None:
    head = {"formula": "CO", "boundary": 2, "force_mae_eV_A": None, "direction": "fixed", "degree": 2}
    rows = [
        {
            **head,
            "injection": injection,
            "readout": readout,
            "scope": scope,
            "l": l,
            "r2": value + l,
            "verdict": verdict,
        }
        for injection, readout, scope, value in (
            ("marked", "equivariant", "molecule", 10.0),
            ("marked", "free", "molecule", 20.0),
            ("marked", "free", "atom:0", 30.0),
            ("density", "free", "molecule", 40.0),
        )
        for l, verdict in enumerate(("recovered", "recovered", "recovered", "not recovered"))
    ]
    (made,) = cliffs_of("key", {"data": "x", "seed": 3}, rows, cost=5.0)
    assert (made.readout, made.r2, made.last_recovered, made.replicate) == (
        "free",
        (20.0, 21.0, 22.0, 23.0),
        2,
        "3",
    )
    assert made.labels == {"data": "x"}
    assert made.height() == 21.5
    assert made.height(3) == 22.0
    assert made.height(4) is None
    assert cliffs_of("key", {}, rows[8:12]) == []


def test_settings_and_factors() -> None:
    grid = make_grid()
    assert len(by_setting(grid)) == 12
    assert factors_of(grid) == {"data": ["a", "b"], "l-max": [1, 2, 3], "features": [8, 16]}
