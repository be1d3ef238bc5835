"""The result objects of a calibration: the content of its file, its cells as objects, its plots."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from result_laws import check_refusals, check_result

from spectral_ceilings.diagnostic.calibration.calibrate import calibrate, calibrate_trained
from spectral_ceilings.diagnostic.calibration.plan import CalibrationPlan
from spectral_ceilings.diagnostic.calibration.result_object import (
    Calibration,
    SpanCalibration,
    TrainedCalibration,
)
from spectral_ceilings.diagnostic.calibration.ring_cell import RingSettings
from spectral_ceilings.diagnostic.calibration.trained import CellSettings
from spectral_ceilings.numerics.calibration import calibrate_pair
from spectral_ceilings.theory import InputError

SMALL = {"width": 8, "steps": 5, "samples": 200, "held_out": 200}


@pytest.fixture(scope="module")
def span(tmp_path_factory: pytest.TempPathFactory) -> tuple[SpanCalibration, Path]:
    out = tmp_path_factory.mktemp("span") / "run"
    return calibrate(2, 2, out=out), out


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> TrainedCalibration:
    def cells(_plan: CalibrationPlan) -> list:
        ring = RingSettings(features="e3nn", degree=2, l_max=2, **SMALL)
        return [
            ("grid", CellSettings(degree=2, l_max=2, **SMALL)),
            ("grid", CellSettings(degree=2, l_max=3, **SMALL)),
            ("width", CellSettings(degree=2, l_max=2, **{**SMALL, "width": 4})),
            ("ring", ring),
        ]

    monkeypatch.setattr(CalibrationPlan, "cells", cells)
    return calibrate_trained(CalibrationPlan(quick=True))


def test_the_table_is_a_result_object(span: tuple[SpanCalibration, Path], tmp_path: Path) -> None:
    result, out = span
    check_result(result, SpanCalibration, tmp_path)
    changes = {
        "rows[0] lacks the field 'dimension'": lambda c: c["rows"][0].pop("dimension"),
        "rows[3].gap": lambda c: c["rows"][3].update(gap="wide"),
    }
    check_refusals(result, SpanCalibration, tmp_path, changes)
    assert result.held is True
    assert result.measured == [calibrate_pair(d, L) for d in (1, 2) for L in (1, 2)]
    for kind in (Calibration, SpanCalibration):
        again = kind.load(out)
        assert type(again) is SpanCalibration
        assert again == result
        assert again.measured == result.measured  # the singular values come from the cells of the run


def test_the_staircase_needs_the_singular_values(span: tuple[SpanCalibration, Path]) -> None:
    result, out = span
    for axes in (
        result.plot("staircase", Figure().subplots()),
        Calibration.load(out).plot("staircase", Figure().subplots()),
    ):
        steps = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
        assert set(steps) <= {(d * L + 1) ** 2 + 0.5 for d in (1, 2) for L in (1, 2)}
        assert (2 * 2 + 1) ** 2 + 0.5 in steps
    alone = Calibration.load(out / "calibration.json")
    assert alone.plots == ("ranks", "cyclic")
    with pytest.raises(InputError, match="load the folder that it was written to"):
        alone.plot("staircase", Figure().subplots())


def test_progress_counts_the_pairs_and_a_run_takes_its_rows_up(span: tuple[SpanCalibration, Path]) -> None:
    result, out = span
    calls: list[tuple[str, int, int]] = []
    again = calibrate(2, 2, out=out, progress=lambda *call: calls.append(call))
    assert calls == [("calibrating", k, 4) for k in (1, 2, 3, 4)]
    assert again == result


def test_a_disagreement_is_told(span: tuple[SpanCalibration, Path]) -> None:
    rows = [
        {**row, "disagreements": ["the rank is 8"] if k == 1 else []} for k, row in enumerate(span[0]["rows"])
    ]
    wrong = SpanCalibration({**span[0], "agrees": False, "rows": rows})
    assert wrong.held is False
    assert wrong.disagreements == ("the rank is 8",)
    assert "1 of 4 pairs (d, L) disagree with theory: the rank is 8." in repr(wrong)


def test_trained_readouts_are_a_result_object(trained: TrainedCalibration, tmp_path: Path) -> None:
    check_result(trained, TrainedCalibration, tmp_path)
    changes = {
        "cells[0] lacks the field 'r2'": lambda c: c["cells"][0].pop("r2"),
        "cells[3]": lambda c: c["cells"][3].pop("reachable"),
        "plan.seed": lambda c: c["plan"].update(seed=-1),
    }
    check_refusals(trained, TrainedCalibration, tmp_path, changes)
    assert type(Calibration.load(tmp_path / "saved")) is TrainedCalibration
    assert trained.cells.to_dict() == {k: v for k, v in trained.items() if k != "command"}
    assert trained.disagreements == trained.cells.disagreements
    assert trained.held == (not trained.disagreements)
    assert trained.plots == ("grid", "width", "ring", "features")
    with pytest.raises(InputError, match="no such control was run"):
        trained.plot("noise", Figure().subplots())
    with pytest.raises(InputError, match="value is 'best', expected one of theory, closed form, trained"):
        trained.plot("grid", Figure().subplots(), value="best")


def test_the_grid_shows_theory_as_it_is(trained: TrainedCalibration) -> None:
    axes = trained.plot("grid", Figure().subplots(), value="theory")
    shown = {tuple(np.round(text.get_position()).astype(int)): text.get_text() for text in axes.texts}
    assert {pair: text for pair, text in shown.items() if text != "·"} == {(2, 2): "0", (3, 2): "1"}
