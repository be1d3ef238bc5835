"""SevenNet models from the real ``sevenn`` package: build in float64, describe, run."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from ase.data import chemical_symbols
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.neighbours import neighbours_of
from ..records.devices import halving, items_at_once
from .backbone import BackboneInfo
from .edge_convolution import EdgeConvolution, fits
from .features import Layer
from .one_pass import OnePassBackbone, gathered
from .responses import EdgeFilter, Response

#: Edges of one batch, whose messages fill the memory: about 60 kB an edge with 128 channels and l <= 3. More at a time is
#: no faster, since a message then falls out of the processor's cache before it is summed.
_EDGES_IN_A_BATCH = 1_000
_EDGE_BYTES = 2e5  # with what a gradient keeps
_GATE = "_equivariant_gate"
#: SevenNet's stress is xx, yy, zz, xy, yz, zx, of the opposite sign; ASE's xx, yy, zz, yz, xz, xy.
_VOIGT = [0, 1, 2, 4, 5, 3]
_GIVEN = ("total_energy", "force", "stress")
#: Modules that make one-hot vectors, always in float32.
_ONE_HOT = ("onehot_idx_to_onehot", "one_hot_modality")
#: One or several frames in SevenNet's terms.
Graph = dict[str, torch.Tensor]


@contextmanager
def sevennet_session(dtype: torch.dtype = torch.float64) -> Iterator[None]:
    """Import sevenn and work in ``dtype``, without its warnings; give the caller's dtype and random generators back.

    Raises
    ------
    InputError
        sevenn is not installed.
    """
    default = torch.get_default_dtype()
    states = (torch.get_rng_state(), np.random.get_state(), random.getstate())  # noqa: NPY002 - saved, never drawn from
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import sevenn.model_build  # noqa: F401
        except ImportError as error:
            raise InputError(
                "the package 'sevenn' is not installed; install the extra: pip install 'spectral-ceilings[sevennet]'"
            ) from error
        try:
            torch.set_default_dtype(dtype)  # tables take the number format in which they are built
            yield
        finally:
            torch.set_default_dtype(default)
            torch.set_rng_state(states[0])
            np.random.set_state(states[1])  # noqa: NPY002
            random.setstate(states[2])


def build_sevennet(
    config: dict[str, Any], seed: int = 0, dtype: torch.dtype = torch.float64
) -> torch.nn.Module:
    """Build a SevenNet with the package's own builder, exact tables and random weights.

    Parameters
    ----------
    config
        A checkpoint's configuration. Kernels for other devices that it may name are left out: they compute the same.
    seed
        Seed of the random weights.
    dtype
        The number format of tables and weights.
    """
    with sevennet_session(dtype):
        from sevenn.model_build import build_E3_equivariant_model

        plain = {**config, "cuequivariance_config": {}, "use_flash_tp": False, "use_oeq": False}
        torch.manual_seed(seed)
        model: Any = build_E3_equivariant_model(plain).to(dtype)
        for name, module in list(model.named_children()):
            if name.endswith("_convolution") and fits(module.convolution):
                model.replace_module(name, _Convolution(module))
    built: torch.nn.Module = model.eval()
    return built


class _Convolution(torch.nn.Module):
    """A SevenNet convolution with the cheaper kernel, as sevenn's own accelerators replace it; same parameters, same names."""

    def __init__(self, convolution: Any) -> None:
        super().__init__()
        self.weight_nn, self.denominator = convolution.weight_nn, convolution.denominator
        self.convolution = EdgeConvolution(convolution.convolution)

    def forward(self, data: Graph) -> Graph:
        target, source = data["edge_index"]
        weights = self.weight_nn(data["edge_embedding"])
        summed = self.convolution(data["x"], data["edge_attr"], weights, source, target)
        data["x"] = summed.div(self.denominator)
        return data


@dataclass(frozen=True)
class _Edges:
    """The edges of all frames, sorted by frame: from atom ``i`` to an image of atom ``j``, by ``vectors`` in Å."""

    frame: NDArray[np.int64]
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    vectors: NDArray[np.float64]

    @classmethod
    def of(cls, frames: Frames, cutoff: float) -> _Edges:
        """Return those of all frames; each image of a periodic cell is a neighbour of its own."""
        lists = list(neighbours_of(frames, cutoff))
        counts = [len(each.first) for each in lists]
        return cls(
            np.repeat(np.arange(len(lists)), counts),
            np.concatenate([each.first for each in lists]),
            np.concatenate([each.second for each in lists]),
            np.concatenate([each.vectors for each in lists]),
        )

    def within(self, part: slice) -> _Edges:
        """Return the edges of some frames, which are counted from zero."""
        some = slice(*np.searchsorted(self.frame, [part.start, part.stop]))
        return _Edges(self.frame[some] - part.start, self.i[some], self.j[some], self.vectors[some])

    def kept(self, keep: EdgeFilter) -> _Edges:
        """Return the edges that a filter keeps."""
        mask = keep(np.stack([self.i, self.j]))
        return _Edges(self.frame[mask], self.i[mask], self.j[mask], self.vectors[mask])


def _batches(counts: NDArray[np.int64], most: int = _EDGES_IN_A_BATCH) -> Iterator[slice]:
    """Yield runs of frames with at most so many edges together, one frame at least; ``counts`` has those of each."""
    start, edges = 0, 0
    for stop, count in enumerate(counts):
        if stop > start and edges + count > most:
            yield slice(start, stop)
            start, edges = stop, 0
        edges += count
    yield slice(start, len(counts))


