"""What a comparison writes: ``compare.json``, ``compare.csv``, the figure, and one page that needs nothing but itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..pages.figure_style import LIGHT, figure_style, inline_svg, png_bytes, svg_text
from ..pages.html import (
    architecture,
    column,
    escape,
    fraction,
    interval,
    prose,
    significant,
    subscripts,
    table,
)
from ..pages.page import page
from ..records.files import whole_folder, write_whole
from ..records.plain import to_json
from .figure import draw_comparison

#: The columns of ``compare.csv``; r2 of every l is in ``compare.json``.
CSV_COLUMNS = (
    "run", "formula", "architecture", "trained", "layer", "l_max", "layers", "parameters", "force_mae_eV_A",
    "frames_held_out", "readout", "degree", "predicted_last", "last_recovered", "predicted_first_lost", "first_lost",
    "r2_ceiling", "r2_ceiling_low", "r2_ceiling_high", "r2_above", "r2_above_low", "r2_above_high", "held",
)  # fmt: skip


def write_comparison(result: Mapping[str, Any], directory: str | Path) -> Path:
    """Write a comparison into a new folder; return the path of its page.

    The folder appears whole or not at all.

    Raises
    ------
    InputError
        The folder exists.
    """
    folder = Path(directory)
    with whole_folder(folder) as made:
        write_whole(made / "compare.json", to_json(result, "comparison"))
        write_whole(made / "compare.csv", _csv(result))
        with figure_style(LIGHT):
            figure = draw_comparison(result, LIGHT)
            write_whole(made / "compare.png", png_bytes(figure))
            drawn = svg_text(figure)
        write_whole(made / "compare.svg", drawn)
        write_whole(made / "report.html", render_comparison(result, drawn))
    return folder / "report.html"


def _csv(result: Mapping[str, Any]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in result["runs"]:
        writer.writerow(["" if row[name] is None else row[name] for name in CSV_COLUMNS])
    return buffer.getvalue()


def render_comparison(result: Mapping[str, Any], drawn: str) -> str:
    """Return the page of a comparison; ``drawn`` is its figure from ``svg_text`` in the light palette."""
    verdict = result["verdict"]
    mark = "✓ Theory held" if verdict["held"] else "✗ Theory not confirmed"
    names = ", ".join(dict.fromkeys(row["run"] for row in result["runs"]))
    figure = inline_svg(
        drawn, LIGHT, "compare", escape(f"R² by ℓ of the runs {names}; numbers in the table below.")
    )
    groups = "".join(_group(group, number) for number, group in enumerate(result["groups"]))
    return page(
        "Comparison of diagnoses",
        f"""<header>
