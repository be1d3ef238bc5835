"""The structure that is observed: read from a file or made by name, and a calculator that is fit for long runs of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from ...theory.errors import InputError
from ..frames.locating import known_name
from ..frames.splits import evenly_spaced
from ..generation.build import build_structure
from ..symmetry.breaking import check_repeatable, evaluate
from ..symmetry.calculators import read_structures

#: An atom that is moved by a cell vector may feel so much relative to forces of 1 eV/Å: a thousand roundings of float32.
_SAME = 1e-4


@dataclass(frozen=True)
class Observed:
    """The structures of a job.

    Attributes
    ----------
    images
        Runs start from the first; relaxation takes all. Of one composition where there are runs.
    source, sha256
        Name or file name; of the file's bytes, None without a file.
    """

    images: tuple[Atoms, ...]
    source: str
    sha256: str | None = None

    @property
    def first(self) -> Atoms:
        """The structure that runs start from."""
        return self.images[0]

    @property
    def periodic(self) -> bool:
        """Whether it is periodic in any direction."""
        return bool(self.first.pbc.any())


def read_observed(source: str, *, frames: int | None = None, seed: int = 0, **reading: Any) -> Observed:
    """Return the structures that a name or a file stands for.

    Parameters
    ----------
    source
        ``molecule:H2O``, ``smiles:CCO``, ``bulk:Ag:cubic``, ``box:H2O:16``; or a file of frames, or a name of frames.
    frames
        Structures of a file at most, spread evenly; None: all.
    seed
        Draws the orientations in a box.
    reading
        Arguments of ``read_structures``.

    Raises
    ------
    InputError
        No such name or file, or fewer than one structure asked for.
    """
    if frames is not None and frames < 1:
        raise InputError(f"frames is {frames}, expected at least 1")
    if not Path(source).is_file() and not known_name(source):
        return Observed((build_structure(source, seed=seed),), source)
    known = read_structures(source, constrained=True, **reading)
    chosen = evenly_spaced(len(known), min(frames or len(known), len(known))).tolist()
    return Observed(tuple(known.images[k] for k in chosen), known.source, known.sha256)


def check_calculator(calculator: Any, observed: Observed) -> float:
    """Return the seconds that one evaluation takes.

    Raises
    ------
    InputError
        The calculator gives no energy or no forces, two answers for one structure, or ignores the cell of a periodic one.
    """
    atoms = observed.first
    check_repeatable(calculator, atoms)
    if observed.periodic:
        _check_cell(calculator, atoms)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        evaluate(calculator, atoms)
        times.append(time.perf_counter() - start)
    return min(times)


def _check_cell(calculator: Any, atoms: Atoms) -> None:
    _, forces = evaluate(calculator, atoms)
    moved: Any = atoms.copy()  # type: ignore[no-untyped-call]
    moved.positions[0] += np.asarray(atoms.cell)[int(np.argmax(atoms.pbc))]
    _, again = evaluate(calculator, moved)
    change = float(np.abs(again - forces).max())
    if not change <= _SAME * max(1.0, float(np.abs(forces).max())):
        raise InputError(
            f"the structure is periodic and {type(calculator).__name__} ignores its cell: an atom moved by a cell vector feels "
            f"forces that differ by {change:.1e} eV/Å; give a model that uses cells, or a structure without"
        )
