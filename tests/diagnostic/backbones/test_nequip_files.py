"""Checkpoints and packages that the real nequip commands wrote, loaded in float64, against nequip's own calculator."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT

from spectral_ceilings.diagnostic import check_backbone
from spectral_ceilings.diagnostic.backbones.equivariance import equivariance_error
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.nequip_model import NequIPBackbone, nequip_session
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.theory import InputError

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
pytest.importorskip("allegro", reason="the extra 'allegro' is not installed")

CONFIGURATION = """
run: [train]
data:
  _target_: nequip.data.datamodule.ASEDataModule
  seed: 1
  split_dataset: {{file_path: {xyz}, train: 8, val: 4}}
  transforms:
    - _target_: nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper
      model_type_names: [H, C, O]
      chemical_species_to_atom_type_map: {{H: H, C: C, O: O}}
    - {{_target_: nequip.data.transforms.NeighborListTransform, r_max: 4.0}}
  train_dataloader: {{_target_: torch.utils.data.DataLoader, batch_size: 4}}
  val_dataloader: {{_target_: torch.utils.data.DataLoader, batch_size: 4}}
  stats_manager: {{_target_: nequip.data.CommonDataStatisticsManager, type_names: [H, C, O]}}
trainer:
  _target_: lightning.Trainer
  accelerator: cpu
  max_epochs: 1
  enable_progress_bar: false
  logger: false
  callbacks:
    - {{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: {out}, filename: {name}}}
training_module:
  _target_: nequip.train.EMALightningModule
  loss: {{_target_: nequip.train.EnergyForceLoss, coeffs: {{total_energy: 1.0, forces: 1.0}}}}
  val_metrics: {{_target_: nequip.train.EnergyForceMetrics, coeffs: {{total_energy_mae: 1.0, forces_mae: 1.0}}}}
  optimizer: {{_target_: torch.optim.Adam, lr: 0.01}}
  model:
    seed: 1
    type_names: [H, C, O]
    r_max: 4.0
    l_max: 2
    avg_num_neighbors: "${{training_data_stats:num_neighbors_mean}}"
    per_type_energy_shifts: "${{training_data_stats:per_atom_energy_mean}}"
    per_type_energy_scales: "${{training_data_stats:forces_rms}}"
{model}
global_options: {{allow_tf32: false}}
"""
NEQUIP = """
    _target_: nequip.model.NequIPGNNModel
    model_dtype: float32
    num_layers: 3
    num_features: 4
    radial_mlp_width: 8
"""
ALLEGRO = """
    _target_: allegro.model.AllegroModel
    model_dtype: float64
    num_layers: 3
    num_scalar_features: 8
    num_tensor_features: 4
    radial_chemical_embed: {_target_: allegro.nn.TwoBodyBesselScalarEmbed, num_bessels: 4}
    per_edge_type_cutoff: {H: 2.0, C: {H: 4.0, C: 3.5, O: 3.7}, O: 3.9}
