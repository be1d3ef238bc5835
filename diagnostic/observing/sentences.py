"""The sentences of the cures: which is enough, with its error and cost, or what would decide."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..pages.text import significant

Row = Mapping[str, Any]


def cure_words(name: str, exact_to: int | None = None) -> str:
    """Return a cure in words: ``inversion and 18 rotations at every 10th step``."""
    stride, inner = "", name
    if name.startswith("mts-"):
        steps, _, inner = name[4:].partition(":")
        stride = f" at every {_ordinal(int(steps))} step"
    parts = inner.split("-")
    words = ["inversion"] if "inversion" in parts else []
    if parts[0] == "grid" and len(parts) > 1:
        degree = int(parts[1])
        words.append(f"{(degree + 1) ** 2 * (degree // 2 + 1):,} rotations")
    elif parts[0] == "random":
        words.append("a new random rotation at every evaluation")
    return (" and ".join(words) or "the bare model") + stride


def error_words(entry: Row) -> str:
    """Return an error with its unit and interval: ``error 0.021 kT (95 %: 0.008 to 0.034)``."""
    unit = f" {entry['unit']}" if entry["unit"] else f" in {entry['label']}"
    return (
        f"error {significant(entry['value'])}{unit} (95 %: {significant(entry['low'])} to "
        f"{significant(entry['high'])})"
    )


def sufficient_sentence(
    title: str, row: Row, entry: Row, promise: str, cheaper: Sequence[str]
) -> str:  # fmt: skip
    """Return the sentence of the smallest sufficient cure.

    Parameters
    ----------
    title
        Of the observable.
    row, entry
        The cure's row, and its entry for the observable.
    promise
        What theory guarantees, a clause.
    cheaper
        Cheaper cures that may be enough too: their runs do not tell.
    """
    words = cure_words(row["cure"])
    verb = "are enough" if " and " in words or "rotations" in words else "is enough"
    cost = row["evaluations"]
    tolerated = f", {entry['deciding']} within {entry['tolerance']:g}"
    reference = "" if entry["against"] == "isotropic" else f", against {entry['against']}"
    sentence = (
        f"For this model and this observable ({title[0].lower() + title[1:]}), {words} {verb}: {error_words(entry)}{tolerated}"
        f"{reference}, cost {cost:g} evaluation{'' if cost == 1 else 's'} a step. Guaranteed: {promise}."
    )
    if cheaper:
        sentence += f" Cheaper and undecided: {', '.join(cheaper)}."
    return sentence


def undecided_sentence(title: str, observable: str, having: Sequence[Row]) -> str:
    """Return the sentence where no cure is shown to be enough: which are shown not to be, and what would decide.

    Parameters
    ----------
    title, observable
        Of the observable, and its key in ``errors``.
    having
        Rows of the cures, cheapest first.
    """
    name = title[0].lower() + title[1:]
    entries = [(row["cure"], row["errors"][observable]) for row in having]
    short = [cure for cure, entry in entries if entry["enough"] and entry["least"] > 1]
    undecided = [(cure, entry) for cure, entry in entries if cure not in short]
    if not undecided:
        return f"No cure measured is enough for this observable ({name}): all are off by more than the tolerance."
    sentence = f"No cure measured is shown to be enough for this observable ({name})"
    factors = [(entry["longer"], cure) for cure, entry in undecided if entry["longer"] and entry["enough"]]
    if factors:
        factor, cure = min(factors)
        sentence += (
            f"; longer runs (about {max(2, math.ceil(factor)):,} times) would decide, first for {cure}"
        )
    else:
        sentence += "; the runs are too short to tell an error, longer runs would decide"
    return sentence + (f". Shown not to be enough: {', '.join(short)}." if short else ".")


def _ordinal(number: int) -> str:
    words = {1: "single", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 10: "tenth"}
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return words.get(number, f"{number}{ending}")
