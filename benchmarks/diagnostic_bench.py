"""Readouts of a diagnosis against what one would write today: e3nn trained with Adam, and one least-squares fit for each l."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import torch
from e3nn import o3

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.marks import marked_neighbours
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.frames.splits import split_frames
from spectral_ceilings.diagnostic.injection.fields import l_slice, signals
from spectral_ceilings.diagnostic.injection.orientations import Orientations
from spectral_ceilings.diagnostic.readouts.equivariant import fit_equivariant
from spectral_ceilings.diagnostic.readouts.free import channels_kept, fit_free
from spectral_ceilings.diagnostic.readouts.reduction import fit_reduction

from .harness import Measurement, Registry, compare, seconds

_FRAMES, _L_TOP, _DEGREE = 400, 8, 2
#: The peer stops at this multiple of our time where it has not got there: the ratio is then a lower bound.
_MOST = 100.0
#: How much lower the peer's held-out R2 may stay.
_SHORT = 0.01


@cache
def _data() -> tuple[Any, ...]:
    """Features, signal, residual and split of one ring carbon of the embedded frames and backbone."""
    frames = read_frames("aspirin-xtb")
    frames = frames.select(np.unique(np.linspace(0, len(frames) - 1, _FRAMES).astype(np.int64)))
    backbone = load_backbone()
    features = backbone.features(frames, backbone.choose_layer().name)
    mark = next(m for m in marked_neighbours(frames) if m.neighbour is not None and m.element == "C")
    signal = signals(len(frames.numbers), frames.positions, _L_TOP, "marked", [mark])[:, 0]
    residual = 0.1 * np.random.default_rng(0).standard_normal((len(frames), 3))
    return features, mark.atom, signal, residual, split_frames(len(frames), 0)


def adam() -> Iterator[Measurement]:
    """Compare the quadratic equivariant readout of all l with a FullyConnectedTensorProduct trained to the same R2."""
    features, atom, signal, _, split = _data()
    blocks = list(features.blocks())
    target: dict[int, float] = {}
    took = [0.0]

    def ours() -> float:
        start = time.perf_counter()
        fits = fit_equivariant(blocks, [atom], {"marked": {atom: signal}}, split, _DEGREE, 1.0)
        took[0] = time.perf_counter() - start
        for fit in fits:
            if fit.coefficients:
                sums = fit.own["marked"][atom]
                target[fit.l] = 1.0 - float(sums.missed.sum() / sums.injected.sum())
        return took[0]

    reached: list[bool] = []

    def peer() -> float:
        spent, done = _train(features, atom, signal, split, target, _MOST * took[0])
        reached.append(done)
        return spent

    ours()
    comparison = compare("diagnostic-adam", "", ours, "", peer)
    what = "e3nn FullyConnectedTensorProduct, Adam"
    stopped = "" if all(reached) else f" (stopped at {_MOST:g} times our time, R2 not reached)"
    size = f"{_FRAMES} frames, degree 2, l = 0 to {max(target)}, R2 at the highest {target[max(target)]:.3f}"
    yield Measurement(
        comparison.name,
        size,
        comparison.threads,
        comparison.ours_s,
        what + stopped,
        comparison.peer_s,
        comparison.ratio,
        comparison.peak_mb,
    )


def _train(
    features: Any, atom: int, signal: Any, split: Any, target: dict[int, float], most: float
) -> tuple[float, bool]:
    """Train one readout of all l with Adam on full batches; return the seconds of the steps, and whether it got there."""
    torch.manual_seed(0)
    irreps = o3.Irreps(features.irreps)
    wanted = o3.Irreps([(1, (l, (-1) ** l)) for l in sorted(target)])
    x = torch.tensor(features.values[:, atom], dtype=torch.float64)
    for (_, _), where in zip(irreps, irreps.slices(), strict=True):
        x[:, where] /= x[split.training][:, where].square().mean().sqrt()
    y = torch.tensor(np.concatenate([signal[:, l_slice(l)] for l in sorted(target)], axis=1))
    product = o3.FullyConnectedTensorProduct(irreps, irreps, wanted).double()
    linear = o3.Linear(irreps, wanted).double()
    optimiser = torch.optim.Adam([*product.parameters(), *linear.parameters()], lr=1e-2)
    train, held = torch.from_numpy(split.training), torch.from_numpy(split.held_out)
    start_of = dict(zip(sorted(target), wanted.slices(), strict=True))
    spent, step, done = 0.0, 0, False
    while spent < most and not done:
        start = time.perf_counter()
        optimiser.zero_grad()
        loss = (product(x[train], x[train]) + linear(x[train]) - y[train]).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        spent += time.perf_counter() - start
        step += 1
        if step % 10 == 0:
            with torch.no_grad():
                left = (product(x[held], x[held]) + linear(x[held]) - y[held]).square()
            done = all(
                1.0 - float(left[:, where].sum() / y[held][:, where].square().sum()) >= target[l] - _SHORT
                for l, where in start_of.items()
                if l > 0
            )
    return spent, done


def plain() -> Iterator[Measurement]:
    """Compare the free readout, every l at once, with one least-squares fit of all monomials for each l."""
    features, atom, signal, residual, split = _data()
    blocks = list(features.blocks())
    orientations = Orientations.draw(split, _L_TOP, np.random.default_rng(1))
    for degree in (2, 3):
        keep = channels_kept(blocks, degree)

        def ours(degree: int = degree) -> float:
            return seconds(lambda: fit_free(blocks, atom, signal, residual, orientations, degree, 1.0))

        def peer(degree: int = degree, keep: dict[tuple[int, int], int] = keep) -> float:
            return seconds(lambda: _plain(blocks, atom, signal, orientations, degree, keep))

        ours()
        yield compare(
            "diagnostic-closed-form",
            f"{_FRAMES} frames x 20 rotations, degree {degree}, l = 0 to {_L_TOP}, one atom",
            ours,
            "all monomials and numpy.linalg.lstsq for each l",
            peer,
            runs=5 if degree == 2 else 1,
        )


def _plain(blocks: Any, atom: int, signal: Any, orientations: Orientations, degree: int, keep: Any) -> None:
    reduced = fit_reduction(blocks, [atom], orientations.split.training, keep, {}).apply(blocks, atom)

    def rows(uses: Any) -> tuple[Any, Any]:
        turned = [uses.turn(torch.from_numpy(block)).reshape(len(uses), -1) for block in reduced]
        x = torch.cat(turned, dim=1).numpy()
        columns = [np.ones(len(x))]
        for order in range(1, degree + 1):
            columns += [
                x[:, list(factors)].prod(axis=1)
                for factors in combinations_with_replacement(range(x.shape[1]), order)
            ]
        return np.stack(columns, axis=1), uses.turn_signal(torch.from_numpy(signal)).numpy()

    (design, y), (judged, truth) = rows(orientations.training), rows(orientations.held_out)
    for l in range(_L_TOP + 1):
        weights = np.linalg.lstsq(design, y[:, l_slice(l)], rcond=None)[0]
        1.0 - np.sum((truth[:, l_slice(l)] - judged @ weights) ** 2) / np.sum(truth[:, l_slice(l)] ** 2)


BENCHMARKS: Registry = {"diagnostic-adam": adam, "diagnostic-closed-form": plain}
