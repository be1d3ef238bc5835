"""A run: cells kept by their settings, environments that complete each other, files, verdicts, input that is refused."""

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic import ModelCalibration, ModelPlan, calibrate_models
from spectral_ceilings.diagnostic.pages.figure_style import LIGHT, figure_style, png_bytes
from spectral_ceilings.diagnostic.whole_models import calibrate as job
from spectral_ceilings.diagnostic.whole_models.cell import ModelCell, ModelCellSettings
from spectral_ceilings.diagnostic.whole_models.figures import draw_chains, draw_crossover, draw_stars
from spectral_ceilings.diagnostic.whole_models.graphs import GraphLayout
from spectral_ceilings.diagnostic.whole_models.measure import r2_with_error
from spectral_ceilings.diagnostic.whole_models.settings import KINDS, ModelSettings
from spectral_ceilings.theory.errors import InputError

from invented_cells import invented_cell

SMALL = ModelPlan(("mace", "nequip"), ("star", "cutoff"), ("pairs",), quick=True)


@pytest.fixture
def made(monkeypatch):
    """Invent every cell, say which packages are there, and list the cells that were asked for."""
    asked, there = [], {"mace", "nequip", "allegro", "sevenn"}

    def measure(settings):
        asked.append(settings.key)
        return invented_cell(settings)

    monkeypatch.setattr(job, "calibrate_model", measure)
    monkeypatch.setattr(job, "installed", lambda name: KINDS[name].package in there)
    return asked, there


def test_the_default_plan_has_more_than_24_settings_of_a_star_with_an_exact_share():
    cells = [invented_cell(cell) for cell in ModelPlan().cells()]
    star = [cell for cell in cells if cell.settings.layout.graph == "star"]
    assert sum(all(row.share is not None for row in cell.rows) for cell in star) >= 24
    assert {cell.settings.model.architecture for cell in cells} == set(KINDS)
    assert len({cell.settings.key for cell in cells}) == len(cells)


def test_two_environments_with_one_folder_give_the_whole_table(made, tmp_path):
    asked, there = made
    there.clear()
    there.add("nequip")
    first = calibrate_models(SMALL, out=tmp_path / "run")
    assert [m["architecture"] for m in first["missing"]] == ["mace"]
    there.clear()
    there.add("mace")
    with pytest.raises(InputError, match="add --resume"):
        calibrate_models(SMALL, out=tmp_path / "run")
    whole = calibrate_models(SMALL, out=tmp_path / "run", resume=True)
    assert whole["missing"] == []
    assert len(asked) == len(set(asked)) == len(SMALL.cells())
    there.clear()  # everything is kept: no package is needed to read it
    assert calibrate_models(SMALL, out=tmp_path / "run", resume=True)["cells"] == whole["cells"]
    assert ModelCalibration.load(tmp_path / "run") == json.loads(
        (tmp_path / "run" / "calibration.json").read_text()
    )


def test_the_files_hold_every_row(made, tmp_path):
    result = calibrate_models(SMALL, out=tmp_path / "run")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "run" / "calibration.csv").read_text())))
    assert len(lines) == len(result.rows()) == sum(len(cell["rows"]) for cell in result["cells"])
    assert {line["architecture"] for line in lines} == {"mace", "nequip"}
    page = (tmp_path / "run" / "report.html").read_text()
    assert result["verdict"]["sentence"] in page
    assert (tmp_path / "run" / "figures" / "stars.png").exists()
    assert (tmp_path / "run" / "figures" / "crossover-narrow.png").exists()
    assert (
        "| MACE, L 1, nu 2 | star | 1, 1.000, 1.000 | 0, .000, .000 |"
        in (tmp_path / "run" / "calibration.md").read_text()
    )


def test_nothing_above_theory_is_held_and_one_number_above_it_is_not(made, monkeypatch):
    held = calibrate_models(SMALL)
    assert held.held is True
    assert held["verdict"]["counts"]["contradicted"] == 0
    assert held.disagreements == ()
    monkeypatch.setattr(job, "calibrate_model", lambda cell: invented_cell(cell, trained=0.5))
    broken = calibrate_models(SMALL)
    assert broken.held is False
    assert broken["verdict"]["outcome"] == "contradicted"
    assert "theory 0, closed form 0.000, trained 0.500" in broken.disagreements[0]
    monkeypatch.setattr(
        job, "calibrate_model", lambda cell: invented_cell(cell, closed_form=0.0, trained=0.0)
    )
    short = calibrate_models(SMALL)
    assert (short.held, short["verdict"]["outcome"]) == (None, "undecided")


