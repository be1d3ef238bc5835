"""The page of a comparison in a real browser: every width, light, dark, printed, with the verdict of each run in view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from saved_run import make_run

from spectral_ceilings.diagnostic.comparison.compare import compare
from spectral_ceilings.diagnostic.comparison.report import write_comparison

from real_browser import check_page, launched, opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for k in range(3):
        make_run(folder / f"a-run-with-a-name-as-people-give-them-{k}", backbone=k, shift=-0.01 * k)
    make_run(folder / "again", backbone=0, seed=1)
    make_run(folder / "broken", backbone=6, above=0.6)
    runs = sorted(folder.iterdir())
    return write_comparison(compare(runs), folder / "out")


def test_the_page_passes(browser: Any, page_path: Path, tmp_path: Path) -> None:
    check_page(browser, page_path, "compare", tmp_path)


@pytest.mark.parametrize("width", [768, 1200])
def test_the_verdicts_are_in_view_without_scrolling(browser: Any, page_path: Path, width: int) -> None:
    page, _ = opened(browser, page_path, width, 900, "light")
    table = page.locator("table", has_text="Last recovered and first lost")
    assert table.locator("th", has_text="verdict").count() == 1
    for cell in table.get_by_text("✓ held").all() + table.get_by_text("✗ contradicts theory").all():
        box = cell.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
    page.context.close()
