"""The verdict of a calibration of whole models, from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..records.outcomes import HELD, Outcome
from .cell import VERDICTS, ModelCell


def judged(cells: Sequence[ModelCell]) -> dict[str, Any]:
    """Return outcome, held, a sentence, how many rows have which verdict, and a sentence for each that contradicts theory.

    held: every exact share was reached by the closed form, and nothing was above one. contradicted: something was, beyond
    sampling and rounding. undecided: nothing was, but a closed form does not reach its share. nothing tested: no row has an
    exact share. What was not learned, or has no bound, is neither for nor against theory.
    """
    rows = [(cell, row) for cell in cells for row in cell.rows]
    counts = Counter(row.verdict for _, row in rows)
    exact = [row for _, row in rows if row.share is not None]
    above = [f"{cell.settings.title}, {row.sentence}" for cell, row in rows if row.verdict == "contradicted"]
    open_ = [f"{cell.settings.title}, {row.sentence}" for cell, row in rows if row.verdict == "undecided"]
    outcome: Outcome = (
        "contradicted" if above else "undecided" if open_ else "held" if exact else "nothing tested"
    )
    if outcome == "contradicted":
        sentence = f"{len(above)} of {len(exact)} numbers with an exact share are above it: {above[0]}."
    elif outcome == "nothing tested":
        sentence = "No row has an exact share, so nothing was held against theory."
    else:
        learned = sum(row.verdict == "agrees" for row in exact)
        sentence = (
            f"No trained model is above what theory lets it, in {len(exact)} rows with an exact share; {learned} are as theory "
            f"says, and {sum(row.verdict == 'not learned' for row in exact)} were not learned though representable."
        )
        if open_:
            sentence += f" In {len(open_)} the closed form does not reach the share: {open_[0]}."
    return {
        "held": HELD[outcome],
        "outcome": outcome,
        "sentence": sentence,
        "counts": {name: counts[name] for name in VERDICTS},
        "contradictions": above,
        "undecided": open_,
    }
