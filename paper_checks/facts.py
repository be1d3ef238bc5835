"""What the reports of a run share: its facts, the sentence over all claims, and numbers as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..diagnostic.pages.text import significant
from .outcome import Value
from .registry import MAIN_PAPER, Claim
from .run import Checked

#: Class and sign of each verdict: it is told apart without colour.
_BADGES = {
    "holds": ("holds", "✓"),
    "holds in direction, number differs": ("partly", "≈"),
    "does not hold": ("fails", "✗"),
    "cannot be checked here": ("open", "?"),
}


@dataclass(frozen=True)
class RunFacts:
    """What a report says of its run: data, effort, seed, versions, the command, the paper."""

    data: str
    quick: bool
    seed: int
    command: str
    versions: Mapping[str, str] = field(default_factory=dict)
    paper: str = MAIN_PAPER


def command_for(claim: Claim, facts: RunFacts) -> str:
    """Return the command that repeats one claim."""
    options = [] if facts.paper == MAIN_PAPER else [f"--paper {facts.paper}"]
    options += [f"--only {claim.id}"]
    options += [f"--data {facts.data}"] if facts.data in ("rmd17",) else []
    options += ["--data FOLDER"] if facts.data not in ("rmd17", "embedded") else []
    options += ["--quick"] if facts.quick else []
    options += [f"--seed {facts.seed}"] if facts.seed else []
    return f"ceilings paper {' '.join(options)} --out runs/{claim.id}"


def badge_names() -> dict[str, tuple[str, str]]:
    """Return class and sign of the badge of each verdict."""
    return _BADGES


def summary(checked: Sequence[Checked]) -> str:
    """Return one sentence over all claims."""
    counts = {name: sum(claim.outcome.verdict == name for claim in checked) for name in _BADGES}
    words = ", ".join(f"{count} {_plural(name, count)}" for name, count in counts.items() if count)
    return f"Of {len(checked)} {'claim' if len(checked) == 1 else 'claims'} {words}. {_must_hold(checked)}"


def _must_hold(checked: Sequence[Checked]) -> str:
    """Return one sentence over the claims that must hold."""
    failed = [claim.claim.id for claim in checked if claim.failed]
    open_ones = [
        claim.claim.id
        for claim in checked
        if claim.claim.must_hold and claim.outcome.verdict == "cannot be checked here"
    ]
    if failed:
        return f"Of those that must hold, {', '.join(failed)} {'does' if len(failed) == 1 else 'do'} not."
    if open_ones:
        rest = len([claim for claim in checked if claim.claim.must_hold]) > len(open_ones)
        return f"Of those that must hold, {', '.join(open_ones)} cannot be checked here{'; the others hold' if rest else ''}."
    if any(claim.claim.must_hold for claim in checked):
        return "Every claim that must hold, holds."
    return "None of them is a claim that must hold."


def _plural(name: str, count: int) -> str:
    if count == 1:
        return name
    return name.replace("holds", "hold").replace("does not", "do not")


def figures_of(value: Value) -> str:
    """Return a measured number with its interval as text."""
    if value.value is None:
        return value.note or "none"
    text = (
        f"{value.value:.0f}"
        if float(value.value).is_integer() and abs(value.value) < 1e6
        else significant(value.value, 3)
    )
    if value.low is not None and value.high is not None:
        text += f" [{significant(value.low, 3)}, {significant(value.high, 3)}]"
    elif value.low is not None:
        text += f" (at least {significant(value.low, 3)})"
    return text


def given(value: float | None) -> str:
    """Return a number of the paper or of theory as text; empty where there is none."""
    return "" if value is None else f"{value:g}"


def plain(value: Any) -> str:
    """Return an entry of a table as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return significant(value, 3) if isinstance(value, float) else str(value)


def _short(value: Any) -> str:
    """Return a recorded input as text: of a SHA-256 the first twelve digits, of a mapping its entries."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(item)}" for key, item in value.items())
    text = str(value)
    return text[:12] if re.fullmatch(r"[0-9a-f]{64}", text) else text


def how(checked_claim: Checked, facts: RunFacts) -> list[tuple[str, str]]:
    """Return what decides a claim, as pairs of a name and a text."""
    claim = checked_claim.claim
    return [
        ("Claimed", f"{claim.statement} ({claim.where})"),
        ("Paper's value", claim.paper_value),
        ("Procedure", claim.procedure),
        ("Criterion", claim.criterion + (" It must hold." if claim.must_hold else "")),
        ("Refuted by", claim.refuted_by),
        ("Caution", claim.caution),
        ("Reason", checked_claim.outcome.reason),
        (
            "Measured on",
            "; ".join(f"{key} {_short(value)}" for key, value in checked_claim.outcome.inputs.items()),
        ),
        ("Code", "paper_checks/" + claim.check.replace(":", ".py, function ")),
        ("Repeat it", command_for(claim, facts)),
    ]
