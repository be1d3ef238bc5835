"""Controlled fields of one pure l, and the measurement that they are pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...numerics.harmonics import real_harmonics
from ...numerics.rotations import so3_quadrature
from ...numerics.spectrum import RotationSpectrum
from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.marks import Mark
from .names import InjectionName as InjectionName

#: Cutoff of the density injection, Å: the first two shells of bonded neighbours.
DENSITY_CUTOFF = 3.0
#: Rotations of the purity check held at a time.
_ROTATIONS = 512
#: Power of a degree, relative to the largest, below which it is rounding: squares of 1e-16 are 1e-32, and what is 1e-20 is still
#: pure to 1e-12.
_ROUNDING = 1e-20


def smooth_cutoff(distances: NDArray[np.float64], cutoff: float) -> NDArray[np.float64]:
    """Return 0.5 (1 + cos(pi r / r_c)) below the cutoff r_c and 0 above; distances and cutoff in Å."""
    inside = 0.5 * (1.0 + np.cos(np.pi * np.minimum(distances, cutoff) / cutoff))
    return np.where(distances < cutoff, inside, 0.0)


def signals(
    numbers_of_atoms: int,
    positions: NDArray[np.float64],
    l_top: int,
    injection: InjectionName,
    marks: Sequence[Mark],
    cutoff: float = DENSITY_CUTOFF,
) -> NDArray[np.float64]:
    """Return the directional signals T_i of every marked atom for all l <= l_top at once.

    marked: T_i = Y_l(unit vector from atom i to its marked neighbour).
    density: T_i = sum over j of f_cut(r_ij) Y_l(unit vector from i to j).

    Real harmonics in e3nn's convention, "component" normalisation: each component of a marked T has mean square 1
    over orientations.

    Parameters
    ----------
    numbers_of_atoms
        A, the number of atoms of the molecule.
    positions
        ``(frames, A, 3)`` in Å.
    l_top
        Highest degree.
    injection
        ``marked`` or ``density``.
    marks
        The atoms at which to evaluate; for ``marked`` each needs a neighbour.

    Returns
    -------
    ``(frames, len(marks), (l_top + 1)^2)``.
    """
    frames = positions.shape[0]
    size = (l_top + 1) ** 2
    atoms = np.array([mark.atom for mark in marks], dtype=np.int64)
    if injection == "marked":
        missing = [mark for mark in marks if mark.neighbour is None]
        if missing:
            raise InputError(
                f"atom {missing[0].atom} has no marked neighbour ({missing[0].why}); leave it out"
            )
        neighbours = np.array([mark.neighbour for mark in marks], dtype=np.int64)
        vectors = positions[:, neighbours] - positions[:, atoms]
        return real_harmonics(l_top, vectors.reshape(-1, 3)).reshape(frames, len(atoms), size)
    if injection == "density":
        out = np.empty((frames, len(atoms), size))
        for k, i in enumerate(atoms):
            others = np.delete(np.arange(numbers_of_atoms), i)
            vectors = positions[:, others] - positions[:, i : i + 1]
            weights = smooth_cutoff(np.linalg.norm(vectors, axis=2), cutoff)
            harmonics = real_harmonics(l_top, vectors.reshape(-1, 3)).reshape(frames, len(others), size)
            out[:, k] = np.einsum("nj,njs->ns", weights, harmonics)
        return out
    raise InputError(f"injection is {injection!r}, expected 'marked' or 'density'")


def l_slice(degree: int) -> slice:
    """Return where l stands among the (l_top + 1)^2 components."""
    return slice(degree * degree, (degree + 1) ** 2)


def impurity(
    frames: Frames,
    l_top: int,
    injection: InjectionName,
    marks: Sequence[Mark],
    rng: np.random.Generator,
    cutoff: float = DENSITY_CUTOFF,
) -> list[float]:
    """Return, for each l <= l_top, the share of the power of the injected field at any other l.

    The field a . T_i(R x) with a random polarisation a is evaluated on every rotation R of an SO(3) quadrature that
    is exact for it, for one frame and every atom; the worst atom counts. A pure l means round-off only. ``cutoff`` is that of
    the density (Å).
    """
    quadrature = so3_quadrature(2 * l_top + 2)
    polarisations = [rng.normal(size=2 * degree + 1) for degree in range(l_top + 1)]
    spectrum = RotationSpectrum(quadrature, l_top + 1)
    for start in range(0, len(quadrature), _ROTATIONS):
        rotations = quadrature.rotations[start : start + _ROTATIONS]
        turned = np.einsum("qij,aj->qai", rotations, frames.positions[0])
        values = signals(len(frames.numbers), turned, l_top, injection, marks, cutoff)
        fields = [values[:, :, l_slice(degree)] @ a for degree, a in enumerate(polarisations)]
        spectrum.add(np.stack(fields, axis=1))
    power = spectrum.power()  # (l_top + 2, degrees, atoms)
    # Where the symmetry of a site leaves nothing of a degree, there is rounding: of no grade, and of no size.
    rounding = _ROUNDING * power.sum(axis=0).max(axis=0)
    worst = []
    for degree in range(l_top + 1):
        total = power[:, degree].sum(axis=0)
        elsewhere = np.delete(power[:, degree], degree, axis=0).sum(axis=0)
        shares = np.divide(elsewhere, total, out=np.zeros_like(total), where=total > rounding)
        worst.append(float(np.max(shares)))
    return worst
