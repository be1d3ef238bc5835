"""One cell of the ring calibration: theory, closed form and trained readout of the centre's features."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...numerics.wigner import wigner_d
from ...theory.errors import InputError
from ..readouts.polynomial_network import Activation
from ..readouts.polynomial_network_training import NetworkTraining, fit_network
from .ring import (
    Vectors,
    reachable_fraction,
    reachable_vectors,
    reduced,
    ring_cluster,
    ring_theory,
    turned,
)
from .ring_features import FeatureKind, ring_features
from .trained import LOST, REPRESENTED, SHORT

#: Most columns that the closed form is solved for, and highest degree of its span.
_MOST_COLUMNS, _MOST_L = 1000, 11


@dataclass(frozen=True)
class RingSettings:
    """What one cell trains.

    Attributes
    ----------
    features
        "nequip" or "e3nn".
    trained
        Whether the features are trained for the task, together with a readout of this degree.
    breaking
        Whether atoms break the symmetry of the ring.
    degree, l_max
        d of the readout and L of the features, 1 to 5.
    activation
        "power", or "silu" and "tanh" without a ceiling.
    fold
        Atoms of the ring; the field is of degree `fold`.
    width, steps, feature_steps
        Of the readout's network and its training, and of the training of features.
    samples, held_out
        Numbers of Haar-random orientations.
    seed
        Of weights and orientations.
    """

    features: FeatureKind = "nequip"
    trained: bool = False
    breaking: bool = True
    degree: int = 2
    l_max: int = 2
    activation: Activation = "power"
    fold: int = 5
    width: int = 256
    steps: int = 1000
    feature_steps: int = 120
    samples: int = 8000
    held_out: int = 4000
    seed: int = 0

    def __post_init__(self) -> None:
        limits = {"degree": 5, "l_max": 5, "samples": 10**6, "held_out": 10**6, "feature_steps": 10**6}
        for name, most in limits.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise InputError(
                    f"{name} of the ring calibration is {value!r}: give an integer from 1 to {most}"
                )
        ring_cluster(self.fold, self.breaking)
        NetworkTraining(steps=self.steps)


@dataclass(frozen=True)
class RingCell:
    """What one cell measured; R2 is over all components of the field, on held-out orientations.

    Attributes
    ----------
    settings
        What was trained.
    theory
        1 or 0 for a polynomial readout (see `ring_theory`); without a ceiling, 0 where the features are blind, else None.
    reachable
        Share of the field that some polynomial of this degree in these features recovers, exact: couplings, no fit.
    r2
        The trained readout.
    closed_form
        Least squares on the span of all polynomials of this degree of the features; None beyond 1,000 columns.
    columns
        Dimension of that span, None where it was not built.
    largest_possible
        The same with coefficients chosen on the held-out orientations: no polynomial readout can exceed it.
    channels
        Independent channels for each l.
    seconds
        Time of the whole cell.
    """

    settings: RingSettings
    theory: int | None
    reachable: float | None
    r2: float
    closed_form: float | None
    columns: int | None
    largest_possible: float | None
    channels: dict[str, int]
    seconds: float

    @property
    def within_theory(self) -> bool:
        """Whether the trained R2 is within what the held-out sample allows (1e-6 for float32 weights)."""
        return self.largest_possible is None or self.r2 <= self.largest_possible + 1e-6

    @property
    def status(self) -> str:
        """One of "learned", "not learned", "not representable", "blind", "above theory", "no ceiling"."""
        if not self.within_theory:
            return "above theory"
        if self.theory == 0:
            blind = not self.settings.breaking and self.settings.l_max < self.settings.fold
            return "blind" if blind else "not representable"
        if self.theory is None:
            return "no ceiling" if self.r2 >= REPRESENTED else "not learned"
        best = self.reachable if self.closed_form is None else self.closed_form
        assert best is not None
        return "learned" if self.r2 >= best - SHORT else "not learned"

    @property
    def agrees(self) -> bool:
        """Whether couplings, closed form and network are all on the side of theory."""
        measured = [r2 for r2 in (self.r2, self.closed_form, self.reachable) if r2 is not None]
        if self.theory == 0:
            return self.within_theory and max(abs(r2) for r2 in measured) <= LOST
        return self.within_theory and min(measured) >= REPRESENTED

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as JSON-ready data, with its status."""
        data = asdict(self)
        return {**data.pop("settings"), **data, "status": self.status, "agrees": self.agrees}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RingCell:
        """Rebuild a cell from `to_dict`."""
        settings = {name: data[name] for name in RingSettings.__dataclass_fields__}
        rest = {name: data[name] for name in cls.__dataclass_fields__ if name != "settings"}
        return cls(RingSettings(**settings), **rest)


