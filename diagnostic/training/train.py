"""Training a NequIP or Allegro backbone on energies and forces, with the package's own model and loss."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
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
from ..records.files import write_atomically, write_whole

Graph = dict[str, torch.Tensor]
#: Names of what a resumed run must have in common with the one that is in its directory.
_PARTS = {
    "builder": "builder arguments or the frames' statistics",
    "training": "training settings",
    "data": "the frames",
    "split": "splits",
    "held_out": "the held-out frames",
}


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
        self.description = {
            "builder": model_settings.to_dict(),
            "training": asdict(settings),
            "data": {"source": frames.source, "sha256": frames.sha256, "frames": len(frames)},
            "split": {name: getattr(split, name).tolist() for name in ("training", "validation", "held_out")},
            "held_out": {"sha256": self.held_out.sha256, "frames": len(self.held_out)},
        }

    def prepare(self, resume: bool) -> None:
        """Create the directory, or check that the run in it is this one."""
        self.kind.build(
            self.model_settings, "float32"
        )  # a missing package is said before anything is written
        atom_types(self.held_out.numbers, self.model_settings.type_names, "the training data")
        if self._own_held_out:
            check_apart(self.frames, self.held_out)
            check_same_labels(self.frames, self.held_out)
        record = self.directory / "settings.json"
        if self.directory.exists() and not self.directory.is_dir():
            raise InputError(
                f"{self.directory} is a file; give a directory that does not exist yet with --out"
            )
        if not record.exists():
            if self.directory.exists() and any(self.directory.iterdir()):
                raise InputError(f"{self.directory} exists and is not a training run; give another --out")
            write_whole(record, json.dumps(self.description))
            return
        if not resume:
            raise InputError(
                f"{self.directory} holds a training run already; give another --out, or --resume to go on with it"
            )
        try:
            before = dict(json.loads(record.read_text()))
        except (ValueError, TypeError) as error:
            raise InputError(f"{record} is damaged ({error}); give another --out") from error
        for part, now in json.loads(json.dumps(self.description)).items():
            if before.get(part, now if part == "held_out" else None) != now:
                raise InputError(
                    f"{self.directory} was started with other settings ({_PARTS[part]} differ); give another --out"
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
        with self.session(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._run(report or (lambda _progress: None), step or (lambda _done: None), stop_after)

    def _run(
        self, report: Callable[[Progress], None], tell_step: Callable[[int], None], stop_after: int | None
    ) -> float | None:
        cfg = self.settings
        model = self.kind.build(self.model_settings, "float32")
        optimizer = torch.optim.Adam(model.parameters(), lr=cfg.learning_rate, amsgrad=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, cfg.steps, eta_min=cfg.learning_rate / 100
        )
        loss = self.loss()
        ema = {name: p.detach().clone() for name, p in model.named_parameters()}
        best: dict[str, torch.Tensor] = {name: p.clone() for name, p in ema.items()}
        step, best_mae, best_step, seconds = 0, float("inf"), 0, 0.0
        log: list[dict[str, float]] = []
        state_file = self.directory / "progress.pt"
        if state_file.exists():
            state = _read_state(state_file)
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
            ema, best, log = state["ema"], state["best"], state["log"]
            step, best_mae, best_step, seconds = (
                state["step"],
                state["best_mae"],
                state["best_step"],
                state["seconds"],
            )
        training = self.graphs(self.frames.select(self.split.training))
        validation = self.graphs(self.frames.select(self.split.validation))
        per_epoch = max(1, len(training) // cfg.batch_size)
        started = time.perf_counter() - seconds
        stop = cfg.steps if stop_after is None else min(cfg.steps, step + stop_after)
        while step < stop and (step - best_step) < cfg.patience * cfg.validate_every:
            epoch, place = divmod(step, per_epoch)
            order = np.random.default_rng([cfg.seed, epoch]).permutation(len(training))
            chosen = order[place * cfg.batch_size : (place + 1) * cfg.batch_size]
            data = self.batch([training[k] for k in chosen])
            model.train()
            optimizer.zero_grad()
            value = loss(model, data)
            value.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            schedule.step()
            step += 1
            tell_step(step)
            decay = min(cfg.ema_decay, step / (step + 10))
            with torch.no_grad():
                for name, p in model.named_parameters():
                    ema[name].lerp_(p, 1.0 - decay)
            if step % cfg.validate_every == 0 or step == cfg.steps:
                current = {name: p.detach().clone() for name, p in model.named_parameters()}
                _assign(model, ema)
                mae = self.force_mae(model.eval(), validation)
                _assign(model, current)
                if mae < best_mae:
                    best_mae, best_step = mae, step
                    best = {name: p.clone() for name, p in ema.items()}
                seconds = time.perf_counter() - started
                log.append({"step": step, "validation_force_mae_eV_A": mae, "seconds": round(seconds, 1)})
                state = {
                    "log": log, "model": model.state_dict(), "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "ema": ema, "best": best, "step": step, "best_mae": best_mae, "best_step": best_step, "seconds": seconds,
                }  # fmt: skip
                write_atomically(state_file, partial(torch.save, state))
                report(Progress(step, cfg.steps, mae, best_mae, seconds))
        if (
            stop_after is not None
            and step < cfg.steps
            and (step - best_step) < cfg.patience * cfg.validate_every
        ):
            return None
        if best_step == 0:
            raise InputError(
                f"the training diverged: no validation force error up to step {step} is finite; give another --out and a "
                f"learning rate below {cfg.learning_rate:g}"
            )
        _assign(model, best)
        model.eval()
        error = self.force_mae(model, self.graphs(self.held_out)) if len(self.held_out) else None
        record = {
            "command": self.command,
            **{key: self.description[key] for key in ("training", "data", "split")},
            "held_out": {
                "source": self.held_out.source,
                "sha256": self.held_out.sha256,
                "frames": len(self.held_out),
            },
            "steps_done": step,
            "best_step": best_step,
            "validation_force_mae_eV_A": best_mae,
            "held_out_force_mae_eV_A": error,
            "seconds": round(seconds, 1),
            "log": log,
            "versions": {name: version(name) for name in self.kind.packages},
        }
        save_backbone(
            self.directory / "backbone.safetensors", model, self.model_settings, record, error, self.kind.name
        )
        return error


def _read_state(path: Path) -> dict[str, Any]:
    """Read the saved state of a run; InputError where it is damaged."""
    keys = {
        "log",
        "model",
        "optimizer",
        "schedule",
        "ema",
        "best",
        "step",
        "best_mae",
        "best_step",
        "seconds",
    }
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        missing = sorted(keys - set(state))
    except Exception as error:  # torch raises what the damage leads it to
        raise InputError(
            f"{path} is damaged ({type(error).__name__}); delete it to train from the start, or give another --out"
        ) from error
    if missing:
        raise InputError(
            f"{path} has no {missing[0]!r}; delete it to train from the start, or give another --out"
        )
    return state


def _assign(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(weights[name])
