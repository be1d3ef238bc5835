"""Which structures an advice rests on, how they are dealt, and its settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.diagnostic import AdviceSettings, Frames, read_frames, structures_from_ase
from spectral_ceilings.diagnostic.advice.sample import LEAST, deal, null_targets, take_sample
from spectral_ceilings.diagnostic.advice.settings import KNOBS, MOST_COLUMNS, settle, with_model
from spectral_ceilings.theory import InputError

from known_error import KnownError

ETHANOL = read_frames("ethanol-xtb").select(slice(0, 60))
SETTINGS = AdviceSettings()


def labelled(atoms: Atoms, seed: int) -> Atoms:
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = atoms.copy()
    rng = np.random.default_rng(seed)
    atoms.positions += 0.1 * rng.normal(size=atoms.positions.shape)
    atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=rng.normal(size=atoms.positions.shape))
    return atoms


def test_structures_without_forces_and_single_atoms_are_left_out_with_a_count() -> None:
    silent = molecule("H2O")
    some = [labelled(molecule("H2O"), k) for k in range(50)] + [silent] + [labelled(Atoms("O"), 3)] * 2
    sample = take_sample(structures_from_ase(some), None, SETTINGS)
    assert len(sample.structures) == 50
    words = " ".join(sample.notes)
    assert "1 structures without forces" in words or "1 structure without forces" in words
    assert "single atom" in words


def test_too_few_structures_are_one_sentence() -> None:
    with pytest.raises(InputError, match=f"39 structures with forces are left, expected at least {LEAST}"):
        take_sample(ETHANOL.select(slice(0, 39)), None, SETTINGS)


def test_what_the_model_was_trained_on_is_left_out() -> None:
    frames = read_frames("ethanol-xtb").select(slice(0, 120))
    split = {"training": list(range(60)), "validation": list(range(60, 70)), "held_out": list(range(70, 120))}
    record: dict[str, dict[str, object]] = {"data": {"sha256": frames.sha256}, "split": split}  # type: ignore[dict-item]
    model = KnownError(frames, 0 * frames.forces, record)
    sample = take_sample(frames, model, SETTINGS)
    assert sample.indices.tolist() == list(range(70, 120))
    assert "70 structures that the model was trained on" in sample.notes[0]
    assert take_sample(frames, KnownError(frames, 0 * frames.forces), SETTINGS).notes == ()
    record["data"] = {"sha256": frames.sha256, "frames": 300}
    assert "could not be left out" in take_sample(frames, model, SETTINGS).notes[0]
    record["data"] = {"sha256": frames.sha256, "frames": 120}
    split["training"] = list(range(60)) + list(range(75, 120))
    with pytest.raises(InputError, match="the model was trained on these data"):
        take_sample(frames, model, SETTINGS)


def test_an_element_that_the_model_does_not_know_is_one_sentence() -> None:
    foreign = replace(ETHANOL, numbers=np.where(ETHANOL.numbers == 8, 16, ETHANOL.numbers))
    with pytest.raises(InputError, match="does not know the element S"):
        take_sample(foreign, KnownError(ETHANOL, 0 * ETHANOL.forces), SETTINGS)


def test_large_structures_are_fewer() -> None:
    some = [labelled(bulk("Si", cubic=True), k) for k in range(100)]
    sample = take_sample(structures_from_ase(some), None, AdviceSettings(atoms=400))
    assert len(sample.structures) == 50
    assert len(sample.numbers) == 400


def test_blocks_stay_together_and_the_shares_are_as_said() -> None:
    frames = read_frames("ethanol-xtb").select(slice(0, 200))
    sample = take_sample(frames, None, SETTINGS)
    dealt = deal(sample, 0)
    assert dealt.count("first") == dealt.count("second") == 60
    assert dealt.count("validation") == 30
    assert dealt.count("held_out") == 50
    for block in np.unique(dealt.block):
        members = np.flatnonzero(dealt.block == block)
        assert len(set(dealt.part[members])) == 1
        assert np.array_equal(members, np.arange(members[0], members[-1] + 1))  # neighbours in time
    assert not np.array_equal(deal(sample, 1).part, dealt.part)


@given(st.integers(0, 1000))
def test_null_targets_keep_the_sizes_of_each_element(seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = rng.choice([1, 6, 8], size=30)
    target = rng.normal(size=(30, 3))
    null = null_targets(target, numbers, 2, rng)
    assert null.shape == (30, 3, 2)
    for z in np.unique(numbers):
        before = np.sort(np.linalg.norm(target[numbers == z], axis=1))
        for k in range(2):  # a turn keeps lengths up to rounding of a few operations
            after = np.sort(np.linalg.norm(null[numbers == z][:, :, k], axis=1))
            assert np.allclose(after, before, rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"l_max": -1}, "l_max is -1, expected an integer, 0 to 12"),
        ({"l_max": 2.0}, "l_max is 2.0, expected an integer"),
        ({"structures": 10}, "structures is 10, expected an integer, at least 40"),
        ({"cutoff": 0.1}, "cutoff is 0.1 Å, expected a number from 1 to 15 Å"),
        ({"cutoff": float("nan")}, "cutoff is nan Å"),
        ({"l_max": 3, "top": 3}, "top is 3 and l_max is 3, expected top above l_max"),
        ({"tolerance": -1.0}, "tolerance is -1.0, expected a number from 0 to 10"),
        ({"seed": True}, "seed is True, expected an integer"),
    ],
)
def test_wrong_settings_are_one_sentence(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence.replace("(", r"\(")):
        AdviceSettings(**settings)  # type: ignore[arg-type]


@given(st.integers(1, 30), st.integers(0, 8))
def test_a_basis_has_bounded_columns_and_equal_knobs(elements: int, l_max: int) -> None:
    settings = AdviceSettings(l_max=l_max)
    # two channels for each element: 2 + 3 (l + 1) of the base, and 3 for each further degree in four knobs
    least = elements * (2 + 3 * (l_max + 1) + 12 * (max(6, l_max + 3) - l_max))
    if least > MOST_COLUMNS:
        with pytest.raises(InputError, match=f"{elements} elements"):
            settle(settings, tuple(range(1, elements + 1)))
        return
    basis = settle(settings, tuple(range(1, elements + 1)))
    assert basis.columns <= MOST_COLUMNS
    assert basis.columns == elements * (basis.base_coefficients + len(KNOBS) * basis.coefficients)
    assert basis.top > basis.l_max == l_max


def test_a_model_gives_what_the_user_did_not() -> None:
    assert with_model(AdviceSettings(), 3, 4.5) == AdviceSettings(l_max=3, cutoff=4.5)
    assert with_model(AdviceSettings(l_max=1, cutoff=6.0), 3, 4.5) == AdviceSettings(l_max=1, cutoff=6.0)
    with pytest.raises(InputError, match="top is 6 and l_max is 6"):
        with_model(AdviceSettings(top=6), 6, 4.5)


def test_frames_and_structures_give_the_same_sample() -> None:
    one: Frames = ETHANOL
    many = structures_from_ase(one.to_ase())
    first, second = take_sample(one, None, SETTINGS), take_sample(many, None, SETTINGS)
    assert np.array_equal(first.forces, second.forces)
    assert np.array_equal(first.numbers, second.numbers)
