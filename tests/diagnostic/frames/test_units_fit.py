"""Units: right data pass and wrong ones do not, whatever the bonds do; a refusal names the whole truth and can be overruled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator
from ase.units import Bohr, Hartree
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.checks import check_frames
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import EMBEDDED, embedded_frames, read_frames
from spectral_ceilings.diagnostic.frames.stiffness import bond_stiffness, expected_stiffness
from spectral_ceilings.diagnostic.frames.unit_search import UnitError, suggest
from spectral_ceilings.diagnostic.frames.units import COMBINATIONS, EV_AND_ANGSTROM, Units, parse_units
from spectral_ceilings.diagnostic.frames.work import energy_against_work
from spectral_ceilings.theory.errors import InputError

Pairs = list[tuple[int, int, float, float]]


def springs(numbers: list[int], positions: np.ndarray, pairs: list[Pairs]) -> Frames:
    """Frames of harmonic bonds, one list of (i, j, r0, k) for each frame."""
    forces, energies = np.zeros_like(positions), np.full(len(positions), -100.0)
    for n, bonds in enumerate(pairs):
        for i, j, r0, k in bonds:
            s = positions[n, i] - positions[n, j]
            r = float(np.linalg.norm(s))
            energies[n] += 0.5 * k * (r - r0) ** 2
            forces[n, i] -= k * (r - r0) * s / r
            forces[n, j] += k * (r - r0) * s / r
    return Frames(np.array(numbers), positions, forces, energies, "springs", "", "eV and Å, declared")


def hopping(count: int = 200) -> Frames:
    """O-H...O whose proton hops, beside two ordinary O-H bonds."""
    rng = np.random.default_rng(0)
    positions, pairs = [], []
    for _ in range(count):
        side, d = int(rng.integers(2)), 2.45 + 0.03 * rng.standard_normal()
        h = (0.98 if side == 0 else d - 0.98) + 0.03 * rng.standard_normal()
        x = np.array([[0, 0, 0], [0, 0, d], [0, 0, h], [0.93, 0, -0.28], [0.93, 0, d + 0.28]], float)
        x[3:] += 0.03 * rng.standard_normal((2, 3))
        positions.append(x)
        pairs.append([(2, side, 0.98, 45.0), (0, 3, 0.97, 45.0), (1, 4, 0.97, 45.0), (0, 1, 2.45, 3.0)])
    return springs([8, 8, 1, 1, 1], np.array(positions), pairs)


def dissociating(count: int = 100) -> Frames:
    """Ethanol whose C-C bond is stretched to 4 Å, on a Morse curve, beside harmonic C-H bonds."""
    rng = np.random.default_rng(1)
    ref = molecule("CH3CH2OH")
    x0 = ref.positions
    left = [k for k in range(9) if np.linalg.norm(x0[k] - x0[1]) < np.linalg.norm(x0[k] - x0[0])]
    axis = (x0[1] - x0[0]) / np.linalg.norm(x0[1] - x0[0])
    positions = np.repeat(x0[None], count, axis=0) + 0.03 * rng.standard_normal((count, 9, 3))
    for n in range(count):
        positions[n, left] += axis * rng.uniform(0, 2.5)
    near = np.linalg.norm(x0[:, None] - x0, axis=2)
    bonds: Pairs = [
        (i, j, float(near[i, j]), 33.0)
        for i in range(9)
        for j in range(i)
        if near[i, j] < (1.2 if 1 in (ref.numbers[i], ref.numbers[j]) else 1.48)
    ]
    frames = springs(list(ref.numbers), positions, [bonds] * count)
    s = positions[:, 1] - positions[:, 0]
    r = np.linalg.norm(s, axis=1)
    e = np.exp(-1.9 * (r - 1.51))
    pull = 2 * 3.8 * 1.9 * (1 - e) * e
    forces = frames.forces.copy()
    forces[:, 1] -= (pull / r)[:, None] * s
    forces[:, 0] += (pull / r)[:, None] * s
    assert frames.energies is not None
    return replace(frames, forces=forces, energies=frames.energies + 3.8 * (1 - e) ** 2)


def diatomic(numbers: tuple[int, int], length: float, constant: float, count: int = 90) -> Frames:
    rng = np.random.default_rng(2)
    axis = rng.standard_normal((count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    half = 0.5 * (length + 0.03 * length * rng.standard_normal(count))[:, None] * axis
    return springs(list(numbers), np.stack([half, -half], axis=1), [[(0, 1, length, constant)]] * count)


def argon(count: int = 60) -> Frames:
    """A cluster of four argon atoms under ASE's Lennard-Jones potential."""
    rng = np.random.default_rng(3)
    x0 = 3.76 / np.sqrt(8) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], float)
    positions, forces, energies = [], [], []
    for _ in range(count):
        atoms = Atoms("Ar4", x0 + 0.08 * rng.standard_normal((4, 3)))
        # epsilon and sigma of argon: 119.8 K and 3.405 Å (A. Rahman, Phys. Rev. 136, A405 (1964))
        atoms.calc = LennardJones(sigma=3.405, epsilon=119.8 * 8.617333e-5, rc=20.0)
        positions.append(atoms.positions)
        forces.append(atoms.get_forces())
        energies.append(atoms.get_potential_energy())
    return Frames(
        np.array([18] * 4),
        np.array(positions),
        np.array(forces),
        np.array(energies),
        "argon",
        "",
        "eV and Å, declared",
    )


