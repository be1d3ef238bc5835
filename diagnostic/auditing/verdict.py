"""What an audit says: each statement of theory with the worst number measured, and whether it held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..backbones.equivariance import EQUIVARIANCE_TOLERANCE
from ..records.outcomes import HELD, Outcome, overall
from ..records.words import enumerated
from .bandwidth import CANCELLATION, HIDDEN, NUMERICS
from .result import irrep
from .rounding import EMPTY

Row = Mapping[str, Any]
#: Power at a ceiling stands out of rounding where it is a hundred times that of any degree above, where there is nothing else.
#: Each is a mean of some hundred squares or more, and neighbouring degrees differ by less than a factor of ten.
_STANDS_OUT = 100.0
#: A miss is rounding up to this many times the root mean square of one rounding: that of a single shift scatters, and a
#: difference has sqrt(2) of one.
_ROUNDINGS = 15.0


def audit_verdict(result: Row) -> dict[str, Any]:
    """Return ``{held, outcome, sentence, statements: [{name, held, outcome, decides, worst, sentence}]}``.

    ``outcome`` is one of ``records.outcomes``; statements that decide nothing (inversion) have none. ``held`` is null where
    rounding hides the answer, and of the whole where nothing was held against theory.
    """
    compared = (_polynomials(result), *_symmetry(result), _directions(result))
    statements = [statement for statement in compared if statement is not None]
    outcome = overall(statement["outcome"] for statement in statements if statement["decides"])
    said = [statement["sentence"] for statement in statements] + _tails(result)
    return {
        "held": HELD[outcome],
        "outcome": outcome,
        "sentence": " ".join(said) or "Nothing was held against theory.",
        "statements": statements,
    }


def _statement(name: str, outcome: Outcome, worst: float, sentence: str) -> dict[str, Any]:
    return {"name": name, "held": HELD[outcome], "outcome": outcome, "decides": True, "worst": worst,
            "sentence": sentence}  # fmt: skip


# -------------------- polynomials of features


def _polynomials(result: Row) -> dict[str, Any] | None:
    rows = [row for row in result["readouts"] if row["ceiling"] is not None]
    if not rows:
        return None
    worst = max(row["above"] for row in rows)
    beyond = [row for row in rows if row["above"] > row["floor"]]
    missing = [row for row in rows if row["site_l"] > 0 and not _reached(row)]
    empty = [row for row in missing if row["carried"] <= CANCELLATION * (NUMERICS + row["rounding"])]
    hidden = [row for row in rows if row["floor"] > HIDDEN]
    unclear = [row for row in missing if row not in empty]
    layers = len({row["layer"] for row in rows})
    count = f"{len(rows)} spectra of random polynomials in {layers} {'layer' if layers == 1 else 'layers'}"
    outcome: Outcome = "held"
    if beyond:
        outcome, said = "contradicted", _said_beyond(beyond, count)
    elif empty:
        outcome, said = "falls short", _said_empty(empty, count)
    elif hidden:
        outcome, said = "undecided", _said_hidden(hidden)
    elif unclear:
        outcome, said = "undecided", _said_unclear(unclear, count, worst)
    else:
        reach = (
            "reach their ceiling d x L and stop there"
            if any(not row["forbidden"] and row["ceiling"] for row in rows)
            else "stop at their ceiling d x L"
        )
        said = f"Polynomial readouts {reach}: of {count}, {_none_above(worst, rows)}."
    return _statement("polynomial readouts", outcome, worst, said + _said_sites(rows))


def _reached(row: Row) -> bool:
    """Whether there is power at the highest degree that the site leaves to polynomials of this degree."""
    noise = max(row["power"][row["ceiling"] + 1 :], default=0.0)
    reach = row["power"][row["degree"] * row["site_l"]]
    return bool(reach > min(row["floor"], _STANDS_OUT * noise))


def _none_above(worst: float, rows: Sequence[Row]) -> str:
    floor = max(row["floor"] for row in rows)
    if worst == 0.0:
        return f"none has any power above, where rounding could leave {floor:.0e}"
    return f"none has more than {worst:.0e} of its power above, where rounding could leave {floor:.0e}"


def _said_beyond(rows: Sequence[Row], count: str) -> str:
    row = max(rows, key=lambda candidate: float(candidate["above"]))
    has = "has power" if len(rows) == 1 else "have power"
    return (
        f"Of {count}, {len(rows)} {has} above the ceiling: up to {row['above']:.0e} of it above d x L = {row['ceiling']} in "
        f"{row['layer']}, where rounding leaves {row['floor']:.0e}."
    )


def _said_empty(rows: Sequence[Row], count: str) -> str:
    places = dict.fromkeys((row["layer"], f"{row['element']}{row['atom']}", row["site_l"]) for row in rows)
    layer, _, l = next(iter(places))
    atoms = ", ".join(dict.fromkeys(atom for name, atom, degree in places if (name, degree) == (layer, l)))
    others = len({(name, degree) for name, _, degree in places}) - 1
    also = f" (and so in {others} more {'layer' if others == 1 else 'layers'})" if others else ""
    return (
        f"Polynomial readouts do not reach their ceiling d x L: the features of {layer} hold nothing of l = {l} at {atoms}"
        f"{also}, and the symmetry of the site does not ask for that. Nothing of {count} is above the ceiling."
    )


def _said_hidden(rows: Sequence[Row]) -> str:
    row = max(rows, key=lambda candidate: float(candidate["floor"]))
    return (
        f"Rounding hides the ceiling: features of {row['layer']} are off by {_size(row['rounding'])} of their size between "
        f"orientations that hardly differ, which leaves up to {_size(min(1.0, row['floor']))} of the power of a polynomial "
        f"of degree {row['degree']} anywhere. The model in a finer number format would decide."
    )


def _said_unclear(rows: Sequence[Row], count: str, worst: float) -> str:
    row = min(
        rows, key=lambda candidate: float(candidate["power"][candidate["degree"] * candidate["site_l"]])
    )
    reach = row["degree"] * row["site_l"]
    return (
        f"Of {count}, none has more than {worst:.0e} of its power above its ceiling; whether {len(rows)} of them reach it is not "
        f"told from rounding ({row['power'][reach]:.0e} at l = {reach}, at {row['element']}{row['atom']} of {row['layer']}). The "
        "model in a finer number format, a frame farther from symmetry, or readouts of lower degree would decide."
    )


def _said_sites(rows: Sequence[Row]) -> str:
    """Say where the symmetry of a site leaves less than the highest l of a layer."""
    left: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        if row["forbidden"]:
            left.setdefault((f"{row['element']}{row['atom']}", row["site"]), []).append(row["site_l"])
    said = ""
    for nothing in (True, False):
        places = {place: max(tops) for place, tops in left.items() if (max(tops) == 0) == nothing}
        if places:
            names = ", ".join(f"{atom} ({site})" for atom, site in places)
            said += f" The symmetry of {names} leaves " + (
                "nothing but scalars: nothing to hold there."
                if nothing
                else f"no l above {enumerated(sorted(set(places.values())))} of a layer that goes further: readouts of degree "
                "d end at d times that there."
            )
    return said


# -------------------- rotations, shifts and inversion


def _symmetry(result: Row) -> list[dict[str, Any]]:
    # An irrep that is all rounding is empty, and has no error relative to itself.
    rows = [row for row in result["equivariance"] if row["size"] > 0 and row["rounding"] < EMPTY]
    if not rows:
        return []
    largest: dict[str, float] = {}
    for row in rows:
        largest[row["layer"]] = max(row["size"], largest.get(row["layer"], 0.0))
    off = [row for row in rows if _miss(row) > EQUIVARIANCE_TOLERANCE]
    broken = [row for row in off if _miss(row) > _ROUNDINGS * row["rounding"]]
    rounded = [row for row in off if row not in broken]
    # Small beside its layer, as an irrep is that symmetry nearly empties, it hides nothing of the layer.
    hidden = [
        row for row in rounded if _miss(row) * row["size"] > EQUIVARIANCE_TOLERANCE * largest[row["layer"]]
    ]
    judged = [row for row in rows if row not in rounded or row in hidden]
    worst = max((_miss(row) for row in judged), default=0.0)
    outcome: Outcome = "held"
    if broken:
        outcome = "contradicted"
        said = _said_broken(broken, result["model"].get("approximation", ""))
    elif hidden:
        outcome = "undecided"
        row = max(hidden, key=_miss)
        said = (
            f"Rounding hides whether features turn with the molecule: {irrep(row)} of {row['layer']} is off by "
            f"{_size(_miss(row))} of its size, and orientations that hardly differ are as far apart. The model in a finer "
            "number format would decide."
        )
    else:
        said = f"Features turn with the molecule and stay under shifts, to {worst:.0e} of their size."
    return [_statement("equivariance", outcome, worst, said), _inversion(judged or rows)]


def _miss(row: Row) -> float:
    return float(max(row["rms"], row["translation"]))


def _said_broken(rows: Sequence[Row], approximation: str) -> str:
    said = []
    for key, moved in (("rms", "turning"), ("translation", "shifting")):
        row = max(rows, key=lambda candidate: float(candidate[key]))
        if row[key] > max(EQUIVARIANCE_TOLERANCE, _ROUNDINGS * row["rounding"]):
            said.append(
                f"{moved} the molecule misses {irrep(row)} of {row['layer']} by {_size(row[key])} of its size"
            )
    why = f". {approximation}" if approximation else ""
    return f"Features are not equivariant: {', and '.join(said)}{why}."


def _inversion(rows: Sequence[Row]) -> dict[str, Any]:
    row = max(rows, key=lambda candidate: float(candidate["inversion"]))
    worst = float(row["inversion"])
    kept = worst <= max(EQUIVARIANCE_TOLERANCE, _ROUNDINGS * row["rounding"])
    said = (
        f"Inversion acts as declared, {f'to {worst:.0e}' if worst else 'exactly'}."
        if kept
        else f"Inversion does not act as declared: {irrep(row)} of {row['layer']} misses by {_size(worst)} of its size; no "
        "ceiling depends on it."
    )
    return {"name": "inversion", "held": kept, "decides": False, "worst": worst, "sentence": said}


# -------------------- one neighbour's direction


def _directions(result: Row) -> dict[str, Any] | None:
    rows = [row for row in result["directions"] if row["predicted"] is not None and row["total"] > 0]
    if not rows:
        return None
    worst = max(_above(row) for row in rows)
    broken = [row for row in rows if row["measured"] > row["predicted"]]
    floor = max(row["floor"] for row in rows)
    outcome: Outcome = "held"
    most = f"{worst:.0e}" if worst else "nothing"
    places = enumerated(list(dict.fromkeys(f"{row['quantity']} on the {row['graph']} graph" for row in rows)))
    if broken:
        row = max(broken, key=_above)
        beyond = " and beyond" if row["open"] else ""
        outcome, said = (
            "contradicted",
            (
                f"One neighbour's direction enters {irrep(row)} of {row['quantity']} on the {row['graph']} graph up to l = "
                f"{row['measured']}{beyond}, where theory allows {row['predicted']}: {_above(row):.0e} of the power is above, "
                f"where rounding leaves {row['floor']:.0e}."
            ),
        )
    elif floor > HIDDEN:
        outcome, said = (
            "undecided",
            (
                f"Rounding hides how fine one neighbour's direction enters {places}: it leaves up to "
                f"{_size(min(1.0, floor))} of the power anywhere. The model in a finer number format would decide."
            ),
        )
    else:
        outcome, said = (
            "held",
            (
                f"One neighbour's direction enters {places} no finer than theory allows: {most} of the "
                f"power is above, where rounding could leave {floor:.0e}."
            ),
        )
    return _statement("one direction", outcome, worst, said)


def _above(row: Row) -> float:
    return float(sum(row["power"][row["predicted"] + 1 :]))


def _tails(result: Row) -> list[str]:
    """Say what a readout that is no polynomial puts above the quadratic ceiling, where it is more than rounding."""
    tops = {layer["name"]: layer["l_max"] for layer in result["model"]["layers"]}
    tail: dict[str, float] = {}
    for row in result["readouts"]:
        if row["degree"] is None and row["model"] == "given" and tops[row["layer"]] > 0:
            above = sum(row["power"][2 * tops[row["layer"]] + 1 :])
            if above > row["floor"]:
                tail[row["readout"]] = max(above, tail.get(row["readout"], 0.0))
    if not tail:
        return []
    titles = {"silu": "SiLU", "tanh": "tanh"}
    words = " and ".join(f"{titles[name]} {value:.0e}" for name, value in tail.items())
    return [f"Networks have no ceiling: above 2 x L, up to {words} of the power."]


def _size(share: float) -> str:
    """Return a share as text: a percentage where it is one per cent or more."""
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{share:.0e}"
