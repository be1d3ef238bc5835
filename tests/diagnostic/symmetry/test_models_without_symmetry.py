"""Models without symmetry: their files, no ceiling in the injection diagnostic, and peers that measure less of the same."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms

from spectral_ceilings.diagnostic.backbones.checkpoint import embedded_names
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.unconstrained_files import (
    load_unconstrained,
    save_unconstrained,
    unconstrained_names,
)
from spectral_ceilings.diagnostic.backbones.unconstrained_model import force_mae
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.frames.splits import split_frames
from spectral_ceilings.diagnostic.symmetry.breaking import at_rotations, over_orientations, summarise
from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator
from spectral_ceilings.diagnostic.symmetry.turned_injection import (
    features_of_backbone,
    features_of_network,
    turned_recovery,
)
from spectral_ceilings.diagnostic.symmetry.unconstrained_calculator import UnconstrainedCalculator
from spectral_ceilings.numerics.rotations import haar_rotations, so3_quadrature
from spectral_ceilings.theory.errors import InputError

NAME, WATER = "aspirin-xtb-unconstrained", "water-unconstrained"
PAIR = (NAME, f"{NAME}-augmented")
FRAMES = read_frames("aspirin-xtb")


def image(k: int = 0) -> Atoms:
    return Atoms(numbers=FRAMES.numbers, positions=FRAMES.positions[k])


@pytest.fixture(scope="module")
def model() -> UnconstrainedCalculator:
    return UnconstrainedCalculator(load_unconstrained(NAME)[0])


def test_what_ships_is_what_its_record_says() -> None:
    liquid = "water-liquid-unconstrained"
    shipped = [name + end for name in (NAME, liquid, WATER) for end in ("", "-augmented")]
    assert unconstrained_names() == shipped
    assert not set(unconstrained_names()) & set(embedded_names())
    held_out = FRAMES.select(split_frames(len(FRAMES), 0).held_out)
    for name, augmented in zip(PAIR, (False, True), strict=True):
        network, record = load_unconstrained(name)
        assert network.settings.augment is augmented
        assert ("--augment" in record["training"]["command"]) is augmented
        # The same float32 weights in float64 on the same frames: only sums of 2e4 terms may be taken in another order.
        assert force_mae(network, held_out) == pytest.approx(record["training"]["force_mae_eV_A"], rel=1e-12)


def test_augmentation_makes_the_error_that_of_every_orientation() -> None:
    held_out = FRAMES.select(split_frames(len(FRAMES), 0).held_out[:60])
    turns = haar_rotations(len(held_out), np.random.default_rng(0))
    positions, forces = (np.einsum("nij,naj->nai", turns, v) for v in (held_out.positions, held_out.forces))
    turned = replace(held_out, positions=positions, forces=forces)
    excess = {}
    for name in PAIR:
        network, _ = load_unconstrained(name)
        still, moved = (
            np.array([force_mae(network, frames.select([k])) for k in range(len(frames))])
            for frames in (held_out, turned)
        )
        difference = moved - still
        excess[name] = difference.mean() / (difference.std(ddof=1) / np.sqrt(len(difference)))
    # The mean over 60 frames in its own standard errors: four of them are chance in one of 16,000 draws.
    assert excess[NAME] > 4.0
    assert abs(excess[f"{NAME}-augmented"]) < 4.0


def test_a_file_comes_back_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    network, _ = load_unconstrained(NAME)
    path = tmp_path / "unconstrained.safetensors"
    save_unconstrained(path, network, {"command": "none"})
    again, record = load_unconstrained(tmp_path)
    assert record["training"] == {"command": "none"}
    found = load_calculator(str(tmp_path)).calculator.many([image()])
    assert np.array_equal(found[1], UnconstrainedCalculator(network).many([image()])[1])
    assert again.shift == network.shift
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="the file is damaged or was replaced"):
        load_unconstrained(path)
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(InputError, match="is damaged"):
        load_unconstrained(path)
    shutil.rmtree(tmp_path)
    with pytest.raises(InputError, match="no model without symmetry at"):
        load_unconstrained(path)


def test_its_forces_are_minus_the_gradient_and_a_batch_is_its_parts(model: UnconstrainedCalculator) -> None:
    images, h = [image(0), image(1)], 1e-4
    energies, forces = model.many(images)
    for k in (0, 1):
        one = image(k)
        one.calc = model
        # Sums in another order: rounding of a thousand eV.
        assert one.get_potential_energy() == pytest.approx(energies[k], abs=1e-9)
        ends = []
        for sign in (1, -1):
            moved = image(k)
            moved.positions[5, 1] += sign * h
            ends.append(model.many([moved])[0][0])
        # Central differences: h^2 times a third derivative of 1e3 eV/Å^3, and rounding of 1e-12 / h.
        assert -(ends[0] - ends[1]) / (2 * h) == pytest.approx(forces[k, 5, 1], abs=1e-4)


def _split_of(frames: Frames) -> Any:
    return split_frames(len(frames), 0)


def test_a_readout_of_a_model_without_symmetry_has_no_ceiling() -> None:
    """Degree 2 of NequIP's L = 2 ends at l = 4; of features without symmetry it does not, though little is left at l = 5."""
    frames, split = FRAMES, _split_of(FRAMES)
    options: dict[str, Any] = {"components": 44, "times": (5, 1, 1), "atoms": [17], "l_top": 5}
    free = turned_recovery(frames, split, features_of_network(load_unconstrained(NAME)[0]), **options)
    bound = turned_recovery(
        frames, split, features_of_backbone(load_backbone("aspirin-xtb-l2"), "layer1"), **options
    )
    assert free.r2[0, 3] > 0.8
    assert bound.r2[0, 3] > 0.5
    assert free.r2[0, 4] > 0.2
    # What a fit of p coefficients to N uses of pure noise loses: less than p / N even without the ridge.
    assert -bound.coefficients / bound.uses < bound.r2[0, 4] < 0.02


