"""Isotropy of orientations: exact expectations under Haar, exact values for finite groups, every kind of molecule."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from ase.build import molecule
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.isotropy import FAR, Isotropy, isotropy, rotation_alignment
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.numerics import haar_rotations


def rigid(name: str, rotations: NDArray[np.float64], bend: float = 0.0, seed: int = 0) -> Frames:
    """One frame of a molecule of ASE's G2 set for each rotation; atoms displaced by ``bend`` Å."""
    atoms = molecule(name)
    shaken = atoms.positions + np.random.default_rng(seed).normal(
        scale=bend, size=(len(rotations), len(atoms), 3)
    )
    positions = np.einsum("nij,naj->nai", rotations, shaken)
    return Frames(
        atoms.numbers.astype(np.int64), positions, np.zeros_like(positions), None, name, "0" * 64, "eV, Å"
    )


def turned(frames: Frames, rotations: NDArray[np.float64]) -> Frames:
    return replace(frames, positions=np.einsum("nij,naj->nai", rotations, frames.positions))


def test_haar_random_orientations_have_the_exact_mean_and_variance() -> None:
    count, sets, top = 60, 400, 4
    rng = np.random.default_rng(1)
    values = np.array([rotation_alignment(haar_rotations(count, rng), top) for _ in range(sets)])
    freedom = np.array([(2 * l + 1) ** 2 for l in range(1, top + 1)])
    # E A_l = 1/N; Var A_l = 2 (1 - 1/N) / (N^2 (2l+1)^2): the pairs n < m of characters are uncorrelated, variance 1.
    variance = 2 * (1 - 1 / count) / (count**2 * freedom)
    # Five standard errors of a mean of 400 sets; by chance one such test in a million fails.
    assert np.all(np.abs(values.mean(axis=0) - 1 / count) < 5 * np.sqrt(variance / sets))
    # The sample variance of nearly normal values has relative standard error sqrt(2/400) = 0.07; chi2 with 9 degrees
    # of freedom has excess kurtosis 12/9, which makes it sqrt((2 + 4/3)/400) = 0.09: five of these.
    assert np.all(np.abs(values.var(axis=0) / variance - 1) < 0.46)


def test_p_values_of_haar_random_orientations_are_uniform() -> None:
    rng = np.random.default_rng(2)
    found = [isotropy(rigid("CH3CH2OH", haar_rotations(100, rng)), 2).p_value for _ in range(200)]
    below = np.mean([p is not None and p < 0.1 for p in found])
    assert abs(below - 0.1) < 5 * np.sqrt(0.09 / 200)  # binomial, five standard errors


def test_a_finite_group_gives_the_number_of_its_invariants() -> None:
    """The mean of D_l over a group projects on its invariants: A_l = n_l / (2l + 1), with Molien's n_l for the cube."""
    group = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                group.append(matrix)
    assert len(group) == 24
    expected = np.array([0, 0, 0, 1, 0, 1, 0, 1]) / (2 * np.arange(1, 9) + 1)
    assert np.allclose(rotation_alignment(np.array(group)), expected, atol=1e-14)  # sums of 24 terms below 1


@pytest.mark.parametrize("name", ["C6H6", "CH3CH2OH", "H2O", "CH4"])
def test_the_orientations_of_a_rigid_molecule_are_found_whatever_its_symmetry(name: str) -> None:
    """Labelled atoms: also benzene, planar and with twelve rotations onto itself, has one orientation in a frame."""
    rotations = haar_rotations(200, np.random.default_rng(3))
    frames = rigid(name, rotations)
    found = isotropy(frames)
    assert found.kind == "rotations"
    # Kabsch on exact copies: a few roundings of coordinates below 3 Å, times l(l+1) = 72 of the finest harmonics.
    assert np.allclose(found.spectrum, rotation_alignment(rotations), atol=1e-12)
    # One common rotation of all frames changes nothing.
    again = isotropy(turned(frames, np.repeat(haar_rotations(1, np.random.default_rng(4)), 200, axis=0)))
    assert np.allclose(found.spectrum, again.spectrum, atol=1e-12)
    assert found.verdict == "isotropic"


def test_frames_of_a_trajectory_are_detected_and_turned_ones_pass() -> None:
    frames = read_frames("aspirin-xtb")
    stored = isotropy(frames)
    assert stored.verdict == "far from isotropic"
    assert stored.spectrum[0] > 0.9
    assert stored.p_value is not None
    assert stored.p_value < 1e-100
    assert "far from isotropic" in stored.sentence
    haar = isotropy(turned(frames, haar_rotations(len(frames), np.random.default_rng(5))))
    assert haar.verdict == "isotropic"
    assert haar.effective is not None
    # The largest of eight A_l; that of l = 1 has a relative standard deviation of sqrt(2)/3: at most 1 + 5 sqrt(2)/3.
    assert len(frames) / (1 + 5 * np.sqrt(2) / 3) < haar.effective < len(frames) * 2
    assert "isotropic as far as so many can show" in haar.sentence


def test_a_little_anisotropy_is_called_little() -> None:
    rng = np.random.default_rng(6)
    rotations = haar_rotations(10_000, rng)
    rotations[:800] = rotations[0]  # 8 % of the frames stand alike: A_l = 0.08^2 = 0.0064, plus 1/N
    found = isotropy(rigid("CH3CH2OH", rotations))
    assert found.verdict == "nearly isotropic"
    assert max(found.spectrum) < FAR


@pytest.mark.parametrize(("name", "bend"), [("CO2", 0.05), ("N2", 0.05), ("HCN", 0.08), ("C2H2", 0.08)])
def test_a_linear_molecule_has_directions(name: str, bend: float) -> None:
    rotations = haar_rotations(500, np.random.default_rng(7))
    found = isotropy(rigid(name, rotations, bend))
    assert found.kind == "directions"
    assert found.verdict == "isotropic"
    assert "directions of this linear molecule" in found.sentence
    still = isotropy(rigid(name, np.tile(np.eye(3), (500, 1, 1)), bend))
    assert still.verdict == "far from isotropic"
    # Labels give a sign: the ends of N2 and CO2 are told apart, so l = 1 does not cancel.
    assert still.spectrum[0] > 0.9
    rigidly = isotropy(rigid(name, rotations))
    along = np.linalg.svd(molecule(name).positions - molecule(name).positions.mean(axis=0))[2][0]
    mean = (rotations @ along).mean(axis=0)
    assert rigidly.spectrum[0] == pytest.approx(mean @ mean, abs=1e-12)  # |mean Y_1|^2 / 3


def test_a_single_atom_has_no_orientation() -> None:
    positions = np.random.default_rng(8).normal(size=(80, 1, 3))
    found = isotropy(
        Frames(np.array([18]), positions, np.zeros_like(positions), None, "Ar", "0" * 64, "eV, Å")
    )
    assert found == Isotropy("none", 80, (), None, "no orientation")
    assert found.effective is None
    assert found.to_dict()["spectrum"] == []
    assert "single atom" in found.sentence
