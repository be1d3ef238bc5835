"""``ceilings theory``: the table, the data, and what wrong input gets."""

from __future__ import annotations

import json

import pytest
import typer
from spectral_ceilings.cli.theory import register
from spectral_ceilings.theory import InputError, formal_multiplicities
from typer.testing import CliRunner


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    register(application)
    return application


def test_the_table_shows_every_pair(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["theory", "--max-degree", "3", "--max-l", "2"])
    assert result.exit_code == 0
    assert "3 2 4 1 1" in result.output
    assert "5 6 8 6 4 1 1" in result.output
    assert "sqrt(10/7)" in result.output


def test_json_holds_the_exact_data(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["theory", "--max-degree", "2", "--max-l", "3", "--json"])
    data = json.loads(result.output)
    assert data["schema"] == "ceilings.theory/1"
    pairs = [(row["degree"], row["l_max"]) for row in data["rows"]]
    assert pairs == [(degree, l_max) for degree in (1, 2) for l_max in (1, 2, 3)]
    last = data["rows"][-1]
    assert last["boundary"] == 6
    assert last["dimension"] == 49
    assert tuple(last["formal_multiplicities"]) == formal_multiplicities(2, 3)
    assert last["stretched_coefficient"] == {"sign": 1, "square": "700/429"}


@pytest.mark.parametrize(("option", "value"), [("--max-degree", "0"), ("--max-l", "-2"), ("--max-l", "2000")])
def test_bounds_out_of_range_are_refused_before_work(app: typer.Typer, option: str, value: str) -> None:
    result = CliRunner().invoke(app, ["theory", option, value])
    assert isinstance(result.exception, InputError)
    assert value in str(result.exception)


def test_a_bound_that_is_no_integer_is_wrong_input(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["theory", "--max-l", "two"]).exit_code == 2


def test_help_shows_an_example(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["theory", "--help"])
    assert "ceilings theory --max-degree 4 --max-l 4" in result.output
