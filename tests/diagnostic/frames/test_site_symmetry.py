"""The point group of a site: known molecules, turned at random, and sets of points made to have a group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from ase.build import bulk, molecule
from ase.neighborlist import neighbor_list
from e3nn import o3
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from point_group_matrices import SYMBOLS, elements
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.frames.site_symmetry import (
    atom_site_symmetry,
    average_of_characters,
    site_symmetry,
)
from spectral_ceilings.theory import InputError, invariant_table, point_group


def _turned(points: Any, seed: int) -> np.ndarray:
    """Points turned at random, half of the time inverted too."""
    rng = np.random.default_rng(seed)
    sign = rng.choice([1.0, -1.0])
    return sign * np.asarray(points, dtype=float) @ Rotation.random(random_state=seed).as_matrix().T


def _ring(n: int, radius: float, height: float = 0.0, turn: float = 0.0) -> np.ndarray:
    angles = 2 * np.pi * np.arange(n) / n + turn
    return np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(n, height)], axis=1)


def _made(*parts: tuple[str, Any]) -> tuple[list[str], np.ndarray]:
    points = [np.atleast_2d(np.asarray(part, dtype=float)) for _, part in parts]
    return [name for (name, _), part in zip(parts, points, strict=True) for _ in part], np.concatenate(points)


#: Symbol of the middle of a molecule; geometries of ASE's G2 set are written to six digits of an ångström.
_MIDDLES = {
    "CH4": "Td", "SiH4": "Td", "C6H6": "D6h", "C2H4": "D2h", "C2H6": "D3d", "C3H4_D2d": "D2d", "cyclobutane": "D2d",
    "BF3": "D3h", "trans-butane": "C2h", "CO2": "D∞h", "C2H2": "D∞h", "HCN": "C∞v", "N2": "D∞h", "H2O": "C2v", "NH3": "C3v",
    "CCl4": "Td",
}  # fmt: skip

#: Symbol of the site of one atom.
_ATOMS = {
    ("CH4", 0): "Td", ("CH4", 1): "C3v", ("C6H6", 0): "C2v", ("C6H6", 6): "C2v", ("NH3", 0): "C3v", ("NH3", 1): "Cs",
    ("H2O", 0): "C2v", ("H2O", 1): "Cs", ("CO2", 0): "D∞h", ("CO2", 1): "C∞v", ("HCN", 0): "C∞v", ("C2H6", 0): "C3v",
    ("C3H4_D2d", 0): "D2d", ("C3H4_D2d", 1): "C2v", ("BF3", 0): "D3h", ("CH3Cl", 0): "C3v", ("CH3OH", 0): "Cs", ("H", 0): "Kh",
}  # fmt: skip

_UP = (0.0, 0.0, 1.0)
_MADE: dict[str, tuple[str, tuple[list[str], np.ndarray]]] = {
    "sulfur hexafluoride": ("Oh", _made(("F", 1.56 * np.concatenate([np.eye(3), -np.eye(3)])))),
    "one ligand exchanged": ("C4v", _made(("F", [*np.eye(3), *-np.eye(3)[:2]]), ("Cl", [0, 0, -1.3]))),
    "CHFClBr": (
        "C1",
        _made(("H", [1, 1, 1]), ("F", [1, -1, -1]), ("Cl", [-1.3, 1.3, -1.3]), ("Br", [-1.5, -1.5, 1.5])),
    ),
    "CH2FCl": (
        "Cs",
        _made(("H", [[1, 1, 1], [1, -1, -1]]), ("F", [-1.3, 1.3, -1.3]), ("Cl", [-1.3, -1.3, 1.3])),
    ),
    "boric acid": ("C3h", _made(("O", _ring(3, 1.36)), ("H", _ring(3, 2.0, turn=0.4)))),
    "staggered ferrocene": (
        "D5d",
        _made(("C", np.concatenate([_ring(5, 1.2, 1.65), _ring(5, 1.2, -1.65, np.pi / 5)]))),
    ),
    "eclipsed ferrocene": ("D5h", _made(("C", np.concatenate([_ring(5, 1.2, 1.65), _ring(5, 1.2, -1.65)])))),
    "twisted ferrocene": (
        "D5",
        _made(("C", np.concatenate([_ring(5, 1.2, 1.65), _ring(5, 1.2, -1.65, 0.2)]))),
    ),
    "square antiprism": (
        "D4d",
        _made(("F", np.concatenate([_ring(4, 1.5, 1), _ring(4, 1.5, -1, np.pi / 4)]))),
    ),
    "hydrogen peroxide": (
        "C2",
        _made(("O", [[0.7, 0, 0], [-0.7, 0, 0]]), ("H", [[0.9, 0.8, 0.5], [-0.9, -0.8, 0.5]])),
    ),
    "icosahedron": (
        "Ih",
        _made(
            (
                "B",
                [
                    np.roll([0, a, b * (1 + np.sqrt(5)) / 2], k)
                    for a in (1, -1)
                    for b in (1, -1)
                    for k in range(3)
                ],
            )
        ),
    ),
    "cube with two species": (
        "Td",
        _made(
            ("Na", [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]),
            ("Cl", [[-1, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]]),
        ),
    ),
}


@pytest.mark.parametrize("name", _MIDDLES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_middle_of_known_molecules(name: str, seed: int) -> None:
    atoms: Any = molecule(name)
    weights = atoms.get_masses()  # the middle of mass keeps the symmetry of the molecule
    points = atoms.positions - weights @ atoms.positions / weights.sum()
    assert site_symmetry(_turned(points, seed), atoms.numbers).symbol == _MIDDLES[name]


@pytest.mark.parametrize(("name", "atom"), _ATOMS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_sites_of_known_molecules(name: str, atom: int, seed: int) -> None:
    atoms: Any = molecule(name)
    assert (
        atom_site_symmetry(atoms.numbers, _turned(atoms.positions, seed), atom).symbol == _ATOMS[name, atom]
    )


@pytest.mark.parametrize("name", _MADE)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sites_made_by_hand(name: str, seed: int) -> None:
    symbol, (species, points) = _MADE[name]
    site = site_symmetry(_turned(points, seed), species)
    assert site.symbol == symbol
    assert len(site.operations) == point_group(symbol).order
    assert site.deviation < 1e-12  # of a dozen Å, after a few products


@pytest.mark.parametrize(
    ("crystal", "symbol"),
    [
        (lambda: bulk("Cu"), "Oh"), (lambda: bulk("Si"), "Td"), (lambda: bulk("Mg"), "D3h"), (lambda: bulk("Fe"), "Oh"),
        (lambda: bulk("NaCl", "rocksalt", a=5.64), "Oh"), (lambda: bulk("ZnS", "zincblende", a=5.41), "Td"),
        (lambda: bulk("ZnS", "wurtzite", a=3.82, c=6.26), "C3v"),
    ],
)  # fmt: skip
def test_sites_of_crystals(crystal: Any, symbol: str) -> None:
    atoms = crystal()
    centre, neighbour, displacement = neighbor_list("ijD", atoms, 6.1)
    near = centre == 0
    assert near.sum() > 30
    assert site_symmetry(displacement[near], atoms.numbers[neighbour[near]]).symbol == symbol


@given(st.sampled_from(SYMBOLS), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_images_of_three_points_under_a_group_have_that_group(symbol: str, seed: int) -> None:
    """Three orbits of different species in general position have no symmetry but the group's."""
    rng, matrices = np.random.default_rng(seed), elements(symbol)
    starts = rng.normal(size=(3, 3)) * [[1.5], [2.0], [2.5]]
    # General position: no image within a hundredth of an ångström of another one.
    orbits = [np.einsum("nij,j->ni", matrices, start) for start in starts]
    for orbit in orbits:
        distances = np.linalg.norm(orbit[:, None] - orbit[None], axis=2) + np.eye(len(orbit))
        assume(distances.min() > 0.01 and np.linalg.norm(orbit[0]) > 0.1)
    # And far from a plane through the centre, where one more mirror would be near.
    assume(np.linalg.svd(np.concatenate(orbits), compute_uv=False)[-1] > 0.1)
    turn = Rotation.random(random_state=seed % 1000).as_matrix()
    points, species = np.concatenate(orbits) @ turn.T, np.repeat([1, 6, 8], len(matrices))
    order = rng.permutation(len(points))
    site = site_symmetry(points[order], species[order])
    assert site.group.operation_counts() == point_group(symbol).operation_counts()
    # The matrices are those of the group, turned with the points: each is found.
    expected = np.einsum("ij,njk,lk->nil", turn, matrices, turn)
    apart = np.abs(expected[:, None] - site.operations[None]).max(axis=(2, 3)).min(axis=1)
    # Fits to points of 0.1 Å and more, each good to 1e-15 Å.
    assert apart.max() < 1e-11
    for l in range(5):
        for parity in (1, -1):
            assert average_of_characters(site.operations, l, parity) == site.invariants(l, parity)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_averages_of_characters_are_those_of_e3nn(symbol: str) -> None:
    matrices = elements(symbol)
    for l in range(7):
        for parity in (1, -1):
            traces = torch.einsum("nii->", o3.Irrep(l, parity).D_from_matrix(torch.from_numpy(matrices)))
            assert average_of_characters(matrices, l, parity) == round(float(traces) / len(matrices))
    assert tuple(average_of_characters(matrices, l) for l in range(9)) == invariant_table(symbol, 8)


