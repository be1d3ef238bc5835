"""The page and the figures of observables under cures."""

from __future__ import annotations

import copy
import re

import pytest
from matplotlib.figure import Figure

from spectral_ceilings.diagnostic.observing.cures import cures_table
from spectral_ceilings.diagnostic.observing.figures import (
    moments_panel,
    observing_drawings,
    pareto_panel,
    write_observing_figures,
)
from spectral_ceilings.diagnostic.observing.report import render_observing_report, write_observing_report
from spectral_ceilings.diagnostic.pages.figure_style import LIGHT

from synthetic_observation import CURES, synthetic_observation


@pytest.fixture(scope="module")
def result():
    made = synthetic_observation()
    made["cures"] = cures_table(made)
    return made


@pytest.fixture(scope="module")
def page(result):
    return render_observing_report(result)


def test_the_page_shows_every_cure_and_every_sentence(page, result):
    for cure in CURES:
        assert cure in page
    for row in result["cures"]["sufficient"].values():
        assert re.sub(r"\W+", "", row["sentence"].replace("<", ""))[:30] in re.sub(r"\W+", "", page)
    for name in ("orientation-maps", "moments", "pareto", "drift", "curves-rdf", "curves-angular-momentum"):
        assert f'id="figure-{name}"' in page


def test_the_page_is_whole_in_itself(page):
    assert not re.search(r'(src|href)="https?://', page)


def test_texts_are_escaped(result):
    hostile = copy.deepcopy(dict(result))
    hostile["verdict"]["sentence"] = "<script>alert(1)</script>"
    hostile["structure"]["formula"] = "<b>H2O</b>"
    page = render_observing_report(hostile)
    assert "<script>alert" not in page
    assert "<b>H2O" not in page


def test_a_result_of_a_single_run_without_prediction_has_a_page():
    made = synthetic_observation(("none",))
    made |= {"prediction": None, "comparison": []}
    made["cures"] = cures_table(made)
    page = render_observing_report(made)
    assert "Predicted and measured" not in page
    assert [d.name for d in observing_drawings({**made, "cures": None})] == [
        "orientation-maps", "moments", "curves-angular-momentum", "curves-rdf",
    ]  # fmt: skip


def test_the_front_is_drawn_filled(result):
    axes = Figure().add_subplot()
    pareto_panel(axes, result, LIGHT, observable="orientation")
    filled = {
        line.get_label(): line.get_markerfacecolor() != LIGHT.paper
        for line in axes.lines
        if line.get_label() in CURES
    }
    assert filled == {row["cure"]: row["front"]["orientation"] for row in result["cures"]["rows"]}


def test_moments_are_drawn_where_they_were_measured(result):
    axes = Figure().add_subplot()
    moments_panel(axes, result, LIGHT)
    bars = {bar.get_label(): bar.lines[0].get_ydata().tolist() for bar in axes.containers}
    assert bars == {cure: list(CURES[cure][3]) for cure in CURES}


def test_files_are_written(result, tmp_path):
    small = {**result, "observables": {"orientation": result["observables"]["orientation"]}}
    write_observing_report(small, tmp_path)
    names = {path.name for path in write_observing_figures(small, tmp_path)}
    for name in ("orientation-maps", "moments", "pareto", "drift"):
        assert {f"{name}.png", f"{name}.svg", f"{name}-dark.png", f"{name}-narrow.png"} <= names
    assert (tmp_path / "report.html").stat().st_size > 10_000
