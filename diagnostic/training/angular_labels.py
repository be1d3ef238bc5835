"""Labels with angular terms added to them, and how much of each term a model trained on them has learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..frames.structures import Part
from ..injection.angular_terms import AngularFields, angular_fields
from .data import TrainingData

Floats = NDArray[np.float64]

#: Schema of what a record holds of the terms, ``angular-terms.schema.json``.
ANGULAR_SCHEMA = "spectral-ceilings/angular-terms/1"
#: Highest degree that is taken: the recurrences are stable far beyond, no model resolves more.
L_TOP = 20
#: Resampled sets of frames of an interval, and the part of them that it leaves out on each side.
RESAMPLES, TAIL = 2_000, 0.025


@dataclass(frozen=True)
class AngularTerms:
    """Which terms are added.

    Parameters
    ----------
    terms
        (degree l, sign) of each, sign 1 or -1; each degree once.
    size
        Force RMS of every term on the training frames, as a part of the labels' own.
    cutoff
        R (Å): neighbours of an atom nearer than this form the angles.
    """

    terms: tuple[tuple[int, int], ...]
    size: float = 0.5
    cutoff: float = 3.0

    def __post_init__(self) -> None:
        degrees = [l for l, _ in self.terms]
        for l in degrees:
            if not 1 <= l <= L_TOP:
                raise InputError(f"the angular term has degree {l}, expected an integer from 1 to {L_TOP}")
        if not degrees or len(set(degrees)) < len(degrees):
            raise InputError(f"the angular terms are of degrees {degrees}, expected each degree once")
        if not 0.0 < self.size <= 100.0:
            raise InputError(
                f"the size of the angular terms is {self.size:g}, expected above 0 and at most 100"
            )
        if not 0.0 < self.cutoff <= 20.0:
            raise InputError(
                f"the cutoff of the angular terms is {self.cutoff:g} Å, expected above 0 and at most 20"
            )

    @classmethod
    def parsed(cls, text: str, size: float, cutoff: float) -> AngularTerms:
        """Return the terms of ``1,-2,3``: degrees, with a minus where the term is taken away instead of added."""
        terms = []
        for piece in text.split(","):
            try:
                value = int(piece)
            except ValueError:
                raise InputError(
                    f"--angular-term is {text!r}, expected degrees such as 4 or 1,-2,3 (a minus takes the term away)"
                ) from None
            terms.append((abs(value), -1 if value < 0 else 1))
        return cls(tuple(terms), size, cutoff)

    @property
    def degrees(self) -> list[int]:
        """Degrees in the order of the terms."""
        return [l for l, _ in self.terms]


@dataclass(frozen=True)
class AddedTerms:
    """Terms with their strengths settled.

    Attributes
    ----------
    terms
        What is added.
    strengths
        eps of each (eV), with its sign.
    label_rms
        Force RMS of the training labels before (eV/Å).
    """

    terms: AngularTerms
    strengths: tuple[float, ...]
    label_rms: float

    @classmethod
    def settled(cls, terms: AngularTerms, data: TrainingData, training: NDArray[np.int64]) -> AddedTerms:
        """Choose eps of every term so that its force RMS on the training frames is ``size`` times that of the labels.

        Raises
        ------
        InputError
            No angle is formed within the cutoff, or the labels' forces are all zero.
        """
        power, labels, count = np.zeros(len(terms.terms)), 0.0, 0
        for _, frames in data.chosen(training):
            fields = angular_fields(frames, terms.degrees, terms.cutoff)
            power += np.sum(fields.forces**2, axis=(1, 2, 3))
            labels += float(np.sum(frames.forces**2))
            count += frames.forces.size
        if not labels > 0.0:
            raise InputError("the training forces are all zero, expected a scale for the angular terms")
        if not power.min() > 0.0:
            raise InputError(
                f"no atom has two neighbours within the angular terms' cutoff of {terms.cutoff:g} Å; give a larger --term-cutoff"
            )
        signs = np.array([sign for _, sign in terms.terms])
        strengths = signs * terms.size * np.sqrt(labels / power)
        return cls(terms, tuple(float(eps) for eps in strengths), float(np.sqrt(labels / count)))

    def fields(self, frames: Frames) -> AngularFields:
        """Return what is added to the labels of frames: energies (eV), forces (eV/Å) and stress (eV/Å³), by term."""
        bare = angular_fields(frames, self.terms.degrees, self.terms.cutoff)
        eps = np.array(self.strengths)
        return AngularFields(
            eps[:, None] * bare.energies,
            eps[:, None, None, None] * bare.forces,
            None if bare.stress is None else eps[:, None, None] * bare.stress,
        )

    def added_to(self, data: TrainingData) -> TrainingData:
        """Return the data with the terms in energies, forces and, where there is one, stress."""
        return replace(data, parts=tuple(Part(part.indices, self._added(part.frames)) for part in data.parts))

    def _added(self, frames: Frames) -> Frames:
        fields = self.fields(frames)
        energies, stress = frames.energies, frames.stress
        return replace(
            frames,
            forces=frames.forces + fields.forces.sum(axis=0),
            energies=None if energies is None else energies + fields.energies.sum(axis=0),
            stress=stress if stress is None or fields.stress is None else stress + fields.stress.sum(axis=0),
        )

    def forces(self, data: TrainingData, indices: NDArray[np.int64]) -> list[Floats]:
        """Return the forces of all terms on the frames at ascending ``indices``, in order, ``(terms, atoms, 3)`` each."""
        return data.made(indices, lambda frames: list(self.fields(frames).forces.transpose(1, 0, 2, 3)))

    def described(self) -> dict[str, Any]:
        """Return what settings and records hold of the terms, JSON-ready."""
        return {
            "cutoff_A": self.terms.cutoff,
            "size": self.terms.size,
            "label_force_rms_eV_A": self.label_rms,
            "terms": [
                {"l": l, "sign": sign, "strength_eV": eps}
                for (l, sign), eps in zip(self.terms.terms, self.strengths, strict=True)
            ],
        }


def learned(
    errors: Sequence[Floats], terms: Sequence[Floats], seed: int | None = 0
) -> list[dict[str, float]]:
    r"""Return for every term how much of it a model has learned, from its force errors on some frames.

    With e = reference - prediction over all atoms of all frames and t the forces of a term as they were added,

    .. math:: \text{learned} = 1 - \frac{\langle t, e\rangle}{\langle t, t\rangle} .

    It is 1 for a model that predicts its labels and 0 for one whose error holds the whole term. For a model that is a
    least-squares fit, prediction = P reference with an orthogonal projection P, it is the R2 of the fit to the term alone,
    |P t|^2 / |t|^2, plus (<t, (P - 1) base> + sum over the other terms t' of <t, (P - 1) t'>) / <t, t>. The error of the base and
    of the other terms enters linearly: as noise where it has nothing to do with t, as a bias where it has. The bias changes its
    sign with that of the term against the base and the others, and drops out of the mean over trainings whose signs are
    balanced and pairwise orthogonal. A model that has shrunk the term to a part a has learned a of it, where R2 is 1 - (1 - a)^2.

    Parameters
    ----------
    errors
        For every frame ``(atoms, 3)``: reference minus prediction (eV/Å).
    terms
        For every frame ``(terms, atoms, 3)``, in that order (eV/Å).
    seed
        Draws the resampled frames of the interval; None: no interval.

    Returns
    -------
    list of dict
        ``learned``, and its 95 % interval over frames, ``low`` and ``high``.
    """
    along = np.array([np.einsum("tax,ax->t", t, e) for t, e in zip(terms, errors, strict=True)])
    power = np.array([np.einsum("tax,tax->t", t, t) for t in terms])
    point = 1.0 - along.sum(axis=0) / power.sum(axis=0)
    if seed is None:
        return [{"learned": float(value)} for value in point]
    frames = len(along)
    counts = np.random.default_rng([seed, 17]).multinomial(
        frames, np.full(frames, 1 / frames), size=RESAMPLES
    )
    drawn = 1.0 - (counts @ along) / (counts @ power)
    low, high = np.quantile(drawn, [TAIL, 1 - TAIL], axis=0)
    return [
        {"learned": float(value), "low": float(below), "high": float(above)}
        for value, below, above in zip(point, low, high, strict=True)
    ]


def overlaps(terms: Sequence[Floats]) -> list[list[float]]:
    """Return the cosine between the forces of every two terms over all frames: how far one can stand for another."""
    gram = np.sum([np.einsum("tax,sax->ts", t, t) for t in terms], axis=0)
    size = np.sqrt(np.diag(gram))
    cosines: list[list[float]] = (gram / np.outer(size, size)).tolist()
    return cosines
