"""Any PyTorch module as a backbone: forward hooks on its submodules read the features.

The irreps are declared by the user and checked before anything is measured: features that do not turn with the
frames as declared are refused.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..records.devices import halving
from ..records.machine_errors import of_the_machine
from .backbone import BackboneInfo
from .features import Layer
from .hooked import HookedBackbone, OfFrames, declared_layer, floating, named_failure
from .one_pass import frames_at_once

#: Frames given to a module at once hold about so many atoms.
_ATOMS_IN_A_BATCH = 120
#: Frames -> what the module's forward takes: a tuple for several arguments, anything else for one.
Inputs = Callable[[Frames], Any]
#: What PyTorch says when number formats do not fit, or when a gradient is wanted of what keeps none.
_DTYPE_WORDS = (
    "dtype",
    "scalar type",
    "Input type (",
    "expected Double",
    "expected Float",
    "but found Float",
)
_GRADIENT_WORDS = ("require grad", "requires_grad", "grad_fn", "inference tensor", "requires grad")
_DEVICE_WORDS = ("same device", "on device", "device type")


@dataclass(frozen=True)
class _Running:
    """How a module is run; the arguments of :func:`from_module` with these names."""

    inputs: Inputs
    pick: Callable[[Any], torch.Tensor] | None
    dtype: torch.dtype | None
    device: str | torch.device
    gradients: bool


class ModuleBackbone(HookedBackbone):
    """A PyTorch module whose submodules are read by forward hooks; :func:`from_module` builds it.

    Parameters
    ----------
    module
        A copy of it is run.
    layers
        Named like the submodules.
    running
        How to run it.
    facts
        ``forces``, ``elements``, ``info``, ``energies`` and ``cutoff`` of :class:`HookedBackbone`.
    """

    def __init__(
        self, module: torch.nn.Module, layers: Sequence[Layer], running: _Running, **facts: Any
    ) -> None:
        self._runner = _Runner(module, running)
        super().__init__({layer: self._runner.at(layer.name) for layer in layers}, **facts)

    def _run(self, frames: Frames, layers: Sequence[str]) -> dict[str, NDArray[np.floating[Any]]]:
        if not layers:
            return {}
        names = ", ".join(repr(name) for name in layers)
        what = (
            f"the features of layer {names} of {self.info.source} could not be computed for {frames.source}"
        )
        try:
            with warnings.catch_warnings():
                # of the libraries that the model is made with
                warnings.simplefilter("ignore", DeprecationWarning)
                return self._runner.run(frames, layers)
        except InputError as error:
            raise InputError(f"{what}: {error}") from (error.__cause__ or error)

    def to(self, device: str) -> None:
        """Run the module on this device from now on."""
        self._runner.to(device)


def from_module(
    module: torch.nn.Module,
    submodule: str | Sequence[str],
    irreps: str | Sequence[str | None] | None = None,
    *,
    inputs: Inputs,
    pick: Callable[[Any], torch.Tensor] | None = None,
    forces: OfFrames | None = None,
    energies: OfFrames | None = None,
    elements: Iterable[str] | None = None,
    cutoff: float | None = None,
    source: str | None = None,
    untrained: Callable[[int], torch.nn.Module] | None = None,
    trained: bool | None = None,
    dtype: torch.dtype | None = torch.float64,
    device: str | torch.device = "cpu",
    gradients: bool = False,
) -> ModuleBackbone:
    """Return a backbone from any PyTorch module: a forward hook on ``submodule`` reads the features.

    Parameters
    ----------
    module
        The model. A copy of it is used, in ``dtype`` on ``device`` and in evaluation mode.
    submodule
        Name of the submodule whose output is tapped, as in ``module.named_modules()``; several for several layers.
    irreps
        O(3) irreps of that output, such as ``"8x0e+8x1o+8x2e"``; as many as there are submodules. None: no symmetry is
        declared, and only the diagnosis on turned frames (``DiagnoseSettings(turned=True)``) can measure the output.
    inputs
        Frames -> what ``module`` takes for all of them at once: a tuple for several arguments, anything else for one.
        Its tensors are moved to the device, floating ones to ``dtype``: those in tuples, lists, mappings, data classes, and
        in objects with a method ``apply`` (torch_geometric's ``Data``) or ``to``.
    pick
        Output of the submodule -> features, one row for each atom, frame by frame; None: the output itself. It is called at
        once when the submodule returns, before later layers can overwrite anything, and its result is copied.
    forces
        Frames -> ``(frames, atoms, 3)`` in eV/Å, the model's own; None: zero, and what the readout is fitted to is the
        whole force.
    energies
        Frames -> ``(frames,)`` in eV, the model's total energies; None: it has none.
    elements
        Chemical symbols that the model knows; None: any.
    cutoff
        Radius (Å) within which an atom sees neighbours directly; None: not known.
    source
        Name for the report; None: the class of the module.
    untrained
        Seed -> the same module with random weights, for the control.
    trained
        Whether the model was trained; None: not known, and then nothing calls it trained or untrained.
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
        There is no such submodule, as many irreps as submodules are not given, or irreps are not e3nn's notation. Later, when
        the features are asked for: the module fails, with the submodule and the argument that helps where they are known.
    """
    layers = _declared(module, submodule, irreps)
    title = source or type(module).__name__
    running = _Running(inputs, pick, dtype, device, gradients)
    kind = type(module).__name__
    asked = {"elements": None if elements is None else tuple(elements), "cutoff": cutoff}

    def backbone(model: torch.nn.Module, name: str, known: bool | None, **functions: Any) -> ModuleBackbone:
        count = sum(p.numel() for p in model.parameters())
        info = BackboneInfo(name, kind, trained=known, parameters=count)
        return ModuleBackbone(model, layers, running, info=info, **asked, **{"forces": None, **functions})

    out = backbone(module, title, trained, forces=forces, energies=energies)
    if untrained is not None:
        out.untrained = lambda seed: backbone(untrained(seed), f"{title} (untrained, seed {seed})", False)
    return out


def _declared(
    module: torch.nn.Module, submodule: str | Sequence[str], irreps: str | Sequence[str | None] | None
) -> list[Layer]:
    """Return the layers that were declared; InputError where they are not those of the module."""
    names = [submodule] if isinstance(submodule, str) else list(submodule)
    declared: list[str | None]
    declared = (
        [None] * len(names) if irreps is None else [irreps] if isinstance(irreps, str) else list(irreps)
    )
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
    return [declared_layer(name, text) for name, text in zip(names, declared, strict=True)]


class _Runner:
    """A module that is run with hooks on some of its submodules."""

    def __init__(self, module: torch.nn.Module, running: _Running) -> None:
        self._module = copy.deepcopy(module).to(device=running.device, dtype=running.dtype).eval()
        self._running = running
        self._device = torch.device(running.device)

    def to(self, device: str) -> None:
        self._device = torch.device(device)
        self._module.to(self._device)

    def at(self, submodule: str) -> OfFrames:
        """Return the function that gives the output of ``submodule``."""
        return lambda frames: self.run(frames, [submodule])[submodule]

    def run(self, frames: Frames, submodules: Sequence[str]) -> dict[str, NDArray[np.floating[Any]]]:
        """Return the features at several submodules, ``(frames * atoms, dim)`` each, in one pass."""
        kept: dict[str, torch.Tensor] = {}
        parts: dict[str, list[NDArray[np.floating[Any]]]] = {name: [] for name in submodules}

        def run(part: slice) -> dict[str, torch.Tensor]:
            kept.clear()
            self._forward(frames.select(part))
            return dict(kept)

        with ExitStack() as stack:
            for name in submodules:
                handle = self._module.get_submodule(name).register_forward_hook(self._keep(name, kept))
                stack.callback(handle.remove)
            stack.enter_context(_default_dtype(self._running.dtype))
            stack.enter_context(torch.set_grad_enabled(self._running.gradients))
            for _, given in halving(run, frames_at_once(frames, self._device, _ATOMS_IN_A_BATCH)):
                for name in submodules:
                    if name not in given:
                        raise InputError(
                            f"the submodule {name!r} does not run when the module does; tap another one"
                        )
                    output = floating(given[name], f"the output of the submodule {name!r}")
                    parts[name].append(output.reshape(-1, output.shape[-1]))
        return {name: np.concatenate(arrays) for name, arrays in parts.items()}

    def _keep(self, name: str, kept: dict[str, torch.Tensor]) -> Callable[..., None]:
        """Return the hook of one submodule: it picks and copies at once, as later layers may overwrite what it sees."""
        pick = self._running.pick

        def hook(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:
            if pick is not None:
                with named_failure(f"pick= failed on the output of the submodule {name!r}, {_kind(output)}"):
                    output = pick(output)
            if not isinstance(output, torch.Tensor):
                raise InputError(
                    f"the submodule {name!r} returns {_kind(output)}, expected a tensor; give pick=..., which takes the "
                    "tensor out of it"
                    if pick is None
                    else f"pick= returns {_kind(output)} for the submodule {name!r}, expected a tensor"
                )
            if output.ndim == 0:
                raise InputError(
                    f"the submodule {name!r} gives one number, expected one row for each atom; tap another one"
                )
            kept[name] = output.detach().clone()

        return hook

    def _forward(self, frames: Frames) -> None:
        with named_failure("inputs= failed"):
            given = self._moved(self._running.inputs(frames))
        arguments = given if isinstance(given, tuple) and not hasattr(given, "_fields") else (given,)
        try:
            self._module(*arguments)
        except InputError:
            raise
        except Exception as error:  # a user's module can fail in any way
            if of_the_machine(error):
                raise
            raise InputError(self._why(error, arguments)) from error

    def _why(self, error: Exception, arguments: tuple[Any, ...]) -> str:
        """Return one sentence: where the module failed, with what, and which argument of from_module helps."""
        reason = " ".join(str(error).split())[:300]
        where = self._where(arguments)
        help_with = ""
        if any(words in reason for words in _GRADIENT_WORDS):
            help_with = (
                "; it differentiates inside its forward: give gradients=True"
                if not self._running.gradients
                else "; it differentiates with respect to something that keeps no gradient: let inputs= give positions "
                "with requires_grad_(True)"
            )
        elif any(words in reason for words in _DEVICE_WORDS):
            help_with = f"; a tensor that inputs= or the module makes is not on {self._device}: give device="
        elif any(words in reason for words in _DTYPE_WORDS):
            help_with = (
                f"; the module was cast to {self._running.dtype} and meets another number format there: give dtype=None for the "
                "module's own, or let it make its tensors in the format of its input"
                if self._running.dtype is not None
                else "; an input is in another number format than the module: give dtype=torch.float32 or torch.float64"
            )
        return f"{where} failed with {type(error).__name__}: {reason}{help_with}"

    def _where(self, arguments: tuple[Any, ...]) -> str:
        """Run once more to learn in which submodule the module fails."""
        entered: list[str] = []
        handles = []
        try:
            for name, module in self._module.named_modules():
                handles.append(module.register_forward_pre_hook(lambda *_, name=name: entered.append(name)))
                handles.append(module.register_forward_hook(lambda *_: _left(entered)))
            self._module(*arguments)
        except Exception:  # the same failure as before, or that of a module that takes no hooks
            pass
        finally:
            for handle in handles:
                handle.remove()
        inner = entered[-1] if entered else ""
        if not inner:
            return f"the module {type(self._module).__name__}"
        return f"the submodule {inner!r} ({type(self._module.get_submodule(inner)).__name__})"

    def _moved(self, value: Any) -> Any:
        """Return what ``inputs`` gave with its tensors on the device and in the number format."""
        if isinstance(value, torch.Tensor):
            cast = value.is_floating_point() and self._running.dtype is not None
            return value.to(self._device, self._running.dtype if cast else None)
        if isinstance(value, torch.nn.Module) or inspect.isclass(value):
            return value
        if isinstance(value, dict | Mapping):
            moved = {key: self._moved(item) for key, item in value.items()}
            return moved if type(value) is dict else _same_kind(value, moved)
        if isinstance(value, tuple):
            parts = [self._moved(item) for item in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        if isinstance(value, list):
            return [self._moved(item) for item in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type) and not hasattr(value, "apply"):
            fields = [field.name for field in dataclasses.fields(value) if field.init]
            return dataclasses.replace(value, **{name: self._moved(getattr(value, name)) for name in fields})
        if callable(getattr(value, "apply", None)):  # torch_geometric: a function for every tensor
            changed = copy.copy(value).apply(self._moved)
            return value if changed is None else changed
        if callable(getattr(value, "to", None)):
            if self._running.dtype is not None:
                with_format = _accepted(lambda: value.to(device=self._device, dtype=self._running.dtype))
                if with_format is not None:
                    return with_format
            return value.to(self._device)
        return value


def _left(entered: list[str]) -> None:
    entered.pop()


def _kind(value: Any) -> str:
    return type(value).__name__


def _accepted(call: Callable[[], Any]) -> Any:
    """Return what a call gives, None where it does not take these arguments."""
    try:
        return call()
    except TypeError:
        return None


def _same_kind(value: Any, moved: dict[Any, Any]) -> Any:
    """Return a mapping of the kind of ``value``, where that can be made of a dictionary."""
    try:
        return type(value)(moved)
    except TypeError:
        return moved


@contextmanager
def _default_dtype(dtype: torch.dtype | None) -> Iterator[None]:
    """Give torch another default dtype for a while: e3nn computes harmonics in it."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype or before)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
