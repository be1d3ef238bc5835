"""``ceilings sweep status``: what has become of the cells of a sweep."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import choices, options

if TYPE_CHECKING:
    from ..sweeps.store import StoredCell
    from ..sweeps.sweep_result import SweepResult

STATES = ("done", "failed", "running", "waiting", "open")


def status_command(
    sweep: Annotated[
        str,
        typer.Argument(metavar="SWEEP", help="Directory of a sweep, or its YAML file.", show_default=False),
    ],
    state: Annotated[
        list[str] | None,
        choices.several(STATES, "--state", help="List the cells in these states.", default="failed,running"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare every finished cell with the hashes of its files.")
    ] = False,
    as_json: options.AsJson = False,
) -> int:
    """Say how many cells are done, failed, running and open, and why cells failed.

    A damaged cell is computed again when the sweep is run again. Exit status 0: every cell is done, or none has failed so far.
    2: some failed, or, with --check, are damaged.
    """
    from ..sweeps.store import Store, damage
    from .sweep_plan import directory_of

    store = Store(directory_of(sweep))
    counts: dict[str, Counter[str]] = {}
    listed: list[StoredCell] = []
    wanted = tuple(state or ("failed", "running"))
    damaged: list[tuple[str, str]] = []
    for cell in store:
        if check and (wrong := damage(cell.folder)) is not None:
            damaged.append((cell.label, wrong))
        counts.setdefault(cell.stage, Counter())[cell.state] += 1
        if cell.state in wanted:
            listed.append(cell)
    failed = sum(count["failed"] for count in counts.values())
    if as_json:
        typer.echo(json.dumps({"schema": "spectral-ceilings/sweep-status/1", "root": str(store.root), "stages": {
            name: {s: count[s] for s in STATES} for name, count in counts.items()}, "cells": [as_record(c) for c in listed],
            "damaged": [{"cell": label, "what": what} for label, what in damaged],
        }, indent=1))  # fmt: skip
    else:
        _print(counts, listed)
        for label, what in damaged:
            typer.echo(f"damaged: {label}: {what}")
    return 2 if failed or damaged else 0


def _print(counts: dict[str, Counter[str]], listed: list[StoredCell]) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..sweeps.one_cell import last_line

    console = Console(soft_wrap=True, highlight=False, markup=False)
    table = Table(box=None)
    for name in ("stage", *STATES):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage, count in counts.items():
        table.add_row(stage, *(str(count[state]) for state in STATES))
    console.print(table)
    for cell in listed:
        what = cell.error if cell.state == "failed" else last_line(cell.log)
        console.print(f"{cell.state}: {cell.label}: {what or ''}\n  log: {cell.log}")


def as_record(cell: StoredCell) -> dict[str, Any]:
    """Return a cell as JSON data."""
    return {
        "key": cell.key, "stage": cell.stage, "job": cell.job, "labels": cell.labels, "needs": list(cell.needs),
        "state": cell.state, "exit_status": cell.exit_status, "error": cell.error, "out": str(cell.out), "log": str(cell.log),
        "wall_s": cell.wall_s, "cpu_s": cell.cpu_s, "peak_mb": cell.peak_mb, "host": cell.host, "attempts": cell.attempts,
    }  # fmt: skip


def summary(result: SweepResult) -> dict[str, Any]:
    """Return what has become of a sweep as JSON data."""
    counts = result.counts
    return {
        "schema": "spectral-ceilings/sweep-result/1", "root": str(result.root), "total": counts.total, "done": counts.done,
        "failed": counts.failed, "blocked": counts.blocked, "open": counts.open, "trouble": result.trouble,
        "damaged": [{"cell": c, "what": w, "moved_to": m} for c, w, m in result.damaged],
        "failures": [as_record(cell) for cell in result.failed] if counts.failed else [],
    }  # fmt: skip
