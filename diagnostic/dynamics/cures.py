"""Cures of a model that depends on orientation, by name: what they average over, what they cost, what they make exact."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...theory.errors import InputError
from ..symmetry.averaged_calculator import AveragedCalculator

#: Highest degree of a grid: 14,415 rotations.
_HIGHEST = 30
_FORMS = (
    "none, inversion, grid-D, grid-D-inversion, random, random-inversion (D: 1 to 30), or mts-K: and one of these, "
    "such as mts-10:grid-2-inversion"
)


@dataclass(frozen=True)
class Cure:
    """A way to average a calculator over rotations.

    Attributes
    ----------
    name
        As it was given.
    kind
        ``none``, ``inversion``, ``grid`` or ``random`` (one new rotation at every evaluation).
    degree
        Of a grid; 0 for other kinds.
    inversion
        Whether the average is over inversion too: the part that is odd under inversion vanishes.
    stride
        Steps between averages of a multiple time step, which moves with the bare forces and corrects them every ``stride``
        steps; 1: at every step.
    """

    name: str
    kind: str
    degree: int = 0
    inversion: bool = False
    stride: int = 1

    @property
    def multiple(self) -> bool:
        """Whether the cure acts through a multiple time step."""
        return self.name.startswith("mts-")

    @property
    def outer(self) -> Cure:
        """The cure of the outer force of a multiple time step, or the cure itself."""
        return replace(self, name=self.name.partition(":")[2], stride=1) if self.multiple else self

    @property
    def rotations(self) -> int:
        """Evaluations of the model for one of the average."""
        grid = (self.degree + 1) ** 2 * (self.degree // 2 + 1) if self.kind == "grid" else 1
        return grid * (2 if self.inversion else 1)

    @property
    def evaluations(self) -> float:
        """Evaluations of the model per step; a multiple time step needs one more than its average every ``stride`` steps."""
        return 1 + self.rotations / self.stride if self.multiple else float(self.rotations)

    @property
    def exact_to(self) -> int:
        """Highest l >= 1 up to which the average removes every dependence on orientation; 0: none."""
        return self.degree if self.kind == "grid" else 0

    def calculator(self, base: Any, seed: int = 0) -> Any:
        """Return the ASE calculator of the average over ``base``; of a multiple time step, that of its outer force.

        Inversion alone averages the structure as it stands and its inverse; ``seed`` is that of random rotations.
        """
        if self.kind == "none":
            return base
        if self.kind == "random":
            return AveragedCalculator(base, "stochastic", seed=seed, inversion=self.inversion)
        averaged = AveragedCalculator(base, "grid", degree=self.degree, inversion=self.inversion)
        if self.kind == "inversion":  # the rule of degree 0 would turn the structure
            averaged.rotations, averaged.weights = np.eye(3)[None], np.ones(1)
        return averaged


def parse_cure(text: str) -> Cure:
    """Read the name of a cure.

    Parameters
    ----------
    text
        ``none``; ``inversion``; ``grid-D``: the quadrature exact to l = D (18 rotations for 2, 75 for 4); ``random``: one new
        Haar-random rotation at every step; the last two with ``-inversion`` too; ``mts-K:CURE``: bare forces at
        every step, those of CURE every K steps.

    Raises
    ------
    InputError
        The name is none of these.
    """
    read = re.fullmatch(
        r"(?:mts-(?P<stride>[1-9]\d{0,3}):)?(?:(?P<plain>none|inversion)|(?P<kind>random|grid-(?P<degree>[1-9]\d?))(?P<both>-inversion)?)",
        text,
        flags=re.ASCII,
    )
    degree = int(read["degree"] or 0) if read else 0
    if read is None or degree > _HIGHEST or (read["stride"] and read["plain"] == "none"):
        raise InputError(f"cure is {text!r}, expected {_FORMS}")
    kind = read["plain"] or read["kind"].partition("-")[0]
    return Cure(text, kind, degree, kind == "inversion" or bool(read["both"]), int(read["stride"] or 1))
