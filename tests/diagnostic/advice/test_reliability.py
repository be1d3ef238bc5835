"""What an answer says of its own reliability is what the study of the documentation measured."""

from __future__ import annotations

import json
from pathlib import Path

from spectral_ceilings.diagnostic.advice.reliability import RECORD, reliability
from spectral_ceilings.diagnostic.records.assets import assets

STUDY = Path(__file__).parents[3] / "docs" / "assets" / "advice-study.json"


def test_the_shipped_record_is_that_of_the_study() -> None:
    shipped, study = (json.loads(path.read_text(encoding="utf-8")) for path in (assets() / RECORD, STUDY))
    assert shipped["correlations"] == study["correlations"]
    assert shipped["schema"] == study["schema"]


def test_the_sentence_has_its_numbers() -> None:
    ranks = {
        entry["predictor"]: entry for entry in json.loads((assets() / RECORD).read_text())["correlations"]
    }
    said = reliability()
    for name in ("gain", "unique"):
        assert f"{ranks[name]['all']:.2f}" in said
    assert f"over {ranks['gain']['pairs']} changes of {ranks['gain']['models']} small models" in said
