"""Structures by name: ``bulk:LiF:rocksalt:a=4.03:2x2x2:cubic``, ``molecule:H2O``, ``box:H2O:16``, or a file that ASE reads.

==========================================  =====================================================================
name                                        structure
==========================================  =====================================================================
``bulk:Si:2x2x2``                           ``ase.build.bulk("Si")`` with its own lattice, repeated
``bulk:LiF:rocksalt:a=4.03:2x2x2:cubic``    further parts in any order: a lattice of ASE, ``a=``, ``b=``, ``c=`` (Å), ``cubic`` or
                                            ``orthorhombic`` for that cell in place of the primitive one, and ``KxLxM``
``molecule:H2O``                            a molecule of ``ase.build.molecule``, without a cell
``smiles:CCO``                              a molecule by its SMILES, built and relaxed by RDKit
``box:H2O:16``                              a cubic box of so many of them, at a density
==========================================  =====================================================================
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...theory.errors import InputError
from ..frames.frames import flat_cell
from .molecule import molecule_from_smiles

#: Words before a colon that name a structure.
FAMILIES = ("bulk", "molecule", "smiles", "box")
_MOST_ATOMS = 10_000
_REPEAT = re.compile(r"([1-9]\d{0,2})x([1-9]\d{0,2})x([1-9]\d{0,2})")
_LENGTH = re.compile(r"([abc])=(\d{1,3}(?:\.\d{1,9})?)")
_CELLS = ("cubic", "orthorhombic")
#: Orientations that are tried for each molecule of a box, and the nearest (Å) that two molecules may come.
_TRIES, _NEAREST = 200, 1.2
_EXAMPLES = (
    "bulk:Si:2x2x2, bulk:LiF:rocksalt:a=4.03:2x2x2:cubic, molecule:H2O, smiles:CCO, box:H2O:16 or a file"
)


def build_structure(source: str, *, density: float = 1.0, seed: int = 0) -> Atoms:
    """Return the structure that a name stands for.

    Parameters
    ----------
    source
        A name, see above, or a file that ASE reads, of which the last structure is taken.
    density
        Of a box (g/cm³).
    seed
        Draws places and orientations in a box.

    Raises
    ------
    InputError
        No such name or file, too many atoms, or molecules that do not fit at this density.
    """
    family, _, rest = source.partition(":")
    if family == "bulk":
        atoms = _bulk(source, rest.split(":"))
    elif family == "molecule":
        atoms = _molecule(source, rest)
    elif family == "smiles":
        built = molecule_from_smiles(rest, seed=seed)
        atoms = Atoms(numbers=built.numbers, positions=built.positions)
    elif family == "box":
        atoms = _box(source, rest.split(":"), density, seed)
    else:
        atoms = _file(source)
    if not 1 <= len(atoms) <= _MOST_ATOMS:
        raise InputError(f"{source} has {len(atoms)} atoms, expected 1 to {_MOST_ATOMS}")
    if not np.isfinite(atoms.positions).all() or not np.isfinite(atoms.cell.array).all():
        raise InputError(f"{source} has a position or cell vector that is not finite; check the file")
    if flat_cell(atoms.cell.array[None], tuple(atoms.pbc)) is not None:
        raise InputError(
            f"{source} is periodic and its cell vectors are zero or lie in one plane; check the cell"
        )
    return atoms


def _bulk(source: str, parts: list[str]) -> Atoms:
    from ase.build import bulk

    name, times = parts[0], (1, 1, 1)
    arguments: dict[str, Any] = {}
    for part in parts[1:]:
        repeat, length = _REPEAT.fullmatch(part), _LENGTH.fullmatch(part)
        if repeat is not None:
            times = tuple(int(count) for count in repeat.groups())  # type: ignore[assignment]
        elif length is not None:
            arguments[length[1]] = float(length[2])
        elif part in _CELLS:
            arguments[part] = True
        elif part.isalpha():
            arguments["crystalstructure"] = part
        else:
            raise InputError(f"{part!r} in {source!r} is not understood, expected {_EXAMPLES}")
    made = _called(bulk, source, name, **arguments)
    if len(made) * int(np.prod(times)) > _MOST_ATOMS:
        raise InputError(
            f"{source} has {len(made) * int(np.prod(times))} atoms, expected at most {_MOST_ATOMS}"
        )
    repeated: Atoms = made * times
    return repeated


def _molecule(source: str, name: str) -> Atoms:
    from ase.build import molecule
    from ase.collections import g2
    from ase.data import chemical_symbols

    if name in chemical_symbols[1:] and name not in g2.names:  # ASE's collection has some atoms, not all
        return Atoms(name)
    return _called(molecule, source, name)


def _called(build: Any, source: str, name: str, **arguments: Any) -> Atoms:
    """Call a builder of ASE; it raises what its tables lead it to."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made: Atoms = build(name, **arguments)
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{source!r} cannot be built by ase.build ({reason}); expected {_EXAMPLES}"
        ) from error
    return made


