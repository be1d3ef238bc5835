"""``ceilings theory``: the table, the data, and what wrong input gets."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from spectral_ceilings import theory as exact
from spectral_ceilings.cli import choices
from spectral_ceilings.cli.theory import register
from spectral_ceilings.theory import InputError, formal_multiplicities, prove_span_theorem


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


def test_certificates_are_written_once_and_replayed(app: typer.Typer, tmp_path: Path) -> None:
    out = tmp_path / "proofs" / "all"
    arguments = ["theory", "--max-degree", "2", "--max-l", "2", "--out", str(out)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    files = sorted(out.iterdir())
    assert [file.name for file in files] == [
        "span_d1_L1.json",
        "span_d1_L2.json",
        "span_d2_L1.json",
        "span_d2_L2.json",
    ]
    before = [file.stat().st_mtime_ns for file in files]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert [file.stat().st_mtime_ns for file in files] == before
    result = CliRunner().invoke(app, ["theory", "verify", *map(str, files)])
    assert result.exit_code == 0
    assert "4 of 4 certificates hold" in result.output


def test_tampering_is_named_with_exit_status_1(app: typer.Typer, tmp_path: Path) -> None:
    CliRunner().invoke(app, ["theory", "--max-degree", "2", "--max-l", "2", "--out", str(tmp_path)])
    file = tmp_path / "span_d2_L2.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    data["counts"]["formal"][2] = 5
    file.write_text(json.dumps(data), encoding="utf-8")
    result = CliRunner().invoke(app, ["theory", "verify", str(file), str(tmp_path / "span_d1_L2.json")])
    assert result.exit_code == 1
    assert "counts.formal[2]: 4 is expected, 5 is found" in result.output
    assert "1 of 2 certificates hold" in result.output
    as_json = CliRunner().invoke(app, ["theory", "verify", str(file), "--json"])
    assert as_json.exit_code == 1
    assert json.loads(as_json.output)["results"][0]["holds"] is False


def test_nothing_is_overwritten(app: typer.Typer, tmp_path: Path) -> None:
    other = tmp_path / "span_d1_L1.json"
    other.write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(app, ["theory", "--max-degree", "1", "--max-l", "1", "--out", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert "holds something else" in str(result.exception)
    assert other.read_text(encoding="utf-8") == "mine"
    blocked = CliRunner().invoke(app, ["theory", "--out", str(other / "below")])
    assert isinstance(blocked.exception, InputError)


def test_a_missing_certificate_is_wrong_input(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["theory", "verify", str(tmp_path / "none.json")])
    assert isinstance(result.exception, InputError)
    assert "none.json" in str(result.exception)


def test_verify_without_files_is_wrong_input(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["theory", "verify"]).exit_code == 2


def test_the_general_proof_holds(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["theory", "proof"])
    assert result.exit_code == 0
    assert "nothing above" in result.output
    data = json.loads(CliRunner().invoke(app, ["theory", "proof", "--json"]).output)
    assert [step["holds"] for step in data["steps"]] == [True] * 6


def test_a_step_that_fails_gives_exit_status_1(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = prove_span_theorem()
    broken = (*steps[:-1], dataclasses.replace(steps[-1], holds=False))
    monkeypatch.setattr(exact, "prove_span_theorem", lambda: broken)
    result = CliRunner().invoke(app, ["theory", "proof"])
    assert result.exit_code == 1
    assert "DOES NOT HOLD" in result.output


def test_graphs_states_shares_and_its_certificates_hold(app: typer.Typer, tmp_path: Path) -> None:
    arguments = [
        "theory",
        "graphs",
        "--max-correlation",
        "4",
        "--max-l",
        "1",
        "--layers",
        "2",
        "--out",
        str(tmp_path),
    ]
    table = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert table.exit_code == 0
    assert "1 3/13 0" in table.output
    files = sorted(tmp_path.glob("star_*.json"))
    assert [file.name for file in files] == [f"star_nu{nu}_L1.json" for nu in (1, 2, 3, 4)]
    CliRunner().invoke(app, ["theory", "--max-degree", "1", "--max-l", "1", "--out", str(tmp_path)])
    replayed = CliRunner().invoke(app, ["theory", "verify", *map(str, sorted(tmp_path.glob("*.json")))])
    assert "5 of 5 certificates hold" in replayed.output
    data = json.loads(CliRunner().invoke(app, [*arguments[:-2], "--hidden-l", "1", "--json"]).stdout)
    assert data["schema"] == "ceilings.theory.graphs/1"
    last = data["rows"][-1]
    assert (last["correlation"], last["l_max"], last["bound"]) == (4, 1, 2)
    assert [reach["layers"] for reach in last["star"]] == [1, 2]
    assert {"term": "pair(2)", "alike": True, "share": "3/13"} in last["shares"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--max-correlation", "7"),
        ("--max-l", "0"),
        ("--layers", "0"),
        ("--neighbours", "2"),
        ("--hidden-l", "-1"),
    ],
)
def test_wrong_graphs_are_refused(app: typer.Typer, option: str, value: str) -> None:
    result = CliRunner().invoke(
        app, ["theory", "graphs", "--max-correlation", "1", "--max-l", "1", option, value]
    )
    assert isinstance(result.exception, InputError)
    assert value in str(result.exception)


def test_architectures_as_a_table_and_as_data(app: typer.Typer) -> None:
    assert choices.KNOWN_ARCHITECTURES == exact.ARCHITECTURES
    result = CliRunner().invoke(app, ["theory", "architectures"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert all(exact.architecture_facts(name).written in result.output for name in exact.ARCHITECTURES)
    arguments = ["theory", "architectures", "tensornet", "uma", "--degree", "3", "--l-max", "4", "--json"]
    data = json.loads(CliRunner().invoke(app, arguments).output)
    assert data["schema"] == "ceilings.theory.architectures/1"
    assert [(row["name"], row["l_max"], row["ceiling"]) for row in data["rows"]] == [
        ("tensornet", 2, 6),
        ("uma", 4, 12),
    ]
    assert [row["l_max_is_fixed"] for row in data["rows"]] == [True, False]
    assert {step["module"] for step in data["rows"][0]["steps"]} >= {"TensorEmbedding", "Interaction"}


def test_an_architecture_that_is_not_known_is_wrong_input(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["theory", "architectures", "tensornets"])
    assert result.exit_code == 2
    assert "did you mean tensornet?" in result.output
