"""What a verdict can be: one list of outcomes for every job, with ``held`` and the exit status that belong to each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

Outcome = Literal["held", "contradicted", "falls short", "undecided", "nothing tested"]

#: The field ``held`` of each outcome. ``contradicted``: something was found that theory excludes. ``falls short``: nothing of
#: that kind, but what theory allows is not reached. ``undecided``: rounding or intervals are too wide to tell.
#: ``nothing tested``: nothing was held against theory.
HELD: Mapping[Outcome, bool | None] = {
    "held": True,
    "contradicted": False,
    "falls short": False,
    "undecided": None,
    "nothing tested": None,
}

#: What a command says on standard error where it tested nothing.
NOTHING_TESTED = "Nothing was held against theory; status 0 says only that the run is complete."


def overall(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome of several statements together: the worst of them; of none, ``nothing tested``.

    Examples
    --------
    >>> overall(["held", "undecided"]), overall([])
    ('undecided', 'nothing tested')
    """
    given = set(outcomes)
    ranked: tuple[Outcome, ...] = ("contradicted", "falls short", "undecided", "held")
    return next((outcome for outcome in ranked if outcome in given), "nothing tested")


def exit_status(verdict: Mapping[str, Any]) -> int:
    """Return the exit status of a command: 0 where the verdict held or nothing was tested, otherwise 1."""
    return 0 if verdict["outcome"] in ("held", "nothing tested") else 1
