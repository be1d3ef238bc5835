"""What raising L costs: exact counts of coupling work, and measured times of e3nn and NequIP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import e3nn
import numpy as np
import torch
from numpy.typing import NDArray

from ..diagnostic.backbones.backbone import BackboneInfo
from ..diagnostic.backbones.irreps import o3
from ..diagnostic.backbones.nequip_model import NequIPBackbone, NequIPSettings, build_nequip
from ..diagnostic.frames.frames import Frames
from ..theory.advise import feature_irreps
from ..theory.couplings import triangle
from .context import Context
from .outcome import Chart, Line, Outcome, Value

#: Highest L of the exact counts and of the timings.
COUNTED, TIMED = 12, 5
#: Size of what is timed: a batch of five aspirin frames (5 Å, about 300 edges each) and the width of our backbones.
FRAMES, EDGES, CHANNELS = 5, 1500, 16
_WHY = (
    "At small L fixed costs hide the growth: a fitted exponent depends on the range of L, on the number of channels and "
    "on the machine."
)


@dataclass(frozen=True)
class Work:
    """Coupling work of one layer that couples features l <= L with harmonics l <= L to outputs l <= L."""

    l_max: int
    paths: int
    multiplications: int


def coupling_work(l_max: int) -> Work:
    """Count the couplings (a, b) -> c of degrees <= ``l_max``, and their dense multiplications.

    A path is a triple with |a-b| <= c <= a+b, of any parity; it costs (2a+1)(2b+1)(2c+1) multiplications for one pair of
    channels. The number of paths grows as L^3, the multiplications as L^6.
    """
    degrees = range(l_max + 1)
    paths = [(a, b, c) for a in degrees for b in degrees for c in degrees if triangle(a, b, c)]
    return Work(l_max, len(paths), sum((2 * a + 1) * (2 * b + 1) * (2 * c + 1) for a, b, c in paths))


def exponent(
    x: Sequence[float], samples: NDArray[np.float64], rng: np.random.Generator, draws: int = 1000
) -> tuple[float, float, float]:
    """Return the slope of log y against log x with a 95 % interval over repeated timings.

    Parameters
    ----------
    samples
        ``(repeats, len(x))``; the slope is that of the medians, and repeats are resampled for each x on its own.
    """

    def slope(rows: NDArray[np.float64]) -> float:
        return float(np.polyfit(np.log(np.asarray(x)), np.log(np.median(rows, axis=0)), 1)[0])

    repeats = len(samples)
    drawn = []
    for _ in range(draws):
        which = rng.integers(repeats, size=samples.shape)
        drawn.append(slope(np.take_along_axis(samples, which, axis=0)))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return slope(samples), float(low), float(high)


def _timed(runs: Sequence[Callable[[], Any]], repeats: int) -> NDArray[np.float64]:
    """Return processor seconds ``(repeats, len(runs))``; the runs take turns, so that a busy moment hits all of them.

    Processor time and not wall time: another program on the same cores hardly changes it.
    """
    for run in runs:
        run()
    seconds = np.empty((repeats, len(runs)))
    for k in range(repeats):
        for j, run in enumerate(runs):
            start = time.process_time()
            run()
            seconds[k, j] = time.process_time() - start
    return seconds


@contextmanager
def _one_plain_thread() -> Iterator[None]:
    """One thread, whose processor time is its work, and e3nn's products without TorchScript's first slow calls."""
    before, threads = e3nn.get_optimization_defaults()["jit_script_fx"], torch.get_num_threads()
    e3nn.set_optimization_defaults(jit_script_fx=False)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        e3nn.set_optimization_defaults(jit_script_fx=before)


def _tensor_product(l_max: int, seed: int, edges: int = EDGES, channels: int = CHANNELS) -> Callable[[], Any]:
    """The product of features with harmonics as NequIP's layers use it: every path, one weight for each channel of a path."""
    generator = torch.Generator().manual_seed(seed)
    left, right = o3.Irreps(feature_irreps(channels, l_max)), o3.Irreps.spherical_harmonics(l_max)
    out: list[tuple[int, Any]] = []
    instructions: list[tuple[int, int, int, str, bool]] = []
    for i, (mul, a) in enumerate(left):
        for j, (_, b) in enumerate(right):
            for c in a * b:
                if c.l <= l_max:
                    instructions.append((i, j, len(out), "uvu", False))
                    out.append((mul, c))
    product = o3.TensorProduct(
        left, right, o3.Irreps(out), instructions, shared_weights=False, internal_weights=False
    )
    x = torch.randn(edges, left.dim, generator=generator, dtype=torch.get_default_dtype())
    y = torch.randn(edges, right.dim, generator=generator, dtype=torch.get_default_dtype())
    return lambda: product(x, y)


