"""Langevin dynamics on GFN2-xTB, cut into segments that each start from a bare state.

A segment depends on its starting positions and momenta, the settings and ``default_rng([seed, stage,
index])`` and on nothing else: the calculator is built afresh, so that no self-consistent density is
carried over. A run that was killed and resumed is therefore bit-identical to one that was not, on one
machine with one thread.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from numpy.typing import NDArray

from ...theory.errors import InputError
from .molecule import MissingExtraError, Molecule, missing_generate

#: Names of the stages in the order of their random streams.
STAGES = ("velocities", "equilibration", "pilot", "production")


@dataclass(frozen=True)
class Thermostat:
    """Settings of the Langevin dynamics.

    Attributes
    ----------
    temperature : float
        Bath temperature (K).
    timestep_fs : float
        Integration step (fs).
    friction_per_fs : float
        Friction coefficient (1/fs).
    seed : int
        Seed of every random stream.
    method : str
        Hamiltonian, as tblite names it.
    """

    temperature: float
    timestep_fs: float
    friction_per_fs: float
    seed: int
    method: str = "GFN2-xTB"

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class State:
    """Positions (Å) and momenta (ASE units, sqrt(eV u)), each (A, 3)."""

    positions: NDArray[np.float64]
    momenta: NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """What one segment ends with.

    Attributes
    ----------
    state : State
        Positions and momenta at its end.
    forces : (A, 3) float array
        Forces at its end (eV/Å).
    energy : float
        Potential energy at its end (eV).
    temperature : float
        Kinetic temperature averaged over its steps (K), 3A degrees of freedom: the centre of mass is not
        fixed.
    samples : (K, 2, A, 3) float array
        Positions and forces at every ``sample_every`` steps (K = 0 if not asked for).
    """

    state: State
    forces: NDArray[np.float64]
    energy: float
    temperature: float
    samples: NDArray[np.float64]


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread in the context, unless the user asked for more: in libraries that are loaded, and that will be.

    A library that starts in the context reads the number from the environment; another part of the process may have started
    OpenMP before, which ``threadpoolctl`` (installed with tblite) then limits while the context lasts. Sums then have a fixed
    order, which bit-identical runs need; and a molecule is too small for more: threads that wait for each other on a busy
    machine have made a segment 70 times slower.
    """
    name = "OMP_NUM_THREADS"
    before = os.environ.get(name)
    os.environ.setdefault(name, "1")
    try:
        with _limited() if before is None else nullcontext():
            yield
    finally:
        if before is None:
            os.environ.pop(name, None)


def _limited() -> AbstractContextManager[Any]:
    """Return the context in which libraries that are loaded by now have one thread."""
    try:
        pools: Any = importlib.import_module("threadpoolctl")
    except ImportError:  # then tblite is not installed either
        return nullcontext()
    limited: AbstractContextManager[Any] = pools.threadpool_limits(limits=1)
    return limited


def xtb_calculator(molecule: Molecule, *, method: str = "GFN2-xTB") -> Any:
    """Return a fresh tblite calculator for a molecule.

    Raises
    ------
    InputError
        If tblite is not installed.
    """
    try:
        with one_thread():
            tblite: Any = importlib.import_module("tblite.ase")
    except ImportError as error:
        raise MissingExtraError(missing_generate("tblite")) from error
    return tblite.TBLite(
        method=method, charge=molecule.charge, multiplicity=molecule.multiplicity, verbosity=0
    )


def starting_state(molecule: Molecule, thermostat: Thermostat) -> State:
    """Return the starting geometry with Maxwell-Boltzmann momenta at the bath temperature."""
    rng = np.random.default_rng([thermostat.seed, STAGES.index("velocities"), 0])
    masses = Atoms(numbers=molecule.numbers).get_masses()
    scale = np.sqrt(masses * units.kB * thermostat.temperature)
    return State(molecule.positions, scale[:, None] * rng.standard_normal((len(masses), 3)))


def integrate(
    atoms: Any, thermostat: Thermostat, rng: np.random.Generator, steps: int, sample_every: int | None = None
) -> tuple[NDArray[np.float64], float, list[tuple[NDArray[np.float64], NDArray[np.float64]]]]:
    """Move atoms, which hold a calculator and momenta, by Langevin dynamics in place.

    Returns
    -------
    The forces at the end (eV/Å), the sum of the kinetic energy over the steps (eV), and positions and forces at every
    ``sample_every`` steps.
    """
    dynamics: Any = Langevin(
        atoms,
        thermostat.timestep_fs * units.fs,
        temperature_K=thermostat.temperature,
        friction=thermostat.friction_per_fs / units.fs,
        fixcm=False,
        rng=rng,
    )
    masses = atoms.get_masses()[:, None]
    kinetic = 0.0
    samples = []
    forces: NDArray[np.float64] | None = None
    for step in range(1, steps + 1):
        forces = dynamics.step(forces)
        kinetic += float((atoms.get_momenta() ** 2 / masses).sum()) / 2
        if sample_every is not None and step % sample_every == 0:
            samples.append((atoms.get_positions(), forces))
    return np.array(forces), kinetic, samples


def run_segment(
    molecule: Molecule,
    state: State,
    thermostat: Thermostat,
    *,
    stage: str,
    index: int,
    steps: int,
    sample_every: int | None = None,
) -> Segment:
    """Integrate one segment.

    Parameters
    ----------
    molecule : Molecule
        Composition, charge and multiplicity.
    state : State
        Where the segment starts.
    thermostat : Thermostat
        Settings of the dynamics.
    stage : str
        One of `STAGES`; with ``index`` it names the random stream.
    index : int
        Number of the segment within its stage.
    steps : int
        Integration steps.
    sample_every : int, optional
        Keep positions and forces at every so many steps.

    Returns
    -------
    Segment

    Raises
    ------
    InputError
        If the self-consistent field does not converge, as it does when a molecule flies apart.
    """
    from ase.calculators.calculator import CalculatorError

    rng = np.random.default_rng([thermostat.seed, STAGES.index(stage), index])
    atoms: Any = Atoms(numbers=molecule.numbers, positions=state.positions, momenta=state.momenta)
    atoms.calc = xtb_calculator(molecule, method=thermostat.method)
    try:
        with one_thread():
            forces, kinetic, samples = integrate(atoms, thermostat, rng, steps, sample_every)
    except CalculatorError as error:
        raise InputError(
            f"GFN2-xTB failed in segment {index} of the {stage} stage at {thermostat.temperature:g} K "
            f"({error}): "
            "lower the temperature or the time step, or choose another seed."
        ) from error
    size = len(molecule.numbers)
    return Segment(
        state=State(atoms.get_positions(), atoms.get_momenta()),
        forces=forces,
        energy=float(atoms.get_potential_energy()),
        temperature=2 * kinetic / steps / (3 * size * units.kB),
        samples=np.array(samples, dtype=np.float64).reshape(len(samples), 2, size, 3),
    )
