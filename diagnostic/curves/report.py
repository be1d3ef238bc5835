"""What a learning-curve job writes: ``curves.json``, ``curves.csv``, the figure, and one page that needs nothing but itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ..pages.figure_files import Drawing, slot, write_drawings
from ..pages.frame import Banner, Files, KeyNumber, Page, Paragraph, Part, Repeat, Section, render_page
from ..pages.tables import Cell, Column, Table, interval_cell, numbers
from ..pages.text import MISSING, code, fraction, setting, subscripts, thousands
from ..records.files import write_whole
from ..records.plain import to_json
from ..records.versions import installed_versions
from ..records.words import enumerated
from .figure import draw_learning_curves
from .fits import MOST
from .learning_curve import NOTHING
from .plan import BOTH, LAYERS, NEIGHBOUR
from .result_object import LearningCurves
from .result_types import CurveAtom, LearningCurvesResult
from .wording import label_of, most_features, pooled, words_of

#: The columns of ``curves.csv``.
CSV_COLUMNS = (
    "atom", "panel", "series", "step", "label", "coefficients", "frames", "rotations", "r2", "r2_low", "r2_high", "r2_training",
    "name", "structures",
)  # fmt: skip
_FILES = (
    ("curves.json", "every number, for programs"),
    ("curves.csv", "the points, for a spreadsheet"),
    ("figures/learning-curves.png", "the figure; also -dark.png, -narrow.png and .svg"),
)
_MARK = "– What limits the height; nothing is judged"
_LEAD = (
    "Theory says up to which angular frequency l a readout can recover a field; it does not say how much of it. For each {who} "
    "below, a field of one l was fitted again and again with more of one thing, while all else stayed the same. What still "
    "raises R² at the end of its curve is what limits the {who}. A readout is what is fitted to the frozen features: the free "
    "readout is any polynomial in them, the equivariant readout is built from Clebsch-Gordan products."
)
_CAPTION = (
    "R² on held-out {rows}, one colour for each {who}, with 95 % intervals. A curve that still rises at its right end shows "
    "what to add; where a curve is flat, more of the same does not help."
)
#: In the place of two of them where environments are pooled, which have no marked neighbour.
_ADVICE_OF_POOLS = {
    "features": "{atoms}: give the readout more features. Tap another layer (--layer), or train a backbone with more channels. "
    "More structures or coefficients will not help.",
    "frames": "{atoms}: train on more structures, or on more environments of them (--environments); the curve still rises.",
}
#: What to do, by what limits an atom.
_ADVICE = {
    "features": "{atoms}: give the readout more features. Tap another layer (--layer), also read the features of the marked "
    "neighbour (the bonded atom to which the field points), or train a backbone with more channels. More frames or "
    "coefficients will not help.",
    "coefficients": "{atoms}: give the free readout more coefficients (ceilings diagnose --coefficients), or use the "
    "equivariant readout, which needs far fewer.",
    "frames": "{atoms}: use more training {frames}; the curve still rises with them.",
    NOTHING: "{atoms}: nothing to do. R² is near one, and nothing that was tried raises it.",
}
_WORDS = {
    BOTH: "all",
    LAYERS: "all layers",
    NEIGHBOUR: "+ neighbour",
    "all": "natural parity",
}


def write_learning_curves(
    result: LearningCurves | LearningCurvesResult, folder: Path, command: str = "learning_curves(...)"
) -> list[Path]:
    """Write ``curves.json``, ``curves.csv``, the figure in all its forms and ``report.html``; return their paths, the page last.

    Parameters
    ----------
    result
        From :func:`~spectral_ceilings.diagnostic.curves.learning_curve.learning_curves`.
    folder
        Run directory.
    command
        What repeats the run; the page shows it.
    """
    content = cast(LearningCurvesResult, result)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    names = {atom["index"]: label_of(atom) for atom in content["atoms"]}
    cells: list[dict[str, Any]] = [{**point, "name": names[point["atom"]]} for point in content["points"]]
    writer.writerows(["" if p.get(name) is None else p[name] for name in CSV_COLUMNS] for p in cells)
    return [
        write_whole(folder / "curves.json", to_json(result)),
        write_whole(folder / "curves.csv", buffer.getvalue()),
        *write_drawings([_drawing(content)], folder),
        write_whole(folder / "report.html", render_learning_curves(content, command)),
    ]


def render_learning_curves(
    result: LearningCurves | LearningCurvesResult, command: str = "learning_curves(...)"
) -> str:
    """Return the page of learning curves."""
    content = cast(LearningCurvesResult, result)
    drawn = [atom for atom in content["atoms"] if atom["role"] is not None]
    versions = installed_versions("spectral-ceilings", "torch", "numpy")
    words = words_of(pooled(content))
    label = "; ".join(f"{label_of(atom)} is limited by {words[str(atom['limited_by'])]}" for atom in drawn)
    outcomes = [_outcome(atom, words) for atom in drawn]
    caption = _CAPTION.format(**words)
    sections = [
        Section("curves", "The curves", [slot(_drawing(content), caption, label), _points(content)]),
        Section("atoms", "By the features", [*_heights(content), *_parity(content)]),
        Section("repeat", "Repeat it", [_repeat(content, command, versions)]),
        Section("files", "Files", [Files(_FILES)]),
    ]
    return render_page(
        Page(
            kind="Learning curves",
            title=f"What limits the height at ℓ = {content['l']}, on {subscripts(content['data']['formula'])}",
            banner=Banner("unjudged", _sentence(content), mark=_MARK),
            findings=outcomes,
            advice=_advice(drawn, words),
            numbers=[_key_number(atom, words) for atom in drawn],
            lead=[_LEAD.format(**words)],
            sections=sections,
            version=versions.get("spectral-ceilings", ""),
        )
    )


def _drawing(result: LearningCurvesResult) -> Drawing:
    return Drawing("learning-curves", lambda palette, layout: draw_learning_curves(result, palette, layout))


def _sentence(result: LearningCurvesResult) -> str:
    groups = _by_limit([atom for atom in result["atoms"] if atom["role"] is not None])
    known = words_of(pooled(result))
    words = [
        f"{enumerated(names)} {'has' if len(names) == 1 else 'have'} nothing left to improve"
        if limit == NOTHING
        else f"{enumerated(names)} {'is' if len(names) == 1 else 'are'} limited by {known[limit]}"
        for limit, names in groups.items()
    ]
    at = "the ceiling" if result["l"] == result["boundary"] else f"below the ceiling of {result['boundary']}"
    return f"At l = {result['l']}, {at}, {enumerated(words)}."


def _by_limit(drawn: list[CurveAtom]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for atom in drawn:
        groups.setdefault(str(atom["limited_by"]), []).append(label_of(atom))
    return groups


def _outcome(atom: CurveAtom, words: Mapping[str, str]) -> str:
    heights, gains = atom["heights"], atom["gains"]
    most = most_features(heights)
    features = "all layers give" if most == LAYERS else "all layers and the neighbour's features give"
    more = [f"{features} {fraction(heights[most])}"]
    more.append(f"the free readout reaches {fraction(heights[BOTH] - gains['coefficients'])}")
    more.append(f"the last doubling of the {words['frames']} changed R² by {_signed(gains['frames'])}")
    return f"{label_of(atom)} ({atom['role']}): its own features recover {fraction(heights[BOTH])}; {enumerated(more)}."


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def _advice(drawn: list[CurveAtom], words: Mapping[str, str]) -> list[str]:
    known = _ADVICE | _ADVICE_OF_POOLS if words["who"] == "element" else _ADVICE
    return [
        known[limit].format(atoms=enumerated(names), **words) for limit, names in _by_limit(drawn).items()
    ]


def _key_number(atom: CurveAtom, words: Mapping[str, str]) -> KeyNumber:
    limited = words[str(atom["limited_by"])]
    limit = "nothing left to improve" if atom["limited_by"] == NOTHING else f"limited by {limited}"
    return KeyNumber(
        f"{label_of(atom)}, {atom['role']}", fraction(atom["heights"][BOTH]), ["R², its own features", limit]
    )


def _points(result: LearningCurvesResult) -> Table:
    names = {atom["index"]: label_of(atom) for atom in result["atoms"]}
    words = words_of(pooled(result))
    columns = [
        *map(Column, (words["who"], "curve", "step")),
        *numbers("coefficients", words["rows"], "rotations", "R²", "R², training"),
    ]
    rows: list[list[Cell | str]] = [
        [
            names[point["atom"]],
            str(point["series"]).replace("frames", words["frames"]),
            str(point["label"]),
            thousands(point["coefficients"]),
            thousands(point["frames"]),
            thousands(point["rotations"]) if point["rotations"] else MISSING,
            interval_cell(fraction(point["r2"]), point["r2_low"], point["r2_high"]),
            fraction(point["r2_training"]),
        ]
        for point in result["points"]
    ]  # fmt: skip
    caption = (
        f"Every point of the curves. If R² on training {words['rows']} is far above that on held-out {words['rows']}, "
        f"use more {words['frames']}."
    )
    return Table("table-points", caption, columns, rows, fold=f"Show every point ({len(rows)} rows)")


def _heights(result: LearningCurvesResult) -> list[Part]:
    order = {p["label"]: p["step"] for p in result["points"] if p["panel"] == "features"}
    steps = sorted(order, key=lambda step: float(order[step]))
    fitted = [atom for atom in result["atoms"] if atom["heights"]]
    heads = numbers(
        *(_WORDS.get(step, f"{step} {'channel' if step == '1' else 'channels'}") for step in steps)
    )
    rows: list[list[Cell | str]] = [
        [label_of(atom), *(fraction(atom["heights"].get(step)) for step in steps)] for atom in fitted
    ]
    words = words_of(pooled(result))
    caption = (
        f"R² of the equivariant readout of degree {result['degree']} on held-out {words['rows']}, by the features that it "
        "uses."
    )
    last = "" if pooled(result) else "; the last column adds those of the marked neighbour"
    said = (
        "Channels are linear combinations within each irrep of natural parity, the best first. All features of the layer "
        f"include those of unnatural parity, whose pairwise products have natural parity{last}. Of features with more than "
        f"{MOST:,} products the leading combinations are used."
    )
    pools = [Paragraph(_pools_words(result))] if pooled(result) else []
    return [Table("table-heights", caption, [Column(words["who"]), *heads], rows), Paragraph(said), *pools]


def _pools_words(result: LearningCurvesResult) -> str:
    """Say what stands in the pools: environments, their structures, and how far their density reaches."""
    entries = [
        f"{entry['scope'].partition(':')[2]}: {sum(entry['rows'].values()):,} environments of "
        f"{sum(entry['structures'].values()):,} structures, density within {entry['cutoff']:.2f} Å"
        for entry in result["data"]["environments"]
    ]
    return (
        "The field follows the density of neighbours of each environment. Training, validation and held-out environments come "
        f"from different structures, and intervals are over structures. {'; '.join(entries)}."
    )


def _parity(result: LearningCurvesResult) -> list[Part]:
    """Say what inversion does to the features; earlier files do not tell."""
    sentence = str(result["model"].get("parity_sentence", ""))
    return [Paragraph(f"{sentence[0].upper()}{sentence[1:]}.")] if sentence else []


def _repeat(result: LearningCurvesResult, command: str, versions: Mapping[str, str]) -> Repeat:
    model, data = result["model"], result["data"]
    inputs = [
        ("Model", str(model["source"])),
        ("SHA-256 of the model", code(model["sha256"])),
        ("Layer", f"{model['layer']}: {model['irreps']}"),
        (words_of(pooled(result))["frames"].capitalize(), str(data["source"])),
        (f"SHA-256 of the {words_of(pooled(result))['frames']}", code(data["sha256"])),
        ("Splits", setting(data["splits"])),
    ]
    settings = {key: value for key, value in result["settings"].items() if key != "seed"}
    return Repeat(command, int(result["settings"]["seed"]), inputs, settings, versions)
