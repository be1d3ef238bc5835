"""What is injected at which atom, and the orientations in which every frame is used."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frames.splits import Split
from ..injection.fields import InjectionName, l_slice
from ..injection.orientations import Orientations
from .sample import Sample


@dataclass(frozen=True)
class Signals:
    """The signals T of a run.

    Attributes
    ----------
    tables
        By injection and atom: T, ``(rows, (l_top + 1)^2)``. For each l the signals of all atoms are scaled by one number to
        unit mean square over the training rows, so that ``strength`` means the same for every injection and every l; those of
        pools of environments each by its own.
    """

    tables: Mapping[InjectionName, Mapping[int, NDArray[np.float64]]]

    @classmethod
    def of(cls, sample: Sample, l_top: int, injections: Sequence[InjectionName]) -> Signals:
        """Compute the signals of every atom that each injection can be made at."""
        tables: dict[InjectionName, Mapping[int, NDArray[np.float64]]] = {}
        for injection in injections:
            atoms = sample.injectable(injection)
            if not atoms:
                tables[injection] = {}
                continue
            values = sample.signals(l_top, injection, atoms)
            for l in range(l_top + 1):
                power = sample.power(values, l_slice(l), injection, atoms)
                values[:, :, l_slice(l)] /= np.sqrt(np.where(power > 0.0, power, 1.0))
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
        self._drawn: dict[tuple[bool, bytes], Orientations] = {}

    def orientations(self, rotate: bool = True, split: Split | None = None) -> Orientations:
        """Return the uses of the rows; ``rotate`` False: as they are stored. ``split``: other rows than those of the run."""
        rows = self._split if split is None else split
        key = rotate, b"|".join(part.tobytes() for part in (rows.training, rows.validation, rows.held_out))
        if key not in self._drawn:
            rng = np.random.default_rng([self._seed, int(rotate)])
            times = (self._rotations, 5, 5)
            self._drawn[key] = Orientations.draw(rows, self._l_top, rng, times=times, rotate=rotate)
        return self._drawn[key]

    def with_seed(self, seed: int) -> Turns:
        """Return turns drawn from another seed."""
        return Turns(self._split, self._l_top, self._rotations, seed)


def named_seed(seed: int, name: str) -> list[int]:
    """Return the seed of a named part of a run: the same whatever was computed before it."""
    return [seed, zlib.crc32(name.encode())]
