"""The GPU benchmark runs on the CPU, says what is missing, and its exit status is that of its checks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.__main__ import BUDGETS, Bench, main, table
from benchmarks.gpu.run import Row, Run
from benchmarks.gpu.step import STEPS


def test_a_step_runs_and_its_numbers_agree(tmp_path: Path, capsys: Any) -> None:
    assert main(["--small", "--device", "cpu", "--out", str(tmp_path), "--steps", "gram"]) == 0
    content = json.loads((tmp_path / "gpu.json").read_text())
    assert content["failures"] == []
    assert [row["agrees"] for row in content["rows"]] == [None, None, True, True, True, True]
    assert all(row["device_s"] > 0.0 for row in content["rows"])
    assert "| gram | solves, five strengths |" in (tmp_path / "gpu.md").read_text()
    assert "TFLOP/s" in capsys.readouterr().out


def test_every_step_has_its_time_and_together_they_are_in_order() -> None:
    assert set(BUDGETS) == {*STEPS, "diagnosis"}
    assert list(BUDGETS)[:2] == ["gram", "diagnosis"]


def test_a_step_that_breaks_is_one_line_and_status_1(tmp_path: Path, capsys: Any) -> None:
    assert main(["--small", "--device", "nonsense", "--out", str(tmp_path), "--steps", "gram"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("FAILED  gram on nonsense: exit status 1") == 2  # at once, and at the end
    assert json.loads((tmp_path / "gpu.json").read_text())["rows"] == []


def test_a_step_without_time_is_left_out(tmp_path: Path) -> None:
    bench = Bench("cpu", True, tmp_path, 0.0, None)
    assert bench.child("gram", "cpu", 60.0) == []
    assert bench.failures == ["gram: no time left"]
    assert bench.status == 1


def test_a_missed_target_is_no_failure_and_a_disagreement_is_one(tmp_path: Path) -> None:
    bench = Bench("cpu", True, tmp_path, 0.0, None)
    slow = Row("gram", "solves", "small", 2.0, 1.0, target="fits >= 20x", met=False).compared(0.0, 1e-9)
    bench.take([slow.as_dict()])
    assert (slow.ratio, bench.status) == (0.5, 0)
    assert "not met: fits >= 20x" in table(bench.rows)
    wrong = Row("gram", "solves", "small", 1.0, 1.0).compared(float("nan"), 1e-9)
    bench.take([wrong.as_dict()])
    assert bench.status == 1
    assert "| NO |" in table(bench.rows)


def test_an_unknown_step_is_told(capsys: Any) -> None:
    assert main(["--steps", "gramm"]) == 2
    assert "step 'gramm' is unknown" in capsys.readouterr().err


def test_the_clock_gives_the_median_and_what_was_made(tmp_path: Path) -> None:
    run = Run("gram", "cpu", True, tmp_path, 0.0)
    calls: list[str] = []
    seconds, made = run.timed(lambda device: calls.append(device) or len(calls), "cpu", runs=3)
    assert (made, calls) == (4, ["cpu"] * 4)  # one run to warm up
    assert seconds >= 0.0


@pytest.mark.parametrize(
    ("given", "said"), [(["--fast"], "unknown option --fast"), (["--device", "cuda"], "no Python")]
)
def test_the_script_refuses_what_it_cannot_do(given: list[str], said: str, tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "gpu.sh"
    if "cuda" in given:
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a card")
    done = subprocess.run(
        ["bash", str(script), *given, "--out", str(tmp_path)], capture_output=True, text=True, check=False,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.returncode, said in done.stderr) == (2, True)
