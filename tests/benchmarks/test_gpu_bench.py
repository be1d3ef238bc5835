"""The GPU benchmark runs on the CPU, says what is missing, and its exit status is that of its checks."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.__main__ import BUDGETS, SMALL, Bench, main, table
from benchmarks.gpu.diagnosis import host_waits, where_time_goes
from benchmarks.gpu.run import Row, Run
from benchmarks.gpu.step import STEPS
from benchmarks.gpu.targets import targets


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


def test_each_target_is_passed_or_missed_in_words() -> None:
    rows = [
        Row("gram", "solves", "1,400 columns", 1.0, 30.0, target="fits >= 20x", met=True),
        Row("mace", "features", "1 x 500 atoms", 2.0, 20.0, target="features >= 20x", met=False),
        Row(
            "mace",
            "features",
            "1 x 1000 atoms",
            2.0,
            target="features >= 20x",
            note="no time left for the CPU",
        ),
        Row("gram", "no target", "", 1.0),
    ]
    head, *lines = targets([row.as_dict() for row in rows]).splitlines()
    assert "cores of this machine" in head
    assert [line.split("  ")[1].strip() for line in lines] == ["pass", "falls short", "not measured"]
    assert "30x" in lines[0]
    assert "no time left" in lines[2]


@dataclass
class _Event:
    key: str
    count: int
    self_cpu_time_total: float
    self_device_time_total: float = 0.0


def test_the_profile_counts_what_the_host_waits_for() -> None:
    events = [
        _Event("cudaStreamSynchronize", 7, 2e6), _Event("aten::_local_scalar_dense", 5, 1e5), _Event("aten::mm", 90, 4e6, 3e6),
        _Event("Memcpy DtoH (Device -> Pageable)", 12, 0.0, 1e5), _Event("aten::add", 10, 1e6, 1e6),
    ]  # fmt: skip
    waits = host_waits(events)
    assert waits["cudaStreamSynchronize"] == (7, 2.0)
    assert set(waits) == {events[0].key, events[1].key, events[3].key}
    lines = where_time_goes(events, waits, 10.0, "self_device_time_total").splitlines()
    assert "| aten::mm | 90 | 3.000 | 30.0 % |" in lines[4]  # the longest first
    assert "| cudaStreamSynchronize | 7 | 2.000 |" in lines
    none = where_time_goes(events[2:3], {}, 10.0, "self_cpu_time_total")
    assert "| cudaStreamSynchronize | 0 | 0.000 |" in none  # said where there was none


def test_each_step_has_its_share_of_the_time_and_all_fit() -> None:
    for budgets in (BUDGETS, SMALL):
        assert set(budgets) == set(BUDGETS)
        assert sum(budgets.values()) <= 360.0