def coupling_cost(context: Context) -> Outcome:
    """Exact exponents of the counts and measured exponents of e3nn's product and of a NequIP pass."""
    works = [coupling_work(l) for l in range(1, COUNTED + 1)]

    def local(name: str) -> float:
        last, before = works[-1], works[-2]
        return float(np.log(getattr(last, name) / getattr(before, name)) / np.log(last.l_max / before.l_max))

    paths, multiplications = local("paths"), local("multiplications")
    degrees = list(range(1, (4 if context.quick else TIMED) + 1))
    repeats = 4 if context.quick else 8
    rng = np.random.default_rng([context.seed, 20])
    frames = context.frames("aspirin-xtb").select(np.arange(FRAMES))
    with _one_plain_thread(), torch.no_grad():
        products = _timed([_tensor_product(l, context.seed) for l in degrees], repeats)
        network = _timed([_nequip_pass(l, frames) for l in degrees], repeats)
    last = [_local(np.median(table, axis=0), degrees) for table in (products, network)]
    e3nn_exponent = exponent(degrees, products, rng)
    nequip_exponent = exponent(degrees, network, rng)
    counts_hold = abs(paths - 3.0) <= 0.5 and multiplications > 5.0
    number_near = e3nn_exponent[1] <= 3.0 <= e3nn_exponent[2]
    verdict = "does not hold"
    if counts_hold and number_near:
        verdict = "holds"
    elif counts_hold and e3nn_exponent[0] > 2.0:
        verdict = "holds in direction, number differs"
    rows = [{"L": w.l_max, "paths": w.paths, "multiplications": w.multiplications} for w in works]
    middle, pass_middle = 1e3 * np.median(products, axis=0), 1e3 * np.median(network, axis=0)
    times = [
        {"L": l, "e3nn product, ms": float(middle[k]), "NequIP pass, ms": float(pass_middle[k])}
        for k, l in enumerate(degrees)
    ]
    top = degrees[-1]
    return Outcome(
        verdict,  # type: ignore[arg-type]
        f"By exact counts the paths of a layer grow with the local exponent {paths:.2f} at L = {COUNTED} and the multiplications "
        f"with {multiplications:.2f}. Measured for L = 1 to {top}: e3nn's product {e3nn_exponent[0]:.2f} "
        f"[{e3nn_exponent[1]:.2f}, {e3nn_exponent[2]:.2f}], a NequIP pass {nequip_exponent[0]:.2f} "
        f"[{nequip_exponent[1]:.2f}, {nequip_exponent[2]:.2f}]; "
        f"from L = {top - 1} to {top} alone {last[0]:.2f} and {last[1]:.2f}.",
        reason="" if verdict == "holds" else _WHY,
        values=(
            Value("exponent of paths (exact, local)", paths, paper=3.0, expected=3.0),
            Value("exponent of multiplications (exact, local)", multiplications, paper=6.0, expected=6.0),
            Value("exponent of e3nn's product", *e3nn_exponent, note=f"{CHANNELS} channels, {EDGES} edges"),
            Value(
                "exponent of a NequIP pass",
                *nequip_exponent,
                note=f"{CHANNELS} channels, {FRAMES} aspirin frames",
            ),
            Value("local exponent of e3nn's product", last[0], note=f"L = {top - 1} to {top}"),
            Value("local exponent of a NequIP pass", last[1], note=f"L = {top - 1} to {top}"),
        ),
        tables={"Counts": rows, "Times": times},
        charts=(_chart(works, degrees, products, network),),
        inputs={"channels": CHANNELS, "edges": EDGES, "frames": FRAMES, "threads": 1, "seed": context.seed},
    )


def _nequip_pass(l_max: int, frames: Frames) -> Callable[[], Any]:
    """The features of the frames by an untrained NequIP of three layers."""
    settings = NequIPSettings(
        ("H", "C", "O"), l_max=l_max, num_features=CHANNELS, parity=False, avg_num_neighbors=14.0
    )
    info = BackboneInfo(f"NequIP, L = {l_max}, untrained", "nequip", trained=False)
    backbone = NequIPBackbone(build_nequip(settings), settings.type_names, settings.r_max, info)
    layer = backbone.choose_layer().name
    return lambda: backbone.features(frames, layer)


def _local(seconds: NDArray[np.float64], degrees: Sequence[int]) -> float:
    """Exponent between the two highest L."""
    return float(np.log(seconds[-1] / seconds[-2]) / np.log(degrees[-1] / degrees[-2]))


def _chart(
    works: Sequence[Work], degrees: Sequence[int], products: NDArray[np.float64], network: NDArray[np.float64]
) -> Chart:
    x = tuple(float(w.l_max) for w in works)

    def relative(values: NDArray[np.float64]) -> tuple[float, ...]:
        middle = np.median(values, axis=0)
        return tuple(float(v) for v in middle / middle[0])

    measured = tuple(float(l) for l in degrees)
    return Chart(
        "Coupling work of a layer against L, relative to L = 1",
        "L",
        "relative to L = 1",
        "Exact counts of paths and multiplications, and measured times, on logarithmic scales.",
        lines=(
            Line("paths (exact)", x, tuple(w.paths / works[0].paths for w in works), style="theory"),
            Line(
                "multiplications (exact)",
                x,
                tuple(w.multiplications / works[0].multiplications for w in works),
                style="line",
            ),
            Line("e3nn product", measured, relative(products)),
            Line("NequIP pass", measured, relative(network)),
        ),
        log_x=True,
        log_y=True,
    )
