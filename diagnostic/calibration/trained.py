r"""Synthetic calibration: trained readouts of single directions against the exact 0 or 1 of theory.

The features are all real harmonics Phi_L(r), l <= L, of one direction r; the target is a field of one pure l on the sphere,
by default the C5 field Re Y_55; the readout is a polynomial of degree d. Polynomials of degree d of Phi_L span exactly the
harmonics with l <= dL, so that the largest share of the field that any readout can explain is 1 if l <= dL
and 0 otherwise. Each cell gives three numbers for it: theory, the closed-form solution, and a network trained by gradient
descent. Where the closed form succeeds and the network does not, the field was not learned; where both fail, it is not
representable.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...numerics.directions import gauss_product_directions, haar_directions
from ...numerics.harmonics import real_harmonics
from ...numerics.rank import monomial_count, monomial_matrix
from ...theory.errors import InputError
from ..readouts.polynomial_network import Activation
from ..readouts.polynomial_network_training import NetworkFit, NetworkTraining, Optimiser, fit_network
from .field import SymmetricField, symmetric_field_of

#: R2 above which a field counts as represented or learned, and below which in size it counts as lost.
REPRESENTED, LOST = 0.99, 0.05

#: Training falls short where its R2 is so far below that of the closed form.
SHORT = 0.01

#: All monomials are fitted up to this many; the harmonics with l <= dL span the same and are fitted always.
MOST_MONOMIALS = 1300

#: Largest d and L of a cell.
LARGEST = 5


@dataclass(frozen=True)
class CellSettings:
    """What one cell of the calibration trains.

    Attributes
    ----------
    field, field_l
        Point group of the field and its degree (None: the smallest).
    degree, l_max
        d of the readout, L of the features; both 1 to 5.
    activation, width, depth
        Of the network; the degree of the readout is that of one layer, so that depth must be 1 for polynomials.
    noise
        Standard deviation of Gaussian noise on the training targets, in units of the field's root mean square.
    samples, held_out
        Numbers of Haar-random directions.
    optimiser, steps
        See `NetworkTraining`.
    seed
        Of directions, noise, weights and batches.
    """

    field: str = "C5"
    field_l: int | None = None
    degree: int = 2
    l_max: int = 2
    activation: Activation = "power"
    width: int = 128
    depth: int = 1
    noise: float = 0.0
    samples: int = 4000
    held_out: int = 4000
    optimiser: Optimiser = "adam"
    steps: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, most in (("degree", LARGEST), ("l_max", LARGEST), ("samples", 10**6), ("held_out", 10**6)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise InputError(f"{name} of the calibration is {value!r}: give an integer from 1 to {most}")
        if self.polynomial and self.depth != 1:
            raise InputError(
                f"depth is {self.depth}: a polynomial readout of degree {self.degree} has one layer"
            )
        if (
            isinstance(self.noise, bool)
            or not isinstance(self.noise, int | float)
            or not 0.0 <= self.noise < math.inf
        ):
            raise InputError(f"noise is {self.noise!r}: give a number, zero or more")
        symmetric_field_of(self.field, self.field_l)
        NetworkTraining(optimiser=self.optimiser, steps=self.steps)

    @property
    def polynomial(self) -> bool:
        """Whether the network is a polynomial of degree d."""
        return self.activation in ("power", "product")

    def target(self) -> SymmetricField:
        """Return the field."""
        return symmetric_field_of(self.field, self.field_l)


@dataclass(frozen=True)
class CalibrationCell:
    r"""Theory, closed form and trained network for one (degree, l_max).

    R2 is :math:`1 - \sum (y - p)^2 / \sum y^2` on directions that nothing was fitted on, noise-free.

    Attributes
    ----------
    settings
        What was trained.
    field_l
        Degree of the field.
    theory
        1 if l <= dL, 0 if not; None for an activation that is no polynomial: no ceiling.
    r2
        The trained network on the held-out directions.
    r2_sphere
        The same over the whole sphere, by a quadrature that is exact for polynomials: never above theory.
    closed_form
        Least squares on the harmonics with l <= dL (the span), held-out directions; for an activation without a
        ceiling this is still the polynomial of degree d, beside which it is seen.
    closed_form_sphere
        The same over the whole sphere.
    closed_form_even, closed_form_odd
        Mean square of the even and odd degrees of the closed form over that of the field, by quadrature.
    monomials, monomial_count
        Least squares on every monomial of degree <= d, held-out directions; None where there are too many.
    largest_possible
        What the best polynomial chosen on the held-out directions themselves would have: no trained one can exceed it.
    above
        Share of the trained network's mean square over the sphere in degrees above dL: rounding for a polynomial.
    parameters, seconds
        Size of the network and time of its training.
    diverged
        Whether training left all bounds.
    """

    settings: CellSettings
    field_l: int
    theory: int | None
    r2: float
    r2_sphere: float
    closed_form: float
    closed_form_sphere: float
    closed_form_even: float
    closed_form_odd: float
    monomials: float | None
    monomial_count: int
    largest_possible: float
    above: float
    parameters: int
    seconds: float
    diverged: bool

    @property
    def status(self) -> str:
        """One of "learned", "not learned", "not representable", "above theory", "no ceiling"."""
        if self.theory is None:
            return "no ceiling" if self.r2 >= REPRESENTED else "not learned"
        if not self.within_theory:
            return "above theory"
        if self.theory == 0:
            return "not representable"
        return "learned" if self.r2 >= self.closed_form - SHORT else "not learned"

    @property
    def within_theory(self) -> bool:
        """Whether the trained R2 is within what theory and the held-out sample allow (1e-6 for float32 weights)."""
        return self.theory is None or self.r2 <= self.largest_possible + 1e-6

    @property
    def agrees(self) -> bool:
        """Whether closed form and network are both on the side of theory: above 0.99, or below 0.05 in size."""
        if self.theory is None:
            return self.r2 >= REPRESENTED
        measured = [self.r2, self.closed_form] + ([] if self.monomials is None else [self.monomials])
        if self.theory == 1:
            return self.within_theory and min(measured) >= REPRESENTED
        return self.within_theory and max(abs(r2) for r2 in measured) <= LOST

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as JSON-ready data, with its status."""
        data = asdict(self)
        return {**data.pop("settings"), **data, "status": self.status, "agrees": self.agrees}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> CalibrationCell:
        """Rebuild a cell from `to_dict`."""
        settings = {name: data[name] for name in CellSettings.__dataclass_fields__}
        field_l = settings.pop("field_l")
        rest = {name: data[name] for name in cls.__dataclass_fields__ if name not in ("settings", "field_l")}
        return cls(CellSettings(**settings, field_l=field_l), field_l=field_l, **rest)


