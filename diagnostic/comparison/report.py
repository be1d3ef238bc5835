"""What a comparison writes: ``compare.json``, ``compare.csv``, the figure, and one page that needs nothing but itself."""

from __future__ import annotations

import csv
import io
from functools import partial
from pathlib import Path
from typing import cast

from markupsafe import Markup

from ..pages.figure_files import Drawing, FigureSlot, inline
from ..pages.figure_style import LIGHT, figure_style, png_bytes, svg_text
from ..pages.frame import OUTCOME_MARKS, STATES, Banner, Files, Page, Paragraph, Part, Section, render_page
from ..pages.rendering import render
from ..pages.tables import Cell, Column, Table, interval_cell, numbers
from ..pages.text import MISSING, architecture, fraction, prose, significant, subscripts
from ..records.files import whole_folder, write_whole
from ..records.plain import field, to_json
from .figure import draw_comparison, median_of
from .groups import FEWEST
from .result_object import Comparison
from .result_types import BackboneGroup, ComparisonResult, GroupTable

#: The columns of ``compare.csv``; r2 of every l is in ``compare.json``.
CSV_COLUMNS = (
    "run", "formula", "architecture", "trained", "layer", "l_max", "layers", "parameters", "force_mae_eV_A",
    "frames_held_out", "readout", "degree", "predicted_last", "last_recovered", "predicted_first_lost", "first_lost",
    "r2_ceiling", "r2_ceiling_low", "r2_ceiling_high", "r2_above", "r2_above_low", "r2_above_high", "held", "outcome",
)  # fmt: skip

#: What the numbers of the page mean.
_LEAD = (
    "A force field of one angular frequency ℓ was added to the forces, and a readout was fitted to each model's frozen features: "
    "free, any polynomial in them, or equivariant, built from Clebsch-Gordan products. R² is the share of the field that the "
    "readout recovers on held-out frames. Its gain is how much it lowers the mean squared error; ρ is its gain over that of the "
    "oracle, the same fit with the true field among its features."
)
#: The files beside the page.
_FILES = (
    ("compare.json", "every number, for programs"),
    ("compare.csv", "the table of the runs, for a spreadsheet"),
    ("compare.png", "the figure"),
    ("compare.svg", "the figure, to scale"),
)


def write_comparison(result: Comparison | ComparisonResult, directory: str | Path) -> Path:
    """Write a comparison into a new folder; return the path of its page.

    The folder appears whole or not at all.

    Raises
    ------
    InputError
        The folder exists.
    """
    content, folder = cast(ComparisonResult, result), Path(directory)
    with whole_folder(folder) as made:
        write_whole(made / "compare.json", to_json(content, "comparison"))
        write_whole(made / "compare.csv", _csv(content))
        with figure_style(LIGHT):
            figure = draw_comparison(content, LIGHT)
            write_whole(made / "compare.png", png_bytes(figure))
            write_whole(made / "compare.svg", svg_text(figure))
        write_whole(made / "report.html", render_comparison(content))
    return folder / "report.html"


def _csv(result: ComparisonResult) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in result["runs"]:
        writer.writerow(["" if field(row, name) is None else field(row, name) for name in CSV_COLUMNS])
    return buffer.getvalue()


def render_comparison(result: ComparisonResult) -> str:
    """Return the page of a comparison."""
    names = ", ".join(dict.fromkeys(row["run"] for row in result["runs"]))
    drawing = Drawing("compare", partial(draw_comparison, result))
    figure = FigureSlot(
        "compare",
        inline(drawing, f"R² by ℓ of the runs {names}; numbers in the table below."),
        f"R² of the injected force, {median_of(result)}, run by run. Dashed marks are the ceilings dL, vertical strokes the "
        "intervals at the ceiling and just above it.",
        [("PNG", "compare.png"), ("SVG", "compare.svg")],
    )
    groups = [_group(group, number) for number, group in enumerate(result["groups"])]
    return render_page(
        Page(
            kind="Comparison of spectral-injection diagnoses",
            title="Where each model loses angular detail, against theory",
            banner=banner(result),
            findings=[_findings(result)],
            advice=[_advice(result)],
            lead=[_LEAD],
            sections=[
                Section("runs", "Runs", [figure, _runs(result)]),
                *groups,
                Section("seeds", "Other seeds of the readout", [_seeds(result)]),
                Section("files", "Files", [Files(_FILES)]),
            ],
        )
    )


