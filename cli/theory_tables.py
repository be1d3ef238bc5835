"""The tables of ``ceilings theory``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..diagnostic.records.progress import Progress, silent
from ..theory import (
    ON_PAPER,
    Ceiling,
    FormalCheck,
    boundary_multiplicity,
    coq_installed,
    formal_multiplicities,
    formal_statements,
    realised_multiplicities,
    span,
)
from ..theory._checks import require_affordable, require_int

if TYPE_CHECKING:
    from ..theory import ProofStep


def grid(max_degree: int, max_l: int, progress: Progress = silent) -> list[dict[str, Any]]:
    """Return one exact row for every degree 1..max_degree and l_max 1..max_l.

    Raises
    ------
    InputError
        If a bound is not an integer of at least 1 or the largest pair is beyond exact tables.
    """
    require_int("--max-degree", max_degree, 1)
    require_int("--max-l", max_l, 1)
    require_affordable(max_degree, max_l)
    pairs = [(degree, l_max) for degree in range(1, max_degree + 1) for l_max in range(1, max_l + 1)]
    rows: list[dict[str, Any]] = []
    for degree, l_max in pairs:
        progress("exact tables", len(rows), len(pairs))
        rows.append(_row(degree, l_max))
    return rows


def _row(degree: int, l_max: int) -> dict[str, Any]:
    theorem, formal, realised = (
        span(degree, l_max),
        formal_multiplicities(degree, l_max),
        realised_multiplicities(degree, l_max),
    )
    return {
        "degree": degree,
        "l_max": l_max,
        "boundary": Ceiling(degree, l_max).boundary,
        "dimension": theorem.dimension,
        "reachable": list(theorem.reachable),
        "stretched_coefficient": theorem.witnesses[-1].coefficient.to_json(),
        "formal_multiplicities": list(formal),
        "realised_multiplicities": list(realised),
        "relations": [count - distinct for count, distinct in zip(formal, realised, strict=True)],
        "boundary_multiplicity": boundary_multiplicity(degree),
    }


def _shortened(counts: list[int]) -> str:
    """Return the counts, of long lists the first and last ones."""
    shown = [str(count) for count in counts]
    return " ".join(shown if len(shown) <= 17 else [*shown[:5], "...", *shown[-6:]])


def print_table(max_degree: int, max_l: int, rows: list[dict[str, Any]]) -> None:
    """Print the rows of the grid."""
    table = Table(
        title="Polynomials of degree d in the harmonics Y_lm, l <= L, of one direction",
        caption="They span exactly l = 0..dL. c: (Y_LL)^d = c Y_ll at l = dL, component normalisation, never zero. "
        "mu(l): formal multiplicities, l = 0..dL (on the sphere every l occurs once). --json prints everything.",
    )
    for name in ("d", "L", "dL", "dim"):
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    table.add_column("c", overflow="fold", max_width=30)
    table.add_column("mu(0) ... mu(dL)", overflow="fold", max_width=34)
    for row in rows:
        witness = span(row["degree"], row["l_max"]).witnesses[-1]
        table.add_row(
            *(str(row[key]) for key in ("degree", "l_max", "boundary", "dimension")),
            str(witness.coefficient),
            _shortened(row["formal_multiplicities"]),
            end_section=row["l_max"] == max_l and row["degree"] < max_degree,
        )
    Console().print(table)


def print_proof(steps: Sequence[ProofStep]) -> None:
    """Print the steps of the proof."""
    shown = Table(
        title="The span theorem with d, L, q, r, a, b, k as symbols",
        caption="decided by SymPy under integer assumptions",
    )
    shown.add_column("step")
    shown.add_column("statement")
    shown.add_column("", no_wrap=True)
    for step in steps:
        shown.add_row(
            step.name,
            Text(step.statement),
            "holds" if step.holds else "DOES NOT HOLD",
            end_section=True,
        )
    Console().print(shown)


def print_formal(checked: FormalCheck | None) -> None:
    """Print what Coq proves, with what it said if it was asked, and what is proved on paper."""
    if checked is not None:
        caption = checked.output.strip()
    elif coq_installed():
        caption = "Coq is on this machine: --check lets it check them now"
    else:
        caption = "not checked: Coq is not on this machine (make proof says what to install)"
    shown = Table(title="Theorems that Coq checks, without axioms", caption=Text(caption))
    for name in ("theorem", "statement", "in theory/formal"):
        shown.add_column(name, no_wrap=name != "statement")
    for statement in formal_statements():
        if statement.theorem:
            shown.add_row(statement.name, Text(statement.words), statement.file, end_section=True)
    Console().print(shown)
    paper = Table(title="What is proved on paper")
    for name in ("", "statement"):
        paper.add_column(name, no_wrap=not name)
    for name, words in ON_PAPER:
        paper.add_row(name, Text(words), end_section=True)
    Console().print(paper)
