"""TensorNet, PaiNN and HEGNN: rotation spectra of readouts end at the degree times l_max, and no earlier.

TensorNet is that of torchmd-net and PaiNN that of schnetpack where they are installed; PaiNN and HEGNN are also written down here
from their papers, on e3nn's harmonics, so that the statement is tested everywhere.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from e3nn import o3
from numpy.typing import NDArray

from spectral_ceilings.numerics import rotation_spectrum, so3_quadrature
from spectral_ceilings.theory import architecture_ceiling

#: Features (rotations, features) of one atom of a molecule of four, turned by each rotation.
Features = Callable[[NDArray[np.float64]], NDArray[np.float64]]
_POSITIONS = np.random.default_rng(1).normal(size=(4, 3)) * 1.2
_NUMBERS = torch.tensor([6, 1, 8, 1])
_PAIRS = torch.tensor([(i, j) for i in range(4) for j in range(4) if i != j]).T


def _turned(rotations: NDArray[np.float64]) -> torch.Tensor:
    return torch.tensor(np.einsum("rij,aj->rai", rotations, _POSITIONS))


def _spectrum(features: Features, degree: int, top: int) -> NDArray[np.float64]:
    """Relative power by l of a product of `degree` random linear forms of the features, exact up to two above `top`."""
    l_max = top + 2
    quadrature = so3_quadrature(2 * l_max)
    values = features(quadrature.rotations)
    rng = np.random.default_rng(2)
    product = np.ones(len(values))
    for _ in range(degree):
        product = product * (1 + values / np.abs(values).max() @ rng.normal(size=values.shape[1]))
    power = rotation_spectrum(product, quadrature, l_max)
    return np.asarray(power / power.sum())


def _holds_the_ceiling(features: Features, degree: int, top: int) -> None:
    power = _spectrum(features, degree, top)
    # Float64: amplitudes err by about 1e-14 of the largest (some hundred operations), so power by 1e-28; what is reached lies
    # far above.
    assert power[top + 1 :].max() < 1e-26
    assert power[top] > 1e-14


@pytest.fixture(scope="module")
def tensornet() -> types.ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip("torchmdnet.models.tensornet", reason="torchmd-net is not installed")
    for name in ("compose_tensor", "decompose_tensor", "tensor_matmul_o3", "tensor_matmul_so3"):
        setattr(module, name, getattr(module, f"_{name}"))
    module.OPT = False  # the same formulas in plain torch, in float64
    return module


def _tensornet_features(module: types.ModuleType, group: str) -> Features:
    torch.manual_seed(0)
    model = module.TensorNet(
        hidden_channels=8, num_layers=2, num_rbf=8, cutoff_upper=5.0, max_num_neighbors=8, static_shapes=False,
        equivariance_invariance_group=group, dtype=torch.float64,
    ).double()  # fmt: skip
    caught: list[torch.Tensor] = []
    model.layers[-1].register_forward_hook(lambda layer, arguments, output: caught.append(output.detach()))

    def features(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = []
        for first in range(0, len(rotations), 64):
            turned = _turned(rotations[first : first + 64])
            with torch.no_grad():
                model(
                    _NUMBERS.repeat(len(turned)),
                    turned.reshape(-1, 3),
                    torch.arange(len(turned)).repeat_interleave(4),
                )
            parts.append(caught.pop().reshape(len(turned), 4, -1)[:, 0].numpy())
        return np.concatenate(parts)

    return features


@pytest.mark.parametrize("group", ["O(3)", "SO(3)"])
@pytest.mark.parametrize("degree", [1, 2])
def test_the_real_tensornet_ends_at_twice_the_degree(
    tensornet: types.ModuleType, group: str, degree: int
) -> None:
    top = architecture_ceiling("tensornet", degree)
    _holds_the_ceiling(_tensornet_features(tensornet, group), degree, top)


def test_the_real_tensornet_has_natural_parity_with_both_orders_only(tensornet: types.ModuleType) -> None:
    """Inversion transposes the matrices of YM + MY exactly (vectors change sign); those of YM alone hold pseudovectors too."""
    mirrored = {}
    for group in ("O(3)", "SO(3)"):
        features = _tensornet_features(tensornet, group)
        given, other = (features(sign * np.eye(3)[None]).reshape(3, 3, -1) for sign in (1, -1))
        mirrored[group] = np.abs(other - given.swapaxes(0, 1)).max() / np.abs(given).max()
    assert mirrored["O(3)"] < 1e-14  # a handful of roundings
    assert mirrored["SO(3)"] > 1e-6


@pytest.fixture(scope="module")
def painn() -> types.ModuleType:
    """schnetpack's module; the package's own start imports data loaders that newer versions of torch do not have."""
    specification = importlib.util.find_spec("schnetpack")
    if specification is None or specification.submodule_search_locations is None:
        pytest.skip("schnetpack is not installed")
    home = specification.submodule_search_locations[0]
    for name, folder in (("schnetpack", home), ("schnetpack.representation", f"{home}/representation")):
        package: Any = types.ModuleType(name)
        package.__path__ = [folder]
        sys.modules[name] = package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("schnetpack.representation.painn")


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_the_real_painn_ends_at_the_degree(painn: types.ModuleType, degree: int) -> None:
    nn = importlib.import_module("schnetpack.nn")
    torch.manual_seed(0)
    model = painn.PaiNN(8, 2, nn.GaussianRBF(8, 5.0), nn.CosineCutoff(5.0)).double()

    def features(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = _turned(rotations)
        first, second = ((end + 4 * torch.arange(len(turned))[:, None]).reshape(-1) for end in _PAIRS)
        places = turned.reshape(-1, 3)
        inputs = {
            "_atomic_numbers": _NUMBERS.repeat(len(turned)), "_Rij": places[second] - places[first], "_idx_i": first,
            "_idx_j": second,
        }  # fmt: skip
        with torch.no_grad():
            vectors = model(inputs)["vector_representation"]
        return np.asarray(vectors.reshape(len(turned), 4, -1)[:, 0].numpy())

    _holds_the_ceiling(features, degree, architecture_ceiling("painn", degree))


def _scalarised(l_max: int, layers: int, channels: int = 4) -> Features:
    """Return features of the scalarised layers of the papers: sums of harmonics, scaled by networks on inner products within l.

    With l_max = 1 they are PaiNN's vectors, with more HEGNN's; networks are random and of one hidden layer.
    """
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weights = [
        (
            draw(channels * (l_max + 1), 16),
            draw(16, channels * (l_max + 1)),
            draw(l_max + 1, channels, channels),
        )
        for _ in range(layers)
    ]
    radial = draw(channels * (l_max + 1))

    def features(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = _turned(rotations)
        receivers, senders = _PAIRS
        edges = turned[:, senders] - turned[:, receivers]
        lengths = edges.norm(dim=-1, keepdim=True)
        filters = torch.sin(lengths * radial).reshape(len(turned), -1, l_max + 1, channels)
        harmonics = [o3.spherical_harmonics(l, edges, True) for l in range(l_max + 1)]

        def gathered(values: torch.Tensor) -> torch.Tensor:
            total = torch.zeros(len(turned), 4, *values.shape[2:], dtype=torch.float64)
            return total.index_add(1, receivers, values)

        held = [gathered(filters[:, :, l, :, None] * harmonics[l][:, :, None, :]) for l in range(l_max + 1)]
        for inner, outer, mixing in weights:
            products = torch.cat([(h[:, receivers] * h[:, senders]).sum(-1) for h in held], dim=-1)
            gates = (torch.nn.functional.silu(products @ inner / 8) @ outer).reshape(
                len(turned), -1, l_max + 1, channels
            )
            held = [
                h
                + gathered(
                    gates[:, :, l, :, None] * torch.einsum("recm,cd->redm", h[:, senders], mixing[l]) / 8
                )
                for l, h in enumerate(held)
            ]
        return np.asarray(torch.cat([h[:, 0].flatten(1) for h in held], dim=-1).numpy())

    return features


@pytest.mark.parametrize(("l_max", "degree"), [(1, 1), (1, 3), (2, 2), (3, 1), (3, 2)])
def test_scalarised_layers_end_at_the_degree_times_l_max(l_max: int, degree: int) -> None:
    top = architecture_ceiling("hegnn", degree, l_max)
    _holds_the_ceiling(_scalarised(l_max, 2), degree, top)


def test_inner_products_do_not_see_how_degrees_are_turned_against_each_other() -> None:
    """All scalars of scalarised layers survive an orthogonal matrix of its own for each l; the determinant does not."""
    rng = np.random.default_rng(5)
    features = {l: rng.normal(size=(3, 2 * l + 1)) for l in (1, 2, 3)}
    turned = {
        l: values @ np.linalg.qr(rng.normal(size=(2 * l + 1,) * 2))[0] for l, values in features.items()
    }
    for l, values in features.items():
        assert np.allclose(values @ values.T, turned[l] @ turned[l].T, rtol=0, atol=1e-14)
    coupling = o3.wigner_3j(2, 2, 2, dtype=torch.float64).numpy()
    before, after = (np.einsum("ijk,i,j,k", coupling, *(h[2][0],) * 3) for h in (features, turned))
    assert abs(before - after) > 1e-2
