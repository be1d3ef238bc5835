"""The first screen of the report: the verdict and what qualifies it, what was found in plain words, what to do."""

from __future__ import annotations

from ..measurement.result import (
    LOW,
    NO_PATH,
    NOTHING_TO_HOLD,
    Result,
    Row,
    above_and_below,
    atom_label,
    boundary,
    main_injection,
    no_ceiling,
    only_equivariant,
    outcome_of_result,
    series,
)
from ..pages.frame import MARKS, STATES, Banner, KeyNumber, State
from ..pages.text import fraction, interval, prose, significant
from .atoms import judged_atoms
from .cells import by_l
from .pools import unit

_NO_CONTROLS = (
    "Controls were not run. So it was not tested whether an untrained backbone has its cliff at the same place, whether the "
    "cliff needs the random rotations of the frames, and how much the readout fits when nothing is injected."
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


def state_of(result: Result) -> State:
    """Return what the run says of theory, as the state of its box."""
    return STATES[outcome_of_result(result)]


def banner(result: Result) -> Banner:
    """Return the box with the verdict, and what qualifies it: frames that the model does not know, checks that were overruled."""
    state = state_of(result)
    unrun = [] if result["controls"] else [_NO_CONTROLS]
    mark = f"{MARKS['held']}, without controls" if state == "held" and unrun else ""
    if outcome_of_result(result) == "contradicted":
        mark = "✗ Theory contradicted"
    return Banner(
        state, prose(result["verdict"]["sentence"]), mark, [*foreign(result), *overruled(result), *unrun]
    )


def foreign(result: Result) -> list[str]:
    """Return the warning that the backbone does not know these frames, where that was measured."""
    error = result["checks"].get("force_error")
    return [str(error["sentence"])] if error and error["foreign"] else []


def overruled(result: Result) -> list[str]:
    """Return one sentence for each check of the files that the user overruled."""
    data = result["data"]
    files = [
        (str(data["source"]), data),
        *([(str(data["held_out_file"]["source"]), data["held_out_file"])] if "held_out_file" in data else []),
    ]
    return [
        f"Overruled for {source}, {name}: {words.rstrip('.')}."
        for source, notes in files
        for name, words in (notes.get("overruled") or {}).items()
    ]


def _recovered(r2: float) -> str:
    share = max(0.0, 100.0 * r2)
    return "nothing" if share < 0.5 else f"{share:.0f} %" if share < 99.5 else f"{share:.1f} %"


def findings(result: Result) -> list[str]:
    """Say in plain words what was found, from the numbers."""
    readout, rows = leading(result)
    if no_ceiling(result):
        shares = ", ".join(
            f"{_recovered(row['r2'])} at ℓ = {row['l']}"
            for row in rows
            if row["l"] > 0 and row["r2"] is not None
        )
        return [f"Of the injected force fields, the {readout} readout recovers {shares}."]
    edge = boundary(result, int(result["ceiling"]["degree"]))
    at = by_l(rows)
    sentences = []
    below, beyond = at.get(edge), at.get(edge + 1)
    if below is not None and below["r2"] is not None and below["verdict"] != NOTHING_TO_HOLD:
        sentence = f"Of a force field at the ceiling, ℓ = {edge}, the {readout} readout recovers {_recovered(below['r2'])}"
        if beyond is None:
            sentence += "; nothing finer was injected."
        elif beyond["verdict"] == NO_PATH or beyond["r2"] is None:
            sentence += f"; for the next finer one, ℓ = {edge + 1}, symmetry leaves it no term at all."
        else:
            sentence += f"; of the next finer one, ℓ = {edge + 1}, {_recovered(beyond['r2'])}."
        sentences.append(sentence)
    low = [atom for atom in judged_atoms(result) if atom["low"]]
    if low:
        count = f"{len(low)} of the {len(judged_atoms(result))} {unit(result)}s measured"
        sentences.append(f"At the ceiling, R² is below {LOW:g} for {count}.")
    above, unclear, short = above_and_below(result)
    if above and approximate(result):
        sentences.append(
            f"Something above the ceiling of exactly equivariant features is recovered, at {_listed(above)}: these features miss "
            f"equivariance by {significant(result['checks']['equivariance_error'])}."
        )
    elif above:
        sentences.append(
            f"Something above a ceiling is recovered, at {_listed(above)}, which theory excludes."
        )
    elif unclear:
        sentences.append(
            f"At {_listed(unclear)} the intervals are too wide to say whether anything is recovered."
        )
    sites = symmetric_sites(result)
    if sites:
        sentences.append(sites)
    if short and not above:
        sentences.append(
            f"At {_listed(short)} these features recover less than their ceiling allows. That does not contradict "
            "theory, which bounds from above only."
        )
    return [" ".join(sentences)] if sentences else []


def symmetric_sites(result: Result) -> str:
    """Say at which atoms the exact symmetry of the site leaves nothing to hold, for the leading measurement."""
    injection, degree = main_injection(result)[0], int(result["ceiling"]["degree"])
    named = [
        f"{atom_label(result['atoms'], entry['atom'])} ({entry['site']}; {_listed(entry['nothing_to_hold'])})"
        for entry in result["checks"].get("sites", ())
        if (entry["injection"], entry["degree"]) == (injection, degree)
    ]
    if not named:
        return ""
    return f"The exact symmetry of the site leaves nothing to hold at {', '.join(named)}; the verdict leaves it out."


def advice(result: Result) -> list[str]:
    """Say what to do next."""
    edge = boundary(result, int(result["ceiling"]["degree"]))
    above, unclear, short = above_and_below(result)
    state = state_of(result)
    steps = []
    if no_ceiling(result):
        steps.append(
            "For a limit that training cannot move, use features with a declared symmetry. To recover finer detail with these, "
            "train on rotated frames, or read them out with more coefficients and frames."
        )
    elif above and approximate(result):
        steps.append(
            "If the ceiling matters, make the features exactly equivariant: a finer grid for the activation, or none. `ceilings "
            "audit` measures what the grid leaves at every ℓ."
        )
    elif above:
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
            f"See below which {unit(result)}s are low and why: too few frames or coefficients, like neighbours, or the features."
        )
    elif state == "unjudged":
        steps.append(
            "Fit the free readout as well: only it can find something above the ceiling."
            if only_equivariant(result)
            else "Take frames in which the molecule vibrates, or atoms whose site has less symmetry."
            if symmetric_sites(result)
            else f"Inject finer fields, up to ℓ = {edge + 1} at least: only they test the ceiling."
        )
    elif state == "held":
        steps.append(
            f"Nothing, if the detail that you need is no finer than ℓ = {edge}. If it is finer, training will not help: use "
            "features with a higher ℓ, or a readout that multiplies more of them."
        )
    else:
        steps.append("Look at each degree below; repeat it with more frames and another seed.")
    if any(atom["low"] for atom in judged_atoms(result)) and not (above or unclear or short):
        steps.append(
            f"The table of {unit(result)}s says why some are low, and whether more coefficients would help."
        )
    if foreign(result):
        steps.append(
            "Diagnose it on frames of the kind that it was trained for, or check the units, before you rely on it."
        )
    if not result["controls"]:
        steps.append(_WITH_CONTROLS)
    return [" ".join(steps)]


