"""The part of ``ceilings train`` that makes a model without symmetry, to hold symmetry measurements against."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from .console import command_line, watched

if TYPE_CHECKING:
    from ..diagnostic.backbones.unconstrained_model import UnconstrainedNetwork, UnconstrainedSettings
    from ..diagnostic.frames.frames import Frames
    from ..diagnostic.frames.splits import Split
    from ..diagnostic.frames.structures import Structures
    from ..diagnostic.training.data import TrainingData


def train_without_symmetry(
    data: Frames | Structures, split: Split, others: Frames | Structures | None, out: Path, *, augment: bool, steps: int,
    batch_size: int, learning_rate: float, cutoff: float, seed: int, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Train and write ``unconstrained.safetensors`` and ``.json`` into a new directory."""
    from ..diagnostic.backbones.unconstrained_files import save_unconstrained
    from ..diagnostic.backbones.unconstrained_model import UnconstrainedSettings
    from ..diagnostic.frames.frames import Frames
    from ..diagnostic.records.files import check_absent
    from ..diagnostic.training.data import TrainingData

    check_absent(out)
    whole = TrainingData.of(data)
    settings = UnconstrainedSettings(
        numbers=tuple(sorted({int(z) for part in whole.parts for z in part.frames.numbers})), cutoff=cutoff,
        augment=augment, steps=steps, batch_size=batch_size, learning_rate=learning_rate, seed=seed,
    )  # fmt: skip
    start = time.perf_counter()
    if isinstance(data, Frames) and whole.molecule and (others is None or isinstance(others, Frames)):
        network, tested = _of_molecule(data, split, others, settings, device)
    else:
        test = None if others is None else TrainingData.of(others, held_out=True)
        network, tested = _of_structures(whole, split, test, settings, device)
    training = {
        "command": command_line(),
        "data": {"source": data.source, "sha256": data.sha256},
        "frames": split.counts(),
        "device": str(network.embed.weight.device),
        "steps": steps,
        "seconds": round(time.perf_counter() - start, 1),
        **tested,
    }
    path = out / "unconstrained.safetensors"
    save_unconstrained(path, network, training)
    if as_json:
        typer.echo(json.dumps(training, indent=1, ensure_ascii=False))
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    rows = training.get("held_out_errors", [])
    count = sum(row["structures"] for row in rows) or len(others if others is not None else split.held_out)
    console.print(f"force MAE, held out: {1e3 * tested['force_mae_eV_A']:.1f} meV/Å ({count} frames)")
    for row in rows:
        energy = f", energy {1e3 * row['energy_mae_eV']:.1f} meV" if "energy_mae_eV" in row else ""
        console.print(
            f"  {row['formula']}{' (periodic)' if row['periodic'] else ''}: force {1e3 * row['force_mae_eV_A']:.1f} meV/Å"
            f"{energy} ({row['structures']} frames)"
        )
    console.print(f"model: {path}")


def _of_molecule(
    frames: Frames, split: Split, others: Frames | None, settings: UnconstrainedSettings, device: str
) -> tuple[UnconstrainedNetwork, dict[str, Any]]:
    """Train on frames of one molecule; return the network and its errors."""
    from ..diagnostic.backbones.unconstrained_model import force_mae, train_unconstrained

    with watched("training") as watch:
        network = train_unconstrained(frames.select(split.training), settings, watch, device)
    held_out = frames.select(split.held_out) if others is None else others
    return network, {
        "force_mae_eV_A": force_mae(network, held_out),
        "training_force_mae_eV_A": force_mae(network, frames.select(split.training)),
    }


def _of_structures(
    data: TrainingData,
    split: Split,
    others: TrainingData | None,
    settings: UnconstrainedSettings,
    device: str,
) -> tuple[UnconstrainedNetwork, dict[str, Any]]:
    """Train on structures of any kind; return the network and its errors, those held out by composition."""
    from ..diagnostic.backbones.unconstrained_training import (
        overall_force_mae,
        structure_errors,
        train_on_structures,
    )

    chosen = [frames for _, frames in data.chosen(split.training)]
    with watched("training") as watch:
        network = train_on_structures(chosen, settings, watch, device)
    held_out = (
        [frames for _, frames in data.chosen(split.held_out)]
        if others is None
        else [part.frames for part in others.parts]
    )
    rows = [
        {"formula": frames.formula, "periodic": frames.periodic, **structure_errors(network, frames)}
        for frames in held_out
    ]
    return network, {
        "force_mae_eV_A": overall_force_mae(rows),
        "training_force_mae_eV_A": overall_force_mae(
            [structure_errors(network, frames) for frames in chosen]
        ),
        "held_out_errors": rows,
    }
