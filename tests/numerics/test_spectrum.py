"""The rotation spectrum: exact for band-limited functions, bounded aliasing for others."""

# The degree of a harmonic is called l.

import numpy as np
import pytest
import torch

from spectral_ceilings.numerics import RotationSpectrum, rotation_spectrum, so3_quadrature, wigner_d_all
from spectral_ceilings.theory.errors import InputError


@pytest.fixture(scope="module")
def band_limited():
    """Functions with known coefficients, grades 0..4, on a quadrature of degree 10."""
    rng = np.random.default_rng(0)
    quadrature = so3_quadrature(10)
    values, power = np.zeros((len(quadrature), 3)), np.zeros((7, 3))
    for l, d in enumerate(wigner_d_all(4, quadrature.rotations)):
        coefficients = rng.standard_normal((2 * l + 1, 2 * l + 1, 3))
        values += np.einsum("nij,ijk->nk", d, coefficients)
        power[l] = (coefficients**2).sum(axis=(0, 1)) / (2 * l + 1)
    return quadrature, values, power


def test_power_is_exact(band_limited):
    """Grade 4 and l_max 6 need degree 10. Rounding: amplitudes carry about 1e-14 of the largest value."""
    quadrature, values, power = band_limited
    measured = rotation_spectrum(values, quadrature, 6, band=4)
    scale = abs(values).max()
    assert abs(np.sqrt(measured) - np.sqrt(power)).max() < 1e-13 * scale
    assert (measured[5:] < (1e-14 * scale) ** 2 * 1e3).all()


def test_total_is_the_sum_of_powers(band_limited):
    quadrature, values, power = band_limited
    spectrum = RotationSpectrum(quadrature, 4)
    spectrum.add(values)
    assert spectrum.total() == pytest.approx(power.sum(axis=0), rel=1e-13)


def test_batches_give_the_same(band_limited):
    quadrature, values, _ = band_limited
    whole = rotation_spectrum(values, quadrature, 5)
    for kind in (np.asarray, torch.from_numpy):
        spectrum = RotationSpectrum(quadrature, 5)
        while spectrum.next_rotation < len(quadrature):
            start = spectrum.next_rotation
            spectrum.add(kind(values[start : start + 77]))
        assert spectrum.power() == pytest.approx(whole, rel=1e-12, abs=1e-26)


def test_torch_gradients_and_float32_are_accepted(band_limited):
    quadrature, values, power = band_limited
    tensor = torch.from_numpy(values).float().requires_grad_()
    measured = rotation_spectrum(tensor, quadrature, 5)
    # float32 rounds each value by 6e-8 of it; random, so far less in the mean
    assert abs(np.sqrt(measured) - np.sqrt(power[:6])).max() < 6e-8 * abs(values).max()


def test_complex_values_and_trailing_shapes(band_limited):
    quadrature, values, power = band_limited
    pair = (values[:, 0] + 1j * values[:, 1]).reshape(-1, 1, 1)
    measured = rotation_spectrum(pair, quadrature, 4)
    assert measured.shape == (5, 1, 1)
    assert measured[:, 0, 0] == pytest.approx(power[:5, 0] + power[:5, 1], rel=1e-12)
    as_torch = rotation_spectrum(torch.from_numpy(pair), quadrature, 4)
    assert as_torch == pytest.approx(measured, rel=1e-12)


def test_aliasing_stays_below_its_bound():
    """Grades above q - l_max disturb sqrt(P_l) by no more than their discrete norm."""
    rng = np.random.default_rng(1)
    quadrature, l_max = so3_quadrature(8), 4
    low, high = np.zeros(len(quadrature)), np.zeros(len(quadrature))
    for l, d in enumerate(wigner_d_all(12, quadrature.rotations)):
        part = np.einsum("nij,ij->n", d, rng.standard_normal((2 * l + 1, 2 * l + 1)))
        low, high = (low + part, high) if l <= 8 - l_max else (low, high + part)
    true = rotation_spectrum(low, quadrature, l_max)
    disturbed = rotation_spectrum(low + high, quadrature, l_max)
    bound = np.sqrt(quadrature.weights @ high**2)
    change = abs(np.sqrt(disturbed) - np.sqrt(true))
    assert (change <= bound).all()
    assert change.max() > 0.01 * bound  # there is aliasing to bound


def test_a_quadrature_too_coarse_for_orthonormal_elements_is_refused(band_limited):
    """With 2 l_max > q two matrix elements look alike: one function fills several grades, more than its total."""
    quadrature, values, _ = band_limited
    for l_max in (6, 10):
        with pytest.raises(InputError, match=f"2 l_max = {2 * l_max} is above it, .* give 0 to 5"):
            rotation_spectrum(values, quadrature, l_max)
    with pytest.raises(InputError, match=r"band \+ l_max = 5 \+ 6 is above it"):
        rotation_spectrum(values, quadrature, 6, band=5)
    # What it is refused for: a function of grade 6 alone, on a quadrature that cannot tell.
    element = wigner_d_all(6, quadrature.rotations)[6][:, 0, 0]
    wrong = RotationSpectrum(quadrature, 6, band=0)  # a false promise
    wrong.add(element)
    assert wrong.power().sum() > 1.1 * wrong.total()


@pytest.mark.parametrize("kind", [int, np.int64, np.int32, np.uint8])
def test_every_librarys_integers_are_integers(band_limited, kind):
    quadrature, values, _ = band_limited
    assert (rotation_spectrum(values, quadrature, kind(5)) == rotation_spectrum(values, quadrature, 5)).all()


@pytest.mark.parametrize("l_max", [2.0, 2.5, float("nan"), 2 + 0j, "2", None, True, np.float64(2), [2]])
def test_what_is_no_integer_is_refused(band_limited, l_max):
    quadrature, values, _ = band_limited
    with pytest.raises(InputError, match=r"l_max is .*, which is no integer: give an integer"):
        rotation_spectrum(values, quadrature, l_max)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("text", "values are text"),
        (np.array(["1.5"] * 726), "values are text"),
        (None, "values are of type object"),
        (3.0, "1 values were given for 726 rotations"),
        ([[1.0], [2.0, 3.0]], "values are not numbers"),
        (np.where(np.arange(726) == 9, np.nan, 1.0), "the values at rotation 9 are not finite"),
        (np.where(np.arange(726) == 4, np.inf * 1j, 1.0), "the values at rotation 4 are not finite"),
        (torch.full((726, 2), torch.nan), "the values at rotation 0 are not finite"),
    ],
)
def test_values_that_are_no_numbers_are_refused(band_limited, values, message):
    with pytest.raises(InputError, match=message):
        rotation_spectrum(values, band_limited[0], 2)
    with pytest.raises(InputError, match="quadrature is 10"):
        rotation_spectrum(values, 10, 2)


def test_wrong_input_is_named(band_limited):
    quadrature, values, _ = band_limited
    with pytest.raises(InputError, match="l_max is 11 for a quadrature exact to degree 10"):
        RotationSpectrum(quadrature, 11)
    with pytest.raises(InputError, match="7 values were given"):
        rotation_spectrum(values[:7], quadrature, 2)
    spectrum = RotationSpectrum(quadrature, 2)
    with pytest.raises(InputError, match="0 of 726 rotations"):
        spectrum.power()
    spectrum.add(values)
    with pytest.raises(InputError, match="0 rotations left"):
        spectrum.add(values[:1])
    spectrum = RotationSpectrum(quadrature, 2)
    spectrum.add(values[:5])
    with pytest.raises(InputError, match="trailing shape"):
        spectrum.add(values[:5, :2])
