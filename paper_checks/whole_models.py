"""Claims of our own, about whole models: none learns an angle above its exact share, and the third side lifts the bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..diagnostic.whole_models.cell import SIGMAS, ModelCell, ModelCellSettings
from ..diagnostic.whole_models.graphs import GraphLayout
from ..diagnostic.whole_models.measure import calibrate_model
from ..diagnostic.whole_models.models import installed
from ..diagnostic.whole_models.settings import KINDS, ModelSettings
from .context import Context
from .outcome import Outcome, Value

#: Models of the first claim: architecture, L, correlation or layers, neighbours alike.
_STARS = (
    ("mace", 1, 2, True), ("mace", 2, 3, True), ("mace", 1, 4, True), ("mace", 1, 4, False),
    ("nequip", 2, 1, True), ("allegro-linear", 1, 1, True), ("allegro-linear", 2, 1, False),
)  # fmt: skip
#: Models of the second, in this order of preference: what a star forbids each of them.
_CROSSING = (("mace", 2, 2, "pair(3)"), ("nequip", 2, 1, "pair(1)"))
#: R2 of the closed form from which a term counts as represented.
_REPRESENTED = 0.9


def star(context: Context) -> Outcome:
    """Models on a star: training and closed form against exact shares."""
    wanted = [which for which in _STARS if installed(which[0])]
    if not wanted:
        return _absent("nequip")
    terms = ("pair(1)", "pair(2)", "pair(3)", "pair(4)", "product(1,1)")
    cells = [
        _cell(context, name, l_max, order, GraphLayout("star", alike), terms)
        for name, l_max, order, alike in wanted
    ]
    rows = [(cell, row) for cell in cells for row in cell.rows if row.exact is not None]
    bad = [(cell, row) for cell, row in rows if row.verdict in ("contradicted", "undecided")]
    nothing = [row.trained for _, row in rows if row.exact == 0]
    count = sum(row.verdict == "not learned" for _, row in rows)
    said = (
        f"{bad[0][0].settings.title}: {bad[0][1].sentence}."
        if bad
        else f"{len(cells)} models, {len(rows)} terms with an exact share: the closed form reaches each, and training is above "
        f"none; largest trained R2 where theory has 0: {max(nothing):.4f}; {count} were not learned though representable."
    )
    return Outcome(
        "does not hold" if bad else "holds",
        said,
        values=(
            Value(
                "largest trained R2 where theory has 0",
                max(nothing),
                expected=0.0,
                note=f"{len(nothing)} terms",
            ),
        ),
        tables={"Every term": _table(cells)},
        inputs=_inputs(cells),
    )


def crossover(context: Context) -> Outcome:
    """The same model on a star and with all edges: what the third side adds."""
    chosen = next((which for which in _CROSSING if installed(which[0])), None)
    if chosen is None:
        return _absent("nequip")
    name, l_max, order, term = chosen
    blind, seeing = (
        _cell(context, name, l_max, order, GraphLayout(graph), (term,)) for graph in ("star", "all")
    )
    (below,), (above,) = blind.rows, seeing.rows
    held = below.verdict == "agrees" and above.closed_form >= _REPRESENTED
    return Outcome(
        "holds" if held else "does not hold",
        f"{blind.settings.model.title}, {term}: on a star theory {below.share}, closed form {below.closed_form:.4f}, trained "
        f"{below.trained:.4f}; with all edges closed form {above.closed_form:.4f}, trained {above.trained:.4f}.",
        values=(
            Value(f"R2 of {term} on a star, closed form", below.closed_form, expected=0.0),
            Value(f"R2 of {term} with all edges, closed form", above.closed_form, note="theory has no bound"),
            Value(f"R2 of {term} with all edges, trained", above.trained),
        ),
        tables={"Every term": _table([blind, seeing])},
        inputs=_inputs([blind, seeing]),
    )


def _cell(
    context: Context, name: str, l_max: int, order: int, layout: GraphLayout, terms: tuple[str, ...]
) -> ModelCell:
    size: dict[str, Any] = {"correlation": order} if KINDS[name].orders else {"layers": order}
    model = ModelSettings(name, l_max, channels=12 if KINDS[name].orders else 6, **size)
    effort = (
        {"steps": 100, "samples": 1024, "held_out": 2048}
        if context.quick
        else {"steps": 300, "samples": 3072}
    )
    context.tell(f"training {model.title} on the graph {layout.graph}")
    return calibrate_model(ModelCellSettings(model, layout, terms, draws=4, seed=context.seed, **effort))


def _table(cells: Sequence[ModelCell]) -> list[dict[str, Any]]:
    return [
        {
            "model": cell.settings.title,
            "term": row.term,
            "theory": row.share or "no bound",
            "closed form": round(row.closed_form, 4),
            "trained": round(row.trained, 4),
            "verdict": row.verdict,
        }
        for cell in cells
        for row in cell.rows
    ]


def _inputs(cells: Sequence[ModelCell]) -> dict[str, Any]:
    first = cells[0].settings
    return {
        "seed": first.seed,
        "steps": first.steps,
        "configurations": first.samples,
        "standard errors": SIGMAS,
    }


def _absent(extra: str) -> Outcome:
    return Outcome(
        "cannot be checked here",
        "No package of whole models is installed.",
        reason=f"install one, such as pip install 'spectral-ceilings[{extra}]'",
    )
