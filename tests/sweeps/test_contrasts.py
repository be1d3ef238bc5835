"""Contrasts over backbones: what is compared with what, and the mean over settings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spectral_ceilings.sweeps.cliffs import Cliff, by_setting, cliffs_of, factors_of
from spectral_ceilings.sweeps.contrasts import (
    Contrast,
    contrasts,
    leading,
    over_settings,
)


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
