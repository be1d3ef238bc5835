"""The sweeps in ``examples`` are planned as their texts say; nothing runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from spectral_ceilings.sweeps.run_sweep import planned

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize(("name", "trainings"), [("sweep-nequip.yaml", 36), ("sweep-depth.yaml", 24)])
def test_every_training_is_diagnosed_on_its_own_frames(name: str, trainings: int, tmp_path: Path) -> None:
    definition, _, made = planned(EXAMPLES / name, tmp_path)
    cells = list(made)
    assert Counter(cell.job for cell in cells) == {"train": trainings, "diagnose": trainings}
    by_key = {cell.key: cell for cell in cells}
    assert len(by_key) == len(cells)
    for cell in cells:
        if cell.job == "diagnose":
            (needed,) = (by_key[key] for key in cell.needs)
            assert needed.labels == cell.labels
            assert cell.options["data"] == needed.labels["data"]
            assert cell.options["backbone"] == f"cell:{needed.key}"
    assert f"{trainings} trainings and {trainings} diagnoses" in (EXAMPLES / name).read_text(encoding="utf-8")
    assert definition.description
    assert not list(tmp_path.iterdir())