def banner(result: ComparisonResult) -> Banner:
    """Return the box with the verdict of all runs, and what qualifies it: controls that were not run, warnings of single runs."""
    outcome = result["verdict"]["outcome"]
    mark = "✗ Theory contradicted" if outcome == "contradicted" else ""
    return Banner(STATES[outcome], prose(result["verdict"]["sentence"]), mark, remarks(result))


def remarks(result: Comparison | ComparisonResult) -> list[str]:
    """Return what qualifies the verdict, one sentence each."""
    by_run = {row["run"]: row for row in result["runs"]}
    said = [f"{name}: {warning}" for name, row in by_run.items() for warning in row["warnings"]]
    without = [name for name, row in by_run.items() if not row["controls"]]
    if without:
        where = "any run" if len(without) == len(by_run) else ", ".join(without)
        said.append(
            f"Controls were not run in {where}: that an untrained backbone has its cliff at the same place, and that the cliff "
            "needs the random rotations of the frames, was not tested there."
        )
    return said


def _findings(result: ComparisonResult) -> str:
    rows = result["runs"]
    held = sum(row["outcome"] == "held" for row in rows)
    where = ", ".join(
        f"ℓ = {edge} for L = {top} and degree {degree}"
        for top, degree, edge in sorted(
            {(row["l_max"], row["degree"], row["predicted_last"]) for row in rows}
        )
    )
    if held == len(rows):
        return f"Every run stops where theory puts its last angular detail: {where}."
    return (
        f"{held} of {len(rows)} rows of the table {'stops' if held == 1 else 'stop'} where theory puts the last angular detail: "
        f"{where}."
    )


def _advice(result: ComparisonResult) -> str:
    def named(outcome: str) -> str:
        return ", ".join(dict.fromkeys(row["run"] for row in result["runs"] if row["outcome"] == outcome))

    steps = []
    if named("contradicted"):
        steps.append(
            f"Look for an error in {named('contradicted')} first: the first screen of the report says where."
        )
    if named("falls short"):
        steps.append(f"The report of {named('falls short')} says which atoms are low and why.")
    if named("undecided"):
        steps.append(f"Diagnose {named('undecided')} again with more frames: the intervals are too wide.")
    if named("nothing tested"):
        steps.append(
            f"Inject fields above the ceiling, or fit the free readout, in {named('nothing tested')}."
        )
    return " ".join(steps) or (
        "Choose by what you need: L and the degree fix the first lost ℓ. Between models of the same L compare the "
        "heights below the ceiling, with their intervals."
    )


def _runs(result: ComparisonResult) -> Table:
    texts = (
        "L",
        "d",
        Markup("last recovered<br>(theory)"),
        Markup("first lost<br>(theory)"),
        "R² at dL",
        "R² at dL + 1",
    )
    columns = [Column("run", "name"), *map(Column, ("verdict", "molecule", "model")), *numbers(*texts)]
    body: list[list[Cell | str]] = []
    for row in result["runs"]:
        body.append(
            [
                str(row["run"]),
                Markup('<span class="{}">{}</span>').format(*OUTCOME_MARKS[row["outcome"]]),
                subscripts(row["formula"]),
                f"{architecture(row['architecture'])}{' (untrained)' if row['trained'] is False else ''}",
                _whole(row["l_max"]),
                _whole(row["degree"]),
                *(
                    f"{_whole(field(row, measured))} ({_whole(field(row, predicted))})"
                    for measured, predicted in (("last_recovered", "predicted_last"), ("first_lost", "predicted_first_lost"))
                ),
                *(
                    interval_cell(fraction(field(row, f"r2_{end}")), field(row, f"r2_{end}_low"), field(row, f"r2_{end}_high"))
                    for end in ("ceiling", "above")
                ),
            ]
        )  # fmt: skip
    caption = "Last recovered and first lost ℓ of every run, against theory in brackets: dL and dL + 1."
    return Table("table-runs", caption, columns, body)


def _whole(value: int | None) -> str:
    return MISSING if value is None else str(value)


#: How a page calls blocks and atoms: those of frames of a molecule, and those of environments of structures.
_BLOCKS = {"frames": ("blocks of frames", "atoms"), "structures": ("clusters of structures", "elements")}


