"""Whether an advice names a limit that was planted: python -m benchmarks.planted_limits [--seeds 10] [--frames 400] DATA ...

Forces with a known limit (`spectral_ceilings.diagnostic.advice.planted`) are put on the structures of each DATA, a shipped set
or a file, and the advice is asked for the knob. Beside the four knobs: ``nothing`` (the base itself, random coefficients) and
``noise``. Printed: what was named how often, and the median gain and unique part of each knob, by what was planted. The exit
status is 1 if a wrong knob was named.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import AdviceSettings, read_data
from spectral_ceilings.diagnostic.advice.advise import design_of
from spectral_ceilings.diagnostic.advice.design import Design
from spectral_ceilings.diagnostic.advice.equations import equations
from spectral_ceilings.diagnostic.advice.fits import fit_knobs
from spectral_ceilings.diagnostic.advice.planted import KINDS, planted_forces
from spectral_ceilings.diagnostic.advice.sample import Sample, deal, null_targets, take_sample
from spectral_ceilings.diagnostic.advice.settings import KNOBS, settle
from spectral_ceilings.diagnostic.advice.shares import null_band, shares_of
from spectral_ceilings.diagnostic.advice.verdict import Subject, named

#: Null targets of each planted one.
NULLS = 5
#: What an advice should say of each kind.
TRUTH = {kind: kind for kind in KNOBS} | {"noise": "none", "nothing": "nothing"}


def of_the_base(sample: Sample, design: Design, seeds: range) -> list[NDArray[np.float64]]:
    """Return forces that the base itself exerts, one for each seed, scaled to 1 eV/Å (RMS)."""
    base = design.groups == "base"
    weights = np.stack(
        [np.random.default_rng([seed, 9]).standard_normal(int(base.sum())) for seed in seeds], axis=1
    )
    rows = np.concatenate([design.rows([atoms])[:, base] @ weights for atoms in sample.structures])
    return [column.reshape(-1, 3) / np.sqrt(np.mean(column**2)) for column in rows.T]


def planted_limits(source: str, settings: AdviceSettings, seeds: range) -> list[dict[str, Any]]:
    """Return a row for each kind and seed: what was named, gains and unique parts."""
    data = read_data(source)
    sample = take_sample(data, None, settings)
    dealt = deal(sample, settings.seed)
    basis = settle(settings, tuple(int(z) for z in np.unique(sample.numbers)))
    design = design_of(sample, dealt, basis)
    labels = [(kind, seed) for kind in KINDS for seed in seeds] + [("nothing", seed) for seed in seeds]
    forces = [planted_forces(sample.structures, kind, basis.cutoff, seed) for kind in KINDS for seed in seeds]
    forces += of_the_base(sample, design, seeds)
    columns = []
    for k, force in enumerate(forces):
        null = null_targets(force, sample.numbers, NULLS, np.random.default_rng([settings.seed, k]))
        columns.append(np.concatenate([force[:, :, None], null], axis=2).reshape(3 * len(force), -1))
    rows = equations(sample.structures, np.concatenate(columns, axis=1), dealt, design)
    fits = fit_knobs(rows, design.groups)
    out = []
    for k, (kind, seed) in enumerate(labels):
        at = slice(k * (1 + NULLS), (k + 1) * (1 + NULLS))
        errors = {name: fit.by_block[:, at] for name, fit in fits.items()}
        by_atom = rows.power(at.start)
        power = rows.by_block(by_atom)
        shares = shares_of(
            {name: part[:, 0] for name, part in errors.items()}, power, np.random.default_rng(0)
        )
        left = float(np.sqrt(by_atom.mean() / 3 * shares.left))
        verdict = named(shares, null_band(errors), Subject(False, settings.accuracy, left))
        out.append({
            "data": data.source, "planted": kind, "seed": seed, "named": verdict, "left": shares.left,
            "all": shares.all_gain, "gain": shares.gain.tolist(), "unique": shares.unique.tolist(),
        })  # fmt: skip
    return out


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "data", nargs="*", default=["ethanol-xtb", "toluene-xtb", "aspirin-xtb", "si-rattled"]
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--l-max", type=int, default=2)
    parser.add_argument("--cutoff", type=float, default=3.5)
    parser.add_argument("--out", type=Path, help="JSON file for every row")
    given = parser.parse_args()
    settings = AdviceSettings(l_max=given.l_max, cutoff=given.cutoff, structures=given.frames)
    rows: list[dict[str, Any]] = []
    for source in given.data:
        rows += planted_limits(source, settings, range(given.seeds))
        print_table(source, [row for row in rows if row["data"] == rows[-1]["data"]])
    if given.out is not None:
        given.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    right = [row["named"] == TRUTH[row["planted"]] for row in rows]
    undecided = [row["named"] == "undecided" for row in rows]
    wrong = len(rows) - sum(right) - sum(undecided)
    print(f"{len(rows)} planted: {sum(right)} named right, {sum(undecided)} undecided, {wrong} wrong")
    return int(wrong > 0)


def print_table(source: str, rows: list[dict[str, Any]]) -> None:
    """Print one line for each kind."""
    print(f"{source}: gain (unique), medians over seeds")
    print(f"{'planted':10s}{'base leaves':>12s}" + "".join(f"{name:>16s}" for name in KNOBS) + "  named")
    for kind in dict.fromkeys(row["planted"] for row in rows):
        some = [row for row in rows if row["planted"] == kind]
        gain, unique = (np.median([row[name] for row in some], axis=0) for name in ("gain", "unique"))
        shares = "".join(f"{f'{g:.2f} ({u:.3f})':>16s}" for g, u in zip(gain, unique, strict=True))
        tally = ", ".join(f"{n} {name}" for name, n in Counter(row["named"] for row in some).most_common())
        print(f"{kind:10s}{np.median([row['left'] for row in some]):12.2g}{shares}  {tally}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
