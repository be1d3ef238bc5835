"""``ceilings diagnose --turned``: what is printed, the exit status, and the one sentence of what cannot be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from user_files import vibrating, write

MODELS = Path(__file__).parents[1] / "support" / "user_models.py"
Run = Callable[..., Any]
PLAIN = "aspirin-xtb-unconstrained"
QUICK = (
    "--atoms", "0", "--degrees", "2", "--l-top", "5", "--injection", "marked", "--rotations", "4", "--bootstrap", "100",
    "--no-controls", "--workers", "1",
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "ethanol.xyz", vibrating("CH3CH2OH", 150))


def test_a_model_without_symmetry_is_measured_and_nothing_is_held_against_theory(
    ceilings: Run, data: Path, tmp_path: Path
) -> None:
    done = ceilings("diagnose", PLAIN, data, "--turned", "--out", "run", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "nothing was held against theory; status 0 says only that the run finished" in done.stderr
    assert "no symmetry declared" in done.stdout
    assert "no theorem sets a ceiling" in " ".join(done.stdout.split())
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["method"], result["ceiling"]["kind"]) == ("turned", "none")
    assert (tmp_path / "run" / "report.html").exists()
    again = ceilings("diagnose", PLAIN, data, "--turned", "--out", "run", "--resume", "--json", *QUICK)
    assert json.loads(again.stdout)["verdict"] == result["verdict"]


def test_a_grid_activation_is_measured_with_what_it_leaks(ceilings: Run, data: Path, tmp_path: Path) -> None:
    done = ceilings("diagnose", f"{MODELS}:grid", data, "--trust", "--turned", "--out", "run", *QUICK)
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["ceiling"]["kind"] == "approximate"
    assert {entry["l"] for entry in result["checks"]["leak"]} == {5}
    assert done.returncode == {"held": 0, "nothing tested": 0}.get(result["verdict"]["outcome"], 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("diagnose", PLAIN, "data", "--out", "run"), "ceilings diagnose --turned"),
        (("diagnose", f"{MODELS}:grid", "data", "--trust", "--out", "run"), "ceilings diagnose --turned"),
        (("audit", PLAIN, "data", "--parts", "features", "--out", "run"), "no features that rotate"),
        (("learning-curve", PLAIN, "data", "--out", "run"), "ceilings diagnose --turned"),
        (("diagnose", PLAIN, "data", "--turned", "--readout", "equivariant", "--out", "run"), "leave equivariant out"),
        (("diagnose", PLAIN, "data", "--turned", "--layer", "round7", "--out", "run"), "round0: no symmetry declared"),
        (("diagnose", PLAIN, "data", "--turned", "--rotations", "0", "--out", "run"), "--rotations"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence_and_status_2(
    ceilings: Run, data: Path, words: tuple[str, ...], sentence: str
) -> None:
    done = ceilings(*(str(data) if word == "data" else word for word in words))
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
