"""What an audit says: each statement of theory with the worst number measured, and whether it held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..backbones.equivariance import EQUIVARIANCE_TOLERANCE
from .bandwidth import ROUND_OFF


def audit_verdict(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{held, sentence, statements: [{name, held, worst, sentence}]}``."""
    compared = (_polynomials(result), _symmetry(result), _directions(result))
    statements = [statement for statement in compared if statement is not None]
    tails = _tails(result)
    held = all(statement["held"] for statement in statements)
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
    reached = min(row["at_ceiling"] for row in rows)
    held = worst <= ROUND_OFF < reached
    layers = len({row["layer"] for row in rows})
    count = f"{len(rows)} spectra of random polynomials in {layers} {'layer' if layers == 1 else 'layers'}"
    if held:
        said = (
            "Polynomial readouts reach their ceiling d x L and stop there: "
            f"of {count}, none has more than {worst:.0e} of its power above."
        )
    elif worst > ROUND_OFF:
        said = f"Of {count}, one has {worst:.0e} of its power above its ceiling."
    else:
        said = f"Of {count}, one does not reach its ceiling ({reached:.0e} of its power there)."
    return {"name": "polynomial readouts", "held": held, "worst": worst, "sentence": said}


def _symmetry(result: Mapping[str, Any]) -> dict[str, Any] | None:
    rows = [row for row in result["equivariance"] if row["size"] > 0]
    if not rows:
        return None
    worst = max(max(row["rms"], row["inversion"], row["translation"]) for row in rows)
    held = worst <= EQUIVARIANCE_TOLERANCE
    return {
        "name": "equivariance",
        "held": held,
        "worst": worst,
        "sentence": f"Turning the molecule turns the features to {worst:.0e}.",
    }


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
    return {"name": "one direction", "held": not broken, "worst": worst, "sentence": said}


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
