"""Fills the blocks of the documentation that the package computes, when the pages are built.

A page marks a block with ``<!-- computed: NAME ARGUMENTS -->`` and ``<!-- end -->``; what stands between is replaced. MkDocs
calls `on_page_markdown` as a hook. ``python docs/computed.py PAGE...`` writes the blocks into the pages
themselves, so that they can be read as they are; a test compares them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from spectral_ceilings.diagnostic.backbones.backbone import ARCHITECTURES
from spectral_ceilings.diagnostic.backbones.checkpoint import embedded_names, embedded_record
from spectral_ceilings.paper_checks import claims as registry
from spectral_ceilings.theory import (
    InputCeiling,
    PairTerm,
    ProductTerm,
    SignedRoot,
    best_share,
    crossover_share,
    formal_multiplicities,
    input_ceiling,
    invariant_table,
    minimal_pairs,
    output_ceiling,
    point_group,
    predicted_recovery,
    prove_span_theorem,
    reach_on_graph,
    relation_multiplicities,
    span,
    span_of_degrees,
    third_side,
)

_BLOCK = re.compile(r"(<!-- computed: (?P<call>[^>]*?) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)


def _escaped(text: str) -> str:
    """Return plain text as it may stand in a cell of a table."""
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace("|", "\\|")
        .replace("_", "\\_")
        .replace("^", "\\^")
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _math(root: SignedRoot) -> str:
    text = str(root)
    if match := re.fullmatch(r"(-?)sqrt\((\d+)(?:/(\d+))?\)", text):
        inside = match[2] if match[3] is None else rf"\tfrac{{{match[2]}}}{{{match[3]}}}"
        return rf"${match[1]}\sqrt{{{inside}}}$"
    return f"${text}$"


def witnesses(degree: int, l_max: int) -> str:
    """A table of the witnesses of one pair."""
    theorem = span(degree, l_max)
    rows = []
    for witness in theorem.witnesses:
        product = r"\,".join(f"Y_{{{b},{b}}}" for b in witness.factors) or "1"
        couplings = " → ".join(
            str(b) for b in (witness.factors[:1] + tuple(step.result for step in witness.chain))
        )
        rows.append((f"${witness.l}$", f"${product}$", couplings or "0", _math(witness.coefficient)))
    head = ("$l$", "product", "$l$ of the partial products", "coefficient $c$ of $Y_{l,l}$")
    return f"d = {degree}, L = {l_max}: dimension {theorem.dimension}.\n\n" + _table(head, rows)


def multiplicities(degree: int, l_max: int) -> str:
    """A table of formal, realised and relation multiplicities of one pair."""
    formal = formal_multiplicities(degree, l_max)
    rows = [
        (f"formal $\\mu(l)$, d = {degree}, L = {l_max}", *formal),
        ("on the sphere", *(1 for _ in formal)),
        ("relations", *relation_multiplicities(degree, l_max)),
    ]
    return _table(("$l$", *(str(l) for l in range(len(formal)))), rows)


def closure(degree: int, *features: int) -> str:
    """A sentence with every l that polynomials of features with some l reach."""
    reached = ", ".join(map(str, span_of_degrees(features, degree).reachable))
    return f"Features with l = {', '.join(map(str, sorted(set(features))))} alone, polynomials of degree {degree}: l = {reached}."


def proof() -> str:
    """A table of the steps of the symbolic proof."""
    rows = [
        (step.name, _escaped(step.statement), "holds" if step.holds else "**does not hold**")
        for step in prove_span_theorem()
    ]
    return _table(("step", "what SymPy decides, for all integers", ""), rows)


def paths(degree: int, irreps: str) -> str:
    """A table of the number of independent equivariant outputs of some features, natural parity."""
    ceiling = output_ceiling(irreps, degree)
    every_l = range(ceiling.boundary + 3)
    cells = [f"{ceiling.paths(l):,}" if ceiling.paths(l) else "no path" for l in every_l]
    return _table(("$l$", *map(str, every_l)), [(f"`{irreps}`, degree {degree}", *cells)])


def plateaus(boundary: int) -> str:
    """A table of predicted recoveries by direction around a boundary."""
    every_l = range(boundary - 1, boundary + 3)
    names = {
        "fixed": "fixed vector",
        "solid": "gradient of a solid harmonic",
        "radial": "radial",
        "gradient": "tangential gradient",
    }
    rows = [
        (label, *(predicted_recovery(name, l, boundary) for l in every_l)) for name, label in names.items()
    ]  # type: ignore[arg-type]
    return _table((f"ceiling {boundary}", *(f"$l = {l}$" for l in every_l)), rows)


def groups(*symbols: str) -> str:
    """A table of point groups: invariants at every l, smallest distinct l, minimal pairs."""
    rows = []
    for symbol in symbols:
        l = point_group(symbol).smallest_distinct_l()
        pairs = ", ".join(f"({d}, {n})" for d, n in minimal_pairs(l))
        rows.append((symbol, " ".join(map(str, invariant_table(symbol, 12))), l, pairs))
    return _table(
        ("group", "invariants in $H_0, \\dots, H_{12}$", "first field of its own", "minimal (d, L)"), rows
    )


def inputs() -> str:
    """A table of input-side bounds."""
    cases = [(2, 2, 0), (3, 2, 0), (4, 2, 0), (2, 3, 0), (3, 3, 0), (2, 2, 2), (3, 2, 2)]
    bounds: list[InputCeiling] = [input_ceiling(*case) for case in cases]
    rows = [(b.correlation, b.l_max, b.l_out, b.boundary, b.without_symmetry) for b in bounds]
    head = ("correlation $\\nu$", "$L$", "$l_{out}$", "sees $l \\le$", "without symmetry")
    return _table(head, rows)


def shares(neighbours: int) -> str:
    """A table of exact shares of pair terms and products on a star."""
    terms = [*(PairTerm(l) for l in range(1, 7)), ProductTerm(1, 1), ProductTerm(1, 2), ProductTerm(2, 2)]
    rows = []
    for nu, l_max in ((2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3), (4, 1), (4, 2), (4, 3)):
        for alike in (True, False):
            values = (str(best_share(term, nu, l_max, neighbours, alike=alike)) for term in terms)
            rows.append((nu, l_max, "alike" if alike else "told apart", *values))
    head = [
        "$\\nu$",
        "$L$",
        "neighbours",
        *(f"$P_{l}$" for l in range(1, 7)),
        "$P_1 P_1$",
        "$P_1 P_2$",
        "$P_2 P_2$",
    ]
    return _table(head, rows)


def layers() -> str:
    """A table of bounds of several layers on a star."""
    rows = []
    for nu, l_max, hidden, message, count in (
        (2, 1, None, None, 2),
        (2, 1, None, 1, 2),
        (2, 1, 2, 1, 2),
        (2, 1, 0, 1, 2),
        (2, 1, 1, 1, 2),
        (2, 2, 4, 2, 2),
        (2, 2, 2, 2, 2),
        (3, 2, 1, 2, 2),
        (3, 3, 2, 3, 2),
        (3, 3, 2, 3, 3),
    ):
        reach = reach_on_graph("star", nu, l_max, count, hidden_l_max=hidden, message_l_max=message)
        cuts = ("none" if cut is None else cut for cut in (hidden, message))
        rows.append((nu, l_max, count, *cuts, reach.at_centre, reach.through_leaves))
    head = ("$\\nu$", "$L$", "layers", "features cut off at", "messages cut off at", "centre", "leaves")
    return _table(head, rows)


def crossover(l_max: int, correlation: int) -> str:
    """A table of shares of two neighbours at distance 1 by the cutoff."""
    bound = input_ceiling(correlation, l_max).boundary
    cutoffs = [Fraction(n, 10) for n in (10, 11, 12, 13, 14, 15, 16, 17, 18, 20)]
    sides = [third_side(1, 1, cutoff) for cutoff in cutoffs]
    rows = [
        (f"$P_{l}$", *(f"{float(crossover_share(PairTerm(l), bound, side.cosine)):.3f}" for side in sides))
        for l in range(1, 7)
    ]
    head = (f"$L = {l_max}$, $\\nu = {correlation}$; cutoff", *(f"{float(cutoff):.1f}" for cutoff in cutoffs))
    return _table(head, [("cosine seen above", *(str(side.cosine) for side in sides)), *rows])


def backbones() -> str:
    """A table of the backbones that ship with the package, from their records."""
    rows = []
    for name in embedded_names():
        record = embedded_record(name)
        builder, training = record["builder"], record["training"]
        counts = (builder["l_max"], builder["num_layers"], builder["num_features"], builder["seed"])
        steps, error = training["steps_done"], f"{1e3 * record['force_mae_eV_A']:.1f}"
        kind = ARCHITECTURES[record["architecture"]]
        rows.append(
            (f"`{name}`", kind, *counts, record["parameters"], training["data"]["frames"], steps, error)
        )
    head = (
        "name", "architecture", "$L$", "layers", "channels", "seed", "parameters", "frames", "steps", "force MAE, meV/Å",
    )  # fmt: skip
    return _table(head, rows)


def claims() -> str:
    """Every claim of the registry with what decides it."""
    parts = []
    for claim in registry():
        rows = [
            ("claimed", f"{claim.statement} ({claim.where})"),
            ("paper", claim.paper_value),
            ("procedure", claim.procedure),
            ("criterion", claim.criterion + (" It must hold." if claim.must_hold else "")),
            ("refuted by", claim.refuted_by),
            *([("caution", claim.caution)] if claim.caution else []),
            ("repeat it", f"`ceilings paper --only {claim.id} --out runs/{claim.id}`"),
        ]
        cells = [(f"**{name}**", text if name == "repeat it" else _escaped(text)) for name, text in rows]
        parts.append(f"### {_escaped(claim.title)}\n\n" + _table(("", f"`{claim.id}`"), cells))
    return "\n\n".join(parts)


_COMPUTED: dict[str, Callable[..., str]] = {
    "claims": claims,
    "backbones": backbones,
    "witnesses": witnesses,
    "multiplicities": multiplicities,
    "closure": closure,
    "proof": proof,
    "paths": paths,
    "plateaus": plateaus,
    "groups": groups,
    "inputs": inputs,
    "shares": shares,
    "layers": layers,
    "crossover": crossover,
}


def fill(markdown: str) -> str:
    """Replace every computed block of a page.

    Raises
    ------
    ValueError
        If a block names a computation that does not exist.
    """

    def replacement(match: re.Match[str]) -> str:
        name, *arguments = match["call"].split()
        if name not in _COMPUTED:
            raise ValueError(f"computed block {name!r} is unknown: use one of {', '.join(_COMPUTED)}")
        values = [int(argument) if argument.isdecimal() else argument for argument in arguments]
        return f"{match[1]}\n{_COMPUTED[name](*values)}\n\n{match[4]}"

    return _BLOCK.sub(replacement, markdown)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """MkDocs hook: fill the computed blocks of a page."""
    return fill(markdown)


def main(pages: list[str]) -> None:
    """Write the computed blocks into the given pages."""
    for name in pages:
        path = Path(name)
        path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
