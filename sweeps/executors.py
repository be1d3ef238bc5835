"""Where workers run: processes of this machine, or a Slurm array; both through submitit."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..diagnostic.readouts.compute import available_cores
from ..theory.errors import InputError
from .worker import Worker

#: Environment variables that say how many threads a library may use.
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "SPECTRAL_CEILINGS_CORES",
)  # fmt: skip
#: Jobs of a Slurm array where nothing else is said.
ARRAY = 64


def share_cores(workers: int | None, threads: int | None, cells: int) -> tuple[int, int]:
    """Return (workers, threads): together no more than the cores of this machine.

    Raises
    ------
    InputError
        More are asked for than there are.
    """
    cores = available_cores()
    if workers is None:
        workers = max(1, min(cores // (threads or 1), cells))
    if threads is None:
        threads = max(1, cores // workers)
    if workers * threads > cores:
        raise InputError(
            f"{workers} workers of {threads} threads ask for {workers * threads} cores, and there are {cores}; take fewer "
            "workers or threads"
        )
    return workers, threads


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes that are started in the block ignore Ctrl-C: a terminal sends it to all, and this process tells them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class LocalWorkers:
    """Workers as processes of this machine; they end when this process does."""

    def __init__(self, folder: Path, workers: Sequence[Worker], threads: int) -> None:
        from submitit import LocalExecutor

        executor = LocalExecutor(folder=folder)
        executor.update_parameters(timeout_min=60 * 24 * 365, signal_delay_s=1)
        self._workers = tuple(workers)
        before = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(dict.fromkeys(THREADS, str(threads)))
        try:
            with _deaf_to_ctrl_c():
                self.jobs = [executor.submit(worker) for worker in workers]
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})

    def running(self) -> int:
        """Return how many of them have not ended."""
        return sum(job.get_info()["jobState"] == "RUNNING" for job in self.jobs)

    def stop(self) -> None:
        """End them; their cells stay open."""
        for worker in self._workers:
            worker.stop_file.touch()

    def trouble(self) -> str:
        """Return the last words of a worker that ended by an error, empty where none did."""
        for job in self.jobs:
            if job.get_info()["jobState"] != "RUNNING":
                text = job.stderr() or ""
                lines = [line for line in text.splitlines() if line.strip()]
                if lines and "Traceback" in text:
                    return f"{lines[-1].strip()} (log: {job.paths.stderr})"
        return ""


class SlurmWorkers:
    """Workers as the tasks of one Slurm array for each stage that has open cells."""

    def __init__(self, folder: Path, stages: Sequence[dict[str, Any]], threads: int) -> None:
        from submitit import SlurmExecutor

        self.ids: dict[str, str] = {}
        for stage in stages:
            try:
                executor = SlurmExecutor(
                    folder=folder, max_num_timeout=int(stage["slurm"].get("timeouts", 100))
                )
            except RuntimeError:
                raise InputError(
                    "this machine has no Slurm (no command 'srun'); run the sweep where sbatch works, or leave --cluster out"
                ) from None
            before = [self.ids[name] for name in stage["after"] if name in self.ids]
            executor.update_parameters(**parameters(stage["name"], stage["slurm"], threads, before))
            try:
                with executor.batch():
                    jobs = [executor.submit(worker) for worker in stage["workers"]]
            except Exception as error:  # submitit raises its own for whatever sbatch says
                raise InputError(
                    f"Slurm did not take the jobs of stage {stage['name']!r}: {_said(error)}"
                ) from None
            self.ids[stage["name"]] = str(jobs[0].job_id).partition("_")[0]

    def running(self) -> int | None:
        """Return how many tasks Slurm still has; None where it does not answer."""
        asked = subprocess.run(
            ["squeue", "--noheader", "--array", "--format=%F"], capture_output=True, text=True, check=False
        )
        if asked.returncode != 0:
            return None
        mine = set(self.ids.values())
        return sum(line.strip() in mine for line in asked.stdout.splitlines())

    def stop(self) -> None:
        """Cancel what Slurm still has; the cells stay open."""
        subprocess.run(["scancel", *self.ids.values()], capture_output=True, check=False)

    def trouble(self) -> str:
        """Return nothing: the logs of Slurm's jobs say what happened."""
        return ""


def _said(error: Exception) -> str:
    """Return what sbatch said, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if "sbatch: error" in line]
    return (lines[-1] if lines else " ".join(str(error).split()))[:300]


def minutes(time: int | str) -> int:
    """Return a time limit in minutes: a number of them, H:MM:SS, MM:SS or D-HH:MM:SS, rounded up."""
    if isinstance(time, int):
        return time
    days, _, clock = time.rpartition("-")
    if time.isdigit():
        return int(time)
    parts = [int(part) for part in clock.split(":")]
    if len(parts) == 2:
        parts = [*parts, 0] if days else [0, *parts]
    hours, mins, seconds = parts
    return (int(days or 0) * 24 + hours) * 60 + mins + (seconds + 59) // 60


def parameters(name: str, slurm: dict[str, Any], threads: int, before: Sequence[str]) -> dict[str, Any]:
    """Return what submitit's Slurm executor is told for the array of one stage."""
    further = {str(key).lstrip("-"): value for key, value in slurm.get("sbatch", {}).items()}
    further.setdefault("requeue", True)
    further.setdefault("open-mode", "append")
    if before:
        further["dependency"] = "afterany:" + ":".join(before)
    told: dict[str, Any] = {
        "job_name": f"ceilings-{name}",
        "time": minutes(slurm.get("time", 24 * 60)),
        "cpus_per_task": threads,
        "setup": [*(f"export {variable}={threads}" for variable in THREADS), *slurm.get("setup", [])],
        "additional_parameters": further,
    }
    if "memory" in slurm:
        told["mem"] = re.sub(r"[ B]", "", slurm["memory"])
    if slurm.get("gpus"):
        told["gpus_per_node"] = slurm["gpus"]
    if "parallel" in slurm:
        told["array_parallelism"] = slurm["parallel"]
    return told | {key: slurm[key] for key in ("partition", "account", "qos", "constraint") if key in slurm}