def _listed(degrees: list[int]) -> str:
    return f"ℓ = {', '.join(map(str, degrees))}"


def key_numbers(result: Result) -> list[KeyNumber]:
    """Return the ceiling, and R2 at it and just above it."""
    degree, edge = int(result["ceiling"]["degree"]), int(result["ceiling"]["boundary"])
    notes = [f"degree {degree} × features up to ℓ = {int(result['ceiling']['l_max'])}"]
    if no_ceiling(result):
        return _unbounded_numbers(result)
    entries = [KeyNumber("Ceiling", f"ℓ = {edge}", notes)]
    readout, rows = leading(result)
    at = by_l(rows)
    whom = f"{readout} readout, median {unit(result)}"
    for l, place in ((edge, "at the ceiling"), (edge + 1, "just above it")):
        row = at.get(l)
        if row is None:
            continue
        if row["verdict"] in (NO_PATH, NOTHING_TO_HOLD):
            entries.append(KeyNumber(f"R² {place}, ℓ = {l}", str(row["verdict"]), [whom]))
        elif row["r2"] is not None:
            limits = interval(row["r2_low"], row["r2_high"])
            notes = [limits, whom] if limits else [whom]
            entries.append(KeyNumber(f"R² {place}, ℓ = {l}", fraction(row["r2"]), notes))
    return entries


def approximate(result: Result) -> bool:
    """Return whether the features miss equivariance, so that the ceiling binds them only up to that."""
    return result["ceiling"].get("kind") == "approximate"


def _unbounded_numbers(result: Result) -> list[KeyNumber]:
    """Return the finest l that is recovered, and how much of it, where there is no ceiling."""
    readout, rows = leading(result)
    whom = f"{readout} readout of degree {int(result['ceiling']['degree'])}, median atom"
    entries = [KeyNumber("Ceiling", "none", ["no symmetry is declared"])]
    got = [row for row in rows if row["verdict"] == "recovered" and row["l"] > 0]
    if not got:
        return [*entries, KeyNumber("Finest ℓ recovered", "none", [whom])]
    entries.append(KeyNumber("Finest ℓ recovered", f"ℓ = {got[-1]['l']}", [whom]))
    limits = interval(got[-1]["r2_low"], got[-1]["r2_high"])
    return [
        *entries,
        KeyNumber(f"R² there, ℓ = {got[-1]['l']}", fraction(got[-1]["r2"]), [limits] if limits else []),
    ]
