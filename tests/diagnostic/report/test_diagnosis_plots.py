"""Plots of a diagnosis on the user's axes: the numbers of the result, nothing beside the axes touched."""

import io
import json
from collections.abc import Iterator

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectral_ceilings.diagnostic.pages.axes import palette_of
from spectral_ceilings.diagnostic.pages.figure_style import DARK, LIGHT
from spectral_ceilings.diagnostic.report.result_object import Diagnosis
from spectral_ceilings.theory import InputError

from synthetic_result import synthetic_result


@pytest.fixture(autouse=True)
def no_window() -> Iterator[None]:
    pyplot.close("all")
    with matplotlib.rc_context({"backend": "agg"}):
        yield
    pyplot.close("all")


@pytest.fixture
def diagnosis() -> Diagnosis:
    return Diagnosis(synthetic_result())


def axes() -> Axes:
    return Figure(figsize=(5, 4), layout="constrained").subplots()


def points(ax: Axes) -> list[tuple[float, ...]]:
    """Return the heights of every line with markers."""
    return [tuple(line.get_ydata()) for line in ax.lines if line.get_marker() not in ("None", "", None)]


def test_every_plot_draws_on_the_axes_that_were_given(diagnosis: Diagnosis) -> None:
    assert diagnosis.plots == ("cliff", "near zero", "paths", "controls", "atoms", "molecule", "orientations")
    for kind in diagnosis.plots:
        ax = axes()
        assert diagnosis.plot(kind, ax) is ax
        assert ax.figure.axes == [ax]
        assert ax.lines or ax.patches or ax.collections
        ax.figure.savefig(io.BytesIO(), format="png")
    assert pyplot.get_fignums() == []


def test_without_axes_a_figure_is_made(diagnosis: Diagnosis) -> None:
    ax = diagnosis.plot()
    assert pyplot.get_fignums() == [ax.figure.number]


def test_a_refused_plot_leaves_no_figure(diagnosis: Diagnosis) -> None:
    with pytest.raises(InputError):
        diagnosis.plot("molecule", l=9)
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("readout", ["free", "equivariant"])
def test_the_cliff_has_the_numbers_of_the_result(diagnosis: Diagnosis, readout: str) -> None:
    drawn = points(diagnosis.plot("cliff", axes(), readout=readout))
    for degree in (1, 2, 3):
        rows = diagnosis.rows(injection="marked", readout=readout, degree=degree, scope="molecule")
        assert tuple(row["r2"] for row in rows if row["r2"] is not None) in drawn


def test_the_users_style_is_left_as_it_is(diagnosis: Diagnosis) -> None:
    before = json.dumps(dict(matplotlib.rcParams), default=str)
    ax = axes()
    for kind in diagnosis.plots:
        diagnosis.plot(kind, axes())
    assert json.dumps(dict(matplotlib.rcParams), default=str) == before
    with matplotlib.rc_context({"axes.titlesize": 21.0}):
        diagnosis.plot("cliff", ax)
        assert ax._left_title.get_size() == 21.0


def test_colours_follow_what_lies_behind_the_axes() -> None:
    for background, clear, palette in (
        ("white", False, LIGHT),
        ("#101418", False, DARK),
        ("#101418", True, DARK),
    ):
        figure = Figure(facecolor=background)
        ax = figure.subplots()
        ax.set_facecolor("none" if clear else background)
        assert palette_of(ax).ink == palette.ink
    figure = Figure(facecolor="none")
    ax = figure.subplots()
    ax.set_facecolor("none")
    assert palette_of(ax) == LIGHT


def test_what_a_result_lacks_is_told(diagnosis: Diagnosis) -> None:
    with pytest.raises(
        InputError, match=r"'plateaus' cannot be drawn: no directions were measured; diagnose with"
    ):
        diagnosis.plot("plateaus", axes())
    bare = Diagnosis({**diagnosis, "controls": []})
    with pytest.raises(InputError, match="no controls were run"):
        bare.plot("controls", axes())
    free = Diagnosis({**diagnosis, "recovery": diagnosis.rows(readout="free")})
    with pytest.raises(InputError, match="equivariant readout was not fitted"):
        free.plot("cliff", axes(), readout="equivariant")
    with pytest.raises(InputError, match="equivariant readout was not fitted"):
        free.plot("paths", axes())
    with pytest.raises(InputError, match="readout is 'linear', expected one of free, equivariant"):
        diagnosis.plot("cliff", axes(), readout="linear")
    with pytest.raises(InputError, match="'L' is no option of the plot 'molecule', expected some of l"):
        diagnosis.plot("molecule", axes(), L=3)
    with pytest.raises(InputError, match="which takes none"):
        diagnosis.plot("atoms", axes(), l=3)
    with pytest.raises(InputError, match="l is 9, expected 0 to 8"):
        diagnosis.plot("molecule", axes(), l=9)
    with pytest.raises(
        InputError, match="no control 'x' to draw, expected one of untrained, no random rotations"
    ):
        diagnosis.plot("controls", axes(), control="x")


def test_the_molecule_keeps_its_shape_in_any_axes(diagnosis: Diagnosis) -> None:
    for size in ((8, 2), (2, 8)):
        ax = Figure(figsize=size).subplots()
        diagnosis.plot("molecule", ax, l=3)
        assert ax.get_aspect() == 1.0
        places = np.array(diagnosis["data"]["depiction"]["positions"])
        assert (places[:, 0] > ax.get_xlim()[0]).all()
        assert (places[:, 0] < ax.get_xlim()[1]).all()
        assert (places[:, 1] > ax.get_ylim()[0]).all()
        assert (places[:, 1] < ax.get_ylim()[1]).all()
