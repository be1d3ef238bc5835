"""Training on labels with angular terms: what is added, what "learned" measures, and that a run is the same after a kill."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, molecule
from jsonschema import validate
from safetensors.torch import load_file

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.structures import StructuresInMemory
from spectral_ceilings.diagnostic.injection.angular_terms import angular_fields
from spectral_ceilings.diagnostic.records.assets import shipped_schema
from spectral_ceilings.diagnostic.training.angular_labels import AddedTerms, AngularTerms, learned, overlaps
from spectral_ceilings.diagnostic.training.data import TrainingData, split_of
from spectral_ceilings.diagnostic.training.train import Trainer, TrainingSettings, builder_settings
from spectral_ceilings.theory import InputError

from emt_frames import rattled

#: Signs of three terms over four trainings: every column adds up to zero, and every two columns are orthogonal.
BALANCED = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)])


@pytest.fixture(scope="module")
def mixed() -> StructuresInMemory:
    parts = (rattled(bulk("Cu", cubic=True), 16, 0), rattled(molecule("CH3OH"), 16, 1))
    return StructuresInMemory(parts, "mixed", "2" * 64, "eV")


@pytest.fixture(scope="module")
def methanol() -> Frames:
    return rattled(molecule("CH3OH"), 40, 1)


def test_every_term_has_the_wanted_size_on_the_training_frames(mixed: StructuresInMemory) -> None:
    data, split = TrainingData.of(mixed), split_of(mixed, 0)
    added = AddedTerms.settled(AngularTerms(((2, 1), (5, -1)), 0.25, 3.0), data, split.training)
    terms = added.forces(data, split.training)
    own = np.concatenate([frames.forces.ravel() for _, frames in data.chosen(split.training)])
    for k in range(2):
        rms = np.sqrt(np.mean(np.concatenate([part[k].ravel() for part in terms]) ** 2))
        assert rms == pytest.approx(0.25 * np.sqrt(np.mean(own**2)), rel=1e-12)
    assert added.strengths[0] > 0 > added.strengths[1]


def test_energies_forces_and_stress_are_those_of_the_sum(mixed: StructuresInMemory) -> None:
    data, split = TrainingData.of(mixed), split_of(mixed, 0)
    added = AddedTerms.settled(AngularTerms(((1, 1), (3, -1)), 0.5, 3.0), data, split.training)
    for before, after in zip(data.parts, added.added_to(data).parts, strict=True):
        bare, eps = angular_fields(before.frames, [1, 3], 3.0), np.array(added.strengths)
        assert after.frames.energies is not None
        assert before.frames.energies is not None
        # the labels are of size 10: adding rounds at 1e-15
        difference = after.frames.energies - before.frames.energies
        np.testing.assert_allclose(difference, eps @ bare.energies, atol=1e-12)
        difference = after.frames.forces - before.frames.forces
        np.testing.assert_allclose(difference, np.einsum("l,lnax->nax", eps, bare.forces), atol=1e-12)
        if before.frames.stress is not None and bare.stress is not None and after.frames.stress is not None:
            difference = after.frames.stress - before.frames.stress
            np.testing.assert_allclose(difference, np.einsum("l,lnx->nx", eps, bare.stress), atol=1e-13)
    assert any(part.frames.stress is not None for part in data.parts)


def test_learned_is_one_zero_and_the_part_in_between() -> None:
    rng = np.random.default_rng(0)
    terms = list(rng.normal(size=(30, 1, 5, 3)))
    for part in (1.0, 0.0, 0.3):
        (row,) = learned([(1 - part) * t[0] for t in terms], terms)
        # every frame has the same ratio: the interval is the point
        np.testing.assert_allclose([row["learned"], row["low"], row["high"]], part, atol=1e-14)


def test_an_error_that_has_nothing_to_do_with_the_term_is_noise() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        terms = list(rng.normal(size=(80, 1, 3, 3)))
        errors = [0.4 * t[0] + 2 * rng.normal(size=(3, 3)) for t in terms]
        (row,) = learned(errors, terms, 0)
        inside += row["low"] <= 0.6 <= row["high"]
    # 95 % intervals: 190 expected; below 178 the chance is 1e-3 (binomial), and resampling 80 frames costs a per cent
    assert inside >= 176


def test_balanced_signs_leave_the_r2_of_every_term_alone() -> None:
    """Of a least-squares fit, where the base and the terms overlap as they like: exact but for rounding."""
    rng = np.random.default_rng(2)
    mixing = rng.normal(size=(4, 4))
    base, *terms = mixing @ rng.normal(size=(4, 360))
    space = np.linalg.qr(rng.normal(size=(360, 40)) + np.outer(terms[0] + terms[1], np.ones(40)))[0]
    rest = np.eye(360) - space @ space.T
    measured = []
    for signs in BALANCED:
        signed = [s * t for s, t in zip(signs, terms, strict=True)]
        error = rest @ (base + sum(signed))
        by_frame = [np.stack([t.reshape(20, 6, 3)[k] for t in signed]) for k in range(20)]
        measured.append([row["learned"] for row in learned(list(error.reshape(20, 6, 3)), by_frame, None)])
    expected = [1 - np.sum((rest @ t) ** 2) / np.sum(t**2) for t in terms]
    np.testing.assert_allclose(np.mean(measured, axis=0), expected, atol=1e-12)
    assert np.abs(np.array(measured) - expected).max() > 0.1  # a single training has the bias
    cosines = np.array(overlaps(by_frame))
    np.testing.assert_allclose(np.diag(cosines), 1, atol=1e-14)


def trainer(frames: Frames, directory: Path, added: bool = True) -> Trainer:
    split = split_of(frames, 0)
    data = TrainingData.of(frames)
    terms = (
        AddedTerms.settled(AngularTerms(((1, 1), (4, -1)), 0.5, 2.5), data, split.training) if added else None
    )
    model = builder_settings(
        data if terms is None else terms.added_to(data),
        split,
        l_max=1,
        num_features=4,
        num_layers=2,
        r_max=2.5,
    )
    settings = TrainingSettings(steps=6, batch_size=4, validate_every=2)
    return Trainer(frames, split, model, settings, directory, data=data, terms=terms)


def test_an_interrupted_run_ends_the_same_and_its_record_says_what_was_learned(
    methanol: Frames, tmp_path: Path
) -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    whole = trainer(methanol, tmp_path / "whole")
    whole.prepare(resume=False)
    error = whole.run()
    parts = trainer(methanol, tmp_path / "parts")
    parts.prepare(resume=False)
    assert parts.run(stop_after=3) is None
    again = trainer(methanol, tmp_path / "parts")
    again.prepare(resume=True)
    assert again.run() == error
    one, two = (load_file(tmp_path / name / "backbone.safetensors") for name in ("whole", "parts"))
    assert all(np.array_equal(one[key], two[key]) for key in one)
    records = [
        json.loads((tmp_path / name / "backbone.json").read_text())["training"] for name in ("whole", "parts")
    ]
    assert records[0]["angular_terms"] == records[1]["angular_terms"]
    validate(records[0]["angular_terms"], shipped_schema("angular-terms"))
    assert [row["learned"] for row in records[0]["log"]] == [row["learned"] for row in records[1]["log"]]
    # measured once more with the file that was written, in float64
    assert whole.terms is not None
    held_out = methanol.select(whole.split.held_out)
    fields = whole.terms.fields(held_out)
    errors = held_out.forces + fields.forces.sum(axis=0) - load_backbone(tmp_path / "whole").forces(held_out)
    rows = learned(list(errors), list(fields.forces.transpose(1, 0, 2, 3)))
    for term, row in zip(records[0]["angular_terms"]["terms"], rows, strict=True):
        for key in ("learned", "low", "high"):
            assert term[key] == pytest.approx(row[key], abs=1e-4)  # the training is in float32
    with pytest.raises(InputError, match="was made with"):
        trainer(methanol, tmp_path / "whole", added=False).prepare(resume=True)


def test_without_terms_nothing_is_said_of_them(methanol: Frames, tmp_path: Path) -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    plain = trainer(methanol, tmp_path / "plain", added=False)
    plain.prepare(resume=False)
    plain.run()
    record = json.loads((tmp_path / "plain" / "backbone.json").read_text())["training"]
    assert "angular_terms" not in record
    assert set(record["log"][0]) == {"step", "validation_force_mae_eV_A", "seconds"}
    assert "angular_terms" not in json.loads((tmp_path / "plain" / "settings.json").read_text())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("two", "--angular-term is 'two'"),
        ("", "--angular-term is ''"),
        ("0", "has degree 0, expected an integer from 1 to 20"),
        ("21", "has degree 21"),
        ("3,-3", "expected each degree once"),
    ],
)
def test_wrong_terms_are_said_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        AngularTerms.parsed(text, 0.5, 3.0)


def test_terms_that_are_nowhere_are_refused(methanol: Frames) -> None:
    assert AngularTerms.parsed("1,-2", 0.5, 3.0).terms == ((1, 1), (2, -1))
    for size, cutoff, said in (
        (0.0, 3.0, "size"),
        (0.5, float("nan"), "cutoff"),
        (float("inf"), 3.0, "size"),
    ):
        with pytest.raises(InputError, match=f"the {said} of the angular terms"):
            AngularTerms(((1, 1),), size, cutoff)
    data, split = TrainingData.of(methanol), split_of(methanol, 0)
    with pytest.raises(InputError, match="no atom has two neighbours within"):
        AddedTerms.settled(AngularTerms(((1, 1),), 0.5, 0.8), data, split.training)
    still = TrainingData.of(replace(methanol, forces=np.zeros_like(methanol.forces)))
    with pytest.raises(InputError, match="all zero"):
        AddedTerms.settled(AngularTerms(((1, 1),), 0.5, 3.0), still, split.training)
