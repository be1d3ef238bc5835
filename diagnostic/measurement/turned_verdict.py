"""Verdicts where no theorem binds the features exactly: no symmetry is declared of them, or they miss equivariance.

- **No symmetry declared.** No theory sets a ceiling, so nothing is held against any: the outcome is ``nothing tested``, and the
  sentence says what was recovered at which l.
- **Equivariance missed by a measured share.** What is exactly equivariant in the features has its ceiling dL, and what is not may
  let readouts pass it by any amount, as coefficients can be large. What is claimed is therefore what was measured: every l up to
  dL is recovered, and above it R2 stays below a tenth (``held``, with the largest value and its interval). An l above dL that is
  recovered contradicts nothing, for the theorem's premise is not met: nothing was held against theory (``nothing tested``).
  The same fit to the same features turned by Wigner matrices, which are exactly equivariant by construction, must recover nothing
  there; where it does, theory is contradicted after all.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...theory.ceiling import Ceiling
from ..backbones.backbone import BackboneInfo
from ..records.outcomes import HELD, Outcome
from .result_types import DegreeVerdict, Leak, RecoveryRow, Verdict
from .tables import RecoveryTable
from .verdict import degree_name, model_name, outcome_of


def unbounded_verdict(
    tables: Sequence[RecoveryTable], main_degree: int, layer: str, info: BackboneInfo
) -> Verdict:
    """Return the verdict on features of which no symmetry is declared: what was recovered, and that nothing was tested."""
    verdicts = [_unbounded(table) for table in tables]
    main = next(v for v in verdicts if v["degree"] == main_degree)
    others = "".join(f"; {v['sentence']}" for v in verdicts if v is not main)
    return Verdict(
        held=None, outcome="nothing tested", per_degree=verdicts,
        sentence=(
            f"Nothing was held against theory for this {model_name(info)} ({layer}): no symmetry is declared of its features, so "
            f"no theorem sets a ceiling. Run on turned frames, {main['sentence']}{others}."
        ),
    )  # fmt: skip


def _unbounded(table: RecoveryTable) -> DegreeVerdict:
    rows = [row for row in table.molecule() if row["l"] > 0]
    said = f"the {degree_name(table.ceiling.degree)} readout recovers {recovered_words(rows)}"
    return DegreeVerdict(
        degree=table.ceiling.degree, boundary=table.ceiling.boundary, sentence=said, held=None, outcome="nothing tested",
        above=[], short=[], undecided=_of(rows, "undecided"), nothing_to_hold=_of(rows, "nothing to hold"),
    )  # fmt: skip


def recovered_words(rows: Sequence[RecoveryRow]) -> str:
    """Return which l are recovered, how much of them, and which are not, from the molecule's rows."""
    got = [row for row in rows if row["verdict"] == "recovered" and row["r2"] is not None]
    values = ", ".join(f"{row['r2']:.2f}" for row in got)
    said = f"l = {', '.join(str(row['l']) for row in got)} (R² = {values})" if got else "no l from 1 on"
    lost, unclear = _of(rows, "not recovered"), _of(rows, "undecided")
    said += f", and not l = {', '.join(map(str, lost))}" if got and lost else ""
    return said + (f", and leaves l = {', '.join(map(str, unclear))} undecided" if unclear else "")


def _of(rows: Sequence[RecoveryRow], verdict: str) -> list[int]:
    return [row["l"] for row in rows if row["verdict"] == verdict]


def leaks(tables: Sequence[RecoveryTable]) -> list[Leak]:
    """Return R2 of the molecule at every l above the ceiling, with its interval, for each degree."""
    entries: list[Leak] = []
    for table in tables:
        for row in table.molecule():
            r2, low, high = row["r2"], row["r2_low"], row["r2_high"]
            if row["l"] <= table.ceiling.boundary or r2 is None or low is None or high is None:
                continue
            entries.append(Leak(degree=table.ceiling.degree, l=row["l"], r2=r2, r2_low=low, r2_high=high))
    return entries


