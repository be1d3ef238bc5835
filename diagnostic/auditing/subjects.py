"""What an audit looks at: single frames of a molecule or crystal, or one structure for each element of a mixed set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.splits import evenly_spaced
from ..frames.structure_checks import refuse_overlaps
from ..frames.structures import Structures
from .result import AuditSettings


@dataclass(frozen=True)
class Subject:
    """A single frame that is turned.

    Attributes
    ----------
    number
        Its place among the frames or structures given.
    frame
        The frame alone.
    atoms
        Atoms whose features are read.
    """

    number: int
    frame: Frames
    atoms: list[int]


def subjects_of(data: Frames | Structures, settings: AuditSettings) -> list[Subject]:
    """Return the frames to turn, spread evenly; of structures the first that holds each element, then other compositions.

    Raises
    ------
    InputError
        Atoms out of range, or atoms asked for of structures that have no numbering in common.
    """
    if isinstance(data, Frames):
        atoms = _atoms(data, settings.atoms)
        turned = evenly_spaced(len(data), min(settings.frames, len(data)))
        return [Subject(int(k), data.select([int(k)]), atoms) for k in turned]
    if settings.atoms is not None or settings.centre is not None or settings.neighbour is not None:
        raise InputError(
            f"{data.source} holds structures of several kinds, whose atoms have no numbering in common: leave --atoms, "
            "--centre and --neighbour out"
        )
    read = _first_of_each(data, settings.frames)
    parts = data.take(list(read))
    for part in parts:
        refuse_overlaps(part, data)
    frames = {int(k): part.frames.select([n]) for part in parts for n, k in enumerate(part.indices)}  # fmt: skip
    return [Subject(k, frames[k], read[k]) for k in read]


def _first_of_each(structures: Structures, least: int) -> dict[int, list[int]]:
    """Return by structure the first atom of every element that no structure before it holds, or of all of its own."""
    known: set[int] = set()
    compositions: set[bytes] = set()
    read: dict[int, list[int]] = {}
    others: dict[int, list[int]] = {}
    for index in range(len(structures)):
        numbers = structures.numbers(index)
        composition = np.sort(numbers).tobytes()
        if composition in compositions:
            continue
        compositions.add(composition)
        new = [int(z) for z in np.unique(numbers) if int(z) not in known]
        if new:
            known |= set(new)
            read[index] = _first(numbers, new)
        else:
            others[index] = _first(numbers, np.unique(numbers).tolist())
    for index in list(others)[: max(0, least - len(read))]:
        read[index] = others[index]
    return dict(sorted(read.items()))


def _first(numbers: NDArray[np.int64], elements: Sequence[int]) -> list[int]:
    return sorted(int(np.flatnonzero(numbers == z)[0]) for z in elements)


def _atoms(frames: Frames, asked: tuple[int, ...] | None) -> list[int]:
    """Return the atoms asked for, or the first atom of every element."""
    if asked is None:
        return _first(frames.numbers, np.unique(frames.numbers).tolist())
    for atom in asked:
        if not 0 <= atom < len(frames.numbers):
            raise InputError(
                f"atom {atom} is not in the molecule, expected indices from 0 to {len(frames.numbers) - 1}"
            )
    return sorted(set(asked))


def formula_of(data: Frames | Structures, subjects: Sequence[Subject]) -> str:
    """Return the formula of frames, or those of the structures that are looked at."""
    if isinstance(data, Frames):
        return data.formula
    names = list(dict.fromkeys(subject.frame.formula for subject in subjects))
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} others"
