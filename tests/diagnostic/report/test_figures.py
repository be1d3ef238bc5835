"""The figures say what the rows say, the same bytes every time, and no text lies on another."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.text import Text

from spectral_ceilings.diagnostic.pages.axes import number
from spectral_ceilings.diagnostic.pages.figure_style import (
    DARK,
    LIGHT,
    Palette,
    figure_style,
    shade,
    svg_text,
)
from spectral_ceilings.diagnostic.report import figures
from spectral_ceilings.diagnostic.report.captions import describe, page_figures

import synthetic_result as synthetic_module
from synthetic_result import longer, synthetic_result

LAYOUTS = ("wide", "narrow")
MINUS = "\N{MINUS SIGN}"
KINDS = {kind.name: kind for kind in figures.FIGURES if kind.available(synthetic_result())}


def draw(name: str, result: dict[str, Any], palette: Palette = LIGHT, layout: Any = "wide") -> Figure:
    with figure_style(palette):
        figure = KINDS[name].draw(result, palette, layout)
        FigureCanvasAgg(figure).draw()
    return figure


def texts(figure: Figure) -> Iterator[Text]:
    """All visible texts, tick labels of visible axes included, that are not empty."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent()
            if box.width > 0 and box.height > 0:
                yield text


def tick_labels_shown(figure: Figure, text: Text) -> bool:
    """Tick labels that are switched off, or whose tick lies outside the limits, are objects but not ink."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                if text in (tick.label1, tick.label2):
                    low, high = sorted(axis.get_view_interval())
                    return low <= tick.get_loc() <= high
    return True


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize("l_max", [1, 2, 3])
def test_no_text_lies_on_another_or_leaves_the_figure(name: str, layout: str, l_max: int) -> None:
    figure = draw(name, synthetic_result(l_max), layout=layout)
    width, height = figure.get_size_inches() * figure.dpi
    shown = [text for text in texts(figure) if tick_labels_shown(figure, text)]
    assert len(shown) > 10
    for text in shown:
        box = text.get_window_extent()
        assert box.x0 >= 0, text.get_text()
        assert box.y0 >= 0, text.get_text()
        assert box.x1 <= width, text.get_text()
        assert box.y1 <= height, text.get_text()
    assert overlaps(figure, shown) == []


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["cliff", "controls", "atoms"])
@pytest.mark.parametrize("top", [12, 20])
def test_many_degrees_have_room(name: str, layout: str, top: int) -> None:
    figure = draw(name, longer(synthetic_result(), top), layout=layout)
    shown = [text for text in texts(figure) if tick_labels_shown(figure, text)]
    assert overlaps(figure, shown) == []


def overlaps(figure: Figure, shown: list[Text]) -> list[tuple[str, str]]:
    # Boxes hold the font's line height: half a point of contact is not an overlap that one sees.
    slack = 0.5 * figure.dpi / 72
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown]
    return [
        (one, two)
        for (one, a), (two, b) in itertools.combinations(boxes, 2)
        if a.x1 - slack > b.x0 and b.x1 - slack > a.x0 and a.y1 - slack > b.y0 and b.y1 - slack > a.y0
    ]


def test_an_overlap_would_be_seen() -> None:
    figure = draw("cliff", synthetic_result())
    figure.axes[0].text(4.1, 0.9, "a label in the way of 0.965", ha="right", va="top")
    shown = [text for text in texts(figure) if tick_labels_shown(figure, text)]
    assert ("0.965", "a label in the way of 0.965") in [
        tuple(sorted(pair)) for pair in overlaps(figure, shown)
    ]
    assert [text.get_text() for text in shown].count("no path") == 3


def test_the_cliff_figure_draws_the_measured_values_and_no_others() -> None:
    result = synthetic_result()
    figure = draw("cliff", result)
    free, _, equivariant, _ = figure.axes
    for axes, readout in ((free, "free"), (equivariant, "equivariant")):
        drawn = sorted(
            float(y)
            for line in axes.lines
            if line.get_linestyle() == "None"
            for y in np.atleast_1d(np.asarray(line.get_ydata(), dtype=float))
        )
        rows = [
            row["r2"]
            for row in result["recovery"]
            if (row["injection"], row["readout"], row["scope"]) == ("marked", readout, "molecule")
            and row["r2"] is not None
        ]
        assert drawn == sorted(rows)


def test_ceilings_are_marked_between_the_last_reachable_degree_and_the_next() -> None:
    figure = draw("cliff", synthetic_result())
    free = figure.axes[0]
    marks = sorted(
        {float(np.asarray(line.get_xdata())[0]) for line in free.lines if list(line.get_ydata()) == [0, 1]}
    )
    assert marks == [2.5, 4.5, 6.5]


def test_figures_are_written_and_the_same_every_time(tmp_path: Path) -> None:
    result = synthetic_result()
    first = figures.write_figures(result, tmp_path / "a")
    names = {path.name for path in first}
    there = [kind.name for kind in figures.FIGURES if kind.available(result)]
    assert {"cliff", "controls", "molecule", "atoms", "isotropy"} <= set(there)
    assert names >= {
        f"{name}{form}" for name in there for form in (".png", ".svg", "-dark.png", "-narrow.png")
    }
    assert all(path.parent == tmp_path / "a" / "figures" for path in first)
    second = figures.write_figures(result, tmp_path / "b")
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
    for path in first:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        else:
            text = path.read_text(encoding="utf-8")
            ET.fromstring(text)
            assert not re.search(r"20\d\d-\d\d-\d\d", text)


def test_the_users_matplotlib_settings_do_not_reach_the_figures_nor_change(tmp_path: Path) -> None:
    result = synthetic_result(degrees=(2,))
    with figure_style(LIGHT):
        plain = svg_text(KINDS["controls"].draw(result, LIGHT, "wide"))
    odd = {
        "font.size": 30,
        "axes.grid": True,
        "svg.fonttype": "none",
        "figure.facecolor": "red",
        "lines.marker": "x",
    }
    with mpl.rc_context(odd):
        before = dict(mpl.rcParams)
        with figure_style(LIGHT):
            assert svg_text(KINDS["controls"].draw(result, LIGHT, "wide")) == plain
        assert dict(mpl.rcParams) == before


def test_no_pyplot_and_no_global_figure_is_used(tmp_path: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(Path(synthetic_module.__file__).parent)!r})\n"
        "from synthetic_result import longer, synthetic_result\n"
        "from spectral_ceilings.diagnostic.report.captions import page_figures\n"
        "page_figures(synthetic_result(degrees=(2,)))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)


def test_page_figures_take_every_colour_from_the_page() -> None:
    drawn = {name: figure.forms for name, figure in page_figures(synthetic_result()).items()}
    assert set(drawn) == set(KINDS)
    identifiers: list[str] = []
    for forms in drawn.values():
        assert set(forms) == set(LAYOUTS)
        for text in forms.values():
            assert re.findall(r"#[0-9a-f]{6}\b", text) == []
            assert "<style" not in text
            root = ET.fromstring(text)
            assert root.attrib["role"] == "img"
            own = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
            used = re.findall(r'href="#([^"]+)"', text) + re.findall(r"url\(#([^)]+)\)", text)
            assert used
            assert set(used) <= set(own)
            identifiers += own
    assert len(identifiers) == len(set(identifiers))
    assert ET.fromstring(drawn["cliff"]["wide"]).attrib["aria-label"] == describe(synthetic_result(), "cliff")


def _luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_text_colours_have_the_contrast_of_wcag_aa(palette: Palette) -> None:
    colours = [palette.ink, palette.muted, *(palette.of_degree(degree) for degree in (1, 2, 3, 4))]
    pairs = [(colour, palette.paper) for colour in colours]
    pairs += [(palette.muted, palette.band), (palette.on_fill, palette.fill)]
    for one, two in pairs:
        bright, dark = sorted((_luminance(one), _luminance(two)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (one, two)
    roles = [to_hex(getattr(palette, name)) for name in palette.__dataclass_fields__]
    assert len(roles) == len(set(roles))


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_text_on_every_shade_has_the_contrast_of_wcag_aa(palette: Palette) -> None:
    worst = 21.0
    for value in np.linspace(-0.2, 1.1, 500):
        opacity, light_text = shade(float(value))
        ground = opacity * np.array(to_rgb(palette.fill)) + (1 - opacity) * np.array(to_rgb(palette.paper))
        text = palette.on_fill if light_text else palette.ink
        bright, dark = sorted((_luminance(text), _luminance(to_hex(ground))), reverse=True)
        worst = min(worst, (bright + 0.05) / (dark + 0.05))
    assert worst >= 4.5
    assert shade(None) == shade(0.0) == shade(-1.0) == (0.0, False)
    assert shade(1.0) == (1.0, True)


def test_the_molecule_shows_each_atom_with_its_value_and_the_low_one_with_a_rim() -> None:
    result = synthetic_result()
    figure = draw("molecule", result)
    written = [text.get_text() for text in texts(figure)]
    measured = {row["scope"] for row in result["recovery"] if row["scope"].startswith("atom:")}
    assert written.count("C10") == 2  # once for each of the two panels
    values = [text for text in written if re.fullmatch(rf"[-{MINUS}]?\.\d\d|1\.0", text)]
    assert len(values) == 2 * len(measured)
    rims = [patch for patch in figure.findobj(Circle) if patch.get_linewidth() == 2.2]
    assert len(rims) == 2 + 1  # the atom in both panels, and the key
    assert "low at the ceiling" in written
    assert ("not measured" in written) is (len(measured) < 21)


def test_a_result_with_little_in_it_still_has_its_figures(tmp_path: Path) -> None:
    result = synthetic_result(degrees=(2,))
    result["recovery"] = [row for row in result["recovery"] if row["scope"] == "molecule"]
    result["controls"] = [control for control in result["controls"] if control["name"] == "zero injection"]
    assert {path.stem.split("-")[0] for path in figures.write_figures(result, tmp_path / "a")} == {
        "cliff",
        "isotropy",
    }
    result["recovery"] = [row for row in result["recovery"] if row["readout"] == "equivariant"]
    figures.write_figures(result, tmp_path / "b")
    for row in result["recovery"]:
        row["r2"] = row["r2_low"] = row["r2_high"] = row["null_high"] = None
    figures.write_figures(result, tmp_path / "c")


def test_values_far_below_zero_are_kept_in_view() -> None:
    result = synthetic_result(degrees=(2,))
    row = next(r for r in result["recovery"] if r["readout"] == "free" and r["l"] == 6)
    row.update(r2=-0.35, r2_low=-0.4, r2_high=-0.3)
    assert draw("cliff", result).axes[0].get_ylim()[0] < -0.4


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.9648, 3, "0.965"), (-0.0004, 3, "0.000"), (-0.0016, 3, "\N{MINUS SIGN}0.002"), (1.0, 2, "1.00")],
)
def test_labels_have_a_true_minus_and_no_negative_zero(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text
