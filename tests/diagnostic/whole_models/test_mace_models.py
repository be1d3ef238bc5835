"""Real MACE: rotations, leaves that are constants, and small cells against the exact shares of a star."""

import os
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from spectral_ceilings.diagnostic.whole_models.cell import ModelCellSettings
from spectral_ceilings.diagnostic.whole_models.graphs import GraphLayout, Graphs
from spectral_ceilings.diagnostic.whole_models.measure import calibrate_model
from spectral_ceilings.diagnostic.whole_models.models import build, session
from spectral_ceilings.diagnostic.whole_models.settings import ModelSettings
from spectral_ceilings.numerics import haar_rotations

if find_spec("mace") is None and "SPECTRAL_CEILINGS_REQUIRE_MACE" not in os.environ:
    pytest.skip(
        "the extra 'mace' is not installed (it needs an environment of its own)", allow_module_level=True
    )

STAR = GraphLayout("star")


def inputs(settings, layout, positions, centres_only=None):
    with session(settings.architecture), torch.no_grad():
        graphs = Graphs.of(layout, torch.from_numpy(positions))
        if centres_only is not None:
            graphs = Graphs(
                *(getattr(graphs, n) for n in ("positions", "edges", "types", "count", "atoms")), centres_only
            )
        return build(settings, 0).inputs(graphs).numpy()


def positions_of(layout, count=5):
    return layout.positions(layout.directions(count, np.random.default_rng(0)))


@pytest.mark.parametrize("name", ["mace", "mace-silu"])
@pytest.mark.parametrize("graph", ["star", "all"])
def test_a_rotated_configuration_has_the_same_inputs(name, graph):
    layout, settings = GraphLayout(graph), ModelSettings(name, 2, 3, channels=4)
    positions = positions_of(layout)
    (rotation,) = haar_rotations(1, np.random.default_rng(1))
    before = inputs(settings, layout, positions)
    # MACE's coupling tables are exact to float32's rounding of Wigner 3j symbols in e3nn 0.4.4
    np.testing.assert_allclose(inputs(settings, layout, positions @ rotation.T), before, rtol=1e-5, atol=1e-7)
    assert before.std(axis=0).max() > 1e-4 * np.abs(before).max()


def test_the_leaves_of_a_star_add_a_constant():
    settings = ModelSettings("mace", 2, 3, channels=4)
    positions = positions_of(STAR)
    leaves = inputs(settings, STAR, positions, False) - inputs(settings, STAR, positions, True)
    # differences of numbers of order 1 in float64
    np.testing.assert_allclose(leaves, np.broadcast_to(leaves[0], leaves.shape), atol=1e-10)


def test_a_cutoff_below_the_third_side_is_as_if_it_had_no_edge():
    blind = GraphLayout("cutoff", cutoff=1.3)
    settings = ModelSettings("mace", 1, 1, channels=4, cutoff=1.3)
    positions = positions_of(blind)
    other = positions.copy()
    other[:, 1] = -positions[:, 2]  # another angle; correlation 1 sees lengths alone
    np.testing.assert_allclose(inputs(settings, blind, other), inputs(settings, blind, positions), rtol=1e-9)


@pytest.mark.parametrize(
    ("l_max", "correlation", "alike"),
    [(1, 2, True), (2, 2, True), (1, 4, True), (1, 4, False), (2, 3, False)],
)
def test_the_closed_form_is_the_exact_share_and_never_above_it(l_max, correlation, alike):
    settings = ModelCellSettings(
        ModelSettings("mace", l_max, correlation, channels=12), GraphLayout("star", alike),
        ("pair(1)", "pair(2)", "pair(3)", "product(1,1)"), steps=5, samples=1024, held_out=2048, draws=3,
    )  # fmt: skip
    for row in calibrate_model(settings).rows:
        assert row.verdict in ("agrees", "not learned"), row.sentence
        assert abs(row.closed_form - float(row.exact)) < 5 * row.closed_form_error + row.allowance + 1e-6


def test_training_learns_what_it_may_and_nothing_above():
    settings = ModelCellSettings(
        ModelSettings("mace", 1, 2, channels=8),
        STAR,
        ("pair(1)", "pair(2)"),
        steps=120,
        samples=1024,
        held_out=1024,
        draws=2,
    )
    learned, above = calibrate_model(settings).rows
    assert learned.trained > 0.95
    assert above.share == "0"
    assert above.trained < 5 * above.trained_error + 1e-6


def test_a_silu_readout_has_power_above_the_bound_in_closed_form():
    settings = ModelCellSettings(
        ModelSettings("mace-silu", 1, 2, channels=8),
        STAR,
        ("pair(2)",),
        steps=2,
        samples=1024,
        held_out=1024,
        draws=4,
    )
    (row,) = calibrate_model(settings).rows
    assert row.share is None
    assert row.closed_form > 0.1
