"""The one writer of figures writes each form, and what a page inlines takes its colours from the page."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from spectral_ceilings.diagnostic.pages.axes import Layout
from spectral_ceilings.diagnostic.pages.figure_files import Drawing, inline, slot, write_drawings
from spectral_ceilings.diagnostic.pages.figure_style import DARK, LIGHT, Palette


def draw(palette: Palette, layout: Layout) -> Figure:
    figure = Figure(figsize=(4 if layout == "wide" else 2, 2))
    figure.add_axes((0.2, 0.2, 0.7, 0.7)).plot([0, 1], [0, 1], color=palette.degree_2)
    return figure


def test_every_form_is_written_with_its_colours(tmp_path: Path) -> None:
    written = write_drawings([Drawing("line.one", draw)], tmp_path)
    assert {path.name for path in written} == {
        "line.one.png", "line.one.svg", "line.one-dark.png", "line.one-narrow.png",
    }  # fmt: skip
    assert {path.parent for path in written} == {tmp_path / "figures"}
    assert LIGHT.degree_2 in (tmp_path / "figures" / "line.one.svg").read_text(encoding="utf-8")
    once = {path: path.read_bytes() for path in written}
    write_drawings([Drawing("line.one", draw)], tmp_path)
    assert {path: path.read_bytes() for path in written} == once


def test_an_inlined_figure_has_no_colour_of_its_own() -> None:
    forms = inline(Drawing("line", draw), 'A "line" <up>')
    assert list(forms) == ["wide", "narrow"]
    for layout, text in forms.items():
        assert "var(--figure-degree-2)" in text
        assert LIGHT.degree_2 not in text
        assert DARK.degree_2 not in text
        assert 'aria-label="A &#34;line&#34; &lt;up&gt;"' in text
        assert f'id="line-{layout}-' in text


def test_a_figure_leads_to_its_files(tmp_path: Path) -> None:
    made = slot(Drawing("line", draw), "Caption", "Label")
    write_drawings([Drawing("line", draw)], tmp_path)
    assert all((tmp_path / path).is_file() for _, path in made.files)
    assert slot(Drawing("line", draw), "Caption", "Label", files=False).files == []
