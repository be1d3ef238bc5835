"""NequIP models from the real ``nequip`` package: build, describe, run."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.motions import voigt
from ..records.devices import halving
from .architecture import Architecture, BuilderSettings
from .backbone import BackboneInfo
from .features import Layer
from .one_pass import OnePassBackbone, frames_at_once, gathered
from .responses import EdgeFilter, Response, dropped_edges
from .scalar_pathway_places import add_scalar_pathway, nequip_places

#: Larger batches fall out of the processor's cache: 1,000 atoms at a time take 1.7 times as long.
_ATOMS_IN_A_BATCH = 120
#: One or several frames in nequip's terms.
Graph = dict[str, torch.Tensor]


@dataclass(frozen=True)
class NequIPSettings(BuilderSettings):
    """Arguments of the NequIP builder; every one of them is stored beside the weights."""

    num_features: int = 16
    parity: bool = True
    radial_mlp_width: int = 64
    num_bessels: int = 8

    @staticmethod
    def _counts() -> tuple[tuple[str, int], ...]:
        return (("num_features", 1), ("radial_mlp_width", 1), ("num_bessels", 1))


@contextmanager
def nequip_session() -> Iterator[None]:
    """Give nequip the global state it insists on, and give the caller's back afterwards.

    nequip sets torch's default dtype and seeds every random generator when it is first used; a library that the
    user calls must not change either.
    """
    try:
        from nequip.utils.global_state import set_global_state
    except ImportError as error:
        raise InputError(
            "the package 'nequip' is not installed; install the extra: pip install 'spectral-ceilings[nequip]'"
        ) from error
    import e3nn

    dtype = torch.get_default_dtype()
    mode = e3nn.get_optimization_defaults().get("jit_mode")
    states = (torch.get_rng_state(), np.random.get_state(), random.getstate())  # noqa: NPY002 - saved, never drawn from
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            set_global_state()
        torch.set_default_dtype(torch.float64)
        yield
    finally:
        torch.set_default_dtype(dtype)
        if mode is not None:  # nequip leaves e3nn compiling what it is asked to build next
            e3nn.set_optimization_defaults(jit_mode=mode)
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])


def build_nequip(settings: NequIPSettings, dtype: str = "float64") -> torch.nn.Module:
    """Build an untrained NequIP model with the package's own builder.

    Parameters
    ----------
    settings
        Builder arguments; the weights are drawn from ``settings.seed``.
    dtype
        ``float32`` (training) or ``float64`` (measuring). A float32 model must never be cast: its Wigner 3j
        buffers would keep their rounded values.
    """
    with nequip_session(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nequip.model import NequIPGNNModel

        model: torch.nn.Module = NequIPGNNModel(
            seed=settings.seed,
            model_dtype=dtype,
            type_names=list(settings.type_names),
            l_max=settings.l_max,
            num_layers=settings.num_layers,
            num_features=settings.num_features,
            parity=settings.parity,
            r_max=settings.r_max,
            radial_mlp_width=settings.radial_mlp_width,
            num_bessels=settings.num_bessels,
            avg_num_neighbors=settings.avg_num_neighbors,
            per_type_energy_scales=dict.fromkeys(settings.type_names, settings.energy_scale),
            per_type_energy_shifts=settings.shift_by_type,
        )
        if settings.scalar_pathway:
            places = nequip_places(energy_part(model), interaction_layers(model))
            add_scalar_pathway(model, places, settings, dtype)
    return model


def atom_types(numbers: NDArray[np.int64], type_names: Sequence[str], source: str) -> torch.Tensor:
    """Return the model's type index of every atom; InputError names an element that the model does not know."""
    index = {name: k for k, name in enumerate(type_names)}
    symbols = [chemical_symbols[z] for z in numbers]
    for symbol in symbols:
        if symbol not in index:
            raise InputError(
                f"{source} does not know the element {symbol}; it was built for {', '.join(type_names)}; "
                "use frames of these elements or train a backbone on yours"
            )
    return torch.tensor([index[symbol] for symbol in symbols], dtype=torch.long)


def graph(
    positions: NDArray[np.float64],
    types: torch.Tensor,
    r_max: float,
    prune: Callable[[Graph], Graph] | None = None,
    *,
    cell: NDArray[np.float64] | None = None,
    pbc: tuple[bool, bool, bool] = (False, False, False),
) -> Graph:
    """Return one frame as nequip's AtomicDataDict, with its neighbour list (cutoff ``r_max`` in Å).

    ``prune`` takes edges away again, where a model has a cutoff of its own for each pair of elements. With a ``cell``, vectors
    as rows (Å), it holds the cell and the shifts of its edges, too, whether or not a direction is periodic.
    """
    from nequip.data import AtomicDataDict, compute_neighborlist_, from_dict

    data = {
        AtomicDataDict.POSITIONS_KEY: torch.tensor(positions, dtype=torch.float64),
        AtomicDataDict.ATOM_TYPE_KEY: types,
    }
    if cell is not None:
        # what stands in directions that are not periodic means nothing, and would enter the volume
        kept = np.where(np.asarray(pbc)[:, None], cell, 0.0)
        data[AtomicDataDict.CELL_KEY] = torch.tensor(kept, dtype=torch.float64)
        data[AtomicDataDict.PBC_KEY] = torch.tensor(pbc)
    graph_data: Graph = compute_neighborlist_(from_dict(data), r_max)
    return graph_data if prune is None else prune(graph_data)


