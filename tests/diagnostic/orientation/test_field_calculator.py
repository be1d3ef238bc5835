"""Fields on the axes of molecules: values, forces, stress, and the texts that name them."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.emt import EMT
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.calculators.lj import LennardJones
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import eval_legendre
from sympy import Symbol, diff, lambdify, legendre

from spectral_ceilings.diagnostic import ExponentialField, FieldCalculator, PlField, ToyField
from spectral_ceilings.diagnostic.orientation import parse_field
from spectral_ceilings.theory import InputError

FIELDS = [PlField(1, 0.3), PlField(4, -0.2), ExponentialField(-1.5, 0.1), ToyField(0.05)]
#: Central differences of step h = 1e-4 Å miss h^2/6 times a third derivative, at most 1e2 eV/Å^3 of fields of 0.3 eV, and
#: gain a rounding of 1e-16/h: 2e-7.
DIFFERENCES = 2e-7


def units(count: int = 40) -> np.ndarray:
    points = np.random.default_rng(0).normal(size=(count, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("l", [1, 2, 5, 12])
def test_pl_field_is_scipys_and_sympys(l):
    u, t = units(), Symbol("t")
    field = PlField(l, 0.7)
    # ten-term sums of numbers up to 1: rounding of a Legendre series of degree 12
    assert np.abs(field.energies(u) - 0.7 * eval_legendre(l, u[:, 2])).max() < 1e-13
    slope = lambdify(t, diff(legendre(l, t), t))
    assert np.abs(field.gradients(u)[:, 2] - 0.7 * slope(u[:, 2])).max() < 1e-11
    assert not field.gradients(u)[:, :2].any()


def test_toy_field_is_a_sum_of_exponentials():
    u = units()
    expected = 0.3 * (np.exp(u[:, 0]) + np.exp(u[:, 1] / 2) + np.exp(2 * u[:, 2]))
    assert np.allclose(ToyField(0.3).energies(u), expected, rtol=1e-15)
    gradient = 0.3 * np.stack([np.exp(u[:, 0]), 0.5 * np.exp(u[:, 1] / 2), 2 * np.exp(2 * u[:, 2])], axis=1)
    assert np.allclose(ToyField(0.3).gradients(u), gradient, rtol=1e-15)


@pytest.mark.parametrize("field", FIELDS, ids=str)
@pytest.mark.parametrize("name", ["H2O", "CO2", "CO", "CH3CH2OH", "NH3", "CH4"])
def test_forces_are_minus_the_gradient(field, name):
    rng = np.random.default_rng(4)
    atoms = molecule(name)
    calculator = FieldCalculator(None, field)
    calculator.get_potential_energy(
        atoms
    )  # perceives the molecule, and its reference shape, before it is deformed
    atoms.rotate(float(rng.uniform(0, 180)), rng.normal(size=3))
    atoms.positions += rng.normal(scale=0.08, size=atoms.positions.shape)
    atoms.calc = calculator
    forces = atoms.get_forces()
    assert np.abs(forces).max() > 1e-3
    assert np.abs(forces - calculate_numerical_forces(atoms, eps=1e-4)).max() < DIFFERENCES
    assert np.abs(forces.sum(axis=0)).max() < 1e-13


def periodic_water() -> Atoms:
    atoms = molecule("H2O") + molecule("H2O")
    atoms.positions[3:] = atoms.positions[3:, [2, 0, 1]] + [0.0, 1.0, 3.4]
    atoms.set_cell([[6.0, 0, 0], [1.0, 6.5, 0], [0.5, -0.4, 7.0]])
    atoms.pbc = True
    atoms.wrap()
    return atoms


def test_molecules_split_by_the_cell_feel_the_same():
    atoms = periodic_water()
    atoms.calc = FieldCalculator(None, ToyField(0.05))
    assert np.ptp(atoms.positions, axis=0).max() > 5.0
    forces = atoms.get_forces()
    assert np.abs(forces - calculate_numerical_forces(atoms, eps=1e-4)).max() < DIFFERENCES


def test_stress_is_the_derivative_by_strain():
    atoms = periodic_water()
    atoms.calc = FieldCalculator(None, ToyField(0.5))
    stress = atoms.get_stress()
    assert np.abs(stress).max() > 1e-4
    assert (
        np.abs(stress - calculate_numerical_stress(atoms, eps=1e-5)).max() < 1e-9
    )  # eps^2 and 1e-16 / eps / volume


def test_base_and_field_add():
    atoms = periodic_water()
    atoms.calc = LennardJones(sigma=1.0, epsilon=0.01, rc=3.0)
    base = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
    atoms.calc = FieldCalculator(None, "P2:0.1")
    field = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
    atoms.calc = FieldCalculator(LennardJones(sigma=1.0, epsilon=0.01, rc=3.0), PlField(2, 0.1))
    both = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
    for a, b, c in zip(base, field, both, strict=True):
        assert np.array_equal(np.asarray(a) + b, c)


def test_stress_where_there_is_none():
    class NoStress(EMT):
        implemented_properties = ["energy", "forces"]  # noqa: RUF012

    atoms = molecule("H2O")
    atoms.calc = FieldCalculator(NoStress(), "P1:0.1")
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_stress()
    atoms.calc = FieldCalculator(None, "P1:0.1")
    with pytest.raises(PropertyNotImplementedError, match="without a cell"):
        atoms.get_stress()


def test_batches_are_handed_on():
    class Many(EMT):
        def many(self, structures):
            return np.zeros(len(structures)), np.zeros((len(structures), 3, 3))

    turned = [molecule("H2O") for _ in range(3)]
    for k, atoms in enumerate(turned):
        atoms.rotate(40.0 * k, "x")
    energies, forces = FieldCalculator(Many(), "P1:0.1").many(turned)
    for k, atoms in enumerate(turned):
        atoms.calc = FieldCalculator(None, "P1:0.1")
        assert energies[k] == atoms.get_potential_energy()
        assert np.array_equal(forces[k], atoms.get_forces())
    assert not hasattr(FieldCalculator(EMT(), "P1:0.1"), "many")


def test_only_the_kind_that_is_named_feels_the_field():
    atoms = molecule("H2O") + molecule("CO2")
    atoms.positions[3:] += 8.0
    atoms.calc = FieldCalculator(None, "P1:0.1", kind=1)
    forces = atoms.get_forces()
    assert not forces[:3].any()
    assert atoms.get_potential_energy() == pytest.approx(0.1 * -1.0, abs=0.21)


def test_nothing_to_turn_is_refused():
    atoms = Atoms("Ar")
    atoms.calc = FieldCalculator(None, "P1:0.1")
    with pytest.raises(InputError, match="no molecule has an axis"):
        atoms.get_potential_energy()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("P2:0.01", PlField(2, 0.01)),
        (" P12 : -1e-3", PlField(12, -1e-3)),
        ("exp1:0.01", ExponentialField(1.0, 0.01)),
        ("exp-1.5:2", ExponentialField(-1.5, 2.0)),
        ("toy:0.0001", ToyField(0.0001)),
    ],
)
def test_texts_name_fields(text, field):
    assert parse_field(text) == field


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P2",
        "P0:1",
        "P65:1",
        "P-1:1",
        "Q2:1",
        "exp0:1",
        "exp101:1",
        "exp:1",
        "toy1:1",
        "P2:nan",
        "P2:inf",
        "exp1:x",
        "P٣:1",
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(InputError):
        parse_field(text)


@given(st.text(max_size=12) | st.from_regex(r"(P|exp|toy)[-0-9.e]{0,4}:[-0-9.einfa]{0,5}", fullmatch=True))
def test_any_text_is_a_field_or_refused(text):
    try:
        field = parse_field(text)
    except InputError:
        return
    assert np.isfinite(field.energies(np.array([0.0, 0.0, 1.0])))
