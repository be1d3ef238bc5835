"""Angular terms: the energy by neighbours from ASE and polynomials from SciPy, forces and stress as its derivatives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.neighborlist import neighbor_list
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.injection import angular_terms
from spectral_ceilings.diagnostic.injection.angular_terms import angular_fields, envelope, legendre

DEGREES = (1, 2, 3, 4, 5, 6)


def frames_of(atoms: Atoms, count: int = 2, seed: int = 0, size: float = 0.1) -> Frames:
    rng = np.random.default_rng(seed)
    positions = np.array(
        [atoms.positions + size * rng.normal(size=atoms.positions.shape) for _ in range(count)]
    )
    cells = np.repeat(np.asarray(atoms.cell)[None], count, axis=0) if atoms.pbc.any() else None
    return Frames(
        np.array(atoms.numbers, dtype=np.int64), positions, np.zeros_like(positions), None, "made", "1" * 64, "eV",
        cells=cells, pbc=tuple(atoms.pbc),
    )  # fmt: skip


#: A molecule; a cell of one atom, which is its own neighbour; a slab, periodic in two directions.
CASES = {
    "molecule": (frames_of(molecule("CH3CH2OH")), 1.9),
    "one atom": (frames_of(bulk("Si", cubic=False), size=0.05), 4.1),
    "crystal": (frames_of(bulk("LiF", "rocksalt", a=4.0)), 2.6),
    "slab": (frames_of(Atoms("Cu3", [[0, 0, 0], [1.5, 0, 0.3], [0, 1.4, 0.9]], cell=[3, 3.2, 0], pbc=(1, 1, 0))), 2.5),
}  # fmt: skip


def by_ase(frames: Frames, index: int, l: int, cutoff: float) -> float:
    """The sum over pairs of neighbours as it is written, one pair at a time."""
    atoms = frames.to_ase()[index]
    first, vectors = neighbor_list("iD", atoms, cutoff)
    total = 0.0
    for i in range(len(atoms)):
        mine = vectors[first == i]
        r = np.linalg.norm(mine, axis=1)
        x = r / cutoff
        f = 1 - 28 * x**6 + 48 * x**7 - 21 * x**8
        for j in range(len(mine)):
            for k in range(j):
                total += eval_legendre(l, mine[j] @ mine[k] / (r[j] * r[k])) * f[j] * f[k]
    return total


@pytest.mark.parametrize("name", CASES)
def test_the_energy_is_the_sum_that_is_written(name: str) -> None:
    frames, cutoff = CASES[name]
    fields = angular_fields(frames, DEGREES, cutoff)
    for k, l in enumerate(DEGREES):
        expected = [by_ase(frames, n, l, cutoff) for n in range(len(frames))]
        # at most some thousand pairs of size 1, each rounded to 1e-16 a few times
        np.testing.assert_allclose(fields.energies[k], expected, atol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_forces_are_minus_the_gradient(name: str) -> None:
    frames, cutoff = CASES[name]
    rng = np.random.default_rng(3)
    direction, h = rng.normal(size=frames.positions.shape), 1e-4
    energies = [
        angular_fields(replace(frames, positions=frames.positions + s * h * direction), DEGREES, cutoff).energies
        for s in (-2, -1, 1, 2)
    ]  # fmt: skip
    slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * h)
    forces = angular_fields(frames, DEGREES, cutoff).forces
    expected = -np.einsum("lnax,nax->ln", forces, direction)
    # the rule errs by h^4 times the fifth derivative (below 1e5), and by rounding, 1e-13 over h; f has three bounded derivatives
    # only at the cutoff, where a pair that crosses it within 2h would leave h^2
    np.testing.assert_allclose(slope, expected, atol=1e-7 * np.abs(expected).max())


def test_stress_is_the_derivative_by_strain() -> None:
    frames, cutoff = CASES["crystal"]
    assert frames.cells is not None
    strain = np.array([[0.3, 0.5, -0.2], [0.5, -0.4, 0.1], [-0.2, 0.1, 0.7]])
    h, energies = 1e-4, []
    for s in (-2, -1, 1, 2):
        stretch = np.eye(3) + s * h * strain
        stretched = replace(frames, positions=frames.positions @ stretch, cells=frames.cells @ stretch)
        energies.append(angular_fields(stretched, DEGREES, cutoff).energies)
    slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * h)
    stress = angular_fields(frames, DEGREES, cutoff).stress
    assert stress is not None
    voigt = np.array([strain[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))])
    expected = stress @ (voigt * [1, 1, 1, 2, 2, 2]) * np.abs(np.linalg.det(frames.cells))
    np.testing.assert_allclose(slope, expected, atol=1e-7 * np.abs(expected).max())
    assert angular_fields(CASES["slab"][0], [2], 2.5).stress is None


def test_rotations_translations_and_order_of_atoms_change_nothing_that_they_should_not() -> None:
    frames, cutoff = CASES["molecule"]
    turn = Rotation.random(random_state=1).as_matrix()
    order = np.random.default_rng(2).permutation(frames.positions.shape[1])
    other = replace(
        frames, positions=(frames.positions @ turn.T + 7.0)[:, order], numbers=frames.numbers[order]
    )
    one, two = angular_fields(frames, DEGREES, cutoff), angular_fields(other, DEGREES, cutoff)
    np.testing.assert_allclose(two.energies, one.energies, atol=1e-12)
    np.testing.assert_allclose(two.forces, (one.forces @ turn.T)[:, :, order], atol=1e-11)
    np.testing.assert_allclose(one.forces.sum(axis=2), 0, atol=1e-12)  # no net force


def test_a_cell_that_is_repeated_has_as_many_times_the_energy() -> None:
    frames, cutoff = CASES["crystal"]
    repeated = [atoms.repeat((2, 1, 3)) for atoms in frames.to_ase()]
    large = frames_of(repeated[0], 1, size=0.0)
    one = angular_fields(frames.select([0]), DEGREES, cutoff)
    six = angular_fields(large, DEGREES, cutoff)
    np.testing.assert_allclose(six.energies, 6 * one.energies, atol=1e-10)
    assert one.stress is not None
    assert six.stress is not None
    np.testing.assert_allclose(six.stress, one.stress, atol=1e-12)


def test_polynomials_are_those_of_scipy_up_to_the_ends() -> None:
    x = np.linspace(-1, 1, 101)
    values, slopes = legendre(12, x)
    for l in range(13):
        np.testing.assert_allclose(values[l], eval_legendre(l, x), atol=1e-13)
        numerical = np.polynomial.legendre.Legendre.basis(l).deriv()(x) if l else 0 * x
        np.testing.assert_allclose(slopes[l], numerical, atol=1e-11)  # P_l' reaches 78, by sums of l terms
    assert [len(legendre(top, x)[0]) for top in (0, 1)] == [1, 2]


def test_the_envelope_ends_with_two_derivatives() -> None:
    value, slope = envelope(np.array([1.9999, 2.0, 2.1]), 2.0)
    assert np.abs(value).max() < 1e-11  # cubic in the distance to the cutoff: 56 (5e-5)^3
    assert np.abs(slope).max() < 1e-6
    assert value[1] == value[2] == slope[1] == 0


def test_few_pairs_at_a_time_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, cutoff = frames_of(molecule("CH3CH2OH"), 5), 1.9
    whole = angular_fields(frames, DEGREES, cutoff)
    monkeypatch.setattr(angular_terms, "_PAIRS", 40)
    parts = angular_fields(frames, DEGREES, cutoff)
    np.testing.assert_array_equal(parts.forces, whole.forces)
    np.testing.assert_array_equal(parts.energies, whole.energies)
