r"""Are forces the negative gradient of the energy, in the same units, and do they turn with the frame?

The slope of the energy along a direction u is read off a polynomial of degree 6 that is fitted to the energy at 13 Chebyshev
points in [-h, h]. Chebyshev polynomials up to degree 12 are orthogonal on these points, so what the fit leaves out first,
a_7 T_7, changes no coefficient; it leaves a residual of root mean square :math:`|a_7| / \sqrt 2` and an error of the slope of
:math:`7 |a_7| / h`, that is 10 residuals over h. Rounding of the energies is in the residual, too, and weighs less. Three times
as much is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ..frames.frames import Frames
from ..frames.motions import at_positions, matrices, strained, turned
from .backbone import Backbone
from .check_report import Finding
from .equivariance import EQUIVARIANCE_TOLERANCE

Array = NDArray[np.float64]
#: Root-mean-square displacement of an atom at the ends of a line, Å.
_REACH = 0.01
_POINTS, _DEGREE = 13, 6
#: Error of the slope in residuals over h: 10 by the derivation above, three times that.
_RESIDUALS = 30.0
#: Strain at the ends of a line: it moves an atom 3 Å from its neighbour by as much.
_STRAIN = 0.003
#: Random directions beside that of the forces themselves.
_DIRECTIONS = 3
#: Force is so many times what the model gives: what that factor means.
_FACTORS = {
    -1.0: "the sign is wrong: give minus the gradient of the energy",
    27.211386: "forces in hartree/Å beside energies in eV: multiply forces by 27.211",
    1.889726: "forces in eV/bohr beside energies in eV: multiply forces by 1.8897",
    51.422067: "forces in hartree/bohr beside energies in eV: multiply forces by 51.422",
    0.0433641: "forces in kcal/mol/Å beside energies in eV: divide forces by 23.061",
    0.0103643: "forces in kJ/mol/Å beside energies in eV: divide forces by 96.485",
    1.03643e-3: "forces in kJ/mol/nm beside energies in eV: divide forces by 964.85",
    1e-3: "forces in meV/Å beside energies in eV: divide forces by 1000",
    1 / 27.211386: "energies in hartree beside forces in eV/Å: multiply energies by 27.211",
    23.060548: "energies in kcal/mol beside forces in eV/Å: divide energies by 23.061",
    96.485332: "energies in kJ/mol beside forces in eV/Å: divide energies by 96.485",
    1e3: "energies in meV beside forces in eV/Å: divide energies by 1000",
}
#: Forces of a trained model against those of the frames: a factor, and what the model's forces are in.
_AGAINST_FRAMES = {
    -1.0: "the opposite sign",
    27.211386: "hartree/Å",
    51.422067: "hartree/bohr",
    1.889726: "eV/bohr",
    0.0433641: "kcal/mol/Å",
    0.0103643: "kJ/mol/Å",
    1e-3: "meV/Å",
}
#: How near a factor has to be: the spread of the slopes, and what a trained model's forces miss of the frames'.
_NEAR, _NEAR_FRAMES = 0.01, 0.05


def check_forces(backbone: Backbone, frames: Frames, rng: np.random.Generator) -> list[Finding]:
    """Return the findings on forces and energies, of a few frames.

    Parameters
    ----------
    backbone
        The model.
    frames
        A few frames; their forces are compared with the model's where it is trained.
    rng
        Draws rotations, a shift and directions.
    """
    if not backbone.has_forces:
        return [
            Finding(
                "forces", None, "the model says that it has no forces: readouts are fitted to the whole force"
            )
        ]
    forces: Any = backbone.forces(frames)
    wrong = _not_an_array(forces, frames.positions.shape, "forces")
    if wrong:
        return [Finding("forces", False, wrong)]
    size = float(np.sqrt(np.mean(forces**2)))
    if size == 0.0:
        sentence = "forces are all zero: let has_forces say False where the model has none"
        return [Finding("forces", False, sentence, 0.0)]
    findings = [
        Finding(
            "forces",
            True,
            f"forces have shape {forces.shape}, float64, root mean square {size:.2g} eV/Å",
            size,
        ),
        _turning(backbone, frames, forces, size, rng),
        _against_frames(backbone, frames, forces),
    ]
    if not backbone.has_energies:
        return [
            *findings,
            Finding("energies", None, "the model says that it has no energies: forces are held against none"),
        ]
    return [*findings, *_energies(backbone, frames, forces, size, rng)]


def _not_an_array(values: Any, shape: tuple[int, ...], what: str) -> str:
    """Return what is wrong with an array, empty where nothing is."""
    if not isinstance(values, np.ndarray):
        return f"{what} are a {type(values).__name__}, expected a NumPy array of shape {shape}"
    if values.shape != shape:
        return f"{what} have shape {values.shape}, expected {shape}"
    if values.dtype != np.float64:
        return f"{what} are {values.dtype}, expected float64: convert them where they leave the model"
    if not np.isfinite(values).all():
        return f"{what} are not finite, expected numbers; check the model"
    return ""


def _turning(
    backbone: Backbone, frames: Frames, forces: Array, size: float, rng: np.random.Generator
) -> Finding:
    rotations = haar_rotations(len(frames), rng)
    rotated = backbone.forces(turned(frames, rotations))
    expected = np.einsum("nij,naj->nai", rotations, forces)
    miss = float(np.sqrt(np.mean((rotated - expected) ** 2))) / size
    shift = rng.normal(size=(len(frames), 1, 3))
    moved = backbone.forces(at_positions(frames, frames.positions + shift))
    shifted = float(np.sqrt(np.mean((moved - forces) ** 2))) / size
    if miss <= EQUIVARIANCE_TOLERANCE and shifted <= EQUIVARIANCE_TOLERANCE:
        sentence = f"forces turn with the frame to {miss:.0e}, and stay under a shift to {shifted:.0e}"
        return Finding("force rotation", True, sentence, miss)
    if miss <= EQUIVARIANCE_TOLERANCE:
        sentence = f"forces change by {shifted:.1e} of their size under a shift: they depend on where the molecule stands"
        return Finding("force rotation", False, sentence, shifted)
    back = np.einsum("nji,naj->nai", rotations, forces)
    transposed = float(np.sqrt(np.mean((rotated - back) ** 2))) / size
    why = "they turn the other way round" if transposed < 0.1 * miss else "check the order of axes and atoms"
    return Finding("force rotation", False, f"forces miss rotations by {miss:.1e} of their size: {why}", miss)


def _against_frames(backbone: Backbone, frames: Frames, forces: Array) -> Finding:
    name = "force units"
    theirs = frames.forces
    untrained = backbone.info.trained is False
    if untrained or not theirs.any():
        why = "the model is not trained" if untrained else "the frames have no forces"
        return Finding(name, None, f"forces are not compared with those of the frames: {why}")
    factor = float((theirs * forces).sum() / (forces**2).sum())
    alike = float((theirs * forces).sum() / np.sqrt((forces**2).sum() * (theirs**2).sum()))
    if abs(alike) < 0.9:
        sentence = f"forces resemble those of the frames by a correlation of {alike:.2f}: their units cannot be told from that"
        return Finding(name, None, sentence, factor)
    for known, words in _AGAINST_FRAMES.items():
        if abs(factor / known - 1.0) < _NEAR_FRAMES:
            sentence = f"forces of the frames are {factor:.4g} times the model's: the model's are in {words}, expected eV/Å"
            return Finding(name, False, sentence, factor)
    if 0.5 < factor < 2.0:
        return Finding(
            name, True, f"forces of the frames are {factor:.3f} times the model's: the same unit", factor
        )
    sentence = (
        f"forces of the frames are {factor:.4g} times the model's, expected about 1: check the units of both"
    )
    return Finding(name, False, sentence, factor)


@dataclass(frozen=True)
class _Slopes:
    """Minus the energy's slope and the force along some directions, eV/Å, and what can be told of the difference."""

    slopes: Array
    works: Array
    tolerance: Array
    noise: float


