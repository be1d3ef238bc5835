"""MACE models from the real ``mace`` package: build, rebuild in float64, describe, run.

``mace-torch`` needs e3nn 0.4.4 and nequip 0.19 needs e3nn 0.6: the two live in environments of their own.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.motions import voigt
from ..frames.neighbours import neighbours
from ..records.devices import halving
from .architecture import Architecture
from .backbone import BackboneInfo
from .features import Layer
from .irreps import o3
from .mace_settings import MACESettings
from .one_pass import OnePassBackbone, frames_at_once, gathered
from .responses import EdgeFilter, Response, dropped_edges
from .scalar_pathway_places import add_scalar_pathway, mace_places

_Array = NDArray[np.float64]
_ATOMS_IN_A_BATCH = 250
#: Importing mace sets this, and from then on torch.load unpickles anything in the whole process.
_WEIGHTS_ONLY = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


@contextlib.contextmanager
def mace_session(dtype: torch.dtype = torch.float64) -> Iterator[None]:
    """Import mace, work in ``dtype``, and give the caller back what was changed.

    That is torch's default dtype, every random generator, and the environment variable by which importing mace makes
    ``torch.load`` unpickle anything. Code that relies on that variable afterwards (MACECalculator with ``model_paths``)
    has to set it itself, or import mace before this package does.

    Raises
    ------
    InputError
        mace is not installed.
    """
    before = os.environ.get(_WEIGHTS_ONLY)
    default = torch.get_default_dtype()
    states = (torch.get_rng_state(), np.random.get_state(), random.getstate())  # noqa: NPY002 - saved, never drawn from
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(io.StringIO()):  # it prints what optional packages are absent
                try:
                    import mace.modules  # noqa: F401
                except ImportError as error:
                    raise InputError(
                        f"the package 'mace' is not usable here ({error}); install spectral-ceilings[mace] in a separate "
                        "environment, because mace-torch needs e3nn 0.4.4 and nequip needs e3nn 0.6"
                    ) from error
            torch.set_default_dtype(dtype)
            yield
    finally:
        if before is None:
            os.environ.pop(_WEIGHTS_ONLY, None)
        else:
            os.environ[_WEIGHTS_ONLY] = before
        torch.set_default_dtype(default)
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])


def build_mace(settings: MACESettings, dtype: str = "float64") -> torch.nn.Module:
    """Build an untrained MACE model with the package's own classes, weights drawn from ``settings.seed``."""
    with mace_session(getattr(torch, dtype)):
        from mace.modules import interaction_classes, models, readout_classes

        for name, known in (
            (settings.interaction, interaction_classes),
            (settings.interaction_first, interaction_classes),
            (settings.readout, readout_classes),
        ):
            if name not in known:
                raise InputError(f"this mace has no block {name!r}, it has {', '.join(known)}")
        heads, elements = len(settings.heads), len(settings.type_names)
        gate = {"silu": torch.nn.functional.silu, "tanh": torch.tanh, "abs": torch.abs, "None": None}
        arguments: dict[str, Any] = {
            "r_max": settings.r_max,
            "num_bessel": settings.num_bessel,
            "num_polynomial_cutoff": settings.num_polynomial_cutoff,
            "max_ell": settings.max_ell,
            "interaction_cls": interaction_classes[settings.interaction],
            "interaction_cls_first": interaction_classes[settings.interaction_first],
            "num_interactions": settings.num_layers,
            "num_elements": elements,
            "hidden_irreps": o3.Irreps(settings.irreps),
            "MLP_irreps": o3.Irreps(settings.mlp_irreps),
            "atomic_energies": np.array(settings.atomic_energies or np.zeros((heads, elements))),
            "avg_num_neighbors": settings.avg_num_neighbors,
            "atomic_numbers": [atomic_numbers[name] for name in settings.type_names],
            "correlation": list(settings.correlation),
            "gate": gate[settings.gate],
            "pair_repulsion": settings.pair_repulsion,
            "apply_cutoff": settings.apply_cutoff,
            "use_reduced_cg": settings.use_reduced_cg,
            "use_so3": settings.use_so3,
            "use_agnostic_product": settings.use_agnostic_product,
            "use_last_readout_only": settings.use_last_readout_only,
            "distance_transform": settings.distance_transform,
            "edge_irreps": o3.Irreps(settings.edge_irreps) if settings.edge_irreps else None,
            "use_edge_irreps_first": settings.use_edge_irreps_first,
            "radial_MLP": list(settings.radial_mlp),
            "radial_type": settings.radial_type,
            "heads": list(settings.heads),
            "readout_cls": readout_classes[settings.readout],
            "keep_last_layer_irreps": settings.keep_last_layer_irreps,
        }
        torch.manual_seed(settings.seed)
        if not settings.scaled:
            model: torch.nn.Module = models.MACE(**arguments)
        else:
            single = heads == 1
            model = models.ScaleShiftMACE(
                atomic_inter_scale=settings.energy_scale if single else list(settings.scales),
                atomic_inter_shift=settings.energy_shift if single else list(settings.shifts),
                **arguments,
            )
        if settings.scalar_pathway:
            add_scalar_pathway(model, mace_places(model), settings, dtype)
    return model


