"""What is injected at which atom, and the orientations in which every frame is used."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frames.frames import Frames
from ..frames.marks import Mark
from ..frames.splits import Split
from ..injection.fields import DENSITY_CUTOFF, InjectionName, l_slice, signals
from ..injection.orientations import Orientations


def injectable_atoms(frames: Frames, marks: Sequence[Mark], injection: InjectionName) -> list[int]:
    """Return the atoms that an injection can be made at: density needs a neighbour in its cutoff in every frame."""
    if injection == "marked":
        return [mark.atom for mark in marks if mark.neighbour is not None]
    return [mark.atom for mark in marks if _nearest(frames, mark.atom) < DENSITY_CUTOFF]


def _nearest(frames: Frames, atom: int) -> float:
    """Return how far the nearest neighbour of an atom is where it is farthest, Å."""
    vectors = np.delete(frames.positions, atom, axis=1) - frames.positions[:, atom : atom + 1]
    return float(np.linalg.norm(vectors, axis=2).min(axis=1).max())


@dataclass(frozen=True)
class Signals:
    """The signals T of a run.

    Attributes
    ----------
    tables
        By injection and atom: T, ``(frames, (l_top + 1)^2)``. For each l the signals of all atoms are scaled by one number to
        unit mean square over the training frames, so that ``strength`` means the same for every injection and every l.
    """

    tables: Mapping[InjectionName, Mapping[int, NDArray[np.float64]]]

    @classmethod
    def of(
        cls,
        frames: Frames,
        split: Split,
        marks: Sequence[Mark],
        l_top: int,
        injections: Sequence[InjectionName],
    ) -> Signals:
        """Compute the signals of every atom that each injection can be made at."""
        tables: dict[InjectionName, Mapping[int, NDArray[np.float64]]] = {}
        for injection in injections:
            atoms = injectable_atoms(frames, marks, injection)
            chosen = [mark for mark in marks if mark.atom in atoms]
            if not chosen:
                tables[injection] = {}
                continue
            values = signals(len(frames.numbers), frames.positions, l_top, injection, chosen)
            for l in range(l_top + 1):
                power = float(np.mean(values[split.training][:, :, l_slice(l)] ** 2))
                values[:, :, l_slice(l)] /= np.sqrt(power) if power > 0.0 else 1.0
            tables[injection] = {i: values[:, k] for k, i in enumerate(atoms)}
        return cls(tables)

    def atoms(self, injection: InjectionName) -> list[int]:
        """Return the atoms that the injection is made at."""
        return list(self.tables.get(injection, {}))

    def up_to(self, l: int) -> Signals:
        """Return the same signals without those above l."""
        size = (l + 1) ** 2
        return Signals(
            {name: {i: t[:, :size] for i, t in table.items()} for name, table in self.tables.items()}
        )


class Turns:
    """The orientations of a run, drawn once: every atom and degree sees the same ones.

    Parameters
    ----------
    split
        Frames of the three parts.
    l_top
        Highest degree of features and targets.
    rotations
        Uses of each training frame.
    seed
        Seed of the rotations.
    """

    def __init__(self, split: Split, l_top: int, rotations: int, seed: int) -> None:
        self._split, self._l_top, self._rotations, self._seed = split, l_top, rotations, seed
        self._drawn: dict[bool, Orientations] = {}

    def orientations(self, rotate: bool = True) -> Orientations:
        """Return the uses of the frames; ``rotate`` False: as they are stored."""
        if rotate not in self._drawn:
            rng = np.random.default_rng([self._seed, int(rotate)])
            times = (self._rotations, 5, 5)
            self._drawn[rotate] = Orientations.draw(self._split, self._l_top, rng, times=times, rotate=rotate)
        return self._drawn[rotate]

    def with_seed(self, seed: int) -> Turns:
        """Return turns drawn from another seed."""
        return Turns(self._split, self._l_top, self._rotations, seed)


def named_seed(seed: int, name: str) -> list[int]:
    """Return the seed of a named part of a run: the same whatever was computed before it."""
    return [seed, zlib.crc32(name.encode())]
