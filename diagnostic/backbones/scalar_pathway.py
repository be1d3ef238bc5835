r"""Modules for the scalar pathway of a network: PAN pooling, PGS mixers, and plain residuals of as many parameters.

All of them take scalars (0e) and give scalars: a network stays equivariant and keeps its irreps, whatever they compute;
tensors with l > 0, and pseudoscalars 0o, pass by untouched. What is written "x" below is r / r_c, without unit; "e" are radial
features of an edge. Source: arXiv 2606.15892, from its formulas; widths that it leaves open are chosen here so that the whole
costs a few per cent of the arithmetic: 16 hidden channels in the readout mixer, as for the edges.

Where they act is said in :mod:`.scalar_pathway_places`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

#: Names of the modules, in the order in which settings hold them.
PATHWAYS = ("pan", "pgs-edge", "pgs-readout")
#: Hidden units of PAN, and the largest rank of a PGS residual.
HIDDEN = 16
#: Waves of PGS's low branch, and of its high branch.
LOW, HIGH = 12, 4
#: S(z) is zero up to this size of z, and the exponent of its approach to z.
THRESHOLD, EXPONENT = 0.01, 0.3
#: Where the gates of PGS residuals start: sigmoid(-2) = 0.119.
CLOSED = -2.0
#: Power of the envelope; with two continuous derivatives at the cutoff.
_POWER = 6
#: The gate of the readout mixer, and what a plain residual starts with, are a tenth.
_SMALL = 0.1


class ScalarModule(Protocol):
    """What stands at a place: gives the scalars that go on."""

    def __call__(self, scalars: torch.Tensor, radial: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
        """Return scalars of the shape of ``scalars``; ``radial`` (edges, radial), ``distance`` (edges, 1), in units of r_c."""
        ...


def _drawn(rng: np.random.Generator, rows: int, columns: int) -> torch.nn.Parameter:
    """Return a matrix that keeps the size of what it acts on; the same numbers in float32 and float64."""
    values = rng.normal(size=(rows, columns)) / math.sqrt(columns)
    return torch.nn.Parameter(torch.tensor(values, dtype=torch.get_default_dtype()))


def _constant(values: float | Sequence[float]) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(values, dtype=torch.get_default_dtype()))


def _waves() -> torch.nn.Parameter:
    """Return the wavenumbers w_k, evenly from 0 to pi; they are learned."""
    return _constant([math.pi * k / (HIGH - 1) for k in range(HIGH)])


def soft_threshold(real: torch.Tensor, imaginary: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Return real and imaginary part of :math:`S(z) = z\,\mathrm{clip}(1 - (0.01/|z|)^{0.3}, 0, 1)`.

    S is zero for :math:`|z| \le 0.01`, all its derivatives too, and continuous. At :math:`|z| = 0.01` its slope jumps from 0 to
    0.3, as that of a ReLU at zero. For :math:`|z| = 1` it is 0.749 z.
    """
    square = (real * real + imaginary * imaginary).clamp(min=THRESHOLD**2)  # never a root or a power of zero
    kept = 1.0 - (THRESHOLD**2 / square) ** (EXPONENT / 2)
    return kept * real, kept * imaginary


def envelope(distance: torch.Tensor) -> torch.Tensor:
    """Return 1 - 28 x^6 + 48 x^7 - 21 x^8 below the cutoff (x < 1), zero beyond."""
    p = _POWER
    inside = (
        1.0
        - (p + 1) * (p + 2) / 2 * distance**p
        + p * (p + 2) * distance ** (p + 1)
        - p * (p + 1) / 2 * distance ** (p + 2)
    )
    return torch.where(distance < 1.0, inside, torch.zeros_like(inside))


