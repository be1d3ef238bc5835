"""What an audit says: each statement of theory with the worst number measured, and whether it held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..backbones.equivariance import EQUIVARIANCE_TOLERANCE
from .bandwidth import ROUND_OFF

#: Size of a block relative to the largest of its layer below which it is rounding.
EMPTY = 1e-13


def audit_verdict(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{held, sentence, statements: [{name, held, decides, worst, sentence}]}``; inversion decides nothing."""
    compared = (_polynomials(result), *_symmetry(result), _directions(result))
    statements = [statement for statement in compared if statement is not None]
    tails = _tails(result)
    held = all(statement["held"] for statement in statements if statement["decides"])
    sentence = " ".join(statement["sentence"] for statement in statements) + (f" {tails}" if tails else "")
    return {
        "held": held,
        "sentence": sentence.strip() or "Nothing was held against theory.",
        "statements": statements,
    }


def _polynomials(result: Mapping[str, Any]) -> dict[str, Any] | None:
    rows = [row for row in result["readouts"] if row["ceiling"] is not None]
    if not rows:
        return None
    worst = max(row["above"] for row in rows)
    beyond = [row for row in rows if row["above"] > row["floor"]]
    held_to = [row for row in rows if not row["forbidden"]]
    short = [row for row in held_to if row["at_ceiling"] <= ROUND_OFF]
    layers = len({row["layer"] for row in rows})
    count = f"{len(rows)} spectra of random polynomials in {layers} {'layer' if layers == 1 else 'layers'}"
    floor = max(row["floor"] for row in rows)
    if beyond:
        verb = "has" if len(beyond) == 1 else "have"
        said = f"Of {count}, {len(beyond)} {verb} up to {worst:.0e} of the power above the ceiling."
    elif short:
        verb = "does" if len(short) == 1 else "do"
        least = min(row["at_ceiling"] for row in short)
        said = f"Of {count}, {len(short)} {verb} not reach the ceiling (as little as {least:.0e} of the power there)."
    else:
        reach = "reach their ceiling d x L and stop there" if held_to else "stop at their ceiling d x L"
        said = f"Polynomial readouts {reach}: of {count}, none has more than {worst:.0e} of its power above"
        said += f", and the number format can show no less than {floor:.0e}." if worst > ROUND_OFF else "."
    sites = dict.fromkeys(
        f"{row['element']}{row['atom']} ({row['site']})" for row in rows if row["forbidden"]
    )
    if sites:
        said += f" The symmetry of {', '.join(sites)} allows nothing in a layer's highest l: nothing to hold there."
    held = not beyond and not short
    return {"name": "polynomial readouts", "held": held, "decides": True, "worst": worst, "sentence": said}


def _symmetry(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    largest: dict[str, float] = {}
    for row in result["equivariance"]:
        largest[row["layer"]] = max(row["size"], largest.get(row["layer"], 0.0))
    # A block that is rounding beside the others of its layer is empty, and has no error relative to itself.
    rows = [row for row in result["equivariance"] if row["size"] > EMPTY * largest[row["layer"]]]
    if not rows:
        return []
    worst, at = max((max(row["rms"], row["translation"]), k) for k, row in enumerate(rows))
    held, row = worst <= EQUIVARIANCE_TOLERANCE, rows[at]
    name = f"{row['l_out']}{'e' if row['parity'] > 0 else 'o'}"
    moved = "Turning" if row["rms"] >= row["translation"] else "Shifting"
    said = (
        f"Features turn with the molecule and stay under shifts, to {worst:.0e} of their size."
        if held
        else f"Features are not equivariant: {moved.lower()} the molecule misses {name} of {row['layer']} by {worst:.0e} of its "
        "size."
    )
    statements = [{"name": "equivariance", "held": held, "decides": True, "worst": worst, "sentence": said}]
    inverted, at = max((row["inversion"], k) for k, row in enumerate(rows))
    kept, row = inverted <= EQUIVARIANCE_TOLERANCE, rows[at]
    name = f"{row['l_out']}{'e' if row['parity'] > 0 else 'o'}"
    said = (
        f"Inversion acts as declared, {f'to {inverted:.0e}' if inverted else 'exactly'}."
        if kept
        else f"Inversion does not act as declared: {name} of {row['layer']} misses by {inverted:.0e} of its size; no ceiling "
        "depends on it."
    )
    return [
        *statements,
        {"name": "inversion", "held": kept, "decides": False, "worst": inverted, "sentence": said},
    ]


def _directions(result: Mapping[str, Any]) -> dict[str, Any] | None:
    rows = [row for row in result["directions"] if row["predicted"] is not None]
    if not rows:
        return None
    above = [sum(row["power"][row["predicted"] + 1 :]) for row in rows]
    broken = [row for row in rows if row["measured"] > row["predicted"]]
    worst = max(above)
    layers = ", ".join(dict.fromkeys(f"{row['quantity']} on the {row['graph']} graph" for row in rows))
    said = (
        f"One neighbour's direction enters {layers} no finer than theory allows ({worst:.0e} of the power above)."
        if not broken
        else f"One neighbour's direction enters {broken[0]['quantity']} on the {broken[0]['graph']} graph up to l = "
        f"{broken[0]['measured']}, where theory allows {broken[0]['predicted']}."
    )
    return {"name": "one direction", "held": not broken, "decides": True, "worst": worst, "sentence": said}


def _tails(result: Mapping[str, Any]) -> str:
    """Say what a readout that is no polynomial puts above the quadratic ceiling."""
    rows = [row for row in result["readouts"] if row["degree"] is None and row["model"] == "given"]
    tops = {layer["name"]: layer["l_max"] for layer in result["model"]["layers"]}
    rows = [row for row in rows if tops[row["layer"]] > 0]
    if not rows:
        return ""
    tail: dict[str, float] = {}
    for row in rows:
        above = sum(row["power"][2 * tops[row["layer"]] + 1 :])
        tail[row["readout"]] = max(above, tail.get(row["readout"], 0.0))
    titles = {"silu": "SiLU", "tanh": "tanh"}
    words = " and ".join(f"{titles[name]} {value:.0e}" for name, value in tail.items())
    return f"Networks have no ceiling: above 2 x L, up to {words} of the power."
