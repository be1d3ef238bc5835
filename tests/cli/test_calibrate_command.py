"""``ceilings calibrate``: table, files, exit status."""

import dataclasses
import json

import pytest
import typer
from spectral_ceilings.cli import calibrate
from spectral_ceilings.theory.errors import InputError
from typer.testing import CliRunner


@pytest.fixture
def app():
    application = typer.Typer()
    application.command("other")(lambda: None)
    calibrate.register(application)
    return application


def run(app, *arguments):
    return typer.main.get_command(app)(["calibrate", *arguments], standalone_mode=False)


def test_table_agrees_with_theory(app, capsys):
    assert run(app, "--max-degree", "2", "--max-l", "2", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert [(row["degree"], row["l_max"], row["rank"]) for row in data["rows"]] == [
        (1, 1, 4),
        (1, 2, 9),
        (2, 1, 9),
        (2, 2, 25),
    ]
    assert all(row["agrees"] and row["gap"] > 1e6 for row in data["rows"])


def test_same_seed_same_table(app, capsys):
    run(app, "--max-degree", "2", "--max-l", "1", "--json", "--seed", "5")
    first = capsys.readouterr().out
    run(app, "--max-degree", "2", "--max-l", "1", "--json", "--seed", "5")
    assert capsys.readouterr().out == first


def test_files_are_written_whole(app, tmp_path, capsys):
    run(app, "--max-degree", "1", "--max-l", "2", "--out", str(tmp_path / "table"))
    data = json.loads((tmp_path / "table" / "calibration.json").read_text())
    assert len(data["rows"]) == 2
    assert not list(tmp_path.glob("**/*.part"))
    assert "dimension" in capsys.readouterr().out


def test_a_disagreement_is_named_and_is_exit_status_1(app, monkeypatch, capsys):
    honest = calibrate.span_rank

    def broken(degree, l_max, rng):
        measured = honest(degree, l_max, rng)
        return dataclasses.replace(measured, rank=measured.rank - (degree == 2))

    monkeypatch.setattr(calibrate, "span_rank", broken)
    assert run(app, "--max-degree", "2", "--max-l", "1") == 1
    assert "degree 2, l_max 1: rank 8, theory 9" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--max-degree", "0"], ["--max-l", "0"]])
def test_wrong_input_is_named(app, arguments):
    with pytest.raises(InputError, match=arguments[0]):
        run(app, *arguments)


def test_help_shows_an_example(app):
    assert "ceilings calibrate --max-degree 3" in CliRunner().invoke(app, ["calibrate", "--help"]).output
