"""What the report says in words: definitions with formulas, and the limits of what is claimed."""

from __future__ import annotations

from markupsafe import Markup

from ..measurement.result import Result, no_ceiling
from ..measurement.verdict import MINIMUM
from ..pages.rendering import render
from ..recovery.bootstrap import LEVEL


def method(result: Result) -> Markup:
    """Return the steps and definitions, with the levels that the verdict uses, and the ceiling of this layer."""
    return render(
        "method.html.j2",
        __package__,
        share=f"{100 * LEVEL:g}",
        edge=f"{50 * (1 + LEVEL):g}",
        minimum=f"{MINIMUM:g}",
        explanation=result["ceiling"]["explanation"],
        turned=result.get("method") == "turned",
        bound=not no_ceiling(result),
    )


def not_claimed(result: Result) -> Markup:
    """Return the limits of the claim, with the numbers of this run."""
    return render(
        "not_claimed.html.j2",
        __package__,
        formula=result["data"]["formula"],
        held_out=int(result["data"]["splits"]["held_out"]),
    )
