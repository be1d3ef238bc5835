"""Any model as a backbone: a PyTorch module with a hook on a submodule, or a function that returns features.

The irreps are declared by the user and checked before anything is measured: features that do not turn with the
frames as declared are refused.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from ase.data import chemical_symbols
from numpy.typing import ArrayLike, NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from .backbone import Backbone, BackboneInfo
from .features import Features, Layer
from .irreps import o3

#: Frames given to a module at once hold about so many atoms.
_ATOMS_IN_A_BATCH = 120
#: Frames -> what the module's forward takes: a tuple for several arguments, anything else for one.
Inputs = Callable[[Frames], Any]
#: Frames -> array.
OfFrames = Callable[[Frames], ArrayLike]


class HookedBackbone(Backbone):
    """A backbone made of functions; :func:`from_module` and :func:`from_callable` build it.

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
    """

    def __init__(
        self,
        layers: dict[Layer, OfFrames],
        forces: OfFrames | None,
        elements: Iterable[str] | None,
        info: BackboneInfo,
    ) -> None:
        self._functions = {layer.name: (layer, function) for layer, function in layers.items()}
        self._forces, self.info = forces, info
        self._elements = None if elements is None else tuple(elements)

    def layers(self) -> list[Layer]:
        """Return the layers that were declared."""
        return [layer for layer, _ in self._functions.values()]

    def check_elements(self, frames: Frames) -> None:
        """Raise InputError where the frames hold an element that was not declared."""
        if self._elements is None:
            return
        for number in frames.numbers:
            if chemical_symbols[number] not in self._elements:
                raise InputError(
                    f"{self.info.source} does not know the element {chemical_symbols[number]}; it was declared for "
                    f"{', '.join(self._elements)}; use frames of these elements"
                )

    def features(self, frames: Frames, layer: str) -> Features:
        """Return the features at a declared layer, in float64."""
        if layer not in self._functions:
            raise InputError(f"no layer {layer!r} in {self.info.source}; it has {', '.join(self._functions)}")
        described, function = self._functions[layer]
        values = self._array(function, frames, f"the features of layer {layer!r}")
        dim = o3.Irreps(described.irreps).dim
        shape = (len(frames), len(frames.numbers), dim)
        if values.shape != shape and values.shape != (shape[0] * shape[1], dim):
            raise InputError(
                f"features of layer {layer!r} have shape {values.shape}, expected {shape} for irreps {described.irreps}; "
                "declare the irreps that the layer really has, and give one row for each atom"
            )
        values = values.reshape(shape)
        if not np.isfinite(values).all():
            raise InputError(f"features of layer {layer!r} are not finite, expected numbers; check the model")
        return Features(values, described.irreps, layer)

    def forces(self, frames: Frames) -> NDArray[np.float64]:
        """Return the model's own forces, ``(frames, atoms, 3)`` in eV/Å; zero where none were given."""
        if self._forces is None:
            return np.zeros_like(frames.positions)
        values = self._array(self._forces, frames, "the forces")
        if values.size != frames.positions.size:
            raise InputError(
                f"the forces of {self.info.source} have shape {values.shape}, expected {frames.positions.shape}"
            )
        return values.reshape(frames.positions.shape)

    def _array(self, function: OfFrames, frames: Frames, what: str) -> NDArray[np.float64]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", DeprecationWarning
                )  # of the libraries that the model is made with
                return np.asarray(function(frames), dtype=np.float64)
        except InputError:
            raise
        except Exception as error:  # a user's function can fail in any way
            raise InputError(
                f"{what} of {self.info.source} could not be computed for {frames.source}: {type(error).__name__}: {error}"
            ) from error


