"""Two runs from one start: drift at constant energy, and the radial distribution of a liquid."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.geometry import rdf
from numpy.typing import NDArray
from scipy.stats import t as student

from ..dynamics.every_step import EnergyRun, Moving
from ..dynamics.every_step import run_trajectory as run_trajectory
from ..dynamics.movers import thermal_momenta
from ..observables.energies import slope
from .settings import ArtefactSettings, Verdict, decided
from .subject import Coverage, shortest_distance

Array = NDArray[np.float64]
#: A function of ASE, which has no types.
_RDF: Any = rdf.get_rdf
#: Energies that a drift needs, and the first part of them that is left out; blocks of the frames of a liquid.
_FEWEST, _LEFT_OUT, _LIQUID_BLOCKS = 80, 10, 5
#: Frames of a liquid, of which the first fifth is left out; g(r) goes up to so many bonds of the crystal.
_SAMPLES, _REACH = 50, 1.6
#: Width of a bin of g(r) (Å), and the value of g at the onset of the first peak.
_BIN, _ONSET = 0.05, 0.5
#: A crystal counts as molten where atoms are, root mean square, further than this share of a bond from where they were.
_MOLTEN = 0.3


def drift(times: Array, energies: Array) -> tuple[float, float]:
    """Return the slope of energies against time without their first tenth, and the half width of its 95 % interval, which
    holds for fluctuations and for errors that add up.
    """
    first = len(times) // _LEFT_OUT
    estimate = slope(times[first:], energies[first:])
    return estimate.value, estimate.half_width()


def compare_drift(cell: Moving, model: Any, reference: Any, settings: ArtefactSettings) -> dict[str, Any]:
    """Compare the drift of the total energy (meV/atom/ns) of two runs from the same positions and momenta.

    The reference's drift is the time step's own. The difference is the slope, with its error, of the difference of the two
    energies at equal times.
    """
    start: Any = cell.copy()
    # half of it becomes potential energy
    start.set_momenta(
        thermal_momenta(cell, 2 * settings.temperature, np.random.default_rng([settings.seed, 3]))
    )
    runs = {
        name: run_trajectory(start, calculator, steps=settings.steps, time_step=settings.time_step)
        for name, calculator in (("model", model), ("reference", reference))
    }
    scale = 1e3 / len(cell) * 1e6  # eV/fs to meV/atom/ns
    row: dict[str, Any] = {
        "temperature": settings.temperature,
        "time_step": settings.time_step,
        "steps": settings.steps,
    }
    every = max(1, settings.steps // 400)
    for name, run in runs.items():
        full = len(run.times) > _FEWEST
        value, error = drift(run.times, run.total) if full else (None, None)
        row[name] = {
            "drift": None if value is None else scale * value,
            "error": None if error is None else scale * error,
            "ended": run.ended,
            "times": run.times[::every].tolist(),
            "energies": (1e3 / len(cell) * (run.total - run.total[:1]))[::every].tolist(),
        }
    ours, theirs = runs["model"], runs["reference"]
    difference = error = None
    verdict: Verdict = "undecided"
    if theirs.ended:
        sentence = f"Drift: the run of the reference ended ({theirs.ended}), so nothing can be said: give a shorter time step."
    elif ours.ended:
        verdict = "differs"
        sentence = f"Drift: the run of the model exploded, {ours.ended}, where that of the reference went on: differs."
    else:
        value, half = drift(ours.times, ours.total - theirs.total)
        difference, error = scale * value, scale * half
        verdict = decided(difference, error, settings.drift_tolerance)
        sentence = (
            f"Drift: {row['model']['drift']:.3g} ± {row['model']['error']:.2g} meV/atom/ns, of the reference "
            f"{row['reference']['drift']:.3g} ± {row['reference']['error']:.2g}; the difference is {difference:.3g} ± "
            f"{error:.2g}: {verdict}."
        )
    return {**row, "difference": difference, "error": error, "verdict": verdict, "sentence": sentence}


def radial_distribution(images: list[Moving], reach: float) -> tuple[Array, Array, float]:
    """Return distances ``(bins,)`` in Å and g(r) of every frame ``(frames, bins)`` by ``ase.geometry.rdf``, up to ``reach``,
    and the shortest distance of all.

    A cell that is too small for a sphere of that radius is repeated.
    """
    first = images[0]
    heights = first.get_volume() / np.array(
        [np.linalg.norm(np.cross(first.cell[(k + 1) % 3], first.cell[(k + 2) % 3])) for k in range(3)]
    )
    times = tuple(int(np.ceil(2.02 * reach / height)) for height in heights)
    every: list[Array] = []
    closest = np.inf
    for image in images:
        large = image * times
        distances = large.get_all_distances(mic=True)
        g, r = _RDF(large, reach, round(reach / _BIN), distance_matrix=distances)
        every.append(g)
        closest = min(closest, float(distances[~np.eye(len(large), dtype=bool)].min()))
    return np.asarray(r), np.array(every), closest


def peak_and_onset(r: Array, g: Array) -> tuple[float, float]:
    """Return the place of the first peak, the vertex of a parabola through its top, and where g first passes 0.5 (Å).

    The first peak is the highest value up to 1.5 times the onset, which leaves the second shell of crystals and liquids out.
    """
    k = int(np.argmax(g > _ONSET))
    onset = r[k - 1] + (r[k] - r[k - 1]) * (_ONSET - g[k - 1]) / (g[k] - g[k - 1]) if k else r[0]
    top = int(np.argmax(np.where(r <= 1.5 * onset, g, -1.0)))
    around = slice(max(0, top - 2), top + 3)
    curve = np.polyfit(r[around] - r[top], g[around], 2)
    vertex = float(np.clip(-curve[1] / (2 * curve[0]), -2 * _BIN, 2 * _BIN)) if curve[0] < 0 else 0.0
    return float(r[top]) + vertex, float(onset)


def compare_liquid(
    cell: Moving, model: Any, reference: Any, settings: ArtefactSettings, coverage: Coverage | None
) -> dict[str, Any]:
    """Compare g(r) of two Langevin runs of the same noise, from one start that the reference has equilibrated.

    Peak and onset are taken in five blocks of frames; the difference of the blocks' means has a 95 % interval of Student's t.
    """
    kelvin, seed = settings.liquid_temperature, settings.seed
    start: Any = cell.copy()
    start.set_momenta(thermal_momenta(cell, 2 * kelvin, np.random.default_rng([seed, 4])))
    melt = run_trajectory(
        start,
        reference,
        steps=settings.steps,
        time_step=settings.time_step,
        temperature=kelvin,
        seed=seed + 1,
    )
    row: dict[str, Any] = {"temperature": kelvin, "time_step": settings.time_step, "steps": settings.steps}
    if melt.ended or len(melt.positions) < 1:
        return {
            **row,
            "verdict": "undecided",
            "sentence": f"Liquid: the reference did not equilibrate ({melt.ended}).",
        }
    moved = np.sqrt(((melt.positions[-1] - cell.positions) ** 2).sum(axis=1).mean())
    molten = bool(moved > _MOLTEN * shortest_distance(cell))
    start.positions = melt.positions[-1]
    start.set_momenta(melt.momenta)
    runs: dict[str, EnergyRun] = {
        name: run_trajectory(
            start, calculator, steps=settings.steps, time_step=settings.time_step, temperature=kelvin, seed=seed + 2,
            sample_every=max(1, settings.steps // _SAMPLES),
        )
        for name, calculator in (("model", model), ("reference", reference))
    }  # fmt: skip
    row |= {"molten": molten, "displacement": float(moved)}
    if runs["model"].ended or runs["reference"].ended:
        exploded = "model" if runs["model"].ended else "reference"
        verdict: Verdict = "differs" if not runs["reference"].ended else "undecided"
        sentence = f"Liquid: the run of the {exploded} exploded, {runs[exploded].ended}: {verdict}."
        return {
            **row,
            "ended": {name: run.ended for name, run in runs.items()},
            "verdict": verdict,
            "sentence": sentence,
        }
    return {**row, **_compared(cell, runs, settings, coverage, molten)}


def _compared(
    cell: Moving,
    runs: dict[str, EnergyRun],
    settings: ArtefactSettings,
    coverage: Coverage | None,
    molten: bool,
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    marks: dict[str, Array] = {}
    for name, run in runs.items():
        images = []
        for positions in run.positions[len(run.positions) // 5 :]:  # the first fifth is left out
            image = cell.copy()
            image.positions = positions
            images.append(image)
        r, each, closest = radial_distribution(images, _REACH * shortest_distance(cell))
        g = each.mean(axis=0)
        blocks = np.array_split(each, _LIQUID_BLOCKS)
        marks[name] = np.array([peak_and_onset(r, block.mean(axis=0)) for block in blocks])
        mean, half = marks[name].mean(axis=0), _half_width(marks[name])
        row[name] = {
            "r": r.tolist(), "g": g.tolist(), "peak": float(mean[0]), "peak_error": float(half[0]), "onset": float(mean[1]),
            "onset_error": float(half[1]), "closest": closest,
        }  # fmt: skip
    change = marks["model"] - marks["reference"]
    mean, half = change.mean(axis=0), _half_width(change)
    verdicts = [
        decided(float(m), float(h), settings.liquid_tolerance) for m, h in zip(mean, half, strict=True)
    ]
    verdict: Verdict = next((v for v in ("differs", "undecided") if v in verdicts), "reproduced")
    nearest = min(coverage.shortest.values(), default=0.0) if coverage is not None else 0.0
    if not molten:
        verdict = "undecided"
    elif row["reference"]["onset"] < nearest:
        verdict = "beyond the data"
    hint = "which did not melt (give a higher --liquid-temperature or more --steps),"
    state = "liquid" if molten else f"crystal, {hint}"
    row |= {
        name: {"difference": float(m), "error": float(h), "verdict": v}
        for name, m, h, v in zip(("peak", "onset"), mean, half, verdicts, strict=True)
    }
    sentence = (
        f"Liquid: in the {state} the first peak of g(r) lies {mean[0] + 0.0:+.3f} ± {half[0]:.3f} Å and its onset "
        f"{mean[1] + 0.0:+.3f} ± {half[1]:.3f} Å from the reference's ({row['reference']['peak']:.2f} and "
        f"{row['reference']['onset']:.2f} Å): {verdict}."
    )
    return {**row, "verdict": verdict, "sentence": sentence}


def _half_width(values: Array) -> Array:
    """Return the half widths of 95 % intervals of the means over blocks."""
    count = len(values)
    return np.asarray(student.ppf(0.975, count - 1) * values.std(axis=0, ddof=1) / np.sqrt(count))
