"""Random readouts of one atom's features: polynomials of bounded degree, and networks that are no polynomials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.devices import placed

ReadoutKind = Literal["polynomial", "silu", "tanh"]
#: Readouts drawn at once, and products (or hidden units) summed in each.
OUTPUTS, TERMS = 4, 16


@dataclass(frozen=True)
class RandomReadout:
    r"""Functions of one atom's features h with random coefficients.

    ``polynomial``: :math:`\sum_t \prod_{i=1}^{d} (a_{ti} \cdot h + b_{ti})`, of every degree up to d; ``silu`` and ``tanh``:
    :math:`\sum_t c_t\, \sigma(a_t \cdot h + b_t)`. None of them knows anything of rotations.

    Attributes
    ----------
    kind, degree
        The kind; d, or None where it is no polynomial.
    weights
        ``(d or 1, dim, outputs * terms)``.
    biases
        ``(d or 1, outputs * terms)``.
    """

    kind: ReadoutKind
    degree: int | None
    weights: NDArray[np.float64]
    biases: NDArray[np.float64]
    _on: dict[torch.device, tuple[torch.Tensor, torch.Tensor]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Return the values, shape (n, outputs), of features of shape (n, dim), on the device of the features."""
        if features.device not in self._on:
            self._on[features.device] = (
                placed(self.weights, features.device),
                placed(self.biases, features.device),
            )
        weights, biases = self._on[features.device]
        values = features @ weights[0] + biases[0]
        if self.kind == "polynomial":
            for weight, bias in zip(weights[1:], biases[1:], strict=True):
                values = values * (features @ weight + bias)
        else:
            values = _ACTIVATIONS[self.kind](values)
        return values.reshape(len(features), OUTPUTS, -1).sum(dim=2)

    @property
    def title(self) -> str:
        """How a figure names it."""
        return f"degree {self.degree}" if self.degree else {"silu": "SiLU", "tanh": "tanh"}[self.kind]


_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "silu": torch.nn.functional.silu,
    "tanh": torch.tanh,
}


def random_readout(
    kind: ReadoutKind, degree: int | None, scale: NDArray[np.float64], rng: np.random.Generator
) -> RandomReadout:
    """Draw readouts.

    Parameters
    ----------
    kind
        ``polynomial``, ``silu`` or ``tanh``.
    degree
        d of a polynomial, at least 1; None for the others.
    scale
        ``(dim,)``: typical size of each component, the same within an irrep; features are divided by it, so that every irrep
        takes part.
    rng
        Draws the coefficients: a of variance 1/dim, b of variance 1.

    Raises
    ------
    InputError
        If the kind is unknown or the degree does not belong to it.
    """
    if kind not in get_args(ReadoutKind):
        raise InputError(f"readout {kind!r} is unknown: give one of {', '.join(get_args(ReadoutKind))}")
    if (kind == "polynomial") != (degree is not None) or (degree is not None and degree < 1):
        raise InputError(
            f"a {kind} readout of degree {degree} does not exist: give a polynomial a degree of at least 1"
        )
    dim, count = len(scale), OUTPUTS * TERMS
    factors = degree or 1
    weights = rng.standard_normal((factors, dim, count)) / np.sqrt(dim)
    weights /= np.where(scale > 0, scale, 1.0)[:, None]
    biases = rng.standard_normal((factors, count))
    return RandomReadout(kind, degree, weights, biases)