"""


def ethanol(frames: int, seed: int) -> Frames:
    atoms = molecule("CH3CH2OH")
    rng = np.random.default_rng(seed)
    positions = atoms.get_positions() + 0.05 * rng.normal(size=(frames, len(atoms), 3))
    return Frames(
        np.array(atoms.numbers), positions, np.zeros_like(positions), None, "ethanol", "0" * 64, "eV"
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One epoch of ``nequip-train`` for each architecture, and a package of the first."""
    folder = tmp_path_factory.mktemp("nequip")
    images = ethanol(12, 0).to_ase()
    for atoms in images:
        atoms.calc = EMT()
        atoms.get_potential_energy()
        atoms.get_forces()
    ase.io.write(folder / "ethanol.xyz", images, format="extxyz")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HYDRA_FULL_ERROR": "1"}
    running = []
    for name, model in (("nequip", NEQUIP), ("allegro", ALLEGRO)):
        text = CONFIGURATION.format(
            xyz=folder / "ethanol.xyz", out=folder, name=name, model=model.strip("\n")
        )
        (folder / f"{name}.yaml").write_text(text)
        command = [sys.executable, "-m", "nequip.scripts.train", "-cp", str(folder), "-cn", name]
        command.append(f"hydra.run.dir={folder / name}")
        running.append(
            subprocess.Popen(
                command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        )
    for one in running:
        log, _ = one.communicate(timeout=300)
        assert one.returncode == 0, log.decode()[-3000:]
    package = folder / "model.nequip.zip"
    command = [
        sys.executable,
        "-m",
        "nequip.scripts.package",
        "build",
        str(folder / "nequip.ckpt"),
        str(package),
    ]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return {"nequip": folder / "nequip.ckpt", "allegro": folder / "allegro.ckpt", "package": package}


@pytest.fixture(scope="module")
def loaded(saved: dict[str, Path]) -> dict[str, NequIPBackbone]:
    found = {kind: load_backbone(path, trust=True) for kind, path in saved.items()}
    return {kind: one for kind, one in found.items() if isinstance(one, NequIPBackbone)}


LAYERS = {
    "nequip": ["4x0e+4x1o+4x2e", "4x0e+4x1e+4x1o+4x2e+4x2o", "4x0e"],
    "package": ["4x0e+4x1o+4x2e", "4x0e+4x1e+4x1o+4x2e+4x2o", "4x0e"],
    "allegro": ["12x0e+4x1e+4x1o+4x2e+4x2o", "12x0e+4x1o+4x2e", "12x0e"],
}


@pytest.mark.parametrize("kind", ["nequip", "package", "allegro"])
def test_a_saved_model_is_equivariant_and_agrees_with_nequips_own_calculator(
    saved: dict[str, Path], loaded: dict[str, NequIPBackbone], kind: str
) -> None:
    """Allegro's test model has cutoffs of its own for each pair of elements."""
    from nequip.integrations.ase import NequIPCalculator

    backbone = loaded[kind]
    frames = ethanol(3, 1)
    assert [layer.irreps for layer in backbone.layers()] == LAYERS[kind]
    assert backbone.info.builder["built_in"] == "float64"
    for layer in backbone.layers():
        # float64 with exact tables, although two of the three were stored in float32: some hundred units of 1.1e-16.
        assert equivariance_error(backbone, frames, layer.name, np.random.default_rng(1)) < 1e-12
    energies, forces = backbone.energies_and_forces(frames)
    with nequip_session(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calculator = NequIPCalculator._from_saved_model(saved[kind], chemical_species_to_atom_type_map=True)
        # The stored model itself: float64 agrees to its round-off; float32 to 6e-8 for each of some hundred operations.
        tolerance = 1e-12 if kind == "allegro" else 1e-5
        for k, atoms in enumerate(frames.to_ase()):
            atoms.calc = calculator
            scale = np.abs(forces).max()
            assert abs(atoms.get_potential_energy() - energies[k]) < tolerance * max(abs(energies[k]), scale)
            np.testing.assert_allclose(atoms.get_forces(), forces[k], atol=tolerance * scale)


@pytest.mark.parametrize("kind", ["nequip", "package", "allegro"])
def test_the_contract_is_kept(loaded: dict[str, NequIPBackbone], kind: str) -> None:
    report = check_backbone(loaded[kind], ethanol(3, 1))
    assert report.held, report
    assert all(
        report[name].held for name in ("cutoff", "edge filter", "untrained", "energies", "force gradient")
    ), report


@pytest.mark.parametrize("kind", ["nequip", "package", "allegro"])
def test_the_untrained_control_is_the_same_architecture_with_other_weights(
    loaded: dict[str, NequIPBackbone], kind: str
) -> None:
    trained = loaded[kind]
    assert trained.untrained is not None
    one, again, other = trained.untrained(3), trained.untrained(3), trained.untrained(4)
    assert one.layers() == trained.layers()
    assert not one.info.trained
    frames = ethanol(1, 2)
    assert np.array_equal(one.forces(frames), again.forces(frames))
    assert not np.allclose(one.forces(frames), other.forces(frames))
    assert not np.allclose(one.forces(frames), trained.forces(frames))


def test_a_checkpoint_and_its_package_are_one_model(loaded: dict[str, NequIPBackbone]) -> None:
    frames = ethanol(2, 3)
    forces = [loaded[kind].forces(frames) for kind in ("nequip", "package")]
    assert np.array_equal(forces[0], forces[1])


def test_a_pickle_is_not_opened_without_trust(saved: dict[str, Path]) -> None:
    for kind in saved:
        with pytest.raises(
            InputError, match=r"a pickle, which can run any code when it is read; add --trust"
        ):
            load_backbone(saved[kind])


@pytest.mark.parametrize("name", ["broken.ckpt", "broken.nequip.zip"])
def test_a_damaged_file_gets_one_sentence(saved: dict[str, Path], tmp_path: Path, name: str) -> None:
    source = saved["nequip" if name.endswith("ckpt") else "package"]
    (tmp_path / name).write_bytes(source.read_bytes()[:2000])
    with pytest.raises(
        InputError, match=rf"{name} is not a nequip (checkpoint|package) that nequip can read"
    ):
        load_backbone(tmp_path / name, trust=True)
