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
        count = len(self._first)
        return self._first.numbers(index) if index < count else self._second.numbers(index - count)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> list[Part]:
        """Return the structures at these places, those of the first source first."""
        places, count = np.asarray(indices, dtype=np.int64), len(self._first)
        parts: list[Part] = []
        if (places < count).any():
            parts += self._first.take(places[places < count])
        if (places >= count).any():
            later = self._second.take(places[places >= count] - count)
            parts += [Part(part.indices + count, part.frames) for part in later]
        return parts