def calibrate_ring(settings: RingSettings) -> RingCell:
    """Make the features of the centre, fit readouts in closed form and by training, and measure both.

    Raises
    ------
    InputError
        A wrong setting, or nequip is not installed.
    """
    started = time.perf_counter()
    cluster = ring_cluster(settings.fold, settings.breaking)
    made = ring_features(
        settings.features,
        settings.l_max,
        fold=settings.fold,
        breaking=settings.breaking,
        trained_for=settings.degree if settings.trained else None,
        steps=settings.feature_steps,
        seed=settings.seed,
    )
    vectors = reduced(dict(made))
    polynomial = settings.activation in ("power", "product")
    given = haar_rotations(settings.samples, np.random.default_rng([settings.seed, 4]))
    held_out = haar_rotations(settings.held_out, np.random.default_rng([settings.seed, 5]))
    wanted, truth = (wigner_d(settings.fold, rotations) @ cluster.target for rotations in (given, held_out))
    fit = fit_network(
        turned(vectors, given),
        wanted,
        degree=settings.degree,
        activation=settings.activation,
        width=settings.width,
        training=NetworkTraining(steps=settings.steps),
        seed=settings.seed,
    )
    fit.network.double()
    theory: int | None = ring_theory(settings.degree, settings.l_max, settings.fold, settings.breaking)
    closed_form, columns, largest = None, None, None
    if polynomial:
        span = _span(vectors, settings.degree)
        if span is not None:
            columns = sum((2 * l + 1) * len(basis) for l, basis in span.items())
            on_given, on_held_out = turned(span, given), turned(span, held_out)
            closed_form = _r2(truth, on_held_out @ _solve(on_given, wanted))
            largest = _r2(truth, on_held_out @ _solve(on_held_out, truth))
    elif settings.breaking or settings.l_max >= settings.fold:
        theory = None
    else:
        theory = 0
    return RingCell(
        settings=settings,
        theory=theory,
        reachable=reachable_fraction(vectors, settings.degree, cluster.target) if polynomial else None,
        r2=_r2(truth, fit.predict(turned(vectors, held_out))),
        closed_form=closed_form,
        columns=columns,
        largest_possible=largest,
        channels={str(l): len(rows) for l, rows in vectors.items()},
        seconds=time.perf_counter() - started,
    )


def _span(vectors: Vectors, degree: int) -> Vectors | None:
    """Return vectors whose turned components span all polynomials of the features, or None where they are too many."""
    top = degree * max(vectors, default=0)
    if top > _MOST_L:
        return None
    span = reachable_vectors(vectors, degree, top)
    columns = sum((2 * l + 1) * len(basis) for l, basis in span.items())
    return span if columns <= _MOST_COLUMNS else None


def _solve(columns: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    # Wigner matrix elements are orthogonal over rotations: with eight samples a column the Gram matrix is well conditioned.
    scale = np.linalg.norm(columns, axis=0)
    scaled = columns / scale
    return np.asarray(np.linalg.solve(scaled.T @ scaled, scaled.T @ target) / scale[:, None])


def _r2(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    return 1.0 - float(np.sum((truth - predicted) ** 2)) / float(np.sum(truth**2))
