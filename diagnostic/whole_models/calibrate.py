"""The job: whole models against theory, cell by cell; what is not installed is named and left to another environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...theory.errors import InputError
from ..records.files import write_json, write_whole
from ..records.parts import Parts
from ..records.progress import Progress, silent
from ..records.versions import installed_versions
from .cell import ModelCell, ModelCellSettings
from .judging import judged
from .measure import calibrate_model
from .models import installed
from .plan import ModelPlan
from .result_object import SCHEMA, ModelCalibration


def calibrate_models(
    plan: ModelPlan | None = None,
    *,
    out: Path | None = None,
    resume: bool = False,
    command: str = "spectral_ceilings.diagnostic.calibrate_models(...)",
    progress: Progress | None = None,
) -> ModelCalibration:
    """Train whole models on angular terms of synthetic graphs, beside the closed form and the exact share of theory.

    MACE and NequIP cannot share an environment. What is installed is run; run the same plan with the same `out` from the other
    environment, and the result has the cells of both.

    Parameters
    ----------
    plan
        What to run; None: everything.
    out
        Folder for ``calibration.json``, CSV, Markdown, figures and ``report.html``; finished cells are kept in it, each by all of
        its settings. None: only return.
    resume
        Take up the cells that `out` holds; plans may differ from call to call.
    command
        The command that repeats the run.
    progress
        Called with (cell, cells done, cells in all).

    Returns
    -------
    ModelCalibration
        A mapping with the content of ``calibration.json`` (schema ``ceilings.calibrate-models/1``).

    Raises
    ------
    InputError
        No architecture of the plan is installed and none of its cells is kept; the folder holds a run and `resume` is not set,
        or holds another job's; a kept cell is damaged; or another process writes into it.
    """
    plan, tell = plan or ModelPlan(), progress or silent
    wanted = plan.cells()
    usable = {name: installed(name) for name in plan.architectures}
    if out is None or not (out / "cells").is_dir():
        _check_any(usable)
    version = installed_versions("spectral-ceilings")["spectral-ceilings"]
    with Parts.open(out, {"job": SCHEMA, "version": version}, resume) as parts:
        kept = {cell.key: parts.run.load_cell(cell.key) for cell in wanted} if parts.run is not None else {}
        for cell in wanted:
            if kept.get(cell.key) is not None:
                _read(kept[cell.key], cell)
        run = [cell for cell in wanted if usable[cell.model.architecture] or kept.get(cell.key) is not None]
        if not run:
            _check_any(usable)
        cells: list[ModelCell] = []
        for cell in run:
            content = parts.get(cell.key, lambda cell=cell: calibrate_model(cell).to_dict())  # type: ignore[misc]
            cells.append(_read(content, cell))
            tell(cell.title, len(cells), len(run))
        missing = [cell for cell in wanted if cell not in run]
        result = ModelCalibration(_content(plan, cells, missing, command))
        if parts.run is not None:
            _write(result, parts.run.path)
    return result


def _check_any(usable: Mapping[str, bool]) -> None:
    if not any(usable.values()):
        raise InputError(
            f"none of {', '.join(usable)} is installed here: install an extra, such as pip install 'spectral-ceilings[mace]' or "
            "'spectral-ceilings[nequip]' in an environment of its own, or name an architecture that is with --architecture"
        )


def _read(content: Any, settings: ModelCellSettings) -> ModelCell:
    try:
        cell = ModelCell.from_dict(dict(content))
    except (ValueError, KeyError, TypeError, AttributeError):
        cell = None
    if cell is None or cell.settings != settings:
        raise InputError(
            f"the kept cell {settings.title!r} is damaged: delete its file, and it is computed again with --resume"
        )
    return cell


def _content(
    plan: ModelPlan, cells: list[ModelCell], missing: list[ModelCellSettings], command: str
) -> dict[str, Any]:
    settings = {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(plan).items()
    }
    versions: dict[str, str] = {}
    for cell in cells:
        versions |= {n: v for n, v in cell.versions.items() if n not in versions}
    left: dict[str, int] = {}
    for absent in missing:
        left[absent.model.architecture] = left.get(absent.model.architecture, 0) + 1
    return {
        "schema": SCHEMA,
        "command": command,
        "plan": settings,
        "verdict": judged(cells),
        "missing": [{"architecture": name, "cells": count} for name, count in left.items()],
        "versions": versions,
        "cells": [cell.to_dict() for cell in cells],
    }


def _write(result: ModelCalibration, folder: Path) -> None:
    """Write the calibration as JSON, CSV and Markdown, its figures, and ``report.html``."""
    from ..pages.figure_files import write_drawings
    from . import tables
    from .report import drawings_of, page

    cells = result.cells
    write_json(folder / "calibration.json", result)
    write_whole(folder / "calibration.csv", tables.to_csv(cells))
    write_whole(folder / "calibration.md", tables.to_markdown(cells, result))
    drawings = drawings_of(cells)
    write_drawings(drawings, folder)
    write_whole(folder / "report.html", page(result, drawings))
