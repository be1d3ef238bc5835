"""Small files of frames that people really have, and other members of each family: made by rule, with exact forces.

Every function returns ASE Atoms with energies (eV) and forces (eV/Å) unless its name says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import covalent_radii
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


def with_results(numbers: Sequence[int], positions: Array, energy: float, forces: Array) -> Atoms:
    """Return a structure that carries its energy and forces."""
    atoms = Atoms(list(numbers), positions)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    return atoms


def springs(numbers: Sequence[int], x: Array, pairs: Sequence[tuple[int, int, float, float]]) -> Atoms:
    """Return a structure with harmonic pairs (i, j, length in Å, constant in eV/Å²)."""
    forces, energy = np.zeros_like(x), -100.0
    for i, j, length, constant in pairs:
        s = x[i] - x[j]
        r = float(np.linalg.norm(s))
        energy += 0.5 * constant * (r - length) ** 2
        pull = -constant * (r - length) / r * s
        forces[i] += pull
        forces[j] -= pull
    return with_results(numbers, x, energy, forces)


def vibrating(name: str, count: int = 80, seed: int = 0, amplitude: float = 0.04) -> list[Atoms]:
    """A molecule of ASE's table: every pair a spring, thermal noise, turned at random."""
    rng, reference = np.random.default_rng(seed), molecule(name)
    x0, z = reference.positions - reference.positions.mean(axis=0), reference.numbers
    i, j = np.triu_indices(len(z), 1)
    r0 = np.linalg.norm(x0[i] - x0[j], axis=1)
    bonded = r0 < 1.25 * (covalent_radii[z[i]] + covalent_radii[z[j]])
    constants = np.where(bonded, 35.0, np.where(r0 < 3.0, 2.0, 0.1))
    pairs = list(zip(i, j, r0, constants, strict=True))
    turns = Rotation.random(count, random_state=seed).as_matrix()
    return [springs(z, (x0 + amplitude * rng.standard_normal(x0.shape)) @ turn.T, pairs) for turn in turns]


def breathing(name: str, count: int = 80, seed: int = 0) -> list[Atoms]:
    """A molecule whose bonds stretch alike, so that it keeps its symmetry; springs between the first atom and the others."""
    rng, reference = np.random.default_rng(seed), molecule(name)
    x0 = reference.positions - reference.positions[0]
    pairs = [(0, k, float(np.linalg.norm(x0[k])), 35.0) for k in range(1, len(x0))]
    turns = Rotation.random(count, random_state=seed).as_matrix()
    return [
        springs(reference.numbers, (1 + 0.04 * rng.standard_normal()) * x0 @ turn.T, pairs) for turn in turns
    ]


def hopping_proton(count: int = 120, seed: int = 0) -> list[Atoms]:
    """O-H...O whose proton hops, beside two ordinary O-H bonds."""
    rng, frames = np.random.default_rng(seed), []
    for _ in range(count):
        side, d = int(rng.integers(2)), 2.45 + 0.03 * rng.standard_normal()
        h = (0.98 if side == 0 else d - 0.98) + 0.03 * rng.standard_normal()
        x = np.array([[0, 0, 0], [0, 0, d], [0, 0, h], [0.93, 0, -0.28], [0.93, 0, d + 0.28]], float)
        x[3:] += 0.03 * rng.standard_normal((2, 3))
        pairs = [(2, side, 0.98, 45.0), (0, 3, 0.97, 45.0), (1, 4, 0.97, 45.0), (0, 1, 2.45, 3.0)]
        frames.append(springs([8, 8, 1, 1, 1], x, pairs))
    return frames


def substitution(count: int = 160, seed: int = 0) -> list[Atoms]:
    """Cl + CH3Cl: half of the frames with the methyl group at one chlorine, half at the other, turned inside out."""
    rng, frames = np.random.default_rng(seed), []
    angle = 2 * np.pi * np.arange(3) / 3
    for k in range(count):
        side = 1.0 if k % 2 else -1.0
        carbon = np.array([0.0, 0.0, side * 0.6])
        hydrogens = np.stack(
            [1.03 * np.cos(angle), 1.03 * np.sin(angle), np.full(3, carbon[2] - side * 0.34)], axis=1
        )
        x = np.concatenate([[[0, 0, side * 2.38], [0, 0, -side * 2.38]], [carbon], hydrogens])
        x = x[[0, 1, 2, 3, 4, 5]] if side > 0 else x[[1, 0, 2, 3, 4, 5]]  # the chlorines keep their names
        x = x + 0.03 * rng.standard_normal(x.shape)
        bound = 0 if side > 0 else 1
        pairs = [(2, bound, 1.78, 21.0), (2, 1 - bound, 2.98, 0.5)]
        pairs += [(2, h, 1.085, 31.0) for h in (3, 4, 5)] + [
            (h, g, 1.78, 3.0) for h, g in ((3, 4), (4, 5), (3, 5))
        ]
        frames.append(springs([17, 17, 6, 1, 1, 1], x, pairs))
    return frames


