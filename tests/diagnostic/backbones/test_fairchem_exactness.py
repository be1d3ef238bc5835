"""Grids and SO(2) convolutions of the installed fairchem against what theory says of them, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from spectral_ceilings.diagnostic.backbones.fairchem_model import fairchem_session
from spectral_ceilings.numerics import (
    activation_values,
    grid_activation,
    grid_error_bound,
    haar_rotations,
    largest_value,
    rotation_miss,
    so2_convolution,
    wigner_d,
)
from spectral_ceilings.numerics.grid_activations import GridActivation, turn
from spectral_ceilings.theory import SphereGrid, fairchem_grid, fairchem_resolution, so2_couplings

from fairchem_models import WHY, absent

pytestmark = pytest.mark.skipif(absent(), reason=WHY)

#: Rounding of projections and Wigner matrices in float64.
ROUNDING = 1e-11


@pytest.fixture(autouse=True)
def in_double() -> Iterator[None]:
    """Work in float64: the weights of the grid are made in the default type."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(default)


class _Power(torch.nn.Module):
    def __init__(self, degree: int) -> None:
        super().__init__()
        self.degree = degree

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values**self.degree


def _grid(l_max: int, m_max: int, resolution: int | None, rescale: bool = True) -> Any:
    with fairchem_session():
        from fairchem.core.models.uma.common.so3 import SO3_Grid

    return SO3_Grid(l_max, m_max, resolution=resolution, rescale=rescale)


def _layer(l_max: int, resolution: int | None) -> GridActivation:
    """Fairchem's own matrices to the grid and back, as coefficients of harmonics with mean square 1."""
    grid = _grid(l_max, l_max, resolution)
    there, back = grid.to_grid_mat.numpy(), grid.from_grid_mat.numpy()
    polar, azimuthal, size = there.shape
    shape = SphereGrid("fejer", polar, azimuthal)
    root = np.sqrt(4 * np.pi)
    return GridActivation(
        shape, l_max, l_max, None, root * there.reshape(-1, size), back.reshape(-1, size).T / root
    )


def _features(l_max: int, number: int = 8) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(number, (l_max + 1) ** 2))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize(("l_max", "m_max"), [(2, 2), (6, 6), (6, 2), (4, 1)])
def test_the_default_grid_is_the_one_theory_knows(l_max: int, m_max: int) -> None:
    polar, azimuthal = _grid(l_max, m_max, None).to_grid_mat.shape[:2]
    assert SphereGrid("fejer", polar, azimuthal) == fairchem_grid(l_max, m_max)


@pytest.mark.parametrize(("l_max", "resolution"), [(2, None), (2, 8), (4, 14)])
def test_the_matrices_are_those_of_our_grid(l_max: int, resolution: int | None) -> None:
    theirs = _layer(l_max, resolution)
    ours = grid_activation(theirs.grid, l_max)
    assert np.abs(theirs.to_points - ours.to_points).max() < ROUNDING
    assert np.abs(theirs.to_coefficients - ours.to_coefficients).max() < ROUNDING


@pytest.mark.parametrize("l_max", [2, 4, 6])
@pytest.mark.parametrize("degree", [2, 3])
def test_a_power_is_exact_at_the_predicted_resolution_and_not_below(l_max: int, degree: int) -> None:
    x, rotations = _features(l_max), haar_rotations(8, np.random.default_rng(1))
    resolution = fairchem_resolution(degree, l_max)
    for setting in (resolution, resolution - 2, None):
        layer = _layer(l_max, setting)
        miss = rotation_miss(layer, lambda values: values**degree, x, rotations)
        exact = layer.grid.exact_degree(l_max) >= degree
        assert exact == (setting == resolution)
        assert (miss.max() < ROUNDING) if exact else (miss.min() > 1e-8)


@pytest.mark.parametrize(("l_max", "resolution"), [(2, None), (2, 12), (4, 20)])
def test_silu_keeps_to_its_bound(l_max: int, resolution: int | None) -> None:
    x, rotations = 2 * _features(l_max), haar_rotations(8, np.random.default_rng(1))
    layer = _layer(l_max, resolution)
    bound = grid_error_bound(layer.grid, "silu", largest_value(x, l_max), l_max)
    assert bound is not None
    assert rotation_miss(layer, partial(activation_values, "silu"), x, rotations).max() <= bound


