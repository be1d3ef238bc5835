"""Training a NequIP or Allegro backbone on energies and forces, with the package's own model and loss."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.data import chemical_symbols

from ...theory.errors import InputError
from ..backbones.architecture import BuilderSettings, architecture
from ..backbones.checkpoint import save_backbone
from ..backbones.nequip_model import atom_types, batch, graph, nequip_session
from ..frames.copies import check_apart
from ..frames.frames import Frames
from ..frames.relabelled import check_same_labels
from ..frames.splits import Split
from ..records.run_directory import RunDirectory
from .state import Graph, TrainingState, assign


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. A cosine from ``learning_rate`` to a hundredth of it over ``steps``; EMA weights are kept."""

    steps: int = 4000
    batch_size: int = 5
    learning_rate: float = 0.01
    ema_decay: float = 0.99
    validate_every: int = 250
    patience: int = 8
    force_weight: float = 1.0
    energy_weight: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "validate_every", "patience"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name} is {value!r}, expected an integer >= 1")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**63:
            raise InputError(f"seed is {self.seed!r}, expected an integer from 0 to {2**63 - 1}")
        if not 0.0 < self.learning_rate < 1.0:
            raise InputError(f"learning_rate is {self.learning_rate}, expected a number between 0 and 1")


@dataclass(frozen=True)
class Progress:
    """What the progress callback gets after each validation."""

    step: int
    steps: int
    force_mae: float
    best: float
    seconds: float


def builder_settings(frames: Frames, split: Split, kind: str = "nequip", **arguments: Any) -> BuilderSettings:
    """Return builder arguments of an architecture with the statistics of the training frames filled in.

    Energy shift: mean energy per atom; energy scale: force RMS; neighbours: mean count within the cutoff.
    """
    if frames.energies is None:
        raise InputError(
            f"{frames.source} has no energies, expected energies and forces; give frames with both"
        )
    training = frames.select(split.training)
    names = tuple(dict.fromkeys(chemical_symbols[z] for z in sorted(set(frames.numbers.tolist()))))
    settings = architecture(kind).settings
    r_max = float(arguments.get("r_max", settings(names).r_max))
    distances = np.linalg.norm(training.positions[:, :, None] - training.positions[:, None], axis=-1)
    neighbours = float((distances < r_max).sum(axis=2).mean() - 1.0)
    if neighbours <= 0.0:
        raise InputError(f"no atom has a neighbour within r_max = {r_max} Å; give a larger cutoff")
    assert training.energies is not None
    return settings(
        type_names=names,
        avg_num_neighbors=neighbours,
        energy_scale=float(np.sqrt(np.mean(training.forces**2))),
        energy_shift=float(training.energies.mean() / len(frames.numbers)),
        **arguments,
    )


