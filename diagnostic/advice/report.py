"""What an advice writes: ``advice.json``, ``advice.csv``, the figure, and one page that needs nothing but itself."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import cast

from ..pages.figure_files import Drawing, slot, write_drawings
from ..pages.frame import Banner, Files, KeyNumber, Page, Paragraph, Part, Repeat, Section, State, render_page
from ..pages.tables import Cell, Column, Table, interval_cell, numbers
from ..pages.text import MISSING, architecture, code, fraction, setting, subscripts, thousands
from ..records.files import write_whole
from ..records.plain import to_json
from ..records.versions import installed_versions
from .figure import draw_advice
from .result_object import AdviceResult
from .result_types import AdviceContent, NeedPoint, PartShares
from .settings import KNOB_NAMES, KNOBS
from .verdict import what_to_turn

#: The columns of ``advice.csv``.
CSV_COLUMNS = (
    "knob", "gain", "low", "high", "unique", "unique_low", "unique_high", "of_target", "unique_of_target", "null_gain",
    "null_unique", "half_gain", "half_unique",
)  # fmt: skip
_FILES = (
    ("advice.json", "every number, for programs"),
    ("advice.csv", "the knobs, for a spreadsheet"),
    ("figures/advice.png", "the figure; also -dark.png, -narrow.png and .svg"),
)
_MARKS = {
    "nothing": "– Nothing is missing",
    "none": "– No knob",
    "undecided": "◐ No single knob",
}
_LEAD = (
    "Conservative linear models of the neighbour density were fitted to {target}: a base, and the base with one knob more, each "
    "knob with the same number of coefficients. The gain of a knob is what it removes when it is added alone; its unique part is "
    "what is lost when it alone is taken from the model with all knobs. Both are shares of the squared error that the base "
    "leaves on held-out structures."
)
_CLAIM = (
    "What is claimed is a lower bound of what a knob holds, for linear models of that order: a deep network can have other ways. "
    "Knobs can stand in for one another (the third side of a triangle tells its angle); where the gain is far above the unique "
    "part, they do."
)
_NULL = (
    "The null band is the largest share over null targets: the target of another atom of the same element, turned at random. At "
    "half the data: the same numbers with half of the training structures; where they are much lower, more structures would "
    "raise the shares."
)


def write_advice(
    result: AdviceResult | AdviceContent, folder: Path, command: str = "advise_data(...)"
) -> list[Path]:
    """Write ``advice.json``, ``advice.csv``, the figure in all its forms and ``report.html``; return their paths, the page last.

    Parameters
    ----------
    result
        From :func:`~spectral_ceilings.diagnostic.advice.advise.advise_data`.
    folder
        Run directory.
    command
        What repeats the run; the page shows it.
    """
    content = cast(AdviceContent, result)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows([dict(row)[name] for name in CSV_COLUMNS] for row in content["knobs"])
    return [
        write_whole(folder / "advice.json", to_json(result)),
        write_whole(folder / "advice.csv", buffer.getvalue()),
        *write_drawings([_drawing(content)], folder),
        write_whole(folder / "report.html", render_advice(content, command)),
    ]


def render_advice(result: AdviceResult | AdviceContent, command: str = "advise_data(...)") -> str:
    """Return the page of an advice."""
    content = cast(AdviceContent, result)
    versions = installed_versions("spectral-ceilings", "featomic", "numpy")
    verdict, data = content["verdict"], content["data"]
    target = "the forces" if content["question"] == "need" else "the errors of a model's forces"
    subject = data["formula"] or data["source"]
    about = subscripts(subject) if data["formula"] else subject
    title = (
        f"What the forces of {about} need"
        if content["question"] == "need"
        else f"What limits this model on {about}"
    )
    knobs: list[Part] = [
        slot(_drawing(content), _caption(content), verdict["sentence"]), _knobs(content), Paragraph(_CLAIM), Paragraph(_NULL)
    ]  # fmt: skip
    sections = [
        Section("knobs", "The knobs", knobs),
        Section("need", "Against the degree", [_need(content), *_forces_need(content)]),
        Section("parts", "By element and by atom", _parts(content)),
        Section("network", "What a knob costs", _costs(content)),
        Section("ceilings", "Ceilings of the layers", _ceilings(content)),
        Section("repeat", "Repeat it", [_repeat(content, command, versions)]),
        Section("files", "Files", [Files(_FILES)]),
    ]
    state: State = "undecided" if verdict["knob"] == "undecided" else "unjudged"
    mark = _MARKS.get(verdict["knob"]) or f"– First: {what_to_turn(verdict['knob'])}"
    return render_page(
        Page(
            kind="Advice",
            title=title,
            banner=Banner(state, verdict["sentence"], mark=mark),
            findings=[
                said for said in (_chosen(content), verdict["data_sentence"], verdict["reliability"]) if said
            ],
            advice=list(data["notes"]),
            numbers=_key_numbers(content),
            lead=[_LEAD.format(target=target)],
            sections=sections,
            version=versions.get("spectral-ceilings", ""),
        )
    )


def _drawing(result: AdviceContent) -> Drawing:
    return Drawing("advice", lambda palette, layout: draw_advice(result, palette, layout))


def _caption(result: AdviceContent) -> str:
    basis = result["basis"]
    return (
        f"Left: the knobs, with 95 % intervals over blocks of held-out structures; each has {basis['coefficients']} coefficients "
        f"for every element. Right: what order 2 with degrees up to ℓ leaves within {basis['cutoff']:g} Å; dotted: the base; "
        "dashed: what all knobs together leave."
    )


def _chosen(result: AdviceContent) -> str:
    return "" if result["choice"] is None else result["choice"]["sentence"]


def _mev(value: float) -> str:
    return f"{1000 * value:.3g} meV/Å" if value < 1 else f"{value:.3g} eV/Å"


def _key_numbers(result: AdviceContent) -> list[KeyNumber]:
    target, together = result["target"], result["together"]
    first = "RMS error of the forces" if result["question"] == "limit" else "RMS force"
    return [
        KeyNumber(first, _mev(target["rms_eV_A"]), ["held-out structures, each component"]),
        KeyNumber("The base leaves", _mev(target["base_rms_eV_A"]), [f"{100 * target['base_left']:.3g} % of the square"]),
        KeyNumber("All knobs leave", _mev(target["all_rms_eV_A"]), [f"they remove {100 * together['gain']:.3g} % of that"]),
    ]  # fmt: skip


def _knobs(result: AdviceContent) -> Table:
    columns = [
        Column("knob"),
        *numbers("gain", "unique", "null band", "gain at half the data", "of the whole target"),
    ]
    rows: list[list[Cell | str]] = [
        [
            KNOB_NAMES[row["knob"]],
            interval_cell(fraction(row["gain"]), row["low"], row["high"]),
            interval_cell(fraction(row["unique"]), row["unique_low"], row["unique_high"]),
            f"{fraction(row['null_gain'])}, {fraction(row['null_unique'])}",
            fraction(row["half_gain"]),
            fraction(row["of_target"]),
        ]
        for row in result["knobs"]
    ]  # fmt: skip
    together = result["together"]
    rows.append([
        "all together", interval_cell(fraction(together["gain"]), together["low"], together["high"]), "",
        fraction(together["null_gain"]), fraction(together["half_gain"]), fraction(together["of_target"]),
    ])  # fmt: skip
    caption = "Shares of the squared error that the base leaves, with 95 % intervals; the null band of gain and unique part."
    return Table("table-knobs", caption, columns, rows)


def _curve_rows(points: list[NeedPoint]) -> list[list[Cell | str]]:
    return [
        [str(p["l"]), interval_cell(f"{100 * p['left']:.3g} %", 100 * p["low"], 100 * p["high"]), _mev(p["rms_eV_A"])]
        for p in points
    ]  # fmt: skip


def _need(result: AdviceContent) -> Table:
    columns = [*numbers("ℓ up to", "left of the square", "left, RMS")]
    rows = _curve_rows(result["need"])
    caption = "What order 1 and 2 with degrees up to ℓ leave of the target on held-out structures, with the channels of the base"
    if result["choice"] is None:
        return Table("table-need", f"{caption}.", columns, rows)
    columns += numbers("with radial channels and order 3", "RMS")
    for row, p in zip(rows, result["need"], strict=True):
        left, low, high = p["ample_left"] or 0.0, p["ample_low"] or 0.0, p["ample_high"] or 0.0
        row += [
            interval_cell(f"{100 * left:.3g} %", 100 * low, 100 * high),
            _mev(p["ample_rms_eV_A"] or 0.0),
        ]  # fmt: skip
    caption += ", and with more radial channels and order 3."
    return Table("table-need", caption, columns, rows)


def _forces_need(result: AdviceContent) -> list[Part]:
    if not result["forces_need"]:
        return []
    rows = _curve_rows(result["forces_need"])
    caption = "What the same leaves of the forces themselves: what they need above the degrees of the base."
    return [
        Table("table-forces-need", caption, [*numbers("ℓ up to", "left of the square", "left, RMS")], rows)
    ]


def _parts(result: AdviceContent) -> list[Part]:
    heads = [
        *numbers("RMS", "base leaves", "all knobs remove", *(f"{KNOB_NAMES[k]}: gain, unique" for k in KNOBS))
    ]

    def row(part: PartShares, name: str) -> list[Cell | str]:
        shares = [f"{fraction(part['gain'][k])}, {fraction(part['unique'][k])}" for k in KNOBS]
        return [name, _mev(part["rms_eV_A"]), fraction(part["left"]), fraction(part["together"]), *shares]

    tables: list[Part] = [
        Table(
            "table-elements", "The same for the atoms of each element.", [Column("element"), *heads],
            [row(part, part["element"]) for part in result["elements"]],
        )
    ]  # fmt: skip
    if result["atoms"]:
        rows = [row(part, f"{part['element']}{part['atom']}") for part in result["atoms"]]
        caption = "The same for each atom of the molecule."
        tables.append(
            Table(
                "table-atoms",
                caption,
                [Column("atom"), *heads],
                rows,
                fold=f"Show every atom ({len(rows)} rows)",
            )
        )
    return tables


def _costs(result: AdviceContent) -> list[Part]:
    network = result["network"]
    held = {row["knob"]: row for row in result["knobs"]}
    columns = [
        Column("knob"),
        Column("step"),
        *numbers("multiplications", "times as much", "held of the target", "held per cost"),
    ]
    rows: list[list[Cell | str]] = [
        [
            KNOB_NAMES[row["knob"]], row["step"], f"{thousands(row['before'])} → {thousands(row['after'])}",
            f"{row['factor']:.2f}", fraction(held[row["knob"]]["of_target"]), fraction(row["per_cost"]),
        ]
        for row in network["costs"]
    ]  # fmt: skip
    caption = (
        f"Multiplications for one atom with {network['neighbours']} neighbours ({network['farther_neighbours']} within the "
        f"longer cutoff), {network['of']}. Held per cost: the share of the whole target over the added cost, in units of the "
        "network as it is."
    )
    said = (
        "Costs are exact counts of dense products. One step of a knob need not bring all that the knob holds: the knob degree "
        f"stands for every degree from {result['basis']['l_max'] + 1} to {result['basis']['top']}."
    )
    return [Table("table-costs", caption, columns, rows), Paragraph(said)]


def _ceilings(result: AdviceContent) -> list[Part]:
    rows: list[list[Cell | str]] = [
        [
            row["name"], row["takes_in"], row["gives_back"], MISSING if row["degree"] is None else str(row["degree"]),
            *("no bound" if bound is None else str(bound) for bound in (row["ceiling"], row["sees"])),
        ]
        for row in result["network"]["ceilings"]
    ]  # fmt: skip
    if not rows:
        return []
    columns = [
        Column("step"),
        Column("takes in"),
        Column("gives back"),
        *numbers("degree", "ceiling", "sees of one neighbour"),
    ]
    caption = (
        "What each step takes in and gives back, and the highest l that it can reach. The last column: the highest degree in the "
        "direction of one neighbour whose only edge joins it to the centre; a third side of a triangle has no such bound."
    )
    return [Table("table-ceilings", caption, columns, rows)]


def _repeat(result: AdviceContent, command: str, versions: dict[str, str]) -> Repeat:
    model, data = result["model"], result["data"]
    inputs = [("Structures", str(data["source"])), ("SHA-256 of the structures", code(data["sha256"]))]
    if model is not None:
        inputs = [
            ("Model", f"{model['source']} ({architecture(model['architecture'])})"),
            ("SHA-256 of the model", code(model["sha256"])),
            *inputs,
        ]
    inputs += [("Splits", setting(data["splits"])), ("Basis", setting(result["basis"]))]
    settings = {key: value for key, value in result["settings"].items() if key != "seed"}
    return Repeat(command, int(result["settings"]["seed"]), inputs, settings, versions)
