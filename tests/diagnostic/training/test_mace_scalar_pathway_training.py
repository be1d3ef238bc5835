"""A MACE with modules on its scalar pathway trains, goes on after a kill, and loads from its file."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.scalar_pathway import PATHWAYS
from spectral_ceilings.diagnostic.frames.splits import split_frames
from spectral_ceilings.diagnostic.training.mace import MACETrainer
from spectral_ceilings.diagnostic.training.train import TrainingSettings, builder_settings

from scalar_pathways import aspirin

if find_spec("mace") is None:
    pytest.skip("the extra 'mace' is not installed", allow_module_level=True)


def trainer(directory: Path) -> MACETrainer:
    frames = aspirin(40)
    split = split_frames(len(frames), 0)
    model = builder_settings(
        frames, split, "mace", l_max=1, num_features=4, num_layers=2, r_max=3.0, max_ell=1, correlation=(2,),
        scalar_pathway=PATHWAYS,
    )  # fmt: skip
    settings = TrainingSettings(steps=5, batch_size=2, validate_every=2)
    return MACETrainer(frames, split, model, settings, directory, kind="mace")


def test_a_killed_training_goes_on_and_its_file_gives_the_same_numbers(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    whole.prepare(resume=False)
    error = whole.run()
    parts = trainer(tmp_path / "parts")
    parts.prepare(resume=False)
    assert parts.run(stop_after=3) is None
    again = trainer(tmp_path / "parts")
    again.prepare(resume=True)
    assert again.run() == error
    one, two = (load_file(tmp_path / name / "backbone.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    record = json.loads((tmp_path / "whole" / "backbone.json").read_text())
    held_out = aspirin(40).select(np.array(record["training"]["split"]["held_out"]))
    answer = load_backbone(tmp_path / "whole").respond(held_out, [], forces=True)
    assert answer.forces is not None
    # trained and measured in float32, 1e-7 of forces of some eV/Å
    measured = record["training"]["held_out_errors"]["force_mae_eV_A"]
    assert abs(measured - np.abs(answer.forces - held_out.forces).mean()) < 1e-5
    cost = record["training"]["cost"]
    pathway = sum(w.numel() for name, w in one.items() if name.startswith("scalar_pathway."))
    assert cost["scalar_pathway_parameters"] == cost["scalar_pathway_matched_parameters"] == pathway
    assert cost["flops"] > 0
