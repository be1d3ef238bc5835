"""The job of a calibration: theory against every measurement of the span, or against readouts trained by gradient descent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..records.files import write_json, write_whole
from ..records.locks import held
from ..records.progress import Progress, silent
from .plan import CalibrationCells, CalibrationPlan, run_cells
from .result_object import SpanCalibration, TrainedCalibration
from .span_run import span_rows


def calibrate(
    max_degree: int = 3,
    max_l: int = 3,
    *,
    seed: int = 0,
    out: Path | None = None,
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
        Folder for ``calibration.json``, CSV, Markdown, LaTeX and figures; rows that it holds are not measured again. None:
        only return.
    progress
        Called with (what, done, total).

    Returns
    -------
    SpanCalibration
        A mapping with the content of ``calibration.json`` (schema ``ceilings.calibrate/1``).

    Raises
    ------
    InputError
        A bound is too small or too large; the folder holds rows of another seed, or another process writes into it.
    """
    tell = progress or silent
    rows = []
    with _held(out):
        for row in span_rows(max_degree, max_l, seed, out):
            rows.append(row)
            tell("calibrating", len(rows), max_degree * max_l)
        result = SpanCalibration.from_rows(rows, seed)
        if out is not None:
            _write_span(result, out)
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
        The folder holds cells and `resume` is not set, cells of other settings, a damaged cell, or another process writes into
        it.
    """
    plan, tell = plan or CalibrationPlan(), progress or silent
    total = len(plan.cells())
    done = []
    with _held(out):
        for panel, cell in run_cells(plan, out, resume):
            done.append((panel, cell))
            tell(panel, len(done), total)
        cells = CalibrationCells(plan, tuple(done))
        result = TrainedCalibration({**cells.to_dict(), "command": command})
        if out is not None:
            _write_trained(result, cells, out)
    return result


@contextmanager
def _held(folder: Path | None) -> Iterator[None]:
    if folder is None:
        yield
        return
    with held(folder):
        yield


def _write_span(result: SpanCalibration, folder: Path) -> None:
    """Write the table as JSON, CSV, Markdown and LaTeX, and the three figures as PNG and SVG."""
    from ..pages.figure_style import LIGHT, figure_style, png_bytes, svg_text
    from . import span_figures, span_tables

    rows = result.measured
    write_json(folder / "calibration.json", result)
    for name, text in (
        ("calibration.csv", span_tables.to_csv(rows)),
        ("calibration.md", span_tables.to_markdown(rows)),
        ("calibration.tex", span_tables.to_latex(rows)),
    ):
        write_whole(folder / name, text)
    with figure_style(LIGHT):
        for name, draw in (
            ("ranks", span_figures.draw_ranks),
            ("staircase", span_figures.draw_staircase),
            ("cyclic", span_figures.draw_cyclic),
        ):
            figure = draw(rows, LIGHT)
            write_whole(folder / "figures" / f"{name}.png", png_bytes(figure))
            write_whole(folder / "figures" / f"{name}.svg", svg_text(figure))


def _write_trained(result: TrainedCalibration, cells: CalibrationCells, folder: Path) -> None:
    """Write the calibration as JSON, CSV, Markdown and HTML, and its figures as PNG and SVG."""
    from ..pages.figure_style import LIGHT, figure_style, png_bytes, svg_text
    from . import figures, tables

    write_json(folder / "calibration.json", result)
    write_whole(folder / "calibration.csv", tables.to_csv(cells))
    write_whole(folder / "calibration.md", tables.to_markdown(cells))
    pictures = []
    with figure_style(LIGHT):
        for name, draw in figures.FIGURES.items():
            figure = draw(cells, LIGHT)
            if figure is None:
                continue
            write_whole(folder / "figures" / f"{name}.png", png_bytes(figure))
            svg = svg_text(figure)
            write_whole(folder / "figures" / f"{name}.svg", svg)
            pictures.append(svg)
    write_whole(folder / "calibration.html", tables.to_html(cells, pictures))
