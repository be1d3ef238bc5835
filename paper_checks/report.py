"""The report of a run of the claims: one HTML page that needs nothing but itself, Markdown, and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..diagnostic.records.files import write_json, write_whole
from .charts import svg
from .facts import RunFacts as RunFacts
from .facts import command_for as command_for
from .facts import figures_of, given, how, plain
from .facts import summary as summary
from .page import to_html as to_html
from .registry import paper
from .run import RESULT_SCHEMA, Checked


def write_reports(checked: Sequence[Checked], facts: RunFacts, out: Path) -> Path:
    """Write ``report.html``, ``report.md`` and ``paper.json`` into ``out``, each whole; return the path of the page."""
    write_json(out / "paper.json", to_json(checked, facts))
    write_whole(out / "report.md", to_markdown(checked, facts))
    for claim in checked:
        for number, chart in enumerate(claim.outcome.charts):
            write_whole(out / "figures" / f"{claim.claim.id}-{number + 1}.svg", svg(chart))
    return write_whole(out / "report.html", to_html(checked, facts))


def to_json(checked: Sequence[Checked], facts: RunFacts) -> dict[str, Any]:
    """Return the whole run as JSON-ready data."""
    return {
        "schema": RESULT_SCHEMA,
        "paper": paper(facts.paper).head(),
        "command": facts.command,
        "data": facts.data,
        "quick": facts.quick,
        "seed": facts.seed,
        "versions": dict(facts.versions),
        "held": not any(claim.failed for claim in checked),
        "summary": summary(checked),
        "claims": [
            {**claim.claim.to_dict(), "outcome": claim.outcome.to_json(), "seconds": claim.seconds,
             "diagnoses_seconds": claim.diagnoses_seconds} for claim in checked
        ],
    }  # fmt: skip


def to_markdown(checked: Sequence[Checked], facts: RunFacts) -> str:
    """Return the run as Markdown."""
    lines = [
        "# The paper's claims, checked",
        "",
        f"{paper(facts.paper).title}, arXiv {paper(facts.paper).arxiv}.",
        "",
        f"{summary(checked)} Data: {facts.data}; seed {facts.seed}{'; quick run' if facts.quick else ''}.",
        "",
        "| claim | verdict | measured |",
        "|---|---|---|",
    ]
    for o in checked:
        whose = " (ours)" if o.claim.ours else ""
        link = f"[{_cell(o.claim.title)}](#{o.claim.id}){whose}"
        lines.append(f"| {link} | {o.outcome.verdict} | {_cell(o.outcome.sentence)} |")
    for checked_claim in checked:
        claim, outcome = checked_claim.claim, checked_claim.outcome
        lines += [
            "",
            f'## <a id="{claim.id}"></a>{claim.title}',
            "",
            f"**{outcome.verdict}.** {outcome.sentence}",
            "",
        ]
        lines += [f"- {name}: {text}" for name, text in how(checked_claim, facts) if text]
        if outcome.values:
            lines += ["", "| measured | value | paper | theory |", "|---|---|---|---|"]
            lines += [
                f"| {_cell(v.name)} | {figures_of(v)} | {given(v.paper)} | {given(v.expected)} |"
                for v in outcome.values
            ]
        for title, rows in outcome.tables.items():
            if rows:
                heads = list(rows[0])
                lines += ["", f"{title}", "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
                lines += [f"| {' | '.join(_cell(plain(r.get(h))) for h in heads)} |" for r in rows]
        lines += [
            f"\n![{_cell(c.alt)}](figures/{claim.id}-{k + 1}.svg)" for k, c in enumerate(outcome.charts)
        ]
    return "\n".join(lines) + "\n"  # fmt: skip


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