def test_recovery_refuses_what_cannot_be_fitted() -> None:
    features = features_of_network(load_unconstrained(NAME)[0])
    with pytest.raises(InputError, match="coefficients for 600 training uses are too many"):
        turned_recovery(FRAMES, _split_of(FRAMES), features, components=40, times=(1, 1, 1))
    with pytest.raises(InputError, match="atom 99 has no marked neighbour"):
        turned_recovery(FRAMES, _split_of(FRAMES), features, atoms=[99])


def reference_projection(values: np.ndarray, rule: Any, l: int) -> float:
    """The power of degree l by characters: (2l+1) times the average over pairs of rotations of g(R) chi_l(R S^-1) g(S).

    How symmetrised models of other packages do it: mean, variance and character projections over a quadrature. Here the
    character comes from the eigenvalues of the rotation, not from Wigner matrices.
    """
    relative = np.einsum("qij,pkj->qpik", rule.rotations, rule.rotations)
    angle = np.arccos(np.clip(0.5 * (np.trace(relative, axis1=2, axis2=3) - 1.0), -1.0, 1.0))
    kernel = sum(np.cos(m * angle) for m in range(-l, l + 1))
    return float((2 * l + 1) * (rule.weights * values) @ kernel @ (rule.weights * values))


def test_mean_variance_and_character_projections_are_the_same_numbers(model: UnconstrainedCalculator) -> None:
    rule = so3_quadrature(4)
    found = over_orientations(model, image(), rule)
    one = summarise(found, 2)
    mean = float(rule.weights @ found.energies)
    variance = float(rule.weights @ (found.energies - mean) ** 2)
    assert one.energy_mean == pytest.approx(mean, abs=1e-9)
    assert one.energy_rms == pytest.approx(1e3 * variance**0.5 / 21, rel=1e-9)
    off = found.energies - mean
    for l in (1, 2):
        # Rounding of arccos near 0 and pi, sqrt(1e-16), enters a cosine there in the square.
        assert one.energy_power[l] == pytest.approx(reference_projection(off, rule, l), rel=1e-7)


def test_a_maximum_over_a_few_rotations_is_below_the_maximum_and_says_no_degree(
    model: UnconstrainedCalculator,
) -> None:
    """e3nn's equivariance_error on the same model: one number, and never above what the rotations of a rule show at worst."""
    from e3nn.util.test import equivariance_error

    inside = image()
    inside.positions -= inside.positions.mean(axis=0)
    types = model.network.types(inside.numbers)

    def energy(x: torch.Tensor) -> torch.Tensor:
        return (model.network.energy(x[None].double(), types) - model.network.shift * 21)[:, None]

    torch.manual_seed(0)
    arguments: dict[str, Any] = {
        "irreps_in": "1o",
        "irreps_out": "0e",
        "ntrials": 3,
        "do_parity": False,
        "do_translation": False,
    }
    errors = equivariance_error(
        energy, [torch.tensor(inside.positions, dtype=torch.get_default_dtype())], **arguments
    )
    largest = max(float(e) for e in errors.values())
    everywhere, _ = at_rotations(model, inside, haar_rotations(200, np.random.default_rng(1)))
    # A difference between two orientations is at most the whole range over orientations.
    assert 0.0 < largest <= 1.1 * np.ptp(everywhere)
    one = summarise(over_orientations(model, inside, so3_quadrature(6)), 3)
    # The root mean square over all rotations is below the range too; by degree, which a maximum cannot say, l = 1 and 2.
    assert 21e-3 * one.energy_rms < np.ptp(everywhere)
    assert sum(one.energy_power[1:3]) > 0.98 * sum(one.energy_power[1:])


@pytest.mark.parametrize("periodic", [False, True])
def test_batches_that_run_out_of_memory_are_halved(monkeypatch: pytest.MonkeyPatch, periodic: bool) -> None:
    water = load_calculator(WATER).calculator
    atoms = Atoms("OH2", [[0.0, 0.0, 0.1], [0.0, 0.76, -0.49], [0.0, -0.76, -0.49]])
    if periodic:
        atoms.set_cell([6.0, 6.5, 7.0])
        atoms.set_pbc(True)
    rotations, refused = haar_rotations(11, np.random.default_rng(0)), []
    whole = at_rotations(water, atoms, rotations)
    name = "many" if periodic else "evaluate"
    given = getattr(UnconstrainedCalculator, name)

    def small(self: UnconstrainedCalculator, *arguments: Any) -> Any:
        if len(arguments[-1]) > 3:
            refused.append(len(arguments[-1]))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return given(self, *arguments)

    monkeypatch.setattr(UnconstrainedCalculator, name, small)
    halved = at_rotations(water, atoms, rotations)
    assert refused == [11, 5]
    for a, b in zip(halved, whole, strict=True):
        # Products of other shapes add 64 numbers in another order, through two rounds.
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
