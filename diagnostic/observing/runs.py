"""The runs of a job: every cure and replica, each resumable, with what ended it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units

from ...theory.errors import InputError
from ..dynamics.copies import run_copies
from ..dynamics.cures import parse_cure
from ..dynamics.outer_step import fastest_period, outer_step_sentence
from ..dynamics.run import run_dynamics
from ..dynamics.storage import read_trajectory
from ..dynamics.trajectory import Trajectory
from ..observables.energies import centre_at_rest
from ..observables.statistics import blocked
from ..records.parts import Parts
from ..records.progress import Progress
from ..symmetry.batches import batched, evaluate_together
from .settings import ObserveSettings


def folder_of(cure: str, replica: int) -> Path:
    """Return the folder of a run in the run directory; no file system objects to its name."""
    return Path("runs") / cure.replace(":", "_") / str(replica)


def key_of(settings: ObserveSettings, cure: str, replica: int) -> str:
    """Return the key of the part of a run: a job that is made longer runs on."""
    return f"run/{cure}/{replica}/{settings.steps} steps"


def run_all(
    atoms: Atoms, calculator: Any, settings: ObserveSettings, parts: Parts, tell: Progress
) -> tuple[list[dict[str, Any]], dict[str, list[Trajectory]]]:
    """Run every cure and replica, or take up what is there.

    Returns
    -------
    The rows of the runs, and the trajectories by cure, a list of replicas each.
    """
    rows: list[dict[str, Any]] = []
    trajectories: dict[str, list[Trajectory]] = {cure: [] for cure in settings.cures}
    together = moved_together(atoms, calculator, settings)
    for cure in settings.cures:
        group = _Group(atoms, calculator, settings, cure, parts, tell) if together else None
        for replica in range(settings.replicas):
            row, trajectory = (
                _run(atoms, calculator, settings, (cure, replica), parts, tell)
                if group is None
                else group.row(replica)
            )
            rows.append(row)
            trajectories[cure].append(trajectory)
    return rows, trajectories


def moved_together(atoms: Atoms, calculator: Any, settings: ObserveSettings) -> bool:
    """Whether the replicas of a cure share their evaluations: molecules without a cell, with a calculator of many at once."""
    isolated = not (atoms.pbc.any() or atoms.cell.rank)
    return settings.replicas > 1 and settings.driver == "ase" and isolated and batched(calculator) is not None


def seconds_together(atoms: Atoms, calculator: Any, settings: ObserveSettings) -> float | None:
    """Return the seconds that one of all replicas takes where they are evaluated together; None where they are not."""
    if not moved_together(atoms, calculator, settings):
        return None
    positions = np.repeat(atoms.positions[None], settings.replicas, axis=0)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        evaluate_together(calculator, np.asarray(atoms.numbers, dtype=np.int64), positions)
        times.append(time.perf_counter() - start)
    return min(times) / settings.replicas


class _Group:
    """The replicas of one cure, run when the first of them is not there yet."""

    def __init__(
        self,
        atoms: Atoms,
        calculator: Any,
        settings: ObserveSettings,
        cure: str,
        parts: Parts,
        tell: Progress,
    ) -> None:
        self.atoms, self.calculator, self.settings, self.cure = atoms, calculator, settings, cure
        self.parts, self.tell = parts, tell
        self.relative = [folder_of(cure, replica) for replica in range(settings.replicas)]
        self.made: list[Trajectory] = []
        self.seconds: float | None = None

    def row(self, replica: int) -> tuple[dict[str, Any], Trajectory]:
        """Return the row and the trajectory of a replica."""
        key, run = key_of(self.settings, self.cure, replica), self.parts.run
        row = self.parts.get(key, lambda: self._computed(replica))
        if key in self.parts.timings and self.seconds is not None:
            self.parts.timings[key] = round(self.seconds, 3)
        if self.made:
            return row, self.made[replica]
        assert run is not None
        return row, read_trajectory(run.path / self.relative[replica])

    def _computed(self, replica: int) -> dict[str, Any]:
        run = self.parts.run
        if not self.made:
            self._run(None if run is None else [run.path / relative for relative in self.relative])
        return {
            **_row(self.made[replica], (self.cure, replica), self.settings),
            "folder": None if run is None else self.relative[replica].as_posix(),
            "seconds": self.seconds,
        }

    def _run(self, folders: list[Path] | None) -> None:
        settings, count = self.settings, self.settings.replicas
        resumed = folders is not None and any(folder.exists() for folder in folders)
        what, start = f"{self.cure}, {count} replicas together", time.perf_counter()
        self.made = run_copies(
            self.atoms, self.calculator, [settings.dynamics(self.cure, replica) for replica in range(count)],
            folders=folders, resume=resumed, progress=lambda _what, done, total: self.tell(what, done, total),
        )  # fmt: skip
        self.seconds = None if resumed else (time.perf_counter() - start) / count


def _run(
    atoms: Atoms, calculator: Any, settings: ObserveSettings, which: tuple[str, int], parts: Parts, tell: Progress
) -> tuple[dict[str, Any], Trajectory]:  # fmt: skip
    cure, replica = which
    relative = folder_of(cure, replica)
    folder = None if parts.run is None else parts.run.path / relative
    made: list[Trajectory] = []
    what = cure if settings.replicas == 1 else f"{cure}, replica {replica}"

    def run() -> dict[str, Any]:
        there = folder is not None and folder.exists()
        start = time.perf_counter()
        trajectory = run_dynamics(
            atoms, calculator, settings.dynamics(cure, replica), folder=folder, resume=there,
            progress=lambda _what, done, total: tell(what, done, total),
        )  # fmt: skip
        made.append(trajectory)
        return {
            **_row(trajectory, which, settings),
            "folder": None if folder is None else relative.as_posix(),
            "seconds": None if there else time.perf_counter() - start,
        }

    row = parts.get(key_of(settings, cure, replica), run)
    if not made:
        assert folder is not None
        made.append(read_trajectory(folder))
    return row, made[0]


def _row(trajectory: Trajectory, which: tuple[str, int], settings: ObserveSettings) -> dict[str, Any]:
    cure, replica = which
    known = parse_cure(cure)
    last = float(trajectory.times[-1]) if len(trajectory.times) else 0.0
    return {
        "cure": cure,
        "replica": replica,
        "evaluations": known.evaluations,
        "exact_to": known.exact_to,
        "inversion": known.inversion,
        "steps": round(last / settings.time_step),
        "time_ps": last / 1e3,
        "records": len(trajectory.times),
        "temperature": _temperature(trajectory),
        "ended": trajectory.ended,
    }


def _temperature(trajectory: Trajectory) -> dict[str, float | None]:
    if len(trajectory.times) < 3:
        return {"value": None, "error": None}
    freedom = 3 * len(trajectory.numbers) - (3 if centre_at_rest(trajectory) else 0)
    estimate = blocked(2.0 * trajectory.kinetic / (max(freedom, 1) * units.kB))
    return {
        name: value if np.isfinite(value) else None
        for name, value in (("value", estimate.value), ("error", estimate.error))
    }


def with_outer_steps(
    rows: Sequence[dict[str, Any]], calculator: Any, atoms: Atoms, settings: ObserveSettings, parts: Parts
) -> list[dict[str, Any]]:
    """Return the rows, each with its outer step and the fastest period of the model (fs), or None without an outer step."""
    if not any(parse_cure(cure).multiple for cure in settings.cures):
        return [{**row, "outer_step": None} for row in rows]

    def period() -> dict[str, float | None]:
        try:
            value = fastest_period(calculator, atoms)
        except InputError:  # then nothing is said of it
            value = float("inf")
        return {"fs": value if np.isfinite(value) else None}

    fastest = parts.get("fastest period", period)["fs"]
    done = []
    for row in rows:
        known = parse_cure(row["cure"])
        outer: dict[str, Any] | None = None
        if known.multiple:
            said = outer_step_sentence(known.name, settings.time_step, fastest) if fastest else ""
            outer = {"fs": known.stride * settings.time_step, "fastest_period": fastest, "sentence": said}
        done.append({**row, "outer_step": outer})
    return done


def outer_step_sentences(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Return a sentence on each cure whose outer step is too long, once."""
    said = [run["outer_step"]["sentence"] for run in runs if run.get("outer_step")]
    return list(dict.fromkeys(sentence for sentence in said if sentence))


def ended_sentence(runs: Sequence[dict[str, Any]]) -> str:
    """Return a sentence for every cure of which runs ended early: how many of several, and how the first of them; empty: none."""
    said = []
    for cure in dict.fromkeys(run["cure"] for run in runs):
        every = [run for run in runs if run["cure"] == cure]
        ended = [run for run in every if run["ended"]]
        if not ended:
            continue
        first = ended[0]
        replica = f", replica {first['replica']}" if len(every) > 1 else ""
        many = f"{len(ended)} of {len(every)} runs with cure {cure} ended early, the first of them: "
        one_run = f"The run with cure {cure}{replica} ended early: "
        said.append(f"{many if len(ended) > 1 else one_run}{first['ended']}.")
    return " ".join(said)
