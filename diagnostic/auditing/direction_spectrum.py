r"""What a model takes in of one direction: power by l as one neighbour moves over a sphere around one atom.

Every other atom stays, and so does the distance of the moving one from the centre. A quantity f (features of the centre, the
energy, a force in the laboratory frame) becomes a function of the direction r on the sphere,

.. math:: P_l = \sum_m \left( \frac{1}{4\pi} \int f(r)\, Y_{lm}(r)\, dr \right)^2, \qquad
          \sum_l P_l = \frac{1}{4\pi} \int f^2 dr

("component" harmonics), by a Lebedev quadrature exact to degree q >= 2 l_top. Functions of band B <= q - l are measured
exactly. For others the error is measured at independent random directions, as
:mod:`~spectral_ceilings.diagnostic.auditing.rotation_audit` does for rotations.

On the **star graph** only the edges of the centre are kept, and nothing but directions changes. On the **full graph** the
distances of the moving atom from all others but the centre change too, and edges may come and go at the cutoff.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...numerics.directions import SphereQuadrature, haar_directions, lebedev_directions
from ...numerics.harmonics import real_harmonics
from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.responses import star
from ..frames.frames import Frames
from ..frames.neighbours import neighbours
from ..records.devices import slices
from .bandwidth import Bandwidth, Graph, bandwidth, direction_floor, predicted_bandwidth
from .rotation_audit import one_frame
from .rounding import Rounding, measure_rounding

_Quantity = tuple[str, int | None, int | None]  # name, and for a layer l and parity

#: Copies of the molecule run at a time, in atoms, and directions that measure the error.
_ATOMS_AT_A_TIME, CHECK_DIRECTIONS = 240, 30
#: Atoms that a molecule must have, so that a moving neighbour has something to move past.
LEAST_ATOMS = 3
#: Farthest that a moving neighbour may be from its centre (Å).
REACH = 3.0
#: Nearest images of periodic frames are looked for this far, Å.
SEARCHED = 12.0


@dataclass(frozen=True)
class MovingNeighbour:
    """Which atom moves around which.

    Attributes
    ----------
    centre, neighbour
        Atom indices.
    distance
        Å, kept.
    clearance
        Smallest distance (Å) from any other atom that the moving one can reach: the difference of their distances from the
        centre.
    """

    centre: int
    neighbour: int
    distance: float
    clearance: float


def minimum_distances(frame: Frames, reach: float) -> NDArray[np.float64]:
    """Return the distances ``(atoms, atoms)`` (Å) of the first frame, to the nearest image where it is periodic.

    Images farther than ``reach`` are not looked for: such distances are infinite. An atom's distance from itself is 0.
    """
    if not frame.periodic or frame.cells is None:
        return np.asarray(np.linalg.norm(frame.positions[0][:, None] - frame.positions[0][None], axis=2))
    near = neighbours(frame.positions[0], reach, frame.cells[0], frame.pbc)
    distances = np.full((len(frame.numbers),) * 2, np.inf)
    np.minimum.at(distances, (near.first, near.second), near.distances)
    np.fill_diagonal(distances, 0.0)
    return distances


def moving_neighbour(
    frame: Frames, centre: int | None = None, neighbour: int | None = None, *, among: int | None = None
) -> MovingNeighbour:
    """Return the pair asked for, or the pair within 3 Å whose neighbour stays farthest from every other atom as it moves.

    Of periodic frames, which are to be wide enough that images of the neighbour play no part, distances are to nearest images.

    Parameters
    ----------
    among
        Number of atoms of which the centre is one, and after which the atoms repeat: ``neighbour`` is the nearest of its images.
        None: all.

    Raises
    ------
    InputError
        If an index is outside the molecule, both are the same, or the molecule has fewer than three atoms.
    """
    everything = len(frame.numbers)
    count = everything if among is None else among
    if everything < LEAST_ATOMS:
        raise InputError(
            f"{frame.source}: the molecule has {everything} {'atom' if everything == 1 else 'atoms'}: a moving neighbour needs "
            f"at least {LEAST_ATOMS}; leave the part directions out"
        )
    for name, index in (("centre", centre), ("neighbour", neighbour)):
        if index is not None and not 0 <= index < count:
            raise InputError(
                f"{name} {index} is not in the molecule, expected an index from 0 to {count - 1}"
            )
    if centre is not None and centre == neighbour:
        raise InputError(f"atom {centre} cannot move around itself: give another neighbour")
    distances = minimum_distances(frame, SEARCHED)
    best: MovingNeighbour | None = None
    for i in range(count) if centre is None else (centre,):
        for j in range(everything) if neighbour is None else (_nearest(distances[i], neighbour, count),):
            if i == j or (distances[i, j] > REACH and neighbour is None):
                continue
            others = [k for k in range(everything) if k not in (i, j)]
            far = np.where(np.isfinite(distances[i, others]), distances[i, others], SEARCHED)
            clearance = float(np.abs(far - distances[i, j]).min())
            if best is None or clearance > best.clearance:
                best = MovingNeighbour(i, j, float(distances[i, j]), clearance)
    if best is not None and not np.isfinite(best.distance):
        raise InputError(
            f"atoms {centre} and {neighbour} are more than {SEARCHED:g} Å apart: give a nearer neighbour"
        )
    if best is None:
        raise InputError(
            f"atom {centre} has no neighbour within {REACH} Å: give a neighbour or another centre"
        )
    return best


def _nearest(distances: NDArray[np.float64], atom: int, count: int) -> int:
    """Return which of the images of an atom is nearest, by index: they stand ``count`` apart."""
    images = np.arange(atom, len(distances), count)
    return int(images[np.argmin(distances[images])])


@dataclass(frozen=True)
class DirectionSpectrum:
    """Power by l of one quantity in the direction of the moving neighbour.

    Attributes
    ----------
    quantity
        A layer's name, ``energy`` or ``forces``.
    l_out, parity
        The irrep of a layer; None for the energy and the forces.
    power
        ``(l_top+1,)``: P_l over the total, summed over channels and components.
    total
        Mean square over directions (eV², eV²/Å², or the features' own); of the energy without its mean, which is arbitrary.
    error
        Relative root mean square at random directions of what the spectrum leaves.
    bandwidth
        The same in a few numbers, beside the prediction, and the share of the power below which it is rounding.
    """

    quantity: str
    l_out: int | None
    parity: int | None
    power: NDArray[np.float64]
    total: float
    error: float
    bandwidth: Bandwidth


def direction_spectra(
    backbone: Backbone,
    frame: Frames,
    moving: MovingNeighbour,
    layers: Sequence[str],
    graph: Graph,
    l_top: int,
    rng: np.random.Generator,
    *,
    degree: int | None = None,
    energy: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> list[DirectionSpectrum]:
    """Measure the power by l of every layer's features of the centre, of the energy and of the forces.

    Parameters
    ----------
    backbone
        The model, in float64.
    frame
        Frames of which the first is taken.
    moving
        From :func:`moving_neighbour`.
    layers
        Names of layers.
    graph
        ``star`` or ``full``.
    l_top
        Highest degree measured.
    rng
        Draws the directions that measure the error.
    degree
        Degree of the quadrature, at least l_top; None: 2 l_top.
    energy
        Whether to measure the energy and the forces.
    progress
        Called with (directions done, directions).

    Raises
    ------
    InputError
        If l_top does not fit the quadrature, or no star graph can be made of this backbone.
    """
    exact = 2 * l_top if degree is None else degree
    if not 0 <= l_top <= exact:
        raise InputError(
            f"l_top is {l_top} for a quadrature exact to degree {exact}: give 0 to {exact}, or a higher degree"
        )
    quadrature = lebedev_directions(exact, positive=True)
    sphere = _Sphere(backbone, frame, moving, layers, graph, energy)
    meters: dict[_Quantity, _DirectionMeter] = {}
    for rows, values in sphere.quantities(quadrature.directions):
        for key, part in values.items():
            if key not in meters:
                meters[key] = _DirectionMeter(quadrature, l_top, part[0])
            meters[key].add(rows, part)
        if progress:
            progress(rows.stop, len(quadrature))
    checks = haar_directions(CHECK_DIRECTIONS, rng)
    for rows, values in sphere.quantities(checks):
        for key, part in values.items():
            meters[key].check(checks[rows], part)
    rounding = measure_rounding(backbone, frame, layers, rng, forces=energy)
    return _spectra(sphere, meters, rounding)


@dataclass(frozen=True)
class _Sphere:
    """A frame whose neighbour moves over a sphere around its centre, everything else at rest."""

    backbone: Backbone
    frame: Frames
    moving: MovingNeighbour
    layers: Sequence[str]
    graph: Graph
    energy: bool

    def quantities(
        self, directions: NDArray[np.float64]
    ) -> Iterator[tuple[slice, dict[_Quantity, NDArray[np.float64]]]]:
        """Yield (rows, values by quantity, ``(rows, components)``) of the neighbour in each direction, in batches."""
        frame, moving = self.frame, self.moving
        edges = star(moving.centre) if self.graph == "star" else None
        size = max(1, _ATOMS_AT_A_TIME // len(frame.numbers))
        for rows in slices(len(directions), size):
            count = rows.stop - rows.start
            positions = np.repeat(frame.positions[:1], count, axis=0)
            positions[:, moving.neighbour] = positions[:, moving.centre] + moving.distance * directions[rows]
            answer = self.backbone.respond(
                one_frame(frame, positions), self.layers, edges=edges, forces=self.energy
            )
            values: dict[_Quantity, NDArray[np.float64]] = {}
            for name, features in answer.features.items():
                for block in features.blocks():
                    values[name, block.l, block.parity] = block.values[:, moving.centre].reshape(count, -1)
            if answer.energies is not None:
                values["energy", None, None] = answer.energies[:, None]
            if answer.forces is not None:
                values["forces", None, None] = answer.forces.reshape(count, -1)
            yield rows, values


def _spectra(
    sphere: _Sphere, meters: dict[_Quantity, _DirectionMeter], rounding: Rounding
) -> list[DirectionSpectrum]:
    """Return what the meters measured beside what theory predicts."""
    measured = {key: meter.result(centred=key[0] == "energy") for key, meter in meters.items()}
    whole = {
        name: sum(total for key, (_, total, _) in measured.items() if key[0] == name)
        for name, _, _ in measured
    }
    spectra = []
    for (name, l_out, parity), (power, total, error) in measured.items():
        off = rounding.of(name, l_out, parity)
        if total <= direction_floor(off, whole[name] or 1.0) * whole[name]:
            # An irrep that symmetry leaves empty, or an energy that does not vary: its rounding has no spectrum.
            power, total, error = np.zeros_like(power), 0.0, 0.0
        predicted = None
        if l_out is not None and parity is not None:
            predicted = predicted_bandwidth(sphere.backbone, name, l_out, parity, sphere.graph)
        width = bandwidth(power, predicted, direction_floor(off, total) if total else 0.0)
        spectra.append(DirectionSpectrum(name, l_out, parity, power, total, error, width))
    return spectra


class _DirectionMeter:
    """Collects the harmonic coefficients of some functions of a direction."""

    def __init__(self, quadrature: SphereQuadrature, l_top: int, reference: NDArray[np.float64]) -> None:
        # Total energies are thousands of eV: their value at one direction is taken off, and comes back in P_0.
        self._quadrature, self._l_top, self._reference = quadrature, l_top, reference.copy()
        self._coefficients = np.zeros(((l_top + 1) ** 2, len(reference)))
        self._square = np.zeros(len(reference))
        self._left, self._checked = 0.0, 0

    def add(self, rows: slice, values: NDArray[np.float64]) -> None:
        weights = self._quadrature.weights[rows]
        values = values - self._reference
        harmonics = real_harmonics(self._l_top, self._quadrature.directions[rows])
        self._coefficients += (weights[:, None] * harmonics).T @ values
        self._square += weights @ values**2

    def check(self, directions: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        left = values - self._reference - real_harmonics(self._l_top, directions) @ self._coefficients
        self._left += float((left**2).sum())
        self._checked += len(directions)

    def result(self, centred: bool) -> tuple[NDArray[np.float64], float, float]:
        """Return relative power by l, the mean square, and the relative error; `centred` without the mean."""
        mean = self._coefficients[0] + (0.0 if centred else self._reference)
        if centred:
            mean = np.zeros_like(mean)
        power = np.array(
            [(self._coefficients[l * l : (l + 1) ** 2] ** 2).sum() for l in range(self._l_top + 1)]
        )
        power[0] = float((mean**2).sum())
        total = float(power[0] + (self._square - self._coefficients[0] ** 2).clip(0).sum())
        unit = total if total > 0 else 1.0
        return power / unit, total, float(np.sqrt(self._left / max(1, self._checked) / unit))