@pytest.mark.parametrize(("resolution", "degree"), [(None, 1), (18, 7), (14, 5)])
def test_messages_need_azimuths_alone(resolution: int | None, degree: int) -> None:
    with fairchem_session():
        from fairchem.core.models.uma.nn.activation import S2Activation

    l_max, m_max = 4, 2
    layer = S2Activation(l_max, m_max, {"lmax_mmax": _grid(l_max, m_max, resolution)})
    polar, azimuthal = layer.SO3_grid["lmax_mmax"].to_grid_mat.shape[:2]
    assert SphereGrid("fejer", polar, azimuthal).exact_edge_degree(m_max) == degree
    orders = np.concatenate([np.arange(-l, l + 1) for l in range(l_max + 1)])
    kept = np.abs(orders) <= m_max
    x = _features(l_max) * kept
    c, s = np.cos(0.2), np.sin(0.2)  # no multiple of a step of 5, 14 or 18 azimuths
    about = np.tile([[c, 0, s], [0, 1, 0], [-s, 0, c]], (len(x), 1, 1))

    def output(features: np.ndarray, power: int) -> np.ndarray:
        layer.act = _Power(power)
        full = np.zeros_like(features)
        full[:, kept] = layer(torch.tensor(features[:, kept])[:, :, None]).numpy()[:, :, 0]
        return full

    for power, exact in ((degree, True), (degree + 1, False)):
        miss = np.linalg.norm(output(turn(x, about), power) - turn(output(x, power), about), axis=1)
        relative = miss / np.linalg.norm(output(x, power), axis=1)
        assert (relative.max() < ROUNDING) if exact else (relative.min() > 1e-9)


@pytest.mark.parametrize(("l_max", "m_max"), [(2, 0), (3, 1), (4, 2), (3, 3)])
def test_a_convolution_has_the_couplings_that_theory_counts(l_max: int, m_max: int) -> None:
    with fairchem_session():
        from fairchem.core.models.uma.common.so3 import CoefficientMapping
        from fairchem.core.models.uma.nn.so2_layers import SO2_Convolution

    torch.manual_seed(0)
    mapping = CoefficientMapping(l_max, m_max)
    layer = SO2_Convolution(1, 1, l_max, m_max, mapping)
    by_order = mapping.to_m.double()  # components of one order stand together inside
    orders = np.concatenate([np.arange(-l, l + 1) for l in range(l_max + 1)])
    kept = np.flatnonzero(np.abs(orders) <= m_max)
    # The layer is affine in its weights and linear in features, but for a bias of scalars: one matrix for each weight.
    matrices = []
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            for index in range(parameter.numel()):
                for other in layer.parameters():
                    other.zero_()
                if name.endswith("bias"):
                    continue
                parameter.view(-1)[index] = 1.0
                matrix = np.zeros(((l_max + 1) ** 2, (l_max + 1) ** 2))
                inner = layer(torch.eye(len(kept))[:, :, None], None)[:, :, 0].T
                matrix[np.ix_(kept, kept)] = (by_order.T @ inner @ by_order).numpy()
                matrices.append(matrix)
    maps = np.stack(matrices)
    rng = np.random.default_rng(2)
    for l_in in range(l_max + 1):
        for l_out in range(l_max + 1):
            couplings = so2_couplings(l_in, l_out, m_max)
            block = maps[:, l_out**2 : (l_out + 1) ** 2, l_in**2 : (l_in + 1) ** 2].reshape(len(maps), -1)
            assert np.linalg.matrix_rank(block, tol=1e-9) == couplings.kept
            ours = np.stack(
                [
                    so2_convolution([[0.0, 1.0, 0.0]], l_in, l_out, unit)[0].ravel()
                    for unit in np.eye(couplings.kept)
                ]
            )
            assert np.linalg.matrix_rank(np.concatenate([block, ours]), tol=1e-9) == couplings.kept
    # One network with random weights, turned about the axis of the frame: exactly equivariant.
    angle = 0.7
    about = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    drawn = np.tensordot(rng.normal(size=len(maps)), maps, axes=1)
    turned = np.zeros_like(drawn)
    for l in range(l_max + 1):
        part = slice(l * l, (l + 1) ** 2)
        turned[part, part] = wigner_d(l, about)
    assert np.abs(turned @ drawn - drawn @ turned).max() < ROUNDING
