"""The synthetic calibration as CSV and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from .plan import CalibrationCells
from .ring_cell import RingCell
from .trained import CalibrationCell

_TITLES = {
    "grid": "Degree d of the readout and L of the features",
    "width": "Capacity",
    "activation": "Activation",
    "noise": "Noise on the training targets",
    "samples": "Number of training directions",
    "optimiser": "Optimiser",
    "seeds": "Seed of data and weights",
    "ring": "A ring of five neighbours around a central atom",
}

_NOTES = {
    "grid": "theory: share of the field that polynomials of degree d in the harmonics with l ≤ L can represent. closed form: "
    "least squares on the span; monomials: on every monomial, where there are at most 1,300. trained: gradient descent. R² on "
    "held-out directions; sphere: exact, over all directions. above dL: share of the trained function's power at l > dL, "
    "which theory excludes.",
    "ring": "reachable: exact share of the field that couplings of these features reach. blind: the ring alone leaves "
    "features with L < 5 unchanged under every rotation about its axis. R² on held-out orientations.",
}

_HEAD = (
    "d", "L", "activation", "width", "noise", "samples", "optimiser", "seed", "theory", "closed form", "monomials", "trained",
    "sphere", "above dL", "result",
)  # fmt: skip
_RING_HEAD = (
    "d", "L", "features", "trained for it", "symmetry", "activation", "theory", "reachable", "closed form", "trained", "result",
)  # fmt: skip


def _text(value: float | int | None, digits: int = 4) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"


def _row(cell: CalibrationCell) -> list[str]:
    s = cell.settings
    return [
        str(s.degree), str(s.l_max), s.activation, str(s.width), f"{s.noise:g}", str(s.samples), s.optimiser, str(s.seed),
        "no ceiling" if cell.theory is None else str(cell.theory), _text(cell.closed_form), _text(cell.monomials),
        _text(cell.r2), _text(cell.r2_sphere), f"{cell.above:.0e}", cell.status,
    ]  # fmt: skip


def _ring_row(cell: RingCell) -> list[str]:
    s = cell.settings
    return [
        str(s.degree), str(s.l_max), s.features, "yes" if s.trained else "no", "broken" if s.breaking else "ring alone",
        s.activation, "no ceiling" if cell.theory is None else str(cell.theory), _text(cell.reachable), _text(cell.closed_form),
        _text(cell.r2), cell.status,
    ]  # fmt: skip


def tables(calibration: CalibrationCells) -> list[tuple[str, str, Sequence[str], list[list[str]]]]:
    """Return (title, note, headings, rows) of every panel that was run."""
    parts: list[tuple[str, str, Sequence[str], list[list[str]]]] = []
    for panel, title in _TITLES.items():
        rows = (
            [_ring_row(cell) for cell in calibration.ring]
            if panel == "ring"
            else [_row(c) for c in calibration.panel(panel)]
        )
        if rows:
            parts.append((title, _NOTES.get(panel, ""), _RING_HEAD if panel == "ring" else _HEAD, rows))
    return parts


def to_csv(calibration: CalibrationCells) -> str:
    """Return one line for each cell with every number in full; what a cell does not have is empty."""
    lines = calibration.to_dict()["cells"]
    names = list(dict.fromkeys(name for line in lines for name in line))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    for line in lines:
        line = {**line}
        if isinstance(line.get("channels"), dict):
            line["channels"] = " ".join(f"{l}:{n}" for l, n in line["channels"].items())
        writer.writerow([line.get(name) for name in names])
    return buffer.getvalue()


def to_markdown(calibration: CalibrationCells) -> str:
    """Return a table for every panel."""
    lines = [f"# Synthetic calibration of the {calibration.plan.field} field", ""]
    for title, note, head, rows in tables(calibration):
        lines += [f"## {title}", ""] + ([note, ""] if note else [])
        lines += [_line(head), _line("---" for _ in head), *(_line(row) for row in rows), ""]
    lines += [f"- disagreement: {sentence}" for sentence in calibration.disagreements] or [
        "Everything agrees with theory."
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
