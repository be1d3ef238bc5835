"""What a symmetry audit says: rotation, translation and inversion, each with its numbers and its own verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..auditing.rounding import NEARBY
from ..records.outcomes import HELD, Outcome, overall
from ..records.words import enumerated
from .result import calculator_title
from .structure import ROUNDINGS

Row = Mapping[str, Any]
_QUANTITIES = ("energy", "force")
_UNITS = {"energy": "meV/atom", "force": "meV/Å"}


def symmetry_verdict(result: Row) -> dict[str, Any]:
    """Return ``{held, outcome, sentence, statements: [{name, held, decides, energy, force, worst, rounding, sentence}]}``.

    ``rotation``, ``translation`` and, where it was measured, ``inversion``: each is held where its energy (meV/atom) and its
    force (meV/Å) are within the tolerance, and open (null) where what is beyond is rounding, or may lie in degrees that were not
    resolved. ``worst`` is the irrep in which most of the miss lies, ``rounding`` is whether the miss is rounding. The outcome
    is that of the statements which decide: an inversion that is broken is a property of the model, such as one built for SO(3),
    and no failure of its rotations.
    """
    statements = [_rotation(result), _translation(result)]
    if result["summary"]["inversion_force"] is not None:
        statements.append(_inversion(result))
    outcome = overall(statement["outcome"] for statement in statements if statement["decides"])
    said = [str(statement["sentence"]) for statement in statements]
    if outcome == "held":
        kept = [statement for statement in statements if statement["held"]]
        said = [_all_kept(result, kept)] + [
            statement["sentence"] for statement in statements if not statement["held"]
        ]
    return {
        "held": HELD[outcome],
        "outcome": outcome,
        "sentence": " ".join(said),
        "statements": statements,
    }


def _all_kept(result: Row, kept: Sequence[Row]) -> str:
    """Return one line over the symmetries that are kept."""
    names = {"rotation": "rotational symmetry", "translation": "translations", "inversion": "inversion"}
    acts = {"rotation": "turning", "translation": "shifting", "inversion": "inverting"}
    energy, force = (max(statement[key] for statement in kept) for key in _QUANTITIES)
    rounding = ", all of it rounding" if all(statement["rounding"] for statement in kept) else ""
    return (
        f"{_title(result)} keeps {enumerated([names[statement['name']] for statement in kept], 'and')} within "
        f"{result['settings']['tolerance']:g} meV: {enumerated([acts[statement['name']] for statement in kept], 'or')} a "
        f"structure changes its energy by at most {_number(energy)} meV/atom and its forces by at most {_number(force)} meV/Å "
        f"(root mean square){rounding}."
    )


def _number(value: float) -> str:
    """Return three significant digits, without a power of ten where a number is large."""
    return f"{value:.3g}" if value < 999.5 else f"{float(f'{value:.3g}'):.0f}"


def _title(result: Row) -> str:
    title = calculator_title(result["calculator"]["kind"])
    return f"{title[0].upper()}{title[1:]}"


def _statement(
    name: str, outcome: Outcome, decides: bool, sizes: Mapping[str, float], **more: Any
) -> dict[str, Any]:
    outcome_field = {"outcome": outcome} if decides else {}
    return {"name": name, "held": HELD[outcome], "decides": decides, **outcome_field, **sizes, **more}


def _outcome(result: Row, sizes: Mapping[str, float]) -> tuple[Outcome, bool]:
    """Return whether the sizes are within the tolerance, and whether all of them are rounding."""
    tolerance, noise = result["settings"]["tolerance"], result["summary"]
    # The difference of two evaluations has sqrt(2) of one rounding.
    limits = {key: ROUNDINGS * np.sqrt(2.0) * noise[f"{key}_rounding"]["value"] for key in _QUANTITIES}
    over = [key for key in _QUANTITIES if sizes[key] > tolerance]
    outcome: Outcome = "held"
    if over:
        outcome = "undecided" if all(sizes[key] <= limits[key] for key in over) else "contradicted"
    return outcome, all(sizes[key] <= limits[key] for key in _QUANTITIES)


def _worst_degree(result: Row, sizes: Mapping[str, float], field: str, first: int) -> tuple[str, int, float]:
    """Return the quantity that is over the tolerance (forces first), the degree with most of its power, and that share."""
    key = "force" if sizes["force"] > result["settings"]["tolerance"] else "energy"
    powers = np.array(result["summary"][f"{field}{key}_by_degree"]) ** 2
    total = float(powers.sum())
    return key, int(powers.argmax()) + first, float(powers.max()) / total if total > 0 else 0.0


def _rotation(result: Row) -> dict[str, Any]:
    deviations, tolerance = result["summary"], result["settings"]["tolerance"]
    sizes = {key: deviations[f"{key}_rms"]["value"] for key in _QUANTITIES}
    outcome, rounding = _outcome(result, sizes)
    count = len(result["structures"])
    over = f"over orientations of {count} {'structure' if count == 1 else 'structures'}"
    energy, force = (_number(sizes[key]) for key in _QUANTITIES)
    numbers = f"its energy deviates by {energy} meV/atom and its forces by {force} meV/Å from their average (root mean square)"
    quadrature = result["quadrature"]
    beyond = not quadrature["resolved"] and not rounding
    worst = None
    if outcome == "contradicted":
        key, degree, share = _worst_degree(result, sizes, "", 1)
        worst = f"l = {degree}"
        of = "forces'" if key == "force" else "energy's"
        sentence = (
            f"{_title(result)} does not keep rotational symmetry within {tolerance:g} meV: {over} {numbers}. Most of the {of} "
            f"deviation ({100 * share:.0f} %) has {worst}."
        )
    elif outcome == "undecided":
        sentence = (
            f"Rounding hides whether {_title(result)} keeps rotational symmetry within {tolerance:g} meV: {over} {numbers}, and "
            f"orientations {_nearby()} rad apart differ as much as any. A finer number format would decide."
        )
    elif (
        beyond
        and max(row[f"{key}_deviation"] for row in result["structures"] for key in _QUANTITIES) > tolerance
    ):
        outcome = "undecided"
        sentence = (
            f"Whether {_title(result)} keeps rotational symmetry within {tolerance:g} meV is open: {over} {numbers}, and more "
            f"may lie above l = {quadrature['l_top']}. A larger --l-top would decide."
        )
    else:
        sentence = f"{_title(result)} keeps rotational symmetry within {tolerance:g} meV: {over} {numbers}."
        if rounding:
            sentence += f" All of it is rounding: orientations {_nearby()} rad apart differ as much as any."
    if outcome == "contradicted" and beyond:
        share = max(quadrature["tried"][-1][f"{key}_left"] for key in _QUANTITIES)
        sentence += (
            f" A share of {100 * share:.1f} % lies above l = {quadrature['l_top']} and is not resolved."
        )
    return _statement("rotation", outcome, True, sizes, worst=worst, rounding=rounding, sentence=sentence)


def _nearby() -> str:
    return f"1e{round(np.log10(NEARBY)):d}"


def _translation(result: Row) -> dict[str, Any]:
    sizes = {key: result["summary"][f"translation_{key}"]["value"] for key in _QUANTITIES}
    outcome, rounding = _outcome(result, sizes)
    energy, force = (_number(sizes[key]) for key in _QUANTITIES)
    numbers = f"a shift changes the energy by {energy} meV/atom and the forces by {force} meV/Å"
    sentence = {
        "held": f"It keeps translations: {numbers}{', which is rounding' if rounding else ''}.",
        "contradicted": f"It does not keep translations: {numbers}.",
        "undecided": f"Rounding hides whether it keeps translations: {numbers}, as much as nearby orientations differ.",
    }[outcome]
    return _statement("translation", outcome, True, sizes, worst=None, rounding=rounding, sentence=sentence)


def _inversion(result: Row) -> dict[str, Any]:
    sizes = {key: result["summary"][f"inversion_{key}"]["value"] for key in _QUANTITIES}
    outcome, rounding = _outcome(result, sizes)
    numbers = (
        f"turning a structure inside out changes the energy by {_number(sizes['energy'])} meV/atom and the forces by "
        f"{_number(sizes['force'])} meV/Å"
    )
    worst = None
    if outcome == "contradicted":
        _, degree, _ = _worst_degree(result, sizes, "inversion_", 0)
        worst = f"{degree}o"
        sentence = (
            f"It breaks inversion: {numbers}, most of it in the irrep {worst}. That is a statement of its own, about mirror "
            "images, and decides nothing about rotations."
        )
    elif outcome == "undecided":
        sentence = (
            f"Rounding hides whether it keeps inversion: {numbers}, as much as nearby orientations differ."
        )
    else:
        sentence = f"It keeps inversion: {numbers}{', which is rounding' if rounding else ''}."
    return _statement("inversion", outcome, False, sizes, worst=worst, rounding=rounding, sentence=sentence)
