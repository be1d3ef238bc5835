"""The report of a run of the claims: one HTML page that needs nothing but itself, Markdown, and JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from ..diagnostic.pages.figure_style import LIGHT, inline_svg
from ..diagnostic.pages.html import column, escape, prose, seconds, significant, table
from ..diagnostic.pages.page import page
from ..diagnostic.records.files import write_json, write_whole
from .charts import svg
from .outcome import Value
from .registry import Claim
from .run import RESULT_SCHEMA, Checked

#: Class and sign of each verdict: it is told apart without colour.
_BADGES = {
    "holds": ("holds", "✓"),
    "holds in direction, number differs": ("partly", "≈"),
    "does not hold": ("fails", "✗"),
    "cannot be checked here": ("open", "?"),
}


@dataclass(frozen=True)
class RunFacts:
    """What a report says of its run: data, effort, seed, versions, the command."""

    data: str
    quick: bool
    seed: int
    command: str
    versions: Mapping[str, str] = field(default_factory=dict)


def command_for(claim: Claim, facts: RunFacts) -> str:
    """Return the command that repeats one claim."""
    options = [f"--only {claim.id}"]
    options += [f"--data {facts.data}"] if facts.data in ("rmd17",) else []
    options += ["--data FOLDER"] if facts.data not in ("rmd17", "embedded") else []
    options += ["--quick"] if facts.quick else []
    options += [f"--seed {facts.seed}"] if facts.seed else []
    return f"ceilings paper {' '.join(options)} --out runs/{claim.id}"


def summary(checked: Sequence[Checked]) -> str:
    """Return one sentence over all claims."""
    counts = {name: sum(one.outcome.verdict == name for one in checked) for name in _BADGES}
    words = ", ".join(f"{count} {_plural(name, count)}" for name, count in counts.items() if count)
    failed = [one.claim.id for one in checked if one.failed]
    tail = (
        f"Of those that must hold, {', '.join(failed)} fail."
        if failed
        else "None of those that must hold fails."
    )
    return f"Of {len(checked)} claims {words}. {tail}"


def _plural(name: str, count: int) -> str:
    if count == 1:
        return name
    return name.replace("holds", "hold").replace("does not", "do not")


def write_reports(checked: Sequence[Checked], facts: RunFacts, out: Path) -> Path:
    """Write ``report.html``, ``report.md`` and ``paper.json`` into ``out``, each whole; return the path of the page."""
    write_json(out / "paper.json", to_json(checked, facts))
    write_whole(out / "report.md", to_markdown(checked, facts))
    for one in checked:
        for number, chart in enumerate(one.outcome.charts):
            write_whole(out / "figures" / f"{one.claim.id}-{number + 1}.svg", svg(chart))
    return write_whole(out / "report.html", to_html(checked, facts))


def to_json(checked: Sequence[Checked], facts: RunFacts) -> dict[str, Any]:
    """Return the whole run as JSON-ready data."""
    return {
        "schema": RESULT_SCHEMA,
        "command": facts.command,
        "data": facts.data,
        "quick": facts.quick,
        "seed": facts.seed,
        "versions": dict(facts.versions),
        "held": not any(one.failed for one in checked),
        "summary": summary(checked),
        "claims": [
            {**one.claim.to_dict(), "outcome": one.outcome.to_json(), "seconds": one.seconds} for one in checked
        ],
    }  # fmt: skip


def _figures(value: Value) -> str:
    if value.value is None:
        return value.note or "none"
    text = (
        f"{value.value:.0f}"
        if float(value.value).is_integer() and abs(value.value) < 1e6
        else significant(value.value, 3)
    )
    if value.low is not None and value.high is not None:
        text += f" [{significant(value.low, 3)}, {significant(value.high, 3)}]"
    elif value.low is not None:
        text += f" (at least {significant(value.low, 3)})"
    return text


def _given(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def to_markdown(checked: Sequence[Checked], facts: RunFacts) -> str:
    """Return the run as Markdown."""
    lines = [
        "# The paper's claims, checked",
        "",
        f"{summary(checked)} Data: {facts.data}; seed {facts.seed}{'; quick run' if facts.quick else ''}.",
        "",
        "| claim | verdict | found |",
        "|---|---|---|",
    ]
    lines += [
        f"| [{_cell(o.claim.title)}](#{o.claim.id}) | {o.outcome.verdict} | {_cell(o.outcome.sentence)} |"
        for o in checked
    ]
    for one in checked:
        claim, outcome = one.claim, one.outcome
        lines += [
            "",
            f'## <a id="{claim.id}"></a>{claim.title}',
            "",
            f"**{outcome.verdict}.** {outcome.sentence}",
            "",
        ]
        lines += [f"- {name}: {text}" for name, text in _how(one, facts) if text]
        if outcome.values:
            lines += ["", "| measured | value | paper | theory |", "|---|---|---|---|"]
            lines += [
                f"| {_cell(v.name)} | {_figures(v)} | {_given(v.paper)} | {_given(v.expected)} |"
                for v in outcome.values
            ]
        for title, rows in outcome.tables.items():
            if rows:
                heads = list(rows[0])
                lines += ["", f"{title}", "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
                lines += [f"| {' | '.join(_cell(_plain(r.get(h))) for h in heads)} |" for r in rows]
        lines += [
            f"\n![{_cell(c.alt)}](figures/{claim.id}-{k + 1}.svg)" for k, c in enumerate(outcome.charts)
        ]
    return "\n".join(lines) + "\n"  # fmt: skip


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return significant(value, 3) if isinstance(value, float) else str(value)


def _short(value: Any) -> str:
    """Return a recorded input as text: of a SHA-256 the first twelve digits, of a mapping its entries."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(item)}" for key, item in value.items())
    text = str(value)
    return text[:12] if re.fullmatch(r"[0-9a-f]{64}", text) else text


