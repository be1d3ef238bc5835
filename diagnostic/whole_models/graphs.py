r"""Synthetic graphs: a centre with neighbours, or a chain of four atoms, and which pairs of atoms have an edge.

| graph | atoms | directions | edges |
|---|---|---|---|
| ``star`` | centre and three neighbours | independent and uniform | centre with each neighbour |
| ``all`` | the same | the same | every pair |
| ``cutoff`` | centre and two neighbours, 1 Å from it | angles of 90° to 180°, cosine uniform | pairs closer than the cutoff |
| ``chain`` | a-b-c-d, bonds of 1 Å | independent and uniform | the three bonds |
| ``chain-all`` | the same | the same | every pair |

On ``star`` and ``chain`` edges are given, whatever the distances, as in a model that is told its bonds. On ``cutoff`` the third
side is :math:`\sqrt 2` to 2 Å long: a cutoff below sees the bonds and never the third side, one above 2 Å sees it always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError

GraphName = Literal["star", "all", "cutoff", "chain", "chain-all"]
#: Names of the graphs.
GRAPHS: tuple[GraphName, ...] = get_args(GraphName)

_Array = NDArray[np.float64]

#: Distances in Å from the centre of neighbours that are alike, and of those that can be told apart.
ALIKE, APART = (1.0, 1.0, 1.0), (1.0, 1.5, 2.1)
#: Cutoff in Å of models on graphs whose edges are given: beyond every distance that occurs (2 * 2.1 Å).
WIDE = 5.0
#: Cosines between the two neighbours of ``cutoff`` lie in this interval.
COSINES = (-1.0, 0.0)
#: A cutoff in Å that sees bonds of 1 Å and no third side of sqrt(2) Å or more.
BELOW = 1.3


@dataclass(frozen=True)
class GraphLayout:
    """One kind of graph.

    Attributes
    ----------
    graph
        See the module.
    alike
        Neighbours at equal distance (True) or at 1.0, 1.5 and 2.1 Å; a matter of ``star`` and ``all`` alone.
    cutoff
        Of the model, Å.
    """

    graph: GraphName
    alike: bool = True
    cutoff: float = WIDE

    def __post_init__(self) -> None:
        if self.graph not in GRAPHS:
            raise InputError(f"graph is {self.graph!r}, expected one of {', '.join(GRAPHS)}")
        if not self.alike and self.graph not in ("star", "all"):
            raise InputError(f"the graph {self.graph} has neighbours alike only: leave alike True")
        least = 1.0 if self.graph == "cutoff" else 4.2
        if not least < self.cutoff < 100.0:
            raise InputError(
                f"a cutoff of {self.cutoff} Å does not suit the graph {self.graph}: give more than {least} Å"
            )

    @property
    def atoms(self) -> int:
        """Number of atoms, the centre of a star first."""
        return 3 if self.graph == "cutoff" else 4

    @property
    def chain(self) -> bool:
        """Whether it is a chain a-b-c-d."""
        return self.graph.startswith("chain")

    @property
    def types(self) -> tuple[int, ...]:
        """Index of each atom's element: 1 for the centre, 0 for its neighbours; all the same in a chain."""
        return (0,) * 4 if self.chain else (1,) + (0,) * (self.atoms - 1)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs of atoms that may have an edge, each once."""
        every = tuple((i, j) for i in range(self.atoms) for j in range(i + 1, self.atoms))
        if self.graph == "star":
            return tuple((0, j) for j in range(1, self.atoms))
        return ((0, 1), (1, 2), (2, 3)) if self.graph == "chain" else every

    def directions(self, count: int, rng: np.random.Generator) -> _Array:
        """Return ``(count, vectors, 3)`` unit vectors of random configurations."""
        neighbours = self.atoms - 1
        drawn = rng.standard_normal((count, neighbours, 3))
        drawn /= np.linalg.norm(drawn, axis=-1, keepdims=True)
        if self.graph != "cutoff":
            return drawn
        cosine = rng.uniform(*COSINES, size=(count, 1))
        across = drawn[:, 1] - np.sum(drawn[:, 1] * drawn[:, 0], axis=1, keepdims=True) * drawn[:, 0]
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        second = cosine * drawn[:, 0] + np.sqrt(1.0 - cosine**2) * across
        return np.stack([drawn[:, 0], second], axis=1)

    def positions(self, directions: _Array) -> _Array:
        """Return ``(count, atoms, 3)`` in Å: the centre at the origin, or b of a chain."""
        origin = np.zeros((len(directions), 1, 3))
        if self.chain:  # a, b, c, d from r_ba, r_bc and r_cd
            a, c = directions[:, :1], directions[:, 1:2]
            return np.concatenate([a, origin, c, c + directions[:, 2:]], axis=1)
        distances = np.array((ALIKE if self.alike else APART)[: self.atoms - 1])
        return np.concatenate([origin, directions * distances[:, None]], axis=1)


@dataclass(frozen=True)
class Graphs:
    """Configurations of one layout as one graph.

    Attributes
    ----------
    positions
        ``(configurations * atoms, 3)``, Å, float64.
    edges
        ``(2, edges)``: both directions of every edge; row 0 sends, row 1 receives.
    types
        ``(configurations * atoms,)``: index of each element.
    count, atoms
        Number of configurations, and of the atoms of each.
    centres_only
        Whether the energy of every atom but the centre is a constant, so that a model of one layer may leave it out.
    """

    positions: torch.Tensor
    edges: torch.Tensor
    types: torch.Tensor
    count: int
    atoms: int
    centres_only: bool

    @classmethod
    def of(cls, layout: GraphLayout, positions: torch.Tensor) -> Graphs:
        """Return configurations ``(count, atoms, 3)`` as one graph."""
        count, atoms = positions.shape[:2]
        pairs = torch.tensor(layout.pairs).T
        both = torch.cat([pairs, pairs.flip(0)], dim=1)
        edges = both[:, None, :] + atoms * torch.arange(count)[None, :, None]
        if layout.graph == "cutoff":
            near = (positions[:, both[0]] - positions[:, both[1]]).norm(dim=-1) < layout.cutoff
            edges = edges[:, near]
        return cls(
            positions.reshape(-1, 3),
            edges.reshape(2, -1).contiguous(),
            torch.tensor(layout.types).repeat(count),
            count,
            atoms,
            layout.graph == "star",
        )

    def summed(self, values: torch.Tensor, at: torch.Tensor | None = None) -> torch.Tensor:
        """Return the sum of ``values`` (rows) over each configuration: of atoms, or of rows that belong to the atoms ``at``."""
        if at is None:
            return values.reshape(self.count, self.atoms, -1).sum(1)
        out = values.new_zeros(self.count, values.shape[1])
        return out.index_add(0, torch.div(at, self.atoms, rounding_mode="floor"), values)
