"""``ceilings advise``: the table, the data, and what wrong input gets."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from spectral_ceilings.cli.advise import parse_weights, register
from spectral_ceilings.theory import InputError, minimal_pairs


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    application.callback()(lambda: None)
    register(application)
    return application


def test_the_table_lists_every_choice(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["advise", "--symmetry", "C5"])
    assert result.exit_code == 0
    assert "100.0 %" in result.output


def test_a_symmetry_comes_with_what_it_hides(app: typer.Typer) -> None:
    text = " ".join(CliRunner().invoke(app, ["advise", "--symmetry", "D6h"]).output.split())
    assert (
        "For L < 2 a site of symmetry D6h looks spherical to sums of harmonics Y_lm, l <= L, over its neighbours"
        in text
    )
    assert "below L = 6 its symmetry is invisible" in text
    data = json.loads(CliRunner().invoke(app, ["advise", "--symmetry", "D6h", "--json"]).output)
    assert data["schema"] == "ceilings.advise/1"
    assert data["symmetry"]["spherical_below"] == 2
    assert data["symmetry"]["invisible_below"] == 6
    assert data["symmetry"]["invariants"] == [1, 0, 1, 0, 1, 0, 2]
    assert data["symmetry"]["order"] == 24
    assert "symmetry" not in json.loads(CliRunner().invoke(app, ["advise", "--l", "6", "--json"]).output)


def test_architectures_are_told_what_the_choices_mean(app: typer.Typer) -> None:
    arguments = ["advise", "--l", "6", "--architecture", "tensornet,painn"]
    text = " ".join(CliRunner().invoke(app, arguments).output.split())
    assert "TensorNet has features up to l = 2, whatever its size: a readout of degree 3 reaches" in text
    data = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert [(row["name"], row["l_max"], row["degree"]) for row in data["architectures"]] == [
        ("tensornet", 2, 3),
        ("painn", 1, 6),
    ]
    assert "architectures" not in json.loads(CliRunner().invoke(app, ["advise", "--l", "6", "--json"]).output)
    result = CliRunner().invoke(app, ["advise", "--data", "x.xyz", "--architecture", "painn"])
    assert "--architecture is given with --data" in str(result.exception)


def test_json_holds_the_choices(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["advise", "--l", "6", "--channels", "8", "--json"])
    data = json.loads(result.output)
    assert data["schema"] == "ceilings.advise/1"
    assert tuple((row["degree"], row["l_max"]) for row in data["choices"]) == minimal_pairs(6)
    assert data["choices"][0]["coefficients"] == {"6": 8}


def test_weights_are_read_exactly(app: typer.Typer) -> None:
    arguments = ["advise", "--weights", "1:6, 4:3,9:1", "--share", "0.9", "--json"]
    data = json.loads(CliRunner().invoke(app, arguments).output)
    assert {row["boundary"] for row in data["choices"]} == {4}
    assert {row["share"] for row in data["choices"]} == {"9/10"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "0 targets"),
        (["--l", "2", "--symmetry", "T"], "2 targets"),
        (["--l", "-2"], "l = -2"),
        (["--symmetry", "Q"], "point group 'Q'"),
        (["--weights", "2"], "'2' is not l:weight"),
        (["--weights", "2:x"], "'x' is not a number"),
        (["--weights", "2:1/0"], "is not a number"),
        (["--weights", "2:1,2:3"], "given twice"),
        (["--l", "2", "--share", "half"], "'half' is not a number"),
    ],
)
def test_wrong_input_is_named(app: typer.Typer, arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["advise", *arguments])
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


def test_weights_parse() -> None:
    assert {l: str(w) for l, w in parse_weights("0:1,3:0.25").items()} == {0: "1", 3: "1/4"}
