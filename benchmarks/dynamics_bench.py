"""Copies of a molecule moved together against the same runs one by one: by ASE's own velocity Verlet, and by ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ase import units
from ase.build import molecule
from ase.md.verlet import VelocityVerlet

from spectral_ceilings.diagnostic import load_calculator
from spectral_ceilings.diagnostic.dynamics import DynamicsSettings, run_copies, run_dynamics
from spectral_ceilings.diagnostic.dynamics.movers import thermal_momenta

from .harness import Measurement, Registry, compare, seconds

#: Copies, and steps of each; one by one, as many copies as take about as long.
_COPIES, _STEPS, _ALONE = 64, 100, 2


def replicas() -> Iterator[Measurement]:
    """Time 64 copies of water at constant energy; the peers' time is that of two, scaled."""
    calculator, water = load_calculator("water-unconstrained").calculator, molecule("H2O")
    water.set_momenta(thermal_momenta(water, 300.0, np.random.default_rng(0)))
    settings = [
        DynamicsSettings(ensemble="nve", steps=_STEPS, equilibration=0, sample_every=_STEPS, seed=k)
        for k in range(_COPIES)
    ]

    def by_ase() -> Any:
        atoms = water.copy()
        atoms.calc = calculator
        VelocityVerlet(atoms, 0.5 * units.fs).run(_STEPS)
        return atoms.positions

    together = run_copies(water, calculator, settings)
    # rounding of another shape of batch, 1e-15 Å, and what 200 steps of a molecule make of it
    assert max(np.abs(run.positions[-1] - by_ase()).max() for run in together) < 1e-9
    size = f"{_COPIES} copies of H2O, {_STEPS} steps"
    scale = _COPIES / _ALONE
    for peer, work in (
        ("ASE's VelocityVerlet, one by one", by_ase),
        ("run_dynamics, one by one", lambda: run_dynamics(water, calculator, settings[0])),
    ):
        yield compare(
            "dynamics-copies", size,
            lambda: seconds(lambda: run_copies(water, calculator, settings)),
            peer, lambda work=work: scale * seconds(lambda: [work() for _ in range(_ALONE)]), runs=3,
        )  # fmt: skip


BENCHMARKS: Registry = {"dynamics-copies": replicas}
