"""Orientations predicted from coefficients: closed forms, SciPy's quadrature, and what first order loses."""

from fractions import Fraction

import numpy as np
import pytest
from ase.build import molecule
from ase.units import kB
from scipy.integrate import dblquad
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic import (
    EnergyCoefficients,
    ExponentialField,
    FieldCalculator,
    PlField,
    ToyField,
    energy_coefficients,
    perceive_molecules,
    predict_orientations,
    shape_coefficients,
)
from spectral_ceilings.diagnostic.orientation.prediction import directions
from spectral_ceilings.theory import (
    InputError,
    dipole_mean,
    exponential_grades,
    first_order_mean,
    haar_mean_square_torque,
    mean_series,
)

T = 300.0
BETA = 1 / (kB * T)
#: Energies of up to 1 eV and a thousand sums: rounding. Where a quadrature is refined, its own bound, 1e-6.
ROUNDING, REFINED = 1e-12, 2e-6


def coefficients(field, l_top=4, name="H2O", turn=7):
    atoms = molecule(name)
    atoms.rotate(31.0 * turn, (1, 2, 3))
    perceived = perceive_molecules(atoms)
    return energy_coefficients(FieldCalculator(None, field), atoms, l_top, molecules=perceived)


@pytest.mark.parametrize("l", [1, 2, 3, 4])
def test_a_field_of_one_l_has_one_coefficient(l):
    given = coefficients(PlField(l, 0.02))
    expected = np.zeros((2 * l + 1, 2 * l + 1))
    expected[l, l] = 0.02 / (2 * l + 1)  # D^l_00 = P_l(u_z)
    for k, value in enumerate(given.values):
        assert np.abs(value - (expected if k == l else 0.0)).max() < ROUNDING
    assert given.grades()[l] == pytest.approx(0.02**2 / (2 * l + 1), rel=1e-10)
    assert given.unresolved < 1e-10
    assert given.error < ROUNDING


def test_powers_of_the_toy_field_are_those_of_theory():
    given = coefficients(ToyField(0.02), l_top=8)
    exact = [
        float(exponential_grades(l, [1, Fraction(1, 2), 2], Fraction(1, 50)).evalf(30)) for l in range(9)
    ]
    # what is aliased is at most the part above l = 8: 2^9 / 17!! of e^2, 4e-5 of the field
    assert np.sqrt(given.grades()[:7]) == pytest.approx(np.sqrt(exact[:7]), abs=1e-6)
    assert given.error < 1e-5


def test_aliasing_is_told():
    given = coefficients(PlField(6, 0.1), l_top=2)
    assert given.unresolved > 0.3 or given.error > 0.01
    assert given.error > 0.01


@pytest.mark.parametrize("turn", [0, 3])
def test_body_frame_does_not_depend_on_the_orientation_that_was_given(turn):
    first, second = coefficients(ToyField(0.02), 3, turn=turn), coefficients(ToyField(0.02), 3, turn=5)
    for a, b in zip(first.values, second.values, strict=True):
        # what is aliased from l >= 4 differs between the two; the rms over 16 rotations is within a factor of 3 of it
        assert np.abs(a - b).max() < 3 * (first.error + second.error)


def test_another_axis_of_the_body():
    """The coefficients in the frame as given, with the axis told in that frame, predict the same."""
    atoms = molecule("H2O")
    atoms.rotate(50, (1, 1, 0))
    perceived = perceive_molecules(atoms)
    calculator = FieldCalculator(None, ToyField(0.005))
    axis = perceived.axes(atoms.positions)[0, 0]
    given = predict_orientations(energy_coefficients(calculator, atoms, 4), T, axis)
    turned = predict_orientations(energy_coefficients(calculator, atoms, 4, molecules=perceived), T)
    assert np.abs(given.legendre - turned.legendre).max() < REFINED
    assert np.abs(given.free_energy - turned.free_energy).max() < 1e-9


@pytest.mark.parametrize("name", ["H2O", "CO", "CH4"])
def test_dipole_field_is_langevins(name):
    c = 0.02
    predicted = predict_orientations(coefficients(PlField(1, c), name=name), T)
    exact = [float(dipole_mean(l, BETA * c)) for l in range(1, 7)]
    assert np.abs(predicted.legendre - exact).max() < REFINED
    first = [float(first_order_mean(1, c, BETA)), 0, 0, 0, 0, 0]
    assert np.abs(predicted.legendre_first - first).max() < ROUNDING
    assert predicted.haar_torque == pytest.approx(float(haar_mean_square_torque({1: c**2 / 3})), rel=1e-9)
    # -kT c l(l+1) <P_l>
    assert predicted.canonical_torque == pytest.approx(-kB * T * c * 2 * exact[0], rel=1e-5)


@pytest.mark.parametrize("l", [2, 4])
def test_a_field_of_any_l_is_the_series_of_theory(l):
    c, order = 0.01, 12
    predicted = predict_orientations(coefficients(PlField(l, c)), T)
    for k in range(1, 7):
        series = mean_series({l: 1}, k, order)
        exact = sum(float(a) * (BETA * c) ** n for n, a in enumerate(series))
        # the next term is below (beta c)^13, .387^13 = 4e-6, times a coefficient below .01
        assert predicted.legendre[k - 1] == pytest.approx(exact, abs=REFINED)


