"""Two sequences of structures as one, such as those of a file and held-out ones of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .structures import Part, Structures


class JoinedStructures:
    """The structures of one source, then those of another; groups of the two have nothing in common.

    Attributes
    ----------
    source, sha256, units, notes
        Those of the first source.
    groups
        As in ``Structures``.
    """

    def __init__(self, first: Structures, second: Structures) -> None:
        self._first, self._second = first, second
        self.source, self.sha256, self.units, self.notes = (
            first.source,
            first.sha256,
            first.units,
            first.notes,
        )
        beyond = int(first.groups.max()) + 1 - int(second.groups.min())
        self.groups: NDArray[np.int64] = np.concatenate([first.groups, second.groups + beyond])

    def __len__(self) -> int:
        """Return the number of structures of both."""
        return len(self._first) + len(self._second)

    def numbers(self, index: int) -> NDArray[np.int64]:
        """Return the atomic numbers of one structure."""
        own = len(self._first)
        return self._first.numbers(index) if index < own else self._second.numbers(index - own)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> list[Part]:
        """Return the structures at these places, those of the first source first."""
        places, own = np.asarray(indices, dtype=np.int64), len(self._first)
        parts: list[Part] = []
        if (places < own).any():
            parts += self._first.take(places[places < own])
        if (places >= own).any():
            later = self._second.take(places[places >= own] - own)
            parts += [Part(part.indices + own, part.frames) for part in later]
        return parts
