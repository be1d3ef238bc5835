"""The frame in a real browser: each state, wide and long tables, figures in both forms, at every width, light, dark, printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup
from matplotlib.figure import Figure

from spectral_ceilings.diagnostic.pages.axes import Layout
from spectral_ceilings.diagnostic.pages.figure_files import Drawing, slot
from spectral_ceilings.diagnostic.pages.figure_style import Palette
from spectral_ceilings.diagnostic.pages.frame import (
    MARKS,
    Banner,
    KeyNumber,
    Page,
    Repeat,
    Section,
    State,
    render_page,
)
from spectral_ceilings.diagnostic.pages.tables import Cell, Facts, Table, numbers

from real_browser import check_page, launched, opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as one:
        yield one


def draw(palette: Palette, layout: Layout) -> Figure:
    figure = Figure(figsize=(7.4 if layout == "wide" else 3.6, 2.5))
    figure.add_axes((0.1, 0.2, 0.8, 0.7)).plot([0, 1], [0, 1], color=palette.ink)
    return figure


def written(folder: Path, state: State = "held", columns: int = 9) -> Path:
    """Write a page with one of everything, and harmful long words."""
    word = "a-long-name" * 12
    cells = [Cell("0.123", "0.100 to 0.200") for _ in range(columns)]
    rows = [[f"row {k}", *cells] for k in range(50)]
    page = Page(
        "Kind", f"A model, {word}", Banner(state, f"It is so: {word}.", remarks=["Controls were not run."]),
        [Section("first", "First", [slot(Drawing("line", draw), f"Caption {word}", "A line"),
                                    Table("few", "Few columns.", ["ℓ", *numbers("a")], [["1", "2"]]),
                                    Table("many", f"Many columns {word}.", ["name", *numbers(*"abcdefghi"[:columns])], rows[:3]),
                                    Table("long", "Many rows.", ["name", *numbers(*"abcdefghi"[:columns])], rows),
                                    Facts("facts", "Facts.", [(word, Markup("<code>{}</code>").format(word))])]),
         Section("repeat", "Repeat it", [Repeat(f"ceilings {word}", 0, [("SHA-256", "ab" * 32)], {word: 1})])],
        findings=["It found this."], advice=["Do that."], numbers=[KeyNumber("Ceiling", "ℓ = 4", ["degree 2"])] * 3,
    )  # fmt: skip
    path = folder / "page.html"
    path.write_text(render_page(page), encoding="utf-8")
    return path


@pytest.mark.parametrize("state", list(MARKS))
def test_a_page_of_each_state_passes(browser: Any, tmp_path: Path, state: State) -> None:
    check_page(browser, written(tmp_path, state), f"frame-{state}", tmp_path)


def test_a_wide_table_says_that_it_scrolls_until_it_is_scrolled(browser: Any, tmp_path: Path) -> None:
    page, _ = opened(browser, written(tmp_path), 360, 800, "light")
    seen = "name => document.querySelector(`[aria-labelledby=${name}]`).parentElement.querySelector('.more').clientHeight"
    assert page.evaluate(seen, "many") > 8
    assert page.evaluate(seen, "few") == 0
    page.context.close()


def test_the_check_sees_trouble(browser: Any, tmp_path: Path) -> None:
    """A request, a line that is too wide and a table without its hint each fail the check."""
    sound = written(tmp_path).read_text(encoding="utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    spoiled = {
        "request": sound.replace(policy, "").replace("<main>", "<main><img src='missing.png' alt=''>"),
        "wide": sound.replace("<main>", "<main><p style='width: 3000px'>wide</p>"),
        "hint": sound.replace("</style>", ".more { display: none; }</style>"),
        "dark": sound.replace("</style>", "body { background: white; }</style>"),
        "print": sound.replace("</style>", "table { min-width: 900px; }</style>"),
    }
    for name, text in spoiled.items():
        assert text != sound
        path = tmp_path / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(AssertionError):
            check_page(browser, path, name, tmp_path)