<p class="eyebrow">Comparison of spectral-injection diagnoses</p>
<h1>Where each model loses angular detail, against theory</h1>
<div class="verdict{"" if verdict["held"] else " failed"}{" long" if len(verdict["sentence"]) > 160 else ""}">
<p class="mark">{mark}</p>
<p>{prose(verdict["sentence"])}</p>
</div>
</header>
<main>
<figure>
{figure}
<figcaption>R² of the injected force in the median atom, run by run. Dashed marks are the ceilings dL, vertical strokes the
intervals at the ceiling and just above it.</figcaption>
</figure>
{_runs(result)}
{groups}{_seeds(result)}</main>
""",
    )


def _runs(result: Mapping[str, Any]) -> str:
    head = [column(text, "") for text in ("run", "molecule", "model")]
    texts = ("L", "d", "last recovered", "theory", "first lost", "theory", "R² at dL", "R² at dL + 1")
    head += [column(text) for text in texts]
    head.append(column("verdict", ""))
    body = []
    for row in result["runs"]:
        kind = "" if row["trained"] else " (untrained)"
        cells = [
            f'<th scope="row">{escape(row["run"])}</th>',
            f"<td>{escape(subscripts(row['formula']))}</td>",
        ]
        cells.append(f"<td>{escape(architecture(row['architecture']))}{kind}</td>")
        for name in (
            "l_max",
            "degree",
            "last_recovered",
            "predicted_last",
            "first_lost",
            "predicted_first_lost",
        ):
            cells.append(f'<td class="number">{"–" if row[name] is None else row[name]}</td>')
        for end in ("ceiling", "above"):
            limits = interval(row[f"r2_{end}_low"], row[f"r2_{end}_high"])
            cells.append(f'<td class="number">{fraction(row[f"r2_{end}"])}<small>{limits}</small></td>')
        cells.append(f"<td>{'✓ held' if row['held'] else '✗ not confirmed'}</td>")
        body.append(cells)
    caption = "Last recovered and first lost ℓ of every run, against theory: dL and dL + 1."
    return "<h2>Runs</h2>\n" + table(caption, head, body, name="table-runs")


def _group(group: Mapping[str, Any], number: int) -> str:
    text = (
        f"<h2>{len(group['runs'])} backbones of L = {group['l_max']} on {escape(subscripts(group['formula']))}</h2>\n"
        f"<p>{escape(', '.join(group['runs']))}. Figures are averages over backbones; intervals resample backbones, blocks of "
        "frames and atoms, each on its own.</p>\n"
    )
    for k, one in enumerate(group["tables"]):
        head = [
            column("ℓ", ""),
            column("R²"),
            column("ρ"),
            column("from backbones"),
            column("single backbones"),
        ]
        body = []
        for row in one["rows"]:
            of_backbones = ", ".join(fraction(value) for value in row["r2_of_backbones"])
            body.append(
                [
                    f'<th scope="row">{row["l"]}</th>',
                    *(
                        f'<td class="number">{fraction(found["value"])}'
                        f"<small>{interval(found['low'], found['high'])}</small></td>"
                        for found in (row["r2"], row["rho"])
                    ),
                    f'<td class="number">{100 * row["r2"]["share_of_variance"].get("backbones", 0.0):.0f} %</td>',
                    f"<td>{of_backbones}</td>",
                ]
            )
        kind = f"{one['readout'].capitalize()} readout of degree {one['degree']}"
        caption = f"{kind}, ceiling {one['boundary']}: frames {one['frames']}."
        text += table(caption, head, body, name=f"table-group-{number}-{k}")
        text += f"<p>{prose(step_sentence(one))}</p>\n"
    return text


def step_sentence(one: Mapping[str, Any]) -> str:
    """Return what the step at the ceiling is, how sure it is, and how wide so few backbones make it."""
    n, edge, step = one["backbones"], one["boundary"], one["step"]
    wide = (
        f"With {n} backbones an interval reaches {one['factor']:.2f} bootstrap standard errors to each side between "
        f"backbones, not {one['percentile_factor']:.2f}, and no exact test over backbones gives a p below 1/{2**n}."
    )
    if step is None:
        return "Nothing was fitted above the ceiling, so there is no step to measure. " + wide
    gain, cliff, test = step["contrast_eV2_A2"], step["cliff_ratio"], step["sign_flip"]
    if cliff["value"] is not None and cliff["value"] <= 0.0:
        at = next((row["rho"]["value"] for row in one["rows"] if row["l"] == edge + 1), None)
        ratio = f"rho({edge + 1}) = {significant(at)} is not above zero, so nothing is left to divide by"
    elif cliff["kind"] == "interval":
        ratio = f"{significant(cliff['value'], 3)} ({significant(cliff['low'], 3)} to {significant(cliff['high'], 3)})"
    elif cliff["kind"] == "at least":
        least = significant(min(cliff["low"], -cliff["high"]), 3)
        ratio = f"at least {least} in size, as rho({edge + 1}) is not told from zero"
    else:
        ratio = "not bounded by these data"
    ranks = (
        "" if test["wilcoxon_p"] is None else f", Wilcoxon's exact test {significant(test['wilcoxon_p'], 3)}"
    )
    return (
        f"Raw gain Delta({edge}) - Delta({edge + 1}) = {significant(gain['value'], 3)} "
        f"({significant(gain['low'], 3)} to {significant(gain['high'], 3)}) (eV/Å)²; "
        f"cliff ratio rho({edge}) / rho({edge + 1}): {ratio}. "
        f"Exact sign-flip test over backbones: p = {significant(test['p'], 3)} "
        f"(smallest possible {significant(test['smallest'], 3)}){ranks}; "
        f"over blocks of frames of single backbones: p = "
        f"{', '.join(significant(b['p']) for b in step['sign_flip_of_blocks'])}. {wide}"
    )


def _seeds(result: Mapping[str, Any]) -> str:
    if not result["seeds"]:
        return ""
    entries = "".join(
        f"<li>{escape(', '.join(one['runs']))}: R² differs by at most "
        f"{fraction(max((v for v in one['range'] if v is not None), default=None))} over ℓ</li>"
        for one in result["seeds"]
    )
    return f"<h2>Other seeds of the readout</h2>\n<ul>{entries}</ul>\n"
