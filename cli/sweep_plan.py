"""``ceilings sweep --dry-run``: cells, dependencies and cost, before anything runs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import typer

#: Cells that are listed in full.
_LISTED = 60


def directory_of(sweep: str | Path, out: Path | None = None) -> Path:
    """Return the directory of a sweep that is named by it or by its YAML file; ``out`` overrides what the file says."""
    path = Path(sweep)
    if path.is_dir() and out is None:
        return path.resolve()
    from ..sweeps.definition import read_definition

    definition = read_definition(path)
    return Path(out or definition.out or Path("runs") / definition.name).resolve()


def show_plan(
    file: Path, out: Path | None, workers: int | None, threads: int | None, cluster: str, as_json: bool
) -> int:
    """Print the plan of a sweep with the cost that its finished cells foretell; nothing runs and nothing is written."""
    from ..sweeps.executors import ARRAY, share_cores
    from ..sweeps.progress import StageCount, duration, time_left
    from ..sweeps.run_sweep import planned
    from ..sweeps.store import Store

    definition, root, cells = planned(file, out)
    store = Store(root)
    stages: dict[str, dict[str, Any]] = {
        stage.name: {
            "job": stage.job,
            "after": list(stage.after),
            "cells": 0,
            "done": 0,
            "failed": 0,
            "seconds": 0.0,
        }
        for stage in definition.stages
    }
    listed: list[dict[str, Any]] = []
    total = 0
    for cell in cells:
        stored = store.stored(cell)
        stage = stages[cell.stage]
        stage["cells"] += 1
        stage["done"] += stored.state == "done"
        stage["failed"] += stored.state == "failed"
        stage["seconds"] += (stored.wall_s or 0.0) if stored.state == "done" else 0.0
        total += 1
        if as_json or total <= _LISTED:
            command = cell.command(root)
            listed.append({"key": cell.key, "stage": cell.stage, "label": cell.label, "labels": cell.labels,
                           "needs": list(cell.needs),
                           "state": stored.state, "command": ["ceilings", *command, "--out", str(stored.out)]})  # fmt: skip
    for stage in stages.values():
        done, open_cells = stage["done"], stage["cells"] - stage["done"] - stage["failed"]
        stage["seconds_each"] = stage["seconds"] / done if done else None
        stage["seconds_left"] = (
            0.0 if not open_cells else stage["seconds_each"] and stage["seconds_each"] * open_cells
        )
    at_a_time = (workers or definition.workers or ARRAY) if cluster == "slurm" else share_cores(
        workers or definition.workers, threads or definition.threads, total
    )[0]  # fmt: skip
    estimate = time_left(
        (
            StageCount(name, s["done"], 0, s["cells"] - s["done"] - s["failed"], s["seconds"])
            for name, s in stages.items()
        ),
        min(at_a_time, total),
    )
    if as_json:
        typer.echo(json.dumps({
            "schema": "spectral-ceilings/sweep-dry-run/1", "name": definition.name, "root": str(root), "total": total,
            "workers": at_a_time, "seconds_left": estimate, "stages": stages, "cells": listed,
        }, indent=1))  # fmt: skip
        return 0
    _print(definition.name, root, stages, listed, total)
    if estimate is None:
        unknown = ", ".join(name for name, stage in stages.items() if stage["seconds_left"] is None)
        typer.echo(
            f"cost: unknown until a cell of each stage is finished ({unknown}): run the first ones with --first 1"
        )
    else:
        typer.echo(
            f"cost: about {duration(estimate)} left with {at_a_time} cells at a time, by the cells that are finished"
        )
    return 0


def _print(
    name: str, root: Path, stages: dict[str, dict[str, Any]], listed: list[dict[str, Any]], total: int
) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"{name}: {total} cells in {root}; nothing was run")
    table = Table(box=None)
    for column in ("stage", "job", "after", "cells", "done", "failed", "seconds each"):
        table.add_column(column, justify="left" if column in ("stage", "job", "after") else "right")
    for stage, entry in stages.items():
        each = "unknown" if entry["seconds_each"] is None else f"{entry['seconds_each']:.1f}"
        table.add_row(
            stage,
            entry["job"],
            ", ".join(entry["after"]),
            str(entry["cells"]),
            str(entry["done"]),
            str(entry["failed"]),
            each,
        )
    console.print(table)
    labels = {cell["key"]: cell["label"] for cell in listed}
    for cell in listed:
        needs = ", ".join(labels.get(key, key) for key in cell["needs"])
        console.print(f"[{cell['state']}] {cell['label']}" + (f"  (after {needs})" if needs else ""))
        console.print(f"    {shlex.join(cell['command'])}")
    if total > len(listed):
        console.print(f"... and {total - len(listed)} more; --json lists all")
