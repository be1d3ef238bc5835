"""What the report says in words: definitions with formulas, and the limits of what is claimed."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ..measurement.result import Result, no_ceiling, pooled
from ..measurement.verdict import MINIMUM
from ..pages.rendering import render
from ..recovery.bootstrap import LEVEL
from .pools import unit


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
        **_words(result),
    )


def not_claimed(result: Result) -> Markup:
    """Return the limits of the claim, with the numbers of this run."""
    return render(
        "not_claimed.html.j2",
        __package__,
        formula=result["data"]["formula"],
        held_out=_held_out(result),
        **_words(result),
    )


def _words(result: Result) -> dict[str, Any]:
    """Return what uses of the data and what a readout is fitted for are called."""
    of_pools = pooled(result)
    return {"pooled": of_pools, "unit": unit(result), "rows": "environments" if of_pools else "frames"}


def _held_out(result: Result) -> int:
    """Return how many frames, or environments of all pools, are held out."""
    data = result["data"]
    if pooled(result):
        return sum(int(pool["rows"]["held_out"]) for pool in data.get("environments") or [])
    return int(data["splits"]["held_out"])
