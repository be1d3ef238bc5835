"""Claims of our own beside the paper on the scalar pathway: modules that act on scalars leave the ceiling where it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..diagnostic.auditing.random_readouts import random_readout
from ..diagnostic.auditing.rotation_audit import component_scale, rotation_audit
from ..diagnostic.backbones.architecture import architecture
from ..diagnostic.backbones.backbone import Backbone, BackboneInfo
from ..diagnostic.frames.frames import Frames
from ..diagnostic.training.data import split_of
from ..diagnostic.training.train import builder_settings
from ..theory.errors import InputError
from .context import Context
from .outcome import Chart, Line, Outcome, Value, Verdict
from .scalar_records import ARMS, paired, rows, source

#: Packages of the architectures.
_PACKAGES = {"nequip": "nequip", "allegro": "allegro", "mace": "mace"}
_PATHWAY = ("pan", "pgs-edge", "pgs-readout")
#: Degree of the readout; the ceiling is its product with L, which is 2, and 1 in a quick run.
_DEGREE = 2
#: A relative power is the square of a relative amplitude. Amplitudes of float64 carry 2e-16 for each operation; networks and
#: readouts of some thousand operations in a row stay below 1e-12, powers below 1e-24.
_ROUNDING = 1e-20
#: Heights that differ by less are alike.
_ALIKE = 0.05


def twins(kind: str, frames: Frames, seed: int, l_max: int) -> dict[str, tuple[Any, Backbone]]:
    """Return a plain network, one with all modules and its control, of one seed and in float64, each with its backbone."""
    made = architecture(kind)
    arms: dict[str, dict[str, Any]] = {
        "plain": {},
        "modules": {"scalar_pathway": _PATHWAY},
        "control": {"scalar_pathway": _PATHWAY, "scalar_pathway_control": True},
    }
    backbones: dict[str, tuple[Any, Backbone]] = {}
    for arm, more in arms.items():
        settings = builder_settings(
            frames,
            split_of(frames, seed),
            kind,
            l_max=l_max,
            num_layers=2,
            num_features=4,
            seed=seed,
            **more,
        )
        info = BackboneInfo(f"{kind}, {arm}", kind, trained=False, builder=settings.to_dict())
        model = made.build(settings, "float64")
        backbones[arm] = model, made.wrap(model, settings, info)
    return backbones


def messages(model: Any, kind: str) -> list[tuple[Any, list[slice]]]:
    """Return the modules whose scalars are weighed, each with the columns of l > 0 of what it gives (last dimension)."""
    if kind == "mace":
        products = [layer.conv_tp for layer in model.interactions]
    elif kind == "nequip":
        products = [m.tp_scatter.tp for m in model.modules() if type(m).__name__ == "InteractionBlock"]
    else:
        track = next(m for m in model.modules() if type(m).__name__ == "Allegro_Module")
        return [
            (track._env_weighter, [slice(1, None)])
        ]  # harmonics by channels: the first component is l = 0
    return [
        (p, [s for s, (_, ir) in zip(p.irreps_out.slices(), p.irreps_out, strict=True) if ir.l > 0])
        for p in products
    ]


def changed_entries(model: Any, kind: str, run: Callable[[], object]) -> tuple[int, int]:
    """Return how many numbers with l > 0, and with l = 0, the modules change where they act, for the same inputs.

    What a product gives with the modules is held against the product alone, called on the same inputs.
    """
    counts = [0, 0]

    def compare(higher: list[slice]) -> Callable[..., None]:
        def hook(product: Any, inputs: Any, output: Any) -> None:
            differs = (product.forward(*inputs) != output).reshape(-1, output.shape[-1])
            above = sum(int(differs[:, columns].sum()) for columns in higher)
            counts[0] += above
            counts[1] += int(differs.sum()) - above

        return hook

    handles = [product.register_forward_hook(compare(higher)) for product, higher in messages(model, kind)]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return counts[0], counts[1]


def exact(context: Context) -> Outcome:
    """Irreps, tensors with l > 0 and rotation spectra of a plain network and its twins, for each architecture here."""
    frames = context.frames("ethanol-xtb")
    present = [kind for kind, package in _PACKAGES.items() if find_spec(package) is not None]
    if not present:
        raise InputError("none of nequip, nequip-allegro and mace-torch is installed; install one of them")
    l_max = 1 if context.quick else 2
    ceiling, wrong = l_max * _DEGREE, list[str]()
    table: list[dict[str, Any]] = []
    for kind in present:
        backbones = twins(kind, frames, context.seed, l_max)
        irreps = {arm: _tapped(backbone) for arm, (_, backbone) in backbones.items()}
        for arm, (model, backbone) in backbones.items():
            still = frames.select([0])
            above, at_zero = changed_entries(model, kind, partial(backbone.features, still, "layer0"))
            power = spectrum(backbone, frames, context.seed, ceiling + 2)
            leak = float(power[ceiling + 1 :].sum())
            if irreps[arm] != irreps["plain"]:
                wrong.append(f"{kind}, {arm}: irreps {irreps[arm]} instead of {irreps['plain']}")
            if above:
                wrong.append(f"{kind}, {arm}: {above} numbers with l > 0 changed")
            if leak > _ROUNDING:
                wrong.append(f"{kind}, {arm}: power {leak:.1e} above l = {ceiling}")
            table.append(
                {
                    "architecture": kind, "network": arm, "irreps of the tapped layer": irreps[arm],
                    "numbers with l > 0 changed": above, "numbers with l = 0 changed": at_zero,
                    f"power at l = {ceiling}": float(power[ceiling]), f"power above l = {ceiling}": leak,
                }
            )  # fmt: skip
    acted = all(line["numbers with l = 0 changed"] > 0 for line in table if line["network"] != "plain")
    if not acted and not wrong:
        return Outcome(
            "cannot be checked here",
            "The modules changed no scalar.",
            reason="They do not act on these frames.",
        )
    largest = max(line[f"power above l = {ceiling}"] for line in table)
    lacking = [kind for kind in _PACKAGES if kind not in present]
    return Outcome(
        "does not hold" if wrong else "holds",
        "; ".join(wrong) + "."
        if wrong
        else f"{', '.join(present)}: irreps as in the plain network, no number with l > 0 changed where the modules act, and at "
        f"most {largest:.0e} of a readout's power above l = {ceiling}.",
        reason=f"Not installed here: {', '.join(lacking)}." if lacking else "",
        values=(
            Value(f"largest power above l = {ceiling}", largest, expected=0.0, note="relative to the total"),
        ),
        tables={"Networks": table},
        inputs={"frames": "ethanol-xtb, the first", "networks": f"untrained, seed {context.seed}"},
    )


def _tapped(backbone: Backbone) -> str:
    return next(str(layer.irreps) for layer in backbone.layers() if layer.name == "layer0")


def spectrum(
    backbone: Backbone, frames: Frames, seed: int, l_top: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the rotation spectrum of a random readout of the tapped features of an atom, of degree 2."""
    rng = np.random.default_rng([seed, 18])
    scale = component_scale(backbone.features(frames.select([0]), "layer0"))
    readout = random_readout("polynomial", _DEGREE, scale, rng)
    audit = rotation_audit(
        backbone, frames.select([0]), [], [("layer0", 0, readout)], l_top, rng, network=True
    )
    return next(each.power for each in audit.readouts if each.route == "network")


