"""What a backbone answers in one pass, and the edges of its graph that take part in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .features import Features

#: Takes the edges of a graph, atom indices of one frame, shape (2, edges); returns which to keep, shape (edges,).
EdgeFilter = Callable[[NDArray[np.int64]], NDArray[np.bool_]]

#: Tensors of a model's input that have one entry for each edge, and the axis of the edges, in nequip and in MACE.
_EDGE_TENSORS = {"edge_index": 1, "edge_cell_shift": 0, "shifts": 0, "unit_shifts": 0}


@dataclass(frozen=True)
class Response:
    """What a model makes of some frames.

    Attributes
    ----------
    features
        By layer.
    energies
        Total energies, ``(frames,)`` in eV; None where they were not asked for or the model does not give them.
    forces
        ``(frames, atoms, 3)`` in eV/Å, or None.
    stress
        ``(frames, 6)`` in eV/Å³, Voigt order and ASE's sign, where the model gives it beside forces; None otherwise.
    """

    features: dict[str, Features]
    energies: NDArray[np.float64] | None
    forces: NDArray[np.float64] | None
    stress: NDArray[np.float64] | None = None


def star(centre: int) -> EdgeFilter:
    """Keep the edges of one atom, in both directions: the star graph of that atom."""

    def keep(edges: NDArray[np.int64]) -> NDArray[np.bool_]:
        touching: NDArray[np.bool_] = (edges == centre).any(axis=0)
        return touching

    return keep


@contextmanager
def dropped_edges(module: torch.nn.Module, keep: EdgeFilter, atoms: int) -> Iterator[None]:
    """Let a module see only some edges of its graph, while the context lasts; for adapters.

    The edges are dropped from the module's first argument before anything is computed from them; the neighbour list
    itself is the model's own.

    Parameters
    ----------
    module
        Its first argument is a dictionary with ``edge_index`` (2, edges), in nequip's layout or MACE's.
    keep
        Which edges stay, of every frame.
    atoms
        Number of atoms of one frame: the batch numbers the atoms of all frames on.
    """

    def drop(_module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        data = dict(inputs[0])
        index = data["edge_index"]
        mask = torch.from_numpy(keep(index.numpy(force=True) % atoms)).to(index.device)
        for name, axis in _EDGE_TENSORS.items():
            if name in data:
                data[name] = data[name][:, mask] if axis else data[name][mask]
        return (data, *inputs[1:])

    handle = module.register_forward_pre_hook(drop)
    try:
        yield
    finally:
        handle.remove()
