"""The report of an audit: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ase.data import chemical_symbols
from markupsafe import Markup

from ..pages.figure_files import FigureSlot, slot
from ..pages.frame import STATES, Banner, KeyNumber, Page, Paragraph, Part, Repeat, Section, render_page
from ..pages.rendering import render
from ..pages.tables import Cell, Column, Table, number_cell, numbers
from ..pages.text import MISSING, code, model_of, powers_of_ten, prose, setting, significant, subscripts
from ..records.files import write_whole
from ..records.plain import field
from .direction_figures import quantity_name
from .figures import audit_drawings
from .result import irrep
from .result_types import AuditResult

Result = AuditResult

_CAPTIONS = {
    "features": "Under rotation of the molecule a feature with ℓ varies with ℓ exactly, so these shares are the rotation "
    "spectrum of each layer. They are averaged over atoms and frames.",
    "readouts": "Power of random readouts at every ℓ as the molecule rotates, for the worst atom and frame. A readout is a "
    "function of the features. Polynomials of degree d have a ceiling at d × L (dashed, in their colour), networks have "
    "none. Shaded: what rounding can leave.",
    "bandwidths": "How much detail of a neighbour's direction each quantity takes in. The grey bar ends where theory puts "
    "the bound (across the whole width: no bound); a dot is the highest ℓ above rounding, an arrow means more beyond what "
    "was measured; the stroke and the diamond are where 99 % and 99.99 % of the power with ℓ ≥ 1 lie.",
    "tails": "How fast the power falls with ℓ, irreps of a layer together. Dashed: untrained.",
}
_LEAD = (
    "The angular frequency l counts how often a quantity swings as the molecule, or one neighbour, rotates once around. From "
    "a layer with features up to l = L a polynomial of degree d gets no more than d × L. This page measures that on the real "
    "network, with no training and no fit."
)
_LIMITS = (
    "The ceiling bounds what a readout of bounded degree can put out from features up to l = L. It does not bound the whole "
    "network: energies and forces can depend on one neighbour's direction at every l where that neighbour has an edge to a "
    "third atom (the full graph), or where a non-polynomial function acts on what depends on the direction. Where neither is "
    "the case (one polynomial layer on the star graph, which has no edges between neighbours) they end at the bound of the "
    "table. Random readouts are drawn, not fitted; they show what is possible, not what training would reach. The spectra "
    "are those of the frames, atoms and neighbour named here."
)
#: What to do where a statement of theory did not hold, by its name and its outcome.
_REMEDIES = {
    (
        "polynomial readouts",
        "contradicted",
    ): "Something reaches above the ceiling d × L: check that the irreps that the layer declares are those of its features, "
    "and their order (ceilings layers).",
    (
        "polynomial readouts",
        "falls short",
    ): "No theory is contradicted: the ceiling is an upper bound, and these features do not use it up. Look at the shares of "
    "their irreps below; for what is lacking tap another layer, or train the model further.",
    (
        "equivariance",
        "contradicted",
    ): "The features do not turn as declared: check conventions of the harmonics and of axes, and that the model sees "
    "relative positions; a model without symmetry is measured by ceilings audit --parts symmetry.",
    (
        "one direction",
        "contradicted",
    ): "A direction enters with more detail than the architecture allows: check that l_max of its edge "
    "harmonics is what the model declares, and that no other edges pass on the direction.",
}
_FINER = (
    "What is open is a matter of rounding: run the model in float64 (or in float32 where it runs in half precision) and audit it "
    "again."
)
#: What a statement is called over its number, where that is not its name, and the sign before the number.
_NAMES = {"equivariance": "equivariance error"}
_SIGNS = {True: "✓", False: "✗", None: "◐"}
#: What the number of each statement is.
_WORST = {
    "polynomial readouts": "largest share of power above d × L",
    "equivariance": "largest error, relative to the features",
    "inversion": "largest error with the declared parity; decides no ceiling",
    "one direction": "largest share of power above the bound",
}


def write_audit_report(result: Result, directory: Path) -> Path:
    """Write ``report.html`` into a run directory; return its path."""
    return write_whole(directory / "report.html", render_audit_report(result))


def render_audit_report(result: Result) -> str:
    """Return the report as an HTML document; every text of the result is escaped."""
    figures = {
        drawing.name: slot(drawing, _CAPTIONS[drawing.name], _CAPTIONS[drawing.name])
        for drawing in audit_drawings(result)
    }
    model, data, verdict = result["model"], result["data"], result["verdict"]
    kind = {True: "a trained", False: "an untrained", None: "a"}[model["trained"]]
    sentences = [str(statement["sentence"]) for statement in verdict["statements"]]
    rest = str(verdict["sentence"])
    for sentence in sentences:
        rest = rest.replace(sentence, "")
    if rest.strip() and sentences:
        sentences.append(rest.strip())
    return render_page(
        Page(
            kind="Spectral audit",
            title=f"Spectra of {kind} {model_of(model['architecture'])}, on {subscripts(data['formula'])}",
            banner=_banner(result),
            findings=[_print(sentence) for sentence in sentences],
            advice=_advice(result),
            numbers=[
                KeyNumber(_NAMES.get(statement["name"], statement["name"]),
                          f"{_SIGNS[statement['held']]} {significant(statement['worst'], 1)}", [_WORST[statement["name"]]])
                for statement in verdict["statements"]
            ],
            lead=[_LEAD],
            sections=_sections(result, figures),
            version=str(result["versions"].get("spectral-ceilings", "")),
        )
    )  # fmt: skip


def _print(text: str) -> Markup:
    return Markup(powers_of_ten(prose(text.replace(" x L", " × L"))))


def _banner(result: Result) -> Banner:
    verdict = result["verdict"]
    outcome = str(verdict["outcome"])
    if outcome == "nothing tested":
        return Banner(STATES[outcome], _print(verdict["sentence"]))
    statements = [statement for statement in verdict["statements"] if statement["decides"]]
    names = [statement["name"] for statement in statements if statement["outcome"] == outcome]
    several = f"{len(names)} of {len(statements)} statements"
    sentences = {
        "held": "Everything that theory says of this model was measured to hold",
        "contradicted": f"{several} of theory did not hold",
        "falls short": "Nothing is above a ceiling, but the features do not reach what theory allows",
        "undecided": f"Rounding hides the answer to {several}",
    }
    return Banner(STATES[outcome], f"{sentences[outcome]}: {', '.join(names)}.")


def _advice(result: Result) -> list[str]:
    statements = [statement for statement in result["verdict"]["statements"] if statement["decides"]]
    keys = [(statement["name"], statement["outcome"]) for statement in statements]
    said = [_REMEDIES[key] for key in keys if key in _REMEDIES]
    if any(outcome == "undecided" for _, outcome in keys):
        said.append(_FINER)
    if said:
        return said
    if not statements:
        return ["To hold the model against theory, measure readouts and directions too: leave --parts out."]
    tops = {layer["name"]: layer["l_max"] for layer in result["model"]["layers"]}
    name, top = max(tops.items(), key=lambda entry: int(entry[1]))
    return [
        "Nothing is wrong. Choose the degree d of your readout of a layer so that d × L covers the detail that you need: "
        f"{name} has L = {top}.",
        "How much of a field is recovered below the ceiling is another question: ceilings diagnose measures it.",
    ]


def _sections(result: Result, figures: Mapping[str, FigureSlot]) -> list[Section]:
    def drawn(*names: str) -> list[Part]:
        return [figures[name] for name in names if name in figures]

    directions: list[Part] = []
    if result["directions"]:
        directions = [_moving(result), *drawn("bandwidths"), _bandwidths(result), *drawn("tails")]
    return [
        Section("features", "What the layers carry", [*drawn("features"), _features(result)] if result["features"] else []),
        Section("readouts", "Where readouts stop", [*drawn("readouts"), _readouts(result)] if result["readouts"] else []),
        Section("symmetry", "How well turning the molecule turns the features",
                _symmetry(result) if result["equivariance"] else []),
        Section("directions", "How fine a direction is taken in", directions),
        Section("limits", "What is not claimed", [Paragraph(_LIMITS)]),
        Section("repeat", "Repeat it", [_repeat(result)]),
    ]  # fmt: skip


def _label(result: Result, model: str) -> str:
    return "untrained" if model == "untrained" else "trained" if result["model"]["trained"] else "this model"


def _irrep(row: Mapping[str, Any]) -> str:
    return f"{row['channels']}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{irrep(row)}"


def _features(result: Result) -> Table:
    columns = [Column("layer"), Column("model"), Column("irreps"), *numbers("share", "RMS of a component")]
    body: list[list[Cell | str]] = [
        [
            row["layer"],
            _label(result, row["model"]),
            _irrep(row),
            f"{100 * row['share']:.2f} %",
            number_cell(row["rms"]),
        ]
        for row in result["features"]
    ]
    caption = "Share of every irrep in the power of its layer."
    return Table("table-features", caption, columns, body, fold=f"Every irrep ({len(body)} rows)")


def _readouts(result: Result) -> Table:
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in result["readouts"]:
        key = (row["layer"], row["readout"], row["degree"], row["model"], row["route"])
        groups.setdefault(key, []).append(row)
    columns = [
        *map(Column, ("layer", "readout", "model", "by")),
        *numbers("ceiling", "at the ceiling", "above it", "error"),
    ]
    body: list[list[Cell | str]] = []
    for (layer, kind, degree, model, route), rows in groups.items():
        ceiling = rows[0]["ceiling"]
        body.append([
            layer,
            f"{'SiLU' if kind == 'silu' else kind}{f' of degree {degree}' if degree else ''}",
            _label(result, model),
            "turned molecules" if route == "network" else "turned features",
            MISSING if ceiling is None else str(ceiling),
            number_cell(None if ceiling is None else min(row["at_ceiling"] for row in rows)),
            number_cell(None if ceiling is None else max(row["above"] for row in rows)),
            number_cell(max(row["error"] for row in rows)),
        ])  # fmt: skip
    first = result["readouts"][0]
    caption = (
        f"Power of random readouts at and above their ceiling, relative to all of it: the worst of {_atoms(result)}. "
        f"Quadrature exact to degree {first['quadrature']}, {first['rotations']:,} rotations. Error: relative root mean "
        "square, at independent random rotations, of what the spectrum leaves of the function; no √P is off by more."
    )
    return Table("table-readouts", caption, columns, body, fold=f"Every readout ({len(body)} rows)")


def _atoms(result: Result) -> str:
    atoms = sorted({(row["element"], row["atom"]) for row in result["readouts"]})
    frames = len({row["frame"] for row in result["readouts"]})
    names = ", ".join(f"{element}{atom}" for element, atom in atoms)
    what = "frame" if result["data"]["numbers"] else "structure"
    return f"{names} in {frames} {what if frames == 1 else f'{what}s'}"


def _symmetry(result: Result) -> list[Part]:
    text = (
        "The network was run on the rotated molecule and compared with features rotated by Wigner matrices. Sampled errors "
        "underestimate the maximum; the column “bound” covers every rotation."
    )
    names = ("RMS", "largest seen", "bound", "inversion", "shift", "largest share of wrong ℓ")
    columns = [Column("layer"), Column("irrep"), *numbers(*names)]
    body: list[list[Cell | str]] = []
    for row in result["equivariance"]:
        wrong = max((power for l, power in enumerate(row["by_degree"]) if l != row["l_out"]), default=0.0)
        keys = ("rms", "largest", "bound", "inversion", "translation")
        body.append(
            [row["layer"], _irrep(row), *(number_cell(field(row, key)) for key in keys), number_cell(wrong)]
        )
    caption = "Errors relative to the features of the irrep."
    return [
        Paragraph(text),
        Table("table-symmetry", caption, columns, body, fold=f"Every irrep ({len(body)} rows)"),
    ]


def _moving(result: Result) -> Paragraph:
    moving, numbers_of = result["moving"], result["data"]["numbers"]
    assert moving is not None  # there are directions only where a neighbour moves
    known = dict(zip((moving["centre"], moving["neighbour"]), moving.get("elements", ()), strict=False))

    def atom(index: int) -> str:
        return f"{known.get(index) or chemical_symbols[numbers_of[index]]}{index}"

    return Paragraph(
        f"{atom(moving['neighbour'])} moves on a sphere of {moving['distance']:.3f} Å around {atom(moving['centre'])}; every "
        f"other atom stays, none nearer to it than {moving['clearance']:.2f} Å at any time. Features are those of "
        f"{atom(moving['centre'])}. On the star graph only the edges of the centre are kept, so that nothing but directions "
        "changes."
    )


def _bandwidths(result: Result) -> Table:
    names = ("theory", "measured", "99 %", "99.99 %", "decades lost per ℓ", "above the bound", "error")
    columns = [Column("quantity"), Column("graph"), Column("model"), *numbers(*names)]
    body: list[list[Cell | str]] = []
    for row in result["directions"]:
        bound = row["predicted"]
        measured = f"≥ {row['measured']}" if row["open"] else str(row["measured"])
        body.append([
            quantity_name(row), row["graph"], _label(result, row["model"]),
            "no bound" if bound is None else str(bound),
            "empty" if row["total"] == 0 else measured,
            *(MISSING if row[name] is None else str(row[name]) for name in ("l99", "l9999")),
            MISSING if row["decay"] is None else format(row["decay"], ".1f"),
            number_cell(None if bound is None else sum(row["power"][bound + 1 :])),
            number_cell(row["error"]),
        ])  # fmt: skip
    caption = "Bandwidth of every quantity in the neighbour's direction."
    return Table("table-directions", caption, columns, body, fold=f"Every quantity ({len(body)} rows)")


def _repeat(result: Result) -> Repeat:
    model, data = result["model"], result["data"]
    inputs = [
        ("Model", str(model["source"])),
        ("SHA-256", code(model["sha256"])),
        ("Layers", render("layers.html.j2", __package__, layers=model["layers"])),
        ("Structures", f"{subscripts(data['formula'])}, {data['source']}"),
        ("Frames turned" if data["numbers"] else "Structures turned", setting(data["frames"])),
    ]
    files = (
        ("result.json", "every number, for programs"),
        ("spectra.csv", "every spectrum, for a spreadsheet"),
    )
    return Repeat.of(result, inputs, files)
