"""The report of an audit: one HTML page that needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..pages.html import (
    MISSING,
    architecture,
    column,
    escape,
    facts,
    prose,
    seconds,
    setting,
    significant,
    subscripts,
    table,
)
from ..pages.page import page
from ..records.files import write_whole
from .direction_figures import quantity_name
from .figures import page_audit_figures
from .result import irrep

Result = Mapping[str, Any]


_CAPTIONS = {
    "features": "Under rotation of the molecule a feature of degree ℓ turns with frequency ℓ exactly, so these shares are the "
    "rotation spectrum of each layer. They are averaged over atoms and frames.",
    "readouts": "Power by frequency ℓ of random readouts as the molecule turns, the worst atom and "
    "frame. Polynomials of degree d "
    "stop at d × L (dashed, in their colour) and fall to rounding; networks go on.",
    "bandwidths": "How fine a neighbour's direction each quantity takes in. The grey bar ends where "
    "theory puts the bound (across the "
    "whole width: no bound); a dot is the highest ℓ above rounding, an arrow goes on beyond what was "
    "measured; the stroke and the "
    "diamond are where 99 % and 99.99 % of the power with ℓ ≥ 1 lie.",
    "tails": "How fast the power falls with ℓ, irreps of a layer together. Dashed: untrained.",
}


def write_audit_report(result: Result, directory: Path) -> Path:
    """Write ``report.html`` into a run directory; return its path."""
    return write_whole(directory / "report.html", render_audit_report(result))


def render_audit_report(result: Result) -> str:
    """Return the report as an HTML document; every text of the result is escaped."""
    figures = page_audit_figures(result, {name: escape(text) for name, text in _CAPTIONS.items()})

    def figure(name: str) -> str:
        if name not in figures:
            return ""
        forms = "\n".join(f'<div class="{layout}">{svg}</div>' for layout, svg in figures[name].items())
        return (
            f'<figure id="figure-{name}">\n{forms}\n<figcaption>{_CAPTIONS[name]}</figcaption>\n</figure>\n'
        )

    model, data, verdict = result["model"], result["data"], result["verdict"]
    kind = "a trained" if model["trained"] else "an untrained"
    title = f"Spectra of {kind} {architecture(model['architecture'])} model, on {subscripts(data['formula'])}"
    mark = "✓ Theory held" if verdict["held"] else "✗ Theory not confirmed"
    sections = [
        ("features", "What the layers carry", figure("features") + _features(result) if result["features"] else ""),
        ("readouts", "Where readouts stop", figure("readouts") + _readouts(result) if result["readouts"] else ""),
        ("symmetry", "How well turning the molecule turns the features", _symmetry(result) if result["equivariance"] else ""),
        ("directions", "How fine a direction is taken in",
         _moving(result) + figure("bandwidths") + _bandwidths(result) + figure("tails") if result["directions"] else ""),
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
<p class="eyebrow">Spectral audit</p>
<h1>{escape(title)}</h1>
<div class="verdict{"" if verdict["held"] else " failed"} long">
<p class="mark">{mark}</p>
<p>{_powers(prose(verdict["sentence"]))}</p>
</div>
<p>The number ℓ counts how often a quantity swings as the molecule, or one neighbour, turns once around. A layer whose
features have degrees up to L hands any polynomial of degree d no more than d × L. This page measures that on the
real network, with no training and no fit.</p>
<nav aria-label="Contents"><ul>{contents}</ul></nav>
</header>
<main>
{body}
</main>
<footer><p>Made by spectral-ceilings {escape(result["versions"].get("spectral-ceilings", ""))}.</p></footer>
""",
    )


def _powers(text: str) -> str:
    """Write 3e-30 as 3 × 10⁻³⁰."""
    digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

    def power(found: re.Match[str]) -> str:
        return f"{found[1]}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10{str(int(found[2])).translate(digits)}"

    return re.sub(r"\b(\d)e(-\d+)\b", power, text)


def _number(value: float | None, digits: int = 2) -> str:
    return f'<td class="number">{significant(value, digits)}</td>'


def _label(result: Result, model: str) -> str:
    return "untrained" if model == "untrained" else "trained" if result["model"]["trained"] else "this model"


def _features(result: Result) -> str:
    head = [
        column("layer", ""),
        column("model", ""),
        column("irreps", ""),
        column("share"),
        column("RMS of a component"),
    ]
    body = [
        [f'<th scope="row">{escape(row["layer"])}</th>', f"<td>{_label(result, row['model'])}</td>",
         f"<td>{row['channels']}&nbsp;×&nbsp;{irrep(row)}</td>",
         f'<td class="number">{100 * row["share"]:.2f} %</td>', _number(row["rms"])]
        for row in result["features"]
    ]  # fmt: skip
    return table("Share of every irrep in the power of its layer.", head, body, name="table-features")


def _readouts(result: Result) -> str:
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in result["readouts"]:
        groups.setdefault(
            (row["layer"], row["readout"], row["degree"], row["model"], row["route"]), []
        ).append(row)
    head = [column("layer", ""), column("readout", ""), column("model", ""), column("by", ""), column("ceiling"),
            column("at the ceiling"), column("above it"), column("error")]  # fmt: skip
    body = []
    for (layer, kind, degree, model, route), rows in groups.items():
        ceiling = rows[0]["ceiling"]
        body.append([
            f'<th scope="row">{escape(layer)}</th>',
            f"<td>{'SiLU' if kind == 'silu' else kind}{f' of degree {degree}' if degree else ''}</td>",
            f"<td>{_label(result, model)}</td>",
            f"<td>{'turned molecules' if route == 'network' else 'turned features'}</td>",
            f'<td class="number">{MISSING if ceiling is None else ceiling}</td>',
            _number(None if ceiling is None else min(row["at_ceiling"] for row in rows)),
            _number(None if ceiling is None else max(row["above"] for row in rows)),
            _number(max(row["error"] for row in rows)),
        ])  # fmt: skip
    first = result["readouts"][0]
    caption = (
        f"Power of random readouts at and above their ceiling, relative to all of it: the worst of "
        f"{_atoms(result)}. Quadrature of degree "
        f"{first['quadrature']}, {first['rotations']:,} rotations. Error: relative root mean square, at "
        f"independent random rotations, of "
        "what the spectrum leaves of the function; no √P is off by more."
    )
    return f"<details>\n<summary>Every readout</summary>\n{table(caption, head, body, name='table-readouts')}</details>\n"


