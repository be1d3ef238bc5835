"""Gram matrices and solves: their rate beside the measured float64 peak of the device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from spectral_ceilings.diagnostic.readouts.monomials import Monomials
from spectral_ceilings.diagnostic.readouts.ridge import gram_matrix, ridge_solutions

from .agreement import fit_tolerance, sum_tolerance
from .run import Row, Run

_PEAK = 0.5


def peak(run: Run) -> float:
    """Return the float64 peak of matrix products on the device in FLOP/s: the best of some sizes."""
    best = 0.0
    for size in (512, 1024) if run.small else (4096, 8192):
        a = torch.randn(size, size, dtype=torch.float64, device=run.device)
        spent, _ = run.timed(lambda _, a=a: a @ a, run.device)
        best = max(best, 2.0 * size**3 / spent)
        row = Row(run.step, "torch.mm, float64", f"{size} x {size}", spent)
        row.note = f"{2.0 * size**3 / spent / 1e12:.3g} TFLOP/s"
        run.give(run.memory(row))
    return best


def gram(run: Run) -> None:
    """Time the Gram matrices of both readouts and the solves on the device and on the CPU."""
    top = peak(run)
    rng = np.random.default_rng(0)
    variables, rows = (9, 4_000) if run.small else (18, 48_000)
    basis = Monomials.of(variables, 3)
    features = torch.from_numpy(rng.standard_normal((variables, rows)))
    flops = _moment_flops(basis, rows)
    _report_gram(
        run, top, "Gram matrix of monomials of degree 3", features,
        lambda x: basis.gram(basis.moments(basis.evaluate(x))), basis.count, rows, flops,
    )  # fmt: skip
    _report_gram(
        run, top, "the same, monomials given", basis.evaluate(features), lambda x: basis.gram(basis.moments(x)),
        basis.count, rows, flops,
    )  # fmt: skip
    columns = 300 if run.small else 1_400
    design = torch.from_numpy(rng.standard_normal((rows, columns)))
    step = max(64, -(-columns // 8))
    flops = sum(
        2.0 * rows * (min(start + step, columns) - start) * (columns - start)
        for start in range(0, columns, step)
    )
    square = _report_gram(run, top, "Gram matrix of a design", design, gram_matrix, columns, rows, flops)
    _solves(run, square, rows)


def _moment_flops(basis: Monomials, rows: int) -> float:
    """Return the operations of the products that ``moments`` makes, by their shapes."""
    values = torch.zeros(basis.count, 1, dtype=torch.float64)
    return 2.0 * rows * sum(part.numel() for part in basis.moments(values))


def _report_gram(
    run: Run, top: float, what: str, given: torch.Tensor, make: Callable[[torch.Tensor], torch.Tensor], columns: int,
    rows: int, flops: float,
) -> torch.Tensor:  # fmt: skip
    on = {"cpu": given, run.device: given.to(run.device)}
    run.start_memory()
    spent, made = run.timed(lambda device: make(on[device]), run.device)
    row = run.memory(Row(run.step, what, f"{rows} rows, {columns} columns", spent))
    row.cpu_s, known = run.timed(lambda device: make(on[device]), "cpu", runs=1)
    row.note = f"{flops / spent / 1e12:.3g} TFLOP/s, {100 * flops / spent / top:.0f} % of the peak"
    row.target, row.met = f">= {100 * _PEAK:.0f} % of the float64 peak", bool(flops / spent >= _PEAK * top)
    size = known.diagonal().sqrt()  # |x| |y| bounds sum |x y|
    shift = float(((made.cpu() - known).abs() / torch.outer(size, size)).max())
    run.give(row.compared(shift, sum_tolerance(rows)))
    return known


def _solves(run: Run, square: torch.Tensor, rows: int) -> None:
    columns, targets = len(square), 244
    cross = torch.from_numpy(np.random.default_rng(1).standard_normal((columns, targets)))
    on = {
        run.device: (square.to(run.device), cross.to(run.device)),
        "cpu": (square, cross),
    }
    run.start_memory()
    spent, made = run.timed(lambda device: ridge_solutions(*on[device]), run.device)
    row = run.memory(Row(run.step, "solves, five strengths", f"{columns} columns, {targets} targets", spent))
    row.cpu_s, known = run.timed(lambda device: ridge_solutions(*on[device]), "cpu", runs=1)
    row.target, row.met = "fits >= 20x", None if row.ratio is None else row.ratio >= 20.0
    shift = max(float((a.cpu() - b).norm() / b.norm()) for a, b in zip(made, known, strict=True))
    run.give(row.compared(shift, fit_tolerance(columns, rows)))
