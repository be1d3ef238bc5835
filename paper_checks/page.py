"""The page of a run of the claims: every verdict on top, then a section for each claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..diagnostic.pages.figure_files import Drawing, FigureSlot, slot
from ..diagnostic.pages.frame import Banner, Page, Paragraph, Part, Repeat, Section, render_page
from ..diagnostic.pages.rendering import render
from ..diagnostic.pages.tables import Cell, Column, Table, numbers
from ..diagnostic.pages.text import prose, seconds
from .ahead import shares_diagnoses
from .charts import draw
from .facts import RunFacts, badge_names, figures_of, given, how, plain, summary
from .outcome import Chart, Value
from .registry import Claim, paper
from .run import Checked

_LEAD = (
    "Each claim has a procedure and a criterion that were written down before it was measured, unless its caution says "
    "otherwise; they stand below with what was found."
)
_QUICK = "Quick run: fewer frames, atoms and repetitions."


def to_html(checked: Sequence[Checked], facts: RunFacts) -> str:
    """Return the run as one self-contained HTML page."""
    checked_paper = paper(facts.paper)
    held = not any(claim.failed for claim in checked)
    must = [claim.outcome.verdict for claim in checked if claim.claim.must_hold]
    all_hold = must and "cannot be checked here" not in must
    mark = "✓ Every claim that must hold, holds" if all_hold else "✓ No claim fails that must hold"
    if not held:
        mark = "✗ A claim that must hold does not"
    style = resources.files(__package__).joinpath("assets", "paper.css").read_text(encoding="utf-8")
    return render_page(
        Page(
            kind=f"“{checked_paper.title}”, arXiv {checked_paper.arxiv}",
            title="The paper's claims, checked",
            banner=Banner(
                "held" if held else "failed",
                summary(checked),
                mark=mark,
                remarks=[_QUICK] if facts.quick else [],
            ),
            findings=_findings(checked),
            advice=_advice(checked, facts),
            lead=[f"{_LEAD} {checked_paper.available}", f"Data: {Path(facts.data).name}; seed {facts.seed}."],
            sections=[
                Section("verdicts", "Verdicts", _verdict_tables(checked)),
                *(_section(claim, facts) for claim in checked),
                Section(
                    "repeat", "Repeat all of it", [Repeat(facts.command, facts.seed, versions=facts.versions)]
                ),
            ],
            version=facts.versions.get("spectral-ceilings", ""),
            style=style,
        )
    )


def _findings(checked: Sequence[Checked]) -> list[str]:
    words = {
        "does not hold": "Does not hold",
        "holds in direction, number differs": "The direction holds and the number differs",
        "cannot be checked here": "Cannot be checked here",
    }
    said = []
    for verdict, text in words.items():
        titles = [claim.claim.title for claim in checked if claim.outcome.verdict == verdict]
        if titles:
            said.append(f"{text}: {'; '.join(titles)}.")
    return said or ["Every claim that was checked holds."]


def _advice(checked: Sequence[Checked], facts: RunFacts) -> list[str]:
    said = []
    if any(claim.failed for claim in checked):
        said.append(
            "Start with the claims that must hold and fail: their sections say what would refute them, and on what."
        )
    if facts.quick:
        said.append("Run it without --quick before you cite a number.")
    return said or ["Cite a claim with the command at the end of its section: it repeats that claim alone."]


def _verdict_tables(checked: Sequence[Checked]) -> list[Part]:
    """Return the paper's claims, then ours in a table of their own."""
    ours = [claim for claim in checked if claim.claim.ours]
    papers = [claim for claim in checked if not claim.claim.ours]
    parts: list[Part] = [_verdicts(papers)] if papers else []
    if ours:
        parts.append(Paragraph("Claims of our own, which the paper does not make:"))
        parts.append(
            _verdicts(
                ours, "table-ours", "Claims of our own, not the paper's; their names link to what was done."
            )
        )
    return parts


def _verdicts(
    checked: Sequence[Checked],
    name: str = "table-verdicts",
    caption: str = "Every claim; its name links to what was done.",
) -> Table:
    rows: list[list[Cell | str]] = [
        [
            Cell(
                Markup('<a href="#{}">{}</a>').format(claim.claim.id, prose(claim.claim.title)), kind="claim"
            ),
            _badge(claim.outcome.verdict),
            prose(claim.claim.paper_value),
            _ours(claim),
        ]
        for claim in checked
    ]
    columns = [Column(text, "text") for text in ("Claim", "Verdict", "Paper", "Here")]
    return Table(name, caption, columns, rows, fold="", kind="full verdicts")


def _badge(verdict: str) -> Markup:
    return Markup(render("badge.html.j2", __package__, verdict=verdict, badges=badge_names()).strip())


def _ours(checked: Checked) -> Markup:
    """Return at most two numbers of a claim for the table on top: those that the paper has too, then in the claim's order."""
    ranked = sorted(checked.outcome.values, key=lambda value: value.paper is None)
    texts = [Markup("{}: {}").format(prose(value.name), prose(figures_of(value))) for value in ranked[:2]]
    return Markup("<br>").join(texts) or Markup("see below")


def _section(checked: Checked, facts: RunFacts) -> Section:
    claim, outcome = checked.claim, checked.outcome
    parts: list[Part] = [
        render("claim.html.j2", __package__, claim=claim, outcome=outcome, badges=badge_names()),
        *(_figure(claim, number, chart) for number, chart in enumerate(outcome.charts, 1)),
        *_values(claim, outcome.values),
        render("how.html.j2", __package__, entries=how(checked, facts)),
        *(
            _more(claim, number, title, rows)
            for number, (title, rows) in enumerate(outcome.tables.items())
            if rows
        ),
        render("took.html.j2", __package__, took=_took(checked)),
    ]
    return Section(claim.id, prose(claim.title), parts, listed=False)


def _took(checked: Checked) -> str:
    shared = ""
    if checked.diagnoses_seconds:
        shared = f", and the diagnoses that it reads, which other claims share, {seconds(checked.diagnoses_seconds)}"
    elif shares_diagnoses(checked.claim):
        shared = ", without the diagnoses that it shares with other claims"
    return (
        f"Took {seconds(checked.seconds)}{shared}{'; taken from an earlier run' if checked.reused else ''}."
    )


def _figure(claim: Claim, number: int, chart: Chart) -> FigureSlot:
    drawing = Drawing(f"{claim.id}-{number}", lambda palette, _layout: draw(chart, palette), ("wide",))
    caption = Markup("<strong>{}.</strong> {}").format(prose(chart.title), prose(chart.alt))
    return slot(drawing, caption, chart.alt, files=False)


def _values(claim: Claim, values: Sequence[Value]) -> list[Table]:
    if not values:
        return []
    also = [name for name in ("paper", "expected") if any(getattr(v, name) is not None for v in values)]
    columns = [
        Column("Measured"),
        *numbers("Value", *({"paper": "Paper", "expected": "Theory"}[name] for name in also)),
    ]
    rows: list[list[Cell | str]] = [
        [
            Cell(prose(value.name), prose(value.note) if value.note else ""),
            prose(figures_of(value)),
            *(given(getattr(value, name)) for name in also),
        ]
        for value in values
    ]
    return [Table(f"{claim.id}-values", "Numbers, with 95 % intervals where they have one", columns, rows)]


def _more(claim: Claim, number: int, title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    body: list[list[Cell | str]] = [[prose(plain(row.get(name))) for name in rows[0]] for row in rows]
    columns = [Column(prose(name), "text") for name in rows[0]]
    return Table(f"{claim.id}-{number}", prose(title), columns, body, fold=title, heads=False)
