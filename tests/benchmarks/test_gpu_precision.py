"""Products in float32 and TF32, emulated: what is rounded, what is not, and that the Gram matrices alone are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.gpu_precision import ROUNDOFF, CoarseProducts, coarse_grams, rounded
from spectral_ceilings.diagnostic.readouts import equivariant


@pytest.mark.parametrize("kind", ["float32", "tf32"])
def test_rounding_is_to_nearest_in_the_format(kind: str) -> None:
    x = torch.from_numpy(np.random.default_rng(0).standard_normal(10_000))
    error = ((rounded(x, kind).double() - x) / x).abs().max()  # type: ignore[arg-type]
    # to nearest: at most u; of 10,000 values some come within a half of it
    assert 0.5 * ROUNDOFF[kind] < error <= ROUNDOFF[kind] * (1 + 2.0**-10)
    exact = torch.arange(-1024.0, 1024.0, dtype=torch.float64)  # 10 bits of mantissa hold these
    assert torch.equal(rounded(exact, kind).double(), exact)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["float32", "tf32"])
def test_products_are_coarse_within_and_exact_behind(kind: str) -> None:
    rng = np.random.default_rng(1)
    a, b, c = (torch.from_numpy(rng.standard_normal((30, 30))) for _ in range(3))
    exact, added = a @ b, c + a @ b
    with CoarseProducts(kind) as mode:  # type: ignore[arg-type]
        product, sums = a @ b, c.clone().addmm_(a, b)
        stacked = torch.bmm(a[None], b[None])[0]
        einsum = torch.einsum("ij,jk->ik", a, b)
    assert mode.made == 4
    bound = 30 * 4 * ROUNDOFF[kind] * (a.abs() @ b.abs()).max()
    for made, known in ((product, exact), (stacked, exact), (einsum, exact), (sums, added)):
        assert ROUNDOFF[kind] * 1e-2 < (made - known).abs().max() <= bound
    assert torch.equal(a @ b, exact)


def test_float64_changes_nothing_and_the_gram_matrices_come_back() -> None:
    a = torch.from_numpy(np.random.default_rng(2).standard_normal((50, 20)))
    before = equivariant.gram_matrix
    exact = before(a)
    with coarse_grams("float64"):
        assert torch.equal(equivariant.gram_matrix(a), exact)
    with coarse_grams("float32"):
        assert not torch.equal(equivariant.gram_matrix(a), exact)
    assert equivariant.gram_matrix is before
