"""What models learned of angular terms, against closed forms: ``python -m benchmarks.angular_terms --runs RUNS... --out DIR``.

Reads every ``backbone.json`` of the sweeps ``examples/sweep-angular-terms*.yaml``, averages the trainings of a setting over the
four patterns of signs, and lays beside each degree what invariants of order 2 with l <= L hold of the term on held-out frames
(``imitate``, kept in ``closed.json``) and what advice on the labels says. Writes ``rows.json``, ``table.md`` and the figures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading_any import read_data
from spectral_ceilings.diagnostic.injection.angular_terms import angular_fields

#: Highest degree of the terms that closed forms are made for, and highest L of these.
L_TOP, MODELS_TOP = 6, 3
#: Channels of the closed forms, at most, and radial functions: with ten of each a model that sees a third side passes them.
CHANNELS, RADIAL = 24, 16
#: Degrees of the terms of the sweeps.
DEGREES = (3, 5, 6)


@dataclass(frozen=True)
class Setting:
    """One model on one data set: everything but seed and signs."""

    data: str
    architecture: str
    cutoff: float
    l_max: int
    layers: int
    terms: tuple[int, ...]
    term_cutoff: float
    steps: int


@dataclass
class Row:
    """One degree of one setting.

    Attributes
    ----------
    learned, spread
        Mean over seeds of the means over signs, and the standard error over seeds (None for one seed).
    seeds, trainings
        How many.
    seconds, mae
        Wall time of all trainings together, and their mean force MAE on held-out frames (eV/Å).
    closed
        R2 of the closed form of the same L, held out, and its interval.
    curve
        (step, learned on validation frames), the same mean.
    """

    setting: Setting
    l: int
    learned: float
    spread: float | None
    seeds: int
    trainings: int
    seconds: float
    mae: float
    closed: tuple[float, float, float] | None = None
    curve: list[tuple[int, float]] = field(default_factory=list)


def records(runs: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the records of all trainings with angular terms below these folders."""
    files = sorted(path for run in runs for path in run.rglob("backbone.json"))
    loaded = [json.loads(path.read_text()) for path in files]
    return [record for record in loaded if "angular_terms" in record["training"]]


def setting_of(record: dict[str, Any]) -> Setting:
    """Return what stays the same over seeds and signs."""
    builder, training = record["builder"], record["training"]
    mace = "max_ell" in builder
    return Setting(
        training["data"]["source"], "mace" if mace else "nequip", builder["r_max"],
        builder["max_ell"] if mace else builder["l_max"], builder["num_layers"],
        tuple(term["l"] for term in training["angular_terms"]["terms"]), training["angular_terms"]["cutoff_A"],
        training["training"]["steps"],
    )  # fmt: skip


def rows_of(loaded: Sequence[dict[str, Any]]) -> list[Row]:
    """Average over signs, then over seeds; settings whose signs are not all there are left out, with a line that says so."""
    groups: dict[Setting, dict[int, list[dict[str, Any]]]] = {}
    for record in loaded:
        training = record["training"]
        groups.setdefault(setting_of(record), {}).setdefault(training["training"]["seed"], []).append(
            training
        )
    rows = []
    for setting, seeds in groups.items():
        whole = [
            trainings
            for trainings in seeds.values()
            if len(trainings) == (4 if len(setting.terms) > 1 else 2)
        ]
        if len(whole) < len(seeds):
            print(f"{setting}: {len(seeds) - len(whole)} seeds have not all signs and are left out")
        for k, l in enumerate(setting.terms):
            if whole:
                rows.append(_row(setting, k, l, whole))
    return sorted(rows, key=lambda row: tuple(str(value) for value in (*asdict(row.setting).values(), row.l)))


