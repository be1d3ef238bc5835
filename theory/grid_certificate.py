r"""Certificates of whether an activation of degree d on a grid is exactly equivariant, as JSON that separate code replays.

- Exact: the moments :math:`Q[t^k]` of the polar rule, k up to :math:`n = dL + L_{out}`, are the means :math:`1/(k+1)` (0 for
  k odd), and for every order up to n the phases of the azimuths run through roots of unity whose sum is 0.
- Not exact: a product of d features and an output harmonic, :math:`t^l` or :math:`(\sin\beta\, e^{i\alpha})^l`, of which the
  grid makes another mean than the sphere; a rational number says by how much, at least. An invariant functional is a
  multiple of the mean on :math:`H_{\le l}`, so this one is not; by polarisation a power of a single function shows it too.

In the frame of an edge l is replaced by orders m, and the phases alone decide.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any, Literal, get_args

from ._checks import require_degree, require_int
from .errors import InputError
from .grids import SphereGrid, polar_moments, sine_moment

#: Name and version of the format; the verifier accepts this version only.
GRID_SCHEMA = "spectral-ceilings/grid-certificate/1"

#: Highest d L + L_out, and most polar angles, that are certified and replayed.
MAX_CERTIFIED_GRID = 256

#: ``atoms``: features turn with any rotation; ``edges``: with rotations about the polar axis of the edge's frame.
Frame = Literal["atoms", "edges"]


@dataclass(frozen=True)
class GridWitness:
    r"""A product that the grid integrates wrongly.

    Attributes
    ----------
    cause
        ``polar``: the product is :math:`\cos^l\beta`; ``azimuth``: it is :math:`(\sin\beta\, e^{i\alpha})^l`, and M divides l.
    l
        Degree of the product (on edges its order).
    factors, output
        How it splits: the l of the d features and of the output harmonic; they add up to l.
    quadrature, mean
        What the grid and the sphere make of it; for the azimuth and l odd the grid makes at least this much.
    """

    cause: Literal["polar", "azimuth"]
    l: int
    factors: tuple[int, ...]
    output: int
    quadrature: Fraction
    mean: Fraction

    @property
    def leak(self) -> Fraction:
        """How far they are apart, at least; never zero."""
        return abs(self.quadrature - self.mean)

    def to_dict(self) -> dict[str, Any]:
        """Return the witness as data for JSON."""
        return {"cause": self.cause, "l": self.l, "factors": list(self.factors), "output": self.output,
                "quadrature": str(self.quadrature), "mean": str(self.mean), "leak": str(self.leak)}  # fmt: skip


@dataclass(frozen=True)
class GridCertificate:
    """Whether an activation of degree d is exactly equivariant on a grid, with the evidence; made by `grid_certificate`.

    Attributes
    ----------
    grid
        The grid.
    frame
        ``atoms`` or ``edges``.
    degree, band, band_out
        Degree d of the activation; highest l (on edges: highest m) of the features and of the output.
    moments
        What the polar rule makes of the means of powers of cos(beta), from 0; empty on edges.
    phases
        For order 1, 2, ..., d band + band_out: how many different phases the azimuths have.
    witness
        A product that is integrated wrongly; None if the activation is exactly equivariant.
    """

    grid: SphereGrid
    frame: Frame
    degree: int
    band: int
    band_out: int
    moments: tuple[Fraction, ...]
    phases: tuple[int, ...]
    witness: GridWitness | None

    @property
    def needed(self) -> int:
        """The l (on edges: m) up to which the grid has to be exact, d band + band_out."""
        return self.degree * self.band + self.band_out

    @property
    def exact(self) -> bool:
        """Whether the activation is exactly equivariant."""
        return self.witness is None

    @property
    def name(self) -> str:
        """File name that the command line writes it under."""
        grid = f"{self.grid.rule}{self.grid.polar}x{self.grid.azimuthal}"
        return f"grid_{self.frame}_{grid}_d{self.degree}_L{self.band}_out{self.band_out}.json"

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as data for JSON; the format is described by ``grid_certificate.schema.json``."""
        exact_to = self.grid.degree if self.frame == "atoms" else self.grid.azimuthal - 1
        return {
            "schema": GRID_SCHEMA,
            "frame": self.frame,
            "rule": self.grid.rule,
            "polar": self.grid.polar,
            "azimuthal": self.grid.azimuthal,
            "degree": self.degree,
            "band": self.band,
            "band_out": self.band_out,
            "needed": self.needed,
            "exact_to": exact_to,
            "verdict": "exact" if self.exact else "not exact",
            "moments": [str(moment) for moment in self.moments],
            "phases": list(self.phases),
            "witnesses": [] if self.witness is None else [self.witness.to_dict()],
        }

    def to_json(self) -> str:
        """Return the certificate as JSON text, the same bytes every time."""
        return json.dumps(self.to_dict(), indent=1) + "\n"


