"""Do trained MACE break the bound of their closed form? ``python -m benchmarks.angular_bound --runs RUNS... --table DIR``.

With the predictions y_s of the four patterns of signs s, the response to one term is g = mean of s y_s: a linear combination of
energies of order 2 with l <= L, so itself one of those whatever training did. For such a g and the term t, with the orthogonal
projection P onto their space, <t, g> = <P t, g>, hence

    R2 = 1 - |t - g|^2 / |t|^2 <= |P t|^2 / |t|^2   and   cos^2 = <t, g>^2 / (|t|^2 |g|^2) <= |P t|^2 / |t|^2,

the R2 of the closed form; ``learned`` = <t, g> / <t, t> has no such bound. Run this where MACE is installed, after
``benchmarks.angular_terms`` has written ``DIR/closed.json``; it writes ``DIR/bound.json``.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .angular_terms import Setting, setting_of

Floats = NDArray[np.float64]

#: Resampled sets of frames of an interval.
RESAMPLES = 2_000


def measures(along: Floats, power: Floats, size: Floats) -> Floats:
    """Return learned, R2 and cos^2 from <t, g>, <t, t> and <g, g>."""
    learned = along / power
    return np.stack([learned, 2 * learned - size / power, along**2 / (power * size)])


def judged(response: Floats, term: Floats, seed: int = 0) -> list[tuple[float, float, float]]:
    """Return learned, R2 and cos^2, each with its 95 % interval over frames.

    Parameters
    ----------
    response, term : (seeds, frames, components) arrays
        Forces of what was learned and of what was added on the held-out frames of every seed (each has a split of its own);
        every seed is judged by itself and the mean is taken.
    seed
        Draws the resampled frames.
    """
    along = np.einsum("sfc,sfc->sf", response, term)
    size = np.einsum("sfc,sfc->sf", response, response)
    power = np.einsum("sfc,sfc->sf", term, term)
    frames = term.shape[1]
    counts = np.random.default_rng([seed, 23]).multinomial(
        frames, np.full(frames, 1 / frames), size=(len(term), RESAMPLES)
    )
    point = measures(along.sum(axis=1), power.sum(axis=1), size.sum(axis=1)).mean(axis=1)
    drawn = measures(*(np.einsum("srf,sf->sr", counts, value) for value in (along, power, size))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    return [(float(p), float(a), float(b)) for p, a, b in zip(point, low, high, strict=True)]


def predictions(path: Path, record: dict[str, Any], data: Any) -> Floats:
    """Return the forces that a trained MACE predicts on its held-out frames, ``(frames, components)`` (eV/Å)."""
    import torch

    from spectral_ceilings.diagnostic.backbones.architecture import architecture, load_parameters
    from spectral_ceilings.diagnostic.backbones.weights import read_weights
    from spectral_ceilings.diagnostic.frames.splits import Split
    from spectral_ceilings.diagnostic.training.data import TrainingData
    from spectral_ceilings.diagnostic.training.graphs import Graphs
    from spectral_ceilings.diagnostic.training.mace import MACETrainer
    from spectral_ceilings.diagnostic.training.train import TrainingSettings

    kind, training = architecture("mace"), record["training"]
    settings = kind.settings.from_dict(record["builder"])
    split = Split(**{name: np.array(which) for name, which in training["split"].items()})
    trainer = MACETrainer(data, split, settings, TrainingSettings(**training["training"]), path.parent)
    model = kind.build(settings, "float32")
    load_parameters(model, read_weights(path.with_name("backbone.safetensors"), record["weights_sha256"]))
    which = split.held_out
    errors: list[torch.Tensor] = []
    with trainer.session(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.force_mae(model.eval(), Graphs(TrainingData.of(data), which, trainer.graphs), errors)
    flat: Floats = torch.cat(errors).double().numpy().reshape(len(which), -1)
    return flat + data.forces[which].reshape(len(which), -1)


def responses(files: Sequence[Path]) -> dict[Setting, tuple[list[int], Floats, Floats]]:
    """Return for every setting whose signs are all there: seeds, responses and terms, ``(l, seeds, frames, components)``."""
    from spectral_ceilings.diagnostic.frames.reading_any import read_data
    from spectral_ceilings.diagnostic.injection.angular_terms import angular_fields

    groups: dict[Setting, dict[int, list[tuple[Path, dict[str, Any]]]]] = {}
    for path in files:
        record = json.loads(path.read_text())
        terms = record["training"].get("angular_terms", {}).get("terms", [])
        if "max_ell" in record["builder"] and len(terms) > 1:
            seeds = groups.setdefault(setting_of(record), {})
            seeds.setdefault(record["training"]["training"]["seed"], []).append((path, record))
    out = {}
    for setting, seeds in groups.items():
        whole = {seed: cells for seed, cells in sorted(seeds.items()) if len(cells) == 4}
        if not whole:
            continue
        data = read_data(setting.data)
        by_seed, added = [], []
        for cells in whole.values():
            training = cells[0][1]["training"]
            signs = np.array([[t["sign"] for t in r["training"]["angular_terms"]["terms"]] for _, r in cells])
            values = np.array([predictions(path, record, data) for path, record in cells])
            by_seed.append(np.einsum("pl,pfc->lfc", signs, values) / len(cells))
            strengths = np.abs([t["strength_eV"] for t in training["angular_terms"]["terms"]])
            bare = angular_fields(data, setting.terms, setting.term_cutoff).forces
            bare = bare[:, training["split"]["held_out"]]
            added.append(strengths[:, None, None] * bare.reshape(*bare.shape[:2], -1))
        out[setting] = list(whole), np.stack(by_seed, axis=1), np.stack(added, axis=1)
    return out


def main() -> None:
    """Read, predict, judge and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--table", type=Path, required=True, help="directory with closed.json")
    given = parser.parse_args()
    closed = json.loads((given.table / "closed.json").read_text())
    files = sorted(path for run in given.runs for path in run.rglob("backbone.json"))
    rows = []
    for setting, (seeds, response, added) in responses(files).items():
        forms = closed[f"{setting.data} {setting.term_cutoff:g} {setting.cutoff:g}"]["r2"]
        for k, l in enumerate(setting.terms):
            form = next(f for f in forms if (f["l"], f["l_max"]) == (l, setting.l_max))
            values = judged(response[k], added[k])
            named = dict(zip(("learned", "r2", "cos2"), values, strict=True))
            bound = form["r2"], form["low"], form["high"]
            rows.append(
                {
                    "data": setting.data,
                    "cutoff": setting.cutoff,
                    "L": setting.l_max,
                    "l": l,
                    "seeds": seeds,
                    **named,
                    "closed": bound,
                }
            )
            text = "  ".join(f"{name} {p:.4f} ({a:.4f}, {b:.4f})" for name, (p, a, b) in named.items())
            print(
                f"{setting.data} {setting.cutoff:g} L={setting.l_max} l={l} seeds {seeds}: {text}  "
                f"closed {bound[0]:.4f} ({bound[1]:.4f}, {bound[2]:.4f})",
                flush=True,
            )
    (given.table / "bound.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
