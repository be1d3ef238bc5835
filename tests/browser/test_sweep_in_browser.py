"""The page of a collected sweep in a real browser: every width, light, dark, printed, and links that lead to logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_sweep import make_sweep

from spectral_ceilings.sweeps.gather import collect

from real_browser import check_page, launched, opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep") / "out"
    make_sweep(folder, l_max=(1, 2), features=(8,), failing=1)
    return collect(folder).page


def test_the_page_passes(browser: Any, page_path: Path, tmp_path: Path) -> None:
    check_page(browser, page_path, "sweep", tmp_path)


def test_a_failed_cell_leads_to_its_log(browser: Any, page_path: Path) -> None:
    page, _ = opened(browser, page_path, 1200, 900, "light")
    page.locator("#table-failed").wait_for()
    page.get_by_role("link", name="log", exact=True).click()
    assert page.url.startswith(page_path.parent.parent.joinpath("cells").as_uri())
    assert "the log" in page.content()
    page.context.close()
