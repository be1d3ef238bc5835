"""Claims over four independently trained backbones."""

from __future__ import annotations

from typing import Any

from ..diagnostic.comparison.compare import compare
from ..diagnostic.comparison.report import step_sentence
from .backbones import curves, inputs_of, shipped
from .context import Context
from .effort import SEEDS, standard, standard_folder
from .measures import atoms, table_rows
from .outcome import Chart, Line, Outcome, Value, Verdict


def _group(context: Context) -> tuple[list[tuple[str, dict[str, Any]]], Any]:
    """Return the four diagnoses and their comparison at degree 2."""
    shipped(*SEEDS)
    folders = [standard_folder(context, name) for name in SEEDS]
    named = [(name, standard(context, name)) for name in SEEDS]
    result = compare(folders, draws=1000 if context.quick else 2000, seed=context.seed)
    tables = result["groups"][0]["tables"]
    return named, next(t for t in tables if (t["readout"], t["degree"]) == ("free", 2))


def four_backbones(context: Context) -> Outcome:
    """The raw-gain contrast at the ceiling over four backbones, with the interval that four clusters allow and an exact test."""
    named, table = _group(context)
    step = table["step"]
    gain, each, test = step["contrast_eV2_A2"], step["contrast_of_backbones_eV2_A2"], step["sign_flip"]
    positive = sum(value > 0.0 for value in each)
    verdict: Verdict = "does not hold"
    if positive == len(each):
        verdict = "holds" if gain["low"] > 0.0 else "holds in direction, number differs"
    return Outcome(
        verdict,
        f"Positive in {positive} of {len(each)} backbones. {step_sentence(table)}",
        values=(
            Value(
                "Delta(4) - Delta(5), (eV/Å)²",
                gain["value"],
                gain["low"],
                gain["high"],
                note="backbones, blocks of frames, atoms",
            ),
            Value(
                "exact sign-flip p over backbones",
                test["p"],
                note=f"smallest attainable {test['smallest']:g}",
            ),
        ),
        tables={"Backbones": table_rows([(name, result, 4) for name, result in named])},
        charts=(
            curves(
                named,
                "Four backbones, quadratic readout",
                "R² against l of each backbone; the dotted line is the ceiling.",
                [4],
            ),
            Chart(
                "Raw-gain contrast of each backbone",
                "Delta(4) - Delta(5), (eV/Å)²",
                "",
                "The contrast of each backbone; the dotted line is zero.",
                kind="bars",
                lines=(Line("contrast", [float(k) for k in range(len(each))], each),),
                categories=[name for name, _ in named],
                marks=((0.0, ""),),
            ),
        ),
        inputs=inputs_of(named),
    )


def contrasts(result: dict[str, Any]) -> list[tuple[str, float]]:
    """Return Delta(4) - Delta(5), the contrast of raw gains in (eV/Å)^2, of every atom."""
    above = {i: entry for i, _, entry in atoms(result, 5)}
    return [
        (f"{element}{i}", float(entry["gain"] - above[i]["gain"])) for i, element, entry in atoms(result, 4)
    ]


def full_distribution(context: Context) -> Outcome:
    """The contrast over all backbones, atoms and held-out frames, none left out and no threshold."""
    named, table = _group(context)
    gain = table["step"]["contrast_eV2_A2"]
    every = [(name, atom, value) for name, result in named for atom, value in contrasts(result)]
    positive = sum(value > 0.0 for _, _, value in every)
    labels = list(dict.fromkeys(atom for _, atom, _ in every))
    verdict: Verdict = "does not hold"
    if gain["low"] > 0.0:
        verdict = "holds" if positive == len(every) else "holds in direction, number differs"
    return Outcome(
        verdict,
        f"Delta(4) - Delta(5) = {gain['value']:.4f} [{gain['low']:.4f}, {gain['high']:.4f}] (eV/Å)² over all backbones, atoms "
        f"and held-out frames; it is positive for {positive} of {len(every)} pairs of backbone and atom.",
        values=(
            Value("Delta(4) - Delta(5), (eV/Å)²", gain["value"], gain["low"], gain["high"]),
            Value("share of (backbone, atom) with a positive contrast", positive / len(every), expected=1.0),
        ),
        charts=(
            Chart(
                "Raw-gain contrast of each atom, four backbones",
                "Delta(4) - Delta(5), (eV/Å)²",
                "",
                "The contrast of every atom with each of the four backbones; the dotted line is zero.",
                kind="bars",
                lines=tuple(
                    Line(
                        name,
                        [float(labels.index(atom)) for n, atom, _ in every if n == name],
                        [v for n, _, v in every if n == name],
                    )
                    for name, _ in named
                ),
                categories=labels,
                marks=((0.0, ""),),
            ),
        ),
        inputs=inputs_of(named),
    )
