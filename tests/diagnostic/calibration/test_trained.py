"""Laws of the synthetic calibration: nothing trained is above theory, and the closed form is theory."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.calibration.field import symmetric_field_of
from spectral_ceilings.diagnostic.calibration.trained import (
    CalibrationCell,
    CellSettings,
    _from_gram,
    _least_squares,
    calibrate_cell,
)
from spectral_ceilings.numerics import (
    gauss_product_directions,
    haar_directions,
    haar_rotations,
    monomial_matrix,
    real_harmonics,
)
from spectral_ceilings.theory import reaches
from spectral_ceilings.theory.errors import InputError
from spectral_ceilings.theory.symmetric_fields import symmetric_field

SMALL = {"samples": 1500, "held_out": 1500, "width": 32}


@pytest.mark.parametrize(("degree", "l_max"), [(1, 5), (2, 3), (3, 2), (5, 1), (2, 2), (4, 1), (1, 4)])
def test_a_trained_network_is_on_the_side_of_theory_and_never_above_it(degree, l_max):
    cell = calibrate_cell(CellSettings(degree=degree, l_max=l_max, steps=500, **SMALL))
    assert cell.theory == int(reaches("C5", degree, l_max))
    # The best polynomial of this degree on the held-out directions themselves bounds every other one there.
    assert cell.r2 <= cell.largest_possible + 1e-12
    # Over the sphere the field is orthogonal to everything below it: no sampling band is left, only rounding.
    assert cell.r2_sphere <= cell.theory + 1e-12
    # A polynomial evaluated in float64: amplitudes are good to about 1e-13 of its size, powers to the square of that.
    assert cell.above < 1e-24
    assert cell.agrees
    assert cell.status == ("learned" if cell.theory else "not representable")


@pytest.mark.parametrize("activation", ["silu", "tanh"])
def test_a_network_that_is_no_polynomial_has_no_ceiling(activation):
    cell = calibrate_cell(CellSettings(activation=activation, steps=800, **SMALL))
    assert cell.theory is None
    assert cell.r2 > 0.99
    assert cell.above > 0.5  # the field itself lies above dL = 4
    assert cell.status == "no ceiling"


@pytest.mark.parametrize("symbol", ["C5", "C3v", "D4", "T", "O", "I"])
def test_the_closed_form_is_theory(symbol):
    """Rounded to 0 or 1, it equals the exact value; the least squares of N directions leave about p / N of noise."""
    for degree, l_max in ((1, 2), (1, 4), (2, 2), (3, 1), (2, 3), (3, 2)):
        cell = calibrate_cell(CellSettings(symbol, degree=degree, l_max=l_max, steps=1, **SMALL))
        assert round(cell.closed_form_sphere) == round(cell.closed_form) == cell.theory
        assert cell.theory == int(reaches(symbol, degree, l_max))
        span = (degree * l_max + 1) ** 2
        if cell.theory:
            # 1,500 directions determine at most 49 numbers with a condition below ten.
            assert cell.closed_form_sphere == pytest.approx(1.0, abs=1e-20 + 1e2 * np.finfo(float).eps)
        else:
            # The p fitted numbers are means of Y f over N directions: variance E[Y^2 f^2] / N, at most max(f^2) / N, which is
            # below 12 for these fields; four standard deviations of a sum of p squares.
            assert -12 * (span + 4 * np.sqrt(2 * span)) / 1500 < cell.closed_form_sphere < 0.0
        # Even and odd parts hold the power of the fit, and a wanted field has the parity of its degree.
        own, other = cell.closed_form_even, cell.closed_form_odd
        if cell.theory:
            assert (own, other) == pytest.approx((1, 0) if cell.field_l % 2 == 0 else (0, 1), abs=1e-12)


@pytest.mark.parametrize(("degree", "l_max"), [(2, 2), (2, 3), (3, 2), (5, 1)])
def test_all_monomials_and_the_harmonics_of_the_span_fit_the_same_function(degree, l_max):
    cell = calibrate_cell(CellSettings(degree=degree, l_max=l_max, steps=1, noise=0.5, **SMALL))
    # Eigenvalues are kept above 1e-11 of the largest, so that coefficients are good to 1e-16 / 1e-11 = 1e-5, R2 to its square.
    assert cell.monomials == pytest.approx(cell.closed_form, abs=1e-8)


def test_fits_do_not_depend_on_the_orientation_of_the_axes():
    rng = np.random.default_rng(0)
    directions, turn = haar_directions(400, rng), haar_rotations(1, rng)[0]
    target = symmetric_field_of("C5").values(directions) + rng.normal(size=400)
    fitted = []
    for points in (directions, directions @ turn.T):
        columns = real_harmonics(4, points)
        monomials = monomial_matrix(points, 2, 2)
        fitted.append((columns @ _least_squares(columns, target), monomials @ _from_gram(monomials, target)))
    for one, other in zip(*fitted, strict=True):
        assert one == pytest.approx(other, abs=1e-8)
    assert fitted[0][0] == pytest.approx(fitted[0][1], abs=1e-8)


@pytest.mark.parametrize("symbol", ["C1", "C2", "C5", "C4v", "D3", "D4", "D5", "T", "Td", "O", "I", "Ih"])
def test_a_field_is_that_of_theory_with_mean_square_one(symbol):
    field = symmetric_field_of(symbol)
    points = haar_directions(40, np.random.default_rng(1))
    exact = sp.lambdify(sp.symbols("x y z", real=True), symmetric_field(symbol), "numpy")(*points.T)
    ratio = field.values(points) / exact
    assert ratio == pytest.approx(ratio[0], rel=1e-9)  # up to a factor; 40 points, none within 1e-4 of a node
    grid = gauss_product_directions(2 * field.l + 4)
    values = field.values(grid.directions)
    amplitudes = real_harmonics(field.l + 2, grid.directions).T @ (grid.weights * values)
    assert np.sum(amplitudes[field.l**2 : (field.l + 1) ** 2] ** 2) == pytest.approx(1.0, abs=1e-12)
    assert np.sum(amplitudes**2) == pytest.approx(1.0, abs=1e-12)


def test_seeds_and_cells_repeat():
    first, again, other = (calibrate_cell(CellSettings(steps=20, seed=s, **SMALL)) for s in (1, 1, 2))
    assert first.r2 == again.r2
    assert first.closed_form == again.closed_form != other.closed_form
    assert CalibrationCell.from_dict(first.to_dict()) == first


def test_a_network_that_did_not_learn_is_told_from_a_field_that_cannot_be():
    cell = calibrate_cell(CellSettings(degree=2, l_max=3, steps=5, **SMALL))
    assert cell.theory == 1
    assert cell.closed_form > 0.99 > cell.r2
    assert cell.status == "not learned"
    assert not cell.agrees


def test_noise_on_the_targets_is_not_in_the_truth():
    cell = calibrate_cell(CellSettings(degree=2, l_max=3, steps=1, noise=1.0, **SMALL))
    # 49 coefficients from 1,500 samples of noise variance one: an error of 49 / 1500 = 0.03.
    assert 1 - 2 * 49 / 1500 < cell.closed_form_sphere < 1 - 0.5 * 49 / 1500


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"degree": 6}, "degree of the calibration is 6: give an integer from 1 to 5"),
        ({"l_max": 0}, "l_max of the calibration is 0"),
        ({"field": "C26"}, "a field of C26 with l = 26 is above every ceiling"),
        ({"field": "Q"}, "point group 'Q' is unknown"),
        ({"field": "O", "field_l": 5}, "O has no field of its own with l = 5: the smallest l is 4"),
        ({"depth": 2}, "depth is 2: a polynomial readout of degree 2 has one layer"),
        ({"noise": -1.0}, "noise is -1.0"),
    ],
)
def test_a_wrong_setting_is_named(wrong, message):
    with pytest.raises(InputError, match=message):
        CellSettings(**wrong)


@settings(max_examples=80, deadline=None)
@given(
    st.text(max_size=4) | st.sampled_from(["C5", "C7v", "D3", "I"]),
    st.none() | st.integers(-3, 30) | st.floats(),
)
def test_any_symbol_gives_a_field_or_one_sentence(symbol, l):
    try:
        field = symmetric_field_of(symbol, l)
    except InputError as error:
        sentence = str(error)
        assert "\n" not in sentence
        assert symbol in sentence or repr(symbol) in sentence or repr(l) in sentence
        return
    grid = gauss_product_directions(2 * field.l)
    values = field.values(grid.directions)
    coefficients = (grid.weights * values) @ real_harmonics(field.l, grid.directions)
    # All of its mean square, 1, lies in degree l: rounding of sums over the grid, of less than 2e3 terms.
    assert grid.weights @ values**2 == pytest.approx(1.0, abs=1e-12)
    assert (coefficients[field.l**2 :] ** 2).sum() == pytest.approx(1.0, abs=1e-12)
