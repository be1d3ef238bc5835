"""e3nn's own message-passing networks (``e3nn.nn.models.v2106``) as backbones; no package but e3nn is needed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.neighbours import neighbours_of
from .hooked import OfFrames
from .hooked_module import Inputs, ModuleBackbone, from_module


def one_hot_inputs(elements: Sequence[str], cutoff: float | None = None) -> Inputs:
    """Return the function from frames to the inputs of ``SimpleNetwork``: the element of every atom as its features.

    Keys: ``pos`` (atoms of all frames, 3) in Å, ``x`` (atoms, elements), ``batch`` (atoms), the frame of each. With a
    ``cutoff`` (Å), periodic frames have ``edge_index`` (2, edges), from neighbour to centre, and ``edge_shift`` (edges, 3), what
    is added to the difference of two positions (Å), too.
    """
    index = {symbol: k for k, symbol in enumerate(elements)}

    def inputs(frames: Frames) -> dict[str, torch.Tensor]:
        types = torch.tensor([index[chemical_symbols[z]] for z in frames.numbers])
        one_hot = torch.nn.functional.one_hot(types, len(index)).to(torch.float64)
        edges = {} if cutoff is None or not frames.periodic else _edges(frames, cutoff)
        return {
            "pos": torch.tensor(frames.positions.reshape(-1, 3)),
            "x": one_hot.repeat(len(frames), 1),
            "batch": torch.arange(len(frames)).repeat_interleave(len(frames.numbers)),
            **edges,
        }

    return inputs


def _edges(frames: Frames, cutoff: float) -> dict[str, torch.Tensor]:
    """Return the pairs of periodic frames: indices among all atoms, from neighbour to centre, and the shift of each (Å)."""
    assert frames.cells is not None
    indices, shifts = [], []
    for k, pairs in enumerate(neighbours_of(frames, cutoff)):
        indices.append(np.stack([pairs.second, pairs.first]) + k * len(frames.numbers))
        shifts.append(pairs.vectors - frames.positions[k][pairs.second] + frames.positions[k][pairs.first])
    return {
        "edge_index": torch.from_numpy(np.concatenate(indices, axis=1)),
        "edge_shift": torch.from_numpy(np.concatenate(shifts)),
    }


def _with_cells(network: torch.nn.Module) -> torch.nn.Module:
    """Return a shallow copy of a network of ``v2106`` that takes ``edge_index`` and ``edge_shift`` where they are given.

    These networks make their graph in ``preprocess``, which knows no cell.
    """
    made: Any = copy.copy(network)
    original: Any = type(network).preprocess  # type: ignore[attr-defined]

    def preprocess(data: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        if "edge_shift" not in data:
            return tuple(original(made, data))
        position, (source, centre) = data["pos"], data["edge_index"]
        kept = original(made, {**data, "pos": position.detach()})[:-3]
        return (*kept, source, centre, position[source] - position[centre] + data["edge_shift"])

    made.preprocess = preprocess
    altered: torch.nn.Module = made
    return altered


def from_e3nn(
    network: torch.nn.Module,
    elements: Sequence[str],
    *,
    inputs: Inputs | None = None,
    forces: OfFrames | None = None,
    energies: OfFrames | None = None,
    source: str | None = None,
    untrained: Callable[[int], torch.nn.Module] | None = None,
    trained: bool | None = None,
) -> ModuleBackbone:
    """Return a backbone from a network that holds an e3nn ``MessagePassing`` of ``e3nn.nn.models.v2106``.

    Its layers are ``mp.layers.0``, ``mp.layers.1``, ...: the gated outputs, then the last convolution, each with the
    irreps that the network itself states.

    Parameters
    ----------
    network
        ``SimpleNetwork`` or ``NetworkForAGraphWithAttributes``. Built under ``torch.set_default_dtype(torch.float64)``
        it is equivariant to 1e-15, built in float32 to 1e-7.
    elements
        Chemical symbols it was trained on, in the order of its input scalars.
    inputs
        Frames -> the network's input; None: :func:`one_hot_inputs`, which fits ``SimpleNetwork``. For periodic frames it
        gives ``edge_index`` (2, edges), from neighbour to centre, and ``edge_shift`` (edges, 3) in Å, too.
    forces
        The network's own forces, such as ``energy_forces(network, elements)``; None: zero.
    energies
        The network's total energies, frames -> ``(frames,)`` in eV; None: it has none.
    source
        Name for the report.
    untrained
        Seed -> the same network with random weights, for the control.
    trained
        Whether the model was trained; None: not known, and then nothing calls it trained or untrained.

    Raises
    ------
    InputError
        The network has no such part.
    """
    stacks = [
        (name, module)
        for name, module in network.named_modules()
        if type(module).__name__ == "MessagePassing"
    ]
    if len(stacks) != 1 or not hasattr(stacks[0][1], "irreps_node_sequence"):
        raise InputError(
            f"{type(network).__name__} holds {len(stacks)} MessagePassing modules of e3nn.nn.models.v2106, expected one; "
            "use from_module and name the submodule"
        )
    name, passing = stacks[0]
    prefix = f"{name}." if name else ""
    knows_edges = hasattr(type(network), "preprocess")
    radius = getattr(network, "max_radius", None)
    rebuilt = (
        None
        if untrained is None
        else lambda seed: _with_cells(untrained(seed)) if knows_edges else untrained(seed)
    )
    sequence: Any = passing.irreps_node_sequence
    irreps = [str(entry) for entry in sequence[1:]]
    return from_module(
        _with_cells(network) if knows_edges else network,
        [f"{prefix}layers.{k}" for k in range(len(irreps))],
        irreps,
        inputs=inputs or one_hot_inputs(elements, radius),
        forces=forces,
        energies=energies,
        elements=elements,
        cutoff=radius,
        source=source or f"e3nn {type(network).__name__}",
        untrained=rebuilt,
        trained=trained,
    )


def energy_forces(network: torch.nn.Module, elements: Sequence[str], scale: float = 1.0) -> OfFrames:
    """Return the forces F = -dE/dx of a network whose one output scalar for each frame is its energy.

    Parameters
    ----------
    network
        A ``SimpleNetwork`` with ``irreps_out="0e"`` and pooled nodes.
    elements
        In the order of its input scalars.
    scale
        eV for one unit of its output.
    """
    inputs = one_hot_inputs(elements, getattr(network, "max_radius", None))
    knowing = _with_cells(network) if hasattr(type(network), "preprocess") else network
    kind = next(network.parameters()).dtype

    def forces(frames: Frames) -> NDArray[np.float64]:
        out = np.empty_like(frames.positions)
        before = torch.get_default_dtype()
        torch.set_default_dtype(kind)
        try:
            for k in range(len(frames)):
                data = inputs(frames.select(slice(k, k + 1)))
                data = {
                    name: value.to(kind) if value.is_floating_point() else value
                    for name, value in data.items()
                }
                positions = data["pos"].requires_grad_()
                energy = knowing({**data, "pos": positions}).sum()
                (slope,) = torch.autograd.grad(energy, positions)
                out[k] = -scale * slope.to(torch.float64).numpy()
        finally:
            torch.set_default_dtype(before)
        return out

    return forces