def type_indices(numbers: NDArray[np.int64], type_names: tuple[str, ...], source: str) -> torch.Tensor:
    """Return the model's index of every atom; InputError names an element that the model does not know."""
    index = {name: k for k, name in enumerate(type_names)}
    for symbol in (chemical_symbols[z] for z in numbers):
        if symbol not in index:
            raise InputError(
                f"{source} does not know the element {symbol}; it was built for {', '.join(type_names)}; "
                "use frames of these elements or train a backbone on yours"
            )
    return torch.tensor([index[chemical_symbols[z]] for z in numbers], dtype=torch.long)


def graph_batch(
    positions: NDArray[np.float64],
    types: torch.Tensor,
    elements: int,
    r_max: float,
    head: int = 0,
    *,
    cells: NDArray[np.float64] | None = None,
    pbc: tuple[bool, bool, bool] = (False, False, False),
) -> dict[str, torch.Tensor]:
    """Return frames of one composition as the dictionary that MACE's ``forward`` reads, in the default dtype.

    Parameters
    ----------
    positions
        ``(frames, atoms, 3)`` in Å. Neighbours are closer than ``r_max``.
    types, elements
        Index of every atom's element, and how many elements the model knows.
    cells
        ``(frames, 3, 3)``, vectors as rows (Å); needed where a direction is periodic.
    pbc
        Which directions are periodic.
    """
    frames, atoms = positions.shape[:2]
    dtype = torch.get_default_dtype()
    if cells is None or not any(pbc):
        edges, shifts, boxes = _pairs(positions, r_max)
    else:
        edges, shifts, boxes = _periodic_pairs(positions, r_max, cells, pbc)
    vectors = np.einsum("ei,eij->ej", shifts, boxes[edges[0] // atoms])
    return {
        "positions": torch.from_numpy(np.ascontiguousarray(positions.reshape(-1, 3))).to(dtype),
        "edge_index": torch.from_numpy(edges),
        "shifts": torch.from_numpy(vectors).to(dtype),
        "unit_shifts": torch.from_numpy(shifts).to(dtype),
        "cell": torch.from_numpy(boxes.reshape(-1, 3)).to(dtype),
        "node_attrs": torch.nn.functional.one_hot(types, elements).to(dtype).repeat(frames, 1),
        "batch": torch.arange(frames).repeat_interleave(atoms),
        "ptr": torch.arange(frames + 1) * atoms,
        "head": torch.full((frames,), head, dtype=torch.long),
    }


def _pairs(positions: NDArray[np.float64], r_max: float) -> tuple[NDArray[np.int64], _Array, _Array]:
    """Return the edges ``(2, edges)``, shifts ``(edges, 3)`` and cells ``(frames, 3, 3)`` of molecules: zeros, the latter two."""
    frames, atoms = positions.shape[:2]
    distances = np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1)
    near = (distances < r_max) & ~np.eye(atoms, dtype=bool)
    frame, sender, receiver = np.nonzero(near)
    edges = np.stack([sender, receiver]) + frame * atoms
    return edges, np.zeros((edges.shape[1], 3)), np.zeros((frames, 3, 3))


def _periodic_pairs(
    positions: NDArray[np.float64], r_max: float, cells: _Array, pbc: tuple[bool, bool, bool]
) -> tuple[NDArray[np.int64], _Array, _Array]:
    """Return the same of crystals; cell vectors of directions that are not periodic are zeros."""
    boxes = np.where(np.asarray(pbc)[:, None], cells, 0.0)
    listed = [neighbours(p, r_max, box, pbc) for p, box in zip(positions, boxes, strict=True)]
    atoms = positions.shape[1]
    edges = np.concatenate(
        [np.stack([pairs.first, pairs.second]) + k * atoms for k, pairs in enumerate(listed)], axis=1
    )
    return edges, np.concatenate([pairs.shifts for pairs in listed]).astype(np.float64), boxes


class MACEBackbone(OnePassBackbone):
    """A MACE model as a source of features.

    Two kinds of layers: ``messageK``, what interaction K gathers from the neighbours (degrees up to ``max_ell``), and
    ``layerK``, the node features after the product basis of layer K (degrees up to ``l_max`` of the hidden irreps; MACE
    keeps scalars only in the last one). Features are those of ``layerK`` unless a message is asked for.

    Parameters
    ----------
    model
        A float64 model that :func:`build_mace` made.
    settings
        Its arguments.
    info
        Where it comes from.
    head
        Index of the head whose energy is meant. Features do not depend on it.
    """

    def __init__(
        self, model: torch.nn.Module, settings: MACESettings, info: BackboneInfo, head: int = 0
    ) -> None:
        self._model: Any = model.eval()
        self._settings, self._head = settings, head
        self._device = torch.device("cpu")
        self.info = replace(info, parameters=sum(p.numel() for p in model.parameters()))

    def layers(self) -> list[Layer]:
        """Return ``message0``, ``message1``, ... and then ``layer0``, ``layer1``, ..."""
        listed = []
        for name, irreps in (
            *((f"message{k}", m.target_irreps) for k, m in enumerate(self._model.interactions)),
            *((f"layer{k}", m.linear.irreps_out) for k, m in enumerate(self._model.products)),
        ):
            listed.append(Layer(name, str(irreps).replace(" ", "")))
        return listed

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that the model knows, in its order."""
        return self._settings.type_names

    @property
    def cutoff(self) -> float:
        """Radius (Å) of the neighbour list."""
        return self._settings.r_max

    def to(self, device: str) -> None:
        """Compute on this device from now on."""
        self._device = torch.device(device)
        self._model.to(self._device)

    def _graph(self, frames: Frames, part: slice) -> dict[str, torch.Tensor]:
        names = self._settings.type_names
        types = type_indices(frames.numbers, names, self.info.source)
        data = graph_batch(
            frames.positions[part], types, len(names), self._settings.r_max, self._head,
            cells=None if frames.cells is None else frames.cells[part], pbc=frames.pbc,
        )  # fmt: skip
        return {key: value.to(self._device) for key, value in data.items()}

    @contextlib.contextmanager
    def _tap(self, layer: Layer) -> Iterator[Callable[[], torch.Tensor]]:
        """Hook a layer; give what returns its features, ``(atoms, dim)``, after a run of the model."""
        message = layer.name.startswith("message")
        blocks = self._model.interactions if message else self._model.products
        kept: list[torch.Tensor] = []

        def keep(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:
            kept[:] = [_flat(output[0], layer.irreps) if message else output.detach().clone()]

        block = blocks[int(layer.name.removeprefix("message").removeprefix("layer"))]
        handle = block.register_forward_hook(keep)
        try:
            yield lambda: kept[0]
        finally:
            handle.remove()

    def respond(
        self, frames: Frames, layers: Sequence[str], *, edges: EdgeFilter | None = None, forces: bool = False
    ) -> Response:
        """Return the features of several layers (forward hooks on the real modules), energies and forces, in one pass."""
        wanted = {name: self.layer(name) for name in layers}
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in wanted}
        energies, forces_out = np.empty(len(frames)), np.empty_like(frames.positions)
        stress = np.empty((len(frames), 6)) if forces and all(frames.pbc) else None
        with mace_session(), contextlib.ExitStack() as stack:
            if not forces:
                stack.enter_context(torch.no_grad())
            if edges is not None:
                stack.enter_context(dropped_edges(self._model, edges, len(frames.numbers)))
            taps = {name: stack.enter_context(self._tap(layer)) for name, layer in wanted.items()}

            def run(part: slice) -> dict[str, torch.Tensor]:
                data = self._graph(frames, part)
                if forces:
                    out = self._model(data, compute_stress=True) if stress is not None else self._model(data)
                    energies[part] = out["energy"].detach().cpu().numpy()
                    forces_out[part] = out["forces"].detach().cpu().numpy().reshape(forces_out[part].shape)
                    if stress is not None:
                        stress[part] = voigt(out["stress"].detach().cpu().numpy())
                else:
                    self._model(data, compute_force=False)
                return {name: tapped() for name, tapped in taps.items()}

            for _, kept in halving(run, frames_at_once(frames, self._device, _ATOMS_IN_A_BATCH)):
                for name, values in kept.items():
                    parts[name].append(values.cpu().numpy())
        features = gathered(frames, wanted, parts)
        return Response(features, energies if forces else None, forces_out if forces else None, stress)


def _flat(message: torch.Tensor, irreps: str) -> torch.Tensor:
    """Bring a message from MACE's layout (atoms, channels, m of all l) into e3nn's (atoms, channels x m, l by l)."""
    parts, start = [], 0
    for _, ir in o3.Irreps(irreps):
        parts.append(message[:, :, start : start + ir.dim].reshape(len(message), -1))
        start += ir.dim
    return torch.cat(parts, dim=1).detach()


def _wrap(model: torch.nn.Module, settings: MACESettings, info: BackboneInfo) -> MACEBackbone:
    return MACEBackbone(model, settings, info)


ARCHITECTURE = Architecture("mace", MACESettings, build_mace, _wrap, ("mace-torch", "torch", "e3nn", "numpy"))
