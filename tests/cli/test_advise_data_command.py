"""``ceilings advise --data``: the table, the data, the run directory, and what wrong input gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from spectral_ceilings.cli.advise import register
from spectral_ceilings.theory import InputError

QUICK = (
    "--data",
    "ethanol-xtb",
    "--frames",
    "60",
    "--channels",
    "2",
    "--l-max",
    "1",
    "--top",
    "2",
    "--cutoff",
    "3",
)


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    application.callback()(lambda: None)
    register(application)
    return application


def test_the_data_are_printed_and_written(app: typer.Typer, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = CliRunner().invoke(app, ["advise", *QUICK, "--out", str(out)])
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    for words in (
        "degrees above L",
        "radial channels",
        "order 3",
        "longer cutoff",
        "all together",
        "report:",
    ):
        assert words in said
    content = json.loads((out / "advice.json").read_text())
    assert content["verdict"]["sentence"] in said
    assert content["choice"]["sentence"] in said
    assert (out / "report.html").exists()
    again = CliRunner().invoke(app, ["advise", *QUICK, "--out", str(out)])
    assert isinstance(again.exception, InputError)
    assert "exists already" in str(again.exception)


def test_json_has_the_knobs_and_the_verdict(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["advise", *QUICK, "--json"])
    content = json.loads(result.stdout)
    assert [row["knob"] for row in content["knobs"]] == ["degree", "radial", "order", "cutoff"]
    assert {"gain", "low", "high", "unique", "unique_low", "unique_high"} <= set(content["knobs"][0])
    assert {"knob", "sentence"} <= set(content["verdict"])
    assert content["settings"]["accuracy"] == 0.001  # 1 meV/Å


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--backbone", "aspirin-xtb-l2"), "--backbone is given without --data"),
        (("--data", "ethanol-xtb", "--l", "3"), "2 targets are given: give exactly one of --l"),
        ((), "0 targets are given"),
        (("--data", "nothere.xyz"), "nothere.xyz"),
        (("--data", "ethanol-xtb", "--frames", "3"), "structures is 3, expected an integer, at least 40"),
        (("--data", "ethanol-xtb", "--cutoff", "-1"), "cutoff is -1.0 Å"),
        (("--data", "ethanol-xtb", "--backbone", "nothere"), "nothere"),
        (("--data", "si-rattled", "--backbone", "aspirin-xtb-l2"), "does not know the element Si"),
    ],
)
def test_wrong_input_is_one_sentence(arguments: tuple[str, ...], sentence: str, app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["advise", *arguments])
    assert isinstance(result.exception, InputError)
    assert sentence in str(result.exception)
