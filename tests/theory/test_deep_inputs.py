"""Several layers on a star: the closed form against the sums of factors, and real tensor products that stop at the bound."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
import torch
from e3nn import o3

from spectral_ceilings.numerics import gauss_product_directions, real_harmonics
from spectral_ceilings.theory import (
    InputError,
    PolynomialLayer,
    attaining_energy,
    composed_input_bounds,
    deep_input_ceiling,
    input_ceiling,
    layer_factors,
    reach_on_graph,
)

_CASES = [(nu, top, layers) for nu in (1, 2, 3) for top in (1, 2, 3) for layers in (1, 2, 3)]


@pytest.mark.parametrize(("nu", "top", "layers"), _CASES)
def test_the_bound_is_that_of_the_other_functions(nu: int, top: int, layers: int) -> None:
    for l_out in (0, 1, top):
        ceiling = deep_input_ceiling(nu, top, layers, l_out)
        assert ceiling.boundary == composed_input_bounds([PolynomialLayer(nu, top)] * layers, l_out)[-1]
    assert deep_input_ceiling(nu, top, layers).boundary == top * (layer_factors(nu, layers) // 2)
    assert deep_input_ceiling(nu, top, 1, 1).boundary == input_ceiling(nu, top, 1).boundary


@pytest.mark.parametrize(("nu", "top"), [(2, 1), (2, 2), (3, 1), (3, 2), (4, 1)])
def test_uncut_layers_on_a_star_reach_it(nu: int, top: int) -> None:
    for layers in (1, 2):
        assert reach_on_graph("star", nu, top, layers).bound == deep_input_ceiling(nu, top, layers).boundary


@pytest.mark.parametrize(("nu", "top", "layers"), [case for case in _CASES if case[0] > 1])
def test_the_attaining_energy_has_the_degree_of_the_bound(nu: int, top: int, layers: int) -> None:
    """Its Legendre coefficients against SymPy's expansion of the power, and the count of its factors A and S."""
    ceiling = deep_input_ceiling(nu, top, layers)
    sums, others = nu**layers, sum(nu**t for t in range(1, layers))
    assert sums + others == ceiling.factors
    assert others < sums
    if ceiling.boundary > 30:
        return
    coefficients = attaining_energy(nu, top, layers)
    x = sp.Symbol("x")
    power = ((1 + sp.legendre(top, x)) / 2) ** (ceiling.factors // 2)
    rebuilt = sum(sp.Rational(str(value)) * sp.legendre(l, x) for l, value in enumerate(coefficients))
    assert sp.expand(power - rebuilt) == 0
    assert len(coefficients) - 1 == ceiling.boundary
    assert coefficients[-1] != 0
    assert sum(coefficients) == 1


@pytest.mark.parametrize("top", [1, 2])
def test_two_layers_of_real_tensor_products_stop_exactly_there(top: int) -> None:
    """Correlation 2, e3nn's full tensor products, nothing cut off: the energy of the second atom of a star, power by l."""
    torch.manual_seed(0)
    bound = deep_input_ceiling(2, top, 2).boundary
    sphere = gauss_product_directions(2 * bound + 6)
    moving = torch.tensor(sphere.directions)
    other = torch.tensor([[0.3, -0.5, 0.8]], dtype=torch.float64).expand(len(moving), 3)
    harmonics = o3.Irreps.spherical_harmonics(top)

    def full(left: o3.Irreps, right: o3.Irreps) -> o3.FullTensorProduct:
        usual = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)  # the coupling coefficients are kept in the default precision
        try:
            return o3.FullTensorProduct(left, right)
        finally:
            torch.set_default_dtype(usual)

    def of(vectors: torch.Tensor) -> torch.Tensor:
        return o3.spherical_harmonics(harmonics, vectors, normalize=True, normalization="norm")

    centre = of(moving) + of(other)
    squared = full(harmonics, harmonics)
    message = full(squared.irreps_out, harmonics)
    sent = message(squared(centre, centre), of(-other))
    parts: dict[tuple[int, int], list[torch.Tensor]] = {}
    for (_, irrep), place in zip(message.irreps_out, message.irreps_out.slices(), strict=True):
        copies = sent[:, place].reshape(len(moving), -1, irrep.dim)
        parts.setdefault((irrep.l, irrep.p), []).append(copies)
    energy = torch.zeros(len(moving), dtype=torch.float64)
    for blocks in parts.values():
        copies = torch.cat(blocks, dim=1)
        mixed = torch.einsum("ncm,cd->ndm", copies, torch.randn(copies.shape[1], copies.shape[1]).double())
        energy += (mixed * copies).sum((1, 2))
    values = energy.numpy() * sphere.weights
    amplitudes = real_harmonics(bound + 3, sphere.directions).T @ values
    power = np.array([(amplitudes[l * l : (l + 1) ** 2] ** 2).sum() for l in range(bound + 4)])
    power /= power.sum()
    # float64: amplitudes err by about 1e-14 of the largest, power by 1e-28
    assert power[bound + 1 :].max() < 1e-26
    assert power[bound] > 1e-14


def test_forces_have_one_degree_more_where_the_direction_moves() -> None:
    assert deep_input_ceiling(2, 2, 2).forces == {"moving": 7, "centre": 7, "others": 6}
    assert deep_input_ceiling(2, 1, 1, 2).attained is False
    assert deep_input_ceiling(1, 1, 2).attained is False
    assert attaining_energy(2, 2, 1)[:2] == (Fraction(1, 2), 0)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="multiply more than 1024 harmonics"):
        layer_factors(9, 9)
    with pytest.raises(InputError, match="l_out = 5 cannot be put out"):
        deep_input_ceiling(2, 2, 1, 5)
    with pytest.raises(InputError, match="have degree above 1024"):
        deep_input_ceiling(2, 256, 2)
    with pytest.raises(InputError, match="correlation = 1"):
        attaining_energy(1, 1, 1)
    with pytest.raises(InputError, match="beyond what is expanded"):
        attaining_energy(4, 4, 3)
