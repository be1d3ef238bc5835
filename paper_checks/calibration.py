"""Claims about the synthetic five-fold field, from trained networks beside closed forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..diagnostic.calibration.plan import CalibrationPlan
from ..diagnostic.calibration.trained import CalibrationCell, CellSettings, calibrate_cell
from ..diagnostic.readouts.compute import one_thread
from .context import Context
from .outcome import Chart, Line, Outcome, Value, Verdict

#: The four named pairs above the field's degree, and how large an R2 counts as zero.
NAMED, ZERO = ((2, 3), (3, 2), (5, 1), (1, 5)), 0.05


def _panel(context: Context, panel: str) -> list[CalibrationCell]:
    plan = CalibrationPlan(quick=context.quick, seed=context.seed, ring=False)
    cells = [s for name, s in plan.cells() if name == panel and isinstance(s, CellSettings)]
    trained = []
    for settings in cells:
        context.tell(f"training a network of degree {settings.degree} on features of L = {settings.l_max}")
        with one_thread():  # small networks: a second thread only waits
            trained.append(calibrate_cell(settings))
    return trained


def _table(cells: Sequence[CalibrationCell]) -> list[dict[str, Any]]:
    return [
        {
            "d": c.settings.degree,
            "L": c.settings.l_max,
            "activation": c.settings.activation,
            "width": c.settings.width,
            "theory": "no ceiling" if c.theory is None else c.theory,
            "closed form": round(c.closed_form, 4),
            "trained": round(c.r2, 4),
            "status": c.status,
        }
        for c in cells
    ]


def c5(context: Context) -> Outcome:
    """The grid of degrees: representable from dL = 5 on, and only from there."""
    cells = _panel(context, "grid")
    findings = []
    for cell in cells:
        d, l = cell.settings.degree, cell.settings.l_max
        if cell.closed_form <= 0.999 if d * l >= 5 else abs(cell.closed_form) >= ZERO:
            findings.append(f"({d},{l}): the closed form has R² = {cell.closed_form:.3f}")
        if d * l < 5 and cell.r2 >= ZERO:
            findings.append(f"({d},{l}): the trained network has R² = {cell.r2:.3f} below the ceiling")
    at = {(c.settings.degree, c.settings.l_max): c for c in cells}
    short = [pair for pair in NAMED if at[pair].r2 <= 0.99]
    verdict: Verdict = (
        "does not hold" if findings else "holds in direction, number differs" if short else "holds"
    )
    degrees = sorted({c.settings.degree for c in cells})
    tops = sorted({c.settings.l_max for c in cells})
    grid = [[(at[d, l].r2 if (d, l) in at else None) for l in tops] for d in degrees]
    numbers = ", ".join(f"({d},{l}) {at[d, l].r2:.4f}" for d, l in ((2, 2), *NAMED))
    return Outcome(
        verdict,
        f"{findings[0]}."
        if findings
        else f"Trained networks on held-out directions, (d, L): {numbers}. The closed form agrees "
        f"with theory in all {len(cells)} cells.",
        reason=f"Training fell short of the closed form at {', '.join(map(str, short))}: not learned, though representable."
        if short
        else "",
        values=tuple(
            Value(
                f"R2 at ({d},{l}), trained",
                at[d, l].r2,
                expected=float(d * l >= 5),
                note=f"closed form {at[d, l].closed_form:.4f}",
            )
            for d, l in ((2, 2), *NAMED)
        ),
        tables={"Every cell": _table(cells)},
        charts=(
            Chart(
                "R² of trained networks on the five-fold field",
                "L of the features",
                "degree d",
                "R² of every pair; theory has one where d L is at least 5 and zero elsewhere.",
                kind="grid",
                categories=[str(l) for l in tops],
                rows=[str(d) for d in degrees],
                cells=grid,
            ),
        ),
        inputs={
            "seed": context.seed,
            "directions": cells[0].settings.samples,
            "steps": cells[0].settings.steps,
        },
    )


def capacity(context: Context) -> Outcome:
    """Width at (2,2): nothing is recovered at any width."""
    cells = [c for c in _panel(context, "width") if (c.settings.degree, c.settings.l_max) == (2, 2)]
    widths = [float(c.settings.width) for c in cells]
    worst = max(c.r2 for c in cells)
    return Outcome(
        "holds" if worst < ZERO else "does not hold",
        f"R² at (2,2) for widths {int(min(widths))} to {int(max(widths))}: at most {worst:.4f} (closed form "
        f"{cells[0].closed_form:.4f}).",
        values=(Value("largest R2 over widths", worst, expected=0.0),),
        tables={"Widths": _table(cells)},
        charts=(
            Chart(
                "R² at (2,2) by width of the network",
                "width",
                "R² on held-out directions",
                "R² of the network and of the closed form against the width of the network.",
                lines=(
                    Line("trained", widths, [c.r2 for c in cells]),
                    Line("closed form", widths, [c.closed_form for c in cells], style="theory"),
                ),
                log_x=True,
                y_range=(-0.25, 1.05),
            ),
        ),
        inputs={"seed": context.seed},
    )


def activation(context: Context) -> Outcome:
    """SiLU and tanh at (2,2): no ceiling."""
    cells = [
        c
        for c in _panel(context, "activation")
        if (c.settings.degree, c.settings.l_max) == (2, 2) and not c.settings.polynomial
    ]
    low = min(c.r2 for c in cells)
    verdict: Verdict = "holds in direction, number differs"
    if low > 0.9:
        verdict = "holds"
    elif max(c.r2 for c in cells) < ZERO:
        verdict = "does not hold"
    return Outcome(
        verdict,
        "At (2,2): "
        + ", ".join(f"{c.settings.activation} R² = {c.r2:.4f}" for c in cells)
        + "; with z^2 it is zero.",
        values=tuple(Value(f"R2, {c.settings.activation}", c.r2, paper=1.0) for c in cells),
        tables={"Activations": _table(cells)},
        inputs={"seed": context.seed},
    )
