"""Predicted gains beside what training did: the table, its rank correlations and a figure."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, spearmanr

Array = NDArray[np.float64]
#: Blocks of consecutive held-out frames that are resampled, and how often.
BLOCKS, RESAMPLES = 20, 1000
#: Columns whose ranks are held against what training did.
PREDICTORS = ("gain", "unique", "of_target", "unique_of_target", "matched", "unique_matched")
#: Those that are drawn.
DRAWN = ("gain", "unique")
MARKERS = {"nequip": "o", "mace": "s", "allegro": "^"}
COLOURS = {"degree": "#0072b2", "radial": "#d55e00", "order": "#009e73", "cutoff": "#cc79a7"}


@dataclass(frozen=True)
class Row:
    """One change of one model.

    Attributes
    ----------
    model, data, architecture
        The model before.
    change, knob
        What was changed, and the knob of the advice that stands for it.
    gain, low, high, unique, unique_low, unique_high
        The prediction: what the knob removes, alone, of the squared force error that the base of the advice leaves, and the part
        that no other knob removes.
    of_target, unique_of_target
        The same as shares of the model's squared force error, base included.
    matched, unique_matched
        These of advice whose knobs reach as far as the change: one degree more, 1 Å farther.
    before, after
        Root mean square of the error of the force components, meV/Å, in mean over seeds (of the squares).
    realised, realised_low, realised_high
        What the change removed of the squared error; the interval resamples blocks of held-out frames, for these weights.
    seeds
        Trainings of either model, from different seeds.
    """

    model: str
    data: str
    architecture: str
    change: str
    knob: str
    gain: float
    low: float
    high: float
    unique: float
    unique_low: float
    unique_high: float
    of_target: float
    unique_of_target: float
    matched: float
    unique_matched: float
    before: float
    after: float
    realised: float
    realised_low: float
    realised_high: float
    seeds: int


def realised(
    before: Sequence[Array], after: Sequence[Array], rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return the share of the squared error that a change removed, and its interval over blocks of frames.

    ``before`` and ``after`` hold the squared error of each held-out frame, one array for each seed.
    """
    first, second = (np.mean(each, axis=0) for each in (before, after))
    blocks = np.array_split(np.arange(len(first)), min(BLOCKS, len(first)))
    sums = np.array([[first[block].sum(), second[block].sum()] for block in blocks])
    drawn = sums[rng.integers(len(sums), size=(RESAMPLES, len(sums)))].sum(axis=1)
    low, high = np.quantile(1.0 - drawn[:, 1] / drawn[:, 0], (0.025, 0.975))
    return float(1.0 - second.sum() / first.sum()), float(low), float(high)


