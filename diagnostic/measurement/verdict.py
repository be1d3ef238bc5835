"""Verdicts: each l against the null and a minimum, and the whole against the ceiling."""

from __future__ import annotations

from collections.abc import Sequence

from ...theory.ceiling import Ceiling
from ..backbones.backbone import ARCHITECTURES, BackboneInfo
from ..recovery.bootstrap import Recovery
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


def verdict_of(found: Recovery) -> RowVerdict:
    """Return ``recovered``, ``not recovered`` or ``undecided``.

    Recovered: the interval of R2 lies above the null band and above MINIMUM. Not recovered: it lies below MINIMUM.
    """
    floor = MINIMUM if found.null_high is None else max(MINIMUM, found.null_high)
    if found.r2.low > floor:
        return "recovered"
    if found.r2.high < MINIMUM:
        return "not recovered"
    return "undecided"


def judge(rows: Sequence[RecoveryRow], ceiling: Ceiling) -> DegreeVerdict:
    """Hold the molecule's rows of one readout degree against its ceiling.

    Theory holds where every l up to the boundary is recovered and none above it is. A recovered l above the boundary
    contradicts theory; an l below that is not recovered only says that these features fall short of it.
    """
    degree, boundary = ceiling.degree, ceiling.boundary
    by_l = {row["l"]: row["verdict"] for row in rows}
    above = [l for l, v in by_l.items() if l > boundary and v == "recovered"]
    unclear = [l for l, v in by_l.items() if l > boundary and v == "undecided"]
    short = [l for l, v in by_l.items() if l <= boundary and v != "recovered"]
    top = max(by_l)
    name = degree_name(degree)

    def listed(values: Sequence[int]) -> str:
        return "l = " + ", ".join(str(v) for v in sorted(values))

    if above:
        sentence = f"the {name} readout recovers {listed(above)} above its ceiling {boundary}: this contradicts theory"
    elif unclear:
        sentence = f"the {name} readout is undecided at {listed(unclear)} above its ceiling {boundary}: use more frames"
    elif short:
        sentence = f"the {name} readout recovers nothing above its ceiling {boundary}, but falls short at {listed(short)}"
    elif top <= boundary:
        sentence = f"the {name} readout recovers every l up to {top}; its ceiling {boundary} was not reached"
    else:
        sentence = f"the {name} readout recovers every l up to {boundary} = {degree} x {ceiling.l_max} and nothing above"
    return DegreeVerdict(
        degree=degree, boundary=boundary, sentence=sentence, held=not (above or unclear or short)
    )


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
    held = all(v["held"] for v in verdicts)
    architecture = ARCHITECTURES.get(info.architecture, info.architecture)
    model = f"this {'trained' if info.trained else 'untrained'} {architecture} backbone ({layer})"
    if held:
        main = next(v for v in verdicts if v["degree"] == main_degree)
        others = [
            f"{degree_name(v['degree'])} ones stop at {v['boundary']}"
            if v["boundary"] < l_top
            else f"no l above the {degree_name(v['degree'])} ceiling, {v['boundary']}, was injected"
            for v in verdicts
            if v is not main
        ]
        tail = "; " + ", ".join(others) if others else ""
        if main["boundary"] < l_top:
            found = f"up to l = {main['boundary']} and nothing finer, where theory puts the limit"
        else:
            found = (
                f"up to l = {l_top}, the highest injected; their ceiling {main['boundary']} was not passed"
            )
        sentence = f"{degree_name(main_degree).capitalize()} readouts of {model} give back angular detail {found}{tail}."
    else:
        failed = "; ".join(v["sentence"] for v in verdicts if not v["held"])
        sentence = f"Theory is not confirmed for {model}: {failed}."
    if judged == "equivariant":
        sentence += " Only the equivariant readout was fitted, and it has the ceiling built in: fit the free one to test it."
    return Verdict(held=held, sentence=sentence, per_degree=list(verdicts))