def _how(one: Checked, facts: RunFacts) -> list[tuple[str, str]]:
    claim = one.claim
    return [
        ("Claimed", f"{claim.statement} ({claim.where})"),
        ("Paper's value", claim.paper_value),
        ("Procedure", claim.procedure),
        ("Criterion", claim.criterion + (" It must hold." if claim.must_hold else "")),
        ("Refuted by", claim.refuted_by),
        ("Caution", claim.caution),
        ("Reason", one.outcome.reason),
        ("Measured on", "; ".join(f"{key} {_short(value)}" for key, value in one.outcome.inputs.items())),
        ("Code", "paper_checks/" + claim.check.replace(":", ".py, function ")),
        ("Repeat it", command_for(claim, facts)),
    ]


def _badge(verdict: str) -> str:
    kind, sign = _BADGES[verdict]
    return f'<span class="badge {kind}"><span aria-hidden="true">{sign}</span> {escape(verdict)}</span>'


def to_html(checked: Sequence[Checked], facts: RunFacts) -> str:
    """Return the run as one self-contained HTML page."""
    held = not any(one.failed for one in checked)
    body = [
        [
            f'<td class="claim"><a href="#{one.claim.id}">{prose(one.claim.title)}</a></td>',
            f"<td>{_badge(one.outcome.verdict)}</td>",
            f"<td>{prose(one.claim.paper_value)}</td>",
            f"<td>{_ours(one)}</td>",
        ]
        for one in checked
    ]
    heads = [column(text, "text") for text in ("Claim", "Verdict", "Paper", "Here")]
    title = "The paper's claims, checked"
    effort = "Quick run: fewer frames, atoms and repetitions. " if facts.quick else ""
    versions = ", ".join(f"{name} {number}" for name, number in facts.versions.items())
    return page(
        title,
        f"""<header>
<p class="eyebrow">“Diagnosing Spectral Ceilings in Equivariant Neural Force Fields”, arXiv 2605.08286</p>
<h1>{title}</h1>
<div class="verdict{"" if held else " failed"} long">
<p class="mark">{"✓ Nothing that must hold fails" if held else "✗ A claim that must hold fails"}</p>
<p>{prose(summary(checked))}</p>
</div>
<p>{effort}Each claim has a procedure and a criterion that were written down before it was measured; they stand below
with what was found. The paper's full text is not available to us: where a definition is not known, ours is stated and
the claim says so. Data: {escape(Path(facts.data).name)}; seed {facts.seed}.</p>
</header>
<main>
{table("Verdicts", heads, body, kind="full verdicts", name="verdicts")}
{"".join(_section(one, facts) for one in checked)}
</main>
<footer><p>Repeat all of it: <code>{escape(facts.command)}</code></p><p>{escape(versions)}</p></footer>
""",
        more_style=resources.files(__package__).joinpath("assets", "paper.css").read_text(encoding="utf-8"),
    )


