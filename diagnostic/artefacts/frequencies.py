"""Frequencies by finite displacement (``ase.phonons``) at every wave vector that is commensurate with the supercell."""

from __future__ import annotations

import tempfile
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from ase.phonons import Phonons
from numpy.typing import NDArray

from ..dynamics.every_step import Moving
from .settings import ArtefactSettings, decided
from .subject import relaxed, shortest_distance

Array = NDArray[np.float64]
_THZ = float(units._e / units._hplanck / 1e12)
#: Frequencies below this share of the highest are translations, rotations or too soft to compare.
_SOFT = 0.1


def frequencies(
    atoms: Moving, calculator: Any, repeat: tuple[int, int, int], displacement: float
) -> tuple[Array, Array]:
    r"""Return wave vectors ``(q, 3)`` in units of the reciprocal vectors and frequencies ``(q, modes)`` in THz, ascending.

    The eigenvalues of :math:`D(q) = M^{-1/2} \sum_R C(R) e^{-i q R} M^{-1/2}` are :math:`(2 \pi \nu)^2`; :math:`C` comes from
    central differences of forces, with the acoustic sum rule imposed by ``ase.phonons``. A negative number stands for an
    imaginary frequency.
    """
    points = np.array([np.array(index) / repeat for index in product(*(range(count) for count in repeat))])
    held: Any = atoms.copy()
    if not held.pbc.any():
        held.set_cell(np.eye(3) * (2 * float(np.ptp(held.positions)) + 20.0))
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        made: Any = Phonons
        phonons = made(
            held, calculator, supercell=repeat, delta=displacement, name=str(Path(folder) / "cache")
        )
        phonons.run()
        phonons.read(acoustic=bool(held.pbc.any()))
        energies = np.asarray(phonons.band_structure(points, verbose=False))
    return points, np.sort(np.real(energies), axis=1) * _THZ


def highest(values: Array) -> NDArray[np.bool_]:
    """Return which modes belong to the highest third of all, at least one."""
    order = np.argsort(values.ravel())
    count = max(1, len(order) // 3)
    mask = np.zeros(len(order), dtype=bool)
    mask[order[len(order) - count :]] = True
    return mask.reshape(values.shape)


def compare_frequencies(
    atoms: Moving, model: Any, reference: Any, settings: ArtefactSettings
) -> dict[str, Any]:
    """Compare the frequencies of both calculators, mode by mode in ascending order at each wave vector.

    ``ratio`` is the mean of model over reference of the highest third; its error is how much it changes with twice the
    displacement. ``lengths`` are the shortest distances of the geometries that each calculator relaxes to.
    """
    repeat = settings.repeat if atoms.pbc.all() else (1, 1, 1)
    itself = relaxed(atoms, model, cell=True)
    at = {"model": itself if settings.geometry == "own" else atoms, "reference": atoms}
    rows = {}
    for factor in (1, 2):
        for name, calculator in (("model", model), ("reference", reference)):
            rows[name, factor] = frequencies(at[name], calculator, repeat, factor * settings.displacement)
    points, truth = rows["reference", 1]
    upper = highest(truth)
    ratios = [float((rows["model", f][1][upper] / rows["reference", f][1][upper]).mean()) for f in (1, 2)]
    error = abs(ratios[1] - ratios[0])
    ours = rows["model", 1][1]
    firm = truth > _SOFT * truth.max()
    verdict = decided(ratios[0] - 1, error, settings.phonon_tolerance)
    unstable = int((ours < -_SOFT * truth.max()).sum())
    if unstable and not (truth < -_SOFT * truth.max()).any():
        verdict = "differs"
    shift = 100 * (ratios[0] - 1)
    sentence = (
        f"Phonons: the highest third of the vibrations is {'lower' if shift < 0 else 'higher'} by {abs(shift):.1f} % "
        f"(± {100 * error:.1g} %)"
        + (f", and {unstable} modes are imaginary" if unstable else "")
        + f", up to {ours.max():.2f} THz where the reference has {truth.max():.2f} THz: {verdict}."
    )
    return {
        "geometry": settings.geometry,
        "repeat": list(repeat),
        "lengths": {"model": shortest_distance(itself), "reference": shortest_distance(atoms)},
        "wave_vectors": points.tolist(),
        "model": ours.tolist(),
        "reference": truth.tolist(),
        "ratio": ratios[0],
        "error": error,
        "ratio_all": float((ours[firm] / truth[firm]).mean()),
        "ratio_rms": float(np.sqrt(((ours[firm] / truth[firm] - 1) ** 2).mean())),
        "highest_model": float(ours.max()),
        "highest_reference": float(truth.max()),
        "imaginary": unstable,
        "verdict": verdict,
        "sentence": sentence,
    }
