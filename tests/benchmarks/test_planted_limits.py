"""The benchmark of planted limits, small: no wrong knob is named on a crystal."""

from __future__ import annotations

from pathlib import Path

import pytest

from spectral_ceilings.diagnostic import AdviceSettings


def test_no_wrong_knob_is_named_on_a_crystal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    from benchmarks.planted_limits import TRUTH, planted_limits

    rows = planted_limits("si-rattled", AdviceSettings(cutoff=3.5, structures=60), range(1))
    assert {row["planted"] for row in rows} == set(TRUTH)
    for row in rows:
        assert row["named"] in (TRUTH[row["planted"]], "undecided"), row
    assert sum(row["named"] == TRUTH[row["planted"]] for row in rows) >= 4
