"""Networks with modules on their scalar pathway train, go on after a kill, and load from their files; costs are recorded."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from jsonschema import validate
from safetensors.torch import load_file

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.scalar_pathway import PATHWAYS
from spectral_ceilings.diagnostic.frames.splits import split_frames
from spectral_ceilings.diagnostic.records.assets import shipped_schema
from spectral_ceilings.diagnostic.training.cost import operations
from spectral_ceilings.diagnostic.training.train import Trainer, TrainingSettings, builder_settings

from scalar_pathways import aspirin

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
pytest.importorskip("allegro", reason="the extra 'allegro' is not installed")

SMALL = {"l_max": 1, "num_features": 4, "num_layers": 2, "r_max": 3.0}


def trainer(kind: str, directory: Path, **more: Any) -> Trainer:
    frames = aspirin(40)
    split = split_frames(len(frames), 0)
    model = builder_settings(frames, split, kind, **SMALL, **more)
    settings = TrainingSettings(steps=5, batch_size=2, validate_every=2)
    return Trainer(frames, split, model, settings, directory, kind=kind)


def record_of(directory: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((directory / "backbone.json").read_text())
    return record


@pytest.mark.parametrize("kind", ["nequip", "allegro"])
def test_a_killed_training_goes_on_and_its_file_gives_the_same_numbers(kind: str, tmp_path: Path) -> None:
    whole = trainer(kind, tmp_path / "whole", scalar_pathway=PATHWAYS)
    whole.prepare(resume=False)
    error = whole.run()
    parts = trainer(kind, tmp_path / "parts", scalar_pathway=PATHWAYS)
    parts.prepare(resume=False)
    assert parts.run(stop_after=3) is None
    again = trainer(kind, tmp_path / "parts", scalar_pathway=PATHWAYS)
    again.prepare(resume=True)
    assert again.run() == error
    one, two = (load_file(tmp_path / name / "backbone.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    record = record_of(tmp_path / "whole")
    assert record["builder"]["scalar_pathway"] == list(PATHWAYS)
    backbone = load_backbone(tmp_path / "whole")
    held_out = aspirin(40).select(np.array(record["training"]["split"]["held_out"]))
    answer = backbone.respond(held_out, [], forces=True)
    assert answer.forces is not None
    measured = record["training"]["held_out_errors"]
    errors = answer.forces - held_out.forces
    # trained and measured in float32, 1e-7 of forces of some eV/Å
    assert abs(measured["force_mae_eV_A"] - np.abs(errors).mean()) < 1e-5
    assert abs(measured["force_rmse_eV_A"] - np.sqrt((errors**2).mean())) < 1e-5
    assert answer.energies is not None
    assert held_out.energies is not None
    per_atom = (answer.energies - held_out.energies) / len(held_out.numbers)
    # energies of some 1e3 eV in float32: 1e-7 of them on 21 atoms
    assert abs(measured["energy_mae_eV_atom"] - np.abs(per_atom).mean()) < 5e-5
    assert measured["stress_mae_eV_A3"] is None
    cost = record["training"]["cost"]
    validate(cost, shipped_schema("training-cost"))
    assert cost["parameters"] == record["parameters"]
    assert cost["scalar_pathway_parameters"] == sum(
        w.numel() for name, w in one.items() if name.startswith("scalar_pathway.")
    )


def test_plain_and_control_are_recorded_as_such(tmp_path: Path) -> None:
    rows = {}
    for name, more in {
        "plain": {},
        "modules": {"scalar_pathway": ("pan",)},
        "control": {"scalar_pathway": ("pan",), "scalar_pathway_control": True},
    }.items():
        run = trainer("nequip", tmp_path / name, **more)
        run.prepare(resume=False)
        run.run()
        rows[name] = record_of(tmp_path / name)["training"]["cost"]
    assert (
        rows["plain"]["scalar_pathway_parameters"] == rows["plain"]["scalar_pathway_matched_parameters"] == 0
    )
    named = rows["modules"]["scalar_pathway_parameters"]
    assert rows["control"]["scalar_pathway_matched_parameters"] == named
    assert abs(rows["control"]["scalar_pathway_parameters"] - named) <= 8
    assert rows["plain"]["flops"] < rows["modules"]["flops"]
    assert rows["plain"]["elementwise_operations"] < rows["modules"]["elementwise_operations"]


def test_operations_are_those_of_the_formula_also_in_compiled_parts() -> None:
    one, two = torch.ones(3, 5, requires_grad=True), torch.ones(5, 7)

    def work(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.exp(a @ b).sum()

    # 2 * 3 * 5 * 7 for the product, and 21 entries of the exponential
    assert operations(lambda: work(one.detach(), two)) == {"flops": 210, "elementwise_operations": 21}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch wants another compiler; e3nn and mace keep this
        scripted = torch.jit.script(work)
    assert operations(lambda: scripted(one.detach(), two))["flops"] == 210
    # the gradient by the first factor is another product of that size
    assert operations(lambda: torch.autograd.grad(work(one, two), one))["flops"] == 420
