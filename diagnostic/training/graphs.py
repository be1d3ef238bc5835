"""Graphs of the structures that a model is trained on: all kept where they are few, else made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..frames.frames import Frames
from .data import TrainingData
from .state import Graph

#: Atoms of all structures up to which their graphs are kept: at 60 neighbours of 40 bytes each, 240 MB.
MOST_ATOMS = 100_000


class Graphs:
    """The graphs of some structures, in the order of their places.

    Parameters
    ----------
    data
        All structures.
    indices
        Places of those that are wanted, ascending.
    make
        Gives the graph of every frame. It is asked for one frame at a time where the structures have more than ``MOST_ATOMS``
        atoms together, and nothing is kept then.
    """

    def __init__(
        self, data: TrainingData, indices: NDArray[np.int64], make: Callable[[Frames], list[Graph]]
    ) -> None:
        self._data, self._make = data, make
        part_of = np.zeros(len(data), dtype=np.int64)
        row_of = np.zeros(len(data), dtype=np.int64)
        sizes = np.zeros(len(data), dtype=np.int64)
        for k, part in enumerate(data.parts):
            part_of[part.indices] = k
            row_of[part.indices] = np.arange(len(part.indices))
            sizes[part.indices] = len(part.frames.numbers)
        self._places = list(zip(part_of[indices].tolist(), row_of[indices].tolist(), strict=True))
        few = int(sizes[indices].sum()) <= MOST_ATOMS
        self._kept = data.made(indices, make) if few else None

    def __len__(self) -> int:
        """Return the number of graphs."""
        return len(self._places)

    def __getitem__(self, index: int) -> Graph:
        """Return one graph."""
        if self._kept is not None:
            return self._kept[index]
        part, row = self._places[index]
        (graph,) = self._make(self._data.parts[part].frames.select([row]))
        return graph

    def some(self, indices: range | NDArray[np.int64]) -> list[Graph]:
        """Return several graphs."""
        return [self[int(index)] for index in indices]