def measured(_: Context) -> Outcome:
    """Where trained networks of every arm stop."""
    every = rows("diagnoses")
    beyond = [row for row in every if (row["last_recovered"] or 0) > row["boundary"]]
    below = [row for row in every if (row["last_recovered"] or 0) < row["boundary"]]
    verdict: Verdict = (
        "does not hold" if beyond else "cannot be checked here" if below or not every else "holds"
    )
    table = []
    for name, arm in sorted(
        {(row["architecture"], row["arm"]) for row in every}, key=lambda x: (x[0], ARMS.index(x[1]))
    ):
        some = [row for row in every if (row["architecture"], row["arm"]) == (name, arm)]
        edge = some[0]["boundary"]
        inside, outside = ([row["r2"][l] for row in some] for l in (edge, edge + 1))
        table.append(
            {
                "architecture": name, "network": arm, "networks": len(some), "predicted cliff": f"{edge}/{edge + 1}",
                "last recovered l": ", ".join(sorted({str(row["last_recovered"]) for row in some})),
                "R2 at the ceiling": f"{np.mean(inside):.3f} [{min(inside):.3f}, {max(inside):.3f}]",
                "R2 above it": f"{np.mean(outside):.3f} [{min(outside):.3f}, {max(outside):.3f}]",
            }
        )  # fmt: skip
    return Outcome(
        verdict,
        f"{len(every)} trained networks: {len(every) - len(beyond) - len(below)} recover up to l = 2L and not beyond, "
        f"{len(beyond)} beyond, {len(below)} stop below.",
        reason="Some networks stop below the ceiling." if verdict == "cannot be checked here" else "",
        values=(
            Value(
                "networks that stop at 2L",
                float(len(every) - len(beyond) - len(below)),
                expected=float(len(every)),
            ),
        ),
        tables={"Trained networks by arm": table},
        charts=(_curves(every),),
        inputs=source("diagnoses"),
    )


