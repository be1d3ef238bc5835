"""SIGKILL at random moments: whatever dies, the collected table is that of the undisturbed run, byte for byte."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from spectral_ceilings.sweeps.gather import collect
from spectral_ceilings.sweeps.run_sweep import sweep
from spectral_ceilings.sweeps.sweep_result import SweepResult

#: The long run: SPECTRAL_CEILINGS_KILLS=50.
KILLS = int(os.environ.get("SPECTRAL_CEILINGS_KILLS", "6"))
CODE = (
    "import json, sys; from spectral_ceilings.sweeps.run_sweep import sweep; "
    "sweep(json.loads(sys.argv[1]), sys.argv[2], jobs=json.loads(sys.argv[3]), workers=2)"
)


def family(pid: int) -> list[int]:
    """Return a process with all below it."""
    below = subprocess.run(
        ["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False
    )
    return [pid, *(other for line in below.stdout.split() for other in family(int(line)))]


def killed_again_and_again(
    definition: dict[str, object], out: Path, jobs: str, kills: int, longest: float
) -> int:
    """Run a sweep, kill some or all of its processes at random moments, start it again; return how many kills hit."""
    draw = random.Random(20261126)
    hit = 0
    for _ in range(kills):
        run = subprocess.Popen(
            [sys.executable, "-c", CODE, json.dumps(definition), str(out), json.dumps(jobs)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + draw.uniform(0.5, longest)
        while time.monotonic() < end and run.poll() is None:
            time.sleep(0.02)
        everyone = family(run.pid) if run.poll() is None else []
        if len(everyone) > 1 and draw.random() < 0.5:  # one of them: a worker, its controller, or a cell
            victim = draw.choice(everyone[1:])
            _kill(victim)
            time.sleep(draw.uniform(0.0, 1.0))
        for pid in (
            [run.pid, *everyone] if draw.random() < 0.7 else [run.pid]
        ):  # all at once, or the sweep alone
            _kill(pid)
        hit += bool(everyone)
        run.wait()
    return hit


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_a_sweep_that_is_killed_again_and_again_ends_with_the_same_table(
    tmp_path: Path, run: Callable[..., SweepResult]
) -> None:
    stages = [
        {
            "name": "first",
            "job": "count",
            "grid": {"number": list(range(12))},
            "options": {"steps": 8, "pause": 0.1},
        },
        {
            "name": "second",
            "job": "count",
            "after": "first",
            "options": {"start": "{first}", "steps": 4, "pause": 0.1},
        },
    ]
    undisturbed = sweep({"stages": stages}, tmp_path / "undisturbed", jobs="quick_jobs:QuickJobs", workers=2)
    assert undisturbed.complete
    out = tmp_path / "disturbed"
    assert killed_again_and_again({"stages": stages}, out, "quick_jobs:QuickJobs", KILLS, 6.0) > 0
    result = sweep({"stages": stages}, out, jobs="quick_jobs:QuickJobs", workers=2)
    assert result.complete, [(cell.label, cell.error) for cell in result.failed]
    tables = [Path(collect(folder).table).read_bytes() for folder in (undisturbed.root, result.root)]
    assert tables[0] == tables[1]
    for before, after in zip(undisturbed.cells(), result.cells(), strict=True):
        assert before.record["files"] == after.record["files"]


@pytest.mark.skipif(KILLS < 50, reason="minutes: SPECTRAL_CEILINGS_KILLS=50 runs it")
def test_trainings_that_are_killed_again_and_again_end_with_the_same_weights(tmp_path: Path) -> None:
    definition = {
        "stages": [
            {"job": "train", "grid": {"seed": [0, 1], "l-max": [1, 2]},
             "options": {"data": "aspirin-xtb", "layers": 2, "features": 2, "steps": 60, "validate-every": 4, "batch-size": 1}},
            {"job": "diagnose", "after": "train", "options": {"backbone": "{train}", "data": "aspirin-xtb", "frames": 67}},
        ]
    }  # fmt: skip
    commands = "spectral_ceilings.cli.cells:CommandLines"
    undisturbed = sweep(definition, tmp_path / "undisturbed", workers=2)
    assert undisturbed.complete
    out = tmp_path / "disturbed"
    assert killed_again_and_again(definition, out, commands, KILLS, 20.0) > 0
    result = sweep(definition, out, workers=2)
    assert result.complete, [(cell.label, cell.error) for cell in result.failed]
    for before, after in zip(undisturbed.cells(), result.cells(), strict=True):
        if before.job == "train":
            weights = [(cell.out / "backbone.safetensors").read_bytes() for cell in (before, after)]
            assert weights[0] == weights[1], f"{before.label}: {after.attempts} attempts"
    tables = [Path(collect(folder).table).read_bytes() for folder in (undisturbed.root, result.root)]
    assert tables[0] == tables[1]
