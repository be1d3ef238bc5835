"""The report of a symmetry audit: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from ..pages.figure_files import FigureSlot, slot
from ..pages.frame import (
    Fold,
    Heading,
    Page,
    Paragraph,
    Part,
    Repeat,
    Section,
    render_page,
)
from ..pages.tables import Cell, Column, Table, number_cell, numbers
from ..pages.text import MISSING, code, significant
from ..records.files import write_whole
from ..records.plain import field
from .benchmark_table import fixed_benchmark
from .figures import symmetry_drawings
from .first_screen import advice, banner, findings, statements_table
from .result import calculator_title
from .result_types import SymmetryResult

Result = SymmetryResult


_CAPTIONS = {
    "degrees": "Root mean square over structures of what depends on orientation, at every ℓ. A symmetric model shows "
    "rounding alone. Dashed: no value is off by more than this.",
    "convergence": "What rules of growing size find for the first structure: Langer, Pozdnyakov and Ceriotti's of order 1, 2 "
    "and 3, over proper rotations as this audit, and over inverted structures too where those were evaluated. One evaluation "
    "finds nothing.",
    "remedies": "What remains after averages over rotations; in brackets the evaluations for each step. The forces of one "
    "orientation at a time are those of the bare model; only their average is symmetric.",
}


_LEAD = (
    "A structure is rotated as a whole, with its cell, and evaluated. The energy should stay the same, and so should the "
    "forces once they are rotated back. What changes is a function of the rotation, and this page gives its power at every "
    "angular frequency l."
)
_LIMITS = (
    "The numbers are those of the structures named here. A small deviation says nothing about accuracy, and a model that keeps "
    "the symmetry may be wrong in every orientation alike. Exchanges of like atoms are not measured."
)
_NO_INVERSION = " Inversion was not measured."
_ALIASING = Markup(
    "The same number bounds aliasing. A rule exact to degree q mixes power above q − ℓ into ℓ; but a projection does not "
    "increase the norm of a function, so no √P<sub>ℓ</sub> is off by more than the root mean square of what is left."
)


def write_symmetry_report(result: Result, directory: Path) -> Path:
    """Write ``report.html`` into a run directory; return its path."""
    return write_whole(directory / "report.html", render_symmetry_report(result))


def render_symmetry_report(result: Result) -> str:
    """Return the report as an HTML document; every text of the result is escaped.

    A symmetric calculator gets one line: its numbers are rounding, and fold away.
    """
    figures = {
        drawing.name: slot(drawing, _CAPTIONS[drawing.name], _CAPTIONS[drawing.name])
        for drawing in symmetry_drawings(result)
    }
    verdict = result["verdict"]
    plain = all(statement["held"] for statement in verdict["statements"])
    parts: dict[tuple[str, str], list[Part]] = {
        ("size", "How large it is"): _summary(result),
        ("degrees", "By ℓ"): [figures["degrees"], _structures(result)],
        ("quadrature", "Which quadrature it takes"): [
            *_quadrature(result), figures["convergence"], _convergence(result), Paragraph(_ALIASING),
        ],
        ("benchmark", "The fixed benchmark"): fixed_benchmark(result),
        ("remedies", "What averaging leaves"): _remedies(result, figures) if result["remedies"] else [],
    }  # fmt: skip
    if verdict["outcome"] == "held":
        inner: list[Part] = [statements_table(result)] if plain else []
        for (_, title), given in parts.items():
            inner += [Heading(title), *given] if given else []
        fold = "Show every number" + (": all are within the tolerance" if plain else "")
        sections = [Section("numbers", "The numbers", [Fold(fold, inner)])]
    else:
        sections = [Section(anchor, title, given) for (anchor, title), given in parts.items()]
    limits = _LIMITS + ("" if result["settings"]["inversion"] else _NO_INVERSION)
    return render_page(
        Page(
            kind="Symmetry audit",
            title=f"Symmetry of {calculator_title(result['calculator']['kind'])}, on {result['data']['source']}",
            banner=banner(result),
            findings=findings(result),
            advice=advice(result),
            overview=[] if plain else [statements_table(result)],
            lead=[] if verdict["outcome"] == "held" else [_LEAD],
            sections=[
                *sections,
                Section("limits", "What is not claimed", [Paragraph(limits)]),
                Section("repeat", "Repeat it", [_repeat(result)]),
            ],
            version=str(result["versions"].get("spectral-ceilings", "")),
        )
    )


def _summary(result: Result) -> list[Part]:
    summary = result["summary"]
    names = (("energy_mad", "E_rot, mean absolute", "meV/atom"), ("energy_rms", "E_rot, root mean square", "meV/atom"),
             ("force_mad", "F_rot, mean absolute", "meV/Å"), ("force_rms", "F_rot, root mean square", "meV/Å"),
             ("translation_energy", "energy under shifts", "meV/atom"),
             ("translation_force", "forces under shifts", "meV/Å"),
             ("inversion_energy", "energy under inversion", "meV/atom"),
             ("inversion_force", "forces under inversion", "meV/Å"))  # fmt: skip
    columns = [Column("quantity"), *numbers("value", "95 % interval"), Column("unit")]
    body: list[list[Cell | str]] = []
    for key, text, unit in names:
        value = field(summary, key)
        if value is None:
            continue
        low, high = value["low"], value["high"]
        interval = MISSING if low is None else f"{significant(low, 3)} to {significant(high, 3)}"
        body.append([text, number_cell(value["value"], 3), interval, unit])
    count = len(result["structures"])
    caption = (
        f"Deviation from the rotational average over {count} {'structure' if count == 1 else 'structures'}. Intervals: bootstrap "
        "over structures, as if they were drawn independently. Forces: each component. Shifts and inversion: root mean square "
        "difference."
    )
    return [Table("table-summary", caption, columns, body)]


def _structures(result: Result) -> Table:
    degrees = [f"ℓ = {l}" for l in range(1, result["quadrature"]["l_top"] + 1)]
    columns = [Column("structure"), Column("formula"), Column("of"), *numbers("all", *degrees, "error")]
    body: list[list[Cell | str]] = []
    for row in result["structures"]:
        for quantity, scale, text in (
            ("energy", 1e3 / row["atoms"], "E_rot, meV/atom"),
            ("force", 1e3, "F_rot, meV/Å"),
        ):
            values = [scale * power**0.5 for power in field(row, f"{quantity}_power")[1:]]
            cells = (field(row, f"{quantity}_rms"), *values, field(row, f"{quantity}_error"))
            body.append(
                [str(row["structure"]), row["formula"], text, *(number_cell(value) for value in cells)]
            )
    caption = "Root mean squares at every ℓ, over proper rotations. No value is off by more than the error after it."
    return Table("table-structures", caption, columns, body, fold="Every structure")


def _quadrature(result: Result) -> list[Part]:
    quadrature, settings = result["quadrature"], result["settings"]
    last = quadrature["tried"][-1]
    how = "was chosen automatically" if quadrature["automatic"] else "was asked for"
    wanted = significant(100 * settings["unresolved"], 2)
    said = (
        f"ℓ up to {quadrature['l_top']} {how}: a quadrature exact to degree {quadrature['degree']} with "
        f"{quadrature['rotations']:,} rotations. "
    )
    left = (
        f"At {settings['checks']} independent random rotations, what these ℓ do not explain is "
        f"{significant(100 * last['energy_left'], 2)} % of the energy's variance and "
        f"{significant(100 * last['force_left'], 2)} % of the forces'; "
    )
    said += {
        "rounding": f"At {settings['checks']} independent random rotations, what these ℓ do not explain is rounding, which "
        "no larger rule resolves.",
        "share": left + f"at most {wanted} % was allowed.",
        "tolerance": left
        + "all that depends on orientation is less than a hundredth of the tolerance, so that no larger rule "
        "would change the verdict.",
    }.get(last.get("stopped") or "", left + f"{wanted} % was wanted, and a larger rule would be needed.")
    columns = numbers("ℓ up to", "degree", "evaluations", "energy left", "forces left")
    body: list[list[Cell | str]] = [
        [*(str(row[key]) for key in ("l_top", "degree", "evaluations")),
         *(f"{significant(100 * row[key], 2)} %" for key in ("energy_left", "force_left"))]
        for row in quadrature["tried"]
    ]  # fmt: skip
    caption = "Rules tried on the first structure."
    return [Paragraph(said), Table("table-quadrature", caption, columns, body, heads=False)]


def _convergence(result: Result) -> Table:
    columns = [*numbers("evaluations"), Column("inversion"),
               *numbers("E_rot, mean abs.", "E_rot, RMS", "F_rot, mean abs.", "F_rot, RMS")]  # fmt: skip
    keys = ("energy_mad", "energy_rms", "force_mad", "force_rms")
    rows = sorted(result["convergence"], key=lambda row: row["evaluations"])
    body: list[list[Cell | str]] = [
        [
            str(row["evaluations"]),
            "yes" if row["inversion"] else "no",
            *(number_cell(field(row, key), 3) for key in keys),
        ]
        for row in rows
    ]
    first = result["structures"][0]
    body.append(
        [
            f"{first['evaluations']:,}",
            "no, this audit",
            *(number_cell(field(first, key), 3) for key in keys),
        ]
    )
    caption = "The first structure, by rules of growing size (meV/atom, meV/Å)."
    return Table("table-convergence", caption, columns, body, fold="Rules of growing size", heads=False)


def _remedies(result: Result, figures: Mapping[str, FigureSlot]) -> list[Part]:
    settings = result["settings"]
    heads = (("evaluations", "a step"), ("E left", "meV/atom"), ("F left", "meV/Å"), ("energy drift", "meV/atom/ps"),
             ("energy ripple", "meV/atom"), ("angular momentum", "ħ/ps"), ("turned", "degrees"), ("alignment", "A₁"))  # fmt: skip
    columns = [Column("remedy"), *numbers(*(Markup("{}<br>{}").format(*texts) for texts in heads))]
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
    body: list[list[Cell | str]] = [
        [row["name"], *(number_cell(field(row, key), 3) for key in keys)] for row in result["remedies"]
    ]
    caption = (
        f"Averages of the model on the first structure, and {settings['steps']} steps of {settings['timestep']:g} fs from "
        f"{settings['temperature']:g} K without rotation. grid n: a quadrature exact to degree n, which removes ℓ = 1 to n "
        "exactly; random 4: four random rotations; stochastic: a new one at every step; multiple time step: the bare model "
        "inside, grid 1 at every fourth step."
    )
    return [figures["remedies"], Table("table-remedies", caption, columns, body)]


def _repeat(result: Result) -> Repeat:
    calculator, data = result["calculator"], result["data"]
    inputs = [
        ("Model", str(calculator["source"])),
        ("SHA-256", code(calculator["sha256"])),
        ("Structures", f"{data['source']}, {data['structures']:,}"),
    ]
    files = (
        ("result.json", "every number, for programs"),
        ("symmetry.csv", "every structure, for a spreadsheet"),
    )
    return Repeat.of(result, inputs, files)