def misread(frames: Frames, true: Units, declared: Units) -> Frames:
    """Frames whose file has ``true`` units, read as ``declared`` ones."""
    assert frames.energies is not None
    return replace(
        frames,
        positions=frames.positions * (declared.length_factor / true.length_factor),
        forces=frames.forces * (declared.force_factor / true.force_factor),
        energies=frames.energies * (declared.energy_factor / true.energy_factor),
        read_as=declared,
        units=f"{declared}, declared",
    )


# ------------------------------------------------------------------------------------ right data are accepted


@pytest.mark.parametrize(
    "make",
    [
        hopping,
        dissociating,
        argon,
        lambda: diatomic(
            (11, 11), 3.079, 1.07
        ),  # Na2; force constants of Huber and Herzberg 1979, here and below
        lambda: diatomic((3, 3), 2.673, 1.59),
        lambda: diatomic((55, 55), 4.65, 0.43),
        lambda: diatomic((3, 1), 1.595, 6.4),
        lambda: diatomic((11, 17), 2.361, 6.87),
        lambda: diatomic((53, 53), 2.666, 10.7),
        lambda: diatomic((80, 80), 3.69, 0.126),
        lambda: diatomic((2, 2), 2.97, 0.0075),
    ],
    ids=["hopping proton", "breaking bond", "argon", "Na2", "Li2", "Cs2", "LiH", "NaCl", "I2", "Hg2", "He2"],
)
def test_soft_breaking_and_hopping_bonds_are_no_unit_errors(make) -> None:
    check_frames(make())


def test_bonds_that_stretch_together_keep_their_stiffness() -> None:
    """Methane that only breathes: the force on carbon is zero by symmetry, and each C-H bond has its 35 eV/Å²."""
    ref = molecule("CH4")
    x0 = ref.positions - ref.positions[0]
    scale = 1 + 0.04 * np.random.default_rng(0).standard_normal(60)
    r0 = float(np.linalg.norm(x0[1]))
    frames = springs(
        [6, 1, 1, 1, 1], scale[:, None, None] * x0, [[(0, k, r0, 35.0) for k in range(1, 5)]] * 60
    )
    stiffness = bond_stiffness(frames)
    assert stiffness is not None
    # exactly linear data: rounding of a force over a stretch of at least 1e-4 Å
    assert stiffness.value == pytest.approx(35.0, rel=1e-9)
    check_frames(frames)


@pytest.mark.parametrize(
    ("pair", "length", "constant"),
    [((6, 1), 1.087, 5.0), ((8, 1), 0.970, 7.8), ((1, 17), 1.275, 5.16), ((1, 1), 0.741, 5.75), ((7, 7), 1.098, 22.94),
     ((6, 8), 1.128, 19.02), ((9, 9), 1.412, 4.70), ((17, 17), 1.988, 3.23), ((53, 53), 2.666, 1.72)],
)  # fmt: skip
def test_the_rule_is_within_forty_per_cent_of_measured_constants(
    pair: tuple[int, int], length: float, constant: float
) -> None:
    """Force constants in mdyn/Å, 6.2415 eV/Å² (Huber and Herzberg 1979; CH4 and OH from Wilson, Decius and Cross 1955)."""
    assert 1 / 1.4 < constant * 6.2415 / expected_stiffness(*pair, length) < 1.4


# ------------------------------------------------------------------------------------- wrong data are refused


@pytest.mark.parametrize("name", ["ethanol-xtb", "toluene-xtb", "malonaldehyde-xtb"])
@pytest.mark.parametrize("true", COMBINATIONS[:16], ids=str)
def test_the_suggestion_is_the_truth_and_is_accepted(name: str, true: Units) -> None:
    frames = read_frames(name)
    check_frames(misread(frames, true, true))
    if true == EV_AND_ANGSTROM:
        return
    wrong = misread(frames, true, EV_AND_ANGSTROM)
    with pytest.raises(UnitError) as caught:
        check_frames(wrong)
    assert suggest(wrong) == true
    assert f"declare {true.declaration};" in str(caught.value)
    assert "accept_units=True" in str(caught.value)
    check_frames(misread(wrong, EV_AND_ANGSTROM, EV_AND_ANGSTROM), accept_units=True)


