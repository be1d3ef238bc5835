"""The cells of a whole synthetic calibration, run one at a time and kept in a folder, so that a stopped run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...theory.errors import InputError
from ..records.parts import Parts
from .field import symmetric_field_of
from .ring_cell import RingCell, RingSettings, calibrate_ring
from .trained import LARGEST, CalibrationCell, CellSettings, calibrate_cell

SCHEMA = "ceilings.calibrate-trained/1"

#: Panels in the order in which they are run.
PANELS = ("grid", "width", "activation", "noise", "samples", "optimiser", "seeds", "ring")

#: Pairs that the controls compare: the first below the ceiling's reach of C5, the others at or above it.
LOST_PAIR, FOUND_PAIR = (2, 2), (2, 3)

Settings = CellSettings | RingSettings
Cell = CalibrationCell | RingCell


@dataclass(frozen=True)
class CalibrationPlan:
    """What a calibration runs.

    Attributes
    ----------
    field, field_l
        The field of grid and controls: a point group and its degree (None: the smallest of its own).
    max_degree, max_l
        Bounds of the grid, 1 to 5.
    controls, ring
        Whether to run the controls and the ring of five neighbours; both have the C5 field whatever `field` is.
    quick
        Fewer and smaller cells: well under a minute.
    seed
        Seed of everything.
    """

    field: str = "C5"
    field_l: int | None = None
    max_degree: int = 5
    max_l: int = 5
    controls: bool = True
    ring: bool = True
    quick: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("max_degree", "max_l"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
                raise InputError(f"{name} of a trained calibration is {value!r}: give 1 to {LARGEST}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise InputError(f"seed is {self.seed!r}: give an integer of at least 0")
        symmetric_field_of(self.field, self.field_l)

    def cells(self) -> list[tuple[str, Settings]]:
        """Return (panel, settings) of every cell, in the order in which they are run."""
        cells: list[tuple[str, Settings]] = [("grid", cell) for cell in self._grid()]
        if self.controls:
            cells += self._controls()
        if self.ring:
            cells += [("ring", cell) for cell in self._ring()]
        return cells

    def _grid(self) -> list[CellSettings]:
        pairs = [(d, L) for d in range(1, self.max_degree + 1) for L in range(1, self.max_l + 1)]
        if self.quick:
            pairs = [pair for pair in pairs if pair in ((2, 2), (2, 3), (3, 2), (1, 5), (5, 1))]
            if not pairs:
                raise InputError(
                    f"a quick calibration has the pairs (2,2), (2,3), (3,2), (1,5), (5,1), none of them within max_degree "
                    f"{self.max_degree} and max_l {self.max_l}: raise the bounds or leave out --quick"
                )
        more: dict[str, Any] = (
            {"steps": 600, "width": 64, "samples": 2000, "held_out": 2000} if self.quick else {}
        )
        return [
            CellSettings(self.field, self.field_l, degree=d, l_max=L, seed=self.seed, **more)
            for d, L in pairs
        ]

    def _controls(self) -> list[tuple[str, Settings]]:
        cells: list[tuple[str, Settings]]

        def cell(pair: tuple[int, int], **changes: Any) -> CellSettings:
            given: dict[str, Any] = {"steps": 500, "seed": self.seed, **changes}
            return CellSettings(degree=pair[0], l_max=pair[1], **given)

        both = (LOST_PAIR, FOUND_PAIR)
        if self.quick:
            small: dict[str, Any] = {"samples": 2000, "held_out": 2000}
            cells = [("width", cell(LOST_PAIR, width=w, steps=200, **small)) for w in (8, 128, 1024)]
            return cells + [
                ("activation", cell(LOST_PAIR, activation=a, width=64, **small)) for a in ("silu", "tanh")
            ]
        cells = [("width", cell(p, width=2**k, steps=300)) for p in both for k in range(3, 13)]
        cells += [
            ("activation", cell(p, activation=a, steps=1000))
            for p in ((2, 1), LOST_PAIR)
            for a in ("power", "product", "silu", "tanh")
        ]
        cells += [("noise", cell(p, noise=s)) for p in both for s in (0.0, 0.1, 0.3, 1.0, 3.0)]
        cells += [
            ("samples", cell(p, samples=n))
            for p in both
            for n in (50, 100, 200, 500, 1000, 2000, 5000, 20000)
        ]
        steps = {"adam": 1000, "sgd": 1500, "lbfgs": 200}
        cells += [
            ("optimiser", cell(p, optimiser=o, steps=n))
            for p in (*both, (3, 2), (1, 5), (5, 1))
            for o, n in steps.items()
        ]
        cells += [("seeds", cell(p, seed=self.seed + k)) for p in (*both, (5, 1)) for k in range(5)]
        return cells

    def _ring(self) -> list[RingSettings]:
        def cell(pair: tuple[int, int], breaking: bool = True, **changes: Any) -> RingSettings:
            given: dict[str, Any] = {"seed": self.seed, **changes}
            return RingSettings(degree=pair[0], l_max=pair[1], breaking=breaking, **given)

        lost, kept, blind = (LOST_PAIR, True), (FOUND_PAIR, True), (FOUND_PAIR, False)
        if self.quick:
            small: dict[str, Any] = {"steps": 300, "width": 128, "samples": 4000, "held_out": 4000}
            return [cell(*which, features="e3nn", **small) for which in (lost, kept, blind)]
        pairs = [(d, L) for d in range(1, 6) for L in range(1, 6) if d * L <= 6]
        cells = [cell(pair) for pair in pairs]
        cells += [cell(pair, False) for pair in (LOST_PAIR, FOUND_PAIR, (3, 2), (5, 1), (1, 5))]
        cells += [
            cell(*which, activation="silu", width=512, steps=1500)
            for which in (lost, (LOST_PAIR, False), blind)
        ]
        cells += [cell(*which, features="e3nn") for which in (lost, kept, blind)]
        for features in ("e3nn", "nequip"):
            cells += [cell(*which, features=features, trained=True) for which in (lost, kept, blind)]
        return cells


@dataclass(frozen=True)
class CalibrationCells:
    """The cells of a calibration by panel.

    Attributes
    ----------
    plan
        What was run.
    cells
        (panel, cell) in the order of the plan.
    """

    plan: CalibrationPlan
    cells: tuple[tuple[str, Cell], ...]

    def panel(self, name: str) -> list[CalibrationCell]:
        """Return the cells of a panel of single directions."""
        return [cell for panel, cell in self.cells if panel == name and isinstance(cell, CalibrationCell)]

    @property
    def ring(self) -> list[RingCell]:
        """The cells of the ring."""
        return [cell for _, cell in self.cells if isinstance(cell, RingCell)]

    @property
    def disagreements(self) -> tuple[str, ...]:
        """One sentence for each cell of grid and ring that is not on the side of theory, and each control above it."""
        sentences = []
        for panel, cell in self.cells:
            if cell.agrees if panel in ("grid", "ring") else cell.within_theory:
                continue
            s = cell.settings
            closed = "not solved" if cell.closed_form is None else f"{cell.closed_form:.4f}"
            sentences.append(
                f"{panel}, degree {s.degree}, l_max {s.l_max}: trained R² {cell.r2:.4f}, closed form {closed}, theory "
                f"{'none' if cell.theory is None else cell.theory}: {cell.status}"
            )
        return tuple(sentences)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-ready data."""
        return {
            "schema": SCHEMA,
            "plan": asdict(self.plan),
            "agrees": not self.disagreements,
            "disagreements": list(self.disagreements),
            "cells": [{"panel": panel, **cell.to_dict()} for panel, cell in self.cells],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CalibrationCells:
        """Return what ``to_dict`` gave as cells again."""
        cells = []
        for row in data["cells"]:
            panel, content = row["panel"], {name: value for name, value in row.items() if name != "panel"}
            kind = RingCell if panel == "ring" else CalibrationCell
            cells.append((panel, kind.from_dict(content)))
        return cls(CalibrationPlan(**data["plan"]), tuple(cells))


def run_cells(plan: CalibrationPlan, parts: Parts | None = None) -> Iterator[tuple[str, Cell]]:
    """Yield the cells of a plan one by one; with the parts of a run, keep each and take up those kept before.

    Raises
    ------
    InputError
        A kept cell is damaged; all of them are read before any work.
    """
    parts = parts or Parts(None)
    cells = [
        (f"{panel}/{number:03d}", panel, settings) for number, (panel, settings) in enumerate(plan.cells())
    ]
    if parts.run is not None:
        for key, _, settings in cells:
            kept = parts.run.load_cell(key)
            if kept is not None:
                _cell(kept, settings, parts.run.cell_path(key))
    for key, panel, settings in cells:
        content = parts.get(key, lambda settings=settings: _run(settings).to_dict())  # type: ignore[misc]
        yield panel, _cell(content, settings, key)


def _run(settings: Settings) -> Cell:
    return calibrate_cell(settings) if isinstance(settings, CellSettings) else calibrate_ring(settings)


def _cell(content: Mapping[str, Any], settings: Settings, where: object) -> Cell:
    kind = CalibrationCell if isinstance(settings, CellSettings) else RingCell
    try:
        return kind.from_dict(dict(content))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{where} is damaged: delete it, and the cell is computed again with --resume"
        ) from None
