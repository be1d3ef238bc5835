"""The report of a diagnosis: one HTML page that needs nothing but itself."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from . import report_sections as sections
from .cliff_figure import number
from .figure_style import DARK, LIGHT, css_variables
from .figures import FIGURES, control_rows, page_figures
from .files import write_whole
from .report_html import architecture, by_l, escape, fraction, interval, prose, subscripts
from .report_method import method, not_claimed
from .result import NO_PATH, Result, Row, boundary, l_top, main_injection, series

#: The page may load nothing: no script, no font, no picture from anywhere, not even from its own folder.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_CONTROLS_CAPTION = (
    "Each control (diamonds) against this run (filled circles). The dashed mark is the ceiling."
)

_CONTENTS = (
    ("measured", "The measurement"),
    ("controls", "Controls"),
    ("atoms", "Atoms"),
    ("subject", "What was measured"),
    ("method", "Method"),
    ("limits", "What is not claimed"),
    ("repeat", "Repeat it"),
)


def write_report(result: Result, directory: str | Path) -> Path:
    """Write ``report.html`` into a run directory; return its path.

    The page is self-contained: figures are inlined as SVG, nothing is requested from anywhere, it opens from
    disk, on a phone, in light and dark, and prints. Every text of `result` is escaped.
    """
    return write_whole(Path(directory) / "report.html", render_report(result))


def render_report(result: Result) -> str:
    """Return the report of a result as an HTML document."""
    figures = page_figures(result, {kind.name: escape(describe(result, kind.name)) for kind in FIGURES})

    def figure(name: str, caption: str) -> str:
        if name not in figures:
            return ""
        forms = "\n".join(f'<div class="{layout}">{svg}</div>' for layout, svg in figures[name].items())
        return f'<figure id="figure-{name}">\n{forms}\n<figcaption>{caption}</figcaption>\n</figure>\n'

    style = (
        importlib.resources.files(__package__).joinpath("assets", "report.css").read_text(encoding="utf-8")
    )
    model, data = result["model"], result["data"]
    kind = "a trained" if model["trained"] else "an untrained"
    title = f"What the features of {kind} {architecture(model['architecture'])} model give back, on {subscripts(data['formula'])}"
    contents = "".join(f'<li><a href="#{name}">{text}</a></li>' for name, text in _CONTENTS)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
:root {{ {css_variables(LIGHT)} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {css_variables(DARK)} }} }}
{style}</style>
</head>
<body>
<header>
<p class="eyebrow">Spectral-injection diagnosis</p>
<h1>{escape(title)}</h1>
{_verdict(result)}
{_key_numbers(result)}
<p>The number ℓ counts how finely a force changes as the molecule turns: ℓ = 1 goes once from push to pull and
back in a full turn, ℓ = 4 does so four times. We add to the forces a known pattern of one such frequency, and
ask how much of it can be read back from the model's frozen features, on frames that the readout has not seen.
R²&nbsp;=&nbsp;1 is all of it, R²&nbsp;=&nbsp;0 is nothing.</p>
<p>{_ceiling(result)}</p>
<nav aria-label="Contents"><ul>{contents}</ul></nav>
</header>
<main>
<section aria-labelledby="measured">
<h2 id="measured">The measurement</h2>
{figure("cliff", _cliff_caption(result))}
{_per_degree(result)}
{sections.measured_table(result)}
{sections.full_tables(result)}
{sections.other_tables(result)}
</section>
<section aria-labelledby="controls">
<h2 id="controls">Controls</h2>
<p>A cliff means something only if it stays where theory puts it, and goes away when it should.
{_training_sentence(result) if result["controls"] else "No control was run here."}</p>
{figure("controls", _CONTROLS_CAPTION)}
{sections.controls(result)}
</section>
<section aria-labelledby="atoms">
<h2 id="atoms">Atoms</h2>
<p>{_pattern(result)}</p>
{figure("atoms", _atoms_caption(result))}
{sections.atoms_table(result)}
</section>
<section aria-labelledby="subject">
<h2 id="subject">What was measured</h2>
{sections.model_facts(result)}
{sections.data_facts(result)}
<h3>Checks before the measurement</h3>
{sections.checks(result)}
</section>
<section aria-labelledby="method">
<h2 id="method">Method and definitions</h2>
{method(result)}
</section>
<section aria-labelledby="limits">
<h2 id="limits">What is not claimed</h2>
{not_claimed(result)}
</section>
<section aria-labelledby="repeat">
<h2 id="repeat">Repeat it</h2>
{sections.repetition(result)}
</section>
</main>
<footer><p>Made by spectral-ceilings {escape(result["versions"].get("spectral-ceilings", ""))}.</p></footer>
</body>
</html>
"""


def _verdict(result: Result) -> str:
    held = bool(result["verdict"]["held"])
    sentence = str(result["verdict"]["sentence"])
    mark = "✓ Theory held" if held else "✗ Theory not confirmed"
    return (
        f'<div class="verdict{"" if held else " failed"}{" long" if len(sentence) > 160 else ""}">\n<p class="mark">{mark}</p>\n'
        f"<p>{prose(sentence)}</p>\n</div>"
    )


def _ceiling(result: Result) -> str:
    degree, top = int(result["ceiling"]["degree"]), int(result["ceiling"]["l_max"])
    edge = int(result["ceiling"]["boundary"])
    many = "is linear in the features" if degree == 1 else f"multiplies at most {degree} features"
    product = f"{edge}" if degree == 1 else f"{degree} × {top} = {edge}".replace(" ", "\N{NO-BREAK SPACE}")
    return (
        f"The features measured here carry ℓ up to {top}. A readout that {many} can build no pattern finer than "
        f"ℓ&nbsp;=&nbsp;{product}: that is its ceiling, whatever the training."
    )


def _leading(result: Result) -> tuple[str, list[Row]]:
    """Return the readout and rows that the headline speaks of: free, else equivariant, of the main degree."""
    degree = int(result["ceiling"]["degree"])
    for readout in ("free", "equivariant"):
        rows = series(result["recovery"], result, readout).get(degree)
        if rows:
            return readout, rows
    return "free", []


def _key_numbers(result: Result) -> str:
    degree, edge = int(result["ceiling"]["degree"]), int(result["ceiling"]["boundary"])
    entries = [
        ("Ceiling", f"ℓ = {edge}", f"degree {degree} × features up to ℓ = {int(result['ceiling']['l_max'])}")
    ]
    readout, rows = _leading(result)
    at = by_l(rows)
    whom = f"{readout} readout, median atom"
    for where, place in ((edge, "at the ceiling"), (edge + 1, "just above it")):
        row = at.get(where)
        if row is None:
            continue
        if row["verdict"] == NO_PATH:
            entries.append((f"R² {place}, ℓ = {where}", "no path", whom))
        elif row["r2"] is not None:
            limits = interval(row["r2_low"], row["r2_high"])
            entries.append(
                (f"R² {place}, ℓ = {where}", fraction(row["r2"]), f"{limits}<br>{whom}" if limits else whom)
            )
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>" for name, value, note in entries
    )
    return f'<dl class="numbers">{cells}</dl>'


def _per_degree(result: Result) -> str:
    entries = "".join(
        f'<li><span class="{"held" if entry["held"] else "broken"}">{"✓ held" if entry["held"] else "✗ not confirmed"}'
        f"</span>: {prose(entry['sentence'])}</li>"
        for entry in result["verdict"]["per_degree"]
    )
    return f"<ul>{entries}</ul>" if entries else ""


def _cliff_caption(result: Result) -> str:
    injection, direction = main_injection(result)
    said = {
        "free": "<b>Free readout</b>: any polynomial of the features; nothing in it knows of the ceiling. Its values "
        "above each ceiling are shown once more near zero, against the null band: what the same fit finds where there "
        "is nothing to find. ",
        "equivariant": "<b>Equivariant readout</b>: only products that symmetry allows; above the ceiling there is no "
        "such product, hence “no path” and no number. ",
    }
    return (
        "How much of the injected force each readout gives back in the median atom, by angular frequency ℓ "
        f"({escape(injection)} injection, {escape(direction)} direction). "
        + "".join(words for name, words in said.items() if series(result["recovery"], result, name))
        + "Vertical strokes are intervals, dashed marks are the ceilings."
    )


def _pattern(result: Result) -> str:
    if main_injection(result)[0] == "density":
        return "The injected pattern is that of all neighbours within a cutoff, the near ones more than the far ones."
    return (
        "The injected pattern is fixed to the direction of one bonded neighbour, the mark. The mark must be one that "
        "chemistry tells from the others: a methyl carbon cannot point at one of its three hydrogens."
    )


def _atoms_caption(result: Result) -> str:
    degree = int(result["ceiling"]["degree"])
    return (
        f"R² atom by atom, readout of degree {degree}: one row for each atom and its marked neighbour, one "
        f"column for "
        "each ℓ. The height below the ceiling differs from atom to atom; the place of the cliff does not."
        if result["verdict"]["held"]
        else f"R² atom by atom, readout of degree {degree}: one row for each atom and its marked neighbour, one column "
        "for each ℓ."
    )


def _training_sentence(result: Result) -> str:
    """Say what training changes, with the two numbers where the untrained control has them."""
    text = "Training moves the height below the ceiling, not the place of the ceiling"
    edge = int(result["ceiling"]["boundary"])
    for control in result["controls"]:
        if control["name"] == "untrained":
            rows, own, _ = control_rows(result, control)
            before, after = by_l(rows).get(edge), by_l(own).get(edge)
            if before and after and before["r2"] is not None and after["r2"] is not None:
                heights = f"{fraction(after['r2'])} here and {fraction(before['r2'])} untrained"
                return f"{text}: at ℓ = {edge}, R² is {heights}."
    return f"{text}."


def describe(result: Result, name: str) -> str:
    """Return in one sentence what a figure shows, for readers who do not see it."""
    degree = int(result["ceiling"]["degree"])
    edge = boundary(result, degree)
    if name == "cliff":
        parts = []
        for readout in ("free", "equivariant"):
            for at_degree, rows in series(result["recovery"], result, readout).items():
                values = ", ".join(
                    "no path"
                    if row["verdict"] == NO_PATH
                    else number(row["r2"])
                    if row["r2"] is not None
                    else "none"
                    for row in rows
                )
                parts.append(
                    f"{readout} readout of degree {at_degree}, ceiling {boundary(result, at_degree)}: "
                    f"{values}"
                )
        return f"Line chart of R² by angular frequency 0 to {l_top(result)}. " + "; ".join(parts) + "."
    if name == "controls":
        titles = ", ".join(
            str(control["title"]) for control in result["controls"] if control_rows(result, control)[0]
        )
        return f"Line charts of R² by angular frequency, this run against each control: {titles}."
    return (
        f"Shaded table of R² by atom and angular frequency, the ceiling marked after {edge}; numbers below."
    )
