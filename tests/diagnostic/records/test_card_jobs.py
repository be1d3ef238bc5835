"""Whole jobs on a pretended card: they mix no devices, give the CPU's numbers, and wait no more often for more steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms

from spectral_ceilings.diagnostic.backbones.unconstrained_model import (
    UnconstrainedSettings,
    train_unconstrained,
)
from spectral_ceilings.diagnostic.backbones.unconstrained_training import (
    structure_errors,
    train_on_structures,
)
from spectral_ceilings.diagnostic.curves.fits import fit_equivariant_at
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.frames.splits import split_frames
from spectral_ceilings.diagnostic.symmetry.breaking import at_rotations
from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator
from spectral_ceilings.diagnostic.training.train import Trainer, TrainingSettings, builder_settings
from spectral_ceilings.numerics.rotations import haar_rotations

from pretended_card import Card, on_host, pretended_card
from single_directions import single_direction

FRAMES = read_frames("aspirin-xtb").select(range(40))
SMALL = UnconstrainedSettings((1, 6, 8), width=8, rounds=1, steps=4, batch_size=3, augment=True)


def on_card(work: Callable[[], Any]) -> tuple[Any, Card]:
    with pretended_card(free=8 * 10**10) as card:
        return work(), card


def of_molecule(device: str, steps: int = 4) -> Any:
    settings = UnconstrainedSettings(**{**SMALL.to_dict(), "numbers": SMALL.numbers, "steps": steps})
    network = train_unconstrained(FRAMES, settings, device=device)
    return np.concatenate([on_host(weight).numpy().ravel() for weight in network.parameters()])


def of_structures(device: str, steps: int = 4) -> Any:
    settings = UnconstrainedSettings(**{**SMALL.to_dict(), "numbers": SMALL.numbers, "steps": steps})
    network = train_on_structures(
        [FRAMES.select(range(6)), FRAMES.select(range(6, 9))], settings, device=device
    )
    return np.array(structure_errors(network, FRAMES.select(range(5)))["force_mae_eV_A"])


@pytest.mark.parametrize("train", [of_molecule, of_structures])
def test_models_without_symmetry_learn_the_same_and_no_step_waits(train: Callable[..., Any]) -> None:
    made, card = on_card(lambda: train("cuda"))
    # Gradients in float32 are summed in another order by what differentiates itself; Adam divides them by their size.
    np.testing.assert_allclose(made, train("cpu"), rtol=0.0, atol=1e-5)
    _, longer = on_card(lambda: train("cuda", steps=9))
    assert longer.waits == card.waits


@pytest.mark.parametrize(
    ("kind", "more"), [("nequip", {}), ("allegro", {"num_scalar_features": 4, "mlp_width": 8})]
)
def test_a_network_learns_the_same_on_a_card(kind: str, more: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip(kind, reason=f"the extra {kind!r} is not installed")
    split = split_frames(len(FRAMES), 0)
    settings = builder_settings(FRAMES, split, kind, l_max=1, num_layers=1, num_features=2, **more)

    def trained(device: str, steps: int) -> float | None:
        training = TrainingSettings(steps=steps, batch_size=3, validate_every=steps)
        folder = tmp_path / f"{device}-{steps}"
        return Trainer(FRAMES, split, settings, training, folder, kind=kind, device=device).run()

    made, card = on_card(lambda: trained("cuda", 4))
    known = trained("cpu", 4)
    assert made is not None
    assert known is not None
    assert abs(made - known) < 1e-5 * known  # float32, as above
    _, longer = on_card(lambda: trained("cuda", 9))
    # The package's own loss reads six numbers in every step: sums, counts and weights of its two parts.
    assert longer.waits.total() - card.waits.total() == 6 * 5


@pytest.mark.parametrize("periodic", [False, True])
def test_a_symmetry_audit_turns_on_the_card(periodic: bool) -> None:
    atoms = Atoms("OH2", [[0.0, 0.0, 0.1], [0.0, 0.76, -0.49], [0.0, -0.76, -0.49]])
    if periodic:
        atoms.set_cell([6.0, 6.5, 7.0])
        atoms.set_pbc(True)

    def turned(device: str, count: int) -> Any:
        rotations = haar_rotations(count, np.random.default_rng(0))
        return at_rotations(
            load_calculator("water-unconstrained", device=device).calculator, atoms, rotations
        )

    made, card = on_card(lambda: turned("cuda", 7))
    for a, b in zip(made, turned("cpu", 7), strict=True):
        np.testing.assert_allclose(a, b, rtol=0.0, atol=1e-12)
    _, more = on_card(lambda: turned("cuda", 14))
    assert more.waits == card.waits  # one batch, two arrays


def test_fits_of_learning_curves() -> None:
    features, signal, split, _ = single_direction(2, 4, 60, 3)

    def fitted(device: str) -> tuple[float, float]:
        fit = fit_equivariant_at(list(features.blocks()), signal, split, 2, 4, device=device)
        return fit.r2, fit.training

    assert on_card(lambda: fitted("cuda"))[0] == fitted("cpu")