def test_noise_within_the_tolerance_keeps_the_group_and_beyond_it_loses_it() -> None:
    species, points = _MADE["sulfur hexafluoride"][1]
    noise = np.random.default_rng(0).normal(size=points.shape)
    noise /= np.linalg.norm(noise, axis=1).max()
    # An operation carries one moved atom onto another: they miss by at most twice the noise, less after the fit.
    for tolerance in (1e-6, 1e-3, 1e-2):
        site = site_symmetry(points + 0.4 * tolerance * noise, species, tolerance=tolerance)
        assert site.symbol == "Oh"
        assert 0 < site.deviation <= tolerance
        assert site_symmetry(points + 20 * tolerance * noise, species, tolerance=tolerance).symbol == "C1"


@given(st.floats(-6, -0.5), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_what_is_found_is_always_a_group(size: float, seed: int) -> None:
    """Around the tolerance some operations fit and others do not: a subgroup is left, never a crash."""
    species, points = _MADE["square antiprism"][1]
    noise = 10**size * np.random.default_rng(seed).normal(size=points.shape)
    site = site_symmetry(points + noise, species, tolerance=0.01)
    assert len(site.operations) == site.group.order
    assert site.deviation <= 0.01
    assert (
        point_group("D4d").order % len(site.operations) == 0
    )  # Lagrange: a subgroup of what was there before
    for l in range(4):
        assert average_of_characters(site.operations, l) == site.invariants(l)


def test_thermal_frames_have_no_symmetry() -> None:
    frames = read_frames("ethanol-xtb")
    found = {
        atom_site_symmetry(frames.numbers, frames.positions[n], atom).symbol
        for n in range(0, len(frames), 50)
        for atom in range(len(frames.numbers))
    }
    assert found == {"C1"}


def test_a_cutoff_leaves_out_what_breaks_the_symmetry() -> None:
    species, points = _made(
        ("C", [0, 0, 0]), ("H", [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]), ("O", [4, 1, 0])
    )
    numbers = np.unique(species, return_inverse=True)[1]
    assert atom_site_symmetry(numbers, points, 0).symbol == "C1"
    assert atom_site_symmetry(numbers, points, 0, cutoff=3.0).symbol == "Td"
    assert atom_site_symmetry(numbers, points, 0, cutoff=1.0).symbol == "Kh"
    # Half of a shell is not cut off by rounding.
    assert atom_site_symmetry(numbers, _turned(points, 1), 0, cutoff=float(np.sqrt(3))).symbol == "Td"


def test_methane_and_sulfur_hexafluoride_forbid_what_is_known() -> None:
    atoms: Any = molecule("CH4")
    carbon = atom_site_symmetry(atoms.numbers, atoms.positions, 0)
    assert [l for l in range(5) if carbon.invariants(l) == 0] == [1, 2]
    species, points = _MADE["sulfur hexafluoride"][1]
    assert [l for l in range(7) if site_symmetry(points, species).invariants(l) == 0] == [1, 2, 3, 5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: site_symmetry([[1, 0]], [1]), r"positions have shape \(1, 2\)"),
        (lambda: site_symmetry([["a", "b", "c"]], [1]), "positions are not numbers"),
        (lambda: site_symmetry([[1, 0, np.nan]], [1]), "position 0 is"),
        (lambda: site_symmetry([[1, 0, 0]], [1, 2]), r"species have shape \(2,\)"),
        (lambda: site_symmetry([[1, 0, 0], [1, 0, 0], [0, 1, 0]], [1, 1, 1]), "are at the same position"),
        (lambda: site_symmetry([[1, 0, 0]], [1], tolerance=0.0), "tolerance is 0.0"),
        (lambda: site_symmetry([[1, 0, 0]], [1], tolerance=float("nan")), "tolerance is nan"),
        (lambda: atom_site_symmetry([1, 1], np.eye(3)[:2], 2), "atom = 2 is out of range"),
        (lambda: atom_site_symmetry([1], np.eye(3)[:2], 0), r"numbers have shape \(1,\)"),
        (lambda: atom_site_symmetry([1, 1], np.eye(3)[:2], 0, cutoff=-1.0), "cutoff is -1.0"),
        (lambda: average_of_characters(np.eye(3), 1), "operations have shape"),
        (lambda: average_of_characters([2 * np.eye(3)], 1), "not orthogonal"),
        (lambda: average_of_characters(elements("C3")[:2], 1), "give all elements of a group"),
    ],
)
def test_wrong_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
