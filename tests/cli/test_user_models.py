"""Models that people really have, through the commands: the outcome, the exit status and the words of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from user_files import breathing, vibrating, write

MODELS = Path(__file__).parents[1] / "support" / "user_models.py"
Run = Callable[..., Any]
AUDIT = ("--parts", "features,readouts", "--no-untrained", "--degrees", "1,2", "--atoms", "0")
DIAGNOSE = (
    "--atoms", "0", "--degrees", "2", "--l-top", "6", "--readout", "free", "--injection", "marked", "--rotations", "12",
    "--bootstrap", "100", "--no-controls", "--workers", "1",
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "ethanol.xyz", vibrating("CH3CH2OH", 240))


def verdict(done: Any, run: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((run / "result.json").read_text())["verdict"]
    assert done.returncode == {True: 0, False: 1, None: 1}[result["held"]], done.stderr
    assert (run / "report.html").exists()
    return result


@pytest.mark.parametrize(
    ("model", "inversion"),
    [
        ("right", True), ("as_so3", False), ("other_parity", False), ("several_blocks", False), ("single", True),
        ("norm_normalised", True), ("no_vectors", True),
    ],
)  # fmt: skip
def test_audit_is_green_where_theory_holds(
    ceilings: Run, data: Path, tmp_path: Path, model: str, inversion: bool
) -> None:
    done = ceilings("audit", f"{MODELS}:{model}", data, "--trust", "--out", "run", *AUDIT)
    result = verdict(done, tmp_path / "run")
    assert result["outcome"] == "held"
    statements = {one["name"]: one for one in result["statements"]}
    assert statements["inversion"]["held"] is inversion
    assert not statements["inversion"]["decides"]


def test_audit_names_the_l_that_is_empty(ceilings: Run, data: Path, tmp_path: Path) -> None:
    done = ceilings("audit", f"{MODELS}:no_top", data, "--trust", "--out", "run", *AUDIT)
    result = verdict(done, tmp_path / "run")
    assert result["outcome"] == "falls short"
    assert "l = 2" in result["sentence"]


@pytest.mark.parametrize("model", ["half", "brain"])
def test_coarse_numbers_are_no_contradiction(ceilings: Run, data: Path, tmp_path: Path, model: str) -> None:
    done = ceilings("audit", f"{MODELS}:{model}", data, "--trust", "--out", "run", *AUDIT)
    assert verdict(done, tmp_path / "run")["outcome"] in ("held", "undecided")
    said = ceilings("diagnose", f"{MODELS}:{model}", data, "--trust", "--out", "d", *DIAGNOSE).sentence()
    assert "rounding of a number format" in said
    assert "run the model in float64 or float32" in said


@pytest.mark.parametrize("name", ["CH4", "CO2"])
def test_a_site_that_forbids_every_l_is_nothing_to_hold(ceilings: Run, tmp_path: Path, name: str) -> None:
    """T_d leaves nothing of l = 1 and 2 to carbon; D∞h leaves l = 2 alone."""
    data = write(tmp_path / "still.xyz", breathing(name, 240))
    result = verdict(
        ceilings("audit", f"{MODELS}:right", data, "--trust", "--out", "run", *AUDIT), tmp_path / "run"
    )
    assert result["outcome"] == "held"
    assert ("nothing to hold" in result["sentence"]) == (name == "CH4")
    asked = (
        "--atoms",
        "0",
        "--degrees",
        "2",
        "--l-top",
        "6",
        "--readout",
        "free",
        "--no-controls",
        "--bootstrap",
        "100",
    )
    done = ceilings("diagnose", f"{MODELS}:right", data, "--trust", "--out", "d", *asked)
    assert json.loads((tmp_path / "d" / "result.json").read_text())["verdict"]["outcome"] in (
        ("nothing tested",) if name == "CH4" else ("held",)
    )
    assert done.returncode == 0, done.stderr


def test_an_approximate_symmetry_is_measured_by_audit_and_named_by_diagnose(
    ceilings: Run, data: Path, tmp_path: Path
) -> None:
    done = ceilings("audit", f"{MODELS}:grid", data, "--trust", "--out", "run", *AUDIT)
    result = verdict(done, tmp_path / "run")
    assert result["outcome"] == "contradicted"
    assert not next(one for one in result["statements"] if one["name"] == "equivariance")["held"]
    said = ceilings("diagnose", f"{MODELS}:grid", data, "--trust", "--out", "d", *DIAGNOSE).sentence()
    assert "equivariant only approximately" in said
    assert "ceilings diagnose --turned" in said


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("z_polar", "with z as the polar axis"),
        ("x_polar", "another convention fits exactly"),
        ("condon_shortley", "Condon-Shortley sign"),
        ("ir_mul", "channels stand inside m (ir_mul)"),
        ("other_order", "declare 4x2e+4x1o+4x0e"),
        ("zeros", "are all zero on these frames"),
        ("not_finite", "are not finite"),
        ("complex_numbers", "complex128, expected real numbers"),
        ("raises", "user_models.py raised RuntimeError: weights missing"),
        ("raises_when_evaluated", "KeyError"),
    ],
)
def test_mistakes_get_one_sentence_from_both_commands(
    ceilings: Run, data: Path, model: str, words: str
) -> None:
    for command, options in (("audit", AUDIT), ("diagnose", DIAGNOSE)):
        said = ceilings(
            command, f"{MODELS}:{model}", data, "--trust", "--out", f"run-{command}", *options
        ).sentence()
        assert words in said


@pytest.mark.parametrize("model", ["right", "as_so3", "other_parity", "single", "norm_normalised"])
def test_diagnosis_is_green_where_theory_holds(ceilings: Run, data: Path, tmp_path: Path, model: str) -> None:
    done = ceilings("diagnose", f"{MODELS}:{model}", data, "--trust", "--out", "run", *DIAGNOSE)
    result = verdict(done, tmp_path / "run")
    assert (result["outcome"], result["per_degree"][0]["boundary"]) == ("held", 4)


@pytest.mark.parametrize(
    ("model", "inversion"),
    [("calculator", True), ("calculator_single", True), ("calculator_mirrored", False)],
)
def test_rotation_is_kept_whatever_inversion_and_rounding_do(
    ceilings: Run, data: Path, tmp_path: Path, model: str, inversion: bool
) -> None:
    done = ceilings(
        "audit", f"{MODELS}:{model}", data, "--trust", "--out", "run", "--parts", "symmetry", "--frames", "2"
    )
    result = verdict(done, tmp_path / "run")
    assert result["held"] is True
    held = {one["name"]: one["held"] for one in result["statements"]}
    assert held == {"rotation": True, "translation": True, "inversion": inversion}