def calibrate_cell(settings: CellSettings) -> CalibrationCell:
    """Fit one cell in closed form and by training, and measure both.

    Directions are Haar-random: training and held-out ones from streams of their own, so that cells of one seed share them.

    Raises
    ------
    InputError
        A wrong setting.
    """
    field = settings.target()
    settings = replace(settings, field_l=field.l)
    given = haar_directions(settings.samples, np.random.default_rng([settings.seed, 0]))
    held_out = haar_directions(settings.held_out, np.random.default_rng([settings.seed, 1]))
    exact = field.values(given)
    noise = np.random.default_rng([settings.seed, 2]).standard_normal(len(given))
    wanted = exact + settings.noise * noise
    fit = fit_network(
        _features(settings, given),
        wanted,
        degree=settings.degree,
        activation=settings.activation,
        width=settings.width,
        depth=settings.depth,
        training=NetworkTraining(optimiser=settings.optimiser, steps=settings.steps),
        seed=settings.seed,
    )
    fit.network.double()  # the weights as they are; no more rounding on the way to the numbers below
    return _measured(settings, field, fit, (given, wanted), held_out)


def _measured(
    settings: CellSettings,
    field: SymmetricField,
    fit: NetworkFit,
    training: tuple[NDArray[np.float64], NDArray[np.float64]],
    held_out: NDArray[np.float64],
) -> CalibrationCell:
    boundary = settings.degree * settings.l_max
    # Exact for squares of anything of degree <= dL and of the field; a control without ceiling gets a finer grid.
    top = max(boundary, field.l) if settings.polynomial else 40
    sphere = gauss_product_directions(2 * top)
    harmonics = real_harmonics(top, sphere.directions)
    span = (boundary + 1) ** 2
    truth, truth_sphere = field.values(held_out), field.values(sphere.directions)
    solved = _least_squares(real_harmonics(boundary, training[0]), training[1])
    on_held_out = real_harmonics(boundary, held_out)
    best = on_held_out @ _least_squares(on_held_out, truth)
    trained = fit.predict(_features(settings, sphere.directions))[:, 0]
    amplitudes = harmonics.T @ (sphere.weights * trained)
    power = float(sphere.weights @ trained**2)
    degrees = np.floor(np.sqrt(np.arange(span))).astype(int)
    count = monomial_count(settings.degree, settings.l_max)
    every = None
    if count <= MOST_MONOMIALS:
        chosen = _from_gram(monomial_matrix(training[0], settings.degree, settings.l_max), training[1])
        every = _r2(truth, monomial_matrix(held_out, settings.degree, settings.l_max) @ chosen)
    return CalibrationCell(
        settings=settings,
        field_l=field.l,
        theory=int(field.representable(settings.degree, settings.l_max)) if settings.polynomial else None,
        r2=_r2(truth, fit.predict(_features(settings, held_out))[:, 0]),
        r2_sphere=_r2(truth_sphere, trained, sphere.weights),
        closed_form=_r2(truth, on_held_out @ solved),
        closed_form_sphere=_r2(truth_sphere, harmonics[:, :span] @ solved, sphere.weights),
        closed_form_even=float(np.sum(solved[degrees % 2 == 0] ** 2)),
        closed_form_odd=float(np.sum(solved[degrees % 2 == 1] ** 2)),
        monomials=every,
        monomial_count=count,
        largest_possible=_r2(truth, best),
        above=float(np.sum(amplitudes[span:] ** 2) / power) if power > 0.0 else 0.0,
        parameters=fit.network.parameter_count,
        seconds=fit.seconds,
        diverged=fit.diverged,
    )


def _features(settings: CellSettings, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Phi_L without its constant, which the network has itself."""
    return real_harmonics(settings.l_max, directions)[:, 1:]


def _r2(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> float:
    w = np.ones(len(truth)) if weights is None else weights
    return 1.0 - float(w @ (truth - predicted) ** 2) / float(w @ truth**2)


def _least_squares(columns: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.lstsq(columns, target, rcond=None)[0])


def _from_gram(columns: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares of smallest norm for dependent columns: monomials are many more than the span has dimensions."""
    values, vectors = np.linalg.eigh(columns.T @ columns)
    # Relations between monomials leave eigenvalues of rounding, 1e-16 of the largest; real ones are above 1e-9 of it here.
    kept = values > 1e-11 * values[-1]
    return np.asarray(vectors[:, kept] @ ((vectors[:, kept].T @ (columns.T @ target)) / values[kept]))
