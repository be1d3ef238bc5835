"""Training lowers the force error, goes on after a kill as if nothing had happened, and keeps the best weights."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT
from safetensors.torch import load_file

from spectral_ceilings.diagnostic.backbones.equivariance import equivariance_error
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.splits import split_frames
from spectral_ceilings.diagnostic.training.train import Trainer, TrainingSettings, builder_settings
from spectral_ceilings.theory import InputError

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")


@pytest.fixture(scope="module")
def frames() -> Frames:
    """Methanol shaken by 0.05 Å, with the forces of ASE's effective-medium potential."""
    rng = np.random.default_rng(0)
    atoms = molecule("CH3OH")
    atoms.calc = EMT()
    reference = atoms.get_positions()
    positions, forces, energies = [], [], []
    for _ in range(40):
        atoms.set_positions(reference + 0.05 * rng.normal(size=reference.shape))
        positions.append(atoms.get_positions())
        forces.append(atoms.get_forces())
        energies.append(atoms.get_potential_energy())
    return Frames(
        np.array(atoms.numbers),
        np.array(positions),
        np.array(forces),
        np.array(energies),
        "emt",
        "1" * 64,
        "eV",
    )


def trainer(frames: Frames, directory: Path, steps: int = 8, **more: object) -> Trainer:
    split = split_frames(len(frames), 0)
    model = builder_settings(frames, split, l_max=1, num_features=4, num_layers=2)
    settings = TrainingSettings(steps=steps, batch_size=4, validate_every=2, **more)  # type: ignore[arg-type]
    return Trainer(frames, split, model, settings, directory)


def test_an_interrupted_run_ends_with_the_same_weights(frames: Frames, tmp_path: Path) -> None:
    whole = trainer(frames, tmp_path / "whole")
    whole.prepare(resume=False)
    error = whole.run()
    parts = trainer(frames, tmp_path / "parts")
    parts.prepare(resume=False)
    assert parts.run(stop_after=5) is None  # one step past the last saved state, which is then done again
    again = trainer(frames, tmp_path / "parts")
    again.prepare(resume=True)
    assert again.run() == error
    one, two = (load_file(tmp_path / name / "backbone.safetensors") for name in ("whole", "parts"))
    assert all(np.array_equal(one[key], two[key]) for key in one)


def test_training_lowers_the_error_and_keeps_the_best(frames: Frames, tmp_path: Path) -> None:
    seen = []
    one = trainer(frames, tmp_path / "run", steps=60, learning_rate=0.02)
    one.prepare(resume=False)
    one.run(lambda progress: seen.append(progress))
    assert seen[-1].best == min(p.force_mae for p in seen)
    record = json.loads((tmp_path / "run" / "backbone.json").read_text())["training"]
    assert record["best_step"] == min(seen, key=lambda p: p.force_mae).step
    assert [row["step"] for row in record["log"]] == [p.step for p in seen]
    assert seen[-1].best < 0.8 * seen[0].force_mae


def test_it_stops_early_when_nothing_gets_better(frames: Frames, tmp_path: Path) -> None:
    steps = []
    one = trainer(frames, tmp_path / "run", steps=400, learning_rate=0.99, patience=2)
    one.prepare(resume=False)
    one.run(step=steps.append)
    assert steps[-1] < 400


def test_a_run_in_the_directory_is_never_overwritten(frames: Frames, tmp_path: Path) -> None:
    first = trainer(frames, tmp_path / "run")
    first.prepare(resume=False)
    (tmp_path / "run" / "progress.pt").write_bytes(
        b"precious"
    )  # without it the run came to nothing, and is no obstacle
    with pytest.raises(InputError, match="exists already: name another one with --out, or add --resume"):
        trainer(frames, tmp_path / "run").prepare(resume=False)
    with pytest.raises(InputError, match=r"made with training\.steps = \d+, this run asks for 10"):
        trainer(frames, tmp_path / "run", steps=10).prepare(resume=True)
    assert (tmp_path / "run" / "progress.pt").read_bytes() == b"precious"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    with pytest.raises(InputError, match=r"holds files but no settings\.json"):
        trainer(frames, tmp_path / "other").prepare(resume=True)
    (tmp_path / "run" / "settings.json").write_text("{")
    with pytest.raises(InputError, match=r"settings\.json' cannot be read"):
        trainer(frames, tmp_path / "run").prepare(resume=True)
    with pytest.raises(InputError, match="is a file"):
        trainer(frames, tmp_path / "other" / "thesis.tex").prepare(resume=False)