def approximate_degree(
    judged: DegreeVerdict, leak: Sequence[Leak], ceiling: Ceiling, miss: float
) -> DegreeVerdict:
    """Return the verdict on one degree of features that miss equivariance, from what ``judge`` said of exact ones.

    Parameters
    ----------
    judged
        The verdict as if the features were exactly equivariant.
    leak
        R2 above the ceiling, of this degree.
    miss
        Relative error of equivariance.
    """
    out = DegreeVerdict(**judged)
    worst = max(leak, key=lambda entry: entry["r2_high"], default=None)
    words = ""
    if worst is not None:
        most = "at most" if worst["r2"] > 0.0 else "nothing:"
        words = f"{most} R² = {_value(worst)}, at l = {worst['l']}"
    name = f"the {degree_name(ceiling.degree)} readout"
    if judged["outcome"] == "contradicted":
        passed = [entry for entry in leak if entry["l"] in judged["above"]]
        values = ", ".join(f"l = {entry['l']} (R² = {_value(entry)})" for entry in passed)
        out["outcome"] = "nothing tested"
        out["sentence"] = (
            f"{name} recovers {values} above {ceiling.boundary}, the ceiling of exactly equivariant features, which these are "
            f"not (they miss it by {miss:.1e}): the ceiling does not bind them"
        )
    elif judged["outcome"] == "held":
        out["sentence"] = (
            f"{name} recovers every l up to {ceiling.boundary} = {ceiling.degree} x {ceiling.l_max}, and above it {words}, "
            f"although the features miss equivariance by {miss:.1e}"
        )
    elif words:
        out["sentence"] = (
            f"{judged['sentence']} (above {ceiling.boundary}: {words}; equivariance is missed by {miss:.1e})"
        )
    out["held"] = HELD[out["outcome"]]
    return out


def _value(entry: Leak) -> str:
    return f"{entry['r2']:.3f} ({entry['r2_low']:.3f} to {entry['r2_high']:.3f})".replace("-0.000", "0.000")


def approximate_verdict(
    verdicts: Sequence[DegreeVerdict],
    main_degree: int,
    layer: str,
    info: BackboneInfo,
    miss: float,
    exact: RecoveryTable | None,
) -> Verdict:
    """Return the verdict on features that miss equivariance by ``miss``.

    Parameters
    ----------
    verdicts
        What :func:`approximate_degree` returned.
    exact
        The same fit of the main degree to features turned by Wigner matrices; None where that control was not run.
    """
    outcome: Outcome = outcome_of(verdicts)
    passed = [v for v in verdicts if v["above"]]
    if passed and outcome in ("held", "nothing tested"):
        outcome = "nothing tested"
    model = f"this {model_name(info)} ({layer})"
    ordered = sorted(verdicts, key=lambda v: v["degree"] != main_degree)
    said = "; ".join(v["sentence"] for v in ordered)
    by_construction = _exact_words(exact, bool(passed))
    if exact is not None and _recovered_above(exact):
        outcome = "contradicted"
        said = (
            f"features turned by Wigner matrices, which are exactly equivariant by construction, let the readout recover "
            f"{_listed(_recovered_above(exact))}; {said}"
        )
        by_construction = ""
    lead = {
        "held": f"The ceiling holds for {model} as far as its equivariance does",
        "contradicted": f"Theory is contradicted for {model}",
        "falls short": f"{model[0].upper()}{model[1:]} falls short of its ceiling",
        "undecided": f"Undecided for {model}",
        "nothing tested": f"Nothing was held against theory for {model}, as no theorem binds what is not equivariant",
    }[outcome]
    return Verdict(
        held=HELD[outcome],
        outcome=outcome,
        sentence=f"{lead}: {said}.{by_construction}",
        per_degree=list(verdicts),
    )


def _recovered_above(table: RecoveryTable) -> list[int]:
    rows = table.molecule()
    return [row["l"] for row in rows if row["l"] > table.ceiling.boundary and row["verdict"] == "recovered"]


def _listed(degrees: Sequence[int]) -> str:
    return "l = " + ", ".join(map(str, degrees))


def _exact_words(exact: RecoveryTable | None, passed: bool) -> str:
    """Say what the control of exactly turned features shows above the ceiling: whether the missed equivariance is the cause."""
    if exact is None:
        return ""
    highest = [row["r2_high"] for row in exact.molecule() if row["l"] > exact.ceiling.boundary]
    bounds = [value for value in highest if value is not None]
    if not bounds:
        return ""
    if not _shown(exact):
        return (
            " Whether features turned by Wigner matrices give nothing above it is undecided: use more frames."
        )
    cause = ", so what is recovered there comes from the missed equivariance" if passed else ""
    return (
        " Turned by Wigner matrices, which makes them exactly equivariant, the same features give at most "
        f"R² = {max(0.0, *bounds):.3f} above it{cause}."
    )


def _shown(exact: RecoveryTable) -> bool:
    rows = [row for row in exact.molecule() if row["l"] > exact.ceiling.boundary]
    return all(row["verdict"] in ("not recovered", "nothing to hold") for row in rows)
