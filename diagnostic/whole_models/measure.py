"""Train a whole model on angular terms, and solve for its last readout over many draws of the weights below it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from ..readouts.compute import one_thread
from .cell import ModelCell, ModelCellSettings, TermRow, versions_of
from .exact import predicted
from .graphs import Graphs
from .models import WholeModel, build, session
from .terms import term_values

_Array = NDArray[np.float64]

#: Configurations that a model sees at a time where no gradient is needed.
_CHUNK = 512
#: Singular values below this share of the largest are rounding: those of functions are above 1e-7 of it in every cell.
_RANK = 1e-10
#: Largest norm of a step's gradient: products of four factors have steep corners.
_CLIP = 1.0


def calibrate_model(settings: ModelCellSettings) -> ModelCell:
    """Measure one cell.

    Configurations are drawn from streams of the seed: training and held-out ones are never the same.

    Raises
    ------
    InputError
        The package of the architecture is not installed, or a wrong setting.
    """
    layout = settings.layout
    given, held_out = (
        layout.directions(count, np.random.default_rng([settings.seed, stream]))
        for stream, count in enumerate((settings.samples, settings.held_out))
    )
    wanted, truth = (
        np.stack([term_values(term, directions) for term in settings.terms_as_objects], axis=1)
        for directions in (given, held_out)
    )
    mean, scale = wanted.mean(0), wanted.std(0)
    positions = [torch.from_numpy(layout.positions(directions)) for directions in (given, held_out)]
    with session(settings.model.architecture), one_thread():
        started = time.perf_counter()
        model = build(settings.model, settings.seed)
        head = _Head(model, settings, positions[0], len(settings.terms))
        _train(head, settings, positions[0], torch.from_numpy((wanted - mean) / scale))
        learned = np.concatenate(
            [head(graphs).numpy(force=True) for graphs in _chunks(settings, positions[1])]
        )
        trained_seconds = time.perf_counter() - started
        started = time.perf_counter()
        solved, rank = _closed_form(model, settings, positions, (wanted - mean) / scale)
        solved_seconds = time.perf_counter() - started
    allowance = 2.0 * rank / settings.samples
    rows = []
    for k, term in enumerate(settings.terms_as_objects):
        exact = predicted(term, settings.model, layout)
        closed, trained = (
            r2_with_error(truth[:, k], mean[k] + scale[k] * p[:, k]) for p in (solved, learned)
        )
        share = None if exact.share is None else str(exact.share)
        rows.append(TermRow(term.name, share, exact.reason, *closed, rank, *trained, allowance))
    parameters = sum(p.numel() for p in head.parameters())
    seconds = (round(trained_seconds, 2), round(solved_seconds, 2))
    return ModelCell(settings, tuple(rows), parameters, seconds, versions_of(settings.model))


def r2_with_error(truth: _Array, predictions: _Array) -> tuple[float, float]:
    r"""Return R2 and its standard error, by the delta method for a ratio of means.

    With :math:`e_i = (y_i - p_i)^2` and :math:`v_i = (y_i - \bar y)^2`, R2 is :math:`1 - \bar e / \bar v` and its error is
    that of the mean of :math:`e_i - (1 - R2) v_i`, over :math:`\bar v`.
    """
    errors, spread = (truth - predictions) ** 2, (truth - truth.mean()) ** 2
    r2 = 1.0 - errors.mean() / spread.mean()
    influence = errors - (1.0 - r2) * spread
    return float(r2), float(influence.std() / np.sqrt(len(truth)) / spread.mean())


class _Head:
    """A model with a linear readout of several outputs, on inputs that are centred and scaled once, before training."""

    def __init__(
        self, model: WholeModel, settings: ModelCellSettings, positions: torch.Tensor, outputs: int
    ) -> None:
        self.model = model
        with torch.no_grad():
            first = model.inputs(Graphs.of(settings.layout, positions[:_CHUNK]))
        self._mean = first.mean(0)
        # A column that does not move is left as it is: its share of rounding is not blown up to unit size.
        spread = first.std(0)
        self._spread = torch.where(spread > 1e-9 * (1.0 + self._mean.abs()), spread, torch.ones_like(spread))
        torch.manual_seed(settings.seed)
        self.linear = torch.nn.Linear(first.shape[1], outputs, dtype=torch.float64)

    def __call__(self, graphs: Graphs) -> torch.Tensor:
        out: torch.Tensor = self.linear((self.model.inputs(graphs) - self._mean) / self._spread)
        return out

    def parameters(self) -> list[torch.nn.Parameter]:
        return [*self.model.parameters(), *self.linear.parameters()]


def _train(head: _Head, settings: ModelCellSettings, positions: torch.Tensor, wanted: torch.Tensor) -> None:
    """Adam on the sum over terms of the mean squared error in units of each term's variance."""
    optimiser = torch.optim.Adam(head.parameters(), lr=settings.rate)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, total_steps=max(settings.steps, 2))
    rng = np.random.default_rng([settings.seed, 2])
    for _ in range(settings.steps):
        chosen = torch.from_numpy(rng.integers(0, len(positions), settings.batch))
        out = head(Graphs.of(settings.layout, positions[chosen]))
        loss = ((out - wanted[chosen]) ** 2).mean(0).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(head.parameters(), _CLIP)
        optimiser.step()
        cycle.step()


def _chunks(settings: ModelCellSettings, positions: torch.Tensor) -> Iterator[Graphs]:
    with torch.no_grad():
        for part in torch.split(positions, _CHUNK):
            yield Graphs.of(settings.layout, part)


def _closed_form(
    model: WholeModel, settings: ModelCellSettings, positions: list[torch.Tensor], wanted: _Array
) -> tuple[_Array, int]:
    """Least squares of all terms on the readout's inputs over many draws; return predictions and the inputs' rank."""
    spreads = [
        float(p.detach().std()) if p.numel() > 1 else 0.0
        for p in build(settings.model, settings.seed).parameters()
    ]
    generator = torch.Generator().manual_seed(settings.seed + 1)
    columns: tuple[list[_Array], list[_Array]] = ([], [])
    for _ in range(settings.draws):
        with torch.no_grad():
            for parameter, spread in zip(model.parameters(), spreads, strict=True):
                if spread > 0.0:  # of the size that the package draws it with
                    drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                    parameter.copy_(spread * drawn)
        for part, where in zip(positions, columns, strict=True):
            where.append(np.concatenate([model.inputs(g).numpy(force=True) for g in _chunks(settings, part)]))
    fitted, held_out = (np.concatenate(part, axis=1) for part in columns)
    return _solved(fitted, held_out, wanted)


def _solved(fitted: _Array, held_out: _Array, wanted: _Array) -> tuple[_Array, int]:
    mean, spread = fitted.mean(0), fitted.std(0)
    kept = spread > 1e-12 * (
        np.abs(mean) + np.abs(fitted).max(initial=0.0) * 1e-9
    )  # others are constants with rounding
    if not kept.any():
        return np.zeros((len(held_out), wanted.shape[1])), 0
    fitted, held_out = ((part[:, kept] - mean[kept]) / spread[kept] for part in (fitted, held_out))
    coefficients, _, rank, _ = np.linalg.lstsq(fitted, wanted, rcond=_RANK)
    return held_out @ coefficients, int(rank)
