"""Whole models against theory as CSV and Markdown, and the cells of every table in text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .cell import ModelCell, TermRow, graph_title

#: Titles of the panels, by the graph of their cells.
TITLES = {
    "star": "Stars: no third side",
    "all": "The same neighbours with all edges",
    "cutoff": "Two neighbours, by the cutoff: from below to above the third side",
    "chain": "Torsions of a chain of bonds",
    "chain-all": "Torsions of a chain with all edges",
}
#: Mark of each verdict behind a number.
MARKS = {"agrees": "", "no bound": "", "not learned": "*", "contradicted": "!", "undecided": "?"}
LEGEND = "* representable, not learned; ! above theory; ? undecided; – theory has no bound."


def number(value: float, digits: int = 3) -> str:
    """Return R2 in a few characters: three decimals without the leading zero, no negative zero."""
    text = f"{value:.{digits}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def size(cell: ModelCell) -> str:
    """Return L and the order of a model, such as ``L 2, nu 3``."""
    model = cell.settings.model
    return f"L {model.l_max}, " + (f"nu {model.correlation}" if model.kind.orders else f"T {model.layers}")


def panels(cells: Sequence[ModelCell]) -> dict[str, list[ModelCell]]:
    """Return the cells by graph, in the order of ``TITLES``, those without cells left out."""
    by = {graph: [cell for cell in cells if cell.settings.layout.graph == graph] for graph in TITLES}
    return {graph: given for graph, given in by.items() if given}


def terms_of(cells: Iterable[ModelCell]) -> list[str]:
    """Return the terms of cells, each once."""
    return list(dict.fromkeys(row.term for cell in cells for row in cell.rows))


def share(row: TermRow) -> str:
    """Return the exact share, a dash where there is none."""
    return "–" if row.share is None else row.share


def to_csv(cells: Sequence[ModelCell]) -> str:
    """Return one line for each row with every number in full; what a cell does not have is empty."""
    lines = flat_rows(cells)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = list(dict.fromkeys(name for line in lines for name in line))
    writer.writerow(names)
    writer.writerows([line.get(name) for name in names] for line in lines)
    return buffer.getvalue()


def flat_rows(cells: Iterable[ModelCell]) -> list[dict[str, Any]]:
    """Return every row with the settings of its cell that tell it apart, as plain data."""
    lines = []
    for cell in cells:
        data = cell.to_dict()
        told = (
            "architecture",
            "l_max",
            "correlation",
            "layers",
            "channels",
            "graph",
            "alike",
            "cutoff",
            "seed",
        )
        lines += [{**{name: data[name] for name in told}, **row} for row in data["rows"]]
    return lines


def to_markdown(cells: Sequence[ModelCell], result: Mapping[str, Any]) -> str:
    """Return a table for every graph: theory, closed form and training of each term; `result` has verdict and missing."""
    lines = ["# Whole models against theory", "", str(result["verdict"]["sentence"]), ""]
    for graph, group in panels(cells).items():
        terms = terms_of(group)
        lines += [f"## {TITLES[graph]}", "", f"Theory, closed form, trained. {LEGEND}", ""]
        lines += [_line(("model", "graph", *terms)), _line("---" for _ in range(len(terms) + 2))]
        for cell in group:
            rows = {row.term: row for row in cell.rows}
            texts = [_three(rows[term]) if term in rows else "" for term in terms]
            model = f"{cell.settings.model.kind.title}, {size(cell)}"
            lines.append(_line((model, graph_title(cell.settings.layout), *texts)))
        lines.append("")
    lines += [
        f"- not run: {m['architecture']}, {m['cells']} cells, its package is not installed"
        for m in result["missing"]
    ]
    lines += [f"- contradiction: {sentence}" for sentence in result["verdict"]["contradictions"]]
    return "\n".join(lines) + "\n"


def _three(row: TermRow) -> str:
    return f"{share(row)}, {number(row.closed_form)}, {number(row.trained)}{MARKS[row.verdict]}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