def _ours(one: Checked) -> str:
    """Return at most two numbers of a claim for the table on top: those that the paper or theory has too come first."""
    ranked = sorted(one.outcome.values, key=lambda v: v.paper is None and v.expected is None)
    return "<br>".join(f"{prose(v.name)}: {prose(_figures(v))}" for v in ranked[:2]) or "see below"


def _section(one: Checked, facts: RunFacts) -> str:
    claim, outcome = one.claim, one.outcome
    figures = []
    for number, chart in enumerate(outcome.charts):
        drawing = inline_svg(svg(chart), LIGHT, f"{claim.id}-{number}", escape(chart.alt))
        figures.append(
            f"<figure>{drawing}<figcaption><strong>{prose(chart.title)}.</strong> {prose(chart.alt)}</figcaption></figure>"
        )
    how = "".join(
        f"<dt>{name}</dt><dd>{f'<code>{escape(text)}</code>' if name in ('Repeat it', 'Code') else prose(text)}</dd>"
        for name, text in _how(one, facts)
        if text
    )
    parts = [
        f'<section class="claim" aria-labelledby="{claim.id}">',
        f'<p class="eyebrow">{prose(claim.where)}</p>',
        f'<h2 id="{claim.id}">{prose(claim.title)}</h2>',
        f'<p>{_badge(outcome.verdict)}</p>\n<p class="found">{prose(outcome.sentence)}</p>',
        "".join(figures),
        _values(claim, outcome.values),
        f'<dl class="how">{how}</dl>',
        "".join(
            _more(claim, number, title, rows) for number, (title, rows) in enumerate(outcome.tables.items())
        ),
        f'<p class="eyebrow">Took {seconds(one.seconds)}{", taken from an earlier run" if one.reused else ""}. '
        '<a href="#verdicts">All verdicts</a></p>',
        "</section>",
    ]
    return "\n".join(part for part in parts if part)  # fmt: skip


def _values(claim: Claim, values: Sequence[Value]) -> str:
    if not values:
        return ""
    given = [name for name in ("paper", "expected") if any(getattr(v, name) is not None for v in values)]
    names = ["Measured", "Value", *({"paper": "Paper", "expected": "Theory"}[name] for name in given)]
    heads = [column(name, "text" if k == 0 else "number") for k, name in enumerate(names)]
    body = []
    for v in values:
        note = f"<br><small>{prose(v.note)}</small>" if v.note else ""
        cells = [
            f'<th scope="row">{prose(v.name)}{note}</th>',
            f'<td class="number">{prose(_figures(v))}</td>',
        ]
        body.append([*cells, *(f'<td class="number">{_given(getattr(v, name))}</td>' for name in given)])
    return table("Numbers, with 95 % intervals where they have one", heads, body, name=f"{claim.id}-values")


def _more(claim: Claim, number: int, title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    heads = [column(prose(name), "text") for name in rows[0]]
    body = [[f"<td>{prose(_plain(row.get(name)))}</td>" for name in rows[0]] for row in rows]
    return f"<details><summary>{prose(title)}</summary>{table(prose(title), heads, body, name=f'{claim.id}-{number}')}</details>"
