"""fairchem's models of eSCN-MD's kind (eSCN-MD, eSEN, UMA), run by the real ``fairchem`` package, in float64.

A layer of them holds, for each atom, coefficients of real spherical harmonics up to L = ``lmax`` in ``sphere_channels``
channels: an array (atoms, (L + 1)^2, channels), l after l and m from -l to l, with the y axis as the polar axis. These are
e3nn's axes, components and signs; e3nn's layout has the channels outside m, so that the change of basis is a transposition for
each l (:func:`to_e3nn`). Edges are turned into their own frame, where a convolution is one of SO(2); no parity is kept, so that
the features are those of SO(3).
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..records.devices import halving
from .backbone import BackboneInfo
from .fairchem_grid import Grid, grids_of
from .fairchem_settings import Conditions
from .features import Layer
from .one_pass import OnePassBackbone, frames_at_once, gathered
from .responses import EdgeFilter, Response

_ATOMS_IN_A_BATCH = 120


@contextlib.contextmanager
def fairchem_session(dtype: torch.dtype = torch.float64) -> Iterator[None]:
    """Import fairchem quietly, work in ``dtype``, and give the caller back what was changed.

    That is torch's default dtype, every random generator, the handlers of the root logger, and environment variables.

    Raises
    ------
    InputError
        fairchem is not installed.
    """
    default, variables = torch.get_default_dtype(), dict(os.environ)
    states = (torch.get_rng_state(), np.random.get_state(), random.getstate())  # noqa: NPY002 - saved, never drawn from
    root = logging.getLogger()
    handlers, disabled = list(root.handlers), root.manager.disable
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.disable(logging.ERROR)  # it says at every start that there is no GPU
            with _silent_import(), contextlib.redirect_stdout(io.StringIO()):
                try:
                    import fairchem.core.models.uma.escn_moe
                    import fairchem.core.units.mlip_unit.predict  # noqa: F401
                except ImportError as error:
                    raise InputError(
                        f"the package 'fairchem-core' is not usable here ({error}); install spectral-ceilings[fairchem] with "
                        "constraints-fairchem.txt, best in an environment of its own"
                    ) from error
            torch.set_default_dtype(dtype)
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers
        for name in set(os.environ) - set(variables):
            del os.environ[name]
        os.environ.update(variables)
        torch.set_default_dtype(default)
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])


@contextlib.contextmanager
def _silent_import() -> Iterator[None]:
    """Drop what C code writes to the standard error while fairchem is imported: that there is no GPU."""
    if "fairchem.core.models.uma.escn_moe" in sys.modules:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def to_e3nn(coefficients: torch.Tensor, l_max: int) -> torch.Tensor:
    """Bring fairchem's coefficients into e3nn's layout, l by l with the channels outside m.

    Parameters
    ----------
    coefficients
        ``(atoms, (l_max + 1)^2, channels)``.

    Returns
    -------
    ``(atoms, (l_max + 1)^2 * channels)``.
    """
    parts = [
        coefficients[:, l * l : (l + 1) ** 2].transpose(1, 2).reshape(len(coefficients), -1)
        for l in range(l_max + 1)
    ]
    return torch.cat(parts, dim=1)


class FairchemBackbone(OnePassBackbone):
    """A fairchem model with an ``eSCNMDBackbone`` as a source of features, energies and forces.

    Layers: ``embedding``, the sum over neighbours of radial functions times Y_l of the edge; ``layer0``, ``layer1``, ...,
    what each block passes on; ``node_embedding``, the last layer after its normalisation, which the heads read.

    Parameters
    ----------
    backbone
        An ``eSCNMDBackbone`` in float64, for this object alone.
    hydra
        The ``HydraModel`` that it belongs to, with its tasks set up; None: no heads.
    conditions
        Task, charge and spin.
    info
        Where it comes from.
    """

    def __init__(self, backbone: Any, hydra: Any, conditions: Conditions, info: BackboneInfo) -> None:
        self.module, self.hydra, self.conditions = backbone.eval(), hydra, conditions
        if hydra is not None:
            hydra.eval()
        self._tasks = {} if hydra is None else {
            task.property: task for task in hydra.dataset_to_tasks[conditions.task] if task.property in ("energy", "forces")
        }  # fmt: skip
        self._device = torch.device("cpu")
        whole = backbone if hydra is None else hydra
        self.info = replace(info, parameters=sum(p.numel() for p in whole.parameters()))
        self.grids: tuple[Grid, ...] = grids_of(backbone)

    def layers(self) -> list[Layer]:
        """Return ``embedding``, ``layer0``, ``layer1``, ... and ``node_embedding``."""
        model = self.module
        irreps = "+".join(f"{model.sphere_channels}x{l}{'eo'[l % 2]}" for l in range(model.lmax + 1))
        return [Layer(name, irreps) for name in self._names()]

    def _names(self) -> list[str]:
        return ["embedding", *(f"layer{k}" for k in range(len(self.module.blocks))), "node_embedding"]

    @property
    def approximation(self) -> str:
        """What in the model breaks rotations: the grids that its nonlinearities act on; empty where there are none."""
        return "; ".join(grid.words for grid in self.grids)

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that the model has an embedding of."""
        return tuple(chemical_symbols[1 : self.module.max_num_elements])

    @property
    def cutoff(self) -> float | None:
        """Radius (Å) of the neighbour list; None where charge or spin is balanced over all atoms."""
        model = self.module
        balanced = model.charge_channel_end > model.charge_channel_start or (
            model.spin_channel_end > model.spin_channel_start
        )
        return None if balanced else float(model.cutoff)

    @property
    def has_forces(self) -> bool:
        """Whether a head or the gradient of the energy gives forces."""
        return "forces" in self._tasks

    @property
    def has_energies(self) -> bool:
        """Whether there are heads for energies and forces."""
        return {"energy", "forces"} <= self._tasks.keys()

    def to(self, device: str) -> None:
        """Compute on this device from now on."""
        self._device = torch.device(device)
        (self.module if self.hydra is None else self.hydra).to(self._device)
        if self.hydra is not None:
            self.hydra.device = None  # it keeps the kind of device that it saw first
        for task in self._tasks.values():
            task.normalizer.to(self._device)
            if task.element_references is not None:
                task.element_references.to(self._device)

    def forces(self, frames: Frames) -> NDArray[np.float64]:
        """Return the model's own forces, ``(frames, atoms, 3)`` in eV/Å; zero where it has none (``has_forces``)."""
        if not self.has_forces:
            return np.zeros_like(frames.positions)
        response = self.respond(frames, [], forces=True)
        assert response.forces is not None
        return response.forces

    def energies_and_forces(self, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return total energies ``(frames,)`` in eV and forces ``(frames, atoms, 3)`` in eV/Å; InputError where it has none."""
        if not self.has_energies:
            raise InputError(
                f"{self.info.source} has no heads for energies and forces; give a model with both"
            )
        return super().energies_and_forces(frames)

    def respond(
        self, frames: Frames, layers: Sequence[str], *, edges: EdgeFilter | None = None, forces: bool = False
    ) -> Response:
        """Return the features of several layers (hooks on the real modules), energies and forces, in one pass."""
        self.check_elements(frames)
        wanted = {name: self.layer(name) for name in layers}
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in wanted}
        forces = forces and self.has_forces
        energies, forces_out = np.empty(len(frames)), np.empty_like(frames.positions)
        with fairchem_session(), contextlib.ExitStack() as stack:
            torch.manual_seed(
                0
            )  # the frame of each edge is turned about the edge by a random angle, in every run
            if not forces:
                stack.enter_context(_without_gradients(self.module))
            if edges is not None:
                stack.enter_context(_filtered(self.module, edges, len(frames.numbers)))
            taps = {name: stack.enter_context(self._tap(name)) for name in wanted}

            def run(part: slice) -> dict[str, torch.Tensor]:
                data = self._graph(frames, part)
                if forces:
                    answer = self._predicted(data)
                    forces_out[part] = answer["forces"].reshape(forces_out[part].shape)
                    energies[part] = answer.get("energy", np.nan)
                else:
                    self.module(data)
                return {name: to_e3nn(tapped(), self.module.lmax) for name, tapped in taps.items()}

            for _, kept in halving(run, frames_at_once(frames, self._device, _ATOMS_IN_A_BATCH)):
                for name, values in kept.items():
                    parts[name].append(values.cpu().numpy())
        features = gathered(frames, wanted, parts)
        known = forces and self.has_energies
        return Response(features, energies if known else None, forces_out if forces else None)

    def _predicted(self, data: Any) -> dict[str, NDArray[np.float64]]:
        """Run backbone and heads; return energies and forces with means, scales and energies of the elements put back."""
        direct = self.module.regress_config.direct_forces
        with _stress(self.hydra, False), torch.no_grad() if direct else contextlib.nullcontext():
            output = self.hydra(data)
        answer = {}
        for name, task in self._tasks.items():
            value = task.normalizer.denorm(output[task.name][name])
            if task.element_references is not None:
                value = task.element_references.undo_refs(data, value)
            answer[name] = value.detach().cpu().double().numpy()
        return answer

    def stress(self, frames: Frames) -> NDArray[np.float64] | None:
        """Return the stress of frames that are periodic in every direction, ``(frames, 6)`` in eV/Å³; None: there is none.

        It is the derivative of the energy, whether or not the model was trained on stresses; a model that predicts forces on
        their own has none.
        """
        if not all(frames.pbc) or not self.has_energies or self.module.regress_config.direct_forces:
            return None
        task = self._tasks["energy"]

        def run(part: slice) -> NDArray[np.float64]:
            output = self.hydra(self._graph(frames, part))[task.name.removesuffix("energy") + "stress"]
            stress = (output["stress"] * task.normalizer.rmsd).detach().cpu().double()
            return np.asarray(stress.numpy().reshape(-1, 3, 3)[:, [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]])

        with fairchem_session(), _stress(self.hydra, True):
            torch.manual_seed(0)
            parts = halving(run, frames_at_once(frames, self._device, _ATOMS_IN_A_BATCH))
            return np.concatenate([stress for _, stress in parts])

    def _graph(self, frames: Frames, part: slice) -> Any:
        """Return some frames as one graph of fairchem's, on the device."""
        from fairchem.core.datasets.atomic_data import AtomicData, atomicdata_list_to_batch

        info = {"charge": self.conditions.charge, "spin": self.conditions.spin}
        graphs = []
        for index in range(part.start, part.stop):
            cell = None if frames.cells is None else frames.cells[index]
            atoms = Atoms(frames.numbers, frames.positions[index], cell=cell, pbc=frames.pbc, info=info)
            graph = AtomicData.from_ase(
                atoms, task_name=self.conditions.task, r_data_keys=["charge", "spin"], target_dtype=torch.float64
            )  # fmt: skip
            graphs.append(graph)
        return atomicdata_list_to_batch(graphs).to(self._device)

    @contextlib.contextmanager
    def _tap(self, name: str) -> Iterator[Callable[[], torch.Tensor]]:
        """Hook a layer; give what returns its coefficients after a run of the model.

        What a block passes on is what the next one is given: charges may be balanced between them.
        """
        kept: list[torch.Tensor] = []

        def keep(values: torch.Tensor) -> None:
            kept[:] = [
                values.detach().clone()
            ]  # of the last run alone: one that ran out of memory leaves none

        model, number = self.module, self._names().index(name)
        if name == "node_embedding":
            handle = model.norm.register_forward_hook(lambda *seen: keep(seen[2]))
        else:
            following = [*model.blocks, model.norm][number]
            handle = following.register_forward_pre_hook(lambda *seen: keep(seen[1][0]))
        try:
            yield lambda: kept[0]
        finally:
            handle.remove()


@contextlib.contextmanager
def _stress(hydra: Any, wanted: bool) -> Iterator[None]:
    """Have the heads compute a stress or not; after a merger of experts they have settings of their own."""
    settings = {
        id(m.regress_config): m.regress_config for m in hydra.modules() if hasattr(m, "regress_config")
    }
    before = {key: part.stress for key, part in settings.items()}
    try:
        for part in settings.values():
            part.stress = wanted
        yield
    finally:
        for key, part in settings.items():
            part.stress = before[key]


@contextlib.contextmanager
def _without_gradients(backbone: Any) -> Iterator[None]:
    """Run without autograd, which the backbone would switch on again where forces are gradients."""
    settings = backbone.regress_config
    before = settings.forces, settings.stress
    settings.forces = settings.stress = False
    try:
        with torch.no_grad():
            yield
    finally:
        settings.forces, settings.stress = before


@contextlib.contextmanager
def _filtered(backbone: Any, keep: EdgeFilter, atoms: int) -> Iterator[None]:
    """Let the backbone see only some edges of the graph that it makes."""
    from fairchem.core.models.uma.escn_md import add_n_empty_edges

    generate = backbone._generate_graph

    def filtered(data: Any) -> dict[str, Any]:
        graph: dict[str, Any] = generate(data)
        mask = torch.from_numpy(keep(graph["edge_index"].numpy(force=True) % atoms))
        mask = mask.to(graph["edge_index"].device)
        graph["edge_index"] = graph["edge_index"][:, mask]
        for name in ("edge_distance", "edge_distance_vec"):
            graph[name] = graph[name][mask]
        if not mask.any():
            add_n_empty_edges(graph, 1, backbone.cutoff)
        data["scatter_target"] = graph["edge_index"][1]
        return graph

    backbone._generate_graph = filtered
    try:
        yield
    finally:
        del backbone._generate_graph