def test_hartree_per_bohr_is_not_taken_for_hartree_per_angstrom(tmp_path: Path) -> None:
    frames = read_frames("ethanol-xtb").select(range(200))
    assert frames.energies is not None
    images = []
    for x, f, e in zip(frames.positions, frames.forces, frames.energies, strict=True):
        atoms = Atoms(frames.numbers, x)
        atoms.calc = SinglePointCalculator(atoms, energy=e / Hartree, forces=f / Hartree * Bohr)
        images.append(atoms)
    path = tmp_path / "au.extxyz"
    ase.io.write(path, images)
    for wrong in (None, "hartree", "hartree,bohr"):
        with pytest.raises(UnitError, match="declare units='hartree', force_units='hartree/bohr'"):
            read_frames(path, units=wrong)
    right = read_frames(path, units="hartree", force_units="hartree/bohr")
    # extended XYZ has eight decimals: half a unit of the last, in hartree/bohr
    np.testing.assert_allclose(right.forces, frames.forces, rtol=0, atol=0.51e-8 * Hartree / Bohr)
    assert right.units == "hartree, Å and hartree/bohr, declared"
    assert not right.overruled
    over = read_frames(path, units="hartree", accept_units=True)
    assert "force_units='hartree/bohr'" in " ".join(over.overruled.values())
    np.testing.assert_allclose(over.forces, frames.forces * Bohr, rtol=0, atol=0.51e-8 * Hartree)


@pytest.mark.parametrize("name", embedded_frames())
def test_energies_per_atom_and_of_the_other_sign_are_named(name: str) -> None:
    frames = read_frames(name)
    assert frames.energies is not None
    with pytest.raises(
        UnitError, match=f"look like energies per atom, so multiply them by {len(frames.numbers)}"
    ):
        check_frames(replace(frames, energies=frames.energies / len(frames.numbers)))
    with pytest.raises(UnitError, match="the sign of the energies"):
        check_frames(replace(frames, energies=-frames.energies))
    with pytest.raises(UnitError, match="the sign is that of gradients"):
        check_frames(replace(frames, forces=-frames.forces))


@settings(deadline=None, max_examples=60)
@given(offset=st.floats(-1e6, 1e6), name=st.sampled_from(embedded_frames()), seed=st.integers(0, 1000))
def test_an_offset_of_the_energies_is_harmless(offset: float, name: str, seed: int) -> None:
    frames = read_frames_once(name)
    assert frames.energies is not None
    few = frames.select(np.random.default_rng(seed).permutation(len(frames))[:60])
    check_frames(replace(few, energies=few.energies + offset))


_KNOWN: dict[str, Frames] = {}


def read_frames_once(name: str) -> Frames:
    if name not in _KNOWN:
        _KNOWN[name] = read_frames(name)
    return _KNOWN[name]


def test_the_slope_of_quadratic_energies_is_one() -> None:
    """The trapezoid rule is exact where forces are linear: atoms on springs to places, in line with the frame's axes."""
    rng = np.random.default_rng(5)
    stretch = 0.02 * rng.standard_normal(80)
    positions = np.zeros((80, 2, 3))
    positions[:, 0, 0], positions[:, 1, 0] = -0.55 - stretch / 2, 0.55 + stretch / 2
    forces = np.zeros_like(positions)
    forces[:, 1, 0], forces[:, 0, 0] = -30 * stretch, 30 * stretch
    frames = Frames(np.array([7, 7]), positions, forces, 15 * stretch**2, "x", "", "eV and Å")
    work = energy_against_work(frames)
    assert work is not None
    # energies of 1e-3 eV: rounding of positions, 1e-16 Å of 1e-2 Å, and of a hundred terms
    assert work.slope == pytest.approx(1.0, abs=1e-10)


# ---------------------------------------------------------------------------------------------- declarations


@given(
    energy=st.sampled_from(["eV", "kcal/mol", "kJ/mol", "hartree", "Ry"]),
    length=st.sampled_from(["Å", "nm", "bohr"]),
    force=st.sampled_from(["eV/Å", "hartree/bohr", "kcal/mol/Å", "kJ/mol/nm", "Ry/bohr"]),
)
def test_a_declaration_reads_back(energy: str, length: str, force: str) -> None:
    units = parse_units(f"{energy},{length}", force)
    assert units.force == force
    declared: dict[str, str] = eval(f"dict({units.declaration})")
    again = parse_units(declared["units"], declared.get("force_units"))
    assert (again.energy, again.length, again.force) == (energy, length, force)


@pytest.mark.parametrize("bad", ["", "eV", "/", "eV/", "stone/Å", "Å/eV", "eV/Å/Å", "kcal/mol"])
def test_what_is_no_unit_of_force_is_told(bad: str) -> None:
    with pytest.raises(InputError, match="is no unit of force: expected an energy"):
        parse_units("eV", bad)


def test_a_length_is_given_once() -> None:
    assert parse_units("hartree", None, "bohr") == parse_units("hartree,bohr")
    with pytest.raises(InputError, match="says otherwise"):
        parse_units("hartree,bohr", None, "nm")
    with pytest.raises(InputError, match="is no length"):
        parse_units("hartree", None, "eV")
    with pytest.raises(InputError, match="force magnitudes are out of"):
        read_frames(EMBEDDED, force_units="kcal/mol/Å")
