r"""Signed coefficients of an energy as a function of orientation: what its power by l has lost, sign and axis.

E(R), the energy of a structure turned by R, is :math:`\sum_l (2l+1) \sum_{mm'} v^l_{mm'} D^l_{mm'}(R)` with
:math:`v^l_{mm'} = \int E(R) D^{l*}_{mm'}(R) dR`: m belongs to the axis z of space, m' to the z axis of the frame in which the
structure is given, or of the molecule's body frame. The matrices D are those of
:mod:`~spectral_ceilings.numerics.complex_basis`, and :math:`P_l = (2l+1) \sum |v^l_{mm'}|^2`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from ...numerics.complex_basis import complex_basis
from ...numerics.rotations import haar_rotations, so3_quadrature
from ...numerics.spectrum import RotationSpectrum
from ...numerics.wigner import wigner_d_all
from ...theory.errors import InputError
from ..symmetry.breaking import at_rotations
from ..symmetry.structure import sum_of_degrees
from .molecules import Molecules

Array = NDArray[np.float64]
_L_LARGEST = 16


@dataclass(frozen=True)
class EnergyCoefficients:
    r"""The coefficients of an energy by l, m and m', and what they leave.

    Attributes
    ----------
    l_top
        Highest l.
    values
        By l: complex ``(2l+1, 2l+1)``, :math:`v^l_{mm'}` in eV, orders -l..l. That of l = 0 is the rotational average.
    variance
        Mean square deviation from the average over the quadrature, eV²: all l together.
    unresolved
        Share of it in no l <= l_top; 0 where there is no variance.
    error
        Root mean square over independent random rotations of what the coefficients miss, eV: no root of a power is off by
        more, aliasing included. None where it was not measured.
    evaluations
        Number of energies that were computed.
    """

    l_top: int
    values: tuple[NDArray[np.complex128], ...]
    variance: float
    unresolved: float
    error: float | None
    evaluations: int

    def grades(self) -> Array:
        """Return P_l for l = 0..l_top, eV²."""
        return np.array([(2 * l + 1) * np.sum(np.abs(v) ** 2) for l, v in enumerate(self.values)])

    def real_values(self) -> list[Array]:
        """Return the coefficients of the real matrices of ``numerics.wigner_d``, ``(2l+1, 2l+1)`` for each l."""
        return [(complex_basis(l).conj().T @ v @ complex_basis(l)).real for l, v in enumerate(self.values)]

    def in_frame(self, frame: ArrayLike) -> EnergyCoefficients:
        """Return the coefficients in a body frame, whose rows are its axes in the frame in which the structure was given."""
        turned = wigner_d_all(self.l_top, np.asarray(frame, dtype=np.float64))
        values = [v @ d.T for v, d in zip(self.real_values(), turned, strict=True)]
        return replace(self, values=_complex(values))

    def about_axis(self) -> EnergyCoefficients:
        """Return the coefficients averaged over turns about the body's z axis: only m' = 0 stays."""
        values = []
        for l, value in enumerate(self.values):
            kept = np.zeros_like(value)
            kept[:, l] = value[:, l]
            values.append(kept)
        return replace(self, values=tuple(values))

    @classmethod
    def from_audit(cls, row: Mapping[str, Any]) -> EnergyCoefficients:
        """Return the coefficients that a symmetry audit keeps of a structure, ``result["structures"][k]``.

        Raises
        ------
        InputError
            The result was written before audits kept them.
        """
        kept = row.get("energy_coefficients")
        if not kept:
            raise InputError("the audit kept no coefficients of the energy: run ceilings audit again")
        values = tuple(np.array(part["re"]) + 1j * np.array(part["im"]) for part in kept)
        return cls(
            len(values) - 1,
            values,
            (1e-3 * row["atoms"] * row["energy_rms"]) ** 2,
            row["energy_unresolved"] or 0.0,
            1e-3 * row["atoms"] * row["energy_error"],
            row["evaluations"],
        )

    def to_list(self) -> list[dict[str, list[list[float]]]]:
        """Return ``{"re", "im"}`` matrices by l, ready for JSON."""
        return [{"re": v.real.tolist(), "im": v.imag.tolist()} for v in self.values]


def energy_coefficients(
    calculator: Any, atoms: Atoms, l_top: int = 4, *, molecules: Molecules | None = None, kind: int = 0,
    checks: int = 16, seed: int = 0,
) -> EnergyCoefficients:  # fmt: skip
    """Measure the coefficients of a structure's energy by a quadrature exact to 2 l_top.

    Parameters
    ----------
    calculator
        Any ASE calculator of energy and forces, eV.
    atoms
        The structure that is turned.
    l_top
        Highest l, 1 to 16; the number of evaluations grows as 4 l_top³.
    molecules, kind
        Give the coefficients in the body frame of the first molecule of this kind; None: in the frame in which the structure
        is given. Of a linear molecule, which has no frame, the part that does not depend on the turn about its axis.
    checks, seed
        Random rotations that measure what the coefficients miss; 0: none.

    Raises
    ------
    InputError
        If l_top is out of range, the calculator gives no energy, or the molecule has no axis.
    """
    if isinstance(l_top, bool) or not isinstance(l_top, int) or not 1 <= l_top <= _L_LARGEST:
        raise InputError(f"l_top is {l_top!r}, expected an integer from 1 to {_L_LARGEST}")
    rule = so3_quadrature(2 * l_top)
    energies, _ = at_rotations(calculator, atoms, rule.rotations)
    error = None
    if checks:
        rotations = haar_rotations(checks, np.random.default_rng(seed))
        truth, _ = at_rotations(calculator, atoms, rotations)
        mean = float(rule.weights @ energies)
        missed = truth - mean - sum_of_degrees(energies - mean, rule, l_top, rotations)
        error = float(np.sqrt(np.mean(missed**2)))
    sampled = coefficients_of(energies, l_top, error, len(rule) + checks)
    if molecules is None:
        return sampled
    if molecules.has_frame(kind):
        frame = molecules.frames(atoms.positions, np.asarray(atoms.cell), atoms.pbc, kind=kind)[0, 0]
        return sampled.in_frame(frame)
    axis = molecules.axes(atoms.positions, np.asarray(atoms.cell), atoms.pbc, kind=kind)[0, 0]
    return sampled.in_frame(frame_about(axis)).about_axis()


def coefficients_of(
    energies: Array, l_top: int, error: float | None = None, evaluations: int | None = None
) -> EnergyCoefficients:
    """Return the coefficients of energies at the rotations of ``so3_quadrature(2 * l_top)``, in order, eV."""
    rule = so3_quadrature(2 * l_top)
    mean = float(rule.weights @ energies)
    spectrum = RotationSpectrum(rule, l_top)
    spectrum.add(energies - mean)  # the mean is a million times what is looked for
    values = spectrum.coefficients()
    values[0] = np.array([[mean]])
    variance = float(spectrum.total())
    left = max(0.0, 1.0 - float(spectrum.power()[1:].sum()) / variance) if variance > 0.0 else 0.0
    return EnergyCoefficients(
        l_top, _complex(values), variance, left, error, len(rule) if evaluations is None else evaluations
    )


def shape_coefficients(
    calculator: Any, shapes: Sequence[Atoms], molecules: Molecules, l_top: int = 4, *, kind: int = 0, checks: int = 0,
    seed: int = 0,
) -> list[EnergyCoefficients]:  # fmt: skip
    """Return the coefficients of every shape of a molecule in its body frame, for ``predict_orientations``.

    Parameters
    ----------
    shapes
        The molecule alone in shapes drawn from its thermal motion; orientations do not matter.
    molecules, kind
        As perceived in the first of them: one definition of the body frame for all.
    calculator, l_top, checks, seed
        As for ``energy_coefficients``.

    Raises
    ------
    InputError
        As ``energy_coefficients``, or there are no shapes.
    """
    if not len(shapes):
        raise InputError("no shapes were given: give at least one structure of the molecule")
    return [
        energy_coefficients(
            calculator, atoms, l_top, molecules=molecules, kind=kind, checks=checks, seed=seed
        )
        for atoms in shapes
    ]


def frame_about(axis: ArrayLike) -> Array:
    """Return a frame, rows x, y, z, whose z is a unit vector."""
    z = np.asarray(axis, dtype=np.float64)
    x = np.cross(np.eye(3)[int(np.argmin(np.abs(z)))], z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def _complex(values: Sequence[Array]) -> tuple[NDArray[np.complex128], ...]:
    return tuple(complex_basis(l) @ v @ complex_basis(l).conj().T for l, v in enumerate(values))
