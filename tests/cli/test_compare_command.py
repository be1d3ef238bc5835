"""``ceilings compare``: what it prints and writes, its exit status, and what wrong input gets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from saved_run import make_run

Command = Callable[..., Any]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for k in range(4):
        make_run(tmp_path / f"b{k}", backbone=k, degrees=(2,), frames=80, shift=-0.01 * k)
    return tmp_path


def test_four_backbones(ceilings: Command, runs: Path) -> None:
    done = ceilings("compare", "b0", "b1", "b2", "b3", "--out", "together", "--bootstrap", 200)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "4/5" in said
    assert "4 backbones, L = 2, C2OH3: b0, b1, b2, b3" in said
    assert "p = 0.0625 (smallest possible 0.0625), Wilcoxon's exact test 0.0625" in said
    assert "Theory held in all 4 runs" in said
    assert {path.name for path in (runs / "together").iterdir()} == {
        "compare.json", "compare.csv", "compare.png", "compare.svg", "report.html",
    }  # fmt: skip
    again = ceilings("compare", "b0", "b1", "b2", "b3", "--out", "again", "--bootstrap", 200, "--json")
    assert json.loads(again.stdout) == json.loads((runs / "together" / "compare.json").read_text())
    assert "'together' exists already" in ceilings("compare", "b0", "b1", "--out", "together").sentence()


def test_a_broken_ceiling_is_exit_status_one(ceilings: Command, runs: Path) -> None:
    make_run(runs / "broken", backbone=9, degrees=(2,), frames=40, above=0.6)
    done = ceilings("compare", "b0", "broken", "--out", "out")
    assert done.returncode == 1
    assert "contradicts theory" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["b0"], "at least two run directories"),
        (["b0", "b0"], "given twice"),
        (["b0", "nowhere"], "is not a run directory"),
        (["b0", "b1", "--bootstrap", "5"], "draws is 5"),
    ],
)
def test_wrong_input_gets_one_sentence(ceilings: Command, runs: Path, given: list[str], said: str) -> None:
    assert said in ceilings("compare", *given, "--out", "out").sentence()
    assert not (runs / "out").exists()
