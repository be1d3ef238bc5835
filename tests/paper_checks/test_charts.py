"""Charts of claims: every kind draws, in light and dark, with its text inside and its series told apart."""

from __future__ import annotations

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text

from spectral_ceilings.diagnostic.pages.figure_style import DARK, LIGHT, Palette, figure_style
from spectral_ceilings.paper_checks.charts import WIDTH, _colours, draw, svg
from spectral_ceilings.paper_checks.outcome import Chart, Line

from made_up_claims import charts

PALETTES = {"light": LIGHT, "dark": DARK}


def drawn(chart: Chart, palette: Palette) -> Figure:
    figure = draw(chart, palette)
    with figure_style(palette):
        FigureCanvasAgg(figure).draw()
    return figure


def in_view(figure: Figure, text: Text) -> bool:
    """Tick labels whose tick lies beyond the limits are objects and no ink."""
    for axis in [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]:
        for tick in axis.get_major_ticks() + axis.get_minor_ticks():
            if text in (tick.label1, tick.label2):
                low, high = sorted(axis.get_view_interval())
                return bool(low <= tick.get_loc() <= high)
    return True


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("chart", charts(), ids=lambda chart: chart.title)
def test_text_stays_inside_and_is_in_the_colours_of_the_palette(chart: Chart, palette: str) -> None:
    colours = PALETTES[palette]
    figure = drawn(chart, colours)
    width, height = figure.get_size_inches() * figure.dpi
    assert figure.get_size_inches()[0] <= WIDTH
    seen = []
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        box = text.get_window_extent()
        if not text.get_visible() or not text.get_text().strip() or box.width == 0:
            continue
        if not in_view(figure, text):
            continue
        # One pixel: boxes are rounded outwards.
        assert -1 <= box.x0 <= box.x1 <= width + 1, text.get_text()
        assert -1 <= box.y0 <= box.y1 <= height + 1, text.get_text()
        roles = {colours.ink, colours.muted, colours.on_fill}
        assert to_hex(text.get_color()) in roles, text.get_text()
        seen.append(text.get_text())
    assert chart.x_label in seen
    for words in (chart.y_label, *(line.label for line in chart.lines), *chart.categories, *chart.rows):
        assert not words or words in seen


def test_labels_of_a_logarithmic_axis_do_not_touch() -> None:
    parameters = [14400.0, 36416.0, 51712.0, 66048.0, 67136.0, 68000.0, 110400.0, 230000.0]
    chart = Chart("p", "parameters", "l", "alt", lines=[Line("L", parameters, [4.0] * 8)], log_x=True)
    for one in (chart, charts()[1]):
        figure = drawn(one, LIGHT)
        boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels() if label.get_text()]
        assert len(boxes) >= 4
        assert all(a.x1 < b.x0 for a, b in itertools.pairwise(sorted(boxes, key=lambda box: box.x0)))


def test_labels_of_marks_stand_clear_of_the_data() -> None:
    figure = drawn(charts()[0], LIGHT)
    axes = figure.axes[0]
    top = axes.get_window_extent().y1
    labels = [text for text in axes.texts if text.get_text()]
    assert [label.get_text() for label in labels] == ["ceiling 4", "edge"]
    assert all(label.get_window_extent().y0 >= top for label in labels)


def containers(figure: Figure) -> list[ErrorbarContainer]:
    return [c for axes in figure.axes for c in axes.containers if isinstance(c, ErrorbarContainer)]


@pytest.mark.parametrize("palette", PALETTES)
def test_every_series_has_a_look_of_its_own_without_colour_and_with_it(palette: str) -> None:
    colours = PALETTES[palette]
    looks, shades = [], []
    for container in containers(drawn(charts()[0], colours)):
        line = container.lines[0]
        assert line is not None
        looks.append((line.get_marker(), line.get_linestyle()))
        shades.append(to_hex(line.get_color()))
    assert len(set(looks)) == len(looks) == 6
    assert len(set(shades)) == 6


def test_long_lines_keep_their_markers() -> None:
    x = [float(l) for l in range(25)]
    chart = Chart("w", "l", "w", "alt", lines=[Line(f"m{k}", x, x, style="line") for k in range(6)])
    looks = [
        container.lines[0].get_marker() for container in containers(drawn(chart, LIGHT)) if container.lines[0]
    ]
    assert len(set(looks)) == 6


def seen_with(colour: str, matrix: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    """Return a colour as it is seen with a lack of one kind of cones: a linear map of linear light."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    mixed = [min(1.0, max(0.0, sum(m * c for m, c in zip(row, linear, strict=True)))) for row in matrix]
    return tuple(12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in mixed)


#: Machado, Oliveira and Fernandes (2009), severity 1.
BLINDNESS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}  # fmt: skip


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("kind", BLINDNESS)
def test_the_first_four_colours_part_for_the_colour_blind(palette: str, kind: str) -> None:
    shades = [seen_with(colour, BLINDNESS[kind]) for colour in _colours(PALETTES[palette])[:4]]
    for one, two in itertools.combinations(shades, 2):
        # A tenth of the range of one channel: markers part them besides.
        assert max(abs(a - b) for a, b in zip(one, two, strict=True)) > 0.1


def test_values_are_drawn_where_they_are_and_gaps_are_gaps() -> None:
    figure = drawn(charts()[1], LIGHT)
    line = containers(figure)[0].lines[0]
    assert line is not None
    assert float(line.get_ydata()[0]) == 1e-3
    assert str(line.get_ydata()[1]) == "nan"
    assert (figure.axes[0].get_xscale(), figure.axes[0].get_yscale()) == ("log", "log")


def test_a_grid_prints_its_numbers_without_a_negative_zero() -> None:
    texts = [text.get_text() for text in drawn(charts()[3], LIGHT).axes[0].texts]
    assert texts == ["0.000", "0.000", "0.400", "–", "1.000", "0.999"]


@pytest.mark.parametrize("chart", charts(), ids=lambda chart: chart.title)
def test_the_same_chart_is_the_same_bytes(chart: Chart) -> None:
    assert svg(chart) == svg(chart) != svg(chart, DARK)