def test_rows_without_a_bound_are_no_test_of_theory(made):
    result = calibrate_models(ModelPlan(("mace-silu",), ("star",)))
    assert (result.held, result["verdict"]["outcome"]) == (None, "nothing tested")


def test_nothing_installed_is_refused_before_anything_is_written(made, tmp_path):
    made[1].clear()
    with pytest.raises(InputError, match="none of mace, nequip is installed here"):
        calibrate_models(SMALL, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_damaged_cell_is_named(made, tmp_path):
    calibrate_models(SMALL, out=tmp_path / "run")
    kept = sorted((tmp_path / "run" / "cells").glob("*.json"))[0]
    content = json.loads(kept.read_text())
    del content["cell"]["rows"]
    kept.write_text(json.dumps(content))
    with pytest.raises(InputError, match="is damaged: delete its file"):
        calibrate_models(SMALL, out=tmp_path / "run", resume=True)


def test_a_cell_reads_back_as_it_was():
    for settings in ModelPlan(quick=True).cells():
        cell = invented_cell(settings)
        assert ModelCell.from_dict(json.loads(json.dumps(cell.to_dict()))) == cell


def test_the_error_of_r2_is_that_of_repeated_samples():
    rng = np.random.default_rng(0)

    def sample(count):
        truth = rng.standard_normal(count)
        return truth, 0.6 * truth + 0.5 * rng.standard_normal(count)

    repeated = [r2_with_error(*sample(500)) for _ in range(400)]
    spread = np.std([r2 for r2, _ in repeated])
    # the standard deviation of 400 numbers is known to 1 / sqrt(800) = 4 %: four times that
    assert np.mean([error for _, error in repeated]) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_every_figure_draws_and_the_same_cells_give_the_same_bytes(layout):
    cells = [invented_cell(cell) for cell in ModelPlan(terms=("pairs", "torsions")).cells()]
    for draw in (draw_stars, draw_crossover, draw_chains):
        with figure_style(LIGHT):
            first, second = (png_bytes(draw(cells, LIGHT, layout), dpi=50) for _ in range(2))
            assert first == second
            assert draw([], LIGHT, layout) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architectures": ("mac",)}, "'mac' is none of the architectures"),
        ({"graphs": ("ring",)}, "'ring' is none of the graphs"),
        ({"terms": ("angles",)}, "'angles' is none of the terms"),
        ({"max_l": 4}, "max_l of a calibration of whole models is 4: give 1 to 3"),
        ({"max_correlation": 0}, "max_correlation"),
        ({"layers": 9}, "layers"),
        ({"seed": -1}, "seed is -1"),
        ({"graphs": ("star",), "terms": ("torsions",)}, "no cell has graphs star with terms torsions"),
    ],
)
def test_a_wrong_plan_is_one_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        ModelPlan(**arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ModelSettings("mace", 2), "correlation of mace is None"),
        (lambda: ModelSettings("nequip", 2, correlation=2), "told by its layers"),
        (lambda: ModelSettings("mace", 2, 2, layers=2), "calibrated with one layer"),
        (lambda: ModelCellSettings(ModelSettings("mace", 2, 2), GraphLayout("star"), ()), "needs a term"),
        (lambda: ModelCellSettings(ModelSettings("mace", 2, 2), GraphLayout("chain"), ("pair(1)",)), "no term of the graph"),
        (lambda: ModelCellSettings(ModelSettings("mace", 2, 2), GraphLayout("cutoff", cutoff=1.3), ("pair(1)",)), "both"),
        (lambda: ModelCellSettings(ModelSettings("mace", 2, 2), GraphLayout("star"), ("pair(1)",), steps=0), "steps"),
    ],
)  # fmt: skip
def test_wrong_settings_of_a_cell_are_one_sentence(make, message):
    with pytest.raises(InputError, match=message):
        make()


WORDS = st.lists(st.sampled_from(["mace", "nequip", "star", "all", "pairs", "torsions", "", "x"]), max_size=3)


@hypothesis_settings(max_examples=80, deadline=None)
@given(
    WORDS, WORDS, WORDS, st.integers(-1, 5), st.integers(-1, 6), st.none() | st.integers(-1, 5), st.booleans()
)
def test_every_plan_has_cells_or_is_refused(architectures, graphs, terms, max_l, correlation, layers, quick):
    try:
        plan = ModelPlan(tuple(architectures), tuple(graphs), tuple(terms), max_l, correlation, layers, quick)
    except InputError:
        return
    cells = plan.cells()
    assert cells
    assert all(cell.model.l_max <= max_l for cell in cells)
    assert all((cell.model.correlation or 1) <= correlation for cell in cells)
    assert layers is None or all(cell.model.layers <= layers for cell in cells)
