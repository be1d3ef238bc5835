"""The first screen of the report: the verdict and what qualifies it, what was found in plain words, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..measurement.result import LOW, NO_PATH, Result, Row, boundary, l_top, series
from ..pages.frame import MARKS, Banner, KeyNumber, State
from ..pages.text import fraction, interval, prose
from .atoms import judged_atoms
from .cells import by_l

_NO_CONTROLS = (
    "Controls were not run. So it was not tested that an untrained backbone has its cliff at the same place, that the cliff "
    "needs the random rotations of the frames, and what the readout takes when nothing is injected."
)
_WITH_CONTROLS = "Run it again with the controls before you rely on it."


def leading(result: Result) -> tuple[str, list[Row]]:
    """Return the readout and rows that the headline speaks of: free, else equivariant, of the main degree."""
    degree = int(result["ceiling"]["degree"])
    for readout in ("free", "equivariant"):
        rows = series(result["recovery"], result, readout).get(degree)
        if rows:
            return readout, rows
    return "free", []


def _judged(result: Result) -> dict[int, list[Row]]:
    """Return the rows that were held against theory, by readout degree: those of the free readout, where it was fitted."""
    return series(result["recovery"], result, "free") or series(result["recovery"], result, "equivariant")


def above_and_below(result: Result) -> tuple[list[int], list[int], list[int]]:
    """Return the frequencies recovered above a ceiling, undecided above one, and not recovered up to one, of any degree."""
    above: set[int] = set()
    unclear: set[int] = set()
    short: set[int] = set()
    for degree, rows in _judged(result).items():
        edge = boundary(result, degree)
        above |= {int(row["l"]) for row in rows if row["l"] > edge and row["verdict"] == "recovered"}
        unclear |= {int(row["l"]) for row in rows if row["l"] > edge and row["verdict"] == "undecided"}
        short |= {int(row["l"]) for row in rows if row["l"] <= edge and row["verdict"] != "recovered"}
    return sorted(above), sorted(unclear), sorted(short)


def only_equivariant(result: Result) -> bool:
    """Return whether the free readout is missing: the equivariant one has the ceiling built in and cannot test it."""
    return not series(result["recovery"], result, "free")


def ceiling_passed(result: Result) -> bool:
    """Return whether some l above a ceiling was injected, without which no ceiling is tested."""
    return any(boundary(result, degree) < l_top(result) for degree in _judged(result))


def state_of(result: Result) -> State:
    """Return what the run says of theory.

    Held, or failed, as the verdict says; undecided where nothing is recovered above a ceiling but the data leave it open;
    unjudged where nothing was held against theory: no free readout, or no l above any ceiling.
    """
    if result["verdict"]["held"]:
        return "held" if not only_equivariant(result) and ceiling_passed(result) else "unjudged"
    above, unclear, _ = above_and_below(result)
    return "undecided" if unclear and not above else "failed"


def banner(result: Result) -> Banner:
    """Return the box with the verdict."""
    state = state_of(result)
    unrun = [] if result["controls"] else [_NO_CONTROLS]
    mark = f"{MARKS['held']}, without controls" if state == "held" and unrun else ""
    return Banner(state, prose(result["verdict"]["sentence"]), mark, unrun)


def _given_back(row: Mapping[str, Any]) -> str:
    share = max(0.0, 100.0 * float(row["r2"]))
    return "nothing" if share < 0.5 else f"{share:.0f} %" if share < 99.5 else f"{share:.1f} %"


def found(result: Result) -> list[str]:
    """Say in plain words what was found, from the numbers."""
    readout, rows = leading(result)
    edge = boundary(result, int(result["ceiling"]["degree"]))
    at = by_l(rows)
    sentences = []
    below, beyond = at.get(edge), at.get(edge + 1)
    if below is not None and below["r2"] is not None:
        sentence = f"Of a force pattern at the ceiling, ℓ = {edge}, the {readout} readout gives back {_given_back(below)}"
        if beyond is None:
            sentence += "; nothing finer was injected."
        elif beyond["verdict"] == NO_PATH:
            sentence += f"; for the next finer one, ℓ = {edge + 1}, symmetry leaves it no term at all."
        else:
            sentence += f"; of the next finer one, ℓ = {edge + 1}, {_given_back(beyond)}."
        sentences.append(sentence)
    low = [atom for atom in judged_atoms(result) if atom["low"]]
    if low:
        count = f"{len(low)} of the {len(judged_atoms(result))} atoms measured"
        sentences.append(f"At the ceiling, R² is below {LOW:g} for {count}.")
    above, unclear, short = above_and_below(result)
    if above:
        sentences.append(
            f"Something above a ceiling is given back, at {_listed(above)}. Theory leaves no room for that."
        )
    elif unclear:
        sentences.append(
            f"Above a ceiling the intervals at {_listed(unclear)} are too wide to say that nothing is given back."
        )
    if short and not above:
        sentences.append(
            f"At {_listed(short)} these features give back less than their ceiling would let them. That does not contradict "
            "theory, which bounds from above only."
        )
    return [" ".join(sentences)] if sentences else []


def advice(result: Result) -> list[str]:
    """Say what to do next."""
    edge = boundary(result, int(result["ceiling"]["degree"]))
    above, unclear, short = above_and_below(result)
    state = state_of(result)
    steps = []
    if above:
        steps.append(
            "Look for the error first: the checks of equivariance and purity below, the controls, copies of frames in the "
            "held-out part. Then repeat it with another seed and more frames."
        )
    elif unclear:
        steps.append(
            "Use more frames, or fewer coefficients, and run it again: nothing can be concluded yet."
        )
    elif short:
        steps.append(
            "See below which atoms are low and why: too few frames or coefficients, like neighbours, or the features."
        )
    elif state == "unjudged":
        steps.append(
            "Fit the free readout as well: only it can find something above the ceiling."
            if only_equivariant(result)
            else f"Inject finer patterns, up to ℓ = {edge + 1} at least: only they test the ceiling."
        )
    elif state == "held":
        steps.append(
            f"Nothing, if the detail that you need is no finer than ℓ = {edge}. If it is finer, training will not help: take "
            "features of higher degree, or a readout that multiplies more of them."
        )
    else:
        steps.append("Look at the degrees one by one below; repeat it with more frames and another seed.")
    if any(atom["low"] for atom in judged_atoms(result)) and not (above or unclear or short):
        steps.append("The table of atoms says why some are low, and whether more coefficients would help.")
    if not result["controls"]:
        steps.append(_WITH_CONTROLS)
    return [" ".join(steps)]


def _listed(degrees: list[int]) -> str:
    return f"ℓ = {', '.join(map(str, degrees))}"


def key_numbers(result: Result) -> list[KeyNumber]:
    """Return the ceiling, and R2 at it and just above it."""
    degree, edge = int(result["ceiling"]["degree"]), int(result["ceiling"]["boundary"])
    notes = [f"degree {degree} × features up to ℓ = {int(result['ceiling']['l_max'])}"]
    entries = [KeyNumber("Ceiling", f"ℓ = {edge}", notes)]
    readout, rows = leading(result)
    at = by_l(rows)
    whom = f"{readout} readout, median atom"
    for l, place in ((edge, "at the ceiling"), (edge + 1, "just above it")):
        row = at.get(l)
        if row is None:
            continue
        if row["verdict"] == NO_PATH:
            entries.append(KeyNumber(f"R² {place}, ℓ = {l}", NO_PATH, [whom]))
        elif row["r2"] is not None:
            limits = interval(row["r2_low"], row["r2_high"])
            notes = [limits, whom] if limits else [whom]
            entries.append(KeyNumber(f"R² {place}, ℓ = {l}", fraction(row["r2"]), notes))
    return entries
