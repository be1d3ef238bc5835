"""Marks must be distinguishable by chemistry; injections must be of pure grade."""

import numpy as np
import pytest
from ase.build import molecule

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.marks import Mark, marked_neighbours
from spectral_ceilings.diagnostic.injection.fields import impurity, l_slice, signals
from spectral_ceilings.numerics import haar_rotations, wigner_d
from spectral_ceilings.theory import InputError


def frames_of(name: str) -> Frames:
    atoms = molecule(name)
    positions = atoms.get_positions()[None]
    numbers = np.array(atoms.numbers, dtype=np.int64)
    return Frames(numbers, positions, np.zeros_like(positions), None, name, "0" * 64, "eV")


def marks_of(name: str) -> dict[int, Mark]:
    return {mark.atom: mark for mark in marked_neighbours(frames_of(name))}


def test_methane_cannot_point_at_one_of_four_hydrogens() -> None:
    marks = marks_of("CH4")
    assert marks[0].neighbour is None
    assert "equivalent" in marks[0].why
    assert all(marks[i].neighbour == 0 for i in range(1, 5))


def test_carbon_dioxide_cannot_choose_between_its_oxygens() -> None:
    marks = marks_of("CO2")
    assert marks[0].neighbour is None
    assert marks[1].neighbour == marks[2].neighbour == 0


def test_the_methyl_of_ethanol_points_at_carbon_and_never_at_a_hydrogen() -> None:
    atoms = molecule("CH3CH2OH")
    marks = marks_of("CH3CH2OH")
    for i, z in enumerate(atoms.numbers):
        mark = marks[i]
        assert mark.neighbour is not None
        assert mark.heavy
        if z == 8:
            assert atoms.numbers[mark.neighbour] == 6


def test_benzene_carbons_can_only_point_at_their_hydrogen() -> None:
    atoms = molecule("C6H6")
    for i, mark in marks_of("C6H6").items():
        assert mark.neighbour is not None
        if atoms.numbers[i] == 6:
            assert atoms.numbers[mark.neighbour] == 1
            assert not mark.heavy


def test_an_isolated_atom_has_no_mark() -> None:
    frames = Frames(np.array([18]), np.zeros((1, 1, 3)), np.zeros((1, 1, 3)), None, "argon", "0" * 64, "eV")
    (mark,) = marked_neighbours(frames)
    assert mark.neighbour is None
    assert mark.why == "no bonded neighbour"


@pytest.mark.parametrize("injection", ["marked", "density"])
def test_a_turned_molecule_has_turned_signals(injection) -> None:
    frames = frames_of("CH3CH2OH")
    marks = marked_neighbours(frames)
    turn = haar_rotations(1, np.random.default_rng(0))[0]
    before = signals(9, frames.positions, 8, injection, marks)
    after = signals(9, frames.positions @ turn.T, 8, injection, marks)
    for l in range(9):
        expected = before[..., l_slice(l)] @ wigner_d(l, turn).T
        np.testing.assert_allclose(after[..., l_slice(l)], expected, atol=1e-12 * (2 * l + 1) ** 2)


@pytest.mark.parametrize("injection", ["marked", "density"])
def test_a_shifted_molecule_has_the_same_signals(injection) -> None:
    frames = frames_of("CH3CH2OH")
    marks = marked_neighbours(frames)
    before = signals(9, frames.positions, 6, injection, marks)
    after = signals(9, frames.positions + np.array([3.0, -2.0, 5.0]), 6, injection, marks)
    np.testing.assert_allclose(after, before, atol=1e-12)


def test_marked_signals_have_norm_2l_plus_1() -> None:
    frames = frames_of("CH3CH2OH")
    values = signals(9, frames.positions, 8, "marked", marked_neighbours(frames))
    for l in range(9):
        np.testing.assert_allclose((values[..., l_slice(l)] ** 2).sum(axis=-1), 2 * l + 1, rtol=1e-12)


@pytest.mark.parametrize("injection", ["marked", "density"])
def test_injections_are_of_pure_grade(injection) -> None:
    frames = frames_of("CH3CH2OH")
    shares = impurity(frames, 8, injection, marked_neighbours(frames), np.random.default_rng(1))
    assert len(shares) == 9
    assert max(shares) < 1e-12


def test_a_mark_is_required() -> None:
    frames = frames_of("CH4")
    with pytest.raises(InputError, match="atom 0 has no marked neighbour"):
        signals(5, frames.positions, 2, "marked", marked_neighbours(frames))
    with pytest.raises(InputError, match="'angular'"):
        signals(5, frames.positions, 2, "angular", marked_neighbours(frames)[1:])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["CO2", "CH4", "C2H4"])
def test_a_site_whose_symmetry_leaves_no_signal_is_pure(name: str) -> None:
    """D∞h has no odd l, T_d no l = 1, 2 and 5: what is left is rounding, of no grade, and no reason to refuse a run."""
    atoms = molecule(name)
    positions = haar_rotations(1, np.random.default_rng(3))[0] @ (atoms.positions - atoms.positions[0]).T
    frames = Frames(
        np.array(atoms.numbers), positions.T[None], np.zeros((1, len(atoms), 3)), None, name, "0" * 64, "eV"
    )
    marks = [mark for mark in marked_neighbours(frames) if mark.atom == 0]
    values = signals(len(atoms), frames.positions, 5, "density", marks)[0, 0]
    sizes = [np.linalg.norm(values[l_slice(l)]) for l in range(6)]
    # Sums of up to five harmonics of size 1 that cancel leave a few roundings of 1e-16.
    assert (min(sizes) < 1e-14 * max(sizes)) == (name != "C2H4")
    assert max(impurity(frames, 5, "density", marks, np.random.default_rng(1))) < 1e-12