def from_callable(
    function: OfFrames,
    irreps: str,
    *,
    forces: OfFrames | None = None,
    elements: Iterable[str] | None = None,
    source: str | None = None,
    layer: str = "features",
    untrained: Callable[[int], OfFrames] | None = None,
) -> HookedBackbone:
    """Return a backbone from a function that gives the features of frames.

    Parameters
    ----------
    function
        Frames -> array ``(frames, atoms, dim)``, in e3nn's order (irrep by irrep, channels outside m).
    irreps
        O(3) irreps of the last axis, such as ``"8x0e+8x1o+8x2e"``.
    forces
        Frames -> ``(frames, atoms, 3)`` in eV/Å, the model's own; None: zero.
    elements
        Chemical symbols that the model knows; None: any.
    source
        Name for the report; None: the function's name.
    layer
        Name of the layer.
    untrained
        Seed -> such a function of a model with random weights, for the control.

    Raises
    ------
    InputError
        ``irreps`` are not e3nn's notation.
    """
    name = source or str(getattr(function, "__name__", "a function"))

    def backbone(of_frames: OfFrames, title: str, trained: bool) -> HookedBackbone:
        info = BackboneInfo(title, "function", trained=trained)
        return HookedBackbone({_layer(layer, irreps): of_frames}, forces if trained else None, elements, info)

    out = backbone(function, name, True)
    if untrained is not None:
        out.untrained = lambda seed: backbone(untrained(seed), f"{name} (untrained, seed {seed})", False)
    return out


def from_module(
    module: torch.nn.Module,
    submodule: str | Sequence[str],
    irreps: str | Sequence[str],
    *,
    inputs: Inputs,
    pick: Callable[[Any], torch.Tensor] | None = None,
    forces: OfFrames | None = None,
    elements: Iterable[str] | None = None,
    source: str | None = None,
    untrained: Callable[[int], torch.nn.Module] | None = None,
    dtype: torch.dtype | None = torch.float64,
    device: str | torch.device = "cpu",
    gradients: bool = False,
) -> HookedBackbone:
    """Return a backbone from any PyTorch module: a forward hook on ``submodule`` reads the features.

    Parameters
    ----------
    module
        The trained model. A copy of it is used, in ``dtype`` on ``device`` and in evaluation mode.
    submodule
        Name of the submodule whose output is tapped, as in ``module.named_modules()``; several for several layers.
    irreps
        O(3) irreps of that output, such as ``"8x0e+8x1o+8x2e"``; as many as there are submodules.
    inputs
        Frames -> what ``module`` takes for all of them at once: a tuple for several arguments, anything else for one.
        Its tensors are moved to the device, floating ones to ``dtype``.
    pick
        Output of the submodule -> features, one row for each atom, frame by frame; None: the output itself.
    forces
        Frames -> ``(frames, atoms, 3)`` in eV/Å, the model's own; None: zero, and what the readout is fitted to is the
        whole force.
    elements
        Chemical symbols that the model knows; None: any.
    source
        Name for the report; None: the class of the module.
    untrained
        Seed -> the same module with random weights, for the control.
    dtype
        Number format to run in; None: the module's own. Tables that the module was built with keep the rounding they
        have, so that a model that was built in float32 misses equivariance by about 1e-7.
    device
        Where to run it.
    gradients
        Whether the module differentiates inside its forward (forces), and so cannot run without autograd.

    Raises
    ------
    InputError
        There is no such submodule, as many irreps as submodules are not given, or irreps are not e3nn's notation.
    """
    names = [submodule] if isinstance(submodule, str) else list(submodule)
    declared = [irreps] if isinstance(irreps, str) else list(irreps)
    if len(names) != len(declared) or not names:
        raise InputError(
            f"{len(names)} submodules and {len(declared)} irreps were given, expected as many of each"
        )
    known = [name for name, _ in module.named_modules() if name]
    for name in names:
        if name not in known:
            raise InputError(
                f"no submodule {name!r} in {type(module).__name__}; it has {', '.join(known[:12])}"
                + (", ..." if len(known) > 12 else "")
            )
    layers = [_layer(name, one) for name, one in zip(names, declared, strict=True)]
    title = source or type(module).__name__

    def backbone(model: torch.nn.Module, name: str, trained: bool) -> HookedBackbone:
        runner = _Runner(model, inputs, pick, dtype, device, gradients)
        count = sum(p.numel() for p in model.parameters())
        info = BackboneInfo(name, type(module).__name__, trained=trained, parameters=count)
        functions: dict[Layer, OfFrames] = {layer: runner.at(layer.name) for layer in layers}
        return HookedBackbone(functions, forces if trained else None, elements, info)

    out = backbone(module, title, True)
    if untrained is not None:
        out.untrained = lambda seed: backbone(untrained(seed), f"{title} (untrained, seed {seed})", False)
    return out


