r"""Forces with a known limit: what a base of order 2 lacks is planted, so that the right knob is known.

Energies, with smooth f that ends at the cutoff r_c, random amplitudes A for the elements, and unit vectors u:

- ``degree``: three-body terms of P_4 + P_5,

  .. math:: E = \tfrac12 \sum_i \sum_{j, k} A_{ijk} f(r_{ij}) f(r_{ik}) [P_4 + P_5](u_{ij} \cdot u_{ik});

- ``radial``: pair and three-body terms, 1 + cos, whose radial functions swing with a period of 1.5 Å;
- ``order``: four-body terms, products of three different sums over neighbours, of l <= 2;
- ``cutoff``: pair terms, Gaussians of width .4 Å centred 1 Å beyond r_c;
- ``noise``: Gaussian noise, no force field at all.

Forces are exact derivatives by torch; nothing is shared with the densities that an advice fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from ase import Atoms

from ...theory.errors import InputError
from ..frames.neighbours import neighbours
from .density import Floats

Kind = Literal["degree", "radial", "order", "cutoff", "noise"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Where f peaks and how wide it is, the period of the swinging ones, and the width of a distant pair term (Å).
_PEAK, _WIDTH, _PERIOD, _DISTANT = 1.8, 1.2, 1.5, 0.4


def planted_forces(structures: Sequence[Atoms], kind: Kind, cutoff: float, seed: int) -> Floats:
    """Return the forces on all atoms, ``(atoms, 3)``, scaled to a root mean square of 1 eV/Å.

    Parameters
    ----------
    structures
        Structures; positions in Å, cells and periodicity as they are.
    kind
        What is planted, one of ``KINDS``.
    cutoff
        Cutoff of the base, r_c (Å).
    seed
        Seed of the amplitudes.

    Raises
    ------
    InputError
        Another kind; or no pair of atoms is near enough for a force.
    """
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    species = sorted({int(z) for atoms in structures for z in atoms.numbers})
    if kind == "noise":
        forces = rng.standard_normal((sum(len(atoms) for atoms in structures), 3))
    else:
        field = _Field(kind, cutoff, len(species), rng)
        forces = np.concatenate([_forces(field, atoms, species) for atoms in structures])
    size = float(np.sqrt(np.mean(forces**2)))
    if size == 0.0:
        raise InputError(
            f"no force of kind {kind!r} acts in these structures: no pair of atoms is near enough"
        )
    scaled: Floats = forces / size
    return scaled


class _Field:
    """One random energy."""

    def __init__(self, kind: Kind, cutoff: float, elements: int, rng: np.random.Generator) -> None:
        self.kind, self.cutoff = kind, cutoff
        triple = rng.standard_normal((elements,) * 3)
        self.triple = torch.tensor((triple + triple.transpose(0, 2, 1)) / 2)
        self.pairs = [torch.tensor(m + m.T) for m in rng.standard_normal((4, elements, elements))]
        self.phase = torch.tensor(rng.uniform(0, 2 * np.pi, (elements, elements)))

    @property
    def reach(self) -> float:
        """Distance (Å) up to which atoms act on one another."""
        return self.cutoff + 1 + 4 * _DISTANT if self.kind == "cutoff" else self.cutoff

    def energy(
        self, vectors: torch.Tensor, present: torch.Tensor, centre: torch.Tensor, other: torch.Tensor
    ) -> torch.Tensor:
        """Return the energy of centres with padded neighbours: ``(atoms, neighbours, 3)`` and their elements."""
        r = torch.sqrt((vectors**2).sum(-1))
        u = vectors / r[..., None]
        inside = present & (r < self.cutoff)
        end = torch.where(inside, 0.5 * (1 + torch.cos(np.pi * r / self.cutoff)), torch.zeros_like(r))
        first = [m[centre[:, None], other] for m in self.pairs]
        if self.kind == "cutoff":
            distant = torch.exp(-((r - self.cutoff - 1) ** 2) / (2 * _DISTANT**2))
            return (first[0] * torch.where(present, distant, torch.zeros_like(r))).sum()
        smooth = end * torch.exp(-((r - _PEAK) ** 2) / (2 * _WIDTH**2))
        if self.kind == "order":
            return self._four_body(smooth, u, first)
        cos = torch.einsum("ijx,ikx->ijk", u, u)
        triple = self.triple[centre[:, None, None], other[:, :, None], other[:, None, :]]
        if self.kind == "degree":
            angular = (35 * cos**4 - 30 * cos**2 + 3) / 8 + (63 * cos**5 - 70 * cos**3 + 15 * cos) / 8
            return 0.5 * (triple * angular * smooth[:, :, None] * smooth[:, None, :]).sum()
        swing = end * torch.sin(2 * np.pi * r / _PERIOD + self.phase[centre[:, None], other])
        return 0.05 * (
            (first[0] * swing).sum() + (triple * (1 + cos) * swing[:, :, None] * swing[:, None, :]).sum()
        )

    @staticmethod
    def _four_body(f: torch.Tensor, u: torch.Tensor, amplitude: list[torch.Tensor]) -> torch.Tensor:
        v, w = (torch.einsum("ij,ijx->ix", a * f, u) for a in amplitude[:2])
        q, p = (torch.einsum("ij,ijx,ijy->ixy", a * f, u, u) for a in amplitude[2:])
        q, p = (m - torch.eye(3) * m.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None] / 3 for m in (q, p))
        density = (amplitude[0] * f).sum(-1)
        return (
            torch.einsum("ix,ixy,iy->", v, p, w)
            + torch.einsum("ixy,iyz,izx->", q, p, q)
            + (density * (v * w).sum(-1)).sum()
        )


def _forces(field: _Field, atoms: Atoms, species: Sequence[int]) -> Floats:
    position = torch.tensor(atoms.positions, dtype=torch.float64, requires_grad=True)
    cell = np.asarray(atoms.cell) if atoms.pbc.any() else None
    table = neighbours(
        atoms.positions, field.reach, cell, (bool(atoms.pbc[0]), bool(atoms.pbc[1]), bool(atoms.pbc[2]))
    )
    first, second = table.first, table.second
    if len(first) == 0:
        return np.zeros_like(atoms.positions)
    shift = torch.tensor(table.vectors - (atoms.positions[second] - atoms.positions[first]))
    counts = np.bincount(first, minlength=len(atoms))
    column = np.concatenate([np.arange(count) for count in counts])
    widest = int(counts.max())
    present = torch.zeros((len(atoms), widest), dtype=torch.bool)
    present[first, column] = True
    padded = torch.full((len(atoms), widest, 3), 1e3, dtype=torch.float64)
    padded = padded.index_put(
        (torch.tensor(first), torch.tensor(column)), position[second] - position[first] + shift
    )
    kind = np.array([species.index(int(z)) for z in atoms.numbers])
    other = torch.zeros((len(atoms), widest), dtype=torch.long)
    other[first, column] = torch.tensor(kind[second])
    energy = field.energy(padded, present, torch.tensor(kind), other)
    (gradient,) = torch.autograd.grad(energy, position)
    return np.asarray(-gradient.numpy())
