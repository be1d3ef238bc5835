"""What float32 or TF32 products would cost: R2 by l, the error of equivariance, and ranks, of aspirin's default diagnosis.

``python -m benchmarks.gpu_precision [--frames 1000] [--atoms 0,9,13] [--out DIR]`` emulates on the CPU what a GPU does when it
multiplies in float32, or in TF32 (inputs rounded to 10 bits of mantissa, sums in float32); all the rest stays float64.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from spectral_ceilings.diagnostic.backbones.equivariance import measure_equivariance
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.diagnosis import diagnose
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.diagnostic.readouts import equivariant, free

from .gpu.agreement import fit_tolerance

Format = Literal["float64", "float32", "tf32"]
FORMATS: tuple[Format, ...] = ("float64", "float32", "tf32")
#: Unit roundoff of a product's inputs.
ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "tf32": 2.0**-11}
#: What torch calls every matrix product in the end, and where its two factors stand.
_PRODUCTS = {"mm": (0, 1), "bmm": (0, 1), "addmm": (1, 2), "addmm_": (1, 2), "baddbmm": (1, 2), "mv": (0, 1)}


def rounded(values: torch.Tensor, kind: Format) -> torch.Tensor:
    """Return float64 values as a product in this format takes them in; TF32 in a float32 tensor.

    Examples
    --------
    >>> rounded(torch.tensor([1.0 + 2.0**-10, 1.0 + 2.0**-12], dtype=torch.float64), "tf32").tolist()
    [1.0009765625, 1.0]
    """
    if kind == "float64":
        return values
    single = values.to(torch.float32)
    if kind == "float32":
        return single
    bits = single.contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)  # to nearest, in 10 of 23 bits


class CoarseProducts(TorchDispatchMode):
    """Within it, every product of float64 matrices is made in another format and comes back in float64."""

    def __init__(self, kind: Format) -> None:
        super().__init__()
        self.kind = kind
        self.made = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        where = _PRODUCTS.get(name)
        if where is None or self.kind == "float64" or args[where[0]].dtype != torch.float64:
            return func(*args, **(kwargs or {}))
        self.made += 1
        a, b = (rounded(args[k], self.kind) for k in where)
        product = (a @ b).to(torch.float64)
        if where == (0, 1):
            return product
        scales = kwargs or {}
        total = scales.get("beta", 1) * args[0] + scales.get("alpha", 1) * product
        return args[0].copy_(total) if name.endswith("_") else total


@contextmanager
def coarse_grams(kind: Format) -> Iterator[None]:
    """Within it, X^T X and X^T Y of both readouts are made in a format; solves and predictions stay in float64."""
    fit, gram = free._Fit.of, equivariant.gram_matrix

    def within(make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any) -> Any:
            with CoarseProducts(kind):
                return make(*args)

        return made

    free._Fit.of = within(fit)  # type: ignore[method-assign]
    equivariant.gram_matrix = within(gram)  # type: ignore[assignment]
    try:
        yield
    finally:
        free._Fit.of, equivariant.gram_matrix = fit, gram  # type: ignore[method-assign]


def recoveries(frames: Any, backbone: Any, atoms: Sequence[int], count: int | None) -> dict[str, Any]:
    """Return the result of the default diagnosis of some atoms, without controls, by format."""
    settings = DiagnoseSettings(frames=count, atoms=tuple(atoms), controls=False)
    out = {}
    for kind in FORMATS:
        with coarse_grams(kind):
            out[kind] = diagnose(frames, backbone, settings)
        print(f"diagnosis with Gram matrices in {kind}: {out[kind]['verdict']['outcome']}", flush=True)
    return out


def shifts(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the largest shift of R2 from float64 by format, readout, degree and l, and how many verdicts change."""
    exact = results["float64"]["recovery"]
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for kind in FORMATS[1:]:
        for a, b in zip(exact, results[kind]["recovery"], strict=True):
            if a["r2"] is None or b["r2"] is None:
                continue
            key = kind, a["readout"], a["degree"], a["l"]
            row = rows.setdefault(
                key, dict(zip(("format", "readout", "degree", "l"), key, strict=True), shift=0.0, verdicts=0)
            )
            row["shift"] = max(row["shift"], abs(a["r2"] - b["r2"]))
            row["verdicts"] += a["verdict"] != b["verdict"]
    return list(rows.values())


