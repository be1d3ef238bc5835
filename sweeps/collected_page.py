"""The page of a collected sweep: how many cells ended how, the cliffs, contrasts over backbones, costs, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

from ..diagnostic.pages.figure_files import Drawing, FigureSlot, inline
from ..diagnostic.pages.figure_style import LIGHT, figure_style, png_bytes, svg_text
from ..diagnostic.pages.frame import STATES, Banner, Files, KeyNumber, Page, Part, Section, render_page
from ..diagnostic.pages.tables import Cell, Column, Table, numbers
from ..diagnostic.pages.text import MISSING, fraction, readable
from ..diagnostic.records.files import write_whole
from ..diagnostic.records.outcomes import Outcome, overall
from ..diagnostic.records.versions import installed_versions
from ..diagnostic.recovery.replicates import FEWEST
from .cliffs import Cliff, by_setting, factors_of
from .collected import Collected
from .collected_figures import (
    MOST_PANELS,
    draw_cliffs,
    draw_contrasts,
    draw_costs,
    name_of,
    priced,
)
from .collected_tables import contrast_table, link, settings_table
from .contrasts import Contrast, leading, over_settings

#: The states of a cell in the order of the table, with the words of its heads.
_STATES = {
    "done": "done",
    "failed": "failed",
    "running": "running",
    "waiting": "waiting",
    "open": "not begun",
}
_WORDS = {
    "table.csv": "every row of every result, for a spreadsheet",
    "table.parquet": "the same, for programs",
    "cells.csv": "what each cell cost, where it ran, its error",
    "cells.parquet": "the same, for programs",
    "collected.json": "counts, cliffs and contrasts, for programs",
}


def write_page(made: Collected, folder: Path) -> Path:
    """Write ``report.html`` and its figures; return the path of the page."""
    drawings = _drawings(made)
    for name, drawing in drawings.items():
        with figure_style(LIGHT):
            figure = drawing.draw(LIGHT, "wide")
            write_whole(folder / f"{name}.png", png_bytes(figure))
            write_whole(folder / f"{name}.svg", svg_text(figure))
    return write_whole(folder / "report.html", render_collected(made, drawings))


def _drawings(made: Collected) -> dict[str, Drawing]:
    drawings = {}
    if made.cliffs:
        drawings["cliffs"] = Drawing("cliffs", partial(draw_cliffs, made.cliffs))
    if made.contrasts:
        drawings["contrasts"] = Drawing("contrasts", partial(draw_contrasts, made.contrasts))
    if priced(made.cliffs):
        drawings["costs"] = Drawing("costs", partial(draw_costs, made.cliffs))
    return drawings


def render_collected(made: Collected, drawings: dict[str, Drawing] | None = None) -> str:
    """Return the page of a collected sweep."""
    drawings = _drawings(made) if drawings is None else drawings
    return render_page(
        Page(
            kind="Sweep",
            title=_title(made),
            banner=banner(made),
            findings=_findings(made),
            advice=_advice(made),
            numbers=_key_numbers(made),
            sections=[
                Section("cells", "Cells", [_counts(made)]),
                Section("failed", "Failed cells", _failed(made)),
                Section("cliffs", "What every setting recovers", _cliff_parts(made, drawings)),
                Section("contrasts", "What a change does, over backbones", _contrast_parts(made, drawings)),
                Section("costs", "Cost against height", _cost_parts(made, drawings)),
                Section(
                    "files", "Files", [Files([(name, _WORDS[name]) for name in _WORDS if name in made.files])]
                ),
            ],
            version=installed_versions("spectral-ceilings").get("spectral-ceilings", ""),
        )
    )


def _title(made: Collected) -> str:
    factors = factors_of(made.cliffs)
    varied = ", ".join(f"{name} {_several(values)}" for name, values in factors.items())
    cells = f"{made.count():,} {'cell' if made.count() == 1 else 'cells'}{f': {varied}' if varied else ''}"
    return f"{readable(made.name)}, {cells}" if made.name else cells


def _several(values: Sequence[object]) -> str:
    shown = [readable(value) for value in values[:6]]
    return ", ".join(shown) + (", ..." if len(values) > 6 else "")


def banner(made: Collected) -> Banner:
    """Return the box at the top: the worst verdict of all cells, qualified by cells that have none."""
    total = sum(made.outcomes.values())
    outcome = overall(cast(Outcome, name) for name in made.outcomes)
    parts = [f"{number} {name}" for name, number in sorted(made.outcomes.items(), key=lambda item: -item[1])]
    sentence = (
        f"Of {total} runs that were held against theory: {', '.join(parts)}."
        if total
        else "No cell of this sweep was held against theory."
    )
    remarks = []
    failed, left = made.count("failed"), made.count("running", "waiting", "open")
    if failed:
        remarks.append(f"{failed} of {made.count()} cells failed; their errors are below.")
    unread = sum(cell.exit_status in (0, 1) for cell in made.failed)
    if unread:
        remarks.append(
            f"The results of {unread} finished {'cell' if unread == 1 else 'cells'} could not be read."
        )
    if left:
        remarks.append(f"{left} of {made.count()} cells are not finished: the page shows what there is.")
    mark = "✗ Theory contradicted" if outcome == "contradicted" else ""
    return Banner(STATES[outcome], sentence, mark, remarks)


def _slot(drawing: Drawing, caption: str, label: str) -> FigureSlot:
    links = [("PNG", f"{drawing.name}.png"), ("SVG", f"{drawing.name}.svg")]
    return FigureSlot(drawing.name, inline(drawing, label), caption, links)


def _top(made: Collected) -> list[Cliff]:
    """Return the cliffs of degree 2, or of the highest degree there is."""
    degrees = {cliff.degree for cliff in made.cliffs}
    wanted = 2 if 2 in degrees else max(degrees, default=0)
    return [cliff for cliff in made.cliffs if cliff.degree == wanted]


def _findings(made: Collected) -> list[str]:
    chosen = [cliff for cliff in _top(made) if cliff.boundary is not None]
    said = []
    if chosen:
        there = sum(cliff.last_recovered == cliff.boundary for cliff in chosen)
        over = sum((cliff.last_recovered or 0) > (cliff.boundary or 0) for cliff in chosen)
        text = (
            f"With the readout of degree {chosen[0].degree}, {there} of {len(chosen)} backbones recover up to their ceiling and "
            f"not beyond; {over if over else 'none'} {'recovers' if over in (0, 1) else 'recover'} more."
        )
        said.append(text)
    said += [sentence(contrast) for contrast in leading(made.contrasts)]
    return said


def sentence(contrast: Contrast) -> str:
    """Return what a contrast shows, and what so few backbones can show, in a sentence."""
    unit = {"height": "The height, mean R² up to the lower ceiling,", "last recovered l": "The last recovered l",
            "force MAE": "The force MAE"}[contrast.quantity]  # fmt: skip
    scale, digits, after = (1e3, 1, " meV/Å") if contrast.quantity == "force MAE" else (1.0, 3, "")
    mean, least, most = (f"{scale * v:+.{digits}f}" for v in (contrast.mean, contrast.least, contrast.most))
    of = f"{contrast.count} {'pairs of backbones' if contrast.paired else 'backbones'}"
    where = f" in {contrast.settings} settings" if contrast.settings > 1 else ""
    head = f"{unit} changes by {mean}{after} from {contrast.factor} {contrast.against} to {contrast.value}"
    if contrast.low is None or contrast.high is None:
        return f"{head} ({of}{where}, too few for an interval; {least} to {most})."
    ends = f"{scale * contrast.low:+.{digits}f} to {scale * contrast.high:+.{digits}f}"
    signs = "" if contrast.positive is None else f", {contrast.positive} of {contrast.count} above zero"
    few = "; three seeds make an interval of 2.5 standard deviations" if contrast.count == FEWEST else ""
    return f"{head} (95 % over backbones {ends}; {of}{where}{signs}{few})."


def _advice(made: Collected) -> list[str]:
    if made.count("failed"):
        return ["Read the logs of the failed cells; 'ceilings sweep retry' runs them again, and no other."]
    if made.count("running", "waiting", "open"):
        return [
            "Start the sweep again with the same command: it goes on where it is, and repeats nothing finished."
        ]
    contrasts = over_settings(made.contrasts)
    if contrasts and all(c.low is None for c in contrasts):
        return [f"Train {FEWEST} seeds or more of every setting: fewer give no interval over backbones."]
    wide = [
        c
        for c in contrasts
        if c.quantity == "height" and c.low is not None and c.high is not None and c.low < 0.0 < c.high
    ]
    if wide:
        names = ", ".join(name_of(c, degrees=False) for c in wide[:3])
        return [f"These backbones do not tell the sign of the change of height of {names}: more seeds would."]
    return []


def _key_numbers(made: Collected) -> list[KeyNumber]:
    shown = [KeyNumber("cells done", f"{made.count('done'):,}", [f"of {made.count():,}"])]
    if made.cliffs:
        backbones = len({cliff.key for cliff in made.cliffs})
        shown.append(KeyNumber("diagnoses", f"{backbones:,}", [f"{len(by_setting(made.cliffs))} settings"]))
        heights = [height for cliff in _top(made) if (height := cliff.height()) is not None]
        if heights:
            span = f"{fraction(min(heights))} to {fraction(max(heights))}"
            shown.append(KeyNumber("mean height", fraction(sum(heights) / len(heights)), [span]))
    return shown


def _counts(made: Collected) -> Table:
    states = [state for state in _STATES if any(state in by_state for by_state in made.counts.values())]
    rows: list[list[Cell | str]] = [
        [stage, *(f"{by_state.get(state, 0):,}" for state in states)]
        for stage, by_state in made.counts.items()
    ]
    caption = "Cells by stage and state. A cell is done when its command ended with status 0 or 1."
    return Table(
        "table-cells", caption, [Column("stage"), *numbers(*(_STATES[state] for state in states))], rows
    )


def _failed(made: Collected) -> list[Part]:
    if not made.failed:
        return []
    rows: list[list[Cell | str]] = [
        [
            cell.stage,
            readable(", ".join(f"{name} {value}" for name, value in cell.labels.items())) or MISSING,
            MISSING if cell.exit_status is None else str(cell.exit_status),
            readable(cell.error),
            link(f"../{cell.log}", "log"),
        ]
        for cell in made.failed
    ]
    caption = "Cells that ended without a result that can be read; all of them are in cells.csv."
    columns = [Column("stage"), Column("labels"), *numbers("exit status"), Column("error"), Column("log")]
    return [Table("table-failed", caption, columns, rows)]


def _cliff_parts(made: Collected, drawings: dict[str, Drawing]) -> list[Part]:
    if "cliffs" not in drawings:
        return []
    panels = len(by_setting(made.cliffs))
    more = (
        f" The figure shows {MOST_PANELS} of {panels} settings; the table has all."
        if panels > MOST_PANELS
        else ""
    )
    caption = (
        "R² of the injected force of the median atom on held-out frames against its angular frequency ℓ. Thin lines are single "
        f"backbones, thick ones their mean, dashed marks the ceilings dL.{more}"
    )
    label = f"R² by ℓ for {panels} settings, every seed a thin line; numbers in the table below."
    return [_slot(drawings["cliffs"], caption, label), settings_table(made.cliffs, made.reports)]


def _contrast_parts(made: Collected, drawings: dict[str, Drawing]) -> list[Part]:
    if "contrasts" not in drawings:
        return []
    how = (
        "Differences are taken between backbones that share every other label, of the same seed where both were trained. Seeds "
        "are the sample, settings are not: the mean over settings weighs each equally, and its interval is Student's of 95 % "
        f"with the degrees of freedom of Welch and Satterthwaite. Below {FEWEST} differences in a setting there is no interval, "
        "but the range."
    )
    caption = (
        "Means over settings, with intervals over backbones. The height is compared over the ℓ that both may recover. A bar "
        "without end marks is the range of the differences."
    )
    label = (
        "Changes of height, last recovered ℓ and force error by one label each; numbers in the table below."
    )
    figure: FigureSlot = _slot(drawings["contrasts"], caption, label)
    leading = over_settings(made.contrasts)
    single = [contrast for contrast in made.contrasts if contrast not in leading]
    parts: list[Part] = [
        how,
        figure,
        contrast_table("table-contrasts", "Means over settings.", leading, None),
    ]
    if single:
        words = f"Show every setting by itself ({len(single)} rows)"
        parts.append(contrast_table("table-single-contrasts", "Every setting by itself.", single, words))
    return parts


def _cost_parts(made: Collected, drawings: dict[str, Drawing]) -> list[Part]:
    if "costs" not in drawings:
        return []
    caption = (
        "The height of each backbone against the processor time of its training, with the start of the program in it. Times hold "
        "for the machines of this sweep (cells.csv names them)."
    )
    label = f"Height against training time of {len(priced(made.cliffs))} backbones; times are in cells.csv."
    return [_slot(drawings["costs"], caption, label)]