def batch(graphs: list[Graph]) -> Graph:
    """Join frames into one AtomicDataDict."""
    from nequip.data import AtomicDataDict

    joined: Graph = AtomicDataDict.batched_from_list(graphs)
    return joined


def interaction_layers(model: torch.nn.Module) -> list[Any]:
    """Return the interaction layers of a NequIP model, in order."""
    # By name of the class, not isinstance: in a packaged model the classes are renamed copies.
    return [module for module in model.modules() if type(module).__name__ == "ConvNetLayer"]


def energy_part(model: torch.nn.Module) -> torch.nn.Module:
    """Return the part of a nequip model that computes the energy, without the gradient that gives the forces."""
    inner: Any = model.model
    part: torch.nn.Module = getattr(inner, "func", inner)
    return part


class NequIPBackbone(OnePassBackbone):
    """A NequIP model as a source of features.

    Parameters
    ----------
    model
        A model of the ``nequip`` package, in float64 where it can be built so.
    type_names, r_max
        The elements it knows, in its order, and its cutoff in Å.
    info
        Where it comes from.
    prune
        Takes edges away beyond cutoffs of their own; None: ``r_max`` is the only cutoff.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        type_names: Sequence[str],
        r_max: float,
        info: BackboneInfo,
        prune: Callable[[Graph], Graph] | None = None,
    ) -> None:
        self._model = model.eval()
        self._type_names = tuple(type_names)
        self._r_max = r_max
        self._prune = prune
        self._device = torch.device("cpu")
        self._stages = interaction_layers(model)
        count = sum(p.numel() for p in model.parameters())
        self.info = replace(info, parameters=count)

    def layers(self) -> list[Layer]:
        """Return the interaction layers ``layer0``, ``layer1``, ..."""
        return [
            Layer(f"layer{k}", str(module.irreps_out["node_features"]).replace(" ", ""))
            for k, module in enumerate(self._stages)
        ]

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that the model knows, in its order."""
        return self._type_names

    @property
    def cutoff(self) -> float:
        """Radius (Å) of the neighbour list."""
        return self._r_max

    def to(self, device: str) -> None:
        """Compute on this device from now on."""
        self._device = torch.device(device)
        self._model.to(self._device)

    def _graph(self, frames: Frames, part: slice) -> Graph:
        types = atom_types(frames.numbers, self._type_names, self.info.source)
        graphs = [
            graph(p, types, self._r_max, self._prune, cell=cell, pbc=frames.pbc)
            for p, cell in zip(frames.positions[part], _cells_of(frames, part), strict=True)
        ]
        return {key: value.to(self._device) for key, value in batch(graphs).items()}

    @contextmanager
    def _tap(self, number: int) -> Iterator[Callable[[], torch.Tensor]]:
        """Hook layer ``number``; give what returns its features, ``(atoms, dim)``, after a run of the model."""
        kept: list[torch.Tensor] = []

        def keep(_module: torch.nn.Module, _inputs: Any, output: Graph) -> None:
            kept[:] = [output["node_features"].detach().clone()]  # later layers overwrite the key

        handle = self._stages[number].register_forward_hook(keep)
        try:
            yield lambda: kept[0]
        finally:
            handle.remove()

    def respond(
        self, frames: Frames, layers: Sequence[str], *, edges: EdgeFilter | None = None, forces: bool = False
    ) -> Response:
        """Return the features of several layers (forward hooks on the real modules), energies and forces, in one pass."""
        known = self.layers()
        numbers = {name: known.index(self.layer(name)) for name in layers}
        energy = energy_part(self._model)
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in layers}
        energies, forces_out = np.empty(len(frames)), np.empty_like(frames.positions)
        stress = np.empty((len(frames), 6)) if forces and all(frames.pbc) else None
        with nequip_session(), ExitStack() as stack:
            if not forces:
                stack.enter_context(torch.no_grad())
            if edges is not None:
                stack.enter_context(dropped_edges(energy, edges, len(frames.numbers)))
            taps = {name: stack.enter_context(self._tap(number)) for name, number in numbers.items()}

            def run(part: slice) -> Graph:
                data = self._graph(frames, part)
                if forces:
                    out = self._model(data)
                    energies[part] = out["total_energy"].detach().cpu().numpy().reshape(-1)
                    forces_out[part] = out["forces"].detach().cpu().numpy().reshape(forces_out[part].shape)
                    if stress is not None:
                        stress[part] = voigt(out["stress"].detach().cpu().numpy().reshape(-1, 3, 3))
                else:
                    energy(data)
                return {name: tapped() for name, tapped in taps.items()}

            for _, kept in halving(run, frames_at_once(frames, self._device, _ATOMS_IN_A_BATCH)):
                for name, values in kept.items():
                    parts[name].append(values.cpu().numpy())
        features = gathered(frames, {name: known[number] for name, number in numbers.items()}, parts)
        return Response(features, energies if forces else None, forces_out if forces else None, stress)


def _cells_of(frames: Frames, part: slice) -> Sequence[NDArray[np.float64] | None]:
    """Return the cells of some frames; None of each where nothing is periodic."""
    if frames.cells is None or not frames.periodic:
        return [None] * (part.stop - part.start)
    return list(frames.cells[part])


def _wrap(model: torch.nn.Module, settings: NequIPSettings, info: BackboneInfo) -> NequIPBackbone:
    return NequIPBackbone(model, settings.type_names, settings.r_max, info)


ARCHITECTURE = Architecture(
    "nequip", NequIPSettings, build_nequip, _wrap, ("nequip", "torch", "e3nn", "numpy")
)
