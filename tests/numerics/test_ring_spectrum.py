"""The transform along rings gives the numbers of the plain projection, which other tests hold against theory."""

import numpy as np
import pytest

from spectral_ceilings.numerics import (
    RotationSpectrum,
    SO3Quadrature,
    haar_rotations,
    so3_quadrature,
    wigner_d_all,
)
from spectral_ceilings.numerics.ring_spectrum import RingSpectrum
from spectral_ceilings.theory import InputError


@pytest.mark.parametrize("kind", ["product", "lebedev"])
@pytest.mark.parametrize("batch", [1000, 11, 7])
def test_it_is_the_plain_projection(kind: str, batch: int) -> None:
    quadrature = so3_quadrature(9, kind)  # type: ignore[arg-type]
    values = np.random.default_rng(0).standard_normal((len(quadrature), 3, 2))
    plain, rings = RotationSpectrum(quadrature, 4), RingSpectrum(quadrature, 4)
    plain.add(values)
    for start in range(0, len(quadrature), batch):
        assert rings.next_rotation == start
        rings.add(values[start : start + batch])
    # sums of fewer than 700 terms of size one in another order
    np.testing.assert_allclose(rings.power(), plain.power(), rtol=1e-12)
    np.testing.assert_allclose(rings.total(), plain.total(), rtol=1e-13)


def test_every_matrix_element_is_found_in_its_own_degree() -> None:
    quadrature = so3_quadrature(8)
    matrices = wigner_d_all(4, quadrature.rotations)
    values = np.concatenate([d.reshape(len(quadrature), -1) for d in matrices], axis=1)
    spectrum = RingSpectrum(quadrature, 4)
    spectrum.add(values)
    power = spectrum.power()
    start = 0
    for degree in range(5):
        own = power[:, start : start + (2 * degree + 1) ** 2]
        # the mean square of a matrix element of degree l is 1/(2l+1)
        np.testing.assert_allclose(own[degree], 1 / (2 * degree + 1), rtol=1e-12)
        assert np.delete(own, degree, axis=0).max() < 1e-28
        start += (2 * degree + 1) ** 2


def test_a_function_of_low_band_is_given_back_at_any_rotation() -> None:
    rng = np.random.default_rng(1)
    quadrature, others = so3_quadrature(8, "lebedev"), haar_rotations(20, rng)
    weights = [rng.standard_normal((2 * l + 1, 2 * l + 1)) for l in range(4)]

    def function(rotations: np.ndarray) -> np.ndarray:
        return sum(
            np.einsum("nij,ij->n", d, w) for d, w in zip(wigner_d_all(3, rotations), weights, strict=True)
        )

    spectrum = RingSpectrum(quadrature, 4)
    spectrum.add(function(quadrature.rotations))
    # 84 products of order one
    np.testing.assert_allclose(spectrum.interpolate(others), function(others), atol=1e-12)


def test_wrong_input_is_told() -> None:
    quadrature = so3_quadrature(4)
    with pytest.raises(InputError, match="l_max is 5 for a quadrature exact to degree 4"):
        RingSpectrum(quadrature, 5)
    with pytest.raises(InputError, match="2 l_max = 6 is above it"):
        RingSpectrum(quadrature, 3)
    with pytest.raises(InputError, match="values are complex"):
        RingSpectrum(quadrature, 2).add(np.zeros(75, dtype=complex))
    with pytest.raises(InputError, match="values are text"):
        RingSpectrum(quadrature, 2).add(np.array(["1"] * 75))
    spectrum = RingSpectrum(quadrature, 2)
    spectrum.add(np.zeros((3, 2)))
    with pytest.raises(InputError, match="the values at rotation 4 are not finite"):
        spectrum.add(np.array([[0.0, 1.0], [np.nan, 0.0]]))
    shuffled = SO3Quadrature(quadrature.rotations[::-1].copy(), quadrature.weights, 4)
    with pytest.raises(InputError, match="not rings of 5 steps about y"):
        RingSpectrum(shuffled, 2)
    spectrum = RingSpectrum(quadrature, 2)
    with pytest.raises(InputError, match="0 of 75 rotations have values"):
        spectrum.power()
    spectrum.add(np.zeros((70, 2)))
    with pytest.raises(InputError, match="trailing shape"):
        spectrum.add(np.zeros((1, 3)))
    with pytest.raises(InputError, match="6 values were added with 5 rotations left"):
        spectrum.add(np.zeros((6, 2)))