def _curves(every: list[dict[str, Any]]) -> Chart:
    lines = []
    for name, arm in sorted(
        {(row["architecture"], row["arm"]) for row in every}, key=lambda x: (x[0], ARMS.index(x[1]))
    ):
        r2 = [row["r2"] for row in every if (row["architecture"], row["arm"]) == (name, arm)]
        top = min(len(each) for each in r2)
        columns = [[each[l] for each in r2] for l in range(1, top)]
        lines.append(
            Line(
                f"{name}, {arm}",
                [float(l) for l in range(1, top)],
                [sum(c) / len(c) for c in columns],
                [min(c) for c in columns],
                [max(c) for c in columns],
            )
        )
    edges = sorted({row["boundary"] for row in every})
    return Chart(
        "Cliff with and without the modules",
        "angular frequency l of the injected field",
        "R² on held-out frames",
        "R² against l by architecture and arm, means over seeds with their ranges; the dotted line is the ceiling.",
        lines=tuple(lines),
        marks=tuple((edge + 0.5, f"ceiling {edge}") for edge in edges),
    )


def height(_: Context) -> Outcome:
    """Whether the modules change R2 at the ceiling, paired by seed, against both other arms."""
    every = [row | {"height": row["r2"][row["boundary"]]} for row in rows("diagnoses")]
    values, small, moved = [], [], []
    for name in sorted({row["architecture"] for row in every}):
        some = [row for row in every if row["architecture"] == name]
        both = [
            paired(some, lambda row: float(row["height"]), "modules", against)
            for against in ("plain", "control")
        ]
        for against, each in zip(("plain", "control"), both, strict=True):
            if each is not None:
                note = f"{each.seeds} seeds; interval over seeds"
                values.append(
                    Value(
                        f"change of R2 at the ceiling, {name}, modules less {against}",
                        each.mean,
                        each.low,
                        each.high,
                        note=note,
                    )
                )
        known = [each for each in both if each is not None and each.low is not None and each.high is not None]
        moved.append(
            len(known) == 2 and all((each.low or 0.0) > 0.0 or (each.high or 0.0) < 0.0 for each in known)
        )
        small.append(bool(known) and max(abs(known[0].low or 0.0), abs(known[0].high or 0.0)) < _ALIKE)
    verdict: Verdict = "cannot be checked here"
    if any(moved):
        verdict = "holds"
    elif small and all(small):
        verdict = "does not hold"
    return Outcome(
        verdict,
        "; ".join(
            f"{value.name}: {value.value:+.3f}"
            + ("" if value.low is None else f" [{value.low:+.3f}, {value.high:+.3f}]")
            for value in values
            if value.value is not None
        )
        + ".",
        reason="The intervals hold zero, and are wider than 0.05."
        if verdict == "cannot be checked here"
        else "",
        values=tuple(values),
        inputs=source("diagnoses"),
    )
