"""A finished sweep made of drawn errors: trainings and diagnoses as their commands leave them, without a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from saved_run import make_run

from spectral_ceilings.sweeps.plan import PLAN_SCHEMA, Cell
from spectral_ceilings.sweeps.store import Store, write_status


def key_of(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def cell(
    stage: str,
    job: str,
    labels: Mapping[str, Any],
    needs: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Cell:
    return Cell(
        key_of(stage, job, dict(labels)), stage, job, dict(options or {}), dict(labels), tuple(needs), ()
    )


def write_made_plan(root: Path, cells: Sequence[Cell], name: str = "made") -> None:
    root.mkdir(parents=True, exist_ok=True)
    stages = {c.stage: {"name": c.stage, "job": c.job, "after": []} for c in cells}
    head = {"schema": PLAN_SCHEMA, "name": name, "description": "", "stages": list(stages.values())}
    lines = [head, *(c.__dict__ for c in cells)]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (root / "plan.jsonl").write_text(text, encoding="utf-8")


def end(root: Path, made: Cell, *, state: str = "done", exit_status: int = 0, **more: Any) -> Path:
    """Write how a cell ended, with the hashes of what lies in its folder."""
    folder = Store(root).folder(made.key)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.txt").write_text("the log\n", encoding="utf-8")
    cost = {"wall_s": 2.5, "cpu_s": 2.0, "peak_mb": 300.0, "host": "node1", "attempts": 1, "error": None}
    write_status(folder, {"state": state, "exit_status": exit_status, **cost, **more})
    return folder


def train_record(l_max: int, features: int, force_mae: float) -> dict[str, Any]:
    return {
        "schema": "spectral-ceilings/backbone/1",
        "architecture": "nequip",
        "builder": {"l_max": l_max, "num_features": features},
        "parameters": 1000 * l_max * features,
        "force_mae_eV_A": force_mae,
        "training": {"data": {"formula": "C2H6O"}, "steps_done": 200, "best_step": 150, "seconds": 12.3,
                     "validation_force_mae_eV_A": force_mae + 0.01, "held_out": {"frames": 90}},
    }  # fmt: skip


def make_sweep(
    root: Path,
    *,
    data: Sequence[str] = ("ethanol", "malonaldehyde"),
    l_max: Sequence[int] = (1, 2),
    features: Sequence[int] = (8, 16),
    seeds: Sequence[int] = (0, 1, 2),
    failing: int = 0,
    order: int = 0,
) -> list[Cell]:
    """Write a sweep: R2 rises by 0.01 with twice the features, the ceiling is 2 L.

    ``failing`` diagnoses at the end of the plan fail. ``order`` is the seed of the order in which cells are finished.
    """
    trainings, diagnoses = [], []
    for molecule in data:
        for l in l_max:
            for width in features:
                for seed in seeds:
                    labels = {"data": molecule, "l-max": l, "features": width, "seed": seed}
                    trainings.append(cell("train", "train", labels))
                    diagnoses.append(cell("diagnose", "diagnose", labels, [trainings[-1].key]))
    cells = trainings + diagnoses
    write_made_plan(root, cells)
    for k in np.random.default_rng(order).permutation(len(cells)):
        finish(root, cells[k], failed=k >= len(cells) - failing)
    return cells


def finish(root: Path, made: Cell, *, failed: bool = False) -> None:
    labels, out = made.labels, Store(root).folder(made.key) / "out"
    if failed:
        out.mkdir(parents=True)
        end(root, made, state="failed", exit_status=2, error="error: no <such> frames, nowhere")
        return
    if made.job == "train":
        out.mkdir(parents=True)
        record = train_record(
            labels["l-max"], labels["features"], 0.3 / labels["l-max"] + 0.01 * labels["seed"]
        )
        (out / "backbone.json").write_text(json.dumps(record), encoding="utf-8")
        end(root, made, cpu_s=10.0 * labels["l-max"] * labels["features"] + labels["seed"])
        return
    backbone = labels["seed"] + 10 * (labels["data"] == "ethanol")
    shift = 0.01 * (labels["features"] == 16) + 0.002 * labels["seed"]
    make_run(
        out,
        backbone=backbone,
        l_max=labels["l-max"],
        degrees=(2,),
        l_top=2 * max(labels["l-max"], 2) + 2,
        frames=40,
        shift=shift,
    )
    (out / "report.html").write_text("<p>report</p>", encoding="utf-8")
    end(root, made)
