"""``ceilings calibrate``: table, files, figures, resuming, exit status."""

import csv
import dataclasses
import json
import re

import pytest
import typer
from typer.testing import CliRunner

from spectral_ceilings.cli import calibrate
from spectral_ceilings.diagnostic.calibration import span_run
from spectral_ceilings.theory.errors import InputError


@pytest.fixture
def app():
    application = typer.Typer()
    application.command("other")(lambda: None)
    calibrate.register(application)
    return application


def run(app, *arguments):
    return typer.main.get_command(app)(["calibrate", *map(str, arguments)], standalone_mode=False)


def test_table_agrees_with_theory(app, capsys):
    assert run(app, "--max-degree", 2, "--max-l", 2, "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "ceilings.calibrate/1"
    assert [(row["degree"], row["l_max"]) for row in data["rows"]] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    row = data["rows"][-1]
    assert row["rank_float"] == row["rank_structured"] == row["dimension"] == 25
    assert set(row["rank_mod_p"].values()) == {25}
    assert row["formal_multiplicities"] == [3, 2, 4, 1, 1]
    assert row["dimensions_by_l"] == [1, 3, 5, 7, 9, 0, 0, 0, 0]
    assert [row["cyclic_exact"][str(n)] for n in range(1, 13)] == [1] * 4 + [0] * 8
    assert data["agrees"]


def test_table_fits_a_terminal_of_80_characters(app, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert run(app, "--max-degree", 2, "--max-l", 2) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    last = next(line.split() for line in lines if line.split()[:3] == ["2", "2", "4"])
    assert last[3:7] == ["25"] * 4
    assert last[-1] == "yes"


def test_same_seed_same_table(app, capsys):
    run(app, "--max-degree", 2, "--max-l", 1, "--json", "--seed", 5)
    first = capsys.readouterr().out
    run(app, "--max-degree", 2, "--max-l", 1, "--json", "--seed", 5)
    assert capsys.readouterr().out == first


def test_every_format_holds_the_same_ranks(app, tmp_path, capsys):
    assert run(app, "--max-degree", 2, "--max-l", 2, "--out", tmp_path) == 0
    assert "(dL+1)^2" in capsys.readouterr().out
    expected = ["4", "9", "9", "25"]
    assert [
        str(row["rank_float"]) for row in json.loads((tmp_path / "calibration.json").read_text())["rows"]
    ] == expected
    with (tmp_path / "calibration.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["rank_structured"] for row in rows] == expected
    assert [row["rank_mod_8388593"] for row in rows] == expected
    assert float(rows[-1]["C5_projection"]) == pytest.approx(0, abs=1e-12)
    markdown = (tmp_path / "calibration.md").read_text()
    assert re.search(r"\| 2 \| 2 \| 4 \| 25 \| 1 \| 25 \| 25 \| 25 \|", markdown)
    latex = (tmp_path / "calibration.tex").read_text()
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == latex.count(r"\toprule") == 2
    assert "2 & 2 & 4 & 25 & 1 & 25 & 25 & 25 & $" in latex
    body = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert {line.count("&") for line in body} == {12, 14}


def test_figures_are_written_and_repeat_byte_for_byte(app, tmp_path):
    for name in ("a", "b"):
        run(app, "--max-degree", 2, "--max-l", 2, "--out", tmp_path / name)
    for name in ("ranks", "staircase", "cyclic"):
        assert (tmp_path / "a" / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (tmp_path / "a" / "figures" / f"{name}.svg").read_text()
        for kind in ("png", "svg"):
            first, second = ((tmp_path / run / "figures" / f"{name}.{kind}").read_bytes() for run in "ab")
            assert first == second


def test_a_stopped_run_goes_on_and_loses_nothing(app, tmp_path, monkeypatch):
    honest, made = span_run.calibrate_pair, []

    def stops(degree, l_max, seed):
        if len(made) == 2:
            raise RuntimeError("power cut")
        made.append((degree, l_max))
        return honest(degree, l_max, seed)

    monkeypatch.setattr(span_run, "calibrate_pair", stops)
    with pytest.raises(RuntimeError, match="power cut"):
        run(app, "--max-degree", 2, "--max-l", 2, "--out", tmp_path)
    assert made == [(1, 1), (1, 2)]
    assert not (tmp_path / "calibration.json").exists()
    made.clear()
    monkeypatch.setattr(span_run, "calibrate_pair", lambda *pair: made.append(pair[:2]) or honest(*pair))
    assert run(app, "--max-degree", 2, "--max-l", 2, "--out", tmp_path) == 0
    assert made == [(2, 1), (2, 2)]
    resumed = (tmp_path / "calibration.json").read_text()
    run(app, "--max-degree", 2, "--max-l", 2, "--out", tmp_path / "at once")
    assert resumed == (tmp_path / "at once" / "calibration.json").read_text()
    assert not list(tmp_path.glob("**/.*"))  # no temporary file is left


def test_a_folder_of_another_seed_is_refused(app, tmp_path):
    run(app, "--max-degree", 1, "--max-l", 1, "--out", tmp_path)
    before = (tmp_path / "calibration.json").read_bytes()
    with pytest.raises(InputError, match="made with seed = 0, this run asks for 1"):
        run(app, "--max-degree", 1, "--max-l", 1, "--out", tmp_path, "--seed", 1)
    assert (tmp_path / "calibration.json").read_bytes() == before


def kept(folder):
    """Return the one file of a measured row that a run directory keeps."""
    (path,) = (folder / "cells").iterdir()
    return path


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_cell_is_named(app, tmp_path, content):
    run(app, "--max-degree", 1, "--max-l", 1, "--out", tmp_path)
    kept(tmp_path).write_text(content)
    with pytest.raises(InputError, match=r"d=1-l=1-[0-9a-f]{16}\.json' is damaged .*delete this file"):
        run(app, "--max-degree", 1, "--max-l", 1, "--out", tmp_path)


@pytest.mark.parametrize("row", [{}, {"degree": 1}, {"unknown": 1}])
def test_an_incomplete_cell_is_named(app, tmp_path, row):
    run(app, "--max-degree", 1, "--max-l", 1, "--out", tmp_path)
    path = kept(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "cell": row}))
    with pytest.raises(InputError, match=r"d=1-l=1-[0-9a-f]{16}\.json' lacks parts of a row"):
        run(app, "--max-degree", 1, "--max-l", 1, "--out", tmp_path)


def test_a_folder_of_other_files_is_left_alone(app, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match=r"holds files but no settings\.json"):
        run(app, "--max-degree", 1, "--max-l", 1, "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_disagreement_is_named_and_is_exit_status_1(app, monkeypatch, capsys, tmp_path):
    honest = span_run.calibrate_pair

    def broken(degree, l_max, seed):
        row = honest(degree, l_max, seed)
        return dataclasses.replace(row, disagreements=("degree 2: the rank is 8",)) if degree == 2 else row

    monkeypatch.setattr(span_run, "calibrate_pair", broken)
    assert run(app, "--max-degree", 2, "--max-l", 1, "--out", tmp_path) == 1
    assert "disagreement: degree 2: the rank is 8" in capsys.readouterr().err
    assert not json.loads((tmp_path / "calibration.json").read_text())["agrees"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-degree", "0"], "degree is 0"),
        (["--max-l", "0"], "l_max is 0"),
        (["--max-degree", "30", "--max-l", "30"], "calibration goes to 512"),
        (["--seed", "-1"], "seed is -1"),
    ],
)
def test_wrong_input_is_named(app, arguments, message):
    with pytest.raises(InputError, match=message):
        run(app, *arguments)


def test_help_shows_an_example(app):
    assert "ceilings calibrate --max-degree 6" in CliRunner().invoke(app, ["calibrate", "--help"]).output