def grid_certificate(
    grid: SphereGrid, degree: int, band: int, band_out: int | None = None, frame: Frame = "atoms"
) -> GridCertificate:
    """Decide whether an activation of degree d is exactly equivariant on a grid, with evidence that can be replayed.

    Parameters
    ----------
    grid
        The grid; at most 256 polar angles.
    degree
        Degree d of the activation, at least 1.
    band, band_out
        Highest l of the features and of the output (default: the same); in the frame of an edge their highest m.
    frame
        ``atoms`` or ``edges``.

    Raises
    ------
    InputError
        If an argument is wrong, or d band + band_out is above 256.

    Examples
    --------
    >>> wrong = grid_certificate(SphereGrid("fejer", 18, 18), 2, 6)
    >>> wrong.exact, wrong.witness.l, grid_certificate(SphereGrid("fejer", 20, 19), 2, 6).exact
    (False, 18, True)
    """
    if frame not in get_args(Frame):
        raise InputError(f"frame = {frame!r} is unknown: give 'atoms' or 'edges'")
    degree, band = require_degree(degree), require_int("band", band, 0)
    band_out = band if band_out is None else require_int("band_out", band_out, 0)
    needed = degree * band + band_out
    if max(needed, grid.polar, grid.azimuthal // 2) > MAX_CERTIFIED_GRID:
        raise InputError(
            f"{grid.polar} x {grid.azimuthal} points for d band + band_out = {needed} are beyond what is certified: keep "
            f"polar angles and d band + band_out at or below {MAX_CERTIFIED_GRID}, azimuths at or below {2 * MAX_CERTIFIED_GRID}"
        )
    last = min(needed, grid.polar_degree + 1)
    moments = polar_moments(grid.rule, grid.polar, last) if frame == "atoms" else ()
    phases = tuple(grid.azimuthal // gcd(order, grid.azimuthal) for order in range(1, needed + 1))
    first = grid.missed[0] if frame == "atoms" else grid.azimuthal
    witness = None
    if first <= needed:
        polar_fault = frame == "atoms" and grid.missed[1] == 0
        witness = _witness(grid, first, polar_fault, (band,) * degree, band_out)
    return GridCertificate(grid, frame, degree, band, band_out, moments, phases, witness)


def _witness(
    grid: SphereGrid, l: int, polar_fault: bool, bands: tuple[int, ...], band_out: int
) -> GridWitness:
    """Split degree (or order) l over the factors, the output last, and evaluate the product."""
    factors, rest = [], l
    for band in bands:
        factors.append(min(band, rest))
        rest -= factors[-1]
    if rest > band_out:
        raise ArithmeticError(f"l = {l} does not split over {bands} and {band_out}")
    if polar_fault:
        quadrature, mean = polar_moments(grid.rule, grid.polar, l)[l], Fraction((l + 1) % 2, l + 1)
    else:
        quadrature, mean = sine_moment(grid.rule, grid.polar, l + l % 2), Fraction(0)
    return GridWitness("polar" if polar_fault else "azimuth", l, tuple(factors), rest, quadrature, mean)
