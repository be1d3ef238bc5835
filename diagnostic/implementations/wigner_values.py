"""Are Wigner matrices right, and in which convention: homomorphism, irreducibility, basis, direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...numerics import haar_rotations, wigner_d
from .bases import Matrix, name_bases, sentence
from .coupling_values import DOUBLE, SINGLE, rounding
from .damage import Finding, describe_difference

#: (l, rotation matrix) -> matrix of shape (2l+1, 2l+1).
Wigner = Callable[[int, NDArray[np.float64]], Any]

_SEED = 21


@dataclass(frozen=True)
class WignerVerdict:
    """What a set of Wigner matrices is.

    Attributes
    ----------
    basis
        In words.
    direction
        "D(R1 R2) = D(R1) D(R2)" or "D(R1 R2) = D(R2) D(R1)", the inverse.
    error
        Worst difference from exact matrices of that convention.
    precision
        "double" or "single".
    findings
        What is wrong.
    """

    basis: str
    direction: str
    error: float
    precision: str
    findings: tuple[Finding, ...]

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as the JSON holds them."""
        return {
            "basis": self.basis,
            "direction": self.direction,
            "error": self.error,
            "precision": self.precision,
            "right": self.right,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def matrix_rounding(l: int, unit: float) -> float:
    r"""Bound on the errors of Wigner matrices that are made from Euler angles.

    Near the pole an angle from an arc cosine is off by up to :math:`\sqrt{2 u}`, u the unit roundoff, and D changes by at
    most l per radian; the rest is as for couplings.
    """
    return l * sqrt(2 * unit) + rounding(l, unit)


def judge_wigner(wigner: Wigner, l_max: int, known: Mapping[int, Matrix] | None = None) -> WignerVerdict:
    """Compare Wigner matrices with exact ones, whatever their convention.

    Parameters
    ----------
    wigner
        The implementation.
    l_max
        Degrees 1..l_max are looked at.
    known
        Bases of the harmonics of the same package, which D must turn: Y(R x) = D(R) Y(x), or with the inverse.
    """
    rotations = haar_rotations(12, np.random.default_rng(_SEED))
    findings: list[Finding] = []
    fitting: dict[int, Matrix] = {}
    directions: dict[int, bool] = {}
    worst = 0.0
    tolerance = matrix_rounding(l_max, SINGLE)
    for l in range(1, l_max + 1):
        made = np.array([np.asarray(wigner(l, rotation)) for rotation in rotations]).astype(complex)
        inverse, law = _direction(l, wigner, rotations, made)
        if law > tolerance:
            findings.append(
                Finding(
                    "other",
                    (l,),
                    (),
                    complex(law),
                    0j,
                    f"l = {l}: no homomorphism, D(R1 R2) and D(R1) D(R2) differ by {law:.1e}",
                )
            )
            continue
        exact = np.array([wigner_d(l, rotation) for rotation in rotations])
        if inverse:
            exact = np.swapaxes(exact, 1, 2)
        directions[l] = inverse
        basis = known[l] if known and l in known else _intertwiner(made, exact)
        turned = basis @ exact @ basis.conj().T
        if np.abs(turned - made).max() > tolerance and known:
            free = _intertwiner(made, exact)
            if np.abs(free @ exact @ free.conj().T - made).max() <= tolerance:
                text = f"l = {l}: D(R) is a representation, but in another basis than the harmonics"
                findings.append(Finding("other", (l,), (), 0j, 0j, text))
                continue
        if np.abs(turned - made).max() > tolerance:
            number = int(np.abs(turned - made).max(axis=(1, 2)).argmax())
            findings.append(describe_difference((l,), made[number], turned[number]))
            continue
        fitting[l] = basis
        worst = max(worst, float(np.abs(turned - made).max()))
    if len(set(directions.values())) > 1:
        findings.append(
            Finding("other", tuple(directions), (), 0j, 0j, "some degrees have D(R), others its inverse")
        )
    named = name_bases(list(fitting.values()), 1e-3) if len(fitting) == l_max else None
    return WignerVerdict(
        basis="not told where matrices are wrong" if named is None else sentence(named, axes_known=True),
        direction="D(R1 R2) = D(R2) D(R1), the inverse"
        if any(directions.values())
        else "D(R1 R2) = D(R1) D(R2)",
        error=worst,
        precision="double" if worst <= matrix_rounding(l_max, DOUBLE) else "single",
        findings=tuple(findings),
    )


def _direction(l: int, wigner: Wigner, rotations: NDArray[np.float64], made: Matrix) -> tuple[bool, float]:
    """Return whether products come in the other order, and by how much the better of the two laws is broken."""
    forward = backward = 0.0
    for first in range(len(rotations) - 1):
        joint = np.asarray(wigner(l, rotations[first] @ rotations[first + 1])).astype(complex)
        forward = max(forward, float(np.abs(joint - made[first] @ made[first + 1]).max()))
        backward = max(backward, float(np.abs(joint - made[first + 1] @ made[first]).max()))
    return backward < forward, min(forward, backward)


def _intertwiner(made: Matrix, exact: NDArray[np.float64]) -> Matrix:
    """Return the unitary B with D(R) B = B D_exact(R) for all rotations: one up to a phase (Schur's lemma)."""
    size = made.shape[1]
    identity = np.eye(size)
    # vec(D B) = (D x 1) vec(B), vec(B E) = (1 x E^T) vec(B), row by row
    equations = [np.kron(d, identity) - np.kron(identity, e.T) for d, e in zip(made, exact, strict=True)]
    vector = np.linalg.svd(np.concatenate(equations))[2][-1].conj()
    matrix = vector.reshape(size, size) * np.sqrt(size)
    phase = matrix.reshape(-1)[int((np.abs(matrix.reshape(-1)) > 0.1).argmax())]
    matrix = matrix * (phase.conjugate() / abs(phase))
    rounded: Matrix = np.round(matrix)
    return np.where(np.abs(matrix - rounded) < 1e-6, rounded, matrix)
