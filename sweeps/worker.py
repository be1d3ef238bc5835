"""A worker: takes one open cell after another, until none is left. Any number of them, on any machines, share a sweep."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .claims import claim
from .gpus import asks_for_gpu, lease
from .jobs import COMMANDS, EMPTY, command_lines
from .one_cell import DiskFull, run_cell
from .plan import Cell
from .store import Store

#: Longest pause before a worker looks again for cells that have become free, seconds.
_PAUSE = 2.0


def started(pid: int) -> str | None:
    """Return when a process of this machine started, in ticks of its clock; None where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def _is_running(pid: int, ticks: str | None) -> bool:
    if ticks is not None:
        return started(pid) == ticks
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@dataclass
class Worker:
    """Runs the cells of a sweep; called by submitit in a process of its own.

    Attributes
    ----------
    root
        The sweep's directory.
    name
        Name of its file of events, ``workers/NAME.jsonl``.
    share
        (i, n): it begins with the i-th of n parts of the plan, so that n workers meet late.
    stages
        The stages whose cells it takes; empty: all.
    only
        Keys of the cells to take; empty: all.
    watched
        Process (and its start) without which nobody waits for the results: it stops when that is gone.
    jobs
        Where the commands are.
    gpus
        GPUs of this machine; a cell that asks for one has one of them to itself, or waits.
    environment
        Variables to set first; None: to remove.
    """

    root: Path
    name: str
    share: tuple[int, int] = (0, 1)
    stages: tuple[str, ...] = ()
    only: frozenset[str] = frozenset()
    watched: tuple[int, str | None] | None = None
    jobs: str = COMMANDS
    gpus: tuple[str, ...] = ()
    environment: dict[str, str | None] = field(default_factory=dict)

    def __call__(self) -> dict[str, int]:
        """Run cells until none is left that this worker could take; return how many were done and failed."""
        for name, value in self.environment.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        store, jobs = Store(self.root), command_lines(self.jobs)
        count, pause, ended = {"done": 0, "failed": 0}, 0.05, _Ended(store)
        (self.root / "workers").mkdir(exist_ok=True)
        self._tell("start", pid=os.getpid())
        jobs.preload(self._kinds(store))
        while self._wanted():
            ran = left = 0
            for cell in self._in_turn(store):
                if not self._wanted():
                    break
                if ended(cell.key) or any(ended(key) == "failed" for key in cell.needs):
                    continue
                left += 1
                if any(ended(key) != "done" for key in cell.needs):
                    continue
                try:
                    state = self._take(cell, store, jobs, ended)
                except DiskFull as error:
                    self._tell("stop", why=str(error))
                    return count
                if state is not None:
                    ran, left = ran + 1, left - (state != "open")
                    count[state] = count.get(state, 0) + 1
            if not left:
                break
            pause = 0.05 if ran else min(2 * pause, _PAUSE)
            time.sleep(pause)
        self._tell("end")
        return count

    def checkpoint(self) -> Any:
        """Return what submitit has to submit again where the job is preempted or meets its time limit: the same worker."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _take(self, cell: Cell, store: Store, jobs: Any, ended: Callable[[str], str | None]) -> str | None:
        """Claim a cell and run it; None where somebody else has it or every GPU, ``open`` where it was killed."""
        if not (self.gpus and asks_for_gpu(cell.options)):
            return self._run(cell, store, jobs, ended)
        with lease(self.root / "workers" / "gpus", self.gpus) as gpu:
            return None if gpu is None else self._run(cell, store, jobs, ended, gpu=gpu)

    def _run(
        self, cell: Cell, store: Store, jobs: Any, ended: Callable[[str], str | None], **told: str
    ) -> str | None:
        taken = claim(store.folder(cell.key))
        if taken is None:
            return None
        over = False
        try:
            if ended(cell.key):  # since we looked
                over = True
                return None
            self._tell(
                "begin", key=cell.key, label=cell.label, stage=cell.stage, attempt=taken.attempts, **told
            )
            state = run_cell(cell, self.root, taken, jobs, self._wanted, self.name, self.jobs)
            over = state is not None
            self._tell("ended", key=cell.key, state=state or "open")
            return state or "open"
        finally:
            taken.release(over)

    def _in_turn(self, store: Store) -> Iterable[Cell]:
        """Yield the cells of this worker, beginning with its part of the plan."""
        i, n = self.share
        number = 0
        for cell in store.plan:
            if self._mine(cell):
                number += 1
                if n == 1 or number % n == i:
                    yield cell
        if n > 1:
            yield from (cell for cell in store.plan if self._mine(cell))

    def _mine(self, cell: Cell) -> bool:
        return (not self.stages or cell.stage in self.stages) and (not self.only or cell.key in self.only)

    def _kinds(self, store: Store) -> tuple[str, ...]:
        stages = store.plan.head["stages"]
        return tuple({s["job"] for s in stages if not self.stages or s["name"] in self.stages} - {EMPTY})

    def _wanted(self) -> bool:
        return not self.stop_file.exists() and (self.watched is None or _is_running(*self.watched))

    @property
    def stop_file(self) -> Path:
        """The file that tells this worker to stop."""
        return self.root / "workers" / f"{self.name}.stop"

    def _tell(self, event: str, **content: Any) -> None:
        """Add a line to this worker's file of events."""
        line = json.dumps({"event": event, "time": time.time(), **content}) + "\n"
        try:
            with (self.root / "workers" / f"{self.name}.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(line)
        except OSError:  # events are for show; a full disk must not stop the cell that is being recorded
            pass


class _Ended:
    """How cells ended, remembered once they have: nobody changes that while a sweep runs."""

    def __init__(self, store: Store) -> None:
        self._store, self._known = store, dict[str, str]()

    def __call__(self, key: str) -> str | None:
        state = self._known.get(key)
        if state is None:
            state = self._store.ended(key)
            if state is not None:
                self._known[key] = state
        return state