def equivariance(frames: Any, backbone: Any) -> dict[str, float]:
    """Return the relative error of equivariance of the tapped layer, with every product of the network in a format."""
    layer = backbone.choose_layer().name
    out = {}
    for kind in FORMATS:
        with CoarseProducts(kind):
            measured = measure_equivariance(backbone, frames.select([0]), [layer], np.random.default_rng(0))
        out[kind] = float(measured[layer].rotation)
    return out


def ranks(frames: Any, backbone: Any) -> dict[str, dict[str, int]]:
    """Return how many (atom, irrep) have another rank than in float64, when the covariance is made in a format.

    ``same``: eigenvalues above 1e-12 of the largest count, as in float64; ``raised``: only those above what the format
    leaves, channels x roundoff.
    """
    features = backbone.features(frames, backbone.choose_layer().name)
    out = {kind: {"of": 0, "same": 0, "raised": 0} for kind in FORMATS[1:]}
    for block in features.blocks():
        for atom in range(block.values.shape[1]):
            values = block.values[:, atom]
            inside = values - values.mean(axis=0) if block.l == 0 else values
            flat = torch.from_numpy(inside.transpose(0, 2, 1).reshape(-1, block.channels))
            exact = _rank(flat, "float64", 1e-12)
            for kind, row in out.items():
                row["of"] += 1
                row["same"] += _rank(flat, kind, 1e-12) != exact  # type: ignore[arg-type]
                row["raised"] += _rank(flat, kind, block.channels * ROUNDOFF[kind]) != exact  # type: ignore[arg-type]
    return out


def _rank(flat: torch.Tensor, kind: Format, tolerance: float) -> int:
    single = rounded(flat, kind)
    covariance: NDArray[np.float64] = (single.T @ single).double().numpy()
    values = np.linalg.eigvalsh(covariance)
    return int(np.sum(values > tolerance * values.max()))


def main(arguments: list[str] | None = None) -> int:
    """Print the table, and write it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_precision", description=__doc__)
    parser.add_argument("--frames", type=int, default=None)
    parser.add_argument("--atoms", default="0,9,13")
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args(arguments)
    frames, backbone = read_frames("aspirin-xtb"), load_backbone("aspirin-xtb-l2")
    some = frames.select(np.arange(0, len(frames), 4))
    content: dict[str, Any] = {"ranks": ranks(some, backbone), "equivariance": equivariance(frames, backbone)}
    print(f"error of equivariance: {content['equivariance']}\nranks: {content['ranks']}", flush=True)
    results = recoveries(frames, backbone, [int(k) for k in given.atoms.split(",")], given.frames)
    content["rows"] = shifts(results)
    content["verdicts"] = {kind: result["verdict"]["outcome"] for kind, result in results.items()}
    content["bounds"] = {
        kind: {str(s): fit_tolerance(1_400, 12_000, s, u) for s in (1e-7, 1e-5, 1e-3, 1e-1)}
        for kind, u in ROUNDOFF.items()
    }
    degrees = sorted({row["l"] for row in content["rows"]})
    print(
        "| format | readout | degree | "
        + " | ".join(f"l = {l}" for l in degrees)
        + " | verdicts that change |"
    )
    print("| --- " * (len(degrees) + 4) + "|")
    for key in dict.fromkeys((row["format"], row["readout"], row["degree"]) for row in content["rows"]):
        by_l = {r["l"]: r for r in content["rows"] if (r["format"], r["readout"], r["degree"]) == key}
        cells = [f"{by_l[l]['shift']:.0e}" if l in by_l else "" for l in degrees]
        print(
            f"| {' | '.join(map(str, key))} | {' | '.join(cells)} | {sum(r['verdicts'] for r in by_l.values())} |"
        )
    for kind, bound in content["bounds"].items():
        print(f"bound of the shift of R2 in {kind}, by strength: {json.dumps(bound)}")
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "gpu-precision.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
