"""MACE on crystals and mixed sets: the same after a kill, with stress, and with energies of its elements."""

import json
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, molecule
from safetensors.torch import load_file

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.structures import StructuresInMemory
from spectral_ceilings.diagnostic.training.angular_labels import AddedTerms, AngularTerms, learned
from spectral_ceilings.diagnostic.training.data import TrainingData, split_of
from spectral_ceilings.diagnostic.training.train import TrainingSettings, builder_settings

from emt_frames import rattled

if find_spec("mace") is None and "SPECTRAL_CEILINGS_REQUIRE_MACE" not in os.environ:
    pytest.skip(
        "the extra 'mace' is not installed (it needs an environment of its own)", allow_module_level=True
    )

from spectral_ceilings.diagnostic.training.mace import MACETrainer


@pytest.fixture(scope="module")
def mixed() -> StructuresInMemory:
    parts = (rattled(bulk("Cu", cubic=True), 16, 0), rattled(molecule("CO"), 16, 2))
    return StructuresInMemory(parts, "mixed", "2" * 64, "eV")


def trainer(data: StructuresInMemory, directory: Path, angular: AngularTerms | None = None) -> MACETrainer:
    split, taken = split_of(data, 0), TrainingData.of(data)
    terms = None if angular is None else AddedTerms.settled(angular, taken, split.training)
    model = builder_settings(
        data if terms is None else terms.added_to(taken),
        split,
        "mace",
        l_max=1,
        num_features=4,
        num_layers=2,
        r_max=3.5,
        correlation=(2,),
    )
    settings = TrainingSettings(
        steps=6, batch_size=4, validate_every=2, learning_rate=0.01, stress_weight=1.0
    )
    return MACETrainer(data, split, model, settings, directory, kind="mace", terms=terms)


def test_an_interrupted_run_ends_with_the_same_weights(mixed: StructuresInMemory, tmp_path: Path) -> None:
    whole = trainer(mixed, tmp_path / "whole")
    assert len(whole.model_settings.atomic_energies[0]) == 3  # C, O, Cu
    whole.prepare(resume=False)
    error = whole.run()
    parts = trainer(mixed, tmp_path / "parts")
    parts.prepare(resume=False)
    assert parts.run(stop_after=3) is None
    again = trainer(mixed, tmp_path / "parts")
    again.prepare(resume=True)
    assert again.run() == error
    one, two = (load_file(tmp_path / name / "backbone.safetensors") for name in ("whole", "parts"))
    for key in one:
        np.testing.assert_array_equal(two[key], one[key])
    backbone = load_backbone(tmp_path / "whole")
    total, count, gaps = 0.0, 0, []
    for part in mixed.take(whole.split.held_out):
        total += np.abs(backbone.forces(part.frames) - part.frames.forces).sum()
        count += part.frames.forces.size
        gaps.append(
            (backbone.energies_and_forces(part.frames)[0] - part.frames.energies) / len(part.frames.numbers)
        )
    # float32 in training and float64 here: relative rounding of 1e-7, over a thousand operations
    assert total / count == pytest.approx(error, rel=1e-4)
    record = json.loads((tmp_path / "whole" / "backbone.json").read_text())["training"]["held_out_errors"]
    assert record["energy_mae_eV_atom"] == pytest.approx(
        np.abs(np.concatenate(gaps)).mean(), rel=1e-4, abs=1e-5
    )
    assert record["stress_rmse_eV_A3"] > 0.0
    assert backbone.stress(mixed.frames[0]) is not None


def test_angular_terms_count_in_energies_forces_and_stress_of_mixed_sets(
    mixed: StructuresInMemory, tmp_path: Path
) -> None:
    run = trainer(mixed, tmp_path / "run", AngularTerms(((2, 1), (3, -1)), 0.5, 3.0))
    run.prepare(resume=False)
    run.run()
    record = json.loads((tmp_path / "run" / "backbone.json").read_text())["training"]
    assert [len(row["learned"]) for row in record["log"]] == [2, 2, 2]
    backbone, errors, terms = load_backbone(tmp_path / "run"), {}, {}
    assert run.terms is not None
    for part in mixed.take(run.split.held_out):
        fields = run.terms.fields(part.frames)
        error = part.frames.forces + fields.forces.sum(axis=0) - backbone.forces(part.frames)
        errors.update(zip(part.indices.tolist(), error, strict=True))
        terms.update(zip(part.indices.tolist(), fields.forces.transpose(1, 0, 2, 3), strict=True))
    rows = learned([errors[k] for k in sorted(errors)], [terms[k] for k in sorted(terms)])
    for term, row in zip(record["angular_terms"]["terms"], rows, strict=True):
        # float32 in training and float64 here, and what is small beside the forces of the labels is rounded with them
        assert term["learned"] == pytest.approx(row["learned"], abs=1e-3)
