"""The pages of both calibrations: of the span against theory, and of readouts trained by gradient descent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from ...numerics.calibration import CYCLIC_ORDERS, CalibrationRow
from ..pages.figure_files import Drawing, FigureSlot, slot
from ..pages.figure_style import LIGHT, figure_style
from ..pages.frame import Banner, Files, KeyNumber, Page, Paragraph, Part, Repeat, Section, render_page
from ..pages.tables import Cell, Column, Table, numbers
from ..pages.text import MISSING, significant
from ..records.versions import installed_versions
from .figures import FIGURES
from .plan import CalibrationCells
from .tables import tables

_SPAN_CAPTIONS = {
    "ranks": "Rank of the span against the boundary dL, measured in every way; the line is (dL + 1)², the exact value.",
    "staircase": "Singular values relative to the largest. They drop at the exact dimension, and nowhere before.",
    "cyclic": "Which pure Cₙ fields lie in the span, for each pair (d, L): 1 where n ≤ dL, 0 elsewhere.",
}
_TRAINED_CAPTIONS = {
    "grid": "R² for every degree d of the readout and L of the features: by theory, in closed form, and after training. A frame "
    "marks what could be represented but was not learned.",
    "controls": "The effect of capacity, activation, noise, number of samples, optimiser and seed. Only activations that are not "
    "polynomials exceed the ceiling.",
    "ring": "Five neighbours around a central atom. With the ring alone, features with L < 5 do not change as it rotates about "
    "its axis, so no readout can see the field.",
}
_SPAN_LEAD = (
    "Polynomials of degree d in the harmonics with l ≤ L of one direction span exactly the harmonics with l ≤ dL, (dL + 1)² of "
    "them. This page measures that span in several ways and compares each with the exact number."
)
_TRAINED_LEAD = (
    "The field has one pure angular frequency l, so theory says 0 or 1. It is compared with the closed-form solution and with a "
    "network of degree d trained by gradient descent, the readout: where the closed form succeeds and the network does not, the "
    "field was not learned; where both fail, it is not representable."
)
_NOTHING_TO_DO = (
    "Nothing. The installation reproduces theory on this machine; go on to diagnose your own model."
)
_REPORT_IT = (
    "Run it again with another --seed. If it disagrees again, this installation or this machine computes something wrong, or a "
    "statement of theory is wrong: please report it with calibration.json."
)
_SHORT_TRAINING = (
    "Training fell short of the closed form, which does not concern theory: run it again with another --seed, or without "
    "--quick."
)
_COMMON_FILES = (
    ("calibration.json", "every number, for programs"),
    ("calibration.csv", "the same for a spreadsheet"),
    ("calibration.md", "the tables as Markdown"),
)


def span_page(rows: Sequence[CalibrationRow], seed: int, command: str, drawings: Iterable[Drawing]) -> str:
    """Return the page of a calibration of the span.

    Parameters
    ----------
    rows
        One for each pair (d, L).
    seed
        Of directions and products.
    command
        What repeats the run.
    drawings
        The figures that lie in ``figures/`` beside the page.
    """
    wrong = [sentence for row in rows for sentence in row.disagreements]
    agree = sum(row.agrees for row in rows)
    top = max(row.boundary for row in rows)
    pairs = f"{agree} of {len(rows)} pairs (d, L) {'agrees' if agree == 1 else 'agree'} with theory"
    outcome = wrong or [
        f"Every rank is (dL + 1)² and every Cₙ field is where theory puts it, for {len(rows)} pairs with dL up to {top}."
    ]
    return _page(
        kind="Calibration of the span",
        title="Span of polynomials in the harmonics of one direction",
        banner=Banner("failed" if wrong else "held", f"{pairs}, in every way of measuring."),
        findings=outcome,
        numbers=[
            KeyNumber("pairs that agree", f"{agree} of {len(rows)}"),
            KeyNumber("largest boundary dL", str(top)),
        ],
        lead=_SPAN_LEAD,
        sections=[
            Section("ranks", "Ranks", [*_figures(drawings, _SPAN_CAPTIONS), _ranks(rows)]),
            Section("cyclic", "Fields of cyclic symmetry", [_cyclic(rows)]),
        ],
        repeat=Repeat(command, seed, versions=_versions()),
        files=[*_COMMON_FILES, ("calibration.tex", "the tables for LaTeX")],
    )


def trained_drawings(calibration: CalibrationCells) -> list[Drawing]:
    """Return the figures that a calibration has cells for."""

    def drawing(name: str) -> Drawing:
        return Drawing(name, lambda palette, layout: FIGURES[name](calibration, palette, layout))  # type: ignore[arg-type,return-value]

    with figure_style(LIGHT):
        return [
            drawing(name) for name, draw in FIGURES.items() if draw(calibration, LIGHT, "wide") is not None
        ]


def trained_page(calibration: CalibrationCells, command: str, drawings: Iterable[Drawing]) -> str:
    """Return the page of a calibration by gradient descent; the parameters are those of :func:`span_page`."""
    wrong, grid, ring = calibration.disagreements, calibration.panel("grid"), calibration.ring
    controls = [cell for panel, cell in calibration.cells if panel not in ("grid", "ring")]
    above = sum(not cell.within_theory for cell in controls)
    statuses = Counter(cell.status for cell in grid)
    said = ", ".join(f"{count} {status}" for status, count in statuses.items())
    agree = sum(cell.agrees for cell in grid) + sum(cell.agrees for cell in ring)
    total = len(grid) + len(ring)
    numbers_on_top = [KeyNumber("cells that agree", f"{agree} of {total}", ["grid and ring"])]
    if controls:
        numbers_on_top.append(KeyNumber("controls above theory", f"{above} of {len(controls)}"))
    remarks = [] if controls else ["Controls were not run."]
    sentence = "Every cell of grid and ring agrees with theory" if agree == total else (
        f"{agree} of {total} cells of grid and ring agree with theory"
    )  # fmt: skip
    if controls:
        sentence += (
            ", and no control exceeds its ceiling"
            if not above
            else f", and {above} {'control exceeds its' if above == 1 else 'controls exceed their'} ceiling"
        )
    return _page(
        kind="Synthetic calibration",
        title=f"Readouts trained on the {calibration.plan.field} field, against theory",
        banner=Banner("failed" if wrong else "held", f"{sentence}.", remarks=remarks),
        findings=[f"Of {len(grid)} pairs (d, L): {said}.", *wrong],
        numbers=numbers_on_top,
        lead=_TRAINED_LEAD,
        short=bool(wrong) and all(sentence.endswith("not learned") for sentence in wrong),
        sections=[
            Section("figures", "What was represented, and what was learned", _figures(drawings, _TRAINED_CAPTIONS)),
            *(Section(f"panel-{k}", table[0], _panel(k, *table)) for k, table in enumerate(tables(calibration))),
        ],
        repeat=Repeat(
            command,
            calibration.plan.seed,
            settings={key: value for key, value in asdict(calibration.plan).items() if key != "seed"},
            versions=_versions(),
            timings=_timings(calibration),
        ),
        files=_COMMON_FILES,
    )  # fmt: skip


def _page(
    *, kind: str, title: str, banner: Banner, findings: Sequence[str], numbers: Sequence[KeyNumber], lead: str,
    sections: Sequence[Section], repeat: Repeat, files: Sequence[tuple[str, str]], short: bool = False,
) -> str:  # fmt: skip
    off = banner.state == "failed"
    return render_page(
        Page(
            kind=kind,
            title=title,
            banner=banner,
            findings=findings,
            advice=[_SHORT_TRAINING if short else _REPORT_IT if off else _NOTHING_TO_DO],
            numbers=numbers,
            lead=[lead],
            sections=[
                *sections,
                Section("repeat", "Repeat it", [repeat]),
                Section("files", "Files", [Files(files)]),
            ],
            version=_versions().get("spectral-ceilings", ""),
        )
    )


def _versions() -> dict[str, str]:
    return installed_versions("spectral-ceilings", "numpy", "torch")


def _figures(drawings: Iterable[Drawing], captions: Mapping[str, str]) -> list[FigureSlot]:
    return [
        slot(drawing, captions[drawing.name], f"{captions[drawing.name]} Numbers in the tables below.")
        for drawing in drawings
    ]


def _ranks(rows: Sequence[CalibrationRow]) -> Table:
    heads = numbers("dL", "(dL + 1)²", "float64", "mod p", "by m", "gap", "condition", "leakage", "amplitude")
    body: list[list[Cell | str]] = [
        [
            f"{row.degree}, {row.l_max}",
            "✓ agrees" if row.agrees else "✗ disagrees",
            str(row.boundary),
            str(row.dimension),
            MISSING if row.rank_float is None else str(row.rank_float),
            " ".join(str(rank) for rank in sorted(set((row.rank_mod_p or {}).values()))) or MISSING,
            str(row.rank_structured),
            *(significant(value) for value in (row.gap, row.condition, row.leakage, row.smallest_amplitude)),
        ]
        for row in rows
    ]
    caption = (
        "Ranks by singular values in float64, modulo two primes at rational directions, and in blocks of one m. Gap: σᵣ over "
        "σᵣ₊₁ at r = (dL + 1)². Leakage: relative norm above dL. Amplitude: the smallest part that rounding cannot hide."
    )
    return Table("table-ranks", caption, [Column("d, L"), Column("result"), *heads], body)


def _cyclic(rows: Sequence[CalibrationRow]) -> Table:
    heads = numbers(*(f"C{n}" for n in CYCLIC_ORDERS))
    body: list[list[Cell | str]] = [
        [f"{row.degree}, {row.l_max}", *(str(row.cyclic_exact[str(n)]) for n in CYCLIC_ORDERS)]
        for row in rows
    ]
    caption = "Share of the Cₙ field Re Yₙₙ inside the span: exact mod p, equal to the projection in float64 to 10⁻⁹."
    return Table("table-cyclic", caption, [Column("d, L"), *heads], body, fold=f"Show all {len(rows)} pairs")


#: Columns of a panel that come first, in this order: what was found is in view on a phone.
_FIRST = ("d", "L", "result", "trained", "theory", "closed form")
#: Settings: where every row has the same, the caption says it once.
_SETTINGS = (
    "activation",
    "width",
    "noise",
    "samples",
    "optimiser",
    "seed",
    "features",
    "trained for it",
    "symmetry",
)
_TEXTS = ("result", "activation", "optimiser", "features", "symmetry", "trained for it")


def _panel(
    number: int, title: str, note: str, head: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[Part]:
    """Return a panel's table: what was found first; settings that are the same in every row are said once, above it."""
    columns = {name: [row[k] for row in rows] for k, name in enumerate(head)}
    same = {name: columns[name][0] for name in _SETTINGS if name in columns and len(set(columns[name])) == 1}
    kept = [
        *(name for name in _FIRST if name in columns),
        *(n for n in columns if n not in _FIRST and n not in same),
    ]
    body: list[list[Cell | str]] = [
        [
            _status(columns[name][k], judged=bool(note)) if name == "result" else columns[name][k]
            for name in kept
        ]
        for k in range(len(rows))
    ]
    shared = ", ".join(f"{name} {value}" for name, value in same.items())
    table = Table(
        f"table-panel-{number}",
        f"{title}." + (f" In every row: {shared}." if shared else ""),
        [Column(name, "" if name in _TEXTS else "number") for name in kept],
        body,
        fold=None if note else f"Show {len(rows)} {'cell' if len(rows) == 1 else 'cells'}",
    )
    return [Paragraph(note), table] if note else [table]


def _status(text: str, *, judged: bool) -> str:
    """Return a result with its sign; what a control did not learn is neither for nor against theory."""
    if text == "not learned" and not judged:
        return text
    return f"✗ {text}" if text in ("not learned", "above theory") else f"✓ {text}"


def _timings(calibration: CalibrationCells) -> dict[str, float]:
    times: dict[str, float] = {}
    for cell in calibration.to_dict()["cells"]:
        times[cell["panel"]] = times.get(cell["panel"], 0.0) + float(cell.get("seconds") or 0.0)
    return times