def _group(group: BackboneGroup, number: int) -> Section:
    few = len(group["runs"]) < FEWEST
    blocks, atoms = (
        _BLOCKS[group["tables"][0].get("blocks", "frames")] if group["tables"] else _BLOCKS["frames"]
    )
    how = (
        "two are too few for an interval, so both values are shown."
        if few
        else f"intervals resample backbones, {blocks} and {atoms}, each on its own."
    )
    parts: list[Part] = [f"{', '.join(group['runs'])}. Figures are averages over backbones; {how}"]
    columns = [Column("ℓ"), *numbers("R²", "ρ", "from backbones"), Column("single backbones")]
    for k, fitted in enumerate(group["tables"]):
        body: list[list[Cell | str]] = [
            [
                str(row["l"]),
                *(
                    interval_cell(fraction(average["value"]), average["low"], average["high"])
                    for average in (row["r2"], row["rho"])
                ),
                MISSING if few else f"{100 * row['r2']['share_of_variance'].get('backbones', 0.0):.0f} %",
                ", ".join(fraction(value) for value in row["r2_of_backbones"]),
            ]
            for row in fitted["rows"]
        ]
        kind = f"{fitted['readout'].capitalize()} readout of degree {fitted['degree']}"
        caption = (
            f"{kind}, ceiling {fitted['boundary']}: {fitted.get('blocks', 'frames')} {fitted['frames']}."
        )
        parts += [
            Table(f"table-group-{number}-{k}", caption, columns, body),
            Paragraph(step_sentence(fitted)),
        ]
    title = f"{len(group['runs'])} backbones of L = {group['l_max']} on {subscripts(group['formula'])}"
    return Section(f"group-{number}", title, parts)


def step_sentence(sample: GroupTable) -> str:
    """Return what the step at the ceiling is, how sure it is, and how wide so few backbones make it."""
    n, edge, step = sample["backbones"], sample["boundary"], sample["step"]
    blocks, _ = _BLOCKS[sample.get("blocks", "frames")]
    exact = f"no exact test over backbones gives a p below 1/{2**n}"
    wide = (
        f"Two backbones are too few for an interval over backbones, and {exact}."
        if n < FEWEST
        else f"With {n} backbones an interval reaches {sample['factor']:.2f} bootstrap standard errors to each side between "
        f"backbones, not {sample['percentile_factor']:.2f}, and {exact}."
    )
    if step is None:
        return "Nothing was fitted above the ceiling, so there is no step to measure. " + wide
    gain, test = step["contrast_eV2_A2"], step["sign_flip"]
    spread = (
        f"of {' and '.join(significant(value, 3) for value in gain['values'])}"
        if gain["few"]
        else f"{significant(gain['low'], 3)} to {significant(gain['high'], 3)}"
    )
    ranks = (
        "" if test["wilcoxon_p"] is None else f", Wilcoxon's exact test {significant(test['wilcoxon_p'], 3)}"
    )
    return (
        f"Raw gain Delta({edge}) - Delta({edge + 1}) = {significant(gain['value'], 3)} ({spread}) (eV/Å)²; cliff ratio "
        f"rho({edge}) / rho({edge + 1}): {_ratio_words(sample)}. Exact sign-flip test over backbones: p = "
        f"{significant(test['p'], 3)} (smallest possible {significant(test['smallest'], 3)}){ranks}; over {blocks} of "
        f"single backbones: p = {', '.join(significant(b['p']) for b in step['sign_flip_of_blocks'])}. {wide}"
    )


def _ratio_words(sample: GroupTable) -> str:
    """Say what the cliff ratio of a table is, or why there is none."""
    edge, step = sample["boundary"], sample["step"]
    assert step is not None  # asked for where there is a step
    cliff = step["cliff_ratio"]
    if cliff["kind"] == "no ratio":
        at = {row["l"]: row["rho"]["value"] for row in sample["rows"]}
        l = edge + 1 if at.get(edge + 1) is None or at[edge + 1] <= 0.0 else edge
        return f"rho({l}) = {significant(at.get(l))} is not above zero, so there is none"
    if cliff["kind"] == "too few":
        each = (MISSING if value is None else significant(value, 3) for value in cliff["values"])
        return f"{significant(cliff['value'], 3)} (of single backbones: {' and '.join(each)})"
    if cliff["kind"] == "interval":
        return f"{significant(cliff['value'], 3)} ({significant(cliff['low'], 3)} to {significant(cliff['high'], 3)})"
    if cliff["kind"] == "at least":
        low, high = cliff["low"], cliff["high"]
        assert low is not None  # a ratio of at least so much in size has both of its ends
        assert high is not None
        least = significant(min(low, -high), 3)
        return f"at least {least} in size, because rho({edge + 1}) cannot be distinguished from zero"
    return "not bounded by these data"


def _seeds(result: ComparisonResult) -> Markup:
    return render("seeds.html.j2", __package__, seeds=result["seeds"]) if result["seeds"] else Markup()
