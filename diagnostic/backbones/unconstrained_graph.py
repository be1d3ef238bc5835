"""Structures of any size, with and without cells, as one graph that a model without symmetry evaluates at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..frames.frames import Frames
from ..frames.neighbours import neighbours
from .unconstrained_model import NEIGHBOURS, UnconstrainedNetwork, edge_inputs, faded

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Graph:
    """Atoms of several structures one after the other, and the pairs that are nearer than the cutoff.

    Attributes
    ----------
    positions : (atoms, 3) tensor
        Å.
    types : (atoms,) int tensor
        From ``UnconstrainedNetwork.types``.
    first, second : (pairs,) int tensor
        Atom i and the atom j of which an image lies near it; never of two structures.
    offsets : (pairs, 3) tensor
        Displacement of that image by cell vectors (Å).
    owner : (atoms,) int tensor
        Structure of each atom, ascending.
    count
        Number of structures.
    """

    positions: torch.Tensor
    types: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    offsets: torch.Tensor
    owner: torch.Tensor
    count: int

    def turned(self, rotations: Array) -> Graph:
        """Return the graph with every structure and its cell turned about the origin by one of ``(count, 3, 3)``."""
        turns = torch.tensor(rotations, dtype=self.positions.dtype, device=self.positions.device)
        atoms, pairs = turns[self.owner], turns[self.owner[self.first]]
        return replace(
            self,
            positions=torch.einsum("aij,aj->ai", atoms, self.positions),
            offsets=torch.einsum("pij,pj->pi", pairs, self.offsets),
        )


def graph_of(
    network: UnconstrainedNetwork,
    numbers: NDArray[np.int64],
    positions: Array,
    cell: Array | None = None,
    pbc: tuple[bool, bool, bool] = (False, False, False),
) -> Graph:
    """Return the graph of one structure.

    Parameters
    ----------
    network
        Gives the cutoff and the elements.
    numbers
        ``(atoms,)``, atomic numbers.
    positions
        ``(atoms, 3)``, Å.
    cell
        Cell vectors as rows (Å).
    pbc
        Which directions are periodic.

    Raises
    ------
    InputError
        The model does not know an element.
    """
    listed = neighbours(positions, network.settings.cutoff, cell, pbc)
    offsets = np.zeros((len(listed.first), 3)) if cell is None else listed.shifts @ np.asarray(cell)
    types = network.types(numbers)
    where = types.device
    return Graph(
        torch.tensor(positions, device=where), types, torch.tensor(listed.first, device=where),
        torch.tensor(listed.second, device=where), torch.tensor(offsets, device=where), torch.zeros_like(types), 1,
    )  # fmt: skip


def graphs_of(network: UnconstrainedNetwork, frames: Frames) -> list[Graph]:
    """Return the graph of each frame."""
    cells = [None] * len(frames) if frames.cells is None else list(frames.cells)
    return [
        graph_of(network, frames.numbers, positions, cell, frames.pbc)
        for positions, cell in zip(frames.positions, cells, strict=True)
    ]


def joined(graphs: Sequence[Graph]) -> Graph:
    """Return several graphs as one, in their order."""
    starts = np.cumsum([0, *(len(graph.positions) for graph in graphs)])
    structures = np.cumsum([0, *(graph.count for graph in graphs)])
    return Graph(
        torch.cat([graph.positions for graph in graphs]),
        torch.cat([graph.types for graph in graphs]),
        torch.cat([graph.first + int(start) for graph, start in zip(graphs, starts, strict=False)]),
        torch.cat([graph.second + int(start) for graph, start in zip(graphs, starts, strict=False)]),
        torch.cat([graph.offsets for graph in graphs]),
        torch.cat([graph.owner + int(start) for graph, start in zip(graphs, structures, strict=False)]),
        int(structures[-1]),
    )


def graph_rounds(network: UnconstrainedNetwork, graph: Graph) -> list[torch.Tensor]:
    """Return the features of every atom after each round, ``(atoms, width)``; those of ``network.rounds`` up to rounding."""
    vectors = graph.positions[graph.second] - graph.positions[graph.first] + graph.offsets
    distances = torch.sqrt((vectors**2).sum(-1))
    fade = faded(distances, network.settings.cutoff)
    inputs = edge_inputs(vectors, distances, network.settings.cutoff)
    state = network.embed(graph.types)
    states: list[torch.Tensor] = []
    for message, update in zip(network.messages, network.updates, strict=True):
        pair = torch.cat([inputs, state[graph.first], state[graph.second]], dim=-1)
        sent = message(pair) * fade[..., None]
        gathered = torch.zeros_like(state).index_add(0, graph.first, sent) / NEIGHBOURS**0.5
        state = state + update(torch.cat([state, gathered], dim=-1))
        states.append(state)
    return states


def graph_forces(
    network: UnconstrainedNetwork, graph: Graph, *, create_graph: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return energies ``(count,)`` (eV) and forces ``(atoms, 3)``, minus their gradient (eV/Å).

    Parameters
    ----------
    create_graph
        Whether the forces can be differentiated further, as training needs.
    """
    moved = graph.positions.detach().requires_grad_(True)
    features = graph_rounds(network, replace(graph, positions=moved))[-1]
    each = network.readout(features)[..., 0] * network.scale + network.references(graph.types)
    energy = torch.zeros(graph.count, dtype=each.dtype, device=each.device).index_add(0, graph.owner, each)
    (gradient,) = torch.autograd.grad(energy.sum(), moved, create_graph=create_graph)
    return energy, -gradient
