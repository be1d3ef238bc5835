"""The contract for models: named layers with irreps, features, energies, forces, and what else measurements need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from .features import NO_SYMMETRY, Features, Layer
from .responses import EdgeFilter, Response

#: How architectures are written.
ARCHITECTURES = {
    "nequip": "NequIP", "allegro": "Allegro", "mace": "MACE", "sevennet": "SevenNet", "escn-md": "eSCN-MD", "uma": "UMA",
}  # fmt: skip


@dataclass(frozen=True)
class BackboneInfo:
    """Where a backbone comes from and how it was made; goes into every result. ``trained`` is None where that is not known."""

    source: str
    architecture: str
    trained: bool | None
    sha256: str | None = None
    parameters: int | None = None
    force_mae: float | None = None  # eV/Å on frames held out of its training
    builder: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] | None = None


class Backbone(ABC):
    """A frozen model that gives equivariant features of atoms, and what every measurement needs of it.

    This is the whole contract: nothing else of an adapter is read. An adapter has to give :meth:`layers`,
    :meth:`features` and :meth:`forces`, and sets ``info``. The rest has a default that says "this model has none":

    ==================== ========================================= ==================================
    member               what it is                                default
    ==================== ========================================= ==================================
    ``untrained``        seed -> the same model, random weights    None: it cannot be rebuilt
    ``elements``         chemical symbols that it knows            None: any
    ``cutoff``           radius (Å) of its neighbour list          None: not known
    ``has_forces``       whether its forces are its own            True
    ``has_energies``     whether it gives total energies (eV)      False
    ``can_filter_edges`` whether edges of its graph can be dropped False
    ``stress``           stress of periodic frames, eV/Å³          None: it gives none
    ``respond``          all of it in one pass                     one pass for each part
    ``approximation``    what in it breaks rotations, in words     empty: nothing that is known
    ``to``               compute on another device                 it stays where it was made
    ==================== ========================================= ==================================

    Shapes are ``(frames, atoms, ...)``, lengths Å, energies eV, forces eV/Å; arrays are float64, whatever the model
    computes in. Frames may have cells: an adapter uses ``frames.cells`` and ``frames.pbc``, and a model that ignores them is
    refused; :mod:`~spectral_ceilings.diagnostic.frames.neighbours` gives the pairs of a crystal.
    :func:`~spectral_ceilings.diagnostic.backbones.check.check_backbone` says in sentences where an adapter falls short of it.
    """

    #: Where the model comes from.
    info: BackboneInfo
    #: Builds the same architecture with random weights from a seed; None where that cannot be done.
    untrained: Callable[[int], Backbone] | None = None

    @abstractmethod
    def layers(self) -> list[Layer]:
        """Return every layer that can be tapped, in order, with its irreps; without any where no symmetry is declared."""

    @abstractmethod
    def features(self, frames: Frames, layer: str) -> Features:
        """Return the features of ``frames`` at ``layer``, ``(frames, atoms, dim)`` in float64, in e3nn's layout.

        Raises
        ------
        InputError
            There is no such layer.
        """

    @abstractmethod
    def forces(self, frames: Frames) -> NDArray[np.float64]:
        """Return the model's own forces, ``(frames, atoms, 3)`` in eV/Å; zero where it has none (``has_forces``)."""

    @property
    def has_forces(self) -> bool:
        """Whether :meth:`forces` are a prediction of the model, and no zeros that stand for "none"."""
        return True

    @property
    def has_energies(self) -> bool:
        """Whether :meth:`energies_and_forces` gives energies."""
        return False

    @property
    def elements(self) -> tuple[str, ...] | None:
        """Chemical symbols that the model knows; None: any."""
        return None

    @property
    def cutoff(self) -> float | None:
        """Radius (Å) within which an atom sees neighbours directly; None: not known, or none."""
        return None

    @property
    def approximation(self) -> str:
        """What in the model breaks rotations, one sentence without its full stop; empty where nothing is known to."""
        return ""

    @property
    def can_filter_edges(self) -> bool:
        """Whether :meth:`respond` takes ``edges``."""
        return False

    def energies_and_forces(self, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return total energies ``(frames,)`` in eV and forces ``(frames, atoms, 3)`` in eV/Å.

        Raises
        ------
        InputError
            The model has no energies.
        """
        raise InputError(
            f"{self.info.source} gives forces without energies; give an ASE calculator of the model instead"
        )

    def stress(self, frames: Frames) -> NDArray[np.float64] | None:
        """Return the stress of frames that are periodic in every direction, ``(frames, 6)`` in eV/Å³; None: there is none.

        Voigt order xx, yy, zz, yz, xz, xy; the sign is ASE's, so that it is the derivative of the energy with respect to
        strain, over the volume.
        """
        del frames
        return None

    def respond(
        self, frames: Frames, layers: Sequence[str], *, edges: EdgeFilter | None = None, forces: bool = False
    ) -> Response:
        """Return the features of several layers, and the energies and forces, in one pass where the adapter can.

        Parameters
        ----------
        frames
            Positions in Å.
        layers
            Names of layers; may be empty where forces are asked for.
        edges
            Which edges of the graph to keep; None: all.
        forces
            Whether to return energies and forces too, where the model has them.

        Raises
        ------
        InputError
            There is no such layer, or an edge filter is given and the graph is out of reach (``can_filter_edges``).
        """
        if edges is not None:
            raise InputError(
                f"the edges of {self.info.source} cannot be filtered, so there is no star graph (the centre and its "
                "neighbours, without edges between the neighbours); measure the full graph"
            )
        energies = model_forces = None
        if forces and self.has_energies:
            energies, model_forces = self.energies_and_forces(frames)
        elif forces and self.has_forces:
            model_forces = self.forces(frames)
        return Response({name: self.features(frames, name) for name in layers}, energies, model_forces)

    def check_elements(self, frames: Frames) -> None:
        """Raise InputError where the frames hold an element that the model does not know."""
        if self.elements is None:
            return
        for symbol in frames.symbols:
            if symbol not in self.elements:
                raise InputError(
                    f"{self.info.source} does not know the element {symbol}; it was made for {', '.join(self.elements)}; "
                    "use frames of these elements or train a backbone on yours"
                )

    def to(self, device: str) -> None:
        """Compute on this device from now on, where the adapter can; others stay where they were made."""
        del device

    def layer(self, name: str) -> Layer:
        """Return the layer called ``name``; InputError where there is none."""
        layers = self.layers()
        for layer in layers:
            if layer.name == name:
                return layer
        listing = "; ".join(f"{layer.name}: {layer.irreps or 'no symmetry declared'}" for layer in layers)
        raise InputError(f"no layer {name!r} in {self.info.source}; it has {listing}")

    def choose_layer(self, name: str | None = None, *, turned: bool = False) -> Layer:
        """Return the layer called ``name``, or the last one that carries l > 0.

        Parameters
        ----------
        turned
            Whether layers of which no symmetry is declared can be used, because the network is run on every turned frame.

        Raises
        ------
        InputError
            No such layer, a layer of scalars only (the last interaction layer of NequIP, MACE and Allegro), or one of which
            no symmetry is declared.
        """
        layers = self.layers()
        listing = "; ".join(f"{layer.name}: {layer.irreps or 'no symmetry declared'}" for layer in layers)
        if name is None:
            usable = [layer for layer in layers if layer.usable or (turned and not layer.declared)]
            if not usable and any(not layer.declared for layer in layers):
                raise InputError(f"{self.info.source} {NO_SYMMETRY}")
            if not usable:
                raise InputError(
                    f"no layer of {self.info.source} carries l > 0 ({listing}); give a model with l_max >= 1"
                )
            return usable[-1]
        layer = self.layer(name)
        if layer.usable or (turned and not layer.declared):
            return layer
        if not layer.declared:
            raise InputError(f"layer {name!r} of {self.info.source} {layer.why}")
        raise InputError(f"layer {name!r} {layer.why}; tap a layer before it ({listing})")