def _layer(name: str, irreps: str) -> Layer:
    try:
        found = o3.Irreps(irreps)
    except Exception as error:  # e3nn raises ValueError or its own
        raise InputError(
            f"irreps {irreps!r} are not e3nn's notation; expected for example '8x0e+8x1o+8x2e'"
        ) from error
    if found.dim == 0:
        raise InputError(f"irreps {irreps!r} are empty; expected for example '8x0e+8x1o+8x2e'")
    return Layer(name, str(found).replace(" ", ""))


class _Runner:
    """A module that is run with a hook on one of its submodules."""

    def __init__(
        self,
        module: torch.nn.Module,
        inputs: Inputs,
        pick: Callable[[Any], torch.Tensor] | None,
        dtype: torch.dtype | None,
        device: str | torch.device,
        gradients: bool,
    ) -> None:
        self._module = copy.deepcopy(module).to(device=device, dtype=dtype).eval()
        self._inputs, self._pick, self._gradients = inputs, pick, gradients
        self._dtype, self._device = dtype, torch.device(device)

    def at(self, submodule: str) -> OfFrames:
        """Return the function that gives the output of ``submodule``."""
        tapped = self._module.get_submodule(submodule)

        def features(frames: Frames) -> NDArray[np.float64]:
            kept: list[Any] = []

            def hook(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:
                kept[:] = [output]

            handle = tapped.register_forward_hook(hook)
            size = max(1, _ATOMS_IN_A_BATCH // len(frames.numbers))
            parts = []
            try:
                with _default_dtype(self._dtype), torch.set_grad_enabled(self._gradients):
                    for start in range(0, len(frames), size):
                        kept.clear()
                        self._run(frames.select(slice(start, start + size)))
                        if not kept:
                            raise InputError(
                                f"the submodule {submodule!r} does not run when the module does; tap another one"
                            )
                        output = kept[0] if self._pick is None else self._pick(kept[0])
                        if not isinstance(output, torch.Tensor):
                            raise InputError(
                                f"the submodule {submodule!r} returns {type(output).__name__}, expected a tensor; give "
                                "pick=..., which takes the tensor out of it"
                            )
                        parts.append(
                            output.detach().to("cpu", torch.float64).numpy().reshape(-1, output.shape[-1])
                        )
            finally:
                handle.remove()
            return np.concatenate(parts)

        return features

    def _run(self, frames: Frames) -> None:
        given = self._moved(self._inputs(frames))
        if isinstance(given, tuple):
            self._module(*given)
        else:
            self._module(given)

    def _moved(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            floating = value.is_floating_point() and self._dtype is not None
            return value.to(self._device, self._dtype if floating else None)
        if isinstance(value, dict):
            return {key: self._moved(one) for key, one in value.items()}
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(self._moved(one) for one in value)
        if isinstance(value, list):
            return [self._moved(one) for one in value]
        return value.to(self._device) if hasattr(value, "to") and not inspect.isclass(value) else value


@contextmanager
def _default_dtype(dtype: torch.dtype | None) -> Iterator[None]:
    """Give torch another default dtype for a while: e3nn computes harmonics in it."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype or before)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
