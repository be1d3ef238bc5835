"""The result of a diagnosis: its columns, its JSON Schema, and how rows are found in it.

``ceilings diagnose`` writes one ``result.json``. Its form is the JSON Schema ``result.schema.json`` beside
this module, named by the field ``"schema"``. A *row* of the recovery table says, for one injection, readout,
degree and scope, what was recovered at one l.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from ...theory.ceiling import Ceiling
from ..records.assets import shipped_schema
from ..records.outcomes import Outcome
from ..records.plain import field, plain
from .result_types import AtomEntry, DegreeVerdict, DiagnosisResult, RecoveryRow

#: The value of the field ``"schema"``; a change of meaning changes the last number.
RESULT_SCHEMA = "spectral-ceilings/diagnose/1"

#: The fields of a row, in the order of the columns of ``recovery.csv``.
RECOVERY_COLUMNS = (
    "injection",
    "direction",
    "readout",
    "degree",
    "scope",
    "l",
    "predicted",
    "r2",
    "r2_low",
    "r2_high",
    "rho",
    "rho_low",
    "rho_high",
    "gain",
    "null_high",
    "coefficients",
    "verdict",
)

#: The scope of a row that speaks for the molecule: the median over its atoms.
MOLECULE = "molecule"

#: The verdict of a row for which theory gives no polynomial at all; it carries no measured number.
NO_PATH: Final = "no path"

#: The verdict of a row at which theory demands nothing: the symmetry of the sites leaves the features nothing there.
NOTHING_TO_HOLD: Final = "nothing to hold"

#: An atom's R2 at the ceiling below this is called low, and gets a reason.
LOW = 0.9

#: A row of the recovery table, and the content of ``result.json``.
Row = RecoveryRow
Result = DiagnosisResult


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``result.json`` that the package ships."""
    return shipped_schema("result")


def validate(result: object) -> None:
    """Check `result` against the JSON Schema; intervals are in order and no row stands twice.

    Raises
    ------
    jsonschema.ValidationError
        If the schema is not met.
    ValueError
        If a lower end of an interval lies above its upper end, or two rows say the same thing twice.
    """
    import jsonschema

    content = plain(result, "result")
    jsonschema.Draft202012Validator(schema()).validate(content)
    problem = broken_law(content)
    if problem:
        raise ValueError(problem)


def broken_law(content: Result) -> str | None:
    """Return what a result that meets the schema breaks all the same, or None: an interval's order, a row that stands twice."""
    for place, rows in [("recovery", content["recovery"])] + [
        (f"controls[{i}].rows", control["rows"]) for i, control in enumerate(content["controls"])
    ]:
        seen: set[tuple[Any, ...]] = set()
        for number, row in enumerate(rows):
            for low, high in (("r2_low", "r2_high"), ("rho_low", "rho_high")):
                ends = field(row, low), field(row, high)
                if None not in ends and ends[0] > ends[1]:
                    return f"{place}[{number}]: {low} = {ends[0]} lies above {high} = {ends[1]}"
            identity = tuple(field(row, name) for name in RECOVERY_COLUMNS[:6])
            if identity in seen:
                return f"{place}[{number}]: a second row for {identity}"
            seen.add(identity)
    return None


def select(rows: Iterable[Row], **fields: object) -> list[Row]:
    """Return the rows whose fields have the given values, by ascending l."""
    selected = [row for row in rows if all(field(row, name) == value for name, value in fields.items())]
    return sorted(selected, key=lambda row: int(row["l"]))


def pooled(result: Result) -> bool:
    """Return whether environments of structures were pooled by element or selection, instead of atoms of one molecule."""
    return result["data"].get("by") == "element"


def main_injection(result: Result) -> tuple[str, str]:
    """Return (injection, direction) of the leading measurement: marked and fixed, or what there is.

    Of environments pooled by element the density leads: a mark means something else in each of them.
    """
    pairs = [(str(row["injection"]), str(row["direction"])) for row in result["recovery"]]
    order = ("density", "marked") if pooled(result) else ("marked", "density")
    for wanted in ((name, "fixed") for name in order):
        if wanted in pairs:
            return wanted
    return pairs[0] if pairs else ("marked", "fixed")


def series(rows: Iterable[Row], result: Result, readout: str) -> dict[int, list[Row]]:
    """Return the rows of one readout for the molecule, by readout degree, under the leading injection."""
    injection, direction = main_injection(result)
    selected = select(rows, injection=injection, direction=direction, readout=readout, scope=MOLECULE)
    degrees = sorted({int(row["degree"]) for row in selected})
    return {degree: [row for row in selected if row["degree"] == degree] for degree in degrees}


