"""The study of advice: what counts as removed, what the ranks say, and that no prediction comes after its training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmarks.advice_models import Place
from benchmarks.advice_plan import DATA, STUDY, chosen
from benchmarks.advice_study import main, predict, train_after
from benchmarks.advice_table import PREDICTORS, Row, correlation, realised, spread_of_seeds, write
from spectral_ceilings.theory.errors import InputError


def row(model: str, gain: float, did: float, knob: str = "degree") -> Row:
    return Row(
        model, "ethanol", "nequip", "L", knob, gain, gain - 0.1, gain + 0.1, *[gain] * 7, 100.0, 80.0, did, did, did, 1
    )  # fmt: skip


def test_the_plan_covers_molecules_crystals_and_architectures() -> None:
    assert len({before.name for before in STUDY}) == len(STUDY)
    assert {before.data for before in STUDY} == set(DATA)
    assert {before.kind for before in STUDY} == {"nequip", "mace", "allegro"}
    for before in STUDY:
        assert sorted(knob for knob, _ in before.changes.values()) == ["cutoff", "degree", "order", "radial"]
        for change, (_, changed) in before.changes.items():
            assert all(before.settings[name] != value for name, value in changed.items())
            assert before.after(change) == {**before.settings, **changed}
    assert {before.kind for before in chosen("mace,allegro")} == {"mace", "allegro"}


def test_what_a_change_removed() -> None:
    rng = np.random.default_rng(0)
    before = rng.uniform(1.0, 2.0, 400)
    share, low, high = realised([before], [0.25 * before], rng)
    # every block has the same ratio, so nothing is left to resample; sums of 400 numbers are good to 1e-13
    assert abs(share - 0.75) < 1e-12
    assert max(abs(low - 0.75), abs(high - 0.75)) < 1e-12
    share, low, high = realised([before, before], [before, 0.5 * before], rng)
    assert abs(share - 0.25) < 1e-12
    noisy = before * rng.uniform(0.0, 1.0, 400)
    share, low, high = realised([before], [noisy], rng)
    assert low < share < high
    assert realised([before], [1.5 * before], rng)[0] < 0


def test_the_spread_of_seeds_is_that_of_one_training() -> None:
    rng = np.random.default_rng(1)
    errors = np.exp(0.2 * rng.standard_normal((4000, 2)))
    # the standard error of a standard deviation from 4,000 differences is 1/sqrt(8000) of it, 1.1 %
    assert abs(spread_of_seeds([tuple(pair) for pair in errors]) / 0.2 - 1.0) < 0.05


def test_ranks_by_pairs_and_within_models() -> None:
    rows = [
        row(name, gain, did)
        for name in "abc"
        for gain, did in ((0.1, 0.2), (0.2, 0.3), (0.3, 0.1), (0.6, 0.7))
    ]
    found = correlation(rows, "gain")
    known = spearmanr([r.gain for r in rows], [r.realised for r in rows]).statistic
    assert found["all"] == pytest.approx(known, abs=1e-12)
    assert (found["pairs"], found["models"], found["first"]) == (12, 3, 3)
    assert found["within"] == pytest.approx(spearmanr([1, 2, 3, 4], [2, 3, 1, 4]).statistic, abs=1e-12)
    assert found["chance"] == pytest.approx(0.25**3)
    assert found["interval"][0] <= found["all"] <= found["interval"][1]
    against = correlation([row(r.model, r.gain, -r.gain) for r in rows], "gain")
    assert against["all"] == pytest.approx(-1.0)
    assert against["first"] == 0


def test_the_table_is_written_in_every_form(tmp_path: Path) -> None:
    rows = [row("a", 0.1 * k, 0.05 * k) for k in range(1, 5)]
    content = write(tmp_path, rows, 0.1, {"predictions": {}})
    assert [found["predictor"] for found in content["correlations"]] == list(PREDICTORS)
    assert json.loads((tmp_path / "advice-study.json").read_text())["rows"][3]["gain"] == 0.4
    assert len((tmp_path / "advice-study.csv").read_text().splitlines()) == 5
    table = (tmp_path / "advice-study.md").read_text()
    assert "| a | L | degree | 0.40 [0.30, 0.50] |" in table
    assert "<svg" in (tmp_path / "advice-study.svg").read_text()


def test_no_prediction_comes_after_its_training(tmp_path: Path) -> None:
    place, before = Place(tmp_path), STUDY[0]
    with pytest.raises(InputError, match="has no prediction yet"):
        train_after(place, [before])
    place.model(before, "L").mkdir(parents=True)
    with pytest.raises(InputError, match="is trained with L already"):
        predict(place, [before])
    assert not place.predictions.exists()


def test_wrong_input_is_told_in_a_sentence(tmp_path: Path, capsys: Any) -> None:
    assert main(["collect", "--out", str(tmp_path), "--rmd17", str(tmp_path)]) == 2
    assert "no model after is trained yet" in capsys.readouterr().err
