"""``ceilings theory grids``: verdicts, certificates, data, and what wrong input gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from spectral_ceilings.cli import choices
from spectral_ceilings.cli.theory import register
from spectral_ceilings.numerics import degree_for_error
from spectral_ceilings.theory import InputError, smallest_grid, verify_certificate
from spectral_ceilings.theory.activations import ActivationName


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    register(application)
    return application


def _run(app: typer.Typer, text: str) -> Any:
    return CliRunner().invoke(app, ["theory", "grids", *text.split()])


def _data(app: typer.Typer, text: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_run(app, f"{text} --json").stdout)
    assert data["schema"] == "ceilings.theory.grids/1"
    return data


def test_the_choices_are_those_of_the_library() -> None:
    assert get_args(ActivationName) == choices.ACTIVATIONS


def test_a_grid_that_is_one_short_is_told_with_exit_status_1(app: typer.Typer, tmp_path: Path) -> None:
    wrong = _run(app, f"--l-max 6 --degree 2 --size 18 18 --out {tmp_path}")
    assert wrong.exit_code == 1
    assert "exact up to l = 17, so for linear maps only" in wrong.output
    assert "NOT exactly equivariant" in wrong.output
    assert "20 x 19, 380 points; S2Activation res 20, fairchem grid_resolution 20" in wrong.output
    right = _run(app, f"--l-max 6 --degree 2 --size 20 19 --out {tmp_path}")
    assert right.exit_code == 0
    assert "exactly equivariant on this grid" in right.output
    files = sorted(tmp_path.glob("*.json"))
    assert [verify_certificate(json.loads(file.read_text())) for file in files] == [[], []]
    replayed = CliRunner().invoke(app, ["theory", "verify", *map(str, files)])
    assert "2 of 2 certificates hold" in replayed.output


def test_the_data_say_the_same(app: typer.Typer) -> None:
    data = _data(app, "--l-max 6 --degree 2 --size 18 18")
    assert (data["holds"], data["needed"], data["grid"]["exact_to"], data["grid"]["exact_degree"]) == (
        False,
        18,
        17,
        1,
    )
    assert data["witness"]["factors"] == [6, 6]
    assert data["smallest"]["points"] == 380
    gauss = _data(app, "--l-max 2 --l-out 0 --degree 3 --rule gauss")
    assert (gauss["holds"], gauss["grid"], gauss["needed"]) == (None, None, 6)
    assert (gauss["smallest"]["polar"], gauss["smallest"]["azimuthal"], gauss["s2_activation_res"]) == (
        4,
        7,
        None,
    )


def test_edge_frames_need_azimuths_alone(app: typer.Typer) -> None:
    default = _data(app, "--l-max 6 --m-max 2 --degree 2 --rule edge")
    assert (default["frame"], default["holds"], default["needed"]) == ("edges", False, 6)
    assert (default["grid"]["polar"], default["grid"]["azimuthal"]) == (14, 5)
    assert default["smallest"]["azimuthal"] == 7
    assert _data(app, "--l-max 6 --m-max 2 --degree 7 --rule edge --size 14 18")["holds"] is True
    assert _run(app, "--l-max 6 --m-max 2 --degree 8 --rule edge --size 14 18").exit_code == 1


def test_other_activations_get_a_grid_and_a_bound(app: typer.Typer) -> None:
    data = _data(app, "--l-max 4 --activation silu --bound 3 --error 1e-3")
    degree = degree_for_error("silu", 3, 1e-3)
    grid = smallest_grid(degree, 4)
    assert (data["smallest"]["polar"], data["smallest"]["azimuthal"]) == (grid.polar, grid.azimuthal)
    assert data["error_bound"] <= 1e-3
    assert data["holds"] is None
    coarse = _run(app, "--l-max 4 --activation silu --bound 3 --error 1e-3 --rule fairchem")
    assert coarse.exit_code == 1
    assert "by at most" in coarse.output
    size = f"--size {grid.polar} {grid.azimuthal}"
    assert _data(app, f"--l-max 4 --activation silu --bound 3 --error 1e-3 {size}")["holds"] is True
    alone = _run(app, f"--l-max 4 --activation silu --bound 3 {size}")
    assert alone.exit_code == 0
    assert "smallest" not in alone.output
    none = _run(app, "--l-max 4 --activation silu --bound 3 --size 6 7")
    assert "no bound on this grid" in none.output
    assert (
        _data(app, "--l-max 4 --m-max 2 --rule edge --activation silu --bound 1 --size 10 9")["error_bound"]
        < 0.02
    )


def test_a_large_grid_is_answered_and_certified_only_up_to_a_size(app: typer.Typer, tmp_path: Path) -> None:
    arguments = "--l-max 2 --activation silu --bound 300 --error 1e-3"
    assert _data(app, arguments)["smallest"]["polar"] > 1000
    refused = _run(app, f"{arguments} --out {tmp_path}")
    assert isinstance(refused.exception, InputError)
    assert "beyond what is certified" in str(refused.exception)
    fine = _run(app, f"--l-max 2 --activation silu --bound 1 --error 1e-3 --out {tmp_path}")
    assert fine.exit_code == 0
    (file,) = tmp_path.glob("*.json")
    assert verify_certificate(json.loads(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--l-max 2", "either --degree"),
        ("--l-max 2 --degree 2 --activation silu --bound 1", "either --degree"),
        ("--l-max 2 --degree 2 --bound 1", "belong to --activation"),
        ("--l-max 2 --activation silu --error 1e-3", "give --bound"),
        ("--l-max 2 --activation silu --bound 1", "give --error"),
        ("--l-max 2 --activation swish --bound 1 --error 1", "swish"),
        ("--l-max 2 --degree 2 --rule edge", "--m-max"),
        ("--l-max 2 --degree 2 --m-max 2", "belong together"),
        ("--l-max 2 --degree 2 --rule lebedev", "lebedev"),
        ("--l-max 2 --l-out 1 --m-max 1 --degree 2 --rule edge", "--l-out"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(app: typer.Typer, arguments: str, words: str) -> None:
    result = _run(app, arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--l-max 0 --degree 2", "--l-max = 0"),
        ("--l-max 2 --degree 0", "degree = 0"),
        ("--l-max 2 --degree 2 --size 0 4", "polar = 0"),
        ("--l-max 2 --degree 500", "beyond what is certified"),
        ("--l-max 2 --activation silu --bound -1 --error 1e-3", "bound is -1.0"),
        ("--l-max 2 --activation silu --bound 1 --error 0", "error is 0.0"),
        ("--l-max 2 --m-max 3 --degree 2 --rule edge", "m_max = 3"),
        ("--l-max 2 --l-out -1 --degree 2", "l_out"),
    ],
)
def test_values_that_are_wrong_are_refused(app: typer.Typer, arguments: str, words: str) -> None:
    result = _run(app, arguments)
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception).replace("--l-out", "l_out")
