"""The report of a symmetry audit: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..pages.html import (
    MISSING,
    column,
    escape,
    facts,
    prose,
    seconds,
    setting,
    significant,
    table,
)
from ..pages.page import page
from ..records.files import write_whole
from .figures import page_symmetry_figures
from .result import calculator_title

Result = Mapping[str, Any]


_CAPTIONS = {
    "degrees": "Root mean square over structures of what depends on orientation, by degree ℓ. A symmetric model has rounding "
    "alone. Dashed: no value is off by more than this.",
    "convergence": "What rules of growing size find for the first structure: Langer, Pozdnyakov and Ceriotti's of order 1, 2 "
    "and 3, with and without inversion. One evaluation finds nothing.",
    "remedies": "What averages over rotations leave, in brackets the evaluations for each step. The forces of one "
    "orientation at a time are those of the bare model; only their average is symmetric.",
}


def write_symmetry_report(result: Result, directory: Path) -> Path:
    """Write ``report.html`` into a run directory; return its path."""
    return write_whole(directory / "report.html", render_symmetry_report(result))


def render_symmetry_report(result: Result) -> str:
    """Return the report as an HTML document; every text of the result is escaped."""
    figures = page_symmetry_figures(result, {name: escape(text) for name, text in _CAPTIONS.items()})

    def figure(name: str) -> str:
        forms = "\n".join(f'<div class="{layout}">{svg}</div>' for layout, svg in figures[name].items())
        return (
            f'<figure id="figure-{name}">\n{forms}\n<figcaption>{_CAPTIONS[name]}</figcaption>\n</figure>\n'
        )

    verdict, kind = result["verdict"], calculator_title(result["calculator"]["kind"])
    title = f"Rotational symmetry of {kind}, on {result['data']['source']}"
    mark = "✓ Symmetric" if verdict["held"] else "✗ Not symmetric"
    sections = [
        ("size", "How large it is", _summary(result)),
        ("degrees", "By degree", figure("degrees") + _structures(result)),
        ("quadrature", "Which quadrature it takes", _quadrature(result) + figure("convergence") + _convergence(result)),
        ("remedies", "What averaging leaves", figure("remedies") + _remedies(result) if result["remedies"] else ""),
        ("limits", "What is not claimed", _LIMITS),
        ("repeat", "Repeat it", _repeat(result)),
    ]  # fmt: skip
    sections = [one for one in sections if one[2]]
    contents = "".join(f'<li><a href="#{name}">{text}</a></li>' for name, text, _ in sections)
    body = "\n".join(
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{text}</h2>\n{inner}\n</section>'
        for name, text, inner in sections
    )
    return page(
        escape(title),
        f"""<header>
