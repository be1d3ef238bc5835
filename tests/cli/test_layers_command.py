"""``ceilings layers``, ``diagnose --layer all`` and a user's model from a Python file: what is listed, run and refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from spectral_ceilings.diagnostic.backbones.checkpoint import embedded_names
from spectral_ceilings.diagnostic.frames.reading import read_frames

#: Features that anyone could write: densities of the neighbours, in two layers.
MODEL = """
import torch
from e3nn import o3
from spectral_ceilings.diagnostic import from_module


class Density(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.near, self.far, self.scalars = torch.nn.Identity(), torch.nn.Identity(), torch.nn.Identity()

    def forward(self, positions):
        difference = positions[:, None] - positions[:, :, None]
        distance = difference.norm(dim=-1) + torch.eye(positions.shape[1])
        harmonics = o3.spherical_harmonics([0, 1, 2], difference, normalize=True)
        for layer, width in ((self.near, 1.0), (self.far, 3.0)):
            weight = torch.exp(-distance / width) * (1.0 - torch.eye(positions.shape[1]))
            layer((weight[..., None] * harmonics).sum(dim=2))
        self.scalars(weight.sum(dim=2, keepdim=True))


def model():
    irreps = ["0e+1o+2e", "0e+1o+2e", "0e"]
    return from_module(
        Density(), ["near", "far", "scalars"], irreps, inputs=lambda frames: torch.tensor(frames.positions)
    )


def wrong():
    irreps = "1e+1o+0e+0e+0e"
    return from_module(Density(), "near", irreps, inputs=lambda frames: torch.tensor(frames.positions))


def nothing():
    return None
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "density.py").write_text(MODEL)
    frames = read_frames("aspirin-xtb").select(range(120))
    np.savez(tmp_path / "few.npz", numbers=frames.numbers, positions=frames.positions, forces=frames.forces)
    return tmp_path


def test_every_shipped_backbone_is_listed_and_its_record_names_no_machine(ceilings) -> None:
    listed = json.loads(ceilings("layers", "--json").stdout)
    assert [one["name"] for one in listed] == embedded_names()
    assert listed[0]["name"] == "aspirin-xtb-l2"
    for one in listed:
        assert one["force_mae_eV_A"] > 0
        assert "/" not in one["data"]
    table = ceilings("layers").stdout
    assert all(one["name"] in table for one in listed)


def test_layers_are_split_by_degree_and_parity(ceilings) -> None:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    done = ceilings("layers", "aspirin-xtb-l2")
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["layer1", "16e", "16e", "16o", "16e", "16o", "default"] in lines
    assert ["layer2", "16e", "scalars", "only"] in lines
    found = json.loads(ceilings("layers", "aspirin-xtb-l2", "--json").stdout)["layers"]
    assert found[0]["channels"] == [
        {"l": 0, "parity": "e", "channels": 16},
        {"l": 1, "parity": "o", "channels": 16},
        {"l": 2, "parity": "e", "channels": 16},
    ]


def test_all_layers_of_a_users_model_are_diagnosed(ceilings, folder: Path) -> None:
    arguments = (
        "diagnose", "--backbone", "density.py:model", "--trust", "--layer", "all", "--data", "few.npz", "--out", "runs",
        "--degrees", "1", "--l-top", 3, "--atoms", "2,15", "--injection", "marked", "--readout", "equivariant",
        "--no-controls", "--bootstrap", 100,
    )  # fmt: skip
    done = ceilings(*arguments)
    assert done.returncode in (0, 1), done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows if len(row) > 3 and row[1] == "marked"] == ["near", "far"]
    for layer in ("near", "far"):
        result = json.loads((folder / "runs" / layer / "result.json").read_text())
        assert result["model"]["layer"] == layer
        assert [one["usable"] for one in result["model"]["layers"]] == [True, True, False]
    again = ceilings(*arguments, "--resume", "--json")
    assert [one["layer"] for one in json.loads(again.stdout)["layers"]] == ["near", "far"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--backbone", "density.py:model"), "density.py is Python code, which would be run; add --trust"),
        (("--backbone", "density.py:other", "--trust"), "density.py has no function 'other'"),
        (("--backbone", "density.py:nothing", "--trust"), "returned NoneType, expected a backbone"),
        (("--backbone", "no.py:model", "--trust"), "no Python file at no.py"),
        (("--backbone", "density.py:wrong", "--trust"), "miss equivariance by"),
        (("--backbone", "density.py:model", "--trust", "--layer", "scalars"), "carries scalars (l = 0) only"),
        (("--backbone", "model.ckpt", "--trust"), "no nequip checkpoint at model.ckpt"),
        (
            ("--backbone", "compiled.nequip.pth"),
            "compiled.nequip.pth is a compiled model, whose layers cannot be tapped",
        ),
        (("--backbone", "some.ckpt"), "a pickle, which can run any code when it is read; add --trust"),
        (("--backbone", "some.model"), "a pickle, which can run any code when it is read; add --trust"),
        (("--backbone", "aspirin-rmd17-l9"), "one of the embedded aspirin-xtb-l2, aspirin-rmd17-"),
    ],
)
def test_what_cannot_be_tapped_is_refused(
    ceilings, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    for name in ("some.ckpt", "some.model"):
        (folder / name).write_bytes(b"nothing")
    assert said in ceilings("diagnose", "--out", "x", "--data", "few.npz", *arguments).sentence()
    assert not (folder / "x").exists()


def test_units_are_asked_for_by_the_option(ceilings, folder: Path) -> None:
    frames = read_frames("aspirin-xtb").select(range(60))
    np.savez(
        folder / "odd.npz", numbers=frames.numbers, positions=frames.positions, forces=1e4 * frames.forces
    )
    said = ceilings("diagnose", "--out", "x", "--data", "odd.npz").sentence()
    assert "--units" in said
    assert "units='" not in said


def test_slices_cut_descriptors_by_degree(ceilings, folder: Path) -> None:
    told = json.loads(ceilings("layers", "density.py:wrong", "--trust", "--json").stdout)
    assert told["layers"][0]["slices"] == [
        {"start": 0, "stop": 3, "l": 1, "parity": "e", "channels": 1},
        {"start": 3, "stop": 6, "l": 1, "parity": "o", "channels": 1},
        *({"start": k, "stop": k + 1, "l": 0, "parity": "e", "channels": 1} for k in (6, 7, 8)),
    ]
    table = ceilings("layers", "density.py:model", "--trust").stdout
    assert "slice" in table
    assert "4:9" in table


def test_a_model_without_symmetry_is_listed_with_the_way_on(ceilings) -> None:
    told = json.loads(ceilings("layers", "aspirin-xtb-unconstrained", "--json").stdout)
    assert [layer["irreps"] for layer in told["layers"]] == ["", ""]
    assert "--turned" in ceilings("layers", "aspirin-xtb-unconstrained").stdout
