"""Verdicts: each l against the null and a minimum, and the whole against the ceiling."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...theory.ceiling import Ceiling
from ..backbones.backbone import ARCHITECTURES, BackboneInfo
from ..records.outcomes import HELD, Outcome
from ..recovery.bootstrap import Recovery
from .result import NOTHING_TO_HOLD
from .result_types import DegreeVerdict, RecoveryRow, RowVerdict, Verdict

#: Less than a tenth of the injected power is not called recovered, however small its interval.
MINIMUM = 0.1

_NAMES = {1: "linear", 2: "quadratic", 3: "cubic", 4: "quartic"}


def degree_name(degree: int) -> str:
    """Return the adjective of a polynomial degree, such as ``quadratic``, or ``degree-5`` where English has none in use.

    Examples
    --------
    >>> degree_name(2), degree_name(7)
    ('quadratic', 'degree-7')
    """
    return _NAMES.get(degree, f"degree-{degree}")


def model_name(info: BackboneInfo) -> str:
    """Return how a sentence calls a backbone; trained or untrained only where that is known.

    Examples
    --------
    >>> model_name(BackboneInfo("a.py", "nequip", trained=True)), model_name(BackboneInfo("f", "function", trained=None))
    ('trained NequIP backbone', 'backbone')
    """
    word = {True: "trained ", False: "untrained ", None: ""}[info.trained]
    known = (
        ""
        if info.architecture == "function"
        else f"{ARCHITECTURES.get(info.architecture, info.architecture)} "
    )
    return f"{word}{known}backbone"


def verdict_of(recovery: Recovery) -> RowVerdict:
    """Return ``recovered``, ``not recovered`` or ``undecided``.

    Recovered: the interval of R2 lies above the null band and above MINIMUM. Not recovered: it lies below MINIMUM.
    """
    floor = MINIMUM if recovery.null_high is None else max(MINIMUM, recovery.null_high)
    if recovery.r2.low > floor:
        return "recovered"
    if recovery.r2.high < MINIMUM:
        return "not recovered"
    return "undecided"


def judge(
    rows: Sequence[RecoveryRow],
    ceiling: Ceiling,
    *,
    free: bool = True,
    unreachable: Collection[int] = (),
    open_to: Collection[int] = (),
    why_short: str = "",
    more: str = "frames",
) -> DegreeVerdict:
    """Hold the molecule's rows of one readout degree against its ceiling.

    Theory holds where every l up to the boundary is recovered and none above it is. A recovered l above the boundary
    contradicts theory; an l below that is not recovered only says that these features fall short of it.

    Parameters
    ----------
    rows
        The molecule's rows, one for each l.
    ceiling
        The ceiling of the readout.
    free
        Whether the readout is the free one. The equivariant one has the ceiling built in and cannot test it.
    unreachable
        Every l up to the boundary that no product of these irreps reaches, in either parity: held like those above it.
    open_to
        Every l up to it that products reach in the other parity only: a sample of one hand may show it, nothing is demanded.
    why_short
        Why the features fall short, as far as it was measured.
    more
        What would decide what is undecided.
    """
    degree, boundary = ceiling.degree, ceiling.boundary
    by_l = {row["l"]: row["verdict"] for row in rows}
    barred = {l for l in by_l if l > boundary or l in unreachable}
    idle = sorted(l for l, v in by_l.items() if v == NOTHING_TO_HOLD or (l in open_to and l not in barred))
    held_to = {l: v for l, v in by_l.items() if l not in idle}
    above = sorted(l for l, v in held_to.items() if l in barred and v == "recovered")
    unclear = sorted(l for l, v in held_to.items() if l in barred and v == "undecided")
    short = sorted(l for l, v in held_to.items() if l not in barred and v in ("not recovered", "no path"))
    open_below = sorted(l for l, v in held_to.items() if l not in barred and v == "undecided")
    tested = free and any(l in barred for l in held_to)
    reached = [l for l in held_to if l not in barred and l > 0]
    top = max(by_l)
    head = f"the {degree_name(degree)} readout"
    nothing = f"{head} recovers nothing above its ceiling {boundary}"
    outcome: Outcome
    if above:
        outcome = "contradicted"
        sentence = f"{head} recovers {_barred_words(above, boundary)}: this contradicts theory"
    elif unclear:
        outcome = "undecided"
        where = f"above its ceiling {boundary}" if min(unclear) > boundary else "where no product reaches"
        sentence = f"{head} is undecided at {_listed(unclear)} {where}: use more {more}"
    elif short:
        outcome = "falls short"
        sentence = f"{nothing}, but falls short at {_listed(short)}{f' ({why_short})' if why_short else ''}"
    elif open_below:
        outcome = "undecided"
        sentence = f"{nothing}, and is undecided at {_listed(open_below)} below it: use more {more}"
    elif tested and reached:
        outcome = "held"
        sentence = f"{head} recovers every l up to {boundary} = {degree} x {ceiling.l_max} and nothing above"
    elif not reached:
        outcome = "nothing tested"
        sentence = f"{head} has nothing to hold from l = 1 up to its ceiling {boundary}"
    elif top <= boundary:
        outcome = "nothing tested"
        sentence = f"{head} recovers every l up to {top}; its ceiling {boundary} was not reached"
    else:
        outcome = "nothing tested"
        why = "and nothing above it is there to be recovered" if free else "but has the ceiling built in"
        sentence = f"{head} recovers every l up to {boundary}, {why}"
    if idle and reached:
        sentence += f"; nothing to hold at {_listed(idle)}"
    return DegreeVerdict(
        degree=degree, boundary=boundary, sentence=sentence, held=HELD[outcome], outcome=outcome, above=above,
        undecided=unclear + open_below, short=short, nothing_to_hold=idle,
    )  # fmt: skip


def _barred_words(recovered: Sequence[int], boundary: int) -> str:
    """Name every l that is recovered against theory: above the ceiling, or where no product of the features reaches."""
    finer = [l for l in recovered if l > boundary]
    gaps = [l for l in recovered if l <= boundary]
    said = [f"{_listed(finer)} above its ceiling {boundary}"] if finer else []
    said += [f"{_listed(gaps)}, which no product of these features reaches"] if gaps else []
    return " and ".join(said)


def _listed(values: Sequence[int]) -> str:
    return "l = " + ", ".join(str(v) for v in sorted(values))


def outcome_of(verdicts: Sequence[DegreeVerdict]) -> Outcome:
    """Return the outcome of several degrees together.

    A contradiction counts before all else. While some l above a ceiling is undecided nobody can say that features only fall
    short; an l below one that is undecided leaves that open. Theory held where it held in one degree at least and nothing
    speaks against it in any other.
    """
    outcomes = [verdict["outcome"] for verdict in verdicts]
    if "contradicted" in outcomes:
        return "contradicted"
    if any(max(v["undecided"], default=-1) > v["boundary"] for v in verdicts):
        return "undecided"
    for outcome in ("falls short", "undecided", "held"):
        if outcome in outcomes:
            return outcome
    return "nothing tested"


def overall(
    verdicts: Sequence[DegreeVerdict],
    main_degree: int,
    judged: str,
    layer: str,
    info: BackboneInfo,
    l_top: int,
) -> Verdict:
    """Return the verdict of the whole run: one sentence for a reader, and what was found for each degree.

    Parameters
    ----------
    verdicts
        What ``judge`` returned for each degree.
    main_degree
        The degree that the sentence leads with.
    judged
        The readout that was held against theory, ``free`` or ``equivariant``.
    l_top
        Highest degree injected; a ceiling at or above it was not tested.
    """
    outcome = outcome_of(verdicts)
    model = f"this {model_name(info)} ({layer})"
    every = {name: "; ".join(v["sentence"] for v in verdicts if v["outcome"] == name) for name in HELD}
    if outcome == "held":
        sentence = _held_sentence(verdicts, main_degree, model, l_top)
    elif outcome == "contradicted":
        sentence = f"Theory is contradicted for {model}: {every[outcome]}."
    elif outcome == "falls short":
        sentence = (
            f"{model[0].upper()}{model[1:]} falls short of its ceiling: "
            f"{every[outcome]}. Theory bounds from above and is not contradicted."
        )
    elif outcome == "undecided":
        sentence = f"Undecided for {model}: {every[outcome]}."
    else:
        sentence = f"Nothing was held against theory for {model}: {every[outcome]}."
    if judged == "equivariant":
        sentence += " Only the equivariant readout was fitted, and it has the ceiling built in: fit the free one to test it."
    return Verdict(held=HELD[outcome], outcome=outcome, sentence=sentence, per_degree=list(verdicts))


def _held_sentence(verdicts: Sequence[DegreeVerdict], main_degree: int, model: str, l_top: int) -> str:
    """Return the sentence of a run in which theory held, led by the main degree."""
    main = next(v for v in verdicts if v["degree"] == main_degree)
    others = [
        f"{degree_name(v['degree'])} ones stop at {v['boundary']}"
        if v["boundary"] < l_top
        else f"no l above the {degree_name(v['degree'])} ceiling, {v['boundary']}, was injected"
        for v in verdicts
        if v is not main
    ]
    tail = "; " + ", ".join(others) if others else ""
    if main["boundary"] >= l_top:
        reach = f"up to l = {l_top}, the highest injected; their ceiling {main['boundary']} was not passed"
    elif main["nothing_to_hold"]:
        reach = (
            f"up to their ceiling l = {main['boundary']} wherever there is something to hold (not at "
            f"{_listed(main['nothing_to_hold'])}), and nothing finer, where theory puts the limit"
        )
    else:
        reach = f"up to l = {main['boundary']} and nothing finer, where theory puts the limit"
    return (
        f"{degree_name(main_degree).capitalize()} readouts of {model} recover angular detail {reach}{tail}."
    )