<p class="eyebrow">Symmetry audit</p>
<h1>{escape(title)}</h1>
<div class="verdict{"" if verdict["held"] else " failed"} long">
<p class="mark">{mark}</p>
<p>{prose(verdict["sentence"])}</p>
</div>
<p>A structure is turned as a whole, its cell with it, and evaluated. The energy should stay, and so should the forces once
they are turned back. What does not stay is a function of the rotation, and this page gives its power by angular degree ℓ.</p>
<nav aria-label="Contents"><ul>{contents}</ul></nav>
</header>
<main>
{body}
</main>
<footer><p>Made by spectral-ceilings {escape(result["versions"].get("spectral-ceilings", ""))}.</p></footer>
""",
    )


def _number(value: float | None, digits: int = 3) -> str:
    return f'<td class="number">{significant(value, digits)}</td>'


def _summary(result: Result) -> str:
    found = result["summary"]
    names = (("energy_mad", "E_rot, mean absolute", "meV/atom"), ("energy_rms", "E_rot, root mean square", "meV/atom"),
             ("force_mad", "F_rot, mean absolute", "meV/Å"), ("force_rms", "F_rot, root mean square", "meV/Å"),
             ("inversion_energy", "energy under inversion", "meV/atom"),
             ("inversion_force", "forces under inversion", "meV/Å"))  # fmt: skip
    head = [column("quantity", ""), column("value"), column("95 % interval"), column("unit", "")]
    body = []
    for key, text, unit in names:
        one = found[key]
        if one is None:
            continue
        interval = (
            MISSING
            if one["low"] is None
            else f"{significant(one['low'], 3)} to {significant(one['high'], 3)}"
        )
        body.append([f'<th scope="row">{text}</th>', _number(one["value"]), f'<td class="number">{interval}</td>',
                     f"<td>{unit}</td>"])  # fmt: skip
    count = len(result["structures"])
    caption = (
        f"Deviation from the rotational average over {count} {'structure' if count == 1 else 'structures'}. Intervals: bootstrap "
        "over structures, as if they were drawn independently. Forces: each component. Inversion: root mean square difference."
    )
    worst = found["worst"]
    rows = "; ".join(" ".join(significant(v, 3) for v in row) for row in worst["worst_rotation"])
    text = (
        f"<p>The orientation with the most wrong energy is off by {significant(worst['worst_energy'], 3)} meV/atom: structure "
        f"{worst['structure']} turned by the matrix [{rows}].</p>"
    )
    return table(caption, head, body, name="table-summary") + text


def _structures(result: Result) -> str:
    degrees = range(1, result["quadrature"]["l_top"] + 1)
    head = [column("structure", ""), column("formula", ""), column("E_rot"), *(column(f"ℓ = {l}") for l in degrees),
            column("error"), column("F_rot"), *(column(f"ℓ = {l}") for l in degrees), column("error")]  # fmt: skip
    body = []
    for row in result["structures"]:
        cells = [f'<th scope="row">{row["structure"]}</th>', f"<td>{escape(row['formula'])}</td>"]
        for quantity, scale in (("energy", 1e3 / row["atoms"]), ("force", 1e3)):
            values = [scale * power**0.5 for power in row[f"{quantity}_power"][1:]]
            cells += [_number(v, 2) for v in (row[f"{quantity}_rms"], *values, row[f"{quantity}_error"])]
        body.append(cells)
    caption = (
        "Root mean squares by degree: energy in meV/atom, then forces in meV/Å. E_rot and F_rot count inversion too where it "
        "was measured. No value is off by more than the error after it."
    )
    return f"<details>\n<summary>Every structure</summary>\n{table(caption, head, body, name='table-structures')}</details>\n"


def _quadrature(result: Result) -> str:
    one, settings = result["quadrature"], result["settings"]
    last = one["tried"][-1]
    how = "was chosen automatically" if one["automatic"] else "was asked for"
    said = (
        f"<p>Degrees up to ℓ = {one['l_top']} {how}: a quadrature of degree {one['degree']} with {one['rotations']:,} rotations. "
        f"At {settings['checks']} independent random rotations, what these degrees do not explain is "
        f"{significant(100 * last['energy_left'], 2)} % of the energy's variance and "
        f"{significant(100 * last['force_left'], 2)} % of the forces'; "
    )
    said += (
        f"at most {significant(100 * settings['unresolved'], 2)} % was allowed.</p>"
        if one["resolved"]
        else f"{significant(100 * settings['unresolved'], 2)} % was wanted, and a larger rule would be needed.</p>"
    )
    head = [
        column("ℓ up to"),
        column("degree"),
        column("evaluations"),
        column("energy left"),
        column("forces left"),
    ]
    body = [
        [f'<td class="number">{row[k]}</td>' for k in ("l_top", "degree", "evaluations")]
        + [f'<td class="number">{significant(100 * row[k], 2)} %</td>' for k in ("energy_left", "force_left")]
        for row in one["tried"]
    ]
    aliasing = (
        "<p>The same number bounds aliasing. A rule of degree q mixes degrees above q − ℓ into ℓ; but a projection lengthens no "
        "function, so no √P<sub>ℓ</sub> is off by more than the root mean square of what is left.</p>"
    )
    return said + table("Rules tried on the first structure.", head, body, name="table-quadrature") + aliasing


def _convergence(result: Result) -> str:
    head = [column("evaluations"), column("inversion", ""), column("E_rot, mean abs."), column("E_rot, RMS"),
            column("F_rot, mean abs."), column("F_rot, RMS")]  # fmt: skip
    keys = ("energy_mad", "energy_rms", "force_mad", "force_rms")
    rows = sorted(result["convergence"], key=lambda row: row["evaluations"])
    body = [
        [f'<td class="number">{row["evaluations"]}</td>', f"<td>{'yes' if row['inversion'] else 'no'}</td>"]
        + [_number(row[key]) for key in keys]
        for row in rows
    ]
    first = result["structures"][0]
    body.append([f'<td class="number">{first["evaluations"]:,}</td>',
                 f"<td>{'yes' if result['settings']['inversion'] else 'no'}, this audit</td>"]
                + [_number(first[key]) for key in keys])  # fmt: skip
    return table(
        "The first structure, by rules of growing size (meV/atom, meV/Å).",
        head,
        body,
        name="table-convergence",
    )


def _remedies(result: Result) -> str:
    settings = result["settings"]
    head = [column("remedy", ""), column("evaluations<br>a step"), column("E left<br>meV/atom"), column("F left<br>meV/Å"),
            column("energy drift<br>meV/atom/ps"), column("energy ripple<br>meV/atom"), column("angular momentum<br>ħ/ps"),
            column("turned<br>degrees"), column("alignment<br>A₁")]  # fmt: skip
    keys = (
        "evaluations",
        "energy_rms",
        "force_rms",
        "energy_drift",
        "energy_spread",
        "momentum_drift",
        "turned",
        "alignment",
    )
    body = [
        [f'<th scope="row">{escape(row["name"])}</th>', *(_number(row[key]) for key in keys)]
        for row in result["remedies"]
    ]
    caption = (
        f"Averages of the model on the first structure, and {settings['steps']} steps of {settings['timestep']:g} fs from "
        f"{settings['temperature']:g} K without rotation. grid n: a quadrature of degree n, which removes ℓ = 1 to n "
        "exactly; random 4: four random rotations; stochastic: a new one at every step; multiple time step: the bare model "
        "inside, grid 1 at every fourth step."
    )
    return table(caption, head, body, name="table-remedies")


_LIMITS = """<p>The numbers are those of the structures named here. A small deviation says nothing about accuracy, and a model
that keeps the symmetry may be wrong in every orientation alike. Permutations and translations are not measured.</p>"""


def _repeat(result: Result) -> str:
    calculator, data = result["calculator"], result["data"]
    command = f"<code>{escape(result['command'])}</code>"
    text = f'<pre tabindex="0" role="region" aria-label="Command that repeats this run">{command}</pre>\n'
    entries = [("Model", escape(calculator["source"])),
               ("SHA-256", f"<code>{escape(calculator['sha256'] or MISSING)}</code>"),
               ("Structures", f"{escape(data['source'])}, {data['structures']:,}")]  # fmt: skip
    entries += [(key, setting(value)) for key, value in result["settings"].items()]
    text += facts("What was measured.", entries, "table-settings")
    text += facts("Versions.", [(k, setting(v)) for k, v in result["versions"].items()], "table-versions")
    timings = [(key, seconds(float(value))) for key, value in result["timings_s"].items()]
    return text + (facts("Time taken.", timings, "table-timings") if timings else "")
