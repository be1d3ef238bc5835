"""``ceilings calibrate --trained``: the same numbers as from Python, files, exit status, options that belong together."""

import dataclasses
import json

import pytest

from spectral_ceilings.diagnostic.calibration import plan as synthetic_plan
from spectral_ceilings.diagnostic.calibration.calibrate import calibrate_trained
from spectral_ceilings.diagnostic.calibration.plan import CalibrationPlan
from spectral_ceilings.diagnostic.calibration.trained import CellSettings, calibrate_cell


@pytest.fixture
def small(monkeypatch):
    """Two real cells, small enough for a test."""

    def cells(plan):
        small = {
            "field": plan.field,
            "samples": 2000,
            "held_out": 2000,
            "width": 32,
            "steps": 400,
            "seed": plan.seed,
        }
        return [("grid", CellSettings(degree=2, l_max=L, **small)) for L in (2, 3)]

    monkeypatch.setattr(CalibrationPlan, "cells", cells)


def test_the_command_gives_the_numbers_of_python_and_the_files(ceilings, small, tmp_path):
    done = ceilings("calibrate", "--trained", "--seed", 3, "--out", "found", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    python = calibrate_trained(CalibrationPlan(seed=3))
    for one, other in zip(data["cells"], python["cells"], strict=True):
        assert {k: v for k, v in one.items() if k != "seconds"} == {
            k: v for k, v in other.items() if k != "seconds"
        }
    assert data["schema"] == "ceilings.calibrate-trained/1"
    assert [cell["status"] for cell in data["cells"]] == ["not representable", "learned"]
    names = {str(path.relative_to(tmp_path / "found")) for path in (tmp_path / "found").rglob("*.*")}
    tables = {*(f"calibration.{kind}" for kind in ("json", "csv", "md")), "report.html"}
    pictures = {f"figures/grid{kind}" for kind in (".png", "-dark.png", "-narrow.png", ".svg")}
    cells = {name for name in names if name.startswith("cells/")}
    assert names - cells == tables | pictures | {"settings.json"}
    assert len(cells) == 2
    kept = json.loads((tmp_path / "found" / "calibration.json").read_text())
    assert kept["command"].startswith("ceilings calibrate --trained")

    again = ceilings("calibrate", "--trained", "--seed", 3, "--out", "found")
    assert "add --resume to continue where it stopped" in again.sentence()
    resumed = ceilings("calibrate", "--trained", "--seed", 3, "--out", "found", "--resume")
    assert resumed.returncode == 0
    assert resumed.stdout.splitlines()[-1] == "report: found/report.html"
    rows = [
        line.split() for line in resumed.stdout.splitlines() if line.split()[:2] in (["2", "2"], ["2", "3"])
    ]
    assert [row[:3] for row in rows] == [["2", "2", "0"], ["2", "3", "1"]]
    assert rows[0][5:] == ["not", "representable"]
    assert rows[1][3:] == ["1.0000", "1.0000", "learned"]
    assert max(map(len, resumed.stdout.splitlines())) <= 80


def test_a_cell_off_theory_is_exit_status_1(ceilings, small, monkeypatch):
    monkeypatch.setattr(
        synthetic_plan, "_run", lambda settings: dataclasses.replace(calibrate_cell(settings), r2=0.5)
    )
    done = ceilings("calibrate", "--trained")
    assert done.returncode == 1
    assert "disagreement: grid, degree 2, l_max 2" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quick"], "--quick belongs to --trained"),
        (["--resume"], "--resume belongs to --trained"),
        (["--field", "C5"], "--field belongs to --trained"),
        (["--trained", "--field", "Z9"], "point group 'Z9' is unknown"),
        (["--trained", "--max-degree", 7], "max_degree of a trained calibration is 7"),
        (["--trained", "--seed", -1], "seed is -1"),
        (["--trained", "--field", "C26"], "above every ceiling that is trained"),
    ],
)
def test_wrong_input_is_one_sentence(ceilings, arguments, message):
    assert message in ceilings("calibrate", *arguments).sentence()
