"""The complex basis of textbooks: SciPy's harmonics, exponentials of angular momentum, and the powers of a spectrum."""

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

from spectral_ceilings.numerics import RotationSpectrum, complex_basis, so3_quadrature, wigner_d, wigner_d_all

#: A few products of unitary matrices of size up to 13: a hundred roundings.
ROUNDING = 1e-13


def harmonics(l, v):
    return np.array([sph_harm_y(l, m, np.arccos(v[2]), np.arctan2(v[1], v[0])) for m in range(-l, l + 1)])


@pytest.mark.parametrize("l", range(7))
def test_harmonics_of_a_turned_direction_are_scipys(l):
    rng = np.random.default_rng(l)
    turn = Rotation.random(random_state=rng).as_matrix()
    r = rng.normal(size=3)
    r /= np.linalg.norm(r)
    basis = complex_basis(l)
    d = (basis @ wigner_d(l, turn) @ basis.conj().T).conj()
    assert np.abs(basis @ basis.conj().T - np.eye(2 * l + 1)).max() < ROUNDING
    assert np.abs(harmonics(l, turn @ r) - d.conj() @ harmonics(l, r)).max() < ROUNDING


@pytest.mark.parametrize("l", range(5))
def test_the_matrices_are_exponentials_of_angular_momentum(l):
    alpha, beta, gamma = 0.7, 1.1, -0.4
    turn = Rotation.from_euler("ZYZ", [alpha, beta, gamma]).as_matrix()
    basis, m = complex_basis(l), np.arange(-l, l + 1)
    d = (basis @ wigner_d(l, turn) @ basis.conj().T).conj()
    # J_y = (J_+ - J_-) / 2i in the basis -l..l with the phases of Condon and Shortley
    rise = np.diag(np.sqrt(l * (l + 1) - m[:-1] * (m[:-1] + 1.0)), -1)
    small = expm(-0.5 * beta * (rise - rise.T))
    expected = np.exp(-1j * alpha * m)[:, None] * small * np.exp(-1j * gamma * m)
    assert np.abs(d - expected).max() < 1e-12  # the exponential of a matrix


def test_coefficients_give_back_the_function_and_its_power():
    rng = np.random.default_rng(0)
    rule = so3_quadrature(6)
    planted = [rng.normal(size=(2 * l + 1, 2 * l + 1)) for l in range(4)]
    matrices = wigner_d_all(3, rule.rotations)
    values = sum(
        (2 * l + 1) * np.einsum("ij,nij->n", v, d)
        for l, (v, d) in enumerate(zip(planted, matrices, strict=True))
    )
    spectrum = RotationSpectrum(rule, 3)
    spectrum.add(values)
    measured = spectrum.coefficients()
    assert (
        max(np.abs(a - b).max() for a, b in zip(measured, planted, strict=True)) < 1e-12
    )  # sums of 300 terms of size 30
    powers = [(2 * l + 1) * np.sum(v**2) for l, v in enumerate(measured)]
    assert np.allclose(powers, spectrum.power(), rtol=1e-14)
    turned = [complex_basis(l) @ v @ complex_basis(l).conj().T for l, v in enumerate(measured)]
    assert np.allclose(
        [(2 * l + 1) * np.sum(np.abs(v) ** 2) for l, v in enumerate(turned)], powers, rtol=1e-13
    )


def test_coefficients_of_many_functions_keep_their_shape():
    rule = so3_quadrature(2)
    spectrum = RotationSpectrum(rule, 1)
    spectrum.add(rule.rotations)  # nine functions, the elements of D_1
    first = spectrum.coefficients()[1]
    assert first.shape == (3, 3, 3, 3)
    assert np.abs(first - np.einsum("ik,jl->ijkl", np.eye(3), np.eye(3)) / 3).max() < 1e-15