def _row(setting: Setting, k: int, l: int, whole: Sequence[Sequence[dict[str, Any]]]) -> Row:
    by_seed = [np.mean([t["angular_terms"]["terms"][k]["learned"] for t in trainings]) for trainings in whole]
    spread = float(np.std(by_seed, ddof=1) / np.sqrt(len(by_seed))) if len(by_seed) > 1 else None
    every = [t for trainings in whole for t in trainings]
    steps = [entry["step"] for entry in every[0]["log"]]
    curve = [
        (step, float(np.mean([t["log"][n]["learned"][k] for t in every if n < len(t["log"])])))
        for n, step in enumerate(steps)
    ]
    seconds = float(sum(t["seconds"] for t in every))
    mae = float(np.mean([t["held_out_force_mae_eV_A"] for t in every]))
    return Row(setting, l, float(np.mean(by_seed)), spread, len(whole), len(every), seconds, mae, None, curve)


def closed_forms(data: str, term_cutoff: float, cutoff: float) -> dict[str, Any]:
    """Return for every degree and L what invariants of order 2 hold, and an advice on the labels with the terms."""
    from dataclasses import replace

    from spectral_ceilings.diagnostic.advice.advise import advise_data
    from spectral_ceilings.diagnostic.advice.imitation import imitate
    from spectral_ceilings.diagnostic.advice.settings import AdviceSettings

    frames = read_data(data)
    assert isinstance(frames, Frames)
    degrees = range(1, L_TOP + 1)
    forces = angular_fields(frames, degrees, term_cutoff).forces
    unit = forces / np.sqrt(np.mean(forces**2, axis=(1, 2, 3), keepdims=True))
    targets = unit.reshape(len(unit), -1).T
    imitated = imitate(frames, targets, cutoff, l_top=MODELS_TOP, channels=CHANNELS, radial=RADIAL)
    size = float(np.sqrt(np.mean(frames.forces**2)))
    labels = frames.forces + size * sum(unit[l - 1] for l in DEGREES)
    settings = AdviceSettings(cutoff=cutoff, l_max=2, null=1)
    advice = advise_data(replace(frames, forces=labels), None, settings)
    return {
        "r2": [{**asdict(row), "l": degrees[row.target]} for row in imitated],
        "need": advice["need"],
        "choice": advice["choice"],
    }


def main() -> None:
    """Read, fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    rows = rows_of(records(given.runs))
    kept = given.out / "closed.json"
    closed: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for row in rows:
        key = f"{row.setting.data} {row.setting.term_cutoff:g} {row.setting.cutoff:g}"
        if key not in closed:
            closed[key] = closed_forms(row.setting.data, row.setting.term_cutoff, row.setting.cutoff)
            kept.write_text(json.dumps(closed, indent=1) + "\n")
        for form in closed[key]["r2"]:
            if (form["l"], form["l_max"]) == (row.l, row.setting.l_max):
                row.closed = form["r2"], form["low"], form["high"]
    (given.out / "rows.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    (given.out / "table.md").write_text(table(rows))
    print(table(rows))
    for key, form in closed.items():
        left = ", ".join(f"{point['l']}: {point['left']:.3f}" for point in form["need"])
        chosen = form["choice"] and form["choice"]["l_max"]
        print(f"{key}: advice leaves {left} of the squared force error up to l; choice {chosen}")
    from .angular_figures import draw

    draw(rows, given.out)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table: one line for each setting."""
    lines = [
        "| data | model | layers | L | cutoff (Å) | terms | steps | runs | learned: trained / closed form | MAE (meV/Å) | s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    settings = list(dict.fromkeys(row.setting for row in rows))
    for setting in settings:
        mine = [row for row in rows if row.setting == setting]
        cells = "; ".join(f"l = {row.l}: {_cell(row)}" for row in mine)
        lines.append(
            f"| {setting.data} | {setting.architecture} | {setting.layers} | {setting.l_max} | {setting.cutoff:g} | "
            f"{','.join(map(str, setting.terms))} | {setting.steps} | {mine[0].trainings} | {cells} | "
            f"{1e3 * mine[0].mae:.0f} | {mine[0].seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _cell(row: Row) -> str:
    spread = "" if row.spread is None else f" ± {row.spread:.3f}"
    closed = "?" if row.closed is None else f"{row.closed[0]:.3f}"
    return f"{row.learned:.3f}{spread} / {closed}"


if __name__ == "__main__":
    main()