def test_toy_field_against_scipys_quadrature():
    field = ToyField(0.01)
    predicted = predict_orientations(coefficients(field, 6), T)

    def weight(phi, t):
        return np.exp(-BETA * float(field.energies(directions(np.array([t]), np.array([phi])))[0]))

    partition = dblquad(weight, -1, 1, -np.pi, np.pi, epsabs=1e-7)[0]
    first = dblquad(lambda phi, t: t * weight(phi, t), -1, 1, -np.pi, np.pi, epsabs=1e-7)[0] / partition
    # l >= 7 of the field is beta c 2^7/15!! e^2 = 2e-4 of kT, and of it only odd l reach <P_1>
    assert predicted.legendre[0] == pytest.approx(first, abs=2e-4)
    map_exact = -np.log(
        4 * np.pi * np.array([[weight(p, t) for p in predicted.phi] for t in predicted.cos_theta]) / partition
    )
    assert np.abs(predicted.free_energy - map_exact).max() < 1e-3
    assert predicted.free_energy.shape == (8, 12)


def test_first_order_fails_in_a_strong_field_and_says_so():
    strong = predict_orientations(coefficients(ToyField(0.02), 6), T)
    assert not strong.valid
    assert "not valid" in strong.sentence
    weak = predict_orientations(coefficients(ToyField(0.0005), 6), T)
    assert weak.valid
    assert weak.beta_rms == pytest.approx(strong.beta_rms / 40, rel=1e-9)


def test_shapes_are_averaged_in_the_body_frame():
    """Shapes in random orientations: a field of u alone has the same coefficients in all of them."""
    rng = np.random.default_rng(2)
    reference = molecule("H2O")
    perceived = perceive_molecules(reference)
    shapes = []
    for _ in range(4):
        atoms = molecule("H2O")
        atoms.positions += rng.normal(scale=0.03, size=(3, 3))
        atoms.positions = atoms.positions @ Rotation.random(random_state=rng).as_matrix()
        shapes.append(atoms)
    given = shape_coefficients(FieldCalculator(None, PlField(2, 0.01)), shapes, perceived, 2)
    assert max(np.abs(c.values[2] - given[0].values[2]).max() for c in given) < ROUNDING
    predicted = predict_orientations(given, T)
    assert predicted.shapes == 4
    assert predicted.legendre_error.max() < REFINED
    assert predicted.beta_spread < 1e-5
    # signs that differ cancel: no orientation, and a torque all the same
    opposite = [
        *given,
        *(EnergyCoefficients(c.l_top, tuple(-v for v in c.values), c.variance, 0, None, 1) for c in given),
    ]
    nothing = predict_orientations(opposite, T)
    assert np.abs(nothing.legendre).max() < ROUNDING
    assert nothing.haar_torque == pytest.approx(predicted.haar_torque, rel=1e-9)
    assert nothing.canonical_torque == pytest.approx(predicted.haar_torque, rel=1e-9)
    assert nothing.beta_spread == pytest.approx(predicted.beta_rms, rel=1e-9)
    assert nothing.legendre_error[1] == pytest.approx(
        abs(predicted.legendre_first[1]) * np.sqrt(8 / 7 / 8), rel=1e-6
    )


def test_bad_input_is_refused():
    given = coefficients(PlField(1, 0.01), 1)
    for wrong in (lambda: predict_orientations([], T), lambda: predict_orientations(given, 0.0),
                  lambda: predict_orientations(given, T, (0, 0, 0)), lambda: coefficients(PlField(1, 0.1), 0),
                  lambda: predict_orientations([given, coefficients(PlField(1, 0.01), 2)], T),
                  lambda: predict_orientations(coefficients(PlField(1, 300.0), 1), T),
                  lambda: EnergyCoefficients.from_audit({})):  # fmt: skip
        with pytest.raises(InputError):
            wrong()


def test_strength_of_exponential_field_first_order():
    c = 0.002
    predicted = predict_orientations(coefficients(ExponentialField(1.0, c), 6), T)
    # i_1(1) = cosh 1 - sinh 1
    assert predicted.legendre_first[0] == pytest.approx(-BETA * c * np.exp(-1.0), abs=1e-8)


def test_what_no_l_holds_bounds_what_it_does_to_the_means():
    """A field with l above l_top folds into the coefficients: the exact <P_l> lie within the bound that is told."""
    strength, top = 0.004, 2
    for l in (3, 4):
        whole = predict_orientations(coefficients(PlField(l, strength), l), T)
        cut = predict_orientations(coefficients(PlField(l, strength), top), T)
        assert cut.unresolved > 0.1 * BETA * strength / np.sqrt(2 * l + 1)
        first = np.array([abs(a - b) for a, b in zip(whole.legendre_first, cut.legendre_first, strict=True)])
        # a root mean square over 16 rotations is within a factor of 2 of that over all, but for 1 in 10,000
        assert np.all(first <= 2 * cut.legendre_unresolved + ROUNDING)
        assert "undecided" in cut.sentence
        assert "undecided" not in whole.sentence
        # a field of l alone has the mean square torque l(l+1) c² / (2l+1)
        exact = l * (l + 1) * strength**2 / (2 * l + 1)
        assert whole.haar_torque == pytest.approx(exact, rel=1e-6)
    unknown = predict_orientations(
        energy_coefficients(FieldCalculator(None, PlField(1, strength)), molecule("H2O"), 2, checks=0),
        T,
    )
    assert (unknown.unresolved, unknown.legendre_unresolved, unknown.torque_unresolved) == (None, None, None)
    assert {"grades", "unresolved"} <= set(unknown.to_dict())
    assert "powers" not in unknown.to_dict()