def spread_of_seeds(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the standard deviation of ln(squared error) over seeds, from pairs of trainings alike; NaN where there are none."""
    if not pairs:
        return float("nan")
    steps = np.log([first / second for first, second in pairs])
    return float(np.sqrt(np.mean(steps**2) / 2.0))


def _interval(draw: Callable[[NDArray[np.int64]], float], count: int, seed: int = 0) -> list[float]:
    rng = np.random.default_rng(seed)
    drawn = [draw(rng.integers(count, size=count)) for _ in range(RESAMPLES)]
    return [float(q) for q in np.nanquantile(drawn, (0.025, 0.975))]


def _rank(first: Array, second: Array) -> float:
    if len(set(first.tolist())) < 2 or len(set(second.tolist())) < 2:
        return float("nan")
    return float(spearmanr(first, second).statistic)


def correlation(rows: Sequence[Row], predictor: str) -> dict[str, Any]:
    """Return Spearman's rank correlation of a predictor with what training did, by pairs and by models.

    Keys: ``all`` with ``interval`` (pairs resampled) and ``interval_models`` (models before resampled, since pairs of one model
    share its error); ``within``: its mean over models, each of its own changes; ``first``: in how many models the change with
    the largest prediction was the one that removed most, of ``models``, with ``chance``, the binomial probability of so many.
    """
    predicted = np.array([getattr(row, predictor) for row in rows])
    did = np.array([row.realised for row in rows])
    names = sorted({row.model for row in rows})
    members = [np.array([k for k, row in enumerate(rows) if row.model == name]) for name in names]
    whole = [part for part in members if len(part) >= 3]
    hits = sum(int(predicted[part].argmax() == did[part].argmax()) for part in whole)
    size = np.mean([len(part) for part in whole]) if whole else np.nan
    return {
        "predictor": predictor,
        "pairs": len(rows),
        "all": _rank(predicted, did),
        "interval": _interval(lambda k: _rank(predicted[k], did[k]), len(rows)),
        "interval_models": _interval(
            lambda k: _rank(*(v[np.concatenate([members[j] for j in k])] for v in (predicted, did))),
            len(members),
        ),
        "within": float(np.mean([_rank(predicted[part], did[part]) for part in whole]))
        if whole
        else float("nan"),
        "first": hits,
        "models": len(whole),
        "chance": float(binomtest(hits, len(whole), 1.0 / size, alternative="greater").pvalue)
        if whole
        else float("nan"),
    }


def sentence(found: dict[str, Any]) -> str:
    """Say in a sentence what the ranks agree to."""
    low, high = found["interval"]
    return (
        f"{found['predictor']}: rank correlation {found['all']:.2f} [{low:.2f}, {high:.2f}] over {found['pairs']} pairs, "
        f"{found['within']:.2f} in mean within a model; the largest prediction removed most in {found['first']} of "
        f"{found['models']} models."
    )


def markdown(rows: Sequence[Row], spread: float) -> str:
    """Return the table for a page; ``spread`` as from :func:`spread_of_seeds`."""
    lines = [
        "| model before | change | knob | gain | unique part | before, meV/Å | after | removed by training | by seed alone |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        noise = (1.0 - row.realised) * spread * np.sqrt(2.0 / row.seeds)
        lines.append(
            f"| {row.model} | {row.change} | {row.knob} | {row.gain:.2f} [{row.low:.2f}, {row.high:.2f}] | "
            f"{row.unique:.3f} [{row.unique_low:.3f}, {row.unique_high:.3f}] | {row.before:.0f} | {row.after:.0f} | "
            f"{row.realised:.2f} [{row.realised_low:.2f}, {row.realised_high:.2f}] | ± {noise:.2f} |"
        )
    return "\n".join(lines) + "\n"


def write(out: Path, rows: Sequence[Row], spread: float, origin: dict[str, Any]) -> dict[str, Any]:
    """Write ``advice-study`` as .json, .csv, .md and .svg, and return what the JSON holds."""
    content: dict[str, Any] = {
        "schema": "spectral-ceilings/advice-study/1",
        **origin,
        "seed_spread": spread,
        "correlations": [correlation(rows, name) for name in PREDICTORS],
        "rows": [asdict(row) for row in rows],
    }
    (out / "advice-study.json").write_text(json.dumps(content, indent=1) + "\n")
    with (out / "advice-study.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(asdict(rows[0])))
        table.writeheader()
        table.writerows(asdict(row) for row in rows)
    words = "\n".join(sentence(found) for found in content["correlations"])
    (out / "advice-study.md").write_text(markdown(rows, spread) + "\n" + words + "\n")
    draw(out / "advice-study.svg", rows)
    return content


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Draw what training removed over what each predictor says, a mark for every pair."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 3.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharey=True), DRAWN, strict=True):
        for row in rows:
            prefix = "" if name == "gain" else "unique_"
            x, low, high = getattr(row, name), getattr(row, f"{prefix}low"), getattr(row, f"{prefix}high")
            axes.errorbar(
                x, row.realised, [[max(0.0, row.realised - row.realised_low)], [max(0.0, row.realised_high - row.realised)]],
                [[max(0.0, x - low)], [max(0.0, high - x)]], color=COLOURS[row.knob], marker=MARKERS[row.architecture],
                markersize=5, linewidth=0.6, linestyle="none",
            )  # fmt: skip
        axes.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
        axes.set_xlabel("predicted gain" if name == "gain" else "predicted unique part")
    figure.axes[0].set_ylabel("squared force error that training removed")
    for label, marks in (("knob", COLOURS), ("architecture", MARKERS)):
        axes = figure.axes[label == "architecture"]
        handles = [
            axes.plot([], [], linestyle="none", color=mark if label == "knob" else "0.4",
                      marker="o" if label == "knob" else mark, label=word)[0]
            for word, mark in marks.items()
        ]  # fmt: skip
        axes.legend(handles=handles, fontsize=8, title=label, title_fontsize=8)
    figure.savefig(path)
