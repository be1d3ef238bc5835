"""Bounds of several layers on chains and stars against the real MACE: which orders its last scalars hold, untrained."""

from __future__ import annotations

import os
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.backbones.mace_model import build_mace, graph_batch, mace_session
from spectral_ceilings.diagnostic.backbones.mace_settings import MACESettings
from spectral_ceilings.theory import reach_on_graph

if find_spec("mace") is None and "SPECTRAL_CEILINGS_REQUIRE_MACE" not in os.environ:
    pytest.skip(
        "the extra 'mace' is not installed (it needs an environment of its own)", allow_module_level=True
    )

_ANGLES = 2 * np.pi * np.arange(32) / 32


def _powers(
    positions: NDArray[np.float64], l_max: int, hidden: int, correlation: int, layers: int
) -> NDArray[np.float64]:
    """Power of every order of the angle in the last layer's scalars, relative to their total: (orders, atoms).

    Each atom is an element of its own; the graph holds what is closer than 1.4 Å.
    """
    with mace_session():
        model = build_mace(
            MACESettings(
                type_names=("C", "H", "N", "O"), l_max=hidden, r_max=1.4, num_layers=layers, avg_num_neighbors=2.0, seed=1,
                num_features=8, max_ell=l_max, correlation=(correlation,), scaled=False,
            )
        )  # fmt: skip
        scalars: list[torch.Tensor] = []
        model.products[-1].register_forward_hook(lambda _, __, output: scalars.append(output.detach()))
        batch = graph_batch(positions, torch.arange(4), 4, 1.4)
        assert batch["edge_index"].shape[1] == 6 * len(positions)  # three bonds and nothing else
        model(batch, compute_force=False)
    values = scalars[0].reshape(len(positions), 4, -1).numpy()
    power = np.sum(np.abs(np.fft.rfft(values, axis=0)) ** 2, axis=-1)
    return power / np.sum(power, axis=0)


@pytest.mark.parametrize(
    ("l_max", "hidden", "correlation", "layers"),
    [(2, 2, 2, 1), (2, 1, 2, 2), (2, 2, 2, 2), (2, 1, 3, 2), (1, 1, 4, 2), (1, 1, 2, 3)],
)
def test_torsions_of_a_chain_end_at_the_bound(l_max: int, hidden: int, correlation: int, layers: int) -> None:
    """Rounding: (2e-16)^2 times a thousand operations is below 5e-29; what is attained is above 1e-26."""
    first, last = np.radians(70), np.radians(65)
    turned = [np.sin(last) * np.cos(_ANGLES), np.sin(last) * np.sin(_ANGLES), 1 + np.full(32, np.cos(last))]
    positions = np.zeros((32, 4, 3))
    positions[:, 0] = [np.sin(first), 0.0, -np.cos(first)]
    positions[:, 2] = [0.0, 0.0, 1.0]
    positions[:, 3] = np.stack(turned, axis=-1)
    power = _powers(positions, l_max, hidden, correlation, layers)
    reach = reach_on_graph("chain", correlation, l_max, layers, hidden_l_max=hidden, message_l_max=l_max)
    assert reach.at_centre is not None
    assert reach.through_leaves is not None
    for atom, bound in enumerate(
        (reach.through_leaves, reach.at_centre, reach.at_centre, reach.through_leaves)
    ):
        assert np.max(power[bound + 1 :, atom]) < 5e-29
    assert max(power[reach.bound, :]) > 1e-26


@pytest.mark.parametrize(("hidden", "layers"), [(1, 2), (2, 2)])
def test_a_direction_on_a_star_ends_at_the_bounds_of_centre_and_leaves(hidden: int, layers: int) -> None:
    """One neighbour goes round; the others stand near the axis, farther from it than the cutoff.

    Orders about the axis are at most l. Rounding of sums whose parts are a hundred times the result: below 1e-26.
    """
    positions = np.zeros((32, 4, 3))
    positions[:, 1] = 1.3 * np.stack([np.cos(_ANGLES), np.sin(_ANGLES), 0 * _ANGLES], axis=-1)
    positions[:, 2] = 1.3 * np.array([0.34, 0.0, np.sqrt(1 - 0.34**2)])
    positions[:, 3] = 1.3 * np.array([0.1, 0.32, -np.sqrt(1 - 0.1**2 - 0.32**2)])
    power = _powers(positions, 2, hidden, 2, layers)
    reach = reach_on_graph("star", 2, 2, layers, hidden_l_max=hidden, message_l_max=2)
    assert reach.at_centre == 2
    assert reach.through_leaves is not None
    assert power[2, 0] > 1e-14
    assert np.max(power[3:, 0]) < 1e-26
    assert np.max(power[reach.through_leaves + 1 :, 2:]) < 1e-26
