"""Recorded sweeps of trained backbones: they are what their files in ``examples`` ask for, and what claims make of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.paper_checks.depth import verdict_of
from spectral_ceilings.paper_checks.trained import (
    Change,
    Trained,
    at,
    at_the_ceiling,
    beyond,
    change,
    mean_line,
    sweep_record,
    table_of,
    trained,
)
from spectral_ceilings.sweeps.run_sweep import planned

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SIZES = {"depth": 24, "nequip": 36}


@pytest.mark.parametrize("name", SIZES)
def test_the_record_has_every_cell_that_its_file_asks_for(name: str, tmp_path: Path) -> None:
    file = EXAMPLES / f"sweep-{name}.yaml"
    _, _, cells = planned(file, tmp_path)
    asked = [cell for cell in cells if cell.job == "diagnose"]
    recorded = sweep_record(name)["cells"]
    assert len(recorded) == SIZES[name]
    as_text = [json.dumps(each, sort_keys=True) for each in (cell["labels"] for cell in recorded)]
    assert as_text == [json.dumps(cell.labels, sort_keys=True) for cell in asked]
    assert f"examples/{file.name}" in sweep_record(name)["command"]


@pytest.mark.parametrize("name", SIZES)
def test_the_record_is_of_the_frames_and_ceilings_that_it_names(name: str) -> None:
    for each in trained(name):
        assert each.molecule == read_frames(each.labels["data"]).formula
        assert each.boundary == 2 * each.labels.get("l-max", 2)
        assert all(value <= 1.0 for value in each.r2)
        assert len(each.r2) > each.boundary + 1


def made(layers: int, seed: int, height: float, data: str = "a") -> Trained:
    labels = {"data": data, "layers": layers, "seed": seed}
    return Trained(labels, data, 4, 4, (1.0, 0.9, 0.8, 0.7, height, 0.0))


def test_a_change_is_paired_over_seeds() -> None:
    """One molecule: SciPy's paired test."""
    rng = np.random.default_rng(1)
    low, high = rng.random(4).tolist(), rng.random(4).tolist()
    backbones = [made(2, seed, value) for seed, value in enumerate(low)]
    backbones += [made(3, seed, value) for seed, value in reversed(list(enumerate(high)))]
    moved = change(backbones, "layers", 3, 2, at(4))
    wanted = stats.ttest_rel(high, low).confidence_interval(0.95)
    assert [moved.low, moved.high] == pytest.approx([wanted.low, wanted.high], rel=1e-9)
    assert moved.mean == pytest.approx(np.mean(high) - np.mean(low), abs=1e-15)
    assert (moved.pairs, moved.rising) == (4, sum(h > l for h, l in zip(high, low, strict=True)))
    assert moved.value("x").note == f"4 pairs of backbones, {moved.rising} above zero; interval over seeds"


def test_molecules_are_settings_and_no_sample() -> None:
    """Far apart molecules with equal changes have a narrow interval: only seeds are a sample."""
    backbones = [
        made(n, seed, base + 0.1 * n, data)
        for n in (2, 3)
        for seed in range(3)
        for data, base in (("a", 0), ("b", 0.5))
    ]
    moved = change(backbones, "layers", 3, 2, at(4))
    # sums of numbers below one: a few roundings of 1e-16
    assert moved.mean == pytest.approx(0.1, abs=1e-15)
    assert moved.low == pytest.approx(0.1, abs=1e-14)
    assert moved.high == pytest.approx(0.1, abs=1e-14)


def test_counts_and_tables() -> None:
    backbones = [made(2, 0, 0.5), made(2, 1, 0.7), Trained({"layers": 2, "seed": 2}, "a", 4, 5, (1.0,) * 6)]
    assert (at_the_ceiling(backbones), beyond(backbones)) == (2, 1)
    (line,) = table_of(backbones[:2], "layers")
    assert line["R2 at the boundary"] == "0.600 [0.500, 0.700]"
    assert (line["backbones"], line["last recovered l"], line["predicted cliff"]) == (2, "4", "4/5")
    drawn = mean_line("x", backbones[:2])
    assert list(drawn.x) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert (drawn.y[3], drawn.low[3], drawn.high[3]) == (0.6, 0.5, 0.7)  # type: ignore[index]


@pytest.mark.parametrize(
    ("steps", "total", "verdict"),
    [
        ([(0.01, 0.1), (0.02, 0.1)], (0.05, 0.2), "holds"),
        ([(0.01, 0.1), (-0.02, 0.1)], (0.05, 0.2), "holds in direction, number differs"),
        ([(-0.1, 0.1), (-0.2, 0.1)], (-0.2, -0.05), "does not hold"),
        ([(-0.1, 0.1), (-0.2, 0.1)], (-0.2, 0.05), "cannot be checked here"),
        ([(None, None)], (None, None), "cannot be checked here"),
    ],
)
def test_depth_is_judged_by_the_interval_over_backbones(
    steps: list[tuple[float, float]], total: tuple[float, float], verdict: str
) -> None:
    assert verdict_of([Change(0.0, *ends, 0, 8) for ends in steps], Change(0.0, *total, 0, 8)) == verdict