def _box(source: str, parts: list[str], density: float, seed: int) -> Atoms:
    if len(parts) != 2 or not parts[1].isdecimal() or not 1 <= int(parts[1]) <= 1000:
        raise InputError(f"{source!r} is not understood, expected box:NAME:COUNT, such as box:H2O:16")
    if not 0.001 <= density <= 30.0:
        raise InputError(f"density is {density} g/cm³, expected a value from 0.001 to 30")
    single, count = _molecule(source, parts[0]), int(parts[1])
    grams_per_cm3 = units.kg / 1e3 / (units.m / 1e2) ** 3
    side = float((count * single.get_masses().sum() / (density * grams_per_cm3)) ** (1 / 3))
    rng = np.random.default_rng([seed, 41])
    sites = int(np.ceil(count ** (1 / 3) - 1e-9))
    grid = np.stack(np.meshgrid(*[np.arange(sites)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    places = (rng.permutation(grid)[:count] + 0.5) * side / sites
    body = single.positions - np.average(single.positions, axis=0, weights=single.get_masses())
    placed = np.empty((0, 3))
    for place in places:
        tries = np.einsum("tij,aj->tai", haar_rotations(_TRIES, rng), body) + place
        nearest = [_nearest(trial, placed, side) for trial in tries]
        if max(nearest) < _NEAREST:
            raise InputError(
                f"{count} molecules of {parts[0]} do not fit into {side:.2f} Å at {density:g} g/cm³ without coming nearer than "
                f"{_NEAREST} Å; give a smaller --density or another --seed"
            )
        placed = np.concatenate([placed, tries[int(np.argmax(nearest))]])
    return Atoms(numbers=np.tile(single.numbers, count), positions=placed, cell=[side] * 3, pbc=True)


def _nearest(trial: NDArray[np.float64], placed: NDArray[np.float64], side: float) -> float:
    """Return the smallest distance (Å) of a molecule from others and from its own images, in a cubic box."""
    images = side - float(np.linalg.norm(trial[:, None] - trial[None], axis=2).max())
    apart = trial[:, None] - placed[None]
    apart -= side * np.round(apart / side)
    return float(min([images, *np.linalg.norm(apart, axis=2).ravel().tolist()]))


def _file(source: str) -> Atoms:
    from ase.io import read

    path = Path(source)
    if not path.is_file():
        raise InputError(f"{source!r} is no structure and no file, expected {_EXAMPLES}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_atoms: Any = read(path)
    except Exception as error:  # readers of ASE raise what a file leads them to
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{path.name} cannot be read as a structure ({reason}); give a file that ASE reads"
        ) from error
    plain = Atoms(
        numbers=read_atoms.numbers, positions=read_atoms.positions, cell=read_atoms.cell, pbc=read_atoms.pbc
    )
    if len(plain) and not (plain.numbers >= 1).all():
        raise InputError(f"{path.name} has an atom of no element; give the elements")
    return plain
