"""Independent runs of one molecule, moved together: a step of all of them asks the calculator once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import units

from ...theory.errors import InputError
from ..records.locks import held
from ..records.progress import Progress, silent
from ..symmetry.batches import batched
from .copy_movers import CopyMovers
from .fingerprint import answer_of
from .run import Run, check_structure, clause, writing
from .settings import DynamicsSettings
from .storage import EARLIER, STATE, keep_earlier, read_state
from .trajectory import Trajectory


def run_copies(
    atoms: Any,
    calculator: Any,
    settings: Sequence[DynamicsSettings],
    *,
    folders: Sequence[str | Path] | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> list[Trajectory]:
    """Move copies of one molecule by molecular dynamics, all forces of a step from one evaluation.

    Each copy is the run that :func:`run_dynamics` makes with its settings, up to the rounding of the calculator, whose answer for
    many structures may differ in the last bits from that for one. What that calculator has to know is a structure alone: lists
    of neighbours that it keeps from call to call are not cleared.

    Parameters
    ----------
    atoms
        ASE's Atoms without a cell and without constraints; not changed.
    calculator
        With ``evaluate(numbers, positions) -> (energies, forces)`` of positions ``(structures, atoms, 3)``.
    settings
        Of each copy; they differ by their seed alone.
    folders
        Where records and states are kept, one for each copy; None: in memory. Each is as :func:`run_dynamics` writes it, and
        can be read and resumed alone.
    resume
        Go on with the runs in ``folders``, as far as there are any: the trajectories are the same to the last bit as without
        interruption, as far as the calculator's answer for a structure depends on its place in the batch and the size of that,
        and not on the other structures. A copy that has ended keeps its place, at the positions of the start.
    progress
        Called with "dynamics", steps done and their number.

    Returns
    -------
    list of Trajectory
        In the order of the settings; what ended one copy early is said in its ``ended`` and does not touch the others.

    Raises
    ------
    InputError
        The structure is periodic or the calculator has no such ``evaluate``; the settings differ by more than their seed; and
        as :func:`run_dynamics`.
    """
    listed = list(settings)
    check_structure(atoms)
    _check(atoms, calculator, listed, folders)
    places = [None if folders is None else Path(folders[k]) for k in range(len(listed))]
    with ExitStack() as stack:
        for place in places:
            if place is not None:
                with writing(place):
                    stack.enter_context(held(place))
        runs = []
        for place, each in zip(places, listed, strict=True):
            with writing(place):
                runs.append(_Copy(atoms, calculator, each, place, resume, silent))
        _Together(runs, atoms, calculator, progress or silent).run()
        return [_finished(run) for run in runs]


def _check(
    atoms: Any, calculator: Any, settings: Sequence[DynamicsSettings], folders: Sequence[str | Path] | None
) -> None:
    if batched(calculator) is None:
        raise InputError(
            f"{type(calculator).__name__} has no evaluate(numbers, positions) for many structures: run them one by one"
        )
    if atoms.pbc.any() or atoms.cell.rank:
        raise InputError(
            "the structure has a cell, and copies of molecules are moved together: run them one by one"
        )
    if not settings:
        raise InputError("no settings were given: give those of each copy")
    first = settings[0]
    if any(replace(each, seed=first.seed) != first for each in settings):
        raise InputError(
            "the settings of copies differ by more than their seed: give the same but for the seed"
        )
    if first.driver != "ase":
        raise InputError(f"driver is {first.driver!r}, expected ase: i-PI moves one copy at a time")
    if folders is not None and (len(folders) != len(settings) or len({*map(Path, folders)}) != len(settings)):
        raise InputError(f"{len(folders)} folders were given for {len(settings)} copies: give one for each")


def pause(seconds: float) -> float:
    """Return the seconds until the next states are saved: saving, which took so many, takes a twentieth of the time at most."""
    return max(5.0, 20.0 * seconds)


class _Copy(Run):
    """One of the runs; its mover is moved by the group."""

    fresh = False
    #: Set by the group: whether the state is saved when this step is done.
    saving = True

    def __init__(self, atoms: Any, *more: Any) -> None:
        self.first = atoms.get_positions()
        super().__init__(atoms, *more)

    def begin(self) -> None:
        """Make room; the first forces are computed with those of the others."""
        self.store.create(self.capacity)
        self.fresh = True

    def save(self) -> None:
        """Write the state, and keep the one before."""
        assert self.folder is not None
        keep_earlier(self.folder)
        super().save()

    def go_back(self, step: int) -> None:
        """Take up the state at a step, if there is one."""
        if self.folder is None or self.step < step:
            return
        for name in (STATE, EARLIER):
            state = read_state(self.folder, name)
            if state is not None and int(state["step"]) == step:
                self.ended, self.complete = "", False
                self.mover.thermostatted(True)
                self.atoms.set_positions(self.first)
                self.go_on({**state, "ended": "", "finished_steps": -1})
                return

    def forget(self) -> None:
        """Nothing is kept between evaluations."""

    def state_due(self) -> bool:
        """Whether the state is saved at this step, which decides nothing about the next ones."""
        return self.saving

    @property
    def over(self) -> bool:
        """Whether no step is left to make."""
        return self.complete or bool(self.ended) or self.step >= self.settings.steps


class _Together:
    """The copies in lock-step.

    A process may be killed when some copies have saved a state and others have not. All go back to the last step that all know:
    those that ended after it too, so that every batch is the one that it was. Where there is none, the later ones wait.
    """

    def __init__(self, runs: Sequence[_Copy], atoms: Any, calculator: Any, progress: Progress) -> None:
        self.runs, self.progress = runs, progress
        self.atoms, self.start = atoms, atoms.get_positions()
        going = [run.step for run in runs if not run.over]
        for run in runs if going else ():
            if not run.fresh:
                run.go_back(min(going))
        self.movers = CopyMovers([run.mover for run in runs], calculator)
        self.limits = np.array([run.limit for run in runs])
        self.next_state = time.monotonic() + pause(0.0)

    def run(self) -> None:
        """Make every step."""
        fresh = np.array([k for k, run in enumerate(self.runs) if run.fresh], dtype=np.int64)
        if len(fresh):
            try:
                self.movers.start(fresh)
                kept = self.runs[0].folder is not None
                answer = answer_of(self.movers.calculator, self.atoms) if kept else {}
            except Exception as error:
                raise InputError(
                    f"the calculator fails on the structure at the start: {clause(error)}"
                ) from error
            began = time.monotonic()
            for k in fresh:
                self.runs[k].answer = answer
                with writing(self.runs[k].folder):
                    self.runs[k].started()
            self._saved(began)
            self.movers.gather(fresh)
        for k, run in enumerate(self.runs):
            if run.over:
                self._leave(k)
        while going := [k for k, run in enumerate(self.runs) if not run.over]:
            step = min(self.runs[k].step for k in going)
            self._advance(np.array([k for k in going if self.runs[k].step == step], dtype=np.int64))

    def _advance(self, rows: Any) -> None:
        first = self.runs[rows[0]]
        failed = self.movers.step(rows, first.step + first.settings.equilibration)
        for k in self._suspects(rows) | set(failed):
            run = self.runs[k]
            if k in failed:
                reason = f"the calculator failed ({clause(failed[k])})"
            else:
                self.movers.scatter([k])
                reason = run.trouble()
            if reason:
                run.ended = run.when(reason)
                self._leave(k)
        moving = [int(k) for k in rows if not self.runs[k].ended]
        for k in moving:
            self.runs[k].step += 1
        if moving and self.runs[moving[0]].step % first.settings.sample_every == 0:  # 0 is among them
            self._arrive(moving)
        for k in moving:
            if self.runs[k].over:
                self._leave(k)

    def _arrive(self, rows: list[int]) -> None:
        """Record; save the states when that is due."""
        first, began = self.runs[rows[0]], time.monotonic()
        saving = began >= self.next_state
        self.movers.scatter(rows)
        for k in rows:
            self.runs[k].saving = saving
            with writing(self.runs[k].folder):
                self.runs[k].arrive()
        if saving:  # those that ended meanwhile after the others, whose last state but for this one knows nothing of that
            for run in self.runs:
                if run.ended:
                    with writing(run.folder):
                        run.close()
            self._saved(began)
        if first.step == 0:  # the bath is taken off, the centre of mass set to rest
            self.movers.gather(rows)
        if first.step >= 0:
            self.progress("dynamics", first.step, first.settings.steps)

    def _saved(self, began: float) -> None:
        """Decide when states are saved next."""
        ended = time.monotonic()
        self.next_state = ended + pause(ended - began)

    def _suspects(self, rows: Any) -> set[int]:
        """Return the copies that may have broken or flown apart; they are asked one by one."""
        movers, first = self.movers, self.runs[rows[0]]
        kelvin = movers.kinetic()[rows] / (1.5 * units.kB * len(movers.numbers))
        acting = movers.forces[rows] + movers.correction[rows]
        finite = np.isfinite(movers.potential[rows]) & np.isfinite(acting).all(axis=(1, 2))
        near = ~(finite & (kelvin < 0.99 * self.limits[rows]))
        bonds = first.bonds
        if len(bonds.first):
            apart = (
                movers.positions[rows][:, bonds.second]
                - movers.positions[rows][:, bonds.first]
                + bonds.offsets
            )
            near |= ~(np.linalg.norm(apart, axis=-1) < 0.999 * bonds.longest).all(axis=1)
        return {int(k) for k in rows[near]}

    def _leave(self, k: int) -> None:
        """Put a copy that does not move any more where every calculator gives an answer."""
        self.movers.positions[k] = self.start


def _finished(run: _Copy) -> Trajectory:
    with writing(run.folder):
        return run.finish()
