"""Exact harmonics against SymPy, SciPy and e3nn, and the laws of harmonics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from e3nn import o3
from scipy.special import sph_harm_y

from spectral_ceilings.theory import InputError, complex_harmonic, real_harmonic

_AXES = sp.symbols("x y z", real=True)
_THETA, _PHI = sp.symbols("theta phi", real=True)
_EPS = float(np.finfo(np.float64).eps)


def _points(count: int) -> np.ndarray:
    points = np.random.default_rng(5).normal(size=(count, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("degree", range(5))
def test_complex_harmonics_equal_sympy(degree: int) -> None:
    polar = {
        _AXES[0]: sp.sin(_THETA) * sp.cos(_PHI),
        _AXES[1]: sp.sin(_THETA) * sp.sin(_PHI),
        _AXES[2]: sp.cos(_THETA),
    }
    for m in range(-degree, degree + 1):
        ours = complex_harmonic(degree, m, "integral").subs(polar)
        difference = (ours - sp.Ynm(degree, m, _THETA, _PHI).expand(func=True)).rewrite(sp.exp)
        assert sp.simplify(sp.expand(difference)) == 0


@pytest.mark.parametrize("degree", [6, 11])
def test_complex_harmonics_equal_scipy(degree: int) -> None:
    points = _points(20)
    theta, phi = np.arccos(points[:, 2]), np.arctan2(points[:, 1], points[:, 0])
    for m in range(-degree, degree + 1):
        ours = sp.lambdify(_AXES, complex_harmonic(degree, m, "integral"), "numpy")(*points.T)
        # Monomials of degree l cancel by at most 2^l before they add up to a value of size (2l+1)^(1/2).
        bound = 2**degree * (2 * degree + 1) * 8 * _EPS
        assert np.abs(ours - sph_harm_y(degree, m, theta, phi)).max() < bound


@pytest.mark.parametrize("degree", range(9))
def test_real_harmonics_equal_e3nn(degree: int) -> None:
    points = _points(20)
    expected = o3.spherical_harmonics(degree, torch.tensor(points), False, "component").numpy()
    for m in range(-degree, degree + 1):
        ours = sp.lambdify(_AXES, real_harmonic(degree, m).to_sympy(), "numpy")(*points.T)
        bound = 2**degree * (2 * degree + 1) * 8 * _EPS  # as above
        assert np.abs(ours - expected[:, degree + m]).max() < bound


@pytest.mark.parametrize("degree", range(7))
def test_real_harmonics_are_harmonic_and_add_up(degree: int) -> None:
    total: Any = 0
    for m in range(-degree, degree + 1):
        harmonic = real_harmonic(degree, m)
        polynomial = sp.expand(harmonic.to_sympy())
        assert sp.expand(sum(sp.diff(polynomial, axis, 2) for axis in _AXES)) == 0
        assert {sum(powers) for powers in harmonic.terms} == {degree}
        total += polynomial**2
    assert sp.expand(total - (2 * degree + 1) * sum(axis**2 for axis in _AXES) ** degree) == 0


def test_the_first_harmonics_are_the_axes() -> None:
    assert [real_harmonic(1, m).to_sympy() / sp.sqrt(3) for m in (-1, 0, 1)] == list(_AXES)
    assert real_harmonic(0, 0).to_sympy("integral") == 1 / sp.sqrt(4 * sp.pi)


@pytest.mark.parametrize(("degree", "m"), [(-1, 0), (2, 3), (2, -3), (2.0, 0), (2, 0.5), (True, 0), (65, 0)])
def test_wrong_labels_are_named(degree: int, m: int) -> None:
    for function in (real_harmonic, complex_harmonic):
        with pytest.raises(InputError, match=r"l = |m = "):
            function(degree, m)


def test_an_unknown_normalisation_is_named() -> None:
    with pytest.raises(InputError, match="'norm' is unknown"):
        complex_harmonic(1, 0, "norm")  # type: ignore[arg-type]
