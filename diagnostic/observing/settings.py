"""What ``observe`` is asked for: observables, the runs that they are measured on, the cures and the tolerances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ...theory.errors import InputError
from ..dynamics.settings import DynamicsSettings
from ..orientation.fields import parse_field
from ..records.plain import plain

#: The observables, in the order in which a page shows them.
OBSERVABLE_NAMES = (
    "orientation", "angular-momentum", "torque", "drift", "rdf", "orientational-correlation", "msd", "spectrum",
    "temperature", "potential", "relaxation",
)  # fmt: skip
#: What is measured of a molecule without a cell, and of a periodic structure, where nothing is asked for.
ISOLATED = ("orientation", "angular-momentum", "torque", "drift", "spectrum", "temperature", "potential")
PERIODIC = (
    "orientation", "drift", "rdf", "orientational-correlation", "msd", "spectrum", "temperature", "potential",
)  # fmt: skip
ENSEMBLES = ("nvt", "nve")
DRIVERS = ("ase", "i-pi")
FORMATS = ("hdf5", "extxyz")


@dataclass(frozen=True)
class ObserveSettings:
    """Settings of :func:`observe`; everything here decides the numbers and is recorded.

    Attributes
    ----------
    observables
        Some of ``OBSERVABLE_NAMES``; empty: all that the structure allows, but for ``relaxation``.
    ensemble
        ``nvt`` (Langevin) or ``nve``.
    temperature
        Of the bath, or of the first velocities (K).
    time_step, steps
        fs, and steps of each run after the equilibration.
    equilibration
        Steps before the first record.
    friction
        Of the bath (1/fs).
    sample_every
        Steps between records.
    cures
        What averages over orientations, each a run of its own: ``none``, ``inversion``, ``grid-2``, ``grid-2-inversion``,
        ``random``, ``random-inversion``, ``mts-10:grid-2``.
    replicas
        Independent runs of each cure.
    predict, shapes
        Whether the energies of the turned molecule predict the observables, and from how many shapes of it.
    l_top
        Highest l of the prediction.
    tolerances
        By observable: a deviation from the isotropic answer that does not matter, in the unit of the observable.
    field
        A field of known l that is added to the model, such as ``P2:0.01`` (eV), ``exp1:0.01`` or ``toy:0.0001``; None: none.
    driver, format
        ``ase`` or ``i-pi`` moves the atoms; ``hdf5`` or ``extxyz`` keeps the trajectories.
    seed
        Of velocities, thermal noise and random rotations; each replica draws its own from it.
    """

    observables: tuple[str, ...] = ()
    ensemble: str = "nvt"
    temperature: float = 300.0
    time_step: float = 0.5
    steps: int = 20000
    equilibration: int = 1000
    friction: float = 0.01
    sample_every: int = 10
    cures: tuple[str, ...] = ("none",)
    replicas: int = 1
    predict: bool = True
    shapes: int = 10
    l_top: int = 4
    tolerances: Mapping[str, float] = field(default_factory=dict)
    field: str | None = None
    driver: str = "ase"
    format: str = "hdf5"
    seed: int = 0

    def __post_init__(self) -> None:
        for what, given, known in (
            ("observables", self.observables, OBSERVABLE_NAMES), ("tolerances", tuple(self.tolerances), OBSERVABLE_NAMES),
        ):  # fmt: skip
            wrong = [name for name in given if name not in known]
            if wrong:
                raise InputError(f"{what} has {wrong[0]!r}, expected some of {', '.join(known)}")
        for what, names in (("observables", self.observables), ("cures", self.cures)):
            twice = [name for name in names if names.count(name) > 1]
            if twice:
                raise InputError(f"{what} has {twice[0]!r} twice, expected each at most once")
        if not self.cures:
            raise InputError("cures is empty, expected such as none,inversion,grid-2")
        for what, choice, choices in (
            ("ensemble", self.ensemble, ENSEMBLES), ("driver", self.driver, DRIVERS), ("format", self.format, FORMATS),
        ):  # fmt: skip
            if choice not in choices:
                raise InputError(f"{what} is {choice!r}, expected {' or '.join(choices)}")
        for what, low, high in (
            ("temperature", 1.0, 20000.0), ("time_step", 0.001, 20.0), ("steps", 1, 10**9), ("equilibration", 0, 10**9),
            ("friction", 1e-6, 10.0), ("sample_every", 1, 10**6), ("replicas", 1, 1000), ("shapes", 1, 10000), ("l_top", 1, 12),
            ("seed", 0, 2**63 - 1),
        ):  # fmt: skip
            value = getattr(self, what)
            if not low <= value <= high:
                raise InputError(f"{what} is {value}, expected {low:g} to {high:g}")
        if self.sample_every > self.steps:
            raise InputError(
                f"sample_every is {self.sample_every}, more than the {self.steps} steps of a run, which would have no record: "
                f"give at most {self.steps}"
            )
        for cure in self.cures:
            self.dynamics(cure)
        if self.field is not None:
            parse_field(self.field)
        for name, tolerance in self.tolerances.items():
            if not 0.0 <= tolerance < 1e9:
                raise InputError(f"the tolerance of {name} is {tolerance}, expected a number of at least 0")

    def asked(self, periodic: bool) -> tuple[str, ...]:
        """Return the observables of a structure: those that were asked for, else all that it allows."""
        return self.observables or (PERIODIC if periodic else ISOLATED)

    def dynamics(self, cure: str, replica: int = 0) -> DynamicsSettings:
        """Return the settings of one run. Replicas of one number start alike under every cure.

        Raises
        ------
        InputError
            An unknown cure, or a multiple time step whose stride does not divide the records.
        """
        seed = self.seed
        if replica:
            seed = int(np.random.SeedSequence([self.seed, replica]).generate_state(1)[0])
        return DynamicsSettings(
            ensemble=self.ensemble, temperature=self.temperature, time_step=self.time_step, steps=self.steps,
            equilibration=self.equilibration, friction=self.friction, sample_every=self.sample_every, seed=seed, cure=cure,
            driver=self.driver, format=self.format,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data."""
        data: dict[str, Any] = plain({**asdict(self), "tolerances": dict(self.tolerances)}, "settings")
        return data
