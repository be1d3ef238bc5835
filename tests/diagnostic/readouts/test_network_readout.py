"""Trained readouts on harmonics of one direction: what no polynomial of the degree represents is never learned."""

import numpy as np
import pytest

from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.diagnostic.readouts.network import (
    LabFeatures,
    NetworkKind,
    fit_network_readout,
    reading,
)
from spectral_ceilings.diagnostic.readouts.polynomial_network_training import NetworkTraining

from single_directions import single_direction

L_MAX, L_TOP = 1, 4
TRAINING = NetworkTraining(steps=500, batch=256, learning_rate=0.02)


@pytest.fixture(scope="module")
def lab() -> LabFeatures:
    features, signal, split, _ = single_direction(L_MAX, L_TOP, 450, 3)
    turns = Orientations.draw(split, L_TOP, np.random.default_rng(4), times=(20, 5, 5))
    return LabFeatures.of(list(features.blocks()), 0, signal, turns)


def r2(sums) -> list[float]:
    return [1.0 - float(one.missed.sum() / one.injected.sum()) for one in sums]


@pytest.fixture(scope="module")
def null_band(lab: LabFeatures) -> float:
    """The largest |R2| of the same network where there is nothing to learn."""
    found = fit_network_readout(lab, NetworkKind("squares", width=64, shuffled=True), training=TRAINING)
    return max(abs(value) for value in r2(found.sums)[1:])


def test_squares_learn_up_to_twice_l_max_and_nothing_above(lab: LabFeatures, null_band: float) -> None:
    found = fit_network_readout(lab, NetworkKind("squares", width=64), training=TRAINING, closed_form=True)
    values, closed = r2(found.sums), r2(found.closed_form or [])
    assert min(values[1:3]) > 0.95
    assert min(closed[1:3]) > 0.99
    # Overfit noise of parameters over samples; its size is that of the network on shuffled targets, within a factor.
    assert max(abs(value) for value in values[3:]) < 2.0 * null_band + 0.02
    assert max(abs(value) for value in closed[3:]) < 0.02
    assert [reading(found.kind, l, L_MAX, v, c) for l, (v, c) in enumerate(zip(values, closed, strict=True))] == [
        "recovered", "recovered", "recovered", "not representable", "not representable",
    ]  # fmt: skip


def test_two_layers_of_squares_and_silu_pass_the_ceiling_of_one(lab: LabFeatures, null_band: float) -> None:
    deep = NetworkKind("two layers of squares", width=64, depth=2)
    assert deep.total_degree == 4
    values = r2(fit_network_readout(lab, deep, training=TRAINING).sums)
    assert min(values[1:5]) > max(0.5, 2.0 * null_band)
    smooth = NetworkKind("SiLU", activation="silu", width=64)
    assert smooth.total_degree is None
    values = r2(fit_network_readout(lab, smooth, training=TRAINING).sums)
    assert values[3] > max(0.5, 2.0 * null_band)
    assert reading(smooth, 3, L_MAX, values[3], None) == "no ceiling"


def test_a_network_that_was_not_trained_is_told_from_one_that_cannot(lab: LabFeatures) -> None:
    kind = NetworkKind("squares", width=64)
    lazy = fit_network_readout(
        lab, kind, training=NetworkTraining(steps=1, learning_rate=1e-6), closed_form=True
    )
    values, closed = r2(lazy.sums), r2(lazy.closed_form or [])
    assert reading(kind, 2, L_MAX, values[2], closed[2]) == "not learned"
    assert reading(kind, 3, L_MAX, values[3], closed[3]) == "not representable"
