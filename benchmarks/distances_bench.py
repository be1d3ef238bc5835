"""g(r) of every pair of elements of a trajectory, held against freud, called for each record and pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ase.data import atomic_masses

from spectral_ceilings.diagnostic.dynamics import Trajectory
from spectral_ceilings.diagnostic.observables.distances import radial_distributions

from .harness import Measurement, Registry, compare, seconds

#: Records, molecules of water, side of the cube (Å) and bins.
_RECORDS, _MOLECULES, _SIDE, _BINS = 2000, 32, 9.86, 49


def made_up() -> Trajectory:
    """Return records of atoms at random places in a cube: counting takes as long as for a liquid."""
    rng = np.random.default_rng(0)
    numbers = np.tile([8, 1, 1], _MOLECULES)
    places = _SIDE * rng.random((_RECORDS, len(numbers), 3))
    nothing, still = np.zeros(_RECORDS), np.zeros_like(places)
    return Trajectory(
        numbers, atomic_masses[numbers], _SIDE * np.eye(3), np.ones(3, dtype=bool), np.arange(float(_RECORDS)), places, still,
        still, nothing, nothing, nothing,
    )  # fmt: skip


def by_freud(run: Trajectory, pairs: list[tuple[int, int]], reach: float) -> list[Any]:
    """Return g(r) of every record and pair."""
    import freud

    box = freud.box.Box.cube(_SIDE)
    every = []
    for pair in pairs:
        like = pair[0] == pair[1]
        counter = freud.density.RDF(_BINS, reach, normalization_mode="finite_size" if like else "exact")
        of_a, of_b = (np.flatnonzero(run.numbers == number) for number in pair)
        rows = []
        for positions in run.positions:
            points = box.wrap(positions)
            counter.compute((box, points[of_b]), None if like else points[of_a], reset=True)
            rows.append(np.array(counter.rdf))
        every.append(np.stack(rows))
    return every


def distances() -> Iterator[Measurement]:
    """Time three pairs of 96 atoms."""
    run, pairs, reach = made_up(), [(8, 8), (8, 1), (1, 1)], 0.499 * _SIDE
    _, ours = radial_distributions(run, pairs, reach, _BINS)  # compiled before the clock starts
    for mine, theirs in zip(ours, by_freud(run, pairs, reach), strict=True):
        # freud rounds distances to float32: a few of ten million pairs change their bin
        assert np.abs(mine - theirs).mean() < 1e-4
    yield compare(
        "observables-rdf", f"{_RECORDS} records, {3 * _MOLECULES} atoms, {len(pairs)} pairs",
        lambda: seconds(lambda: radial_distributions(run, pairs, reach, _BINS)), "freud, by record and pair",
        lambda: seconds(lambda: by_freud(run, pairs, reach)), runs=3,
    )  # fmt: skip


BENCHMARKS: Registry = {"observables-rdf": distances}
