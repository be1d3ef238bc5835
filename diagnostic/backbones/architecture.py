"""Architectures that can be built from a few arguments, so that our own files hold arguments and weights only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any, Self

import torch

from ...theory.errors import InputError
from .backbone import Backbone, BackboneInfo
from .scalar_pathway_places import checked_pathway


@dataclass(frozen=True)
class BuilderSettings:
    """Arguments of a builder that every architecture has; a subclass adds its own.

    Lengths in Å, energies in eV, forces in eV/Å. ``seed`` draws the weights. ``energy_shifts`` are those of the elements, in
    the order of ``type_names``; empty: ``energy_shift`` for all of them. ``scalar_pathway`` names modules that act on scalars
    only, see :mod:`.scalar_pathway`; with ``scalar_pathway_control``, plain residuals of as many parameters stand there.
    """

    type_names: tuple[str, ...]
    l_max: int = 2
    r_max: float = 5.0
    num_layers: int = 3
    avg_num_neighbors: float = 1.0
    energy_scale: float = 1.0
    energy_shift: float = 0.0
    seed: int = 0
    energy_shifts: tuple[float, ...] = ()
    scalar_pathway: tuple[str, ...] = ()
    scalar_pathway_control: bool = False

    def __post_init__(self) -> None:
        pathway = checked_pathway(self.scalar_pathway, self.scalar_pathway_control)
        object.__setattr__(self, "scalar_pathway", pathway)
        for name, low in (("l_max", 0), ("num_layers", 1), *self._counts()):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise InputError(f"{name} is {value!r}, expected an integer >= {low}")
        if not 0.5 <= self.r_max <= 20.0:
            raise InputError(f"r_max is {self.r_max} Å, expected a cutoff between 0.5 and 20 Å")
        if self.energy_shifts and len(self.energy_shifts) != len(self.type_names):
            raise InputError(
                f"energy_shifts has {len(self.energy_shifts)} entries, expected one for each of {', '.join(self.type_names)}"
            )

    @staticmethod
    def _counts() -> tuple[tuple[str, int], ...]:
        """Return the integers of the subclass with their smallest values."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data."""
        taken = {**asdict(self), "type_names": list(self.type_names)}
        for name in ("energy_shifts", "scalar_pathway"):  # left out where there are none, as in older records
            values = list(taken.pop(name))
            if values:
                taken[name] = values
        if not taken["scalar_pathway_control"]:
            del taken["scalar_pathway_control"]
        return taken

    @property
    def shift_by_type(self) -> dict[str, float]:
        """Energy shift of each element (eV)."""
        shifts = self.energy_shifts or (self.energy_shift,) * len(self.type_names)
        return dict(zip(self.type_names, shifts, strict=True))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Rebuild settings from JSON data; an unknown key is an error."""
        known = set(cls.__dataclass_fields__)
        unknown = sorted(set(data) - known)
        if unknown:
            raise InputError(f"unknown builder argument {unknown[0]!r}; known are {', '.join(sorted(known))}")
        if "type_names" not in data:
            raise InputError("the builder arguments lack 'type_names', the elements in the model's order")
        listed = {name: tuple(data.get(name, ())) for name in ("energy_shifts", "scalar_pathway")}
        return cls(**{**data, "type_names": tuple(data["type_names"]), **listed})


@dataclass(frozen=True)
class Architecture:
    """How one architecture is built and tapped.

    Attributes
    ----------
    name
        The name in our records.
    settings
        Class of its arguments.
    build
        ``build(settings, dtype)`` gives a model with random weights; dtype is "float32" or "float64".
    wrap
        ``wrap(model, settings, info)`` makes a backbone of a float64 model.
    packages
        Distributions whose versions go into a training record.
    """

    name: str
    settings: type[BuilderSettings]
    build: Callable[[Any, str], torch.nn.Module]
    wrap: Callable[[torch.nn.Module, Any, BackboneInfo], Backbone]
    packages: tuple[str, ...]


#: Module of each architecture; it holds its ``ARCHITECTURE``.
_HOMES = {"nequip": "nequip_model", "allegro": "allegro_model", "mace": "mace_model"}


def architecture(name: str) -> Architecture:
    """Return an architecture by name, importing its module only now.

    Raises
    ------
    InputError
        There is no such architecture.
    """
    if name not in _HOMES:
        raise InputError(f"architecture is {name!r}, expected one of {', '.join(_HOMES)}")
    builder: Architecture = import_module(f".{_HOMES[name]}", __package__).ARCHITECTURE
    return builder


def load_parameters(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Copy parameters (never buffers) into a model of any dtype, by name.

    Raises
    ------
    InputError
        A name is missing or unknown, or a shape differs: the weights belong to another architecture.
    """
    parameters = dict(model.named_parameters())
    wrong = sorted(set(parameters) ^ set(weights))
    if wrong:
        raise InputError(f"weights do not fit the architecture: parameter {wrong[0]!r} is on one side only")
    with torch.no_grad():
        for name, parameter in parameters.items():
            if parameter.shape != weights[name].shape:
                raise InputError(
                    f"weights do not fit the architecture: {name!r} has shape {tuple(weights[name].shape)}, "
                    f"expected {tuple(parameter.shape)}"
                )
            parameter.copy_(weights[name].to(parameter.dtype))