def _energies(
    backbone: Backbone, frames: Frames, forces: Array, size: float, rng: np.random.Generator
) -> list[Finding]:
    energies, again = backbone.energies_and_forces(frames)
    wrong = _not_an_array(energies, (len(frames),), "energies") or _not_an_array(
        again, frames.positions.shape, "forces of energies_and_forces"
    )
    if wrong:
        return [Finding("energies", False, wrong)]
    apart = float(np.sqrt(np.mean((again - forces) ** 2))) / size
    if apart > EQUIVARIANCE_TOLERANCE:
        sentence = f"forces of energies_and_forces differ from those of forces by {apart:.1e} of their size"
        return [Finding("energies", False, sentence, apart)]
    strongest = int(np.argmax((forces**2).sum(axis=(1, 2))))
    measured = _slopes(backbone, frames.select([strongest]), forces[strongest], rng)
    rotations = haar_rotations(len(frames), rng)
    rotated = backbone.energies_and_forces(turned(frames, rotations))[0]
    change = float(np.abs(rotated - energies).max())
    # a rounding of the energies that the lines show, or what forces this wrong would do along 1 Å
    allowed = _RESIDUALS * measured.noise + EQUIVARIANCE_TOLERANCE * size
    held = change <= allowed
    sentence = f"energies change by {change:.1e} eV when frames are turned" + (
        "" if held else f", expected at most {allowed:.1e}: they depend on the orientation"
    )
    return [
        Finding("energies", held, sentence, change),
        _gradient(measured, len(frames.numbers)),
        *_stress(backbone, frames.select([strongest])),
    ]


