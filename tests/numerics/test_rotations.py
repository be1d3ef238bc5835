"""Rotations: the quadrature integrates what it says, and no more; the samples are Haar."""

# The degree of a harmonic is called l.

import numpy as np
import pytest

from spectral_ceilings.numerics import haar_rotations, so3_quadrature, wigner_d_all
from spectral_ceilings.theory.errors import InputError


@pytest.mark.parametrize("kind", ["product", "lebedev"])
@pytest.mark.parametrize("degree", [0, 1, 2, 5, 8, 13])
def test_quadrature_integrates_every_matrix_element_to_its_degree(degree, kind):
    """The mean of D^l over the group is zero for l >= 1."""
    quadrature = so3_quadrature(degree, kind)
    assert quadrature.weights.sum() == pytest.approx(1, abs=1e-14)
    assert (quadrature.weights > 0).all()
    means = [
        np.einsum("n,nij->ij", quadrature.weights, d) for d in wigner_d_all(degree + 1, quadrature.rotations)
    ]
    for l in range(1, degree + 1):
        assert abs(means[l]).max() < 1e-14 * (l + 1)  # weighted means of numbers <= 1, each off by (l+1) eps
    assert abs(means[degree + 1]).max() > 1e-2  # one degree more is not integrated: gamma takes too few steps


def test_lebedev_takes_fewer_rotations():
    product, lebedev = so3_quadrature(29), so3_quadrature(29, "lebedev")
    assert len(lebedev) == 302 * 30 < 0.7 * len(product)


def test_rules_with_negative_weights_are_passed_over():
    """Degree 25 has negative weights, and so does 27: the next rule with positive ones is of degree 29."""
    assert len(so3_quadrature(25, "lebedev")) == 302 * 26
    assert (so3_quadrature(25, "lebedev").weights > 0).all()


@pytest.mark.parametrize("kind", ["product", "lebedev"])
def test_quadrature_nodes_are_rotations(kind):
    """Poles of the Lebedev rule included; entries are sums of three products below 1."""
    rotations = so3_quadrature(7, kind).rotations
    assert abs(np.swapaxes(rotations, 1, 2) @ rotations - np.eye(3)).max() < 8 * np.finfo(float).eps
    assert np.linalg.det(rotations) == pytest.approx(1, abs=1e-14)


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
    with pytest.raises(InputError, match="no Lebedev rule is exact to degree 132"):
        so3_quadrature(132, "lebedev")
    with pytest.raises(InputError, match="kind of quadrature 'design' is unknown"):
        so3_quadrature(3, "design")
    with pytest.raises(InputError, match="number of rotations is -2"):
        haar_rotations(-2, np.random.default_rng(0))
