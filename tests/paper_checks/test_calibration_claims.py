"""The claims of the synthetic calibration decide as their criteria say, on cells that are made up and on small real ones."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from spectral_ceilings.diagnostic.calibration.plan import CalibrationPlan
from spectral_ceilings.diagnostic.calibration.trained import CalibrationCell, CellSettings, calibrate_cell
from spectral_ceilings.paper_checks import calibration, claims
from spectral_ceilings.paper_checks.context import Context
from spectral_ceilings.paper_checks.run import procedure

MODULES = (
    "theorems", "calibration", "aspirin", "backbones", "depth", "seeds", "molecules", "isolation", "cost", "bandwidth",
    "whole_models",
)  # fmt: skip


def test_every_claim_has_its_function_and_every_function_its_claim() -> None:
    named = {claim.check for claim in claims()}
    assert len(named) == len(claims())
    checks = set()
    for name in MODULES:
        module = importlib.import_module(f"spectral_ceilings.paper_checks.{name}")
        checks |= {
            f"{name}:{function}"
            for function, value in inspect.getmembers(module, inspect.isfunction)
            if value.__module__ == module.__name__
            and not function.startswith("_")
            and inspect.signature(value).return_annotation == "Outcome"
        }
    assert checks == named
    for claim in claims():
        parameters = inspect.signature(procedure(claim)).parameters
        assert [p.annotation for p in parameters.values()] == ["Context"], claim.id


@pytest.fixture(scope="module")
def real() -> CalibrationCell:
    """One cell that is really trained, to make others of."""
    return calibrate_cell(CellSettings(degree=2, l_max=2, width=8, samples=200, held_out=200, steps=5))


def replaced(
    monkeypatch: pytest.MonkeyPatch, real: CalibrationCell, r2: Callable[[CellSettings], tuple[float, float]]
) -> None:
    """Give every cell (trained, closed form) by its settings instead of training it."""

    def made_up(settings: CellSettings) -> CalibrationCell:
        trained, closed = r2(settings)
        cell = object.__new__(CalibrationCell)
        for name, value in vars(real).items():
            object.__setattr__(cell, name, value)
        for name, value in (("settings", settings), ("r2", trained), ("closed_form", closed)):
            object.__setattr__(cell, name, value)
        return cell

    monkeypatch.setattr(calibration, "calibrate_cell", made_up)


def theory(settings: CellSettings) -> tuple[float, float]:
    reached = float(settings.degree * settings.l_max >= 5)
    return (1.0 if not settings.polynomial else reached), reached


@pytest.mark.parametrize("quick", [True, False])
def test_what_theory_says_holds(
    monkeypatch: pytest.MonkeyPatch, real: CalibrationCell, tmp_path: Path, quick: bool
) -> None:
    replaced(monkeypatch, real, theory)
    context = Context(tmp_path, quick=quick)
    for check in (calibration.c5, calibration.capacity, calibration.activation):
        assert check(context).verdict == "holds"
    grid = calibration.c5(context).charts[0]
    assert len(grid.cells) == len(grid.rows)
    assert all(len(row) == len(grid.categories) for row in grid.cells)
    table = calibration.c5(context).tables["Every cell"]
    assert len(table) == (5 if quick else 25)


@pytest.mark.parametrize(
    ("where", "trained", "closed", "verdict", "words"),
    [
        ((2, 2), 0.06, 0.0, "does not hold", "(2,2): the trained network has R² = 0.060 below the ceiling"),
        ((2, 2), 0.0, 0.06, "does not hold", "(2,2): the closed form has R² = 0.060"),
        ((2, 3), 1.0, 0.9, "does not hold", "(2,3): the closed form has R² = 0.900"),
        ((3, 2), 0.5, 1.0, "holds in direction, number differs", "(3,2) 0.5000"),
        ((2, 2), -0.5, 0.0, "holds", "(2,2) -0.5000"),  # overfitting below zero is no recovery
    ],
)
def test_one_cell_off_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
    real: CalibrationCell,
    tmp_path: Path,
    where: tuple[int, int],
    trained: float,
    closed: float,
    verdict: str,
    words: str,
) -> None:
    replaced(monkeypatch, real, lambda s: (trained, closed) if (s.degree, s.l_max) == where else theory(s))
    outcome = calibration.c5(Context(tmp_path, quick=True))
    assert outcome.verdict == verdict
    assert words in outcome.sentence
    assert bool(outcome.reason) == (verdict == "holds in direction, number differs")


def test_a_width_that_lifts_the_ceiling_refutes(
    monkeypatch: pytest.MonkeyPatch, real: CalibrationCell, tmp_path: Path
) -> None:
    replaced(monkeypatch, real, lambda s: (0.05 if s.width == 1024 else 0.0, 0.0))
    assert calibration.capacity(Context(tmp_path, quick=True)).verdict == "does not hold"


@pytest.mark.parametrize(
    ("silu", "tanh", "verdict"),
    [
        (0.95, 0.91, "holds"),
        (0.95, 0.5, "holds in direction, number differs"),
        (0.95, 0.0, "holds in direction, number differs"),
        (0.0, 0.01, "does not hold"),
    ],
)
def test_activations(
    monkeypatch: pytest.MonkeyPatch,
    real: CalibrationCell,
    tmp_path: Path,
    silu: float,
    tanh: float,
    verdict: str,
) -> None:
    values = {"silu": silu, "tanh": tanh}
    replaced(monkeypatch, real, lambda s: (values.get(s.activation, 0.0), 0.0))
    assert calibration.activation(Context(tmp_path, quick=True)).verdict == verdict


def test_a_small_real_plan_holds_where_it_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The two ends of the grid, trained for real: the instrument tells representable from not."""
    small = {"samples": 600, "held_out": 600, "width": 16, "steps": 300}
    pairs = ((2, 2), *calibration.NAMED)
    cells = [("grid", CellSettings(degree=d, l_max=l, **small)) for d, l in pairs]  # type: ignore[arg-type]
    monkeypatch.setattr(CalibrationPlan, "cells", lambda _: cells)
    outcome = calibration.c5(Context(tmp_path, quick=True))
    assert outcome.verdict in ("holds", "holds in direction, number differs")
    closed = {v.name: float(v.note.split()[-1]) for v in outcome.values}
    assert abs(closed.pop("R2 at (2,2), trained")) < calibration.ZERO
    assert min(closed.values()) > 0.999
