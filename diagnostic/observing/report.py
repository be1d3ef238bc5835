"""The report of observables: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..pages.figure_files import FigureSlot, slot
from ..pages.frame import STATES, Banner, Page, Paragraph, Part, Repeat, Section, render_page
from ..pages.tables import Cell, Column, Table, number_cell, numbers
from ..pages.text import MISSING, code, powers_of_ten, prose, significant
from ..records.files import write_whole
from ..records.words import with_error
from ..symmetry.result import calculator_title
from .drawn import cures_of, printed, table_of
from .figures import observing_drawings
from .sentences import cure_words, drift_half_width, outcome_words, summary
from .verdict import judged_cure

Result = Mapping[str, Any]
_CAPTIONS = {
    "orientation-maps": "Free energy of the axis of the molecules over all directions, less its mean. An isotropic model shows "
    "one colour; what is left then is noise, and bins are as fine as a noise of 0.2 kT allows. The prediction is that of the "
    "bare model, from evaluations of turned molecules.",
    "orientation-profile": "Free energy of the axis of the molecules against its angle with z, averaged about z, less its mean, "
    "with 95 % intervals; flat where no direction of space is preferred. The runs are too short for a map over both angles with "
    "a noise below 0.2 kT. The prediction is that of the bare model, from evaluations of turned molecules.",
    "moments": "Means of the Legendre polynomials of the axis, with 95 % intervals: all are zero where space has no direction. "
    "Solid: predicted by exact quadrature for the bare model; dotted: to first order.",
    "pareto": "Error of each observable against its price. Filled: on the front, no cheaper cure has an error that is smaller "
    "beyond statistics. Bars: 95 % intervals; an arrow down: the interval goes on to below a thousandth of the largest error.",
    "drift": "Drift of the conserved energy under each cure, with 95 % intervals. Random rotations heat.",
}
#: The words over the verdict, where those of theory would mislead: it is the model that is not isotropic.
_MARKS = {"contradicted": "✗ Depends on orientation", "held": "✓ Isotropic within the tolerances"}
_CURVES = (
    "Under each cure; bands: the 95 % interval of each point alone. The record of a single run has none, nor has a run that is "
    "too short for an error. Of many curves the first four. Dashed grey: the isotropic answer, where it is exact."
)
_METHOD = (
    "Each cure is a run of its own. Errors are those of block averages, with the series' own autocorrelation time. A deviation "
    "is taken from the isotropic answer where that is exact, and otherwise from the run of the most exact cure. A cure is on the "
    "front unless another costs no more and has a smaller error with intervals that do not overlap; a tie within errors stays "
    "on the front. It is sufficient when all intervals of the observable lie within their tolerances."
)
_LIMITS = (
    "First order in the field is 60 % off for the mean of P_1 where its root mean square is 0.7 kT; exact quadrature is not. "
    "Predictions hold for a molecule in a thermostat: a run at constant energy keeps its angular momentum and does not sample "
    "them. A cubic cell itself breaks rotation from l = 4 on, and only what a cube lets vanish is held against zero there. "
    "Intervals say how well these runs determine the model's averages, not whether the model is right."
)


def write_observing_report(result: Result, directory: Path) -> Path:
    """Write ``report.html`` into a run directory; return its path."""
    return write_whole(directory / "report.html", render_observing_report(result))


def render_observing_report(result: Result) -> str:
    """Return the report as an HTML document; every text of the result is escaped."""
    figures = {
        drawing.name: slot(
            drawing, _CAPTIONS.get(drawing.name, _CURVES), _CAPTIONS.get(drawing.name, _CURVES)
        )
        for drawing in observing_drawings(result)
    }
    judged, table = result["verdict"], result.get("cures")
    notes = [
        *(result.get("notes") or []),
        *(row["sentence"] for row in judged["statements"] if row["name"] == "outer step"),
    ]
    structure = result["structure"]
    sections = [
        Section("observables", "Each observable", [_observables(result)]),
        Section(
            "orientation",
            "Orientations",
            _pick(figures, "orientation-maps", "orientation-profile", "moments"),
        ),
        Section("prediction", "Predicted and measured", _prediction(result)),
        Section("cures", "What cures cost and leave", _cures(result, figures) if table else []),
        Section(
            "curves", "Curves", [figure for name, figure in figures.items() if name.startswith("curves-")]
        ),
        Section("runs", "The runs", [_runs(result)]),
        Section("method", "How it is measured", [Paragraph(_METHOD)]),
        Section("limits", "What is not claimed", [Paragraph(_LIMITS)]),
        Section("repeat", "Repeat it", [_repeat(result)]),
    ]
    return render_page(
        Page(
            kind="Observables",
            title=f"{calculator_title(result['model']['kind'])} of {structure['formula']}",
            banner=Banner(
                STATES[judged["outcome"]],
                _banner(result),
                _mark(result),
                [printed(note) for note in notes],
            ),
            findings=_sentences(result),
            advice=_advice(result),
            sections=sections,
            version=str(result["versions"].get("spectral-ceilings", "")),
        )
    )


def _banner(result: Result) -> str:
    """Return the verdict in a line; the sentence of each observable stands in the table."""
    measured = {name: next(iter(rows.values()), None) for name, rows in result["observables"].items()}
    titles = {name: str(row["title"]) for name, row in measured.items() if row}
    judged = judged_cure(cures_of(result)) if result["runs"] else "none"
    whose = "" if judged == "none" else f"Under {judged}. "
    return printed(whose + summary(result["verdict"]["statements"], titles))


def _mark(result: Result) -> str:
    """Return the words over the verdict: where nothing but drift or temperature is off, those of that."""
    off = [row["name"] for row in result["verdict"]["statements"] if row["outcome"] == "contradicted"]
    words = {outcome_words(name, {"outcome": "contradicted"})[1] for name in off}
    if len(words) == 1:
        return words.pop().replace("✗ d", "✗ D").replace("✗ o", "✗ O")
    return _MARKS.get(result["verdict"]["outcome"], "")


def _sentences(result: Result) -> list[str]:
    """Return what is enough for each observable, of this model and of all that are compared."""
    said = []
    for table in (result.get("comparison_of_models"), result.get("cures")):
        said += [printed(row["sentence"]) for row in ((table or {}).get("sufficient") or {}).values()]
    return said


def _advice(result: Result) -> list[str]:
    """Return what to do next."""
    judged, table = result["verdict"]["outcome"], result.get("cures")
    if not table:
        return []
    given = []
    if judged == "undecided":
        given.append(
            "Run longer, or more replicas: intervals shrink with the square root of the time. Where a sentence above says that "
            "longer runs cannot decide, follow it."
        )
    if len(table["rows"]) == 1 and judged != "held":
        given.append("Measure cures: --cures none,inversion,grid-2,grid-2-inversion,mts-4:grid-2-inversion.")
    judged_cures = [row["cure"] for row in table["sufficient"].values()]
    if judged_cures and all(judged_cures) and len(table["rows"]) > 1:
        costs = {row["cure"]: row["evaluations"] for row in table["rows"]}
        dearest = max(judged_cures, key=lambda cure: costs[cure])
        name = cure_words(dearest)
        given.append(
            f"Of what is enough for each observable, the dearest is {dearest} ({name}): begin with it."
        )
    return given


def _pick(figures: Mapping[str, FigureSlot], *names: str) -> list[Part]:
    return [figures[name] for name in names if name in figures]


def _observables(result: Result) -> Table:
    body: list[list[Cell | str]] = []
    for name, by_cure in result["observables"].items():
        for cure, row in by_cure.items():
            kind, words = outcome_words(name, row)
            said = str(row["sentence"]).removeprefix(f"{row['title']}: ")
            body.append(
                [row["title"], cure, Cell(words, kind=kind), prose(printed(said[:1].upper() + said[1:]))]
            )
    caption = "Every observable under every cure, against the isotropic answer."
    return Table("table-observables", caption, ["observable", "cure", "outcome", "what was measured"], body)


def _prediction(result: Result) -> list[Part]:
    predicted = result.get("prediction")
    if not predicted:
        return []
    parts: list[Part] = [Paragraph(powers_of_ten(printed(predicted["sentence"])))]
    if result["comparison"]:
        words = {True: "agrees", False: "differs", None: "undecided"}
        columns = [
            Column("observable"),
            *numbers("measured", "error", "predicted", "first order"),
            Column(""),
        ]
        body: list[list[Cell | str]] = [
            [printed(row["label"]), *(number_cell(row[key], 3) for key in ("measured", "error", "predicted", "predicted_first")),
             words[row["agrees"]]]
            for row in result["comparison"]
        ]  # fmt: skip
        caption = "The bare model's run beside what evaluations of turned molecules predict; error: one standard error."
        parts.append(Table("table-comparison", caption, columns, body))
    return parts


def _cures(result: Result, figures: Mapping[str, FigureSlot]) -> list[Part]:
    table = table_of(result)
    # the drift has a column of its own, under every cure
    names = list(dict.fromkeys(name for row in table["rows"] for name in row["errors"] if name != "drift"))
    references = _references(result)
    heads = [_head(table, name) for name in names]
    columns = [Column("cure"), *numbers("evaluations a step", "ms a step", "drift, meV/atom/ns", *heads)]
    body: list[list[Cell | str]] = []
    for row in table["rows"]:
        cells: list[Cell | str] = [row["cure"], f"{row['evaluations']:g}", number_cell(_milliseconds(row))]
        drift, _, half = _drift(row).partition(" ± ")
        front = row["front"].get("drift")
        sign, said = ("●", "on the front") if front else ("", "")
        cells.append(Cell(drift, half and f"± {half}", "number", sign=sign, said=said))
        for name in names:
            entry = row["errors"].get(name)
            if entry is None:
                cells.append(Cell("reference" if row["cure"] in references else MISSING, kind="number"))
                continue
            small = f"{significant(entry['low'])} to {significant(entry['high'])}"
            if entry["low"] == entry["high"]:
                small = "no statistical error"
            if not entry["enough"]:  # an interval of such a run says nothing
                small = "run too short" if entry.get("sampled", True) else "not sampled"
            front = row["front"].get(name)
            cells.append(
                Cell(
                    significant(entry["value"]),
                    small,
                    "number",
                    sign="●" if front else "",
                    said="on the front" if front else "",
                )
            )
        body.append(cells)
    caption = (
        "What each cure costs and what error it leaves, with 95 % intervals. ●: on the front of the observable. Where no exact "
        f"answer is known the reference is {result['cures']['reference']}"
        + (", and of another model the most exact that it was run with." if "models" in table else ".")
    )
    return [Table("table-cures", caption, columns, body), *_pick(figures, "pareto", "drift")]


def _drift(row: Mapping[str, Any]) -> str:
    """Return the drift of a cure with half its 95 % interval, in the signs of print."""
    if row["drift"] is None:
        return MISSING
    return str(prose(with_error(row["drift"], drift_half_width(row))))


def _references(result: Result) -> list[str]:
    """Return the rows that others are compared with; each model has its own most exact cure."""
    models = result.get("comparison_of_models")
    return models["references"] if models else [result["cures"]["reference"]]


def _head(table: Mapping[str, Any], name: str) -> str:
    entry = next(row["errors"][name] for row in table["rows"] if name in row["errors"])
    return f"{name}, {entry['unit'] or printed(entry['label'])}"


def _milliseconds(row: Mapping[str, Any]) -> float | None:
    seconds = row.get("seconds_per_step")
    return None if seconds is None else 1e3 * float(seconds)


def _runs(result: Result) -> Table:
    columns = [Column("cure"), *numbers("replica", "steps", "ps", "records", "K"), Column("ended")]
    body: list[list[Cell | str]] = [
        [run["cure"], str(run["replica"]), f"{run['steps']:,}", number_cell(run["time_ps"], 3), f"{run['records']:,}",
         number_cell(run["temperature"]["value"], 4), run["ended"] or "as planned"]
        for run in result["runs"]
    ]  # fmt: skip
    return Table("table-runs", "Each run and how it ended.", columns, body)


def _repeat(result: Result) -> Repeat:
    inputs = [
        ("Model", str(result["model"]["source"])),
        ("SHA-256", code(result["model"]["sha256"])),
        ("Structure", f"{result['structure']['source']}, {result['structure']['formula']}"),
    ]
    models = (result.get("comparison_of_models") or {"models": []})["models"]
    inputs += [
        (f"Compared: {row['name']}", f"{row['source']}, SHA-256 {row['sha256'] or 'none'}")
        for row in models[1:]
    ]
    return Repeat.of(result, inputs, (("result.json", "every number, for programs"),))
