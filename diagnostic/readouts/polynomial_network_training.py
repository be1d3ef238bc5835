"""Training of a polynomial network: Adam, gradient descent with momentum, or L-BFGS; the best weights on validation data."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ...theory.errors import InputError
from ..records.devices import choose_device, halving
from ..records.gradients import leave_gradient
from .polynomial_network import Activation, PolynomialNetwork

Optimiser = Literal["adam", "sgd", "lbfgs"]

#: Initial learning rate where none is given; L-BFGS finds its step by a line search.
LEARNING_RATES: dict[str, float] = {"adam": 0.02, "sgd": 0.05, "lbfgs": 1.0}

#: Iterations of L-BFGS between two looks at the validation data.
_LBFGS_ITERATIONS = 10

#: Largest norm of the gradient in one step: high powers have rare, very steep samples.
_CLIP = 1.0

#: A training error so many times that of the mean of the targets is a run that has diverged.
_DIVERGED = 100.0


@dataclass(frozen=True)
class NetworkTraining:
    """How a network is trained.

    Attributes
    ----------
    optimiser
        "adam", "sgd" (Nesterov momentum 0.9), both with a cosine schedule to zero, or "lbfgs" (all data, strong Wolfe).
    steps
        Steps of the optimiser; iterations of L-BFGS.
    learning_rate
        Initial learning rate; None takes `LEARNING_RATES`.
    batch
        Samples in a step of Adam or gradient descent, drawn without repeats within an epoch.
    weight_decay
        Decoupled decay of the weights in a step, as a multiple of the learning rate (not used by L-BFGS).
    looks
        How often training and validation errors are recorded, and the best weights kept.
    precision
        "float32" or "float64".
    """

    optimiser: Optimiser = "adam"
    steps: int = 1500
    learning_rate: float | None = None
    batch: int = 512
    weight_decay: float = 0.0
    looks: int = 30
    precision: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        if self.optimiser not in get_args(Optimiser):
            raise InputError(
                f"optimiser {self.optimiser!r} is unknown: give {', '.join(get_args(Optimiser))}"
            )
        for name in ("steps", "batch", "looks"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"{name} of the training is {value!r}: give an integer of at least 1")
        rate = self.rate
        if not (math.isfinite(rate) and rate > 0.0):
            raise InputError(f"learning_rate is {rate!r}: give a finite number above zero")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0.0):
            raise InputError(f"weight_decay is {self.weight_decay!r}: give a finite number, zero or more")
        if self.precision not in ("float32", "float64"):
            raise InputError(f"precision {self.precision!r} is unknown: give float32 or float64")

    @property
    def rate(self) -> float:
        """The initial learning rate."""
        return LEARNING_RATES[self.optimiser] if self.learning_rate is None else self.learning_rate


@dataclass(frozen=True)
class NetworkLook:
    """Mean squared errors after some steps, in the units of the targets squared; validation None without such data."""

    step: int
    training: float
    validation: float | None


@dataclass(frozen=True)
class NetworkFit:
    """A trained network.

    Attributes
    ----------
    network
        With the best weights on validation data; without such data, the last ones.
    history
        Errors at every look, the first before any step.
    best_step
        The step of the weights kept.
    diverged
        Whether the training error left all bounds (100 times that of the start, or not finite); training ended there, and the
        weights are those of the look before.
    seconds
        Wall time of the training.
    """

    network: PolynomialNetwork
    history: tuple[NetworkLook, ...]
    best_step: int
    diverged: bool
    seconds: float

    def predict(self, x: NDArray[np.float64] | torch.Tensor) -> NDArray[np.float64]:
        """Return predictions ``(samples, outputs)`` of inputs ``(samples, inputs)``."""
        return self.network.predict(x)


def fit_network(
    x: ArrayLike | torch.Tensor,
    y: ArrayLike | torch.Tensor,
    *,
    degree: int = 2,
    activation: Activation = "power",
    width: int = 128,
    depth: int = 1,
    validation: tuple[ArrayLike | torch.Tensor, ArrayLike | torch.Tensor] | None = None,
    training: NetworkTraining | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> NetworkFit:
    """Build a network and train it on the mean squared error of all outputs.

    Parameters
    ----------
    x, y
        ``(samples, inputs)`` and ``(samples, outputs)`` (or ``(samples,)``), finite; tensors are taken where they lie.
    degree, activation, width, depth
        See :class:`PolynomialNetwork`.
    validation
        Inputs and targets that choose the best weights.
    training
        Optimiser, steps and so on.
    seed
        Of initial weights and of the order of samples.
    device
        "cpu", "cuda", "cuda:1", ...
    progress
        Called with the number of steps done, at each look.

    Raises
    ------
    InputError
        Arrays that do not fit each other or are not finite, a device that is not there, or a wrong setting.
    """
    chosen = training or NetworkTraining()
    where = choose_device(device)
    inputs, targets = _pair("training", x, y, where)
    judges = None if validation is None else _pair("validation", *validation, where)
    if judges is not None and (judges[0].shape[1], judges[1].shape[1]) != (inputs.shape[1], targets.shape[1]):
        raise InputError(
            f"validation data have {judges[0].shape[1]} inputs and {judges[1].shape[1]} outputs, training data "
            f"{inputs.shape[1]} and {targets.shape[1]}: give the same columns"
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is {seed!r}: give an integer of at least 0")
    network = PolynomialNetwork(
        inputs.shape[1], targets.shape[1], degree=degree, activation=activation, width=width, depth=depth,
        seed=int(seed),
    )  # fmt: skip
    dtype = torch.float32 if chosen.precision == "float32" else torch.float64
    network = network.to(device=where, dtype=dtype)

    given = inputs.to(dtype), targets.to(dtype)
    network.standardise(*given)
    started = time.perf_counter()
    watch = _Watch(network, given, None if judges is None else (judges[0].to(dtype), judges[1].to(dtype)))
    steps = _lbfgs if chosen.optimiser == "lbfgs" else _descend
    every = max(1, chosen.steps // chosen.looks)
    watch.look(0)
    for step in steps(network, given, chosen, np.random.default_rng([int(seed), 1]), every):
        good = watch.look(step)
        if progress is not None:
            progress(step)
        if not good:
            break
    watch.restore()
    return NetworkFit(
        network, tuple(watch.history), watch.best_step, watch.diverged, time.perf_counter() - started
    )


class _Watch:
    """Looks at the errors and keeps the best weights."""

    def __init__(
        self,
        network: PolynomialNetwork,
        training: tuple[torch.Tensor, torch.Tensor],
        validation: tuple[torch.Tensor, torch.Tensor] | None,
    ) -> None:
        self.network, self.training, self.validation = network, training, validation
        self.history: list[NetworkLook] = []
        self.best_step, self._best, self.diverged = 0, math.inf, False
        self._kept = {name: p.detach().clone() for name, p in network.named_parameters()}

    def _error(self, data: tuple[torch.Tensor, torch.Tensor], most: int) -> float:
        with torch.no_grad():
            x, y = data[0][:most], data[1][:most]

            def squares(rows: slice) -> torch.Tensor:
                total: torch.Tensor = (self.network(x[rows]) - y[rows]).square().sum().double()
                return total

            total = torch.zeros((), dtype=torch.float64, device=x.device)
            for _, part in halving(squares, self.network.blocks(len(x))):
                total += part
            return float(total) / y.numel()

    def look(self, step: int) -> bool:
        """Record the errors; return whether they are finite."""
        # The training error is for the record only: a part of the data is enough.
        error = self._error(self.training, 4096)
        judged = error if self.validation is None else self._error(self.validation, len(self.validation[0]))
        first = self.history[0].training if self.history else math.inf
        if not (math.isfinite(error) and math.isfinite(judged) and error <= _DIVERGED * first):
            self.diverged = True
            return False
        self.history.append(NetworkLook(step, error, None if self.validation is None else judged))
        if self.validation is None or judged < self._best:
            self._best, self.best_step = judged, step
            self._kept = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        return True

    def restore(self) -> None:
        with torch.no_grad():
            for name, p in self.network.named_parameters():
                p.copy_(self._kept[name])


def _descend(
    network: PolynomialNetwork,
    data: tuple[torch.Tensor, torch.Tensor],
    settings: NetworkTraining,
    rng: np.random.Generator,
    every: int,
) -> Iterator[int]:
    """Adam or gradient descent on batches; yield the step number at every look."""
    x, y = data[0], _standardised(network, data[1])
    optimiser: torch.optim.Optimizer
    if settings.optimiser == "adam":
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.rate, weight_decay=settings.weight_decay
        )
    else:
        optimiser = torch.optim.SGD(network.parameters(), lr=settings.rate, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    order = torch.empty(0, dtype=torch.long, device=x.device)
    size = min(settings.batch, len(x))
    for step in range(1, settings.steps + 1):
        if len(order) < size:
            order = torch.as_tensor(rng.permutation(len(x)), device=x.device)
        batch, order = order[:size], order[size:]
        _leave_gradient(network, x[batch], y[batch])
        torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        if settings.optimiser == "sgd" and settings.weight_decay > 0.0:
            _decay(network, float(schedule.get_last_lr()[0]) * settings.weight_decay)
        optimiser.step()
        schedule.step()
        if step % every == 0 or step == settings.steps:
            yield step


def _leave_gradient(network: PolynomialNetwork, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error of some samples and leave its gradient in the weights."""

    def loss(rows: slice) -> torch.Tensor:
        some = y[rows]
        return (network.standardised(x[rows]) - some).square().mean() * (len(some) / len(y))

    return leave_gradient(loss, network.parameters(), [slice(0, len(y))])


