"""The part of ``ceilings train`` that makes a model without symmetry, to hold symmetry measurements against."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from .console import command_line, watched

if TYPE_CHECKING:
    from ..diagnostic.frames.frames import Frames
    from ..diagnostic.frames.splits import Split


def train_without_symmetry(
    frames: Frames, split: Split, others: Frames | None, out: Path, *, augment: bool, steps: int, batch_size: int,
    learning_rate: float, cutoff: float, seed: int, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Train and write ``unconstrained.safetensors`` and ``.json`` into a new directory."""
    from ..diagnostic.backbones.unconstrained_files import save_unconstrained
    from ..diagnostic.backbones.unconstrained_model import (
        UnconstrainedSettings,
        force_mae,
        train_unconstrained,
    )
    from ..diagnostic.records.files import check_absent

    check_absent(out)
    settings = UnconstrainedSettings(
        numbers=tuple(sorted({int(z) for z in frames.numbers})), cutoff=cutoff, augment=augment, steps=steps,
        batch_size=batch_size, learning_rate=learning_rate, seed=seed,
    )  # fmt: skip
    start = time.perf_counter()
    with watched("training") as watch:
        network = train_unconstrained(frames.select(split.training), settings, watch, device)
    held_out = frames.select(split.held_out) if others is None else others
    error = force_mae(network, held_out)
    training = {
        "command": command_line(),
        "data": {"source": frames.source, "sha256": frames.sha256},
        "frames": split.counts(),
        "device": str(network.embed.weight.device),
        "steps": steps,
        "seconds": round(time.perf_counter() - start, 1),
        "force_mae_eV_A": error,
        "training_force_mae_eV_A": force_mae(network, frames.select(split.training)),
    }
    path = out / "unconstrained.safetensors"
    save_unconstrained(path, network, training)
    if as_json:
        typer.echo(json.dumps(training, indent=1, ensure_ascii=False))
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"force MAE, held out: {1e3 * error:.1f} meV/Å ({len(held_out)} frames)")
    console.print(f"model: {path}")
