"""The words of a verdict, and the sentences of the cures: which is enough, with error, cost and drift, or what would decide."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..pages.frame import OUTCOME_MARKS
from ..pages.text import significant
from ..records.words import with_error
from .comparing import PREDICTED

Row = Mapping[str, Any]
#: Longer runs than so many times are no advice.
_TOO_LONG = 100.0
#: What it means that an observable is off its exact answer; of those that are not named: that it depends on orientation.
_OFF = {"drift": "✗ drifts", "temperature": "✗ off the thermostat's"}


def outcome_words(observable: str, row: Row) -> tuple[str, str]:
    """Return CSS class and words for the outcome of an observable.

    Theory does not exclude that an observable of a model that is not isotropic depends on orientation: it predicts it. So the
    words say what was measured, not that theory fails.
    """
    if row["outcome"] == "held":
        return "held", "✓ within tolerance"
    if row["outcome"] == "contradicted":
        return "broken", _OFF.get(observable, "✗ depends on orientation")
    return OUTCOME_MARKS[row["outcome"]]


def drift_half_width(row: Row) -> float | None:
    """Return half the 95 % interval of the drift of a row of the table of cures; of earlier tables 1.96 times its error."""
    half, error = row.get("drift_half_width"), row["drift_error"]
    return half if half is not None or error is None else 1.96 * error


def drift_words(row: Row, tolerance: float | None) -> str:
    """Return what the drift of a cure is, with its 95 % interval and whether it is tolerated; empty where it was not measured.

    Parameters
    ----------
    row
        Of the table of cures: ``drift`` and ``drift_half_width``, meV/atom/ns.
    tolerance
        What does not matter, meV/atom/ns; None: nobody said.
    """
    drift, half = row["drift"], drift_half_width(row)
    if drift is None or half is None:
        return ""
    words = f"drift {with_error(drift, half, 'meV/atom/ns')}"
    if not row.get("errors", {}).get("drift", {}).get("sampled", True):
        return f"{words} while the thermostat settles, so that it is not judged"
    if tolerance is None:
        return words
    if abs(drift) - half > tolerance:
        return f"{words}, more than the {tolerance:g} that is tolerated: enough for this observable, not for the energy"
    return (
        words
        if abs(drift) + half <= tolerance
        else f"{words}, not shown to be within the tolerated {tolerance:g}"
    )


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
    if entry["low"] == entry["high"]:
        return f"error {significant(entry['value'])}{unit} in these runs (it has no statistical error)"
    return (
        f"error {significant(entry['value'])}{unit} (95 %: {significant(entry['low'])} to "
        f"{significant(entry['high'])})"
    )


def sufficient_sentence(
    title: str, row: Row, entry: Row, promise: str, cheaper: Sequence[str], drift: str = ""
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
    drift
        That of the cure, as ``drift_words`` gives it.
    """
    words = cure_words(row["cure"])
    verb = "are enough" if " and " in words or "rotations" in words else "is enough"
    tolerated = f", {entry['deciding']} within {entry['tolerance']:g}"
    reference = "" if entry["against"] == "isotropic" else f", against {entry['against']}"
    sentence = (
        f"For this model and this observable ({title[0].lower() + title[1:]}), {words} {verb}: {error_words(entry)}{tolerated}"
        f"{reference}, cost {row['evaluations']:g}x"
    )
    sentence += f"; {drift}. " if drift else ". "
    sentence += f"Guaranteed: {promise}."
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
    if not any(entry["sampled"] for _, entry in undecided):
        sentence += "; these runs do not sample it, for the reason given with the observable"
    elif observable == "relaxation":
        sentence += "; a closer relaxation would decide"
    elif not factors:
        sentence += "; the runs are too short to tell an error, longer runs would decide"
    elif min(factors)[0] <= _TOO_LONG:
        factor, cure = min(factors)
        sentence += (
            f"; longer runs (about {max(2, math.ceil(factor)):,} times) would decide, first for {cure}"
        )
    else:
        sentence += f"; longer runs of this kind cannot decide it (more than {_TOO_LONG:g} times), but {_decides(observable)}"
    return sentence + (f". Shown not to be enough: {', '.join(short)}." if short else ".")


def model_sentence(title: str, observable: str, row: Row | None, models: int) -> str:
    """Return which of several models under which cure is the cheapest that is enough for an observable.

    Parameters
    ----------
    title, observable
        Of the observable, and its key in ``errors``.
    row
        The cheapest that is enough, of the common table; None: none is.
    models
        How many are compared.
    """
    name = title[0].lower() + title[1:]
    if row is None:
        return f"Of {models} models none is shown to be enough for this observable ({name}) under any cure measured."
    return (
        f"Of {models} models the cheapest that is shown to be enough for this observable ({name}) is {row['cure']}: "
        f"{error_words(row['errors'][observable])}, cost {row['evaluations']:g}x."
    )


def _decides(observable: str) -> str:
    """Return what decides where no run of reasonable length does, a clause."""
    rest = "many replicas side by side (--replicas), or a wider --tolerance, do"
    if observable in PREDICTED:
        return f"the prediction from energies of the turned molecule, {rest}"
    return f"a smaller --time-step, {rest}" if observable == "drift" else rest


def summary(statements: Sequence[Row], titles: Mapping[str, str]) -> str:
    """Return a verdict in a line: which observables are off, undecided, within tolerance.

    Parameters
    ----------
    statements
        Of the verdict.
    titles
        Of each observable, by name.
    """
    heads = {"contradicted": "Outside the tolerance", "undecided": "Undecided", "held": "Within tolerance"}
    groups = []
    for outcome, head in heads.items():
        names = [titles.get(row["name"], row["name"]) for row in statements
                 if row["outcome"] == outcome and row.get("decides", True) and row["name"] != "runs"]  # fmt: skip
        if names:
            groups.append(f"{head}: {', '.join(name[0].lower() + name[1:] for name in names)}.")
    ended = [row["sentence"] for row in statements if row["name"] == "runs"]
    return " ".join([*ended, *groups]) or "Nothing was held against an exact answer."


def _ordinal(number: int) -> str:
    words = {1: "single", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 10: "tenth"}
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return words.get(number, f"{number}{ending}")