def _slopes(backbone: Backbone, frame: Frames, forces: Array, rng: np.random.Generator) -> _Slopes:
    atoms = len(frame.numbers)
    directions = np.concatenate([forces[None], rng.normal(size=(_DIRECTIONS, atoms, 3))])
    directions *= np.sqrt(atoms) / np.sqrt((directions**2).sum(axis=(1, 2), keepdims=True))
    nodes = np.cos(np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
    slopes, residuals = [], []
    for direction in directions:
        positions = frame.positions[0] + _REACH * nodes[:, None, None] * direction
        slope, residual = _slope(backbone, at_positions(frame, positions), nodes)
        residuals.append(residual)
        slopes.append(-slope / _REACH)
    works = np.einsum("dai,ai->d", directions, forces)
    rounding = EQUIVARIANCE_TOLERANCE * float(np.linalg.norm(forces)) * np.sqrt(atoms)
    tolerance = _RESIDUALS * np.array(residuals) / _REACH + rounding
    return _Slopes(np.array(slopes), works, tolerance, max(residuals))


def _slope(backbone: Backbone, line: Frames, nodes: Array) -> tuple[float, float]:
    """Return the slope of the energy at the middle of a line of frames, in units of half its length, and the fit's residual."""
    energies = backbone.energies_and_forces(line)[0]
    energies = energies - energies.mean()
    fit = chebyshev.chebfit(nodes, energies, _DEGREE)
    residual = float(np.sqrt(np.mean((chebyshev.chebval(nodes, fit) - energies) ** 2)))
    return float(chebyshev.chebval(0.0, chebyshev.chebder(fit))), residual


def _stress(backbone: Backbone, frame: Frames) -> list[Finding]:
    """Hold the stress of one frame against the slope of the energy along each of the six strains."""
    if not all(frame.pbc) or frame.cells is None:
        return []
    given: Any = backbone.stress(frame)
    if given is None:
        return [Finding("stress", None, "the model gives no stress: nothing is held against it")]
    wrong = _not_an_array(given, (1, 6), "stress")
    if wrong:
        return [Finding("stress", False, wrong)]
    nodes = np.cos(np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
    volume = float(np.abs(np.linalg.det(frame.cells[0])))
    slopes, tolerance = np.empty(6), np.empty(6)
    for k in range(6):
        # a shear has two off-diagonal entries, of which each counts half
        strain = matrices(np.eye(6)[k] * (1.0 if k < 3 else 0.5))
        line = strained(frame, _STRAIN * nodes[:, None, None] * strain)
        slope, residual = _slope(backbone, line, nodes)
        slopes[k] = slope / (_STRAIN * volume)
        tolerance[k] = _RESIDUALS * residual / (_STRAIN * volume)
    size = float(np.abs(slopes).max())
    miss = float(np.abs(given[0] - slopes).max()) / (size or 1.0)
    tolerance += EQUIVARIANCE_TOLERANCE * size
    if (tolerance > 0.1 * size).any():
        sentence = "energies are too coarse under strain to tell whether the stress is their slope; evaluate the model in float64"
        return [Finding("stress", None, sentence, miss)]
    if (np.abs(given[0] - slopes) <= tolerance).all():
        return [
            Finding("stress", True, f"stress is the slope of the energy over the volume to {miss:.0e}", miss)
        ]
    factor = float((slopes * given[0]).sum() / max((given[0] ** 2).sum(), np.finfo(float).tiny))
    sentence = (
        f"the slope of the energy over the volume is {factor:.4g} times the stress, and differs from it by {miss:.1e} of its "
        "size: give eV/Å³ in the order xx, yy, zz, yz, xz, xy, positive where the crystal wants to shrink"
    )
    return [Finding("stress", False, sentence, factor)]


def _gradient(measured: _Slopes, atoms: int) -> Finding:
    name = "force gradient"
    slopes, works = measured.slopes, measured.works
    miss = float(np.linalg.norm(slopes - works) / np.linalg.norm(works))
    if (measured.tolerance > 0.1 * np.abs(works[0])).any():
        sentence = (
            f"energies are too coarse along a line of {_REACH} Å (noise {measured.noise:.0e} eV) to tell whether forces are "
            "their gradient; evaluate the model in float64"
        )
        return Finding(name, None, sentence, miss)
    if (np.abs(slopes - works) <= measured.tolerance).all():
        return Finding(name, True, f"forces are minus the gradient of the energy to {miss:.0e}", miss)
    factor = float((slopes * works).sum() / (works**2).sum())
    head = f"minus the gradient of the energy is {factor:.4g} times the forces"
    if np.linalg.norm(slopes - factor * works) > _NEAR * np.linalg.norm(slopes):
        sentence = (
            f"forces differ from minus the gradient of the energy by {miss:.1e} of their size, direction by direction: they are "
            "not its gradient (predicted on their own, of another head, or without a part of the energy)"
        )
        return Finding(name, False, sentence, miss)
    for known, words in {
        **_FACTORS,
        1.0 / atoms: "energies are given per atom: multiply them by the number of atoms",
    }.items():
        if abs(factor / known - 1.0) < _NEAR:
            return Finding(name, False, f"{head}: {words}", factor)
    return Finding(name, False, f"{head}, expected once: check the units of both", factor)
