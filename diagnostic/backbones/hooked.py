"""Any function of frames as a backbone; :mod:`.hooked_module` makes one of a PyTorch module.

The irreps are declared by the user and checked before anything is measured: features that do not turn with the
frames as declared are refused. Without irreps no symmetry is declared, and the network is run on every turned frame.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..records.machine_errors import of_the_machine
from .backbone import Backbone, BackboneInfo
from .features import Features, Layer
from .irreps import o3
from .responses import EdgeFilter, Response

#: Frames -> array.
OfFrames = Callable[[Frames], ArrayLike]


class HookedBackbone(Backbone):
    """A backbone made of functions; :func:`from_callable` builds it, and :func:`.hooked_module.from_module` a kind of it.

    Parameters
    ----------
    layers
        The layers and what gives their features, ``(frames * atoms, dim)`` or ``(frames, atoms, dim)``.
    forces
        The model's own forces, eV/Å; None: zero, so that what the readout is fitted to is the whole force.
    elements
        Chemical symbols that the model knows; None: any.
    info
        Where it comes from.
    energies
        The model's total energies, eV; None: it has none.
    cutoff
        Radius (Å) within which an atom sees neighbours directly; None: not known.
    """

    def __init__(
        self,
        layers: dict[Layer, OfFrames],
        forces: OfFrames | None,
        elements: Iterable[str] | None,
        info: BackboneInfo,
        *,
        energies: OfFrames | None = None,
        cutoff: float | None = None,
    ) -> None:
        self._functions = {layer.name: (layer, function) for layer, function in layers.items()}
        self._forces, self.info = forces, info
        self._elements = None if elements is None else tuple(elements)
        self._energies, self._cutoff = energies, cutoff

    def layers(self) -> list[Layer]:
        """Return the layers that were declared."""
        return [layer for layer, _ in self._functions.values()]

    @property
    def elements(self) -> tuple[str, ...] | None:
        """Chemical symbols that were declared; None: any."""
        return self._elements

    @property
    def cutoff(self) -> float | None:
        """Radius (Å) that was declared."""
        return self._cutoff

    @property
    def has_forces(self) -> bool:
        """Whether a function for forces was given."""
        return self._forces is not None

    @property
    def has_energies(self) -> bool:
        """Whether functions for energies and forces were given."""
        return self._energies is not None and self._forces is not None

    def features(self, frames: Frames, layer: str) -> Features:
        """Return the features at a declared layer, in float64."""
        return self.respond(frames, [layer]).features[layer]

    def respond(
        self, frames: Frames, layers: Sequence[str], *, edges: EdgeFilter | None = None, forces: bool = False
    ) -> Response:
        """Return the features of several layers, and the energies and forces."""
        for name in layers:
            self.layer(name)
        answer = super().respond(frames, [], edges=edges, forces=forces)
        features = {
            name: self._checked(values, frames, name) for name, values in self._run(frames, layers).items()
        }
        return replace(answer, features=features)

    def _run(self, frames: Frames, layers: Sequence[str]) -> dict[str, NDArray[np.floating[Any]]]:
        """Return what each layer's function gives, of any floating type; a subclass makes them in one pass."""
        return {
            name: self._array(self._functions[name][1], frames, f"the features of layer {name!r}")
            for name in layers
        }

    def _checked(self, values: NDArray[np.floating[Any]], frames: Frames, name: str) -> Features:
        described = self._functions[name][0]
        dim = (
            o3.Irreps(described.irreps).dim if described.declared else values.shape[-1] if values.ndim else 0
        )
        shape = (len(frames), len(frames.numbers), dim)
        if dim == 0 or (values.shape != shape and values.shape != (shape[0] * shape[1], dim)):
            expected = f"{shape} for irreps {described.irreps}; declare the irreps that the layer really has, and give"
            if not described.declared:
                expected = f"({shape[0]}, {shape[1]}, any number); give"
            raise InputError(
                f"features of layer {name!r} have shape {values.shape}, expected {expected} one row for each atom"
            )
        if not np.isfinite(values).all():
            raise InputError(f"features of layer {name!r} are not finite, expected numbers; check the model")
        return Features.of(values.reshape(shape), described)

    def forces(self, frames: Frames) -> NDArray[np.float64]:
        """Return the model's own forces, ``(frames, atoms, 3)`` in eV/Å; zero where none were given."""
        if self._forces is None:
            return np.zeros_like(frames.positions)
        values = self._array(self._forces, frames, "the forces").astype(np.float64)
        if values.size != frames.positions.size:
            raise InputError(
                f"the forces of {self.info.source} have shape {values.shape}, expected {frames.positions.shape}"
            )
        return values.reshape(frames.positions.shape)

    def energies_and_forces(self, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what the two functions give, ``(frames,)`` in eV and ``(frames, atoms, 3)`` in eV/Å."""
        if self._energies is None or self._forces is None:
            return super().energies_and_forces(frames)
        values = self._array(self._energies, frames, "the energies").astype(np.float64)
        if values.size != len(frames):
            raise InputError(
                f"the energies of {self.info.source} have shape {values.shape}, expected {(len(frames),)}: one for each frame"
            )
        return values.reshape(len(frames)), self.forces(frames)

    def _array(self, function: OfFrames, frames: Frames, what: str) -> NDArray[np.floating[Any]]:
        with named_failure(f"{what} of {self.info.source} could not be computed for {frames.source}"):
            with warnings.catch_warnings():
                # of the libraries that the model is made with
                warnings.simplefilter("ignore", DeprecationWarning)
                value = function(frames)
            return floating(value, f"{what} of {self.info.source}")


@contextmanager
def named_failure(what: str) -> Iterator[None]:
    """Turn whatever a user's code raises into one InputError sentence that begins with ``what``; the cause is chained."""
    try:
        yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # a user's code can fail in any way, and may not end the program
        if of_the_machine(error):  # the batch is halved, or the command told what is gone
            raise
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{what}: {type(error).__name__}{': ' if reason else ''}{reason}") from error


def floating(value: Any, what: str) -> NDArray[np.floating[Any]]:
    """Return an array or tensor of real numbers as a NumPy array of a floating type, its precision kept.

    Raises
    ------
    InputError
        It holds something else, such as complex numbers or objects.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        if value.dtype == torch.bfloat16:  # unknown to NumPy; float16 is the coarsest that it has
            value = value.to(torch.float16)
        value = value.numpy()
    array = np.asarray(value)
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise InputError(
            f"{what} are of type {array.dtype}, expected real numbers in one array; give float64"
        )
    return array


def from_callable(
    function: OfFrames,
    irreps: str | None = None,
    *,
    forces: OfFrames | None = None,
    energies: OfFrames | None = None,
    elements: Iterable[str] | None = None,
    cutoff: float | None = None,
    source: str | None = None,
    layer: str = "features",
    untrained: Callable[[int], OfFrames] | None = None,
    trained: bool | None = None,
) -> HookedBackbone:
    """Return a backbone from a function that gives the features of frames.

    Parameters
    ----------
    function
        Frames -> array ``(frames, atoms, dim)``, in e3nn's order (irrep by irrep, channels outside m).
    irreps
        O(3) irreps of the last axis, such as ``"8x0e+8x1o+8x2e"``; None: no symmetry is declared, and only the diagnosis on
        turned frames (``DiagnoseSettings(turned=True)``, ``ceilings diagnose --turned``) can measure the features.
    forces
        Frames -> ``(frames, atoms, 3)`` in eV/Å, the model's own; None: zero.
    energies
        Frames -> ``(frames,)`` in eV, the model's total energies; None: it has none.
    elements
        Chemical symbols that the model knows; None: any.
    cutoff
        Radius (Å) within which an atom sees neighbours directly; None: not known.
    source
        Name for the report; None: the function's name.
    layer
        Name of the layer.
    untrained
        Seed -> such a function of a model with random weights, for the control.
    trained
        Whether the model was trained; None: not known, and then nothing calls it trained or untrained.

    Raises
    ------
    InputError
        ``irreps`` are not e3nn's notation.
    """
    named = str(getattr(function, "__name__", "<lambda>"))
    name = source or ("a function" if named == "<lambda>" else named)

    def backbone(
        of_frames: OfFrames, title: str, known: bool | None, control: bool = False
    ) -> HookedBackbone:
        info = BackboneInfo(title, "function", trained=known)
        functions = (
            {"forces": None, "energies": None} if control else {"forces": forces, "energies": energies}
        )
        return HookedBackbone(
            {declared_layer(layer, irreps): of_frames},
            elements=elements,
            info=info,
            cutoff=cutoff,
            **functions,
        )

    out = backbone(function, name, trained)
    if untrained is not None:
        out.untrained = lambda seed: backbone(
            untrained(seed), f"{name} (untrained, seed {seed})", False, True
        )
    return out


def declared_layer(name: str, irreps: str | None) -> Layer:
    """Return a layer with these irreps, None for no symmetry; InputError where they are empty or not e3nn's notation."""
    if irreps is None:
        return Layer(name, "")
    try:
        parsed = o3.Irreps(irreps)
    except Exception as error:  # e3nn raises ValueError or its own
        raise InputError(
            f"irreps {irreps!r} are not e3nn's notation; expected for example '8x0e+8x1o+8x2e'"
        ) from error
    if parsed.dim == 0:
        raise InputError(
            f"irreps {irreps!r} are empty; expected for example '8x0e+8x1o+8x2e', or None to declare no symmetry"
        )
    return Layer(name, str(parsed).replace(" ", ""))
