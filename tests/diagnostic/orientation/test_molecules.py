"""Molecules perceived from bonds: which atoms, which are alike, and axes and frames that turn with them."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.geometry.analysis import Analysis
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic import perceive_molecules
from spectral_ceilings.theory import InputError

#: A rotation built from Cartesian coordinates of size 1 to 10 Å by a handful of products: a few hundred roundings.
ROUNDING = 1e-12


def box_of_water(count: int = 8, seed: int = 0) -> Atoms:
    """Water in random orientations on a grid of a cubic cell; the atoms of each second molecule in another order."""
    rng = np.random.default_rng(seed)
    box = Atoms(cell=[9.0, 9.0, 9.0], pbc=True)
    for k in range(count):
        water = molecule("H2O")
        water.positions = (water.positions - water.positions[0]) @ Rotation.random(
            random_state=rng
        ).as_matrix()
        water.positions += 4.5 * np.array([k & 1, k >> 1 & 1, k >> 2 & 1])
        box += water if k % 2 else water[[1, 0, 2]]
    return box


def test_bonds_of_aspirin_like_molecules_are_those_of_ase():
    benzene = molecule("C6H6") + molecule("CH3CH2OH")
    benzene.positions[12:] += 8.0
    perceived = perceive_molecules(benzene)
    analysis = Analysis(benzene, bothways=True)
    reached: dict[int, set[int]] = {}
    for start in (0, 12):
        seen, queue = {start}, [start]
        while queue:
            for other in analysis.all_bonds[0][queue.pop()]:
                if other not in seen:
                    seen.add(int(other))
                    queue.append(int(other))
        reached[start] = seen
    assert [set(group) for group in perceived.groups] == list(reached.values())
    assert perceived.formulas == ("C6H6", "C2H6O")


def test_like_molecules_match_atom_by_atom():
    box = box_of_water()
    perceived = perceive_molecules(box)
    assert set(perceived.kinds) == {0}
    assert all(box.numbers[list(group)].tolist() == [1, 8, 1] for group in perceived.groups)
    shuffled = molecule("CH3CH2OH")
    order = np.random.default_rng(3).permutation(len(shuffled))
    both = shuffled + shuffled[order]
    both.positions[len(shuffled) :] += 10.0
    pair = perceive_molecules(both)
    assert pair.kinds == (0, 0)
    first, second = pair.members()
    # The same molecule: a matching of the graph keeps every bond.
    bonds = [
        np.linalg.norm(both.positions[g][:, None] - both.positions[g][None], axis=-1) < 1.6
        for g in (first, second)
    ]
    assert np.array_equal(*bonds)
    assert np.array_equal(both.numbers[first], both.numbers[second])


def test_isomers_are_of_two_kinds():
    both = molecule("CH3OCH3") + molecule("CH3CH2OH")
    both.positions[9:] += 10.0
    assert perceive_molecules(both).kinds == (0, 1)


@pytest.mark.parametrize("name", ["H2O", "NH3", "CH4", "C6H6", "CH3CH2OH", "CH3Cl", "C2H4", "SiH4", "BF3"])
def test_frames_turn_with_the_molecule(name):
    atoms = molecule(name)
    rng = np.random.default_rng(1)
    atoms.positions += rng.normal(scale=0.05, size=atoms.positions.shape)
    perceived = perceive_molecules(atoms)
    assert perceived.has_frame()
    rotations = Rotation.random(5, random_state=rng).as_matrix()
    moved = atoms.positions @ np.swapaxes(rotations, -1, -2) + rng.normal(size=(5, 1, 3))
    before, after = perceived.frames(atoms.positions)[0, 0], perceived.frames(moved)[:, 0]
    # rows: axis k of the turned molecule is R times axis k
    assert np.abs(after - np.einsum("kj,nij->nki", before, rotations)).max() < ROUNDING
    assert np.abs(after @ np.swapaxes(after, -1, -2) - np.eye(3)).max() < ROUNDING
    assert np.linalg.det(after).min() > 0.0
    assert np.array_equal(perceived.axes(moved), after[:, None, 2]) or np.allclose(
        perceived.axes(moved), after[:, None, 2], rtol=0, atol=ROUNDING
    )


def test_best_fit_is_that_of_scipy():
    atoms = molecule("CH3CH2OH")
    perceived = perceive_molecules(atoms)
    moved = atoms.positions + np.random.default_rng(2).normal(scale=0.1, size=atoms.positions.shape)
    masses = atoms.get_masses()
    centred = moved - masses @ moved / masses.sum()
    expected = Rotation.align_vectors(centred, perceived.references[0].body, weights=masses)[0].as_matrix()
    assert (
        np.abs(perceived.frames(moved)[0, 0] - expected.T).max() < 1e-10
    )  # a square root of a sum of squares in between


def test_axis_of_water_is_its_dipole():
    atoms = molecule("H2O")
    perceived = perceive_molecules(atoms)
    assert np.allclose(perceived.axes(atoms.positions)[0, 0], [0.0, 0.0, -1.0], rtol=0, atol=1e-15)
    stretched = atoms.positions.copy()
    stretched[1] += 0.2 * (stretched[1] - stretched[0])  # the bisector of an angle does not see lengths
    assert np.allclose(perceived.axes(stretched)[0, 0], [0.0, 0.0, -1.0], rtol=0, atol=1e-15)


def test_principal_axes_of_a_long_molecule():
    atoms = molecule("CH3CH2OH")
    axis = perceive_molecules(atoms).axes(atoms.positions)[0, 0]
    moments, vectors = atoms.get_moments_of_inertia(vectors=True)  # rows
    assert abs(axis @ vectors[int(np.argmin(moments))]) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", ["CO2", "N2", "HCN", "CO"])
def test_linear_molecules_have_an_axis_and_no_frame(name):
    atoms = molecule(name)
    perceived = perceive_molecules(atoms)
    assert perceived.has_axis()
    assert not perceived.has_frame()
    ends = np.abs(perceived.axes(atoms.positions)[0, 0])
    assert np.allclose(ends, [0.0, 0.0, 1.0], rtol=0, atol=1e-12)
    with pytest.raises(InputError, match="linear: an axis and no frame"):
        perceived.frames(atoms.positions)


def test_what_has_no_axis_says_so():
    argon = Atoms("ArAr", positions=[[0, 0, 0], [0, 0, 9.0]])
    with pytest.raises(InputError, match="2 Ar \\(single atoms: no axis\\)"):
        perceive_molecules(argon).axes(argon.positions)
    diamond = bulk("C", cubic=True) * (2, 2, 2)
    with pytest.raises(InputError, match="bonded to its own image"):
        perceive_molecules(diamond).axes(diamond.positions, diamond.cell, True)


def test_molecules_across_the_cell_are_made_whole():
    box = box_of_water()
    perceived = perceive_molecules(box)
    whole = perceived.axes(box.positions, box.cell, box.pbc)
    wrapped = box.copy()
    wrapped.positions += [0.1, -0.2, 0.3]
    wrapped.wrap()
    assert not np.allclose(wrapped.positions, box.positions, atol=1.0)
    again = perceive_molecules(wrapped)
    assert [set(g) for g in again.groups] == [set(g) for g in perceived.groups]
    assert np.abs(perceived.axes(wrapped.positions, box.cell, box.pbc) - whole).max() < ROUNDING
    slab = wrapped.copy()
    slab.set_cell([[9.0, 0, 0], [0, 9.0, 0], [0, 0, 0]])
    slab.pbc = [True, True, False]
    assert np.isfinite(perceived.frames(slab.positions, slab.cell, slab.pbc)).all()


def test_skewed_cells():
    skewed = box_of_water()
    skewed.set_cell([[9.0, 0, 0], [4.4, 9.0, 0], [-4.0, 3.0, 9.0]])
    whole = perceive_molecules(skewed).unwrapped(skewed.positions, skewed.cell, True)
    images = np.round(np.random.default_rng(5).normal(scale=2, size=(len(skewed), 3)))
    moved = skewed.positions + images @ np.asarray(skewed.cell)
    again = perceive_molecules(skewed).unwrapped(moved, skewed.cell, True)
    assert (
        np.abs((again - again[:, :, :1]) - (whole - whole[:, :, :1])).max() < 1e-11
    )  # coordinates of up to 100 Å


@pytest.mark.parametrize(
    ("atoms", "words"),
    [
        (Atoms(), "no atoms"),
        (Atoms("H", positions=[[np.nan, 0, 0]]), "not finite"),
        (
            Atoms("H2O", positions=molecule("H2O").positions[[1, 2, 0]], cell=[1.8] * 3, pbc=True),
            "repeat the cell",
        ),
    ],
)
def test_bad_structures_are_refused(atoms, words):
    with pytest.raises(InputError, match=words):
        perceive_molecules(atoms).axes(atoms.positions, atoms.cell, atoms.pbc)


def test_bad_calls_are_refused():
    perceived = perceive_molecules(molecule("H2O"))
    with pytest.raises(InputError, match="kind is 1"):
        perceived.members(1)
    with pytest.raises(InputError, match=r"no molecule has the formula 'NH3'.*1 H2O"):
        perceived.kind_of("NH3")
    with pytest.raises(InputError, match="expected \\(records, 3, 3\\)"):
        perceived.axes(np.zeros((2, 3)))
    with pytest.raises(InputError, match="has collapsed"):
        perceived.axes(np.zeros((3, 3)))