class Trainer:
    """One training run in a directory, resumable after a kill at any moment.

    Files: ``settings.json``, ``progress.pt`` (the whole state, replaced atomically at each validation),
    and at the end ``backbone.safetensors`` with ``backbone.json``.
    """

    def __init__(
        self,
        frames: Frames,
        split: Split,
        model_settings: BuilderSettings,
        settings: TrainingSettings,
        directory: Path,
        *,
        held_out: Frames | None = None,
        command: str | None = None,
        kind: str = "nequip",
    ) -> None:
        self.kind = architecture(kind)
        self.frames, self.split, self.settings, self.directory = frames, split, settings, directory
        self.model_settings, self.command = model_settings, command
        self._own_held_out = held_out is not None
        self.held_out = held_out if held_out is not None else frames.select(split.held_out)
        self._run_directory: RunDirectory | None = None
        self.description = {
            "builder": model_settings.to_dict(),
            "training": asdict(settings),
            "data": {"source": frames.source, "sha256": frames.sha256, "frames": len(frames)},
            "split": {name: getattr(split, name).tolist() for name in ("training", "validation", "held_out")},
            "held_out": {"sha256": self.held_out.sha256, "frames": len(self.held_out)},
        }

    def prepare(self, resume: bool) -> None:
        """Make the run directory, or check that the run in it is this one; it is held until :meth:`run` ends.

        Raises
        ------
        InputError
            A missing package, elements that the training data lack, frames of both files that are alike; a directory that
            holds a run and ``resume`` is False, a run of other settings, or one that another process writes into.
        """
        self.kind.build(
            self.model_settings, "float32"
        )  # a missing package is said before anything is written
        atom_types(self.held_out.numbers, self.model_settings.type_names, "the training data")
        if self._own_held_out:
            check_same_labels(self.frames, self.held_out)
            check_apart(self.frames, self.held_out)
        self._run_directory = RunDirectory.create(
            self.directory, {"job": "train", **self.description}, resume
        )

    def session(self) -> AbstractContextManager[None]:
        """Return the context in which the package trains; a subclass trains with another package."""
        return nequip_session()

    def graphs(self, frames: Frames) -> list[Graph]:
        """Return every frame as the package's graph, with its energy and forces."""
        types = atom_types(frames.numbers, self.model_settings.type_names, "the model")
        assert frames.energies is not None
        out = []
        for positions, forces, energy in zip(frames.positions, frames.forces, frames.energies, strict=True):
            data = graph(positions, types, self.model_settings.r_max)
            data["forces"] = torch.tensor(forces)
            data["total_energy"] = torch.tensor([[energy]])
            out.append(data)
        return out

    def batch(self, graphs: list[Graph]) -> Graph:
        """Join graphs."""
        return batch(graphs)

    def loss(self) -> Callable[[torch.nn.Module, Graph], torch.Tensor]:
        """Return the package's loss of a model on a batch, weighted as the settings say."""
        from nequip.train import EnergyForceLoss

        cfg = self.settings
        weighted = EnergyForceLoss(coeffs={"total_energy": cfg.energy_weight, "forces": cfg.force_weight})

        def value(model: torch.nn.Module, data: Graph) -> torch.Tensor:
            total: torch.Tensor = weighted(model(data), data)["weighted_sum"]
            return total

        return value

    def force_mae(self, model: torch.nn.Module, graphs: list[Graph]) -> float:
        """Return the mean absolute error of the force components, eV/Å."""
        total, count = 0.0, 0
        for start in range(0, len(graphs), 25):
            data = self.batch(graphs[start : start + 25])
            error = model(data)["forces"].detach() - data["forces"]
            total += float(error.abs().sum())
            count += error.numel()
        return total / count

    def run(
        self,
        report: Callable[[Progress], None] | None = None,
        *,
        step: Callable[[int], None] | None = None,
        stop_after: int | None = None,
    ) -> float | None:
        """Train, keep the best weights, save the backbone; return the force MAE on held-out frames, eV/Å.

        Returns None where ``stop_after`` steps ended the run early (the next ``run`` goes on from there).
        """
        if self._run_directory is None:
            self.prepare(resume=True)
        try:
            with self.session(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._train(
                    report or (lambda _progress: None), step or (lambda _done: None), stop_after
                )
        finally:
            if self._run_directory is not None:
                self._run_directory.close()
            self._run_directory = None

    def _train(
        self, report: Callable[[Progress], None], tell_step: Callable[[int], None], stop_after: int | None
    ) -> float | None:
        cfg = self.settings
        model = self.kind.build(self.model_settings, "float32")
        state = TrainingState.initial(model, cfg.learning_rate, cfg.steps)
        state_file = self.directory / "progress.pt"
        if state_file.exists():
            state.restore(state_file)
        training = self.graphs(self.frames.select(self.split.training))
        validation = self.graphs(self.frames.select(self.split.validation))
        loss = self.loss()
        started = time.perf_counter() - state.seconds
        stop = cfg.steps if stop_after is None else min(cfg.steps, state.step + stop_after)
        while state.step < stop and not self._out_of_patience(state):
            state.advance(loss, self._next_batch(training, state.step), cfg.ema_decay)
            tell_step(state.step)
            if state.step % cfg.validate_every == 0 or state.step == cfg.steps:
                mae = state.validate(
                    lambda model: self.force_mae(model, validation), time.perf_counter() - started
                )
                state.save(state_file)
                report(Progress(state.step, cfg.steps, mae, state.best_mae, state.seconds))
        if state.step < cfg.steps and not self._out_of_patience(state):
            return None
        return self._finish(state)

    def _out_of_patience(self, state: TrainingState) -> bool:
        return (state.step - state.best_step) >= self.settings.patience * self.settings.validate_every

    def _next_batch(self, training: list[Graph], step: int) -> Graph:
        """Return the batch of a step: frames without repeats within an epoch, in an order drawn from seed and epoch."""
        size = self.settings.batch_size
        epoch, place = divmod(step, max(1, len(training) // size))
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(len(training))
        return self.batch([training[k] for k in order[place * size : (place + 1) * size]])

    def _finish(self, state: TrainingState) -> float | None:
        """Save the best weights with their record; return their force MAE on held-out frames, eV/Å."""
        if state.best_step == 0:
            raise InputError(
                f"the training diverged: no validation force error up to step {state.step} is finite; give another --out and "
                f"a learning rate below {self.settings.learning_rate:g}"
            )
        assign(state.model, state.best)
        state.model.eval()
        error = self.force_mae(state.model, self.graphs(self.held_out)) if len(self.held_out) else None
        record = {
            "command": self.command,
            **{key: self.description[key] for key in ("training", "data", "split")},
            "data": {**self.description["data"], "formula": self.frames.formula},
            "held_out": {
                "source": self.held_out.source,
                "sha256": self.held_out.sha256,
                "frames": len(self.held_out),
            },
            "steps_done": state.step,
            "best_step": state.best_step,
            "validation_force_mae_eV_A": state.best_mae,
            "held_out_force_mae_eV_A": error,
            "seconds": round(state.seconds, 1),
            "log": state.log,
            "versions": {name: version(name) for name in self.kind.packages},
        }
        save_backbone(
            self.directory / "backbone.safetensors",
            state.model,
            self.model_settings,
            record,
            error,
            self.kind.name,
        )
        return error
