"""The state of a training run between two steps, saved at each validation so that a killed run goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ...theory.errors import InputError
from ..records.files import write_atomically
from ..records.gradients import leave_gradient

Graph = dict[str, torch.Tensor]
Weights = dict[str, torch.Tensor]
#: Largest norm of the gradient in one step.
_CLIP = 10.0
#: Keys of the saved state.
_KEYS = ("log", "model", "optimizer", "schedule", "ema", "best", "step", "best_mae", "best_step", "seconds")


#: A loss in parts, each a mean over what its name says: ``frames``, ``atoms`` or frames with a ``stress``. Their sum is the loss.
Loss = Callable[[torch.nn.Module, Graph], Mapping[str, torch.Tensor]]


@dataclass(frozen=True)
class Batch:
    """The frames of one step, which can be taken in parts.

    Attributes
    ----------
    graphs
        The graph of every frame, on the host.
    join
        Joins some of them, on the device.
    """

    graphs: Sequence[Graph]
    join: Callable[[list[Graph]], Graph]

    def part(self, rows: slice) -> Graph:
        """Return some frames as one graph, on the device."""
        return self.join(list(self.graphs[rows]))

    def shares(self, rows: slice) -> dict[str, float]:
        """Return what of the frames, of their atoms and of those with a stress lies in a part: weights of its means."""
        return {
            name: sum(sizes[rows]) / max(1, sum(sizes))
            for name, sizes in {
                "frames": [1] * len(self.graphs),
                "atoms": [len(graph["forces"]) for graph in self.graphs],
                "stress": [
                    int("stress" in graph and bool(graph["stress"].isfinite().all())) for graph in self.graphs
                ],
            }.items()
        }


@dataclass
class TrainingState:
    """A model in training.

    Attributes
    ----------
    model, optimizer, schedule
        The model in float32, Adam with AMSGrad, and a cosine from the learning rate to a hundredth of it.
    average
        Exponential moving average of the weights: what is validated and kept.
    best
        The average with the smallest validation error so far.
    step
        Steps done.
    best_step, best_mae
        Where ``best`` was met, and its force MAE on the validation frames, eV/Å.
    seconds
        Wall time up to the last validation, those of earlier runs included.
    log
        One row for each validation.
    """

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    average: Weights
    best: Weights
    step: int = 0
    best_step: int = 0
    best_mae: float = float("inf")
    seconds: float = 0.0
    log: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def initial(cls, model: torch.nn.Module, learning_rate: float, steps: int) -> TrainingState:
        """Return the state before the first step."""
        optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, amsgrad=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=learning_rate / 100)
        return cls(model, optimizer, schedule, average=copied_weights(model), best=copied_weights(model))

    def advance(self, loss: Loss, batch: Batch, decay: float) -> None:
        """Take one step on a batch and move the average along; ``decay`` is what the average keeps of itself.

        Where memory runs out, the gradient is that of halves of the batch, added up: the step is the same.
        """
        self.model.train()

        def of_part(rows: slice) -> torch.Tensor:
            means, shares = loss(self.model, batch.part(rows)), batch.shares(rows)
            return torch.stack([mean * shares[name] for name, mean in means.items()]).sum()

        leave_gradient(of_part, self.model.parameters(), [slice(0, len(batch.graphs))])
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP)
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        # In the first steps the average forgets faster: the initial weights are no estimate.
        decay = min(decay, self.step / (self.step + 10))
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                self.average[name].lerp_(p, 1.0 - decay)

    def validate(self, force_mae: Callable[[torch.nn.Module], float], seconds: float) -> float:
        """Measure the average's force MAE (eV/Å), keep it where it is the best so far, and return the error."""
        current = copied_weights(self.model)
        assign(self.model, self.average)
        mae = force_mae(self.model.eval())
        assign(self.model, current)
        if mae < self.best_mae:
            self.best_mae, self.best_step = mae, self.step
            self.best = {name: weights.clone() for name, weights in self.average.items()}
        self.seconds = seconds
        self.log.append({"step": self.step, "validation_force_mae_eV_A": mae, "seconds": round(seconds, 1)})
        return mae

    def save(self, path: Path) -> None:
        """Write the whole state, atomically."""
        saved = {
            "log": self.log, "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(), "ema": self.average, "best": self.best, "step": self.step,
            "best_mae": self.best_mae, "best_step": self.best_step, "seconds": self.seconds,
        }  # fmt: skip
        write_atomically(path, partial(torch.save, saved))

    def restore(self, path: Path) -> None:
        """Take the state up that ``save`` wrote; InputError where the file is damaged."""
        saved = _read(path)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        self.average, self.best = (_beside(self.model, saved[key]) for key in ("ema", "best"))
        self.log = saved["log"]
        self.step, self.best_step = saved["step"], saved["best_step"]
        self.best_mae, self.seconds = saved["best_mae"], saved["seconds"]


def _read(path: Path) -> dict[str, Any]:
    remedy = "delete it to train from the start, or give another --out"
    try:
        saved: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        missing = sorted(set(_KEYS) - set(saved))
    except Exception as error:  # torch raises what the damage leads it to
        raise InputError(f"{path} is damaged ({type(error).__name__}); {remedy}") from error
    if missing:
        raise InputError(f"{path} has no {missing[0]!r}; {remedy}")
    return saved


def _beside(model: torch.nn.Module, weights: Weights) -> Weights:
    """Return weights by name, each on the device of the model's."""
    return {name: weights[name].to(p.device) for name, p in model.named_parameters()}


def copied_weights(model: torch.nn.Module) -> Weights:
    """Return a copy of a model's weights by name."""
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def assign(model: torch.nn.Module, weights: Weights) -> None:
    """Put weights into a model, in place."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(weights[name])