class PAN(torch.nn.Module):
    r"""PAN pooling: the scalars of a message times :math:`a_{ij} = \sigma(W_2\,\mathrm{SiLU}(W_1 [e_{ij}, x_{ij}]))`.

    One number in (0, 1) for every edge, from 16 hidden units without bias. W_1 takes r_ij in units of the cutoff.

    Parameters
    ----------
    radial
        Number of radial features of an edge.
    rng
        Draws the weights.
    """

    def __init__(self, radial: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.first = _drawn(rng, HIDDEN, radial + 1)
        self.second = _drawn(rng, 1, HIDDEN)

    def gate(self, radial: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
        """Return a_ij, ``(edges, 1)``."""
        hidden = torch.nn.functional.silu(torch.cat([radial, distance], dim=-1) @ self.first.T)
        return torch.sigmoid(hidden @ self.second.T)

    def forward(self, scalars: torch.Tensor, radial: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
        """Return the scalars of the messages ``(edges, channels)``, each times a_ij of its edge."""
        return scalars * self.gate(radial, distance)


class PGSEdge(torch.nn.Module):
    r"""PGS mixer on the radial features of an edge.

    Low branch :math:`(1 - x)_+^5 \sin(n\pi x)/(n\pi x)` for n = 1..12, high branch :math:`\mathrm{Re}\,S(e^{i w_k x})` with four
    learned w_k. With both of them in b, a gate for each, a linear map M to the number of radial features, and
    rank :math:`q = \min(16, \text{radial})`:

    .. math::
        e' = e + u(x)\,\sigma(w \cdot e - 2)\, U V M (\sigma(G b) \odot b) .

    The envelope u, 1 - 28 x^6 + 48 x^7 - 21 x^8, is ours: the high branch does not vanish at the cutoff, and without u energies
    would jump where an atom leaves it.

    Parameters
    ----------
    radial
        Number of radial features of an edge.
    rng
        Draws the weights.
    """

    def __init__(self, radial: int, rng: np.random.Generator) -> None:
        super().__init__()
        rank = min(HIDDEN, radial)
        self.waves = _waves()
        self.gate = _drawn(rng, LOW + HIGH, LOW + HIGH)
        self.map = _drawn(rng, radial, LOW + HIGH)
        self.down = _drawn(rng, rank, radial)
        self.up = _drawn(rng, radial, rank)
        self.open = _drawn(rng, 1, radial)

    def branches(self, distance: torch.Tensor) -> torch.Tensor:
        """Return both branches of distances ``(edges, 1)`` in units of the cutoff, ``(edges, 16)``."""
        numbers = torch.arange(1, LOW + 1, dtype=distance.dtype, device=distance.device)
        low = (1.0 - distance).clamp(min=0.0) ** 5 * torch.sinc(distance * numbers)
        high, _ = soft_threshold(torch.cos(distance * self.waves), torch.sin(distance * self.waves))
        return torch.cat([low, high], dim=-1)

    def forward(self, scalars: torch.Tensor, radial: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
        """Return the radial features ``(edges, radial)``, mixed; ``radial`` are those same features."""
        waves = self.branches(distance)
        mixed = (torch.sigmoid(waves @ self.gate.T) * waves) @ self.map.T @ self.down.T @ self.up.T
        gate = torch.sigmoid(radial @ self.open.T + CLOSED)
        return scalars + envelope(distance) * gate * mixed


class PGSReadout(torch.nn.Module):
    r"""PGS mixer on the scalars that a readout takes.

    .. math::
        x' = x + 0.1\,\sigma(w \bar x - 2) f(x), \qquad
        f(x) = W_2 \left[(1-\alpha)\,\mathrm{SiLU}(W_l x) + \alpha\,\mathrm{Re}\,T^{\dagger} S(\epsilon\, T W_g x)\right] .

    :math:`\bar x` is the mean over the channels of an atom (of an edge, in Allegro), :math:`T_{kn} = e^{-i w_k n}/\sqrt N` over
    the N = min(16, channels) hidden channels n with four learned w_k; w, alpha in (0, 1) and epsilon are learned, too; they start
    at 1, 1/2 and 1. There is no bias: f(0) = 0, so isolated atoms keep their energies, and edges end at the cutoff as before.

    Parameters
    ----------
    channels
        Number of scalars.
    rng
        Draws the weights.
    """

    def __init__(self, channels: int, rng: np.random.Generator) -> None:
        super().__init__()
        hidden = min(HIDDEN, channels)
        self.waves = _waves()
        self.local = _drawn(rng, hidden, channels)
        self.spectral = _drawn(rng, hidden, channels)
        self.out = _drawn(rng, channels, hidden)
        self.weight, self.scale, self.share = _constant(1.0), _constant(1.0), _constant(0.0)

    def mixed(self, scalars: torch.Tensor) -> torch.Tensor:
        """Return f of ``(..., channels)``."""
        hidden = len(self.local)
        places = torch.arange(hidden, dtype=scalars.dtype, device=scalars.device)
        angles = self.waves[:, None] * places  # (waves, hidden)
        cosines, sines = torch.cos(angles) / math.sqrt(hidden), torch.sin(angles) / math.sqrt(hidden)
        turned = self.scale * (scalars @ self.spectral.T)
        real, imaginary = soft_threshold(turned @ cosines.T, -(turned @ sines.T))
        back = real @ cosines - imaginary @ sines
        share = torch.sigmoid(self.share)
        local = torch.nn.functional.silu(scalars @ self.local.T)
        return ((1.0 - share) * local + share * back) @ self.out.T

    def forward(self, scalars: torch.Tensor, radial: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
        """Return the scalars ``(..., channels)``, mixed."""
        gate = torch.sigmoid(self.weight * scalars.mean(dim=-1, keepdim=True) + CLOSED)
        return scalars + _SMALL * gate * self.mixed(scalars)


class PlainResidual(torch.nn.Module):
    r"""What stands at the same places in the control: :math:`x + W_2\,\mathrm{SiLU}(W_1 x)` on the scalars x, without bias.

    It has :math:`2 \cdot \text{channels} \cdot \text{hidden}` parameters, and vanishes where the scalars do. W_2 starts small.

    Parameters
    ----------
    channels, hidden
        Number of scalars and of hidden units.
    rng
        Draws the weights.
    """

    def __init__(self, channels: int, hidden: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.first = _drawn(rng, hidden, channels)
        self.second = _drawn(rng, channels, hidden)
        with torch.no_grad():
            self.second.mul_(_SMALL)

    def forward(self, scalars: torch.Tensor, radial: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
        """Return the scalars ``(..., channels)`` with the residual."""
        return scalars + torch.nn.functional.silu(scalars @ self.first.T) @ self.second.T


def hidden_units(targets: Sequence[int], channels: Sequence[int]) -> list[int]:
    """Return the hidden units of the plain residuals that stand for modules of ``targets`` parameters.

    A unit at place k costs 2 ``channels[k]`` parameters. What rounding leaves is made up for at the next cheaper place,
    so that the sums agree to within half of the cheapest unit, as long as every place needs at least one.
    """
    order = sorted(range(len(channels)), key=lambda k: -channels[k])
    units, left = [0] * len(channels), 0
    for k in order:
        left += targets[k]
        units[k] = max(1, round(left / (2 * channels[k])))
        left -= 2 * channels[k] * units[k]
    return units
