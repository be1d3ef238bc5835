"""``ceilings theory so2``: the table, the data, and what wrong input gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from spectral_ceilings.cli.theory import register
from spectral_ceilings.theory import InputError, so2_table


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    register(application)
    return application


def test_the_table_says_what_is_kept(app: typer.Typer) -> None:
    result = CliRunner().invoke(
        app, ["theory", "so2", "--l-max", "4", "--m-max", "2"], env={"COLUMNS": "120"}
    )
    assert result.exit_code == 0
    assert "5/9" in result.output
    assert "couplings: 75 of 85 kept; components: 19 of 25" in result.output
    assert "k <= 2; lost are k = 3 to 4" in result.output
    all_orders = CliRunner().invoke(app, ["theory", "so2", "--l-max", "1", "--m-max", "1"])
    assert "as with every order" in all_orders.output


def test_the_data_are_those_of_the_library(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["theory", "so2", "--l-max", "3", "--m-max", "1", "--json"])
    data = json.loads(result.stdout)
    table = so2_table(3, 1)
    assert data["schema"] == "ceilings.theory.so2/1"
    assert [(row["couplings"], row["kept"], row["lost"]) for row in data["rows"]] == [
        (entry.full, entry.kept, entry.lost) for entry in table
    ]
    assert data["couplings_kept"] == sum(entry.kept for entry in table)
    assert (data["torsion_order"], data["torsion_order_full"], data["bandwidth"]) == (1, 3, 6)
    assert (data["components"], data["components_kept"]) == (16, 10)


def test_certificates_are_written_and_hold(app: typer.Typer, tmp_path: Path) -> None:
    arguments = ["theory", "so2", "--l-max", "2", "--m-max", "1", "--out", str(tmp_path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    files = sorted(map(str, tmp_path.glob("so2_*.json")))
    assert len(files) == 9
    assert "9 of 9 certificates hold" in CliRunner().invoke(app, ["theory", "verify", *files]).output


@pytest.mark.parametrize(("option", "value"), [("--l-max", "17"), ("--l-max", "-1"), ("--m-max", "-1")])
def test_wrong_values_are_refused(app: typer.Typer, option: str, value: str) -> None:
    result = CliRunner().invoke(app, ["theory", "so2", "--l-max", "2", "--m-max", "1", option, value])
    assert isinstance(result.exception, InputError)
    assert value in str(result.exception)
