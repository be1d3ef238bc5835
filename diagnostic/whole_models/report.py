"""The page of a calibration of whole models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from ..pages.axes import Layout
from ..pages.figure_files import Drawing, slot
from ..pages.figure_style import LIGHT, Palette, figure_style
from ..pages.frame import (
    STATES,
    Banner,
    Files,
    KeyNumber,
    Page,
    Paragraph,
    Part,
    Repeat,
    Section,
    render_page,
)
from ..pages.tables import Cell, Column, Table
from .cell import ModelCell, TermRow, graph_title
from .figures import draw_chains, draw_crossover, draw_stars
from .result_object import ModelCalibration
from .settings import KINDS
from .tables import MARKS, TITLES, number, panels, share, size, terms_of

_LEAD = (
    "Each model is trained on angular terms of an energy and judged on configurations that it has not seen. Beside its R2 stand "
    "what theory lets it have at most, as an exact fraction, and a closed form: least squares on the inputs of its last readout "
    "over many draws of the weights below it, which tells what is representable from what was learned."
)
_CAPTIONS = {
    "stars": "R² of P_l by model after training on a star, where no third side tells the angle.",
    "crossover": "R² against the cutoff, from below to above the third side of the triangle.",
    "chains": "R² of torsions after training, on a chain of bonds and with all edges.",
}
_NOTES = {
    "star": "Every angle is seen through harmonics alone: one layer of correlation ν resolves l <= L ⌊ν/2⌋ of a "
    "direction. Gates and SiLU readouts have no degree, so theory has no bound for them.",
    "all": "The third side of the triangle is a distance between atoms that see each other, so it tells the angle at every l.",
    "cutoff": "Cosines are uniform from -1 to 0, so a term above the bound is imitated in part: by as much as polynomials of "
    "that degree approximate it there, which is exact.",
    "chain": "No model that reads a site's own bonds sees a torsion. Allegro is strictly local at any depth.",
    "chain-all": "The distance between the ends tells the torsion.",
}
_ADVICE = {
    "held": "Nothing. To learn a term of high l, look at which of these graphs your model has: see 'When does l_max matter?'.",
    "contradicted": "Run it again with another --seed. If it is above theory again, an implementation or a statement of theory "
    "is wrong: please report it with calibration.json.",
    "undecided": "Run it again without --quick, or from Python with more draws: the closed form has too few functions.",
    "nothing tested": "Add graphs that have a bound: --graphs star.",
}


def drawings_of(cells: Sequence[ModelCell]) -> list[Drawing]:
    """Return the figures that the cells have."""
    known: dict[str, Callable[[Sequence[ModelCell], Palette, Layout], Figure | None]] = {
        "stars": draw_stars,
        "crossover": draw_crossover,
        "chains": draw_chains,
    }
    with figure_style(LIGHT):
        there = [name for name, draw in known.items() if draw(cells, LIGHT, "wide") is not None]

    def drawing(name: str) -> Drawing:
        return Drawing(name, lambda palette, layout: known[name](cells, palette, layout))  # type: ignore[arg-type,return-value]

    return [drawing(name) for name in there]


def page(result: ModelCalibration, drawings: Sequence[Drawing]) -> str:
    """Return the page; the figures lie in ``figures/`` beside it."""
    verdict, cells = result["verdict"], result.cells
    counts = verdict["counts"]
    seconds: dict[str, float] = {}
    for cell in cells:
        name = cell.settings.model.kind.title
        seconds[name] = seconds.get(name, 0.0) + sum(cell.seconds)
    absent = [_absent(KINDS[m["architecture"]].title, m["cells"]) for m in result["missing"]]
    return render_page(
        Page(
            kind="Calibration of whole models",
            title="What whole models learn of an angle, against theory",
            banner=Banner(STATES[verdict["outcome"]], verdict["sentence"], remarks=absent),
            findings=[*verdict["contradictions"], *verdict["undecided"]],
            advice=[_ADVICE[verdict["outcome"]]],
            numbers=[
                KeyNumber("above theory", str(counts["contradicted"])),
                KeyNumber("as theory says", str(counts["agrees"])),
                KeyNumber("not learned", str(counts["not learned"]), ["representable"]),
                KeyNumber("without a bound", str(counts["no bound"])),
            ],
            lead=[_LEAD],
            sections=[
                Section("figures", "By l, and by the cutoff", [slot(d, _CAPTIONS[d.name], _CAPTIONS[d.name]) for d in drawings]),
                *(Section(f"graph-{graph}", TITLES[graph], _panel(graph, group)) for graph, group in panels(cells).items()),
                Section("reasons", "Where the exact shares come from", [_reasons(cells)]),
                Section("repeat", "Repeat it", [_repeat(result, seconds)]),
                Section("files", "Files", [Files(_FILES)]),
            ],
            version=str(result["versions"].get("spectral-ceilings", "")),
        )
    )  # fmt: skip


def _absent(title: str, cells: int) -> str:
    many = f"{cells} {'cell' if cells == 1 else 'cells'}"
    return (
        f"{title} was not run ({many}): its package is not installed here; run the same command with --resume from the "
        "environment that has it."
    )


_FILES = (
    ("calibration.json", "every number, for programs"),
    ("calibration.csv", "one line for each term of each model"),
    ("calibration.md", "the tables as Markdown"),
)


def _repeat(result: ModelCalibration, seconds: dict[str, float]) -> Repeat:
    settings = {key: value for key, value in result["plan"].items() if key != "seed"}
    timings = {name: round(value, 1) for name, value in seconds.items()}
    return Repeat(
        result["command"],
        result["plan"]["seed"],
        settings=settings,
        versions=result["versions"],
        timings=timings,
    )


def _panel(graph: str, cells: Sequence[ModelCell]) -> list[Part]:
    terms = terms_of(cells)
    body: list[list[Cell | str]] = []
    for cell in cells:
        rows = {row.term: row for row in cell.rows}
        name = f"{cell.settings.model.kind.title}, {size(cell)}"
        body.append([name, graph_title(cell.settings.layout), *(_cell(rows.get(term)) for term in terms)])
    caption = (
        f"{TITLES[graph]}: R² after training; below it, theory and the closed form. * representable, not learned. "
        "Standard errors of the held-out sample are in the files."
    )
    return [
        Paragraph(_NOTES[graph]),
        Table(
            f"table-{graph}",
            caption,
            [Column("model"), Column("graph"), *(Column(term, "number") for term in terms)],
            body,
        ),
    ]


def _cell(row: TermRow | None) -> Cell:
    if row is None:
        return Cell("")
    theory = "no bound" if row.share is None else f"theory {share(row)}"
    title = f"{row.reason}; ± {row.trained_error:.3f} trained, ± {row.closed_form_error:.3f} closed form"
    return Cell(
        f"{number(row.trained)}{MARKS[row.verdict]}",
        small=f"{theory}; {number(row.closed_form)}",
        title=title,
    )


def _reasons(cells: Sequence[ModelCell]) -> Table:
    lines: dict[tuple[str, str, str], list[str]] = {}
    for cell in cells:
        for row in cell.rows:
            told = "no bound" if row.share is None else "exact"
            names = lines.setdefault((cell.settings.layout.graph, row.reason, told), [])
            title = cell.settings.model.kind.title
            if title not in names:
                names.append(title)
    body: list[list[Cell | str]] = [
        [TITLES[graph].split(":")[0], told, reason, ", ".join(names)]
        for (graph, reason, told), names in lines.items()
    ]
    return Table(
        "table-reasons",
        "What theory says of each graph, and why.",
        ["graph", "theory", "reason", "models"],
        body,
    )
