"""A finished run directory made of drawn errors, with everything that a comparison reads: no network, no frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spectral_ceilings.diagnostic.measurement.null_band import statistics
from spectral_ceilings.diagnostic.measurement.result_files import write_result
from spectral_ceilings.diagnostic.measurement.saved_cells import save_cell
from spectral_ceilings.diagnostic.measurement.saved_errors import write_errors
from spectral_ceilings.diagnostic.measurement.tables import recovery_table, rows_of
from spectral_ceilings.diagnostic.measurement.verdict import HELD, judge, outcome_of
from spectral_ceilings.diagnostic.records.run_directory import RunDirectory
from spectral_ceilings.diagnostic.recovery.bootstrap import Bootstrap
from spectral_ceilings.diagnostic.recovery.error_sums import Cell, ErrorSums
from spectral_ceilings.theory import Ceiling

ELEMENTS = {0: "C", 1: "C", 2: "O", 3: "H", 4: "H", 5: "H"}


def single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).astype(np.float64)


def drawn(
    rng: np.random.Generator, frames: int, share: float, amplitude: float = 0.5, spread: float = 0.3
) -> ErrorSums:
    """Errors of one fit that brings back a share of the injected field, beside a residual of its own."""
    injected = amplitude * rng.gamma(4.0, 0.25, frames)
    missed = injected * (1.0 - share) * np.exp(spread * rng.normal(size=frames))
    residual = 0.1 * rng.gamma(4.0, 0.25, frames)
    sums = (injected, missed, injected + residual, missed + residual, 0.99 * residual, 0.0 * residual)
    null = tuple(0.003 * rng.normal(size=2))
    return ErrorSums(*(single(one) for one in sums), np.full(frames, 5.0), null)


def make_run(
    path: Path,
    *,
    seed: int = 0,
    backbone: int = 0,
    l_max: int = 2,
    l_top: int = 6,
    degrees: tuple[int, ...] = (1, 2),
    frames: int = 80,
    held_out: int = 0,
    above: float = 0.0,
    formula: str = "C2OH3",
    shift: float = 0.0,
    below: float = 0.0,
    spread: float = 0.3,
    controls: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Write a run of a backbone with the given number.

    ``above`` is the share that comes back above the ceiling, ``below`` what is missing at it, ``spread`` that of the errors.
    """
    settings = {
        "degrees": list(degrees), "l_top": l_top, "injections": ["marked"], "readouts": ["free"], "strength": 0.5,
    }  # fmt: skip
    run = RunDirectory.create(path, {**settings, "seed": seed, "backbone": backbone})
    rng = np.random.default_rng([seed, backbone, l_max])
    bootstrap_seed = [seed, 7]
    bootstrap = Bootstrap(frames, 200, np.random.default_rng(bootstrap_seed))
    tables, verdicts = [], []
    for degree in degrees:
        cells: dict[int, Cell] = {}
        for atom in ELEMENTS:
            heights = [0.96 - 0.02 * l + shift if l <= degree * l_max else above for l in range(l_top + 1)]
            if degree * l_max <= l_top:
                heights[degree * l_max] -= below
            cell: Cell = (
                [drawn(rng, frames, height, spread=spread) for height in heights],
                [10 * degree] * (l_top + 1),
            )
            cells[atom] = save_cell(run, f"free/{degree}/{atom}", cell)
        table = recovery_table(
            cells,
            ELEMENTS,
            bootstrap,
            injection="marked",
            readout="free",
            ceiling=Ceiling(degree, l_max),
        )
        tables.append(table)
        verdicts.append(judge(table.molecule(), table.ceiling))
    outcome = outcome_of(verdicts)
    main = 2 if 2 in degrees else max(degrees)
    result = {
        "schema": "spectral-ceilings/diagnose/1",
        "command": "ceilings diagnose --out run",
        "model": {
            "source": f"backbone-{backbone}", "sha256": f"{backbone:064x}", "architecture": "nequip", "layer": "layer1",
            "irreps": f"8x0e+8x{l_max}e", "trained": True, "parameters": 1000 * l_max, "l_max": l_max,
            "force_mae_eV_A": 0.05, "training": {"training": {"steps": 100, "seed": backbone}},
            "layers": [{"name": "layer1", "irreps": "8x0e", "l_max": l_max, "usable": True, "why": ""}],
        },
        "data": {
            "source": "drawn", "sha256": "0" * 64, "units": "eV", "formula": formula, "numbers": [6, 6, 8, 1, 1, 1],
            "splits": {"training": 100, "validation": 20, "held_out": frames}, "force_rms_eV_A": 1.0,
        },
        "ceiling": {"degree": main, "l_max": l_max, "boundary": main * l_max, "explanation": "dL"},
        "settings": settings, "seed": seed, "versions": {}, "timings_s": {}, "recovery": rows_of(tables), "atoms": [],
        "controls": [{"name": name, "title": name, "sentence": "Drawn.", "rows": []} for name in controls],
        "checks": {"equivariance_error": 0.0, "equivariance_tolerance": 1.0, "purity": []},
        "statistics": statistics(bootstrap, tables),
        "verdict": {"held": HELD[outcome], "outcome": outcome, "sentence": "drawn", "per_degree": verdicts},
    }  # fmt: skip
    positions = np.full((frames, len(ELEMENTS), 3), float(held_out))
    write_errors(run, {"recovery": tables}, bootstrap, bootstrap_seed, ELEMENTS, positions)
    write_result(result, run.path)
    return result
