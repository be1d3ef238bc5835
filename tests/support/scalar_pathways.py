"""Laws of networks with modules on their scalar pathway, which hold for every architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.backbones.architecture import architecture
from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.backbones.equivariance import equivariance_error
from spectral_ceilings.diagnostic.backbones.scalar_pathway import PATHWAYS
from spectral_ceilings.diagnostic.backbones.scalar_pathway_places import pathway_of
from spectral_ceilings.diagnostic.frames.frames import Frames

#: Every module alone, all together, and the control of all.
VARIANTS = [((name,), False) for name in PATHWAYS] + [(PATHWAYS, False), (PATHWAYS, True)]


def aspirin(count: int = 2) -> Frames:
    """Frames of the package's own data."""
    from spectral_ceilings.diagnostic.frames.reading_any import read_data

    frames = read_data("aspirin-xtb")
    assert isinstance(frames, Frames)
    return frames.select(np.arange(count))


def settings(kind: str, names: tuple[str, ...] = (), control: bool = False, **more: Any) -> Any:
    """Settings of a small network."""
    if kind == "mace":
        more = {"correlation": (2,), **more}
    arguments = {
        "l_max": 2,
        "r_max": 3.0,
        "num_layers": 2,
        "num_features": 4,
        "avg_num_neighbors": 8.0,
        "seed": 5,
    }
    return architecture(kind).settings(
        type_names=("H", "C", "O"), scalar_pathway=names, scalar_pathway_control=control, **{**arguments, **more}
    )  # fmt: skip


def network(kind: str, names: tuple[str, ...] = (), control: bool = False) -> tuple[Any, Any]:
    """Model and backbone, untrained."""
    chosen = settings(kind, names, control)
    model = architecture(kind).build(chosen, "float64")
    info = BackboneInfo("a test", kind, trained=False, builder=chosen.to_dict())
    return model, architecture(kind).wrap(model, chosen, info)


def check_symmetry(backbone: Any, frames: Frames) -> None:
    """Energies, forces and features turn and mirror as they have to."""
    for layer in backbone.layers():
        # float64: some thousand roundings of 1e-16 each
        assert equivariance_error(backbone, frames, layer.name, np.random.default_rng(1)) < 1e-10
    matrix, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    matrix *= -np.sign(np.linalg.det(matrix))  # improper: it mirrors
    before = backbone.respond(frames, [], forces=True)
    after = backbone.respond(replace(frames, positions=frames.positions @ matrix.T), [], forces=True)
    np.testing.assert_allclose(after.energies, before.energies, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(after.forces, before.forces @ matrix.T, rtol=1e-9, atol=1e-11)


def check_forces(backbone: Any, frames: Frames) -> None:
    """Forces are minus the gradient: central differences of step h err by h^2 E''' / 6, and by rounding 1e-16 E / h."""
    step, atom, axis = 1e-4, 3, 1
    moved = np.repeat(frames.positions[:1], 4, axis=0)
    moved[:, atom, axis] += np.array([2, 1, -1, -2]) * step
    energies = backbone.respond(
        replace(frames.select(np.zeros(4, dtype=int)), positions=moved), [], forces=True
    ).energies
    # the fourth-order formula: error h^4 E^(5) / 30, far below 1e-8 eV/Å at h = 1e-4 Å
    slope = (8 * (energies[1] - energies[2]) - (energies[0] - energies[3])) / (12 * step)
    force = backbone.respond(frames.select(np.zeros(1, dtype=int)), [], forces=True).forces[0, atom, axis]
    assert abs(force + slope) < 1e-8


def kept_outputs(model: Any, names: dict[str, Any], run: Callable[[], object]) -> dict[str, torch.Tensor]:
    """What modules give in one run, after all their other hooks; where an entry of what they give is named, that."""
    kept: dict[str, torch.Tensor] = {}

    def keep(_m: Any, _i: Any, output: Any, name: str) -> None:
        key = names[name]
        kept.setdefault(name, (output if key == "" else output[key]).detach().clone())

    handles = [model.get_submodule(name).register_forward_hook(partial(keep, name=name)) for name in names]
    run()
    for handle in handles:
        handle.remove()
    return kept


def same_weights(model: Any, plain: Any) -> None:
    """Every weight of the plain model is in the other one, bit for bit, under its name."""
    others = dict(model.named_parameters())
    for name, weights in plain.named_parameters():
        assert torch.equal(weights, others.pop(name))
    pathway = pathway_of(model)
    assert others
    assert pathway is not None
    assert all(name.startswith("scalar_pathway.") for name in others)


def independent_s(values: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """S(z) as it is printed, with NumPy's complex numbers."""
    return values * np.clip(1 - (0.01 / np.abs(values)) ** 0.3, 0, 1)
