"""The list of equivariant polynomials is complete, independent and equivariant."""

import numpy as np
import pytest
import torch
from e3nn import o3

from spectral_ceilings.diagnostic.readouts.equivariant_polynomials import EquivariantPolynomials
from spectral_ceilings.theory import InputError, readout_multiplicities

CASES = [
    ("3x0e+2x1o+2x2e", 1),
    ("3x0e+2x1o+2x2e", 2),
    ("2x0e+1x1e+2x1o+1x2e+1x2o", 2),
    ("2x0e+2x1o+1x2e", 3),
    ("1x0o+1x1e+1x1o+1x2e", 3),
    ("1x3o+1x2e", 3),
]


def kinds(irreps: str) -> list[tuple[int, int, int]]:
    return [(ir.l, ir.p, mul) for mul, ir in o3.Irreps(irreps)]


def samples(irreps: str, count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(count, c, 2 * l + 1)) for l, _, c in kinds(irreps)]


@pytest.mark.parametrize(("irreps", "degree"), CASES)
@pytest.mark.parametrize("parity", [1, -1])
def test_their_number_is_the_exact_multiplicity(irreps: str, degree: int, parity: int) -> None:
    exact = readout_multiplicities(irreps, degree)
    top = degree * max(l for l, _, _ in kinds(irreps))
    for l in range(top + 2):
        found = len(EquivariantPolynomials(kinds(irreps), degree, l, parity))
        assert found == exact.get((l, parity), 0)


def test_the_counts_of_a_nequip_layer() -> None:
    """PROTOCOL's pilot counts for 16 channels of l <= 2 with both parities and degree 2, natural parity."""
    layer = kinds("16x0e+16x1e+16x1o+16x2e+16x2o")
    assert [len(EquivariantPolynomials(layer, 2, l, (-1) ** l)) for l in range(6)] == [
        697,
        1296,
        1328,
        768,
        272,
        0,
    ]


@pytest.mark.parametrize(("irreps", "degree"), CASES)
def test_they_are_linearly_independent(irreps: str, degree: int) -> None:
    top = degree * max(l for l, _, _ in kinds(irreps))
    for l in range(top + 1):
        basis = EquivariantPolynomials(kinds(irreps), degree, l, (-1) ** l)
        if not len(basis):
            continue
        values = basis.evaluate(samples(irreps, len(basis) + 5, 1))
        matrix = values.reshape(-1, len(basis))
        singular = np.linalg.svd(matrix / np.linalg.norm(matrix, axis=0), compute_uv=False)
        # Dependent columns would leave a singular value at round-off, 1e-15 times the number of columns.
        assert singular[-1] > 1e-6


@pytest.mark.parametrize(("irreps", "degree"), CASES)
def test_they_turn_as_degree_l(irreps: str, degree: int) -> None:
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        # Angles, not those of a random matrix: near the poles an arc cosine would lose half of their digits.
        angles = torch.tensor([0.3, 1.1, -2.0], dtype=torch.float64)
        wigner = [o3.wigner_D(l, *angles).numpy() for l in range(11)]
    finally:
        torch.set_default_dtype(default)
    values = samples(irreps, 4, 2)
    turned = [v @ wigner[(v.shape[2] - 1) // 2].T for v in values]
    inverted = [v * p for v, (_, p, _) in zip(values, kinds(irreps), strict=True)]
    top = degree * max(l for l, _, _ in kinds(irreps))
    for l in range(top + 1):
        for parity in (1, -1):
            basis = EquivariantPolynomials(kinds(irreps), degree, l, parity)
            if not len(basis):
                continue
            before = basis.evaluate(values)
            scale = np.abs(before).max()
            # Products of at most 3 numbers of order 10 in float64, summed over at most 125 terms; e3nn's D at 1e-13.
            np.testing.assert_allclose(basis.evaluate(turned), wigner[l] @ before, atol=1e-11 * scale, rtol=0)
            np.testing.assert_allclose(basis.evaluate(inverted), parity * before, atol=1e-13 * scale, rtol=0)


def test_degree_four_is_refused() -> None:
    with pytest.raises(InputError, match="degree is 4"):
        EquivariantPolynomials([(0, 1, 2)], 4, 0, 1)
