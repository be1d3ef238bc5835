"""Training of a model without symmetry on structures of several compositions and sizes, molecules and periodic ones together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...theory.errors import InputError
from ..frames.frames import Frames
from ..records.devices import choose_device, halving, slices
from ..records.progress import Progress
from .unconstrained_graph import Graph, graph_forces, graphs_of, joined
from .unconstrained_model import Descent, UnconstrainedNetwork, UnconstrainedSettings

Array = NDArray[np.float64]
#: Structures that are evaluated at once where nothing is trained.
_BATCH = 20


def train_on_structures(
    parts: Sequence[Frames],
    settings: UnconstrainedSettings,
    progress: Progress | None = None,
    device: str = "cpu",
) -> UnconstrainedNetwork:
    r"""Train on the forces and energies of structures, all of which are used; return the network in float64.

    .. math:: \frac1B \sum_s \frac{1}{3 n_s} \sum_{ai} (F - \hat F)_{sai}^2
              + \frac{0.1}{B} \sum_s \frac{(E_s - \hat E_s)^2}{n_s f^2},

    with n_s atoms in structure s, forces in eV/Å and energies in units of the root mean square force f times an Å: a molecule
    counts as much as a box. Energies of free atoms by element come from least squares on the compositions. With ``augment``
    every structure is turned with its cell, by a new Haar-random rotation whenever it is used.

    Parameters
    ----------
    parts
        Structures with energies, eV and eV/Å, of one composition each.
    progress
        Called with ("training", step, steps).
    device
        Where it is trained; the network stays there.

    Raises
    ------
    InputError
        A part has no energies or an element that the settings leave out.
    """
    where = choose_device(device)
    network = UnconstrainedNetwork(settings).to(where)
    for frames in parts:
        network.types(frames.numbers)
    network.scale = float(np.sqrt(np.mean(np.concatenate([frames.forces.ravel() for frames in parts]) ** 2)))
    shifts = reference_energies(parts, settings.numbers)
    graphs = [_single(graph) for frames in parts for graph in graphs_of(network, frames)]
    forces = [
        torch.tensor(force, dtype=torch.float32, device=where) for frames in parts for force in frames.forces
    ]
    # Only what is left above the reference energies is learned: float32 cannot hold thousands of eV to a meV.
    energies = np.concatenate([_above(frames, settings.numbers, shifts) for frames in parts])
    rng = np.random.default_rng([settings.seed, 19])
    network.float()
    descent = Descent(network, settings)
    for step in range(settings.steps):
        chosen = rng.integers(len(graphs), size=min(settings.batch_size, len(graphs)))
        turns = haar_rotations(len(chosen), rng) if settings.augment else None

        def loss(
            rows: slice, chosen: NDArray[np.int64] = chosen, turns: Array | None = turns
        ) -> torch.Tensor:
            some = chosen[rows]
            graph, force = joined([graphs[k] for k in some]), torch.cat([forces[k] for k in some])
            if turns is not None:
                graph = graph.turned(turns[rows])
                turned = torch.tensor(turns[rows], dtype=torch.float32, device=where)[graph.owner]
                force = torch.einsum("aij,aj->ai", turned, force)
            energy, predicted = graph_forces(network, graph, create_graph=True)
            sizes = force.new_zeros(graph.count).index_add(0, graph.owner, force.new_ones(len(force)))
            reference = torch.tensor(energies[some], dtype=torch.float32, device=where)
            force_loss = (((predicted - force) ** 2).mean(dim=1) / sizes[graph.owner]).sum()
            energy_loss = (((energy - reference) / network.scale) ** 2 / sizes).sum()
            total: torch.Tensor = (force_loss + 0.1 * energy_loss) / len(chosen)
            return total

        descent.step(loss, len(chosen))
        if progress:
            progress("training", step + 1, settings.steps)
    network.double()
    network.shifts = tuple(map(float, shifts))
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def reference_energies(parts: Sequence[Frames], numbers: Sequence[int]) -> Array:
    """Return an energy for each element, eV, by least squares on the compositions; the smallest ones where some are open.

    Energies and counts are taken per atom, so that a large structure does not outweigh many small ones.

    Raises
    ------
    InputError
        A part has no energies.
    """
    shares, values = [], []
    for frames in parts:
        if frames.energies is None:
            raise InputError(
                f"{frames.source} has no energies, expected energies and forces; give frames with both"
            )
        share = np.array([(frames.numbers == z).mean() for z in numbers])
        shares += [share] * len(frames)
        values += list(frames.energies / len(frames.numbers))
    solved, *_ = np.linalg.lstsq(np.array(shares), np.array(values), rcond=1e-8)
    return np.asarray(solved)


def structure_errors(network: UnconstrainedNetwork, frames: Frames) -> dict[str, Any]:
    """Return mean absolute errors on structures of one composition.

    Keys: ``structures``, ``atoms``, ``force_mae_eV_A`` of force components, and ``energy_mae_eV`` of structures where the
    frames have energies.
    """
    graphs = graphs_of(network, frames)
    energies, forces = [], []
    parts = slices(len(graphs), _BATCH)
    for _, (energy, force) in halving(lambda part: graph_forces(network, joined(graphs[part])), parts):
        energies.append(energy.detach().cpu().numpy())
        forces.append(force.detach().cpu().numpy())
    off = np.concatenate(forces).reshape(frames.forces.shape) - frames.forces
    errors: dict[str, Any] = {
        "structures": len(frames),
        "atoms": len(frames.numbers),
        "force_mae_eV_A": float(np.abs(off).mean()),
    }
    if frames.energies is not None and np.isfinite(frames.energies).all():
        errors["energy_mae_eV"] = float(np.abs(np.concatenate(energies) - frames.energies).mean())
    return errors


def overall_force_mae(rows: Sequence[dict[str, Any]]) -> float:
    """Return the mean absolute error over all force components of rows of :func:`structure_errors`, eV/Å."""
    weights = [row["structures"] * row["atoms"] for row in rows]
    return float(np.average([row["force_mae_eV_A"] for row in rows], weights=weights))


def _above(frames: Frames, numbers: Sequence[int], shifts: Array) -> Array:
    assert frames.energies is not None  # reference_energies has refused frames without
    return np.asarray(
        frames.energies - sum(s * (frames.numbers == z).sum() for z, s in zip(numbers, shifts, strict=True))
    )


def _single(graph: Graph) -> Graph:
    """Return the graph in float32."""
    return Graph(
        graph.positions.float(), graph.types, graph.first, graph.second, graph.offsets.float(), graph.owner, graph.count
    )  # fmt: skip