def test_held_out_frames_are_not_trained_on(frames: Frames, tmp_path: Path) -> None:
    split = split_frames(len(frames), 0, with_held_out=False)
    model = builder_settings(frames, split, l_max=1)
    same = Trainer(frames, split, model, TrainingSettings(), tmp_path / "run", held_out=frames)
    with pytest.raises(InputError, match="40 of the 40 held-out frames of emt are in emt too"):
        same.prepare(resume=False)
    assert not (tmp_path / "run").exists()


def test_a_training_that_diverges_says_so(frames: Frames, tmp_path: Path) -> None:
    wild = replace(frames, energies=np.full(len(frames), 1e30), forces=np.full_like(frames.forces, 1e100))
    one = trainer(wild, tmp_path / "run")
    one.prepare(resume=False)
    with pytest.raises(InputError, match="the training diverged"):
        one.run()
    assert not (tmp_path / "run" / "backbone.safetensors").exists()


def test_statistics_of_the_training_frames_go_into_the_builder(frames: Frames) -> None:
    split = split_frames(len(frames), 0)
    model = builder_settings(frames, split, l_max=1)
    training = frames.select(split.training)
    assert model.type_names == ("H", "C", "O")
    assert model.avg_num_neighbors == 5.0  # six atoms, all within 5 Å of one another
    assert model.energy_scale == pytest.approx(np.sqrt(np.mean(training.forces**2)))
    assert model.energy_shift == pytest.approx(training.energies.mean() / 6)
    with pytest.raises(InputError, match="no atom has a neighbour"):
        builder_settings(frames, split, r_max=0.6)


def test_settings_are_checked() -> None:
    with pytest.raises(InputError, match="steps is 0"):
        TrainingSettings(steps=0)
    with pytest.raises(InputError, match="learning_rate is 2"):
        TrainingSettings(learning_rate=2)
    with pytest.raises(InputError, match="seed is -1"):
        TrainingSettings(seed=-1)


def test_a_resumed_run_needs_the_same_held_out_frames(frames: Frames, tmp_path: Path) -> None:
    split = split_frames(len(frames), 0, with_held_out=False)
    model = builder_settings(frames, split, l_max=1, num_features=4, num_layers=2)
    settings = TrainingSettings(steps=4, batch_size=4, validate_every=2)
    shaken = frames.positions + 0.05 * np.random.default_rng(9).normal(size=frames.positions.shape)
    moved = replace(
        frames, positions=shaken, sha256="2" * 64
    )  # a shift alone would be the same configurations
    first = Trainer(frames, split, model, settings, tmp_path / "run", held_out=moved)
    first.prepare(resume=False)
    (tmp_path / "run" / "progress.pt").touch()
    Trainer(frames, split, model, settings, tmp_path / "run", held_out=moved).prepare(resume=True)
    other = replace(moved, sha256="3" * 64)
    with pytest.raises(InputError, match=r"made with held_out\.sha256 = "):
        Trainer(frames, split, model, settings, tmp_path / "run", held_out=other).prepare(resume=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 but no more", b"not a state at all"])
def test_a_damaged_state_gets_one_sentence(frames: Frames, tmp_path: Path, content: bytes) -> None:
    run = trainer(frames, tmp_path / "run")
    run.prepare(resume=False)
    (tmp_path / "run" / "progress.pt").write_bytes(content)
    with pytest.raises(
        InputError, match=r"progress\.pt is damaged \(\w+\); delete it to train from the start"
    ):
        run.run()


def test_an_allegro_backbone_is_trained_and_read_back(frames: Frames, tmp_path: Path) -> None:
    pytest.importorskip("allegro", reason="the extra 'allegro' is not installed")
    split = split_frames(len(frames), 0)
    model = builder_settings(
        frames, split, "allegro", l_max=2, num_features=4, num_scalar_features=8, mlp_width=8, num_layers=2
    )
    settings = TrainingSettings(steps=4, batch_size=4, validate_every=2)
    run = Trainer(frames, split, model, settings, tmp_path / "run", kind="allegro")
    run.prepare(resume=False)
    error = run.run()
    backbone = load_backbone(tmp_path / "run")
    assert backbone.info.architecture == "allegro"
    assert [layer.irreps for layer in backbone.layers()] == ["12x0e+4x1o+4x2e", "12x0e"]
    held_out = frames.select(split.held_out)
    # The record's error is of the float32 model, measured here in float64: float32 leaves 1e-5 of a force.
    measured = float(np.abs(backbone.forces(held_out) - held_out.forces).mean())
    assert error is not None
    assert measured == pytest.approx(error, rel=1e-4)
    # float64: sums over 15 pairs and 10^3 products, a few hundred units of 1.1e-16.
    few = frames.select(range(3))
    assert equivariance_error(backbone, few, "layer0", np.random.default_rng(1)) < 1e-12
    assert backbone.untrained is not None
    assert backbone.untrained(7).layers() == backbone.layers()
