r"""A network that is a polynomial of exact degree, trained by gradient descent, and its non-polynomial controls.

One hidden layer computes linear forms :math:`z_k = w_k \cdot x / \sqrt n + b_k` of the n inputs and the activation
:math:`z^d / \sqrt{(2d-1)!!}`; the readout is linear, :math:`y = c + \sum_k v_k a_k / \sqrt{\text{width}}`. With biases
these are the polynomials of degree <= d, constant included, as sums of powers of affine forms; depth D gives degree
:math:`d^D`.

Scales stay near one whatever the power: inputs and outputs are standardised (an affine map: the degree does not change), the
forms start with variance one, so that :math:`z^d` of a normal variable over :math:`\sqrt{(2d-1)!!}` has mean square one
whatever d, layers after the first are scaled once, on the training data, to mean square one, and the linear readout
starts at zero. Nothing is normalised batch by batch, which would not be polynomial.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.devices import halving, items_at_once, slices

Activation = Literal["power", "product", "silu", "tanh"]

#: Degree of the whole network beyond which float32 has nothing left to learn with.
MAX_DEGREE = 64


class PolynomialNetwork(torch.nn.Module):
    """Linear forms, an activation, a linear readout; made in float64, ``.to(torch.float32)`` for speed.

    Parameters
    ----------
    inputs, outputs
        Number of features and of targets.
    degree
        d of the activation, at least 1; not used by "silu" and "tanh".
    activation
        "power": z^d. "product": d linear forms multiplied (a sum of such products is a polynomial in CP form). "silu", "tanh":
        no polynomial, so no ceiling.
    width
        Units of every hidden layer.
    depth
        Number of hidden layers, at least 1.
    seed
        Seed of the initial weights.

    Raises
    ------
    InputError
        If a number is too small, the activation is unknown, or the degree of the whole exceeds `MAX_DEGREE`.
    """

    centre: torch.Tensor
    scale: torch.Tensor
    output_centre: torch.Tensor
    output_scale: torch.Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        *,
        degree: int = 2,
        activation: Activation = "power",
        width: int = 128,
        depth: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        sizes = {"inputs": inputs, "outputs": outputs, "degree": degree, "width": width, "depth": depth}
        for name, value in sizes.items():
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"{name} of the network is {value!r}: give an integer of at least 1")
        if activation not in get_args(Activation):
            raise InputError(f"activation {activation!r} is unknown: give {', '.join(get_args(Activation))}")
        self.activation: Activation = activation
        self.power = int(degree)
        self.depth = int(depth)
        if self.degree is not None and self.degree > MAX_DEGREE:
            raise InputError(
                f"a network of {depth} layers of degree {degree} has degree {self.degree}: keep it at or below {MAX_DEGREE}"
            )
        generator = torch.Generator().manual_seed(seed)
        forms = self.power if activation == "product" else 1
        self.weights = torch.nn.ParameterList()
        self.biases = torch.nn.ParameterList()
        fan_in = int(inputs)
        for _ in range(self.depth):
            self.weights.append(torch.nn.Parameter(_normal((forms, fan_in, int(width)), generator)))
            self.biases.append(torch.nn.Parameter(0.1 * _normal((forms, 1, int(width)), generator)))
            fan_in = int(width)
        self.readout = torch.nn.Parameter(torch.zeros(fan_in, int(outputs), dtype=torch.float64))
        self.constant = torch.nn.Parameter(torch.zeros(int(outputs), dtype=torch.float64))
        self.register_buffer("centre", torch.zeros(int(inputs), dtype=torch.float64))
        self.register_buffer("scale", torch.ones(int(inputs), dtype=torch.float64))
        self.register_buffer("output_centre", torch.zeros(int(outputs), dtype=torch.float64))
        self.register_buffer("output_scale", torch.ones(int(outputs), dtype=torch.float64))

    @property
    def degree(self) -> int | None:
        """Degree of the network as a polynomial of its inputs; None where it is none."""
        return self.power**self.depth if self.activation in ("power", "product") else None

    @property
    def parameter_count(self) -> int:
        """Number of trained numbers."""
        return sum(p.numel() for p in self.parameters())

    def standardise(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Take centre and scale of inputs and outputs from the training data, and scale the later layers once.

        Inputs: mean zero and mean square one, column by column; a column that does not vary stays at zero. Outputs: mean zero
        and one common scale, so that the loss weighs them as the targets do.
        """
        with torch.no_grad():
            self.centre.copy_(x.mean(dim=0))
            spread = x.std(dim=0, correction=0)
            size = x.square().mean(dim=0).sqrt()
            # Below rounding a column is constant: dividing by its spread would blow rounding up.
            constant = spread <= 16 * torch.finfo(x.dtype).eps * size
            self.scale.copy_(torch.where(constant, torch.inf, spread))
            self.output_centre.copy_(y.mean(dim=0))
            common = float((y - self.output_centre).square().mean().sqrt())
            self.output_scale.fill_(common if common > 0.0 else 1.0)
            hidden = (x - self.centre) / self.scale
            for k in range(self.depth):
                if k > 0:
                    root = self._forms(k, hidden).square().mean().sqrt()
                    self.weights[k].div_(root)
                hidden = self._activate(self._forms(k, hidden))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs ``(samples, outputs)`` of the raw inputs ``(samples, inputs)``."""
        return self.standardised(x) * self.output_scale + self.output_centre

    def standardised(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs in the units of the loss: centred, and over the common scale."""
        hidden = (x - self.centre) / self.scale
        for k in range(self.depth):
            hidden = self._activate(self._forms(k, hidden))
        return hidden @ self.readout / math.sqrt(self.readout.shape[0]) + self.constant

    def predict(self, x: NDArray[np.float64] | torch.Tensor) -> NDArray[np.float64]:
        """Return the outputs ``(samples, outputs)`` of an array of inputs, as float64."""
        with torch.no_grad():
            given = torch.as_tensor(x).to(self.centre)
            parts = halving(lambda rows: self(given[rows]), self.blocks(len(given)))
            return np.asarray(torch.cat([part for _, part in parts]).double().cpu().numpy())

    def blocks(self, samples: int) -> Iterator[slice]:
        """Return runs of samples: the hidden layer of many at once would not fit in memory."""
        width = self.readout.shape[0]
        # Forms, their activations and what both leave for a gradient.
        size = max(
            1, items_at_once(self.centre.device, 4.0 * width * self.centre.element_size(), 2**22 // width)
        )
        return slices(samples, size)

    def _forms(self, k: int, hidden: torch.Tensor) -> torch.Tensor:
        weights = self.weights[k]
        weighted: torch.Tensor = torch.matmul(hidden, weights) / math.sqrt(weights.shape[1])
        weighted = weighted + self.biases[k]
        return weighted

    def _activate(self, forms: torch.Tensor) -> torch.Tensor:
        if self.activation == "silu":
            return torch.nn.functional.silu(forms[0])
        if self.activation == "tanh":
            return torch.tanh(forms[0])
        if self.activation == "product":
            return torch.prod(forms, dim=0) if self.power > 1 else forms[0]
        value = forms[0]
        for _ in range(self.power - 1):
            value = value * forms[0]
        return value / math.sqrt(math.prod(range(1, 2 * self.power, 2)))


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    # In float64, whatever the default: networks of either precision start from the same weights.
    return torch.randn(shape, generator=generator, dtype=torch.float64)
