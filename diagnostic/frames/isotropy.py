r"""How isotropic the orientations of given frames are, against the exact expectation for Haar-random ones.

The orientation of a frame is the rotation :math:`R_n` that carries a reference geometry onto it (Kabsch; atoms
are labelled, so a symmetric molecule has one too). With the Wigner matrices of N frames,

.. math:: A_l = \frac{1}{2l+1} \Big\| \frac1N \sum_n D^l(R_n) \Big\|_F^2, \qquad 0 \le A_l \le 1 .

:math:`A_l = 1` where all frames stand alike. For independent Haar-random orientations
:math:`E[A_l] = 1/N` exactly, because :math:`\int D^l dR = 0` and :math:`\|D^l\|_F^2 = 2l+1`; so :math:`1/A_l` is the
effective number of independent orientations. By the orthogonality of the matrix elements the sum
:math:`S = N \sum_l (2l+1)^2 A_l` has mean :math:`k = \sum_l (2l+1)^2` and variance :math:`2k(1 - 1/N)` exactly, and
tends to :math:`\chi^2_k`. For l = 1 alone this is the Rayleigh test on SO(3) (K. V. Mardia and P. E. Jupp, Directional
Statistics, Wiley 2000, section 13.2), for all l together one of E. Giné's invariant tests (Ann. Statist. 3, 1243 (1975)).
A linear molecule has a direction only: then :math:`A_l = |\frac1N \sum_n Y_l(u_n)|^2/(2l+1)`, again with mean 1/N, and
:math:`N (2l+1) A_l` tends to :math:`\chi^2_{2l+1}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase.data import atomic_masses
from numpy.typing import NDArray
from scipy.stats import chi2

from ...numerics.harmonics import real_harmonics
from ...numerics.wigner import wigner_d_all
from .alignment import centred, kabsch_rotations
from .frames import Frames

#: Degrees of the spectrum.
L_TOP = 8
#: Orientations are called isotropic unless chance gives a sum as large as theirs in less than this share of cases.
SIGNIFICANCE = 1e-3
#: Beyond isotropic, and some A_l this far above its expectation: far from isotropic.
FAR = 0.01
#: A molecule of which no atom is farther than this from one line (median over frames, Å) counts as linear: bending
#: vibrations stay below, the hydrogens of a methyl group (1.0 Å) and the oxygen of water (0.6 Å) above.
LINEAR = 0.35

Kind = Literal["rotations", "directions", "none"]
Verdict = Literal["isotropic", "nearly isotropic", "far from isotropic", "no orientation"]


@dataclass(frozen=True)
class Isotropy:
    """The orientations of frames, measured.

    Attributes
    ----------
    kind
        ``rotations``; ``directions`` for a linear molecule; ``none`` for a single atom.
    frames
        N.
    spectrum
        A_l for l = 1, ..., ``L_TOP``; empty for a single atom.
    p_value
        Share of sets of N independent Haar-random orientations whose sum S is at least as large (asymptotic); None for
        a single atom.
    verdict
        One of four words.
    said
        Where there is no spectrum: why, if it is not that a single atom has no orientation.
    """

    kind: Kind
    frames: int
    spectrum: tuple[float, ...]
    p_value: float | None
    verdict: Verdict
    said: str = ""

    @property
    def effective(self) -> float | None:
        """Effective number of independent orientations, 1 / max A_l; None for a single atom."""
        return 1.0 / max(self.spectrum) if self.spectrum else None

    @property
    def sentence(self) -> str:
        """What was measured, in one sentence."""
        if not self.spectrum:
            return self.said or "A single atom has no orientation, so there is nothing to measure."
        what = "orientations" if self.kind == "rotations" else "directions of this linear molecule"
        expected, largest = 1.0 / self.frames, max(self.spectrum)
        assert self.effective is not None
        numbers = f"A_1 = {self.spectrum[0]:.3g} and at most {largest:.3g}, expected {expected:.2g}"
        if self.verdict == "isotropic":
            return f"The {what} of the {self.frames:,} frames are isotropic as far as so many can show ({numbers})."
        if self.verdict == "nearly isotropic":
            return (
                f"The {what} of the {self.frames:,} frames are not quite isotropic ({numbers}): they count like "
                f"{self.effective:,.0f} independent ones."
            )
        return (
            f"The {what} of the {self.frames:,} frames are far from isotropic ({numbers}): they count like "
            f"{max(1.0, self.effective):.3g} independent one{'' if self.effective < 1.005 else 's'}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the measurement as JSON-ready data, ``checks.orientations`` of ``result.json``."""
        return {
            "kind": self.kind,
            "frames": self.frames,
            "spectrum": [
                {"l": l, "alignment": value, "expected": 1.0 / self.frames}
                for l, value in enumerate(self.spectrum, start=1)
            ],
            "p_value": self.p_value,
            "effective": self.effective,
            "verdict": self.verdict,
            "sentence": self.sentence,
        }


