"""The job of a calibration: theory against every measurement of the span, or against readouts trained by gradient descent."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from ...numerics.calibration import check_pair
from ..records.files import write_json, write_whole
from ..records.parts import Parts
from ..records.progress import Progress, silent
from ..records.versions import installed_versions
from .plan import SCHEMA as TRAINED_SCHEMA
from .plan import CalibrationCells, CalibrationPlan, run_cells
from .result_object import SpanCalibration, TrainedCalibration
from .span_run import SPAN_SCHEMA, span_rows


def calibrate(
    max_degree: int = 3,
    max_l: int = 3,
    *,
    seed: int = 0,
    out: Path | None = None,
    command: str = "spectral_ceilings.diagnostic.calibrate(...)",
    progress: Progress | None = None,
) -> SpanCalibration:
    """Measure the span of polynomials of degree d = 1..max_degree in harmonics l <= L, L = 1..max_l, in every way.

    For each pair: rank in floating point, modulo two primes and by orders m, leakage above dL, and which C_n fields are
    represented, against :math:`(dL+1)^2` and the exact 0 or 1 of theory.

    Parameters
    ----------
    max_degree, max_l
        Bounds of the grid.
    seed
        Of directions and products.
    out
        Folder for ``calibration.json``, CSV, Markdown, LaTeX, figures and ``report.html``; rows that it holds are not measured
        again. None: only return.
    command
        The command that repeats the run, for the page.
    progress
        Called with (what, done, total).

    Returns
    -------
    SpanCalibration
        A mapping with the content of ``calibration.json`` (schema ``ceilings.calibrate/1``).

    Raises
    ------
    InputError
        A bound is too small or too large; the folder holds a run of another seed, or another process writes into it.
    """
    tell = progress or silent
    check_pair(max_degree, max_l)
    # A larger table takes the rows of a smaller one up, so the bounds are no setting of the run.
    asked = {"job": SPAN_SCHEMA, "seed": seed, "version": _version()}
    with Parts.open(out, asked, resume=True) as parts:
        rows = []
        for row in span_rows(max_degree, max_l, seed, parts):
            rows.append(row)
            tell("calibrating", len(rows), max_degree * max_l)
        result = SpanCalibration.from_rows(rows, seed)
        if parts.run is not None:
            _write_span(result, seed, command, parts.run.path)
    return result


def calibrate_trained(
    plan: CalibrationPlan | None = None,
    *,
    out: Path | None = None,
    resume: bool = False,
    command: str = "spectral_ceilings.diagnostic.calibrate_trained(...)",
    progress: Progress | None = None,
) -> TrainedCalibration:
    """Train readouts of a field of known symmetry, beside the closed-form solution and the exact 0 or 1 of theory.

    Parameters
    ----------
    plan
        What to run; None: the whole calibration.
    out
        Folder for ``calibration.json``, CSV, Markdown, a page and figures; finished cells are kept in it. None: only return.
    resume
        Take up the cells that `out` holds.
    command
        The command that repeats the run.
    progress
        Called with (panel, cells done, cells in all).

    Returns
    -------
    TrainedCalibration
        A mapping with the content of ``calibration.json`` (schema ``ceilings.calibrate-trained/1``).

    Raises
    ------
    InputError
        The folder holds a run and `resume` is not set, a run of other settings, or a damaged cell; or another process writes
        into it.
    """
    plan, tell = plan or CalibrationPlan(), progress or silent
    total = len(plan.cells())
    with Parts.open(out, {"job": TRAINED_SCHEMA, **asdict(plan), "version": _version()}, resume) as parts:
        done = []
        for panel, cell in run_cells(plan, parts):
            done.append((panel, cell))
            tell(panel, len(done), total)
        cells = CalibrationCells(plan, tuple(done))
        result = TrainedCalibration({**cells.to_dict(), "command": command})
        if parts.run is not None:
            _write_trained(result, cells, parts.run.path)
    return result


def _version() -> str:
    return installed_versions("spectral-ceilings")["spectral-ceilings"]


def _write_span(result: SpanCalibration, seed: int, command: str, folder: Path) -> None:
    """Write the table as JSON, CSV, Markdown and LaTeX, the three figures, and ``report.html``."""
    from ..pages.figure_files import Drawing, write_drawings
    from . import span_figures, span_tables
    from .report import span_page

    rows = result.measured
    write_json(folder / "calibration.json", result)
    for name, text in (
        ("calibration.csv", span_tables.to_csv(rows)),
        ("calibration.md", span_tables.to_markdown(rows)),
        ("calibration.tex", span_tables.to_latex(rows)),
    ):
        write_whole(folder / name, text)
    drawings = [
        Drawing(name, lambda palette, layout, draw=draw: draw(rows, palette, layout))  # type: ignore[misc]
        for name, draw in (
            ("ranks", span_figures.draw_ranks),
            ("staircase", span_figures.draw_staircase),
            ("cyclic", span_figures.draw_cyclic),
        )
    ]
    write_drawings(drawings, folder)
    write_whole(folder / "report.html", span_page(rows, seed, command, drawings))


def _write_trained(result: TrainedCalibration, cells: CalibrationCells, folder: Path) -> None:
    """Write the calibration as JSON, CSV and Markdown, its figures, and ``report.html``."""
    from ..pages.figure_files import write_drawings
    from . import tables
    from .report import trained_drawings, trained_page

    write_json(folder / "calibration.json", result)
    write_whole(folder / "calibration.csv", tables.to_csv(cells))
    write_whole(folder / "calibration.md", tables.to_markdown(cells))
    drawings = trained_drawings(cells)
    write_drawings(drawings, folder)
    write_whole(folder / "report.html", trained_page(cells, str(result["command"]), drawings))
