"""The report of a run that left something out: one readout, one injection, no controls."""

import copy
import re
from typing import Any

import pytest

from spectral_ceilings.diagnostic.report import report
from spectral_ceilings.diagnostic.report.captions import cliff_caption

from synthetic_result import synthetic_result


@pytest.fixture
def result() -> dict[str, Any]:
    found: dict[str, Any] = synthetic_result()
    return found


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page).replace("\N{NO-BREAK SPACE}", " "))


def test_a_run_of_one_readout_speaks_of_that_one(result: dict[str, Any]) -> None:
    one = copy.deepcopy(result)
    one["recovery"] = [row for row in result["recovery"] if row["readout"] == "equivariant"]
    text = report.render_report(one)
    words = text_of(text)
    caption = cliff_caption(one)
    assert "Free readout" not in caption
    assert "Equivariant readout" in caption
    assert "R² by ℓ, free readout of degree 2." in words  # the controls, which are always free
    # Rows with an R² are never put into the table of gains.
    measured = sum(any(row["r2"] is not None for row in control["rows"]) for control in result["controls"])
    assert measured > 0
    assert text.count("Gain by ℓ") <= len(result["controls"]) - measured
    assert "No control was run" not in words
    assert "No control was run" in text_of(report.render_report({**one, "controls": []}))


def test_the_density_injection_points_at_no_mark(result: dict[str, Any]) -> None:
    rows = [{**row, "injection": "density"} for row in result["recovery"] if row["injection"] == "marked"]
    words = text_of(report.render_report({**result, "recovery": rows, "controls": []}))
    assert "that of all neighbours within a cutoff" in words
    assert "fixed to the direction of one bonded neighbour" not in words
