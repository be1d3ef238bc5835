"""What an evaluation of a trained model costs, and its errors of all labels on held-out frames: for records of trainings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from ..backbones.scalar_pathway_places import pathway_of
from ..frames.frames import Frames
from ..frames.motions import matrices
from ..records.devices import halving, slices
from .data import TrainingData
from .graphs import Graphs
from .state import Graph

#: Schema of ``training.cost`` in a record, ``training-cost.schema.json``.
COST_SCHEMA = "spectral-ceilings/training-cost/1"
_FRAMES_AT_A_TIME = 25
#: ``predict(model, graph, with_stress)`` gives energies (frames,), forces (atoms, 3) and the stress (frames, 3, 3) or None.
Predict = Callable[[torch.nn.Module, Graph, bool], tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]]


class _Elementwise(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the entries that elementwise operations on floating-point numbers give."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if torch.Tag.pointwise in func.tags and isinstance(output, torch.Tensor):
            self.entries += output.numel() if output.is_floating_point() else 0
        return output


class _WholeModel(nullcontext[None]):
    """Stands for the tracker of modules: its hooks fail where ``autograd.grad`` goes to a leaf, which positions are."""

    parents = frozenset({"Global"})


def operations(work: Callable[[], object]) -> dict[str, int]:
    """Count the arithmetic of a computation with torch, backward passes included.

    Returns
    -------
    ``flops``, by ``torch.utils.flop_counter.FlopCounterMode``: of matrix products (and convolutions and attention), two for
    each multiplication with its addition; nothing else. ``elementwise_operations``: entries that elementwise functions give,
    one for each, whatever the function. Sums over neighbours, gathers and copies are in neither.
    """
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _WholeModel()  # type: ignore[assignment]
    with counter, _Elementwise() as elementwise:
        work()
    return {"flops": int(counter.get_total_flops()), "elementwise_operations": elementwise.entries}


def cost_of(model: torch.nn.Module, graph: Graph, predict: Predict) -> dict[str, Any]:
    """Return the cost of energy and forces of one frame, and how many parameters the model has, for a record.

    Parameters
    ----------
    model
        The model.
    graph
        One frame, as the model takes it.
    predict
        Runs the model.
    """
    pathway = pathway_of(model)
    edges = int(graph["edge_index"].shape[1])
    atoms = int(graph["forces"].shape[0])
    predict(model, dict(graph), False)  # compiled parts run otherwise in their first calls
    counted = operations(lambda: predict(model, dict(graph), False))
    return {
        "schema": COST_SCHEMA,
        "parameters": sum(p.numel() for p in model.parameters()),
        "scalar_pathway_parameters": 0 if pathway is None else sum(p.numel() for p in pathway.parameters()),
        "scalar_pathway_matched_parameters": 0 if pathway is None else pathway.parameters_of_modules,
        "atoms": atoms,
        "edges": edges,
        **counted,
    }


def at_a_time(frames: int) -> Iterator[slice]:
    """Return the runs of frames that a model is evaluated on together."""
    return slices(frames, _FRAMES_AT_A_TIME)


def errors_of(
    model: torch.nn.Module,
    tested: TrainingData,
    which: NDArray[np.int64],
    graphs: Callable[[Frames], list[Graph]],
    batch: Callable[[list[Graph]], Graph],
    predict: Predict,
) -> dict[str, float | None]:
    """Return mean absolute errors and root mean squares of errors on frames, None where there is no reference.

    Parameters
    ----------
    model
        The model, in float32.
    tested, which
        Data, and the places of the frames in them, ascending.
    graphs, batch, predict
        Make graphs of frames, join them, and run the model.

    Returns
    -------
    ``energy_mae_eV_atom`` per atom, ``force_mae_eV_A`` over components, ``stress_mae_eV_A3`` over the nine components of the
    frames that are periodic in all directions; the same with ``rmse``.
    """
    reference = tested.made(which, _references)
    listed = Graphs(tested, which, graphs)
    with_stress = any(np.isfinite(stress).all() for _, _, stress in reference)
    errors: dict[str, list[NDArray[np.float64]]] = {"energy": [], "force": [], "stress": []}

    def answers(part: slice) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        return predict(model, batch(listed.some(range(part.start, part.stop))), with_stress)

    for some, (energies, forces, stresses) in halving(answers, at_a_time(len(listed))):
        taken = reference[some]
        atoms = np.array([len(known) for _, known, _ in taken])
        predicted = energies.detach().double().cpu().numpy().reshape(-1)
        errors["energy"].append((predicted - np.array([energy for energy, _, _ in taken])) / atoms)
        known = np.concatenate([force for _, force, _ in taken])
        errors["force"].append((forces.detach().double().cpu().numpy() - known).ravel())
        if stresses is not None:
            difference = stresses.detach().double().cpu().numpy() - np.array(
                [stress for _, _, stress in taken]
            )
            errors["stress"].append(difference.ravel())
    rows: dict[str, float | None] = {}
    for name, unit in (("energy", "eV_atom"), ("force", "eV_A"), ("stress", "eV_A3")):
        every = np.concatenate([*errors[name], np.empty(0)])
        every = every[np.isfinite(every)]
        rows[f"{name}_mae_{unit}"] = float(np.abs(every).mean()) if every.size else None
        rows[f"{name}_rmse_{unit}"] = float(np.sqrt(np.mean(every**2))) if every.size else None
    return rows


def _references(frames: Frames) -> list[tuple[float, NDArray[np.float64], NDArray[np.float64]]]:
    """Return energy (eV), forces and stress ``(3, 3)`` of every frame, NaN where there is none."""
    energies = np.full(len(frames), np.nan) if frames.energies is None else frames.energies
    stress = np.full((len(frames), 3, 3), np.nan)
    if frames.stress is not None and all(frames.pbc):
        stress = matrices(frames.stress)
    return list(zip(energies.tolist(), frames.forces, stress, strict=True))