def _atoms(result: Result) -> str:
    atoms = sorted({(row["element"], row["atom"]) for row in result["readouts"]})
    frames = len({row["frame"] for row in result["readouts"]})
    names = ", ".join(f"{element}{atom}" for element, atom in atoms)
    return f"{names} in {frames} {'frame' if frames == 1 else 'frames'}"


def _symmetry(result: Result) -> str:
    text = (
        "<p>The network was run on the turned molecule and compared with features turned by Wigner matrices. "
        "The largest error seen "
        "at some rotations can only be too small; the last column but two bounds it for all rotations.</p>"
    )
    head = [column("layer", ""), column("irrep", "")] + [
        column(name)
        for name in ("RMS", "largest seen", "bound", "inversion", "shift", "largest share<br>of wrong ℓ")
    ]
    body = []
    for row in result["equivariance"]:
        wrong = max((power for l, power in enumerate(row["by_degree"]) if l != row["l_out"]), default=0.0)
        body.append([
            f'<th scope="row">{escape(row["layer"])}</th>', f"<td>{row['channels']}&nbsp;×&nbsp;{irrep(row)}</td>",
            *(_number(row[name]) for name in ("rms", "largest", "bound", "inversion", "translation")), _number(wrong),
        ])  # fmt: skip
    return text + table("Errors relative to the features of the irrep.", head, body, name="table-symmetry")


def _moving(result: Result) -> str:
    one = result["moving"]
    numbers = result["data"]["numbers"]
    from ase.data import chemical_symbols

    def atom(index: int) -> str:
        return f"{chemical_symbols[numbers[index]]}{index}"

    return (
        f"<p>{atom(one['neighbour'])} moves on a sphere of {one['distance']:.3f} Å around "
        f"{atom(one['centre'])}; every other atom "
        f"stays, none nearer to it than {one['clearance']:.2f} Å at any time. Features are those of "
        f"{atom(one['centre'])}. On the "
        "star graph only the edges of the centre are kept, so that nothing but directions changes.</p>"
    )


def _bandwidths(result: Result) -> str:
    head = [column("quantity", ""), column("graph", ""), column("model", "")] + [
        column(name) for name in ("theory", "measured", "99 %", "99.99 %", "decades<br>lost per ℓ", "above<br>the bound", "error")
    ]  # fmt: skip
    body = []
    for row in result["directions"]:
        bound = row["predicted"]
        measured = f"≥ {row['measured']}" if row["open"] else str(row["measured"])
        body.append([
            f'<th scope="row">{escape(quantity_name(row))}</th>', f"<td>{row['graph']}</td>",
            f"<td>{_label(result, row['model'])}</td>",
            f'<td class="number">{"no bound" if bound is None else bound}</td>',
            f'<td class="number">{"empty" if row["total"] == 0 else measured}</td>',
            *(f'<td class="number">{MISSING if row[name] is None else row[name]}</td>' for name in ("l99", "l9999")),
            f'<td class="number">{MISSING if row["decay"] is None else format(row["decay"], ".1f")}</td>',
            _number(None if bound is None else sum(row["power"][bound + 1 :])), _number(row["error"]),
        ])  # fmt: skip
    return table(
        "Bandwidth of every quantity in the neighbour's direction.", head, body, name="table-directions"
    )


_LIMITS = """<p>The ceiling bounds what a readout of bounded degree gives back of features of bounded degree. It is no bound on
the whole network: energies and forces can depend on one neighbour's direction at every ℓ where that neighbour has an edge to a
third atom (the full graph), or where a function that is no polynomial acts on what has seen the direction. Where neither is
the case (one polynomial layer on the star graph) they end at the bound of the table.
Random readouts are drawn, not fitted; they show what is possible, not what a training would find. The spectra are those
of the frames, atoms and neighbour named here.</p>"""


def _repeat(result: Result) -> str:
    model, data = result["model"], result["data"]
    command = f"<code>{escape(result['command'])}</code>"
    text = f'<pre tabindex="0" role="region" aria-label="Command that repeats this run">{command}</pre>\n'
    entries = [("Model", escape(model["source"])), ("SHA-256", f"<code>{escape(model['sha256'] or MISSING)}</code>"),
               ("Layers", "<br>".join(f"{escape(one['name'])}: <code>{escape(one['irreps'])}</code>" for one in model["layers"])),
               ("Molecule", f"{escape(subscripts(data['formula']))}, {escape(data['source'])}"),
               ("Frames turned", setting(data["frames"]))]  # fmt: skip
    entries += [(key, setting(value)) for key, value in result["settings"].items()]
    text += facts("What was measured.", entries, "table-settings")
    text += facts("Versions.", [(k, setting(v)) for k, v in result["versions"].items()], "table-versions")
    timings = [(key, seconds(float(value))) for key, value in result["timings_s"].items()]
    return text + (facts("Time taken.", timings, "table-timings") if timings else "")
