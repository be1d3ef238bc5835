"""A whole calibration: kept cell by cell, resumed, told as tables and figures, with one sentence for each disagreement."""

import csv
import dataclasses
import io
import json

import pytest
from matplotlib.figure import Figure

from spectral_ceilings.diagnostic.calibration import figures as synthetic_figures
from spectral_ceilings.diagnostic.calibration import plan as synthetic_plan
from spectral_ceilings.diagnostic.calibration import tables as synthetic_tables
from spectral_ceilings.diagnostic.calibration.calibrate import calibrate_trained
from spectral_ceilings.diagnostic.calibration.plan import (
    PANELS,
    CalibrationCells,
    CalibrationPlan,
)
from spectral_ceilings.diagnostic.calibration.report import trained_page
from spectral_ceilings.diagnostic.calibration.ring import ring_theory
from spectral_ceilings.diagnostic.calibration.ring_cell import RingCell, RingSettings
from spectral_ceilings.diagnostic.calibration.trained import CalibrationCell, CellSettings
from spectral_ceilings.diagnostic.pages.figure_style import LIGHT, figure_style, png_bytes
from spectral_ceilings.theory.errors import InputError


def invented(settings):
    """Return a cell as theory has it, without any fit."""
    if isinstance(settings, CellSettings):
        theory = None if not settings.polynomial else int(settings.degree * settings.l_max >= 5)
        value = 1.0 if theory is None else float(theory)
        return CalibrationCell(
            settings=dataclasses.replace(settings, field_l=5), field_l=5, theory=theory, r2=value, r2_sphere=value,
            closed_form=float(theory or 0), closed_form_sphere=float(theory or 0), closed_form_even=0.0,
            closed_form_odd=1.0, monomials=None, monomial_count=7, largest_possible=value, above=0.0, parameters=3, seconds=0.1,
            diverged=False,
        )  # fmt: skip
    theory = ring_theory(settings.degree, settings.l_max, 5, settings.breaking)
    polynomial = settings.activation == "power"
    value = float(theory) if polynomial else float(settings.breaking)
    wanted = theory if polynomial else (None if settings.breaking else 0)
    return RingCell(
        settings=settings, theory=wanted, reachable=value if polynomial else None, r2=value, columns=None,
        closed_form=value if polynomial else None, largest_possible=None, channels={"1": 3, "2": 5}, seconds=0.1,
    )  # fmt: skip


@pytest.fixture
def made(monkeypatch):
    """Invent every cell, and list the settings of those that were asked for."""
    asked = []
    monkeypatch.setattr(synthetic_plan, "_run", lambda settings: asked.append(settings) or invented(settings))
    return asked


def test_the_full_plan_has_the_whole_grid_and_every_control():
    cells = CalibrationPlan().cells()
    assert tuple(dict.fromkeys(panel for panel, _ in cells)) == PANELS
    grid = [(s.degree, s.l_max) for panel, s in cells if panel == "grid"]
    assert grid == [(d, L) for d in range(1, 6) for L in range(1, 6)]
    widths = {s.width for panel, s in cells if panel == "width" and (s.degree, s.l_max) == (2, 2)}
    assert widths == {2**k for k in range(3, 13)}
    assert {s.activation for panel, s in cells if panel == "activation"} == {
        "power",
        "product",
        "silu",
        "tanh",
    }
    ring = [s for _, s in cells if isinstance(s, RingSettings)]
    assert {(s.features, s.trained) for s in ring} == {
        (f, t) for f in ("nequip", "e3nn") for t in (True, False)
    }
    assert len(set(map(str, cells))) == len(cells)


def test_a_plan_without_controls_or_ring_is_the_grid():
    plan = CalibrationPlan("I", max_degree=2, max_l=3, controls=False, ring=False)
    assert [(panel, s.field, s.degree, s.l_max) for panel, s in plan.cells()] == [
        ("grid", "I", d, L) for d in (1, 2) for L in (1, 2, 3)
    ]


def test_a_stopped_run_goes_on_with_the_same_numbers(tmp_path, made, monkeypatch):
    plan = CalibrationPlan(quick=True)
    total = len(plan.cells())
    honest, count = synthetic_plan._run, []

    def stops(settings):
        if len(count) == 4:
            raise RuntimeError("power cut")
        count.append(settings)
        return honest(settings)

    monkeypatch.setattr(synthetic_plan, "_run", stops)
    with pytest.raises(RuntimeError, match="power cut"):
        calibrate_trained(plan, out=tmp_path / "run")
    monkeypatch.setattr(synthetic_plan, "_run", honest)
    made.clear()
    with pytest.raises(InputError, match="exists already: name another one with --out, or add --resume"):
        calibrate_trained(plan, out=tmp_path / "run")
    assert made == []
    resumed = calibrate_trained(plan, out=tmp_path / "run", resume=True)
    assert len(made) == total - 4
    assert resumed["cells"] == calibrate_trained(plan)["cells"]
    assert not list(tmp_path.rglob(".*"))


