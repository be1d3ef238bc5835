"""Rotations: the quadrature integrates what it says, and no more; the samples are Haar."""

# The degree of a harmonic is called l.

import numpy as np
import pytest
from spectral_ceilings.numerics import haar_rotations, so3_quadrature, wigner_d_all
from spectral_ceilings.theory.errors import InputError


@pytest.mark.parametrize("degree", [0, 1, 2, 5, 8, 13])
def test_quadrature_integrates_every_matrix_element_to_its_degree(degree):
    """The mean of D^l over the group is zero for l >= 1."""
    quadrature = so3_quadrature(degree)
    assert quadrature.weights.sum() == pytest.approx(1, abs=1e-14)
    assert (quadrature.weights > 0).all()
    means = [
        np.einsum("n,nij->ij", quadrature.weights, d) for d in wigner_d_all(degree + 1, quadrature.rotations)
    ]
    for l in range(1, degree + 1):
        assert abs(means[l]).max() < 1e-14 * (l + 1)  # weighted means of numbers <= 1, each off by (l+1) eps
    assert abs(means[degree + 1]).max() > 1e-2  # one degree more is not integrated


def test_matrix_elements_are_orthogonal():
    """Integral of D^l D^l' is delta / (2l+1): Schur orthogonality, at total degree 2 x 4."""
    quadrature = so3_quadrature(8)
    elements = np.concatenate(
        [d.reshape(len(quadrature), -1) for d in wigner_d_all(4, quadrature.rotations)], axis=1
    )
    norms = np.concatenate([np.full((2 * l + 1) ** 2, 1 / (2 * l + 1)) for l in range(5)])
    gram = elements.T @ (quadrature.weights[:, None] * elements)
    assert abs(gram - np.diag(norms)).max() < 1e-14  # sums of 405 weighted products below 1


def test_haar_samples_are_rotations_with_the_right_moments():
    rotations = haar_rotations(20_000, np.random.default_rng(0))
    assert abs(np.swapaxes(rotations, 1, 2) @ rotations - np.eye(3)).max() < 4e-15
    assert np.linalg.det(rotations) == pytest.approx(1, abs=4e-15)
    for l, d in enumerate(wigner_d_all(3, rotations)):
        # elements have variance 1/(2l+1): six standard errors of the mean of 20,000 (81 elements tested)
        if l:
            assert abs(d.mean(axis=0)).max() < 6 / np.sqrt((2 * l + 1) * len(rotations))
            assert abs((d**2).mean(axis=0) - 1 / (2 * l + 1)).max() < 6 / np.sqrt(len(rotations))


def test_same_seed_same_rotations():
    assert (haar_rotations(5, np.random.default_rng(7)) == haar_rotations(5, np.random.default_rng(7))).all()


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="degree of the quadrature is -1"):
        so3_quadrature(-1)
    with pytest.raises(InputError, match="number of rotations is -2"):
        haar_rotations(-2, np.random.default_rng(0))
