"""Claims about several molecules, and about the atoms of one."""

from __future__ import annotations

from .backbones import curves, inputs_of, joint_verdict
from .context import Context
from .effort import MAIN, main_run, run
from .measures import (
    atoms,
    cliff,
    interval,
    last_recovered,
    lost,
    points,
    recovered,
    row,
    table_rows,
    value_of,
)
from .outcome import Chart, Outcome, Value, Verdict


def cross_molecule(context: Context) -> Outcome:
    """The cliff at 4/5 for every molecule of the data, with one backbone."""
    names = context.molecules()
    runs = [
        (name, main_run(context) if name == "aspirin" else run(context, MAIN, molecule=name, l_top=8), 4)
        for name in names
    ]
    stand = [cliff(result, 4)[0] for _, result, _ in runs]
    broken = [recovered(row(result, 5)) for _, result, _ in runs]
    named = [(name, result) for name, result, _ in runs]
    table = [
        {"molecule": name, "atoms measured": len(atoms(r, 4)), **entry}
        for (name, r), entry in zip(named, table_rows(runs), strict=True)
    ]
    for entry in table:
        entry.pop("backbone")
    fewer = (
        "" if len(names) >= 4 else f"The data holds {len(names)} of the molecules; --data rmd17 has five. "
    )
    return Outcome(
        joint_verdict(stand, broken),
        "; ".join(
            f"{name}: last recovered l = {last_recovered(result)}, R²(4) {interval(row(result, 4))}"
            for name, result in named
        )
        + ".",
        reason=fewer
        + "One backbone, trained on aspirin, is used for every molecule: the ceiling does not depend on training, "
        "the height below it does.",
        values=tuple(
            value_of(row(r, l), f"R2({l}), {name}", expected=0.0 if l == 5 else None)
            for name, r in named
            for l in (4, 5)
        ),
        tables={"Cliff by molecule": table},
        charts=(
            curves(
                named,
                "Cliff by molecule, quadratic readout",
                "R² against l, one line each; the dotted line is the ceiling.",
                [4],
            ),
        ),
        inputs={"backbone": MAIN, **{name: result["data"]["sha256"] for name, result in named}},
    )


def per_atom(context: Context) -> Outcome:
    """Recovery at l = 4 and 5 of every atom of aspirin, with the reasons for low values."""
    result = main_run(context)
    inside, outside = atoms(result, 4), atoms(result, 5)
    ranked = sorted(inside, key=lambda entry: entry[2]["r2"])
    worst, best = ranked[0], ranked[-1]
    differ = worst[2]["r2_high"] < best[2]["r2_low"]
    none_above = all(lost(entry) for _, _, entry in outside)
    leak = [f"{element}{i}" for i, element, entry in outside if entry["r2_low"] > 0.05]
    verdict: Verdict = "holds" if differ and none_above else "does not hold"
    if verdict != "holds" and differ and not leak:
        verdict = "holds in direction, number differs"
    why = {int(atom["index"]): atom for atom in result["atoms"]}
    above = {i: entry for i, _, entry in outside}
    rows = [
        {
            "atom": f"{element}{i}",
            "R2(4)": interval(entry),
            "R2(5)": interval(above[i]),
            "marked neighbour": why[i]["marked_neighbour"],
            "reason": why[i].get("reason") or why[i]["why"],
        }
        for i, element, entry in ranked
    ]
    return Outcome(
        verdict,
        f"R²(4) runs from {interval(worst[2])} ({worst[1]}{worst[0]}) to {interval(best[2])} ({best[1]}{best[0]}); every atom's "
        f"R²(5) is below 0.05{'' if none_above else ' but ' + ', '.join(leak)}.",
        values=(
            value_of(worst[2], f"lowest R2(4), {worst[1]}{worst[0]}"),
            value_of(best[2], f"highest R2(4), {best[1]}{best[0]}"),
            Value("largest R2(5) of an atom", max(entry["r2"] for _, _, entry in outside), expected=0.0),
        ),
        tables={"Atoms, from the lowest": rows},
        charts=(
            Chart(
                "R² of each atom of aspirin, quadratic readout",
                "R² on held-out frames",
                "",
                "R² of every atom at l = 4 and at l = 5, with intervals.",
                kind="bars",
                lines=(
                    points("l = 4", [entry for _, _, entry in ranked]),
                    points("l = 5", [above[i] for i, _, _ in ranked]),
                ),
                categories=tuple(f"{element}{i}" for i, element, _ in ranked),
            ),
        ),
        inputs=inputs_of([(MAIN, result)]),
    )