def _decay(network: PolynomialNetwork, fraction: float) -> None:
    with torch.no_grad():
        for p in network.parameters():
            p.mul_(1.0 - fraction)


def _lbfgs(
    network: PolynomialNetwork,
    data: tuple[torch.Tensor, torch.Tensor],
    settings: NetworkTraining,
    _rng: np.random.Generator,
    _every: int,
) -> Iterator[int]:
    """L-BFGS on all data; yield the number of iterations at every look."""
    x, y = data[0], _standardised(network, data[1])
    optimiser = torch.optim.LBFGS(
        network.parameters(), lr=settings.rate, max_iter=_LBFGS_ITERATIONS, history_size=20,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> float:
        return float(_leave_gradient(network, x, y))

    before = math.inf
    for done in range(_LBFGS_ITERATIONS, settings.steps + _LBFGS_ITERATIONS, _LBFGS_ITERATIONS):
        loss = float(optimiser.step(closure))  # type: ignore[no-untyped-call]
        yield min(done, settings.steps)
        if not loss < before:  # the line search found nothing better: converged to rounding
            return
        before = loss


def _standardised(network: PolynomialNetwork, y: torch.Tensor) -> torch.Tensor:
    return (y - network.output_centre) / network.output_scale


def _pair(
    name: str, x: ArrayLike | torch.Tensor, y: ArrayLike | torch.Tensor, where: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and targets as float64 on a device; InputError where they are not numbers or do not fit each other."""
    try:
        inputs, targets = (
            values.detach().to(where, torch.float64)
            if isinstance(values, torch.Tensor)
            else torch.tensor(np.asarray(values, dtype=np.float64), device=where)
            for values in (x, y)
        )
    except (TypeError, ValueError):
        raise InputError(
            f"{name} data could not be read as numbers: give arrays (samples, columns)"
        ) from None
    if targets.ndim == 1:
        targets = targets[:, None]
    if inputs.ndim != 2 or targets.ndim != 2 or len(inputs) != len(targets) or 0 in inputs.shape:
        raise InputError(
            f"{name} data have shapes {tuple(inputs.shape)} and {tuple(targets.shape)}: give (samples, inputs) and "
            "(samples, outputs)"
        )
    for kind, values in (("inputs", inputs), ("targets", targets)):
        finite = values.isfinite().all(dim=1)
        if not bool(finite.all()):
            row = int((~finite).nonzero()[0, 0])
            raise InputError(f"{name} {kind} are not finite in sample {row}: leave it out")
    return inputs, targets
