"""The page of observables in a real browser: every width, light, dark, printed, with the cures of two models in one table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spectral_ceilings.diagnostic.observing.cures import cures_table
from spectral_ceilings.diagnostic.observing.models import comparison_of_models
from spectral_ceilings.diagnostic.observing.report import write_observing_report

from real_browser import check_page, launched
from synthetic_observation import synthetic_observation


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


def test_the_page_passes(browser: Any, tmp_path: Path) -> None:
    plain, augmented = synthetic_observation(), synthetic_observation(("none", "grid-2"), seed=1)
    for made in (plain, augmented):
        made["cures"] = cures_table(made)
    plain["comparison_of_models"] = comparison_of_models(plain, {"augmented": augmented}, tmp_path / "plain")
    plain["notes"] = ["The outer step is near a resonance."]
    check_page(browser, write_observing_report(plain, tmp_path), "observables", tmp_path)
