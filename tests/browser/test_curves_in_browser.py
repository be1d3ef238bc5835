"""The page of learning curves in a real browser: every width, light, dark, printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_curves import made_up_curves

from spectral_ceilings.diagnostic.curves.report import write_learning_curves

from real_browser import check_page, launched


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


def test_the_page_passes(browser: Any, tmp_path: Path) -> None:
    page = write_learning_curves(made_up_curves(), tmp_path, "ceilings learning-curve --out runs/curves")[-1]
    check_page(browser, page, "curves", tmp_path)
