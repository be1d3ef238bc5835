"""Molecular dynamics with any ASE calculator: records, a state to go on from, and an end that is said and not raised."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.locks import held
from ..records.machine_errors import of_the_machine
from ..records.progress import Progress, silent
from .bonds import HOT, MARGIN, Bonds, explosion
from .cures import parse_cure
from .fingerprint import answer_of, check_same_answer, check_same_run
from .movers import Mover, thermal_momenta
from .settings import DynamicsSettings
from .storage import STORES, Memory, Record, Store, digest, head_of, read_state, write_state
from .trajectory import Trajectory

Array = NDArray[np.float64]
#: Steps between states, about: rounded down to a whole number of records, and at least one.
_STATE_EVERY = 100


def run_dynamics(
    atoms: Any,
    calculator: Any,
    settings: DynamicsSettings | None = None,
    *,
    folder: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Trajectory:
    """Move atoms by molecular dynamics.

    The run starts from the momenta of ``atoms``, or from Maxwell-Boltzmann momenta of ``temperature`` where they are zero, the
    centre of mass at rest. The equilibration has a thermostat in both ensembles; at its end, at constant energy, the centre of
    mass is set to rest.

    Parameters
    ----------
    atoms
        ASE's Atoms, without constraints; not changed.
    calculator
        An ASE calculator with energy (eV) and forces (eV/Å).
    settings
        See :class:`DynamicsSettings`.
    folder
        Where records and a state to resume from are kept; None: in memory.
    resume
        Go on with the run in ``folder``, if there is one, from its last state (about every hundred steps): the trajectory is
        the same to the last bit as that of a run without interruption, as far as the calculator gives the same answer for the
        same structure. ``steps`` may be larger than before.
    progress
        Called with "dynamics", steps done and their number.

    Returns
    -------
    Trajectory
        A molecule that broke, an explosion, a number that is not finite and a calculator that failed are said in ``ended``,
        with what was saved, and raise nothing.

    Raises
    ------
    InputError
        The calculator fails on the structure as it is given; the folder holds another run or cannot be written.
    """
    settings = settings or DynamicsSettings()
    check_structure(atoms)
    place = None if folder is None else Path(folder)
    with writing(place), nullcontext() if place is None else held(place):
        if settings.driver == "i-pi":
            from .ipi_driver import run_with_ipi

            return run_with_ipi(atoms, calculator, settings, folder=place, resume=resume, progress=progress)
        return Run(atoms, calculator, settings, place, resume, progress or silent).finish()


def check_structure(atoms: Any) -> None:
    """Raise InputError for a structure that cannot be moved."""
    if len(atoms) == 0:
        raise InputError("the structure has no atoms: give one with at least one atom")
    if atoms.constraints:
        raise InputError("the structure has constraints, and dynamics moves every atom: take them off")
    if not (np.isfinite(atoms.get_positions()).all() and (atoms.get_masses() > 0).all()):
        raise InputError("the structure has positions that are not finite or masses that are not positive")


@contextmanager
def writing(folder: Path | None) -> Iterator[None]:
    """Turn a full disk or a folder without permission into one sentence."""
    try:
        yield
    except OSError as error:
        if folder is None:
            raise
        raise InputError(
            f"{str(folder)!r} cannot be written ({error.strerror or error}): free space or give another folder; what was "
            "recorded before can be resumed"
        ) from error


def forget(calculator: Any, atoms: Any) -> None:
    """Bring a calculator into a state that does not depend on the structures before: results and neighbour lists are dropped.

    Lists of neighbours that are kept while atoms move little make the last bits of forces depend on where they were built. A
    structure far from the present one has them built anew, in a run that goes on as in a resumed one.
    """
    far = atoms.copy()
    far.positions += 100.0
    far.calc = calculator
    if hasattr(calculator, "reset"):
        calculator.reset()
    with suppress(Exception):  # the structure itself will say what is wrong
        far.get_forces()
    if hasattr(calculator, "reset"):
        calculator.reset()


class Run:
    """One run, from its start or its last state."""

    def __init__(
        self,
        atoms: Any,
        calculator: Any,
        settings: DynamicsSettings,
        folder: Path | None,
        resume: bool,
        progress: Progress,
    ) -> None:
        self.settings, self.folder, self.progress, self.bare = settings, folder, progress, calculator
        self.atoms = atoms.copy()
        if not self.atoms.get_momenta().any():
            self.atoms.set_momenta(
                thermal_momenta(atoms, settings.temperature, np.random.default_rng([settings.seed, 11]))
            )
        self.head, self.origin = head_of(atoms), digest(atoms)
        self.limit = HOT * max(settings.temperature, float(self.atoms.get_temperature())) + MARGIN
        self.bonds = Bonds(self.atoms)
        self.mover = Mover(self.atoms, calculator, settings, parse_cure(settings.cure))
        self.store: Store = (
            Memory(self.head) if folder is None else STORES[settings.format](folder, self.head)
        )
        self.capacity = settings.steps // settings.sample_every + 1
        self.every = settings.sample_every * max(1, _STATE_EVERY // settings.sample_every)
        self.step, self.count, self.size = -settings.equilibration, 0, 0
        self.waiting: list[Record] = []
        self.saved: dict[str, Any] = {}
        self.answer: dict[str, Any] = {}
        self.ended, self.complete = "", False
        state = None if folder is None else read_state(folder)
        if state is not None and not resume:
            raise InputError(f"{str(folder)!r} holds a run already: resume it or give another folder")
        if state is None:
            self.begin()
        else:
            self.go_on(state)

    def begin(self) -> None:
        """Compute the first forces and record them."""
        self.store.create(self.capacity)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.mover.start()
                self.answer = {} if self.folder is None else answer_of(self.bare, self.atoms)
            except Exception as error:
                raise InputError(
                    f"the calculator fails on the structure at the start: {clause(error)}"
                ) from error
        self.started()

    def started(self) -> None:
        """Record the start, whose forces are known."""
        if not (np.isfinite(self.mover.potential) and np.isfinite(self.mover.forces).all()):
            raise InputError(
                "the calculator gives energies or forces that are not finite for the structure at the start"
            )
        self.arrive()

    def go_on(self, state: Mapping[str, Any]) -> None:
        """Take up a state."""
        check_same_run(state, self.settings, self.origin, self.folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_same_answer(state, self.bare, self.atoms, self.folder)
        self.saved = dict(state)
        self.answer = {name: state[name] for name in ("first_energy", "first_forces") if name in state}
        self.count, self.size, self.step = int(state["records"]), int(state["size"]), int(state["step"])
        asked = int(state["finished_steps"])
        if str(state["ended"]) or asked == self.settings.steps:
            self.ended, self.complete = str(state["ended"]), True
            self.count, self.size = int(state["final_records"]), int(state["final_size"])
            return
        self.store.cut(self.count, self.size, self.capacity)
        if self.step >= 0:
            self.mover.thermostatted(self.settings.ensemble == "nvt")
        self.mover.restore(state)
        self.forget()

    def forget(self) -> None:
        """Let nothing that the calculator keeps decide the next steps."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            forget(self.bare, self.atoms)

    def arrive(self) -> None:
        """Do what is due at this step: end the equilibration, record, save the state."""
        settings = self.settings
        if self.step == 0:
            self.mover.thermostatted(settings.ensemble == "nvt")
            if settings.equilibration and settings.ensemble == "nve":
                momenta, masses = self.atoms.get_momenta(), self.atoms.get_masses()
                self.atoms.set_momenta(momenta - masses[:, None] * momenta.sum(axis=0) / masses.sum())
        if self.step >= 0 and self.step % settings.sample_every == 0:
            self.waiting.append(self._record())
            self.progress("dynamics", self.step, settings.steps)
        if self.state_due():
            self._flush()
            self.forget()
            if self.folder is not None:
                self.saved = {
                    **self.mover.state(), **self.head, **self.answer, "step": self.step, "records": self.count, "size": self.size,
                    "settings": json.dumps(asdict(settings)), "origin": self.origin, "format": settings.format,
                    "ended": "", "finished_steps": -1,
                }  # fmt: skip
                self.save()

    def state_due(self) -> bool:
        """Whether the state is saved at this step."""
        return (self.step + self.settings.equilibration) % self.every == 0

    def save(self) -> None:
        """Write the state."""
        assert self.folder is not None
        write_state(self.folder, {**self.saved, "final_records": self.count, "final_size": self.size})

    def _record(self) -> Record:
        mover, atoms = self.mover, self.atoms
        return {
            "times": self.step * self.settings.time_step,
            "positions": atoms.get_positions(),
            "velocities": atoms.get_velocities() * units.fs,
            "forces": np.array(mover.forces),
            "potential": mover.potential,
            "kinetic": mover.kinetic,
            "conserved": mover.potential + mover.kinetic - mover.heat,
        }

    def _flush(self) -> None:
        if self.waiting:
            self.size = self.store.append(self.count, self.waiting)
            self.count += len(self.waiting)
            self.waiting = []

    def finish(self) -> Trajectory:
        """Run to the last step or to what ends it, and return the trajectory."""
        while not self.complete and not self.ended and self.step < self.settings.steps:
            self.ended = self._advance()
            if not self.ended:
                self.step += 1
                self.arrive()
        self.close()
        return self.store.read(self.count, self.size, self.ended)

    def close(self) -> None:
        """Save how the run ended."""
        if not self.complete:
            self._flush()
            if self.ended:
                self.ended = f"{self.ended}; {self._kept()}"
                self.store.cut(self.count, self.size, self.count)
            if self.folder is not None:
                self.saved |= {
                    "ended": self.ended, "finished_steps": self.settings.steps,
                    "settings": json.dumps(asdict(self.settings)),
                }  # fmt: skip
                self.save()
            self.complete = True

    def _advance(self) -> str:
        """Make one step; return what ends the run, in a clause."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries that a calculator is made with
            try:
                self.mover.step()
                reason = self.trouble()
            except Exception as error:  # a calculator fails in its own way on atoms that have met
                if of_the_machine(error):
                    raise
                reason = f"the calculator failed ({clause(error)})"
        return self.when(reason) if reason else ""

    def trouble(self) -> str:
        """Say what ends the run where the atoms are now, in a clause; empty: nothing."""
        return trouble(self.mover, self.limit) or self.bonds.broken(self.atoms.positions)

    def when(self, reason: str) -> str:
        """Add to what ends the run in the step that is being made when that is."""
        place = self.step + 1
        when = f"after {place * self.settings.time_step:g} fs"
        return f"{reason} {when if place > 0 else f'in the equilibration, {_steps(-place)} its end'}"

    def _kept(self) -> str:
        where = "" if self.folder is None else f" in {str(self.folder)!r}"
        if not self.count:
            return f"no record was made{where}"
        last = (self.count - 1) * self.settings.sample_every * self.settings.time_step
        kept = "1 record at 0 fs is" if self.count == 1 else f"{self.count} records up to {last:g} fs are"
        return f"{kept} kept{where}"


def _steps(count: int) -> str:
    return {0: "at", 1: "a step before"}.get(count, f"{count} steps before")


def clause(error: BaseException) -> str:
    """Return what an error says, in one short line."""
    return " ".join(str(error).split())[:150] or type(error).__name__


def trouble(mover: Mover, limit: float) -> str:
    """Say whether energies or forces are no longer finite, or the atoms flew apart; empty: neither."""
    potential, kinetic = mover.inner_potential, mover.kinetic
    if not (np.isfinite([potential, kinetic]).all() and np.isfinite(mover.forces).all()):
        return "the energy or the forces are no longer finite"
    return explosion(kinetic, len(mover.atoms), limit)
