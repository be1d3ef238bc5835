"""The synthetic calibration as CSV, Markdown and a page of HTML."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable, Sequence

from .plan import CalibrationCells
from .ring_cell import RingCell
from .trained import CalibrationCell

_TITLES = {
    "grid": "Degree of the readout and of the features",
    "width": "Capacity",
    "activation": "Activation",
    "noise": "Noise on the training targets",
    "samples": "Number of training directions",
    "optimiser": "Optimiser",
    "seeds": "Seed of data and weights",
    "ring": "A ring of five neighbours around a central atom",
}

_NOTES = {
    "grid": "theory: share of the field that degree d of harmonics l <= L can represent. closed form: least squares on the "
    "span; monomials: on every monomial, where there are at most 1,300. trained: gradient descent. R2 on held-out directions; "
    "sphere: exactly, over all directions. above dL: share of the trained function in degrees that theory excludes.",
    "ring": "reachable: share of the field that couplings of these very features reach, exact. blind: the ring alone leaves "
    "the features of L < 5 unchanged under every rotation about its axis. R2 on held-out orientations.",
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


def tables(found: CalibrationCells) -> list[tuple[str, str, Sequence[str], list[list[str]]]]:
    """Return (title, note, headings, rows) of every panel that was run."""
    parts: list[tuple[str, str, Sequence[str], list[list[str]]]] = []
    for panel, title in _TITLES.items():
        rows = (
            [_ring_row(cell) for cell in found.ring]
            if panel == "ring"
            else [_row(c) for c in found.panel(panel)]
        )
        if rows:
            parts.append((title, _NOTES.get(panel, ""), _RING_HEAD if panel == "ring" else _HEAD, rows))
    return parts


def to_csv(found: CalibrationCells) -> str:
    """Return one line for each cell with every number in full; what a cell does not have is empty."""
    lines = found.to_dict()["cells"]
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


def to_markdown(found: CalibrationCells) -> str:
    """Return a table for every panel."""
    lines = [f"# Synthetic calibration of the {found.plan.field} field", ""]
    for title, note, head, rows in tables(found):
        lines += [f"## {title}", ""] + ([note, ""] if note else [])
        lines += [_line(head), _line("---" for _ in head), *(_line(row) for row in rows), ""]
    lines += [f"- disagreement: {sentence}" for sentence in found.disagreements] or [
        "Everything agrees with theory."
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b2128;background:#fff}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.5rem 0 2rem;display:block;overflow-x:auto}"
    "th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #c9d0d8;white-space:nowrap}"
    "tr.off td{color:#b34700;font-weight:600}p{max-width:46rem}svg{max-width:100%;height:auto}"
)


def to_html(found: CalibrationCells, figures: Sequence[str]) -> str:
    """Return a page that needs no other file, with the figures (SVG documents) above the tables."""
    body = [f"<h1>Synthetic calibration of the {html.escape(found.plan.field)} field</h1>"]
    wrong = [html.escape(sentence) for sentence in found.disagreements]
    body.append(
        f"<p>{'; '.join(wrong)}</p>" if wrong else "<p>Every cell of grid and ring agrees with theory.</p>"
    )
    for number, svg in enumerate(figures):
        # Identifiers of several documents on one page must differ.
        inner = svg[svg.index("<svg") :].replace('id="', f'id="f{number}-')
        inner = inner.replace('href="#', f'href="#f{number}-').replace("url(#", f"url(#f{number}-")
        body.append(f"<figure>{inner}</figure>")
    for title, note, head, rows in tables(found):
        body += [
            f"<h2>{html.escape(title)}</h2>",
            f"<p>{html.escape(note)}</p>" if note else "",
            "<table><thead><tr>",
        ]
        body += [f"<th>{html.escape(name)}</th>" for name in head]
        body.append("</tr></thead><tbody>")
        for row in rows:
            off = ' class="off"' if row[-1] in ("not learned", "above theory") else ""
            body.append(f"<tr{off}>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>")
        body.append("</tbody></table>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Synthetic calibration</title><style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )
