"""The report of a diagnosis: one HTML page that needs nothing but itself."""

from __future__ import annotations

from pathlib import Path

from ..measurement.result import NO_PATH, Result, Row, series
from ..pages.html import architecture, escape, fraction, interval, prose, subscripts
from ..pages.page import page
from ..records.files import write_whole
from .captions import caption, describe
from .cells import by_l
from .contents import SECTIONS
from .figures import FIGURES, page_figures


def write_report(result: Result, directory: str | Path) -> Path:
    """Write ``report.html`` into a run directory; return its path.

    The page is self-contained: figures are inlined as SVG, nothing is requested from anywhere, it opens from
    disk, on a phone, in light and dark, and prints. Every text of `result` is escaped.
    """
    return write_whole(Path(directory) / "report.html", render_report(result))


def render_report(result: Result) -> str:
    """Return the report of a result as an HTML document."""
    figures = page_figures(result, {kind.name: escape(describe(result, kind.name)) for kind in FIGURES})

    def place(name: str) -> str:
        if name not in figures:
            return ""
        forms = "\n".join(f'<div class="{layout}">{svg}</div>' for layout, svg in figures[name].items())
        words = caption(result, name)
        return f'<figure id="figure-{name}">\n{forms}\n<figcaption>{words}</figcaption>\n</figure>\n'

    shown = [section for section in SECTIONS if section.available(result)]
    model, data = result["model"], result["data"]
    kind = "a trained" if model["trained"] else "an untrained"
    title = f"What the features of {kind} {architecture(model['architecture'])} model give back, on {subscripts(data['formula'])}"
    contents = "".join(
        f'<li><a href="#{name}">{text}</a></li>' for name, text in ((s.anchor, s.title) for s in shown)
    )
    body = "\n".join(section.render(result, place) for section in shown)
    return page(
        escape(title),
        f"""<header>
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
{body}
</main>
<footer><p>Made by spectral-ceilings {escape(result["versions"].get("spectral-ceilings", ""))}.</p></footer>
""",
    )


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
