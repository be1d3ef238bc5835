"""Fills the blocks of the documentation that the package computes, when the pages are built.

A page marks a block with ``<!-- computed: NAME ARGUMENTS -->`` and ``<!-- end -->``; what stands between is replaced. MkDocs
calls `on_page_markdown` as a hook. ``python docs/computed.py PAGE...`` writes the blocks into the pages
themselves, so that they can be read as they are; a test compares them.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from spectral_ceilings.diagnostic.backbones.backbone import ARCHITECTURES
from spectral_ceilings.diagnostic.backbones.checkpoint import embedded_names, embedded_record
from spectral_ceilings.diagnostic.whole_models.settings import KINDS
from spectral_ceilings.diagnostic.whole_models.tables import MARKS, number
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


def claim_counts() -> str:
    """How many claims the registry has: the paper's, and others."""
    every = registry()
    ours = [claim for claim in every if claim.ours]
    must, ours_must = (sum(claim.must_hold for claim in each) for each in (every, ours))
    names = " and ".join(f"`{claim.id}`" for claim in ours)
    return (
        f"The file has {len(every)} claims: {len(every) - len(ours)} of the paper and {len(ours)} of our own, {names}, marked as "
        f"such. {must} must hold: {must - ours_must} of the paper's and {ours_must} of our own."
    )


#: What `ceilings calibrate --models` wrote as ``calibration.csv``.
WHOLE_MODELS = Path(__file__).parent / "assets" / "whole-models.csv"
_PAIRS, _TORSIONS = ({f"{k}({l})": f"l = {l}" for l in range(1, n)} for k, n in (("pair", 9), ("torsion", 4)))
_PRODUCTS = {"product(1,1)": "1, 1", "product(1,2)": "1, 2", "product(2,2)": "2, 2"}
_GRAPHS = {"star": "star", "all": "all edges", "chain": "chain of bonds", "chain-all": "chain, all edges"}


def _whole_models() -> list[dict[str, dict[str, str]]]:
    """Return the cells, in order, each a mapping from terms to the row of the file."""
    cells: dict[tuple[str, ...], dict[str, dict[str, str]]] = {}
    told = ("architecture", "l_max", "correlation", "layers", "graph", "alike", "cutoff")
    with WHOLE_MODELS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cells.setdefault(tuple(row[name] for name in told), {})[row["term"]] = row
    return list(cells.values())


def _exact(cell: dict[str, dict[str, str]]) -> bool:
    """Whether theory has a share for every term of a cell on a star."""
    return all(row["share"] and row["graph"] == "star" for row in cell.values())


def _model(cell: dict[str, dict[str, str]]) -> tuple[str, str]:
    row = next(iter(cell.values()))
    order = f"ν = {row['correlation']}" if row["correlation"] else f"layers {row['layers']}"
    where = f"cutoff {float(row['cutoff']):g} Å" if row["graph"] == "cutoff" else _GRAPHS[row["graph"]]
    apart = "" if row["alike"] == "True" else ", neighbours told apart"
    return f"{KINDS[row['architecture']].title}, $L$ = {row['l_max']}, {order}", where + apart


def whole_models(which: str) -> str:
    """A table of the calibration of whole models: theory, closed form, training."""
    cells = _whole_models()
    terms = {"products": _PRODUCTS, "chains": _TORSIONS}.get(which, _PAIRS)
    by_graph = [(next(iter(cell.values()))["graph"], cell) for cell in cells]
    stars = [cell for cell in cells if _exact(cell)]
    rest = [cell for graph, cell in by_graph if graph == "star" and not _exact(cell)]
    chosen = {
        "stars": stars,
        "products": [cell for cell in stars if any(cell[term]["share"] != "0" for term in _PRODUCTS)],
        "unbounded": [*rest, *(cell for graph, cell in by_graph if graph == "all")],
        "cutoffs": [cell for graph, cell in by_graph if graph == "cutoff"],
        "chains": [cell for graph, cell in by_graph if graph.startswith("chain")],
    }[which]

    def three(row: dict[str, str]) -> str:
        trained = number(float(row["trained"])) + MARKS[row["verdict"]]
        return f"{row['share'] or '–'}<br>{number(float(row['closed_form']))}<br>{trained}"

    lines = [(*_model(cell), *(three(cell[term]) for term in terms)) for cell in chosen]
    return _table(("model", "graph", *terms.values()), lines)


def whole_models_summary() -> str:
    """The counts of the stars whose shares are exact."""
    cells = [cell for cell in _whole_models() if _exact(cell)]
    rows = [row for cell in cells for row in cell.values()]
    nothing, everything = ([row for row in rows if row["share"] == share] for share in ("0", "1"))
    between = [row for row in rows if row["share"] not in ("0", "1")]
    missed, above = (sum(row["verdict"] == each for row in rows) for each in ("not learned", "contradicted"))
    gaps = [float(row["closed_form"]) - float(Fraction(row["share"])) for row in between]
    far = max(abs(gap) / float(row["closed_form_error"]) for gap, row in zip(gaps, between, strict=True))
    best = {name: max(float(row[name]) for row in nothing) for name in ("closed_form", "trained")}
    least = min(float(row["closed_form"]) for row in everything)
    return (
        f"{len(cells)} settings have an exact share for every term, {len(rows)} terms in all. In the {len(nothing)} where theory "
        f"has 0, the closed form is at most {best['closed_form']:.4f} and training at most {best['trained']:.4f}. In the "
        f"{len(everything)} where theory has 1, the closed form is at least {least:.4f}. In the {len(between)} between, such as "
        f"3/13, 11/13 and 134/161, the closed form is within {far:.1f} standard errors of the fraction. "
        f"{f'{above} numbers are' if above else 'No number is'} above its share. {len(rows) - missed} of the {len(rows)} trained "
        f"numbers are what theory says, {missed} are representable and were not learned."
    )


def whole_models_missed() -> str:
    """What was representable and not learned on those stars, a line for each model."""
    lines = []
    for cell in filter(_exact, _whole_models()):
        missed = [row for row in cell.values() if row["verdict"] == "not learned"]
        said = [f"`{row['term']}` {number(float(row['trained']))} of {row['share']}" for row in missed]
        apart = "told apart" if "apart" in _model(cell)[1] else "alike"
        lines += [f"- {_model(cell)[0]}, {apart}: {', '.join(said)}"] if missed else []
    return "\n".join(lines)


_COMPUTED: dict[str, Callable[..., str]] = {
    "whole_models": whole_models,
    "whole_models_summary": whole_models_summary,
    "whole_models_missed": whole_models_missed,
    "claims": claims,
    "claim_counts": claim_counts,
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
