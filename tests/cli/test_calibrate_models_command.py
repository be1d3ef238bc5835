"""``ceilings calibrate --models``: what it prints, its exit status, options that belong together."""

import json

import pytest

from spectral_ceilings.cli import choices
from spectral_ceilings.diagnostic.whole_models import calibrate as job
from spectral_ceilings.diagnostic.whole_models.plan import GRAPH_NAMES
from spectral_ceilings.diagnostic.whole_models.settings import KINDS
from spectral_ceilings.diagnostic.whole_models.terms import KINDS as TERMS

from invented_cells import invented_cell

QUICK = ("calibrate", "--models", "--quick", "--architecture", "mace,nequip")


@pytest.fixture(autouse=True)
def invented(monkeypatch):
    monkeypatch.setattr(job, "calibrate_model", invented_cell)
    monkeypatch.setattr(job, "installed", lambda name: KINDS[name].package == "mace")


def test_the_choices_of_the_help_are_those_of_the_library():
    assert tuple(KINDS) == choices.WHOLE_MODELS
    assert GRAPH_NAMES == choices.GRAPHS
    assert TERMS == choices.TERMS


def test_a_table_and_what_was_not_run(ceilings, tmp_path):
    done = ceilings(*QUICK, "--out", "run")
    assert done.returncode == 0, done.stderr
    assert "not run: 3 cells of nequip; the package 'nequip' is not installed here" in done.stderr
    line = next(
        line for line in done.stdout.splitlines() if line.split()[:5] == ["mace", "L", "1", "nu", "2"]
    )
    assert line.split()[5:] == ["1.00", ".00", ".00", ".00", ".00"]
    assert done.stdout.splitlines()[-1] == "report: run/report.html"
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert json.loads((tmp_path / "run" / "calibration.json").read_text())["command"].startswith(
        "ceilings calibrate --models --quick"
    )


def test_json_alone_on_standard_output(ceilings):
    done = ceilings(*QUICK, "--graphs", "star", "--terms", "pairs", "--json")
    data = json.loads(done.stdout)
    assert data["schema"] == "ceilings.calibrate-models/1"
    assert data["plan"]["graphs"] == ["star"]
    assert data["verdict"]["outcome"] == "held"


def test_a_number_above_theory_is_status_1(ceilings, monkeypatch):
    monkeypatch.setattr(job, "calibrate_model", lambda cell: invented_cell(cell, trained=0.4))
    done = ceilings(*QUICK)
    assert done.returncode == 1
    assert "disagreement: MACE, L = 1, nu = 2, star, pair(2): theory 0" in done.stderr


def test_nothing_tested_is_status_0_and_says_so(ceilings):
    done = ceilings("calibrate", "--models", "--architecture", "mace-silu")
    assert done.returncode == 0
    assert "Nothing was held against theory" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "--trained"], "two calibrations"),
        (["--graphs", "star"], "--graphs belongs to --models"),
        (["--models", "--field", "C5"], "--field belongs to --trained"),
        (["--models", "--max-degree", "2"], "--max-degree is no option of --models"),
        (["--models", "--max-l", "7"], "max_l of a calibration of whole models is 7"),
        (["--models", "--graphs", "star", "--terms", "torsions"], "torsions belong to chain"),
        (["--models", "--architecture", "nequip"], "none of nequip is installed here"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(ceilings, arguments, message):
    assert message in ceilings("calibrate", *arguments).sentence()
