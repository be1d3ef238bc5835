"""Training on crystals and on mixed sets: statistics, stress, the split by structures, and resuming bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import bulk, molecule
from safetensors.torch import load_file

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.motions import matrices
from spectral_ceilings.diagnostic.frames.structures import StructuresInMemory
from spectral_ceilings.diagnostic.training import graphs
from spectral_ceilings.diagnostic.training.data import TrainingData, split_of, statistics, with_space
from spectral_ceilings.diagnostic.training.state import Batch, TrainingState
from spectral_ceilings.diagnostic.training.train import Trainer, TrainingSettings, builder_settings
from spectral_ceilings.theory import InputError

import emt_frames

rattled = partial(emt_frames.rattled, strain=0.02)

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")


@pytest.fixture(scope="module")
def crystal() -> Frames:
    return rattled(bulk("Cu", cubic=True), 30)


@pytest.fixture(scope="module")
def mixed() -> StructuresInMemory:
    parts = (
        rattled(bulk("Cu", cubic=True), 16),
        rattled(bulk("CuAu", "cesiumchloride", a=3.1), 16, 1),
        rattled(molecule("CO"), 16, 2),
    )
    return StructuresInMemory(parts, "mixed", "2" * 64, "eV")


def trainer(data: Frames | StructuresInMemory, directory: Path, steps: int = 6, **more: object) -> Trainer:
    split = split_of(data, 0)
    model = builder_settings(data, split, l_max=1, num_features=4, num_layers=2, r_max=3.5)
    settings = TrainingSettings(steps=steps, batch_size=4, validate_every=2, learning_rate=0.02, **more)  # type: ignore[arg-type]
    return Trainer(data, split, model, settings, directory)


@pytest.mark.parametrize("kind", ["crystal", "mixed"])
def test_an_interrupted_run_ends_with_the_same_weights(kind: str, request, tmp_path: Path) -> None:
    data = request.getfixturevalue(kind)
    whole = trainer(data, tmp_path / "whole", stress_weight=1.0)
    whole.prepare(resume=False)
    error = whole.run()
    parts = trainer(data, tmp_path / "parts", stress_weight=1.0)
    parts.prepare(resume=False)
    assert parts.run(stop_after=3) is None  # one step past the last saved state, which is then done again
    again = trainer(data, tmp_path / "parts", stress_weight=1.0)
    again.prepare(resume=True)
    assert again.run() == error
    one, two = (load_file(tmp_path / name / "backbone.safetensors") for name in ("whole", "parts"))
    assert all(np.array_equal(one[key], two[key]) for key in one)
    record = json.loads((tmp_path / "whole" / "backbone.json").read_text())["training"]
    assert record["training"]["stress_weight"] == 1.0
    assert record["data"]["periodic"] is True
    places = np.concatenate([record["split"][name] for name in ("training", "validation", "held_out")])
    assert sorted(places.tolist()) == list(range(len(data)))


@pytest.mark.parametrize("kind", ["crystal", "mixed"])
def test_what_is_saved_predicts_what_training_measured(kind: str, request, tmp_path: Path) -> None:
    data = request.getfixturevalue(kind)
    one = trainer(data, tmp_path / "run", stress_weight=1.0)
    one.prepare(resume=False)
    error = one.run()
    backbone = load_backbone(tmp_path / "run")
    gaps: dict[str, list[np.ndarray]] = {"force": [], "energy": [], "stress": []}
    structures = StructuresInMemory.of(data) if isinstance(data, Frames) else data
    for part in structures.take(one.split.held_out):
        energies, forces = backbone.energies_and_forces(part.frames)
        gaps["force"].append((forces - part.frames.forces).ravel())
        gaps["energy"].append((energies - part.frames.energies) / len(part.frames.numbers))
        if all(part.frames.pbc):
            gaps["stress"].append(
                (matrices(backbone.stress(part.frames)) - matrices(part.frames.stress)).ravel()
            )
    record = json.loads((tmp_path / "run" / "backbone.json").read_text())["training"]["held_out_errors"]
    assert record["force_mae_eV_A"] == pytest.approx(error, rel=1e-6)  # one pass each, in float32
    units = {"force": "eV_A", "energy": "eV_atom", "stress": "eV_A3"}
    assert len(record) == 6
    for name, parts in gaps.items():
        every = np.concatenate(parts)
        # float32 in training and float64 here: relative rounding of 1e-7, over a thousand operations; energies of hundreds
        # of eV round at 3e-5 eV
        close = {"rel": 1e-4, "abs": 1e-5 if name == "energy" else 0.0}
        assert record[f"{name}_mae_{units[name]}"] == pytest.approx(np.abs(every).mean(), **close)
        assert record[f"{name}_rmse_{units[name]}"] == pytest.approx(np.sqrt((every**2).mean()), **close)


def test_training_lowers_the_error_of_forces_and_of_stress(crystal: Frames, tmp_path: Path) -> None:
    errors = {}
    for weight in (0.0, 300.0):
        one = trainer(crystal, tmp_path / f"{weight:g}", steps=60, stress_weight=weight)
        one.prepare(resume=False)
        seen: list[float] = []
        one.run(lambda progress, seen=seen: seen.append(progress.force_mae))
        assert min(seen) < 0.8 * seen[0]
        held = crystal.select(one.split.held_out)
        predicted = load_backbone(tmp_path / f"{weight:g}").stress(held)
        errors[weight] = float(np.sqrt(np.mean((predicted - held.stress) ** 2)))
    assert errors[300.0] < errors[0.0]


def test_energies_of_elements_are_those_of_the_data(mixed: StructuresInMemory) -> None:
    """Energies that are sums over atoms are found exactly, whatever the compositions, where these tell elements apart."""
    energy = {"C": -7.0, "O": -11.0, "Cu": -3.0, "Au": -2.0}
    parts = tuple(
        replace(frames, energies=np.full(len(frames), sum(energy[s] for s in frames.symbols)))
        for frames in (*mixed.frames, rattled(molecule("O2"), 4), rattled(bulk("Au"), 4))
    )
    data = TrainingData.of(StructuresInMemory(parts, "mixed", "3" * 64, "eV"))
    found = statistics(data, np.arange(len(data)), 3.5)
    assert data.symbols == ("C", "O", "Cu", "Au")
    # a least-squares problem of four unknowns of order 10, conditioned below 100
    assert found["energy_shifts"] == pytest.approx([energy[s] for s in data.symbols], abs=1e-11)
    forces = np.concatenate([frames.forces.ravel() for frames in parts])
    assert found["energy_scale"] == pytest.approx(float(np.sqrt((forces**2).mean())), rel=1e-12)


def test_neighbours_are_counted_over_images() -> None:
    frames = rattled(bulk("Cu", cubic=True), 12)
    perfect = bulk("Cu", cubic=True)
    still = replace(
        frames, positions=np.repeat(perfect.positions[None], 12, axis=0), cells=np.repeat(perfect.cell.array[None], 12, axis=0)
    )  # fmt: skip
    found = statistics(TrainingData.of(still), np.arange(12), 3.0)
    assert found["avg_num_neighbors"] == 12.0  # the first shell of face-centred copper, 2.55 Å
    assert "energy_shifts" not in found


def test_structures_of_one_group_stay_together() -> None:
    parts = (rattled(bulk("Cu"), 30), rattled(bulk("Ag"), 30))
    groups = np.concatenate([np.repeat(np.arange(10), 3), 100 + np.repeat(np.arange(10), 3)])
    split = split_of(StructuresInMemory(parts, "grouped", "4" * 64, "eV", groups=groups), 1)
    of = [set(groups[part]) for part in (split.training, split.validation, split.held_out)]
    assert not of[0] & of[1]
    assert not of[0] & of[2]
    assert not of[1] & of[2]
    for part in (split.training, split.validation, split.held_out):
        assert {bool(k >= 30) for k in part} == {False, True}  # both elements in each


def test_molecules_of_a_mixed_batch_have_a_finite_volume() -> None:
    free = with_space(rattled(molecule("CO"), 3))
    assert free.cells is not None
    assert np.linalg.det(free.cells) == pytest.approx(1e9)
    kept = rattled(bulk("Cu"), 3)
    assert np.array_equal(with_space(kept).cells, kept.cells)


def test_what_cannot_be_trained_on_is_one_sentence(
    crystal: Frames, mixed: StructuresInMemory, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"does not give the stress of every structure"):
        trainer(replace(crystal, stress=None), tmp_path / "a", stress_weight=1.0)
    with pytest.raises(InputError, match="has no energies, expected energies and forces"):
        trainer(replace(crystal, energies=None), tmp_path / "a")
    broken = crystal.forces.copy()
    broken[4, 0, 0] = np.nan
    with pytest.raises(InputError, match="structure 4 of emt has no forces"):
        trainer(replace(crystal, forces=broken), tmp_path / "a")
    with pytest.raises(InputError, match="holds 5 structures or groups of them, expected at least 10"):
        trainer(crystal.select(slice(0, 5)), tmp_path / "a")
    with pytest.raises(InputError, match=r"stress_weight is -1"):
        TrainingSettings(stress_weight=-1.0)
    other = Trainer(crystal, split_of(crystal, 0, with_held_out=False), builder_settings(crystal, split_of(crystal, 0)),
                    TrainingSettings(steps=2), tmp_path / "b", held_out=mixed)  # fmt: skip
    with pytest.raises(InputError, match="does not know the element"):
        other.prepare(resume=False)
    same = Trainer(crystal, split_of(crystal, 0, with_held_out=False), builder_settings(crystal, split_of(crystal, 0)),
                   TrainingSettings(steps=2), tmp_path / "c", held_out=crystal)  # fmt: skip
    with pytest.raises(InputError, match="is the file that is trained on"):
        same.prepare(resume=False)


def test_a_large_set_is_trained_on_as_if_its_graphs_were_kept(
    mixed: StructuresInMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    given = Trainer.graphs
    monkeypatch.setattr(
        Trainer, "graphs", lambda self, frames: made.append(len(frames)) or given(self, frames)
    )
    logs = {}
    for name, most in (("kept", graphs.MOST_ATOMS), ("made", 0)):
        monkeypatch.setattr(graphs, "MOST_ATOMS", most)
        made.clear()
        one = trainer(mixed, tmp_path / name, stress_weight=1.0)
        one.prepare(resume=False)
        one.run()
        record = json.loads((tmp_path / name / "backbone.json").read_text())["training"]
        logs[name] = [row["validation_force_mae_eV_A"] for row in record["log"]]
        if most:
            # every structure once, those held out once more for the errors of all labels, and one for the cost
            assert sum(made) == len(mixed) + len(record["split"]["held_out"]) + 1
        else:
            # 6 batches of 4, validation after every second, and the test: one structure at a time
            parts = {part: len(record["split"][part]) for part in ("validation", "held_out")}
            assert made == [1] * (6 * 4 + 3 * parts["validation"] + 2 * parts["held_out"] + 1)
    assert logs["kept"] == logs["made"]
    one, two = (load_file(tmp_path / name / "backbone.safetensors") for name in logs)
    assert all(np.array_equal(one[key], two[key]) for key in one)


def test_a_step_that_runs_out_of_memory_has_the_gradient_of_the_whole_batch(
    mixed: StructuresInMemory, tmp_path: Path
) -> None:
    run = trainer(mixed, tmp_path, stress_weight=1.0)
    places = run.split.training[:: max(1, len(run.split.training) // 7)][:7]
    with run.session():
        listed = graphs.Graphs(run.data, places, run.graphs).some(range(7))
    assert (
        len({len(graph["forces"]) for graph in listed}) > 1
    )  # means over atoms weigh structures by their size, means over energies do not

    def gradient(most: int) -> tuple[list[torch.Tensor], int]:
        model, refused = run.kind.build(run.model_settings, "float64"), []

        def join(some: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
            if len(some) > most:
                refused.append(len(some))
                raise torch.OutOfMemoryError("CUDA out of memory")
            return run.joined(some)

        state = TrainingState.initial(model, 1e-3, 10)
        state.advance(
            run.loss(), Batch(graphs.Graphs(run.data, places, run.graphs).some(range(7)), join), 0.9
        )
        return [p.grad for _, p in model.named_parameters() if p.grad is not None], len(refused)

    with run.session():
        whole, never = gradient(7)
        halved, refused = gradient(2)
    assert (never, refused) == (0, 2)  # 7, then 3, then 1 at a time
    largest = max(float(part.abs().max()) for part in whole)
    assert largest > 0.0
    for a, b in zip(whole, halved, strict=True):
        # Some thousand terms in float64, in another order.
        torch.testing.assert_close(b, a, rtol=1e-9, atol=1e-12 * largest)
