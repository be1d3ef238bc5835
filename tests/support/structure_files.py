"""Structures of any kind for tests of reading: generated ones, rattled copper by EMT, waters of springs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.images import results_of

numbers = st.integers(-30, 30).map(lambda k: k / 7) | st.floats(-8, 8, width=32)
words = st.sampled_from(["bulk", "slab 1", "T", "3.5", "a=b", "ü", "[1]", "x'y"])


@st.composite
def structures(draw: st.DrawFn) -> Atoms:
    """Any structure: tiny and skewed cells, one atom, coincident atoms, atoms outside the cell, 0 to 3 periodic directions."""
    count = draw(st.integers(1, 5))
    z = draw(st.lists(st.sampled_from([1, 6, 8, 29, 79]), min_size=count, max_size=count))
    x = np.array(draw(st.lists(numbers, min_size=3 * count, max_size=3 * count))).reshape(count, 3)
    if draw(st.booleans()) and count > 1:
        x[1] = x[0]
    atoms = Atoms(numbers=z, positions=x)
    if draw(st.booleans()):
        cell = np.array(draw(st.lists(numbers, min_size=9, max_size=9))).reshape(3, 3)
        atoms.set_cell(cell * draw(st.sampled_from([0.1, 1.0, 5.0])))
        atoms.pbc = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    if draw(st.booleans()):
        atoms.info["config_type"] = draw(words)
    results: dict[str, Any] = {}
    forces = np.array(draw(st.lists(numbers, min_size=3 * count, max_size=3 * count))).reshape(count, 3)
    where = draw(st.integers(0, 3))
    if where == 1:
        results["forces"] = forces
    elif where == 2:
        atoms.arrays["REF_forces"] = forces
    if draw(st.booleans()):
        results["energy"] = draw(numbers)
    if draw(st.booleans()):
        results["stress"] = np.arange(6) / 7
    if results:
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, **results)
    return atoms


def assert_same(image: Atoms, other: Atoms) -> None:
    assert image.numbers.tolist() == other.numbers.tolist()
    assert image.pbc.tolist() == other.pbc.tolist()
    for a, b in (
        (dict(image.arrays, **results_of(image)), dict(other.arrays, **results_of(other))),
        (image.info | {"cell": image.cell.array}, other.info | {"cell": other.cell.array}),
    ):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])


def copper(count: int = 6, size: int = 1) -> list[Atoms]:
    from ase.build import bulk

    made = []
    for k in range(count):
        atoms = bulk("Cu", cubic=True).repeat((size, size, size))
        atoms.rattle(0.05, seed=k)
        atoms.calc = EMT()
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
        }
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, **results)
        made.append(atoms)
    return made


def bent(count: int, seed: int = 0) -> list[Atoms]:
    """Waters whose two bonds are springs of 45 eV/Å²."""
    rng, made = np.random.default_rng(seed), []
    for _ in range(count):
        x = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]) + 0.03 * rng.standard_normal((3, 3))
        f, energy = np.zeros((3, 3)), 0.0
        for h in (1, 2):
            d = x[h] - x[0]
            r = float(np.linalg.norm(d))
            energy += 22.5 * (r - 0.96) ** 2
            f[h] = -45 * (r - 0.96) * d / r
            f[0] -= f[h]
        atoms = Atoms("OHH", x)
        calculator: Any = SinglePointCalculator
        atoms.calc = calculator(atoms, energy=energy, forces=f)
        made.append(atoms)
    return made


def small_file(path: Path) -> list[Atoms]:
    made: list[Atoms] = [*copper(3), *bent(3)]
    ase.io.write(path, made, format="extxyz")
    return made
