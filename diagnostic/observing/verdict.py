"""The verdict: the bare model's observables against the isotropic answer, or against the run of the most exact cure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..records.outcomes import HELD, Outcome, overall
from ..records.words import with_error
from .deviations import Deviation, deviations
from .runs import ended_sentence, outer_step_sentences

Row = Mapping[str, Any]
#: Averages over a run that have no exact isotropic answer: those of a cured run stand in for it.
_AGAINST_CURE = ("rdf", "orientational-correlation", "msd", "spectrum", "potential")


def judged_cure(cures: Sequence[str]) -> str:
    """Return the cure whose observables the verdict is about: the bare model where it was run, else the first."""
    return "none" if "none" in cures else cures[0]


def verdict(
    observables: Mapping[str, Mapping[str, Row]],
    runs: Sequence[dict[str, Any]],
    comparison: Sequence[Row],
    *,
    reference: str | None,
    tolerances: Mapping[str, float],
    no_prediction: str = "",
) -> dict[str, Any]:
    """Return ``{held, outcome, sentence, statements}``.

    Parameters
    ----------
    observables
        Name -> cure -> measured.
    runs, comparison
        Of the result.
    reference
        The most exact cure; None: there is none.
    tolerances
        What was asked for, by observable.
    no_prediction
        Why nothing was predicted; empty: it was, or nobody asked.
    """
    statements = [
        _observable(name, by_cure, reference, tolerances.get(name))
        for name, by_cure in observables.items()
        if by_cure
    ]
    ended = ended_sentence(runs)
    if ended:
        statements.insert(0, _statement("runs", "undecided", ended))
    outcome = overall(statement["outcome"] for statement in statements)
    said = [statement["sentence"] for statement in statements]
    for sentence in outer_step_sentences(runs):
        statements.append(_statement("outer step", "undecided", sentence, decides=False))
        said.append(sentence)
    predicted = _predicted(comparison)
    if predicted is not None:
        statements.append(predicted)
        said.append(predicted["sentence"])
    elif no_prediction:
        statements.append(_statement("prediction", "nothing tested", no_prediction, decides=False))
    return {
        "held": HELD[outcome],
        "outcome": outcome,
        "sentence": " ".join(said) or "Nothing was measured.",
        "statements": statements,
    }


def _statement(name: str, outcome: Outcome, sentence: str, *, decides: bool = True) -> dict[str, Any]:
    return {
        "name": name,
        "held": HELD[outcome],
        "outcome": outcome,
        "decides": decides,
        "sentence": sentence,
    }


def _observable(
    name: str, by_cure: Mapping[str, Row], reference: str | None, tolerance: float | None
) -> dict[str, Any]:
    cure = judged_cure(list(by_cure))
    row = by_cure[cure]
    comparable = (
        name in _AGAINST_CURE and reference is not None and reference != cure and reference in by_cure
    )
    if row["isotropic"] or not comparable:
        return _statement(name, row["outcome"], row["sentence"])
    assert reference is not None
    rows = deviations(row, by_cure[reference], reference, tolerance)
    if not rows:
        return _statement(name, row["outcome"], row["sentence"])
    worst = max(rows, key=lambda deviation: deviation.high / (deviation.tolerance or 1.0))
    return _statement(name, _outcome(rows), f"{row['sentence']} {_against(worst, reference)}")


def _outcome(rows: Sequence[Deviation]) -> Outcome:
    enough = [_within(row, row.tolerance) for row in rows if row.tolerance is not None]
    if not enough:
        return "nothing tested"
    if False in enough:
        return "contradicted"
    return "undecided" if None in enough else "held"


def _within(row: Deviation, tolerance: float) -> bool | None:
    """Whether the whole interval is within the tolerance; None where it does not tell, or the run is too short for an error."""
    if not row.reliable:
        return None
    if row.high <= tolerance:
        return True
    return False if row.low > tolerance else None


def _against(row: Deviation, reference: str) -> str:
    said = (
        f"Against the run with {reference} {row.label} differs by {with_error(row.value, row.half, row.unit)}"
    )
    if row.tolerance is None:
        return f"{said}; without a tolerance this is not judged."
    return f"{said}, tolerated is {row.tolerance:g}."


def _predicted(comparison: Sequence[Row]) -> dict[str, Any] | None:
    """Return the statement on predicted and measured numbers; it decides nothing: a prediction has its own limits."""
    if not comparison:
        return None
    told = [row for row in comparison if row["agrees"] is not None]
    if not told:
        sentence = f"None of {len(comparison)} predicted numbers can be compared: the runs are too short."
        return _statement("prediction", "nothing tested", sentence, decides=False)
    off = [str(row["label"]) for row in told if not row["agrees"]]
    if not off:
        sentence = f"Prediction: {len(told)} of {len(told)} numbers agree with the run within their errors."
        return _statement("prediction", "held", sentence, decides=False)
    sentence = (
        f"Prediction: {len(told) - len(off)} of {len(told)} numbers agree with the run within their errors, not "
        f"{', '.join(off)}."
    )
    return _statement("prediction", "falls short", sentence, decides=False)