def test_cells_of_another_seed_or_damaged_ones_are_refused_before_any_work(tmp_path, made):
    out = tmp_path / "run"
    calibrate_trained(CalibrationPlan(quick=True), out=out)
    made.clear()
    with pytest.raises(InputError, match="made with seed = 0, this run asks for 1"):
        calibrate_trained(CalibrationPlan(quick=True, seed=1), out=out, resume=True)
    with pytest.raises(InputError, match="made with ring = true, this run asks for false"):
        calibrate_trained(CalibrationPlan(quick=True, ring=False), out=out, resume=True)
    last = sorted((out / "cells").iterdir())[-1]
    whole = json.loads(last.read_text())
    for content in ("", "[]", json.dumps({**whole, "cell": {"degree": 2}})):
        last.write_text(content)
        with pytest.raises(InputError, match=rf"{last.name}'? is damaged.*delete"):
            calibrate_trained(CalibrationPlan(quick=True), out=out, resume=True)
    assert made == []


def test_every_table_has_every_cell(made):
    found = calibrate_trained().cells
    lines = list(csv.DictReader(io.StringIO(synthetic_tables.to_csv(found))))
    assert len(lines) == len(found.cells) == len(made)
    assert [line["panel"] for line in lines] == [panel for panel, _ in found.cells]
    assert [float(line["r2"]) for line in lines] == [cell.r2 for _, cell in found.cells]
    markdown = synthetic_tables.to_markdown(found)
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len(rows) == len(lines) + 2 * len(PANELS)  # each table has a heading and a rule
    assert "Everything agrees with theory." in markdown
    page = trained_page(found, "ceilings calibrate --trained --out <runs>", [])
    tables = page[: page.index('id="repeat"')]
    assert tables.count("<tr>") == len(lines) + len(PANELS)
    assert "Every cell of grid and ring agrees with theory, and no control exceeds its ceiling." in page
    assert "--out &lt;runs&gt;" in page
    assert json.loads(json.dumps(found.to_dict()))["schema"] == "ceilings.calibrate-trained/1"
    assert found.disagreements == ()


def test_a_disagreement_is_one_sentence_and_a_weak_control_is_none(made):
    found = calibrate_trained(CalibrationPlan(quick=True)).cells
    wrong = []
    for panel, cell in found.cells:
        if panel == "grid" and cell.settings.degree == 3:
            cell = dataclasses.replace(cell, r2=0.4)
        if panel == "grid" and (cell.settings.degree, cell.settings.l_max) == (2, 2):
            cell = dataclasses.replace(cell, r2=0.3)
        if panel == "width":
            cell = dataclasses.replace(cell, r2=-0.4)
        wrong.append((panel, cell))
    off = CalibrationCells(found.plan, tuple(wrong))
    assert len(off.disagreements) == 2
    assert (
        "degree 2, l_max 2: trained R² 0.3000, closed form 0.0000, theory 0: above theory"
        in off.disagreements[0]
    )
    assert (
        "degree 3, l_max 2: trained R² 0.4000, closed form 1.0000, theory 1: not learned"
        in off.disagreements[1]
    )
    assert not off.to_dict()["agrees"]
    assert "disagreement" in synthetic_tables.to_markdown(off)
    page = trained_page(off, "", [])
    assert "✗ Theory not confirmed" in page
    assert page.count("✗ above theory") == page.count("✗ not learned") == 1
    assert "please report it with calibration.json" in page


@pytest.mark.parametrize("layout", ["wide", "narrow"])
@pytest.mark.parametrize(
    "plan", [CalibrationPlan(), CalibrationPlan(quick=True), CalibrationPlan(controls=False, ring=False)]
)
def test_figures_are_drawn_from_what_there_is_and_repeat(made, plan, layout):
    found = calibrate_trained(plan).cells
    with figure_style(LIGHT):
        drawn = {name: draw(found, LIGHT, layout) for name, draw in synthetic_figures.FIGURES.items()}
        again = {name: draw(found, LIGHT, layout) for name, draw in synthetic_figures.FIGURES.items()}
        assert isinstance(drawn["grid"], Figure)
        assert (drawn["controls"] is None) == (not plan.controls)
        assert (drawn["ring"] is None) == (not plan.ring)
        texts = [text.get_text() for axes in drawn["grid"].axes for text in axes.texts]
        expected = 25 if not plan.quick else 5
        assert sum(text in {"0", "1"} for text in texts) == expected
        assert sum(text in {"0.00", "1.00"} for text in texts) == 2 * expected
        if plan.quick:
            assert png_bytes(drawn["ring"]) == png_bytes(again["ring"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_degree": 6}, "max_degree of a trained calibration is 6: give 1 to 5"),
        ({"max_l": 0}, "max_l of a trained calibration is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"field": "X"}, "point group 'X' is unknown"),
        ({"field": "C5", "field_l": 4}, "C5 has no field of its own with l = 4"),
    ],
)
def test_a_wrong_plan_is_named(wrong, message):
    with pytest.raises(InputError, match=message):
        CalibrationPlan(**wrong)
    with pytest.raises(InputError, match="none of them within max_degree 1 and max_l 2"):
        CalibrationPlan(quick=True, max_degree=1, max_l=2).cells()
