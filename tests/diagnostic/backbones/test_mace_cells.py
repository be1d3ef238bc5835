"""MACE on crystals: energies, forces and stress of its own calculator's path, and the laws of a lattice."""

import os
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from spectral_ceilings.diagnostic import check_backbone
from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.backbones.mace_model import MACEBackbone, build_mace, mace_session
from spectral_ceilings.diagnostic.backbones.mace_settings import MACESettings

from crystals import assert_periodic, crystal

if find_spec("mace") is None and "SPECTRAL_CEILINGS_REQUIRE_MACE" not in os.environ:
    pytest.skip(
        "the extra 'mace' is not installed (it needs an environment of its own)", allow_module_level=True
    )

SETTINGS = MACESettings(
    type_names=("H", "C", "O"), num_features=4, max_ell=2, correlation=(2,), radial_mlp=(8,), r_max=4.0,
    avg_num_neighbors=20.0, energy_scale=1.5, energy_shift=-0.5, seed=5, atomic_energies=((-13.0, -1000.0, -2000.0),),
)  # fmt: skip


@pytest.fixture(scope="module")
def backbone() -> MACEBackbone:
    return MACEBackbone(build_mace(SETTINGS), SETTINGS, BackboneInfo("test", "mace", trained=False))


def test_energies_forces_and_stress_are_those_of_the_packages_own_graphs(backbone: MACEBackbone) -> None:
    frames = crystal()
    answer = backbone.respond(frames, [], forces=True)
    with mace_session():
        from mace import data
        from mace.tools import AtomicNumberTable, torch_geometric

        table = AtomicNumberTable([1, 6, 8])
        graphs = [
            data.AtomicData.from_config(data.config_from_atoms(atoms), z_table=table, cutoff=SETTINGS.r_max)
            for atoms in frames.to_ase()
        ]
        batch = next(
            iter(torch_geometric.dataloader.DataLoader(graphs, batch_size=len(graphs), shuffle=False))
        )
        out = backbone._model(batch.to_dict(), compute_stress=True)
    # the same float64 model; the order of the edges, and so of the sums, is another
    np.testing.assert_allclose(out["energy"].detach().numpy(), answer.energies, rtol=1e-12)
    np.testing.assert_allclose(out["forces"].detach().numpy().reshape(-1, 4, 3), answer.forces, atol=1e-11)
    rows, columns = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]
    np.testing.assert_allclose(out["stress"].detach().numpy()[:, rows, columns], answer.stress, atol=1e-11)
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("pbc", [(True, True, True), (True, True, False), (False, False, True)])
def test_a_lattice_is_a_lattice(backbone: MACEBackbone, pbc) -> None:
    assert_periodic(backbone, crystal(pbc=pbc))


def test_the_adapter_passes_the_check_on_crystals(backbone: MACEBackbone) -> None:
    report = check_backbone(backbone, crystal(3))
    assert report.held, report
    assert report["cell"].held
    assert report["supercell"].held
    assert report["stress"].held
