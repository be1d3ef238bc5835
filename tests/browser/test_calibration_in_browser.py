"""The pages of both calibrations in a real browser, from a small run of each: every width, light, dark, printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.diagnostic.calibration.plan import CalibrationCells, CalibrationPlan
from spectral_ceilings.diagnostic.calibration.report import span_page, trained_drawings, trained_page
from spectral_ceilings.diagnostic.calibration.trained import CellSettings, calibrate_cell
from spectral_ceilings.numerics.calibration import calibrate_pair

from real_browser import check_page, launched, opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


def test_the_page_of_the_span_passes(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    rows = [calibrate_pair(degree, l_max) for degree in (1, 2) for l_max in (1, 2)]
    path.write_text(span_page(rows, 0, "ceilings calibrate --out runs/calibration", []), encoding="utf-8")
    check_page(browser, path, "calibration-span", tmp_path)
    _results_are_in_view(browser, path)


def test_the_page_of_trained_readouts_passes(browser: Any, tmp_path: Path) -> None:
    small: dict[str, Any] = {"width": 8, "steps": 1, "samples": 1500, "held_out": 200}
    cells = [
        ("grid", calibrate_cell(CellSettings(degree=2, l_max=2, **small))),
        ("grid", calibrate_cell(CellSettings(degree=1, l_max=5, **small))),
        ("noise", calibrate_cell(CellSettings(degree=2, l_max=2, noise=0.3, **small))),
    ]
    found = CalibrationCells(CalibrationPlan(quick=True), tuple(cells))
    path = tmp_path / "report.html"
    path.write_text(
        trained_page(found, "ceilings calibrate --trained", trained_drawings(found)), encoding="utf-8"
    )
    check_page(browser, path, "calibration-trained", tmp_path)
    _results_are_in_view(browser, path)


def _results_are_in_view(browser: Any, path: Path) -> None:
    """Hold a page to what the old one got wrong: on a phone the column of results was cut off."""
    page, _ = opened(browser, path, 360, 900, "light")
    results = page.locator("table td", has_text="✓").or_(page.locator("table td", has_text="✗"))
    shown = [box for box in (cell.bounding_box() for cell in results.all()) if box is not None]
    assert shown
    assert all(box["x"] + box["width"] <= 360 for box in shown)
    page.context.close()