def isotropy(frames: Frames, l_top: int = L_TOP) -> Isotropy:
    """Measure how isotropic the orientations of frames are; see the module for the statistic.

    Parameters
    ----------
    frames
        Frames of one molecule; the first one is the reference (the result does not depend on its orientation).
    l_top
        Highest degree of the spectrum.
    """
    masses = np.asarray(atomic_masses[frames.numbers], dtype=np.float64)
    inside = centred(frames.positions, masses)
    count = len(frames)
    if len(frames.numbers) == 1:
        return Isotropy("none", count, (), None, "no orientation")
    if _is_linear(frames.positions):
        directions = _axes(inside, masses)
        values = real_harmonics(l_top, directions).mean(axis=0)
        spectrum = tuple(
            float(np.sum(values[l * l : (l + 1) ** 2] ** 2) / (2 * l + 1)) for l in range(1, l_top + 1)
        )
        return _judged("directions", count, spectrum, [2 * l + 1 for l in range(1, l_top + 1)])
    spectrum = rotation_alignment(kabsch_rotations(inside, inside[0], masses), l_top)
    return _judged("rotations", count, spectrum, [(2 * l + 1) ** 2 for l in range(1, l_top + 1)])


def rotation_alignment(rotations: NDArray[np.float64], l_top: int = L_TOP) -> tuple[float, ...]:
    """Return A_l of rotations ``(N, 3, 3)`` for l = 1, ..., ``l_top``."""
    means = [matrix.mean(axis=0) for matrix in wigner_d_all(l_top, rotations)[1:]]
    return tuple(float(np.sum(mean**2) / len(mean)) for mean in means)


def _judged(kind: Kind, count: int, spectrum: tuple[float, ...], freedom: list[int]) -> Isotropy:
    total = count * sum(k * value for k, value in zip(freedom, spectrum, strict=True))
    p_value = float(chi2.sf(total, sum(freedom)))
    verdict: Verdict = "isotropic"
    if p_value < SIGNIFICANCE:
        verdict = "far from isotropic" if max(spectrum) - 1.0 / count > FAR else "nearly isotropic"
    return Isotropy(kind, count, spectrum, p_value, verdict)


def _is_linear(positions: NDArray[np.float64]) -> bool:
    """Whether the atoms of the median frame stay within LINEAR of one line."""
    inside = positions - positions.mean(axis=1, keepdims=True)
    axes = np.linalg.svd(inside, full_matrices=False)[2][:, 0]
    along = np.einsum("nai,ni->na", inside, axes)
    off = np.linalg.norm(inside - along[:, :, None] * axes[:, None, :], axis=2).max(axis=1)
    return bool(np.median(off) < LINEAR)


def _axes(inside: NDArray[np.float64], masses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the axis of each frame of a linear molecule, with the sign that the labels of its atoms give it."""
    reference = inside[0]
    places = reference @ np.linalg.svd(reference, full_matrices=False)[2][0]
    axes = np.einsum("a,a,nai->ni", masses, places, inside)
    return np.asarray(axes / np.linalg.norm(axes, axis=1, keepdims=True))
