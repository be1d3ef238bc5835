"""The first screen of a symmetry audit, built from the statements that failed, are open or held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ..pages.frame import STATES, Banner
from ..pages.tables import Cell, Column, Table, number_cell, numbers
from ..pages.text import powers_of_ten, prose, significant
from ..records.plain import field
from .result_types import SymmetryResult

Result = SymmetryResult

_FINE = "Nothing: trust the symmetry. This says nothing about how accurate the model is."
_MIRROR = (
    "Rotations and shifts can be trusted. Mirror images get different energies and forces: where they should not, average each "
    "structure with its inverted self, or build the model with inversion."
)
_PLACE = (
    "The energy depends on where a structure stands. Give the model differences of positions only; until then, move every "
    "structure to one place, such as its centre of mass, before it is evaluated."
)
_OPEN = {
    "rounding": "Run the calculator in a finer number format (float64), or accept its rounding with a larger --tolerance.",
    "degrees": "Run it again with a larger --l-top.",
}

#: What a structure that depends on it is called, and what was done to it, by the statement that failed.
_BROKEN = {"rotation": ("orientation", "Turning"), "translation": ("place", "Shifting")}


def _deciding(result: Result) -> list[Mapping[str, Any]]:
    return [statement for statement in result["verdict"]["statements"] if statement["decides"]]


def banner(result: Result) -> Banner:
    """Return the banner, built from the statements that failed or are open."""
    verdict = result["verdict"]
    outcome = verdict["outcome"]
    sentences = {
        "held": [verdict["sentence"].partition(" It breaks inversion")[0]],
        "contradicted": [
            _change(statement, result["settings"]["tolerance"])
            for statement in _deciding(result)
            if statement["outcome"] == "contradicted"
        ],
        "undecided": [
            statement["sentence"] for statement in _deciding(result) if statement["outcome"] == "undecided"
        ],
    }
    broken = [
        _BROKEN[statement["name"]][0]
        for statement in _deciding(result)
        if statement["outcome"] == "contradicted"
    ]
    plain = all(statement["held"] for statement in verdict["statements"])
    mark = {
        "held": "✓ Symmetric" if plain else "✓ Symmetric under rotations and translations",
        "contradicted": f"✗ Not symmetric: depends on {' and '.join(broken)}",
        "undecided": "",
    }[outcome]
    return Banner(STATES[outcome], _print(" ".join(sentences[outcome])), mark=mark)


def _change(statement: Mapping[str, Any], tolerance: float) -> str:
    """Say what turning or shifting changes, and what it leaves."""
    words = {"energy": ("its energy", "meV/atom"), "force": ("its forces", "meV/Å")}
    changed = [
        f"{name} by {significant(statement[key], 2)} {unit}"
        for key, (name, unit) in words.items()
        if statement[key] > tolerance
    ]
    left = [name for key, (name, _) in words.items() if statement[key] <= tolerance]
    leaves = (
        f", and leaves {left[0]} as they are"
        if left == ["its forces"]
        else f", and leaves {left[0]}"
        if left
        else ""
    )
    return f"{_BROKEN[statement['name']][1]} a structure changes {' and '.join(changed)}, root mean square{leaves}."


def findings(result: Result) -> list[str]:
    """Return what the banner does not give: symmetries that are broken, and the orientation that is worst."""
    statements = result["verdict"]["statements"]
    said = [
        _print(statement["sentence"])
        for statement in statements
        if not statement["held"] and not (statement["decides"] and statement["held"] is None)
    ]
    # where only forces depend on orientation, the worst energy is rounding
    off = result["summary"]["worst"]["worst_energy"] > result["settings"]["tolerance"]
    return said + ([_worst(result)] if off and statements[0]["outcome"] == "contradicted" else [])


def _print(text: str) -> Markup:
    return Markup(powers_of_ten(prose(text)))


def statements_table(result: Result) -> Table:
    """Return rotation, translation and inversion as a small table."""
    columns = [
        *map(Column, ("symmetry", "")),
        *numbers("energy, meV/atom", "forces, meV/Å"),
        Column("of which"),
    ]
    body: list[list[Cell | str]] = []
    for statement in result["verdict"]["statements"]:
        words = {True: "✓ kept", False: "✗ broken", None: "◐ open"}[statement["held"]]
        kind = (
            {True: "held", False: "broken", None: ""}[statement["held"]]
            if statement["decides"] or statement["held"]
            else ""
        )
        of = (
            "all rounding"
            if statement["rounding"]
            else f"most at {statement['worst']}"
            if statement["worst"]
            else ""
        )
        sign = Markup('<span class="{}">{}</span>').format(kind, words) if kind else words
        cells = (number_cell(statement[key], 3) for key in ("energy", "force"))
        body.append([statement["name"], sign, *cells, prose(of)])
    caption = (
        f"Root mean square change over orientations, under shifts of about 1 Å, under inversion; kept: within "
        f"{result['settings']['tolerance']:g}. Inversion decides nothing."
    )
    return Table("table-statements", caption, columns, body)


def advice(result: Result) -> list[str]:
    """Return what to do, a paragraph each."""
    outcome, statements = result["verdict"]["outcome"], result["verdict"]["statements"]
    if outcome == "held":
        return [_FINE] if all(statement["held"] for statement in statements) else [_MIRROR]
    rotation, translation = statements[:2]
    said = []
    if rotation["outcome"] == "contradicted":
        said += _about_rotations(result)
    if translation["outcome"] == "contradicted":
        said.append(_PLACE)
    if rotation["outcome"] == "undecided" and not rotation["rounding"] and _is_unresolved(result):
        said.append(_OPEN["degrees"])
    elif "undecided" in (rotation["outcome"], translation["outcome"]):
        said.append(_OPEN["rounding"])
    return said


def _is_unresolved(result: Result) -> bool:
    """Whether what the rule could not resolve, and no rounding, leaves the statement on rotations open."""
    within = all(
        field(result["summary"], f"{key}_rms")["value"] <= result["settings"]["tolerance"]
        for key in ("energy", "force")
    )
    return within and not result["quadrature"]["resolved"]


def _about_rotations(result: Result) -> list[str]:
    said = [
        "Compare these numbers with the errors that you accept: if they are as large, barriers and phonons depend on how the "
        "structure is oriented in its box.",
    ]
    remedies = [
        (row["force_rms"], row)
        for row in result["remedies"]
        if row["evaluations"] and row["force_rms"] is not None
    ]
    if not remedies:
        l_top = result["quadrature"]["l_top"]
        return [
            *said,
            f"To remove it, average over rotations: a quadrature exact to degree n removes l = 1 to n, and l up to {l_top} was "
            "seen. ceilings audit --parts symmetry,remedies measures what averages leave and cost.",
        ]
    left, best = min(remedies, key=lambda pair: pair[0])
    return [
        *said,
        f"To remove it, average over rotations: {best['name']} leaves {significant(left, 2)} meV/Å of the forces "
        f"for {best['evaluations']:g} evaluations a step; the table below shows what cheaper ones leave.",
    ]


def _worst(result: Result) -> str:
    worst = result["summary"]["worst"]
    rows = "; ".join(" ".join(significant(v, 3) for v in row) for row in worst["worst_rotation"])
    return (
        f"The energy of the worst orientation is off by {significant(worst['worst_energy'], 3)} meV/atom: structure "
        f"{worst['structure']} turned by the matrix [{rows}]."
    )