class SevenNetBackbone(OnePassBackbone):
    """A SevenNet as a source of features: what each equivariant gate gives, ``0_equivariant_gate``, ``1_equivariant_gate``, ...

    The last one keeps scalars only. A model of SO(3) (``is_parity`` false) declares every irrep even, which no inversion
    of it confirms.

    Parameters
    ----------
    model
        A model of the ``sevenn`` package, in float64 where it can be built so.
    info
        Where it comes from.
    modal
        Index of the modality whose energy is meant; None: the model has none.
    """

    def __init__(self, model: Any, info: BackboneInfo, modal: int | None = None) -> None:
        self._model = model.eval().requires_grad_(
            False
        )  # forces need the gradient with respect to edges alone
        self._modal = modal
        model.eval_modal_map = False  # the index is given with the input
        model.set_is_batch_data(True)
        self._dtype: torch.dtype = next(model.parameters()).dtype
        self._device = torch.device("cpu")
        self.info = replace(info, parameters=sum(p.numel() for p in model.parameters()))

    def layers(self) -> list[Layer]:
        """Return the gates, in order."""
        return [
            Layer(name, str(module.gate.irreps_out).replace(" ", ""))
            for name, module in self._model.named_children()
            if name.endswith(_GATE)
        ]

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that the model knows, by atomic number."""
        return tuple(chemical_symbols[z] for z in sorted(self._model.type_map))

    @property
    def cutoff(self) -> float:
        """Radius (Å) of the neighbour list."""
        return float(self._model.cutoff)

    def to(self, device: str) -> None:
        """Compute on this device from now on."""
        self._device = torch.device(device)
        self._model.to(self._device)
        kinds = getattr(self._model, "z_to_onehot_tensor", None)
        if kinds is not None:  # no buffer, so that the model leaves it behind and fetches it in every pass
            self._model.z_to_onehot_tensor = kinds.to(self._device)

    def _graph(self, numbers: NDArray[np.int64], frames: int, edges: _Edges) -> Graph:
        atoms = len(numbers)
        z = torch.from_numpy(np.tile(numbers, frames))
        offset = edges.frame * atoms
        data = {
            "x": z,
            "atomic_numbers": z,
            "edge_index": torch.from_numpy(np.stack([edges.i + offset, edges.j + offset])),
            "edge_vec": torch.from_numpy(edges.vectors).to(self._dtype),
            "batch": torch.arange(frames).repeat_interleave(atoms),
            "num_atoms": torch.full((frames,), atoms),
            "cell_volume": torch.ones(
                frames, dtype=self._dtype
            ),  # 1 Å³: a stress is divided by the real one afterwards
        }
        if self._modal is not None:
            data["modal_type"] = torch.full((frames,), self._modal)
        return {key: value.to(self._device) for key, value in data.items()}

    def _run(self, data: Graph, layers: Sequence[str], forces: bool) -> tuple[Graph, dict[str, torch.Tensor]]:
        """Run the modules in order up to the last one that is wanted; return the data, and the features of ``layers``."""
        kept: dict[str, torch.Tensor] = {}
        data = self._model._preprocess(data)
        for name, module in self._model.named_children():
            data = module(data)
            if name in _ONE_HOT:
                data = {k: v.to(self._dtype) if v.is_floating_point() else v for k, v in data.items()}
            if name in layers:  # later modules put others in its place
                kept[name] = data["x"].detach()
            if not forces and len(kept) == len(layers):
                break
        return data, kept

    def respond(
        self, frames: Frames, layers: Sequence[str], *, edges: EdgeFilter | None = None, forces: bool = False
    ) -> Response:
        """Return the features of several layers, energies and forces, in one pass; without forces it ends at the last layer."""
        self.check_elements(frames)
        wanted = {name: self.layer(name) for name in layers}
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in wanted}
        energies, forces_out = np.empty(len(frames)), np.empty_like(frames.positions)
        stress = np.empty((len(frames), 6)) if forces and all(frames.pbc) else None
        everything = _Edges.of(frames, self.cutoff)
        if edges is not None:
            everything = everything.kept(edges)
        with sevennet_session(self._dtype), torch.set_grad_enabled(forces):

            def run(part: slice) -> dict[str, torch.Tensor]:
                data = self._graph(frames.numbers, part.stop - part.start, everything.within(part))
                out, kept = self._run(data, list(wanted), forces)
                if forces:
                    given = {key: out[f"inferred_{key}"].detach().cpu().numpy() for key in _GIVEN}
                    energies[part] = given["total_energy"]
                    forces_out[part] = given["force"].reshape(forces_out[part].shape)
                    if stress is not None:
                        assert frames.cells is not None
                        volumes = np.abs(np.linalg.det(frames.cells[part]))
                        stress[part] = -given["stress"][:, _VOIGT] / volumes[:, None]
                return kept

            counts = np.bincount(everything.frame, minlength=len(frames))
            most = items_at_once(self._device, _EDGE_BYTES, _EDGES_IN_A_BATCH)
            for _, kept in halving(run, _batches(counts, most)):
                for name, values in kept.items():
                    parts[name].append(values.cpu().numpy())
        features = gathered(frames, wanted, parts)
        return Response(features, energies if forces else None, forces_out if forces else None, stress)
