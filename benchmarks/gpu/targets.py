"""What the benchmark aims at, and whether it was reached: one line for each target."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

#: The targets compare a card with this many cores of the same machine.
CORES = 16


def targets(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return every row that has a target, with ``pass`` or ``falls short``; none of them decides the exit status."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    fair = (
        ""
        if cores == CORES
        else f", and the targets are for {CORES}: a ratio to fewer says too much, to more too little"
    )
    lines = [f"targets, against {cores} cores of this machine{fair}"]
    for row in rows:
        if not row["target"]:
            continue
        said = {True: "pass", False: "falls short", None: "not measured"}[row["met"]]
        ratio = "" if row["ratio"] is None else f"; {row['ratio']:.3g}x"
        note = f"; {row['note']}" if row["note"] else ""
        lines.append(
            f"  {said:<12}  {row['target']}: {row['step']}, {row['what']}, {row['size']}{ratio}{note}"
        )
    return "\n".join(lines)