def weak_pair(symbols: str, length: float, constant: float, count: int = 90, seed: int = 0) -> list[Atoms]:
    """Two atoms with a soft bond."""
    rng, numbers = np.random.default_rng(seed), Atoms(symbols).numbers
    frames = []
    for _ in range(count):
        axis = rng.standard_normal(3)
        axis *= (length + 0.05 * rng.standard_normal()) / np.linalg.norm(axis)
        frames.append(springs(numbers, np.stack([-0.5 * axis, 0.5 * axis]), [(0, 1, length, constant)]))
    return frames


def noble_pair(symbols: str, epsilon: float, sigma: float, count: int = 90, seed: int = 0) -> list[Atoms]:
    """Two noble gas atoms under ASE's Lennard-Jones potential (eV, Å)."""
    rng, frames = np.random.default_rng(seed), []
    for _ in range(count):
        axis = rng.standard_normal(3)
        axis *= 2 ** (1 / 6) * sigma * (1 + 0.02 * rng.standard_normal()) / np.linalg.norm(axis)
        atoms = Atoms(symbols, np.stack([-0.5 * axis, 0.5 * axis]))
        atoms.calc = LennardJones(sigma=sigma, epsilon=epsilon, rc=30.0)
        frames.append(
            with_results(atoms.numbers, atoms.positions, atoms.get_potential_energy(), atoms.get_forces())
        )
    return frames


def in_units(frames: Sequence[Atoms], energy: float, force: float, length: float = 1.0) -> list[Atoms]:
    """The same frames in other units, given in eV, eV/Å and Å."""
    return [
        with_results(
            a.numbers, a.positions / length, a.get_potential_energy() / energy, a.get_forces() / force
        )
        for a in frames
    ]


def reordered(frames: Sequence[Atoms], order: Sequence[int]) -> list[Atoms]:
    """The same frames with their atoms in another order."""
    at = list(order)
    return [
        with_results(a.numbers[at], a.positions[at], a.get_potential_energy(), a.get_forces()[at])
        for a in frames
    ]


def copied(
    frames: Sequence[Atoms], times: int, change: float = 0.0, seed: int = 0, shuffle: bool = False
) -> list[Atoms]:
    """Every frame several times; copies differ by ``change`` (Å) in each coordinate, and lie in any order where asked."""
    rng, out = np.random.default_rng(seed), []
    for k in range(times):
        for a in frames:
            x = a.positions + (change * rng.choice([-1.0, 1.0], size=a.positions.shape) if k else 0.0)
            out.append(with_results(a.numbers, x, a.get_potential_energy(), a.get_forces()))
    return [out[k] for k in rng.permutation(len(out))] if shuffle else out


def write(path: Path, frames: Sequence[Atoms]) -> Path:
    """Write an extended XYZ file; return its path."""
    ase.io.write(path, list(frames), format="extxyz")
    return path


def lammps_dump(path: Path, frames: Sequence[Atoms]) -> Path:
    """Write a LAMMPS dump that has types 1, 2, 3 and no elements; return its path."""
    kinds = {z: k + 1 for k, z in enumerate(dict.fromkeys(frames[0].numbers.tolist()))}
    lines = []
    for step, a in enumerate(frames):
        lines += [
            "ITEM: TIMESTEP",
            str(step),
            "ITEM: NUMBER OF ATOMS",
            str(len(a)),
            "ITEM: BOX BOUNDS ff ff ff",
        ]
        lines += ["-20 20"] * 3 + ["ITEM: ATOMS id type x y z fx fy fz"]
        for k, (z, x, f) in enumerate(zip(a.numbers, a.positions, a.get_forces(), strict=True)):
            lines.append(" ".join([str(k + 1), str(kinds[int(z)]), *(f"{v:.8f}" for v in (*x, *f))]))
    path.write_text("\n".join(lines) + "\n")
    return path
