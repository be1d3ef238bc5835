"""Settings of a run of molecular dynamics, checked before anything is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ...theory.errors import InputError
from .cures import parse_cure

#: Ensembles, programs that move the atoms, and formats of trajectories.
ENSEMBLES, DRIVERS, FORMATS = ("nve", "nvt"), ("ase", "i-pi"), ("hdf5", "extxyz")


@dataclass(frozen=True)
class DynamicsSettings:
    """Settings of :func:`run_dynamics`; everything here decides the numbers, but ``format``, which decides how they are kept.

    Attributes
    ----------
    ensemble
        ``nvt``: Langevin dynamics at ``temperature``; ``nve``: constant energy.
    temperature
        Of the thermostat and of velocities that are drawn (K).
    time_step
        fs.
    steps
        Steps after the equilibration.
    equilibration
        Steps with the thermostat before the first record, in both ensembles.
    friction
        Of the thermostat (1/fs).
    sample_every
        Steps between records.
    seed
        Of velocities, thermal noise and random rotations.
    cure
        How rotations are averaged over; see :func:`parse_cure`.
    driver
        ``ase`` or ``i-pi``.
    format
        Of the trajectory in a folder: ``hdf5`` or ``extxyz``.
    """

    ensemble: str = "nvt"
    temperature: float = 300.0
    time_step: float = 0.5
    steps: int = 20000
    equilibration: int = 1000
    friction: float = 0.01
    sample_every: int = 10
    seed: int = 0
    cure: str = "none"
    driver: str = "ase"
    format: str = "hdf5"

    def __post_init__(self) -> None:
        for name, allowed in (("ensemble", ENSEMBLES), ("driver", DRIVERS), ("format", FORMATS)):
            if getattr(self, name) not in allowed:
                raise InputError(f"{name} is {getattr(self, name)!r}, expected {' or '.join(allowed)}")
        for name, lowest, unit in (
            ("time_step", 0.0, "fs"),
            ("friction", 0.0, "1/fs"),
            ("temperature", -1.0, "K"),
        ):
            value = getattr(self, name)
            if not (_real(value) and value > lowest and value >= 0):
                raise InputError(f"{name} is {value!r}, expected a positive number of {unit}")
        for name, least in (("steps", 0), ("equilibration", 0), ("sample_every", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name} is {value!r}, expected an integer of at least {least}")
        stride = parse_cure(self.cure).stride
        for name in ("sample_every", "equilibration"):
            if getattr(self, name) % stride:
                raise InputError(
                    f"{name} is {getattr(self, name)}, but cure {self.cure!r} completes a step every {stride} steps: "
                    f"give a multiple of {stride}"
                )


def _real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
