"""A sweep on a real Slurm: controller and node daemon of one machine, started for this file."""

import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from spectral_ceilings.sweeps.executors import minutes, parameters
from spectral_ceilings.sweeps.run_sweep import retry, sweep
from spectral_ceilings.sweeps.sweep_result import SweepResult
from spectral_ceilings.theory.errors import InputError

SCRIPT = Path(__file__).with_name("cluster.sh")
JOBS = "quick_jobs:QuickJobs"
SUPPORT = Path(__file__).parents[1] / "support"


def missing() -> str | None:
    """Return why no cluster can be started; None where one can."""
    absent = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if shutil.which(name) is None]
    if absent:
        return f"no {absent[0]} on this machine (Debian: slurm-wlm)"
    return None if os.geteuid() == 0 else "a cluster of one machine is started by root"


def script(what: str, folder: Path) -> str:
    done = subprocess.run([SCRIPT, what, folder], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def unavailable(reason: str) -> None:
    """Skip with a reason; fail where a cluster was promised."""
    if os.environ.get("SPECTRAL_CEILINGS_REQUIRE_SLURM"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if (reason := missing()) is not None:
        unavailable(reason)
    folder = tmp_path_factory.mktemp("slurm")
    before = os.environ.get("SLURM_CONF")
    try:
        os.environ["SLURM_CONF"] = started(folder)
        yield folder
    finally:
        os.environ.pop("SLURM_CONF", None)
        if before is not None:
            os.environ["SLURM_CONF"] = before
        script("stop", folder)


def started(folder: Path) -> str:
    """Start a cluster and return the path of its configuration."""
    done = subprocess.run([SCRIPT, "start", folder], capture_output=True, text=True, timeout=90, check=False)
    if done.returncode != 0:
        script("stop", folder)
        unavailable(f"Slurm is installed and does not start: {done.stderr[-300:]}")
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def workers_see_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))


def waited_for(what: str, condition: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.1)


def test_two_failures_a_killed_controller_and_a_requeued_job_lose_nothing(
    cluster: Path, tmp_path: Path
) -> None:
    """24 cells: 16 of the first stage and 6 that need some of them are done, 2 fail; each is finished once."""
    record, gate = tmp_path / "finished", tmp_path / "gate"
    record.touch()
    definition = {
        "slurm": {"array-size": 4, "time": 10},
        "stages": [
            {"name": "first", "job": "count", "options": {"steps": 4, "pause": 0.1, "record": str(record)},
             "list": [{"number": n} | ({"gate": str(gate)} if n else {}) for n in range(16)]},
            {"name": "broken", "job": "break", "grid": {"number": [100, 101]}},
            {"name": "second", "job": "count", "after": "broken-not",
             "options": {"start": "{broken-not}", "steps": 2, "record": str(record)}, "list": [{"number": 200}, {"number": 201}]},
            {"name": "broken-not", "job": "count", "grid": {"number": [301, 302]}, "options": {"record": str(record)}},
        ],
    }  # fmt: skip
    out, results = tmp_path / "sweep", list[SweepResult]()
    thread = threading.Thread(
        target=lambda: results.append(sweep(definition, out, cluster="slurm", jobs=JOBS)), daemon=True
    )
    thread.start()
    waited_for("the first cell", lambda: len(record.read_text().split()) >= 1)

    script("kill-controller", cluster)
    time.sleep(1.0)
    script("start-controller", cluster)
    waited_for("the controller", lambda: subprocess.run(["squeue"], capture_output=True).returncode == 0)

    def running() -> list[str]:
        listed = subprocess.run(
            ["squeue", "--noheader", "--states=RUNNING", "--array", "--format=%A %j"],
            capture_output=True,
            text=True,
        )
        return [line.split()[0] for line in listed.stdout.splitlines() if "first" in line]

    waited_for("a running job", running)
    subprocess.run(["scontrol", "requeue", running()[0]], check=True)
    gate.touch()  # all cells but one waited for this: some job of the first stage was there to be requeued
    thread.join(180)
    assert results, "the sweep did not end"

    (result,) = results
    assert (result.counts.done, result.counts.failed, result.counts.total) == (22, 2, 24)
    assert {cell.error for cell in result.failed} == {"error: broken on purpose"}
    assert all(cell.log.exists() for cell in result.failed)
    finished = Counter(record.read_text().split())
    assert set(finished) == {str(n) for n in (*range(16), 301, 302, 200, 201)}
    assert finished["200"] == finished["201"] == 2  # one for each of the two cells that each needs
    assert all(finished[str(n)] == 1 for n in (*range(16), 301, 302)), "a cell was computed twice"

    again = retry(out, cluster="slurm", jobs=JOBS)
    assert (again.counts.done, again.counts.failed) == (22, 2)
    assert Counter(record.read_text().split()) == finished, "a finished cell was computed again"


def test_a_partition_that_does_not_exist_is_said_before_anything_runs(cluster: Path, tmp_path: Path) -> None:
    definition = {"stages": [{"job": "count", "grid": {"number": [1]}}]}
    with pytest.raises(InputError, match="partition"):
        sweep(definition, tmp_path / "sweep", cluster="slurm", slurm={"partition": "nowhere"}, jobs=JOBS)


def test_submitted_jobs_finish_without_who_submitted_them(cluster: Path, tmp_path: Path) -> None:
    definition = {"stages": [{"job": "count", "grid": {"number": [1, 2, 3]}}]}
    out = tmp_path / "sweep"
    submitted = sweep(definition, out, cluster="slurm", wait=False, jobs=JOBS)
    assert submitted.counts.open == 3
    waited_for("the cells", lambda: all(cell.state == "done" for cell in submitted.store))


def test_times_are_read_as_slurm_reads_them() -> None:
    told = {"30": 30, 45: 45, "2:00:00": 120, "90:00": 90, "1-12:00:00": 2160, "1-06:30": 1830, "0:00:01": 1}
    assert {time: minutes(time) for time in told} == told


def test_what_a_stage_asks_for_reaches_sbatch() -> None:
    asked = {"partition": "gpu", "account": "me", "gpus": 2, "memory": "8 GB", "time": "1:00:00", "parallel": 5,
             "sbatch": {"nice": 100}, "setup": ["module load cuda"]}  # fmt: skip
    told = parameters("train", asked, 4, ["17", "18"])
    assert (told["partition"], told["account"], told["gpus_per_node"], told["mem"]) == ("gpu", "me", 2, "8G")
    assert (told["time"], told["cpus_per_task"], told["array_parallelism"]) == (60, 4, 5)
    assert told["additional_parameters"] == {
        "nice": 100, "requeue": True, "open-mode": "append", "dependency": "afterany:17:18",
    }  # fmt: skip
    assert "export OMP_NUM_THREADS=4" in told["setup"]
    assert told["setup"][-1] == "module load cuda"
