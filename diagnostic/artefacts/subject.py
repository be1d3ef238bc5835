"""The structure that artefacts are measured on, relaxed with the reference, and what the training data cover."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
from ase import filters, neighborlist
from ase.data import covalent_radii
from ase.optimize import FIRE

from ...theory.errors import InputError
from ..dynamics.every_step import Moving
from ..frames.locating import known_name
from ..frames.splits import evenly_spaced
from ..generation.build import build_structure
from ..symmetry.calculators import AuditStructures, read_structures

#: Functions of ASE, which have no types.
PAIRS: Any = neighborlist.neighbor_list
_CELL_FILTER: Any = filters.FrechetCellFilter
#: Pairs are looked for up to so many sums of covalent radii.
_REACH = 1.6
#: Structures of a file among which the one of lowest energy is taken, and the relaxation: eV/Å and steps.
_TRIED, _FMAX, _STEPS = 20, 0.005, 300


@dataclass(frozen=True)
class Coverage:
    """What training data hold of short distances.

    Attributes
    ----------
    source, sha256, structures
        Where they come from, and how many.
    shortest
        Shortest distance (Å) of each pair of elements, such as ``{"F-Li": 1.7}``.
    smallest_volume
        Smallest volume (Å³ of each atom) of the periodic structures; None: there are none.
    isolated_pairs
        Whether structures of exactly two atoms without a cell are among them.
    """

    source: str
    sha256: str
    structures: int
    shortest: dict[str, float]
    smallest_volume: float | None
    isolated_pairs: bool


@dataclass(frozen=True)
class Subject:
    """The structure and what the data cover of it.

    Attributes
    ----------
    atoms
        The unit cell or molecule as given.
    source
        Name or file name.
    coverage
        None: no data were given.
    """

    atoms: Moving
    source: str
    coverage: Coverage | None

    @property
    def periodic(self) -> bool:
        """Whether the structure is periodic in every direction."""
        return bool(self.atoms.pbc.all())


def read_subject(structures: str, reference: Any, *, data: str | None = None, **reading: Any) -> Subject:
    """Return the structure that a name or a file stands for.

    Parameters
    ----------
    structures
        A name such as ``bulk:Ag:cubic`` or ``molecule:H2O``; or a file, or a name of frames, which is then the data too: of up
        to twenty of its structures the one with the lowest energy of the reference is taken.
    reference
        Calculator of the reference.
    data
        The training data, a file or a name; None: ``structures`` where that is a file.
    reading
        Arguments of ``read_structures``.

    Raises
    ------
    InputError
        No such structure or file, or a structure that is periodic in some directions only.
    """
    if Path(structures).is_file() or known_name(structures):
        known = read_structures(structures, **reading)
        source, atoms = known.source, _lowest(known, reference)
        coverage: Coverage | None = covered(known if data is None else read_structures(data, **reading))
    else:
        source, atoms = structures, build_structure(structures)
        coverage = None if data is None else covered(read_structures(data, **reading))
    if atoms.pbc.any() and not atoms.pbc.all():
        raise InputError(f"{source} is periodic in some directions only; give a crystal or a molecule")
    return Subject(atoms, source, coverage)


def _lowest(known: AuditStructures, reference: Any) -> Moving:
    energies = []
    chosen = evenly_spaced(len(known), min(_TRIED, len(known))).tolist()
    for index in chosen:
        image: Any = known.images[index].copy()
        image.calc = reference
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            energies.append(float(image.get_potential_energy()) / len(image))
    best: Moving = known.images[chosen[int(np.argmin(energies))]].copy()
    return best


def covered(known: AuditStructures) -> Coverage:
    """Return the shortest pairs and the smallest volume of structures."""
    shortest: dict[str, float] = {}
    images: tuple[Moving, ...] = known.images
    volumes = [image.get_volume() / len(image) for image in images if image.pbc.all()]
    for image in images:
        elements = sorted(set(image.numbers.tolist()))
        reach = {
            (a, b): _REACH * (covalent_radii[a] + covalent_radii[b])
            for a, b in combinations_with_replacement(elements, 2)
        }
        first, second, distances = PAIRS("ijd", image, reach)
        for a, b in reach:
            of = (image.numbers[first] == a) & (image.numbers[second] == b)
            if of.any():
                name = pair_name(a, b)
                shortest[name] = min(shortest.get(name, np.inf), float(distances[of].min()))
    pairs = any(len(image) == 2 and not image.pbc.any() for image in known.images)
    return Coverage(
        known.source, known.sha256, len(known), shortest, float(min(volumes)) if volumes else None, pairs
    )


def pair_name(first: int, second: int) -> str:
    """Return the name of a pair of elements, such as ``F-Li``, in alphabetical order."""
    from ase.data import chemical_symbols

    return "-".join(sorted((chemical_symbols[first], chemical_symbols[second])))


def relaxed(atoms: Moving, calculator: Any, *, cell: bool) -> Moving:
    """Return a structure at the calculator's minimum: positions, and with ``cell`` the volume where there is stress."""
    moving: Any = atoms.copy()
    moving.calc = calculator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target = moving
        if cell and moving.pbc.all() and "stress" in calculator.implemented_properties:
            target = _CELL_FILTER(moving, hydrostatic_strain=True)
        FIRE(target, logfile=None).run(fmax=_FMAX, steps=_STEPS)
    done: Moving = moving.copy()
    done.calc = None
    return done


def shortest_distance(atoms: Moving) -> float:
    """Return the shortest distance (Å) of two atoms, images included."""
    reach = 2.0
    while True:
        distances = PAIRS("d", atoms, reach)
        if len(distances):
            return float(distances.min())
        reach *= 1.5