def leading_rows(result: Result) -> dict[str, list[Row]]:
    """Return the rows of the free readout (or the equivariant one) of the main degree and injection, by scope."""
    injection, direction = main_injection(result)
    degree = int(result["ceiling"]["degree"])
    chosen = {"injection": injection, "direction": direction, "degree": degree}
    for readout in ("free", "equivariant"):
        by_scope: dict[str, list[Row]] = {}
        for row in select(result["recovery"], readout=readout, **chosen):
            by_scope.setdefault(str(row["scope"]), []).append(row)
        if by_scope:
            return by_scope
    return {}


def atom_rows(result: Result) -> dict[int, list[Row]]:
    """Return the rows of the free readout (or the equivariant one) of the main degree, by atom index."""
    by_atom = {
        int(scope.removeprefix("atom:")): rows
        for scope, rows in leading_rows(result).items()
        if scope.startswith("atom:")
    }
    return dict(sorted(by_atom.items()))


def boundary(result: Result, degree: int) -> int:
    """Return the ceiling of a readout of this degree: the highest l that it can reach."""
    for entry in result["verdict"]["per_degree"]:
        if entry["degree"] == degree:
            return int(entry["boundary"])
    return Ceiling(degree, int(result["ceiling"]["l_max"])).boundary


def no_ceiling(result: Result) -> bool:
    """Return whether no theorem binds the features, because no symmetry is declared of them."""
    return result["ceiling"].get("kind") == "none"


def judged_rows(result: Result) -> dict[int, list[Row]]:
    """Return the rows that were held against theory, by readout degree: those of the free readout, where it was fitted."""
    return series(result["recovery"], result, "free") or series(result["recovery"], result, "equivariant")


def above_and_below(result: Result) -> tuple[list[int], list[int], list[int]]:
    """Return the l recovered although theory leaves no room, undecided, and not recovered although it does, of any degree."""
    above: set[int] = set()
    unclear: set[int] = set()
    short: set[int] = set()
    entries = {int(entry["degree"]): entry for entry in result["verdict"]["per_degree"]}
    for degree, rows in judged_rows(result).items():
        entry = entries.get(degree)
        if entry is not None and "outcome" in entry:
            above |= set(entry["above"])
            unclear |= set(entry["undecided"])
            short |= set(entry["short"])
            continue
        edge = boundary(result, degree)  # a result of a version that did not list them
        above |= {int(row["l"]) for row in rows if row["l"] > edge and row["verdict"] == "recovered"}
        unclear |= {int(row["l"]) for row in rows if row["l"] > edge and row["verdict"] == "undecided"}
        short |= {int(row["l"]) for row in rows if row["l"] <= edge and row["verdict"] != "recovered"}
    return sorted(above), sorted(unclear), sorted(short)


def only_equivariant(result: Result) -> bool:
    """Return whether the free readout is missing: the equivariant one has the ceiling built in and cannot test it."""
    return not series(result["recovery"], result, "free")


def ceiling_passed(result: Result) -> bool:
    """Return whether some l above a ceiling was injected, without which no ceiling is tested."""
    return any(boundary(result, degree) < l_top(result) for degree in judged_rows(result))


def degree_outcome(result: Result, entry: DegreeVerdict) -> Outcome:
    """Return the outcome of an entry of ``verdict["per_degree"]``, that of a version that did not name it too."""
    if "outcome" in entry:
        return entry["outcome"]
    unnamed = {name: value for name, value in result["verdict"].items() if name != "outcome"}
    part = {
        **result,
        "verdict": {**unnamed, "held": entry["held"], "per_degree": [entry]},
        "recovery": [row for row in result["recovery"] if row["degree"] == entry["degree"]],
    }
    return outcome_of_result(cast(Result, part))


def outcome_of_result(result: Result) -> Outcome:
    """Return the outcome of a run, that of a version that did not name it too."""
    verdict = result["verdict"]
    if "outcome" in verdict:
        return verdict["outcome"]
    if no_ceiling(result):
        return "nothing tested"
    if verdict["held"]:
        return "held" if not only_equivariant(result) and ceiling_passed(result) else "nothing tested"
    above, unclear, _ = above_and_below(result)
    return "contradicted" if above else "undecided" if unclear else "falls short"


def l_top(result: Result) -> int:
    """Return the highest l that was injected."""
    return max((int(row["l"]) for row in result["recovery"]), default=int(result["ceiling"]["boundary"]))


def atom_label(atoms: Sequence[AtomEntry], index: int) -> str:
    """Return the element and index of an atom, such as ``C7``, or the name of a pool of environments."""
    for atom in atoms:
        if atom["index"] == index:
            return atom["scope"].partition(":")[2] if "scope" in atom else f"{atom['element']}{index}"
    return str(index)
