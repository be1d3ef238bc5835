"""Run a sweep: plan its cells, check what is there, keep workers busy until every cell has ended or waits for one that failed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ..diagnostic.readouts.compute import available_cores
from ..theory.errors import InputError
from .definition import Definition, Stage, nearest, read_definition
from .events import Running
from .executors import ARRAY, LocalWorkers, SlurmWorkers, share_cores
from .gpus import VISIBLE, asks_for_gpu, for_gpus, usable_gpus
from .jobs import COMMANDS, command_lines
from .plan import Cell, Plan, cells_of, write_plan
from .progress import StageCount
from .store import Store, damage, read_status
from .sweep_result import SweepCounts, SweepResult
from .worker import Worker, started

#: How often the state of a sweep is looked at, seconds.
_LOOK = 0.2
#: Rounds of workers that end without one more cell, after which the sweep is given up.
_FRUITLESS = 3


class Display(Protocol):
    """What shows the progress of a sweep, such as :class:`.progress.Progress`."""

    workers: int

    def update(
        self, states: Iterable[tuple[str, str, float, str]], stages: Sequence[StageCount] = ()
    ) -> None:
        """Take (label, state, seconds, last line of its log) of cells that run or have changed, and how far stages are."""


def planned(
    source: str | Path | Mapping[str, Any], out: str | Path | None = None, *, jobs: str = COMMANDS
) -> tuple[Definition, Path, Iterator[Cell]]:
    """Return a definition, the directory of its sweep and its cells, checked one by one as they are read.

    Raises
    ------
    InputError
        Something in the definition is wrong; see :func:`read_definition` and :func:`cells_of`.
    """
    definition = read_definition(source)
    root = Path(out or definition.out or Path("runs") / definition.name).resolve()
    return definition, root, cells_of(definition, command_lines(jobs))


def sweep(
    source: str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    cluster: str = "local",
    workers: int | None = None,
    threads: int | None = None,
    gpus: int | str | Sequence[int | str] | None = None,
    first: int | None = None,
    slurm: Mapping[str, Any] | None = None,
    wait: bool = True,
    show: Display | None = None,
    jobs: str = COMMANDS,
) -> SweepResult:
    """Run all cells of a sweep that have not ended; the same call goes on with one that was stopped.

    Parameters
    ----------
    source
        A YAML file, or a mapping of the same keys (``schemas/sweep.schema.json``).
    out
        Directory of the sweep; default: its ``out``, else ``runs/NAME``.
    cluster
        ``local`` (processes of this machine) or ``slurm`` (job arrays).
    workers, threads
        Cells at a time and threads of each; together no more than the cores. With ``slurm``: jobs of each array, and cores of
        each job.
    gpus
        GPUs of this machine for the cells that ask for one (``device`` is ``cuda`` or ``auto``): each of them has one to itself,
        as ``cuda:0``, or waits. A number, or names; one that is named n times takes n cells at a time. Default: all that
        ``CUDA_VISIBLE_DEVICES`` shows, or the machine has; 0: none. With ``slurm`` see there.
    first
        Only this many cells of each stage, with those that they need.
    slurm
        What Slurm jobs ask for, over what the file says: partition, account, gpus, memory, time, ...
    wait
        With ``slurm``: wait for the end; otherwise return when the jobs are submitted.
    show
        Told a few times a second what runs.
    jobs
        Where the commands are.

    Returns
    -------
    SweepResult
        With the cells that failed, their errors and logs.

    Raises
    ------
    InputError
        The definition is wrong, the directory is none of a sweep or cannot be written, more cores or GPUs are asked for than
        there are, or Slurm refuses the jobs.
    """
    _check(cluster, workers=workers, threads=threads, first=first)
    definition, root, cells = planned(source, out, jobs=jobs)
    workers, threads = workers or definition.workers, threads or definition.threads
    _check(cluster, workers=workers, threads=threads)
    cards = usable_gpus(cluster, definition.gpus if gpus is None else gpus)
    _open(root)
    with _naming(root):
        write_plan(root / "plan.jsonl", definition, for_gpus(cells, cards))
    run = Run(Store(root), definition, cluster, workers, threads, dict(slurm or {}), jobs, cards=cards)
    if first is not None:
        run.only = first_cells(run.store.plan, first)
    return run.finish(wait, show)


def retry(
    root: str | Path,
    stage: str | None = None,
    *,
    cluster: str = "local",
    workers: int | None = None,
    threads: int | None = None,
    gpus: int | str | Sequence[int | str] | None = None,
    slurm: Mapping[str, Any] | None = None,
    wait: bool = True,
    show: Display | None = None,
    jobs: str = COMMANDS,
) -> SweepResult:
    """Compute the cells that failed again, and those that waited for them; their logs go on.

    Parameters
    ----------
    root
        Directory of the sweep.
    stage
        Only failed cells of this stage, and those that waited for them.
    cluster, workers, threads, gpus, slurm, wait, show, jobs
        As of :func:`sweep`; default: what the sweep's file said.

    Raises
    ------
    InputError
        The directory is none of a sweep, it has no such stage, or what :func:`sweep` refuses is asked for.
    """
    store = Store(Path(root).resolve())
    head = store.plan.head
    stages = tuple(
        Stage(s["name"], s["job"], after=tuple(s["after"]), slurm=s["slurm"]) for s in head["stages"]
    )
    names = [s.name for s in stages]
    if stage is not None and stage not in names:
        raise InputError(f"the sweep has no stage {stage!r}; {nearest(stage, names)}")
    workers, threads = (
        (head["workers"] if workers is None else workers),
        (head["threads"] if threads is None else threads),
    )
    _check(cluster, workers=workers, threads=threads)
    cards = usable_gpus(cluster, head.get("gpus") if gpus is None else gpus)
    again: set[str] = set()
    for cell in store:
        if cell.state == "failed" and stage in (None, cell.stage):
            with _naming(store.root):
                (cell.folder / "status.json").unlink()
                (cell.folder / "claim.json").unlink(missing_ok=True)
            again.add(cell.key)
        elif cell.state != "done" and again.intersection(cell.needs):
            again.add(cell.key)
    run = Run(
        store,
        Definition(head["name"], stages),
        cluster,
        workers,
        threads,
        dict(slurm or {}),
        jobs,
        frozenset(again),
        cards=cards,
    )
    trouble = run.finish(wait, show).trouble if again else ""
    run.only = frozenset()
    return SweepResult(store.root, run.look(), tuple(run.damaged), trouble)


def first_cells(plan: Plan, number: int) -> frozenset[str]:
    """Return the keys of the first cells of each stage, with those that they need."""
    chosen: dict[str, list[str]] = {}
    needs: dict[str, tuple[str, ...]] = {}
    for cell in plan:
        if len(chosen.setdefault(cell.stage, [])) < number:
            chosen[cell.stage].append(cell.key)
        needs[cell.key] = cell.needs
    wanted: set[str] = set()
    queue = [key for keys in chosen.values() for key in keys]
    while queue:
        key = queue.pop()
        if key not in wanted:
            wanted.add(key)
            queue += needs[key]
    return frozenset(wanted)


def _check(cluster: str, **asked: int | None) -> None:
    """Refuse what cannot be, before anything is written: another cluster, numbers below 1, more cores than there are."""
    if cluster not in ("local", "slurm"):
        raise InputError(f"the cluster is {cluster!r}; expected 'local' or 'slurm'")
    for name, value in asked.items():
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}; expected an integer of at least 1")
    if cluster == "local":
        share_cores(asked["workers"], asked["threads"], 1)


def _open(root: Path) -> None:
    """Make the directory of a sweep, or find one there."""
    if root.is_file():
        raise InputError(f"{str(root)!r} is a file: name a folder with --out")
    if root.is_dir() and not (root / "plan.jsonl").exists() and any(root.iterdir()):
        raise InputError(
            f"the folder {str(root)!r} holds files but no plan of a sweep: name another one with --out; nothing in it was touched"
        )
    with _naming(root):
        root.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def _naming(root: Path) -> Iterator[None]:
    """Turn an error of the file system into one sentence."""
    try:
        yield
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the directory of the sweep {str(root)!r} cannot be written ({error.strerror or error}): free some room there, or "
            "name a folder that you may write to with --out; what is finished is kept"
        ) from error


@dataclass
class Run:
    """One process that looks after a sweep until its end."""

    store: Store
    definition: Definition
    cluster: str
    workers: int | None
    threads: int | None
    slurm: dict[str, Any]
    jobs: str
    only: frozenset[str] = frozenset()
    damaged: list[tuple[str, str, str]] = field(default_factory=list)
    cards: tuple[str, ...] | None = None

    def finish(self, wait: bool, show: Display | None) -> SweepResult:
        """Start workers, again where some were lost, until no cell is left that could be computed."""
        counts = self.look(repair=True)
        trouble, fruitless, executor = "", 0, None
        running = Running(self.store.root)
        while counts.open and fruitless < _FRUITLESS:
            before = counts.open
            try:
                with _naming(self.store.root):
                    executor = self.start(counts)
                if not wait:
                    return SweepResult(self.store.root, counts, tuple(self.damaged))
                if show is not None:
                    show.workers = counts.workers
                self.wait(executor, counts, running, show)
            except KeyboardInterrupt:
                if executor is not None:
                    executor.stop()
                raise
            trouble = running.stopped or executor.trouble()
            counts = self.look()
            if running.stopped:
                break
            fruitless = fruitless + 1 if counts.open >= before else 0
        if show is not None:
            show.update([], list(counts.stages.values()))
        if counts.open and not trouble:
            trouble = "workers ended again and again without finishing a cell"
        return SweepResult(self.store.root, counts, tuple(self.damaged), trouble if counts.open else "")

    def look(self, repair: bool = False) -> SweepCounts:
        """Count the cells by state; ``repair``: check every finished one by its hashes, and move a damaged one aside."""
        counts, lost = SweepCounts(), set[str]()
        for cell in self.store.plan:
            if self.only and cell.key not in self.only:
                continue
            if repair:
                self._repair(cell)
            record = read_status(self.store.folder(cell.key))
            if record is not None:
                done = record["state"] == "done"
                counts.add(cell.stage, done, not done, 0, float(record.get("wall_s") or 0.0))
                if not done:
                    lost.add(cell.key)
            elif any(key in lost for key in cell.needs):
                counts.blocked += 1
                lost.add(cell.key)
            else:
                counts.add(cell.stage, open=1)
        return counts

    def _repair(self, cell: Cell) -> None:
        folder = self.store.folder(cell.key)
        wrong = damage(folder)
        if wrong is not None:
            aside = self.store.set_aside(cell.key)
            self.damaged.append((cell.label, wrong, str(aside.relative_to(self.store.root))))

    def start(self, counts: SweepCounts) -> LocalWorkers | SlurmWorkers:
        """Start workers for the open cells."""
        token = f"{int(time.time())}-{os.getpid()}"
        if self.cluster == "slurm":
            return self._start_slurm(counts, token)
        wanted = self.workers
        if wanted is None and self.threads is None and self.cards and self._all_ask_for_gpu():
            wanted = min(len(self.cards), available_cores())  # more could only wait
        number, threads = share_cores(wanted, self.threads, counts.open)
        number = min(number, counts.open)
        counts.workers = number
        # Cells that ask for no GPU see none where GPUs are shared out; else what this process sees, which submitit would hide.
        environment = {VISIBLE: os.environ.get(VISIBLE) if self.cards is None else ""}
        made = [
            Worker(
                self.store.root, f"{token}-{i}", (i, number), only=self.only, watched=(os.getpid(), started(os.getpid())),
                jobs=self.jobs, gpus=self.cards or (), environment=environment,
            )
            for i in range(number)
        ]  # fmt: skip
        return LocalWorkers(self.store.root / "workers" / "submitit", made, threads)

    def _all_ask_for_gpu(self) -> bool:
        return all(
            asks_for_gpu(cell.options) for cell in self.store.plan if not self.only or cell.key in self.only
        )

    def _gpus_of_jobs(self, stage: str) -> dict[str, int]:
        """Return one GPU for each job of a stage that cannot do without: a cell says ``cuda``, not ``auto``."""
        devices = (str(cell.options.get("device")) for cell in self.store.plan if cell.stage == stage)
        return {"gpus": 1} if any(device.startswith("cuda") for device in devices) else {}

    def _start_slurm(self, counts: SweepCounts, token: str) -> SlurmWorkers:
        stages, threads = [], self.threads or 1
        for stage in self.definition.stages:
            left = counts.stages[stage.name].open if stage.name in counts.stages else 0
            if not left:
                continue
            asked = {**self._gpus_of_jobs(stage.name), **stage.slurm, **self.slurm}
            number = min(left, self.workers or int(asked.get("array-size", ARRAY)))
            worker = Worker(self.store.root, "", stages=(stage.name,), only=self.only, jobs=self.jobs)
            made = [
                replace(worker, name=f"{token}-{stage.name}-{i}", share=(i, number)) for i in range(number)
            ]
            stages.append({"name": stage.name, "after": stage.after, "slurm": asked, "workers": made})
        counts.workers = sum(len(s["workers"]) for s in stages)
        return SlurmWorkers(self.store.root / "workers" / "submitit", stages, threads)

    def wait(
        self,
        executor: LocalWorkers | SlurmWorkers,
        counts: SweepCounts,
        running: Running,
        show: Display | None,
    ) -> None:
        """Wait until no worker is left; keep the counts up to date from what they tell."""
        look = _LOOK if self.cluster == "local" else 10 * _LOOK
        while True:
            alive = executor.running()
            changed = list(running.news())
            for event in changed:
                ended = event.state in ("done", "failed")
                counts.add(
                    event.stage, event.state == "done", event.state == "failed", -ended, ended * event.seconds
                )
            if show is not None:
                told = [(e.label, e.state, e.seconds, e.line) for e in changed]
                show.update([*told, *running.cells()], list(counts.stages.values()))
            if alive == 0:
                return
            time.sleep(look)
