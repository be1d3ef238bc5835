"""Backbones on crystals: the packages' own calculators, the laws of a lattice, and models that ignore the cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spectral_ceilings.diagnostic import (
    Backbone,
    Frames,
    check_backbone,
    from_callable,
    from_e3nn,
    from_module,
)
from spectral_ceilings.diagnostic.backbones.architecture import architecture
from spectral_ceilings.diagnostic.backbones.checkpoint import fresh
from spectral_ceilings.diagnostic.backbones.e3nn_model import energy_forces
from spectral_ceilings.diagnostic.backbones.equivariance import check_equivariance, measure_equivariance
from spectral_ceilings.diagnostic.frames.motions import by_lattice_vectors, supercell
from spectral_ceilings.diagnostic.frames.neighbours import neighbours_of
from spectral_ceilings.theory import InputError

from crystals import assert_periodic, crystal

ELEMENTS = ("H", "C", "O")
PERIODIC = [(True, True, True), (True, True, False), (False, False, True)]


def nequip_backbone(seed: int = 0) -> Backbone:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    kind = architecture("nequip")
    settings = kind.settings(
        ELEMENTS, l_max=2, num_layers=2, num_features=3, avg_num_neighbors=40.0, energy_shift=-3.0
    )  # type: ignore[call-arg]
    return fresh(kind, settings, "nequip", seed)


def allegro_backbone() -> Backbone:
    pytest.importorskip("allegro", reason="the extra 'allegro' is not installed")
    kind = architecture("allegro")
    settings = kind.settings(
        ELEMENTS, num_layers=2, num_features=3, num_scalar_features=4, r_max=4.0, avg_num_neighbors=20.0
    )  # type: ignore[call-arg]
    return fresh(kind, settings, "allegro", 0)


def e3nn_network(seed: int = 0) -> torch.nn.Module:
    from e3nn.nn.models.v2106.gate_points_networks import SimpleNetwork

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        torch.manual_seed(seed)
        made = SimpleNetwork("3x0e", "0e", max_radius=4.0, num_neighbors=20.0, num_nodes=4.0, mul=3, layers=2)
    finally:
        torch.set_default_dtype(before)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "alpha" in name:  # e3nn begins without messages
                parameter.add_(0.5)
    return made


def e3nn_backbone() -> Backbone:
    network = e3nn_network()
    return from_e3nn(
        network, ELEMENTS, forces=energy_forces(network, ELEMENTS), untrained=e3nn_network, trained=False
    )


def vectors_of(frames: Frames, periodic: bool = True) -> np.ndarray:
    """Return 1o features: the sum over neighbours of unit vectors, fading towards 4 Å."""
    if not periodic:
        frames = Frames(frames.numbers, frames.positions, frames.forces, None, "free", "0" * 64, "eV")
    out = np.zeros(frames.positions.shape)
    for k, pairs in enumerate(neighbours_of(frames, 4.0)):
        weights = (np.cos(np.pi * pairs.distances / 4.0) + 1) / pairs.distances
        np.add.at(out[k], pairs.first, weights[:, None] * pairs.vectors)
    return out


@pytest.mark.parametrize("make", [nequip_backbone, allegro_backbone])
def test_energies_forces_and_stress_are_those_of_the_packages_own_calculator(make) -> None:
    backbone = make()
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
    from nequip.integrations.ase import NequIPCalculator

    from spectral_ceilings.diagnostic.backbones.nequip_model import nequip_session

    frames = crystal()
    answer = backbone.respond(frames, [], forces=True)
    with nequip_session():
        transforms = [
            ChemicalSpeciesToAtomTypeMapper(list(ELEMENTS)),
            NeighborListTransform(r_max=backbone.cutoff),
        ]
        calculator = NequIPCalculator(backbone._model, device="cpu", transforms=transforms)
        for k, atoms in enumerate(frames.to_ase()):
            atoms.calc = calculator
            # The same float64 model on a batch and alone: sums of some hundred edges in another order.
            assert atoms.get_potential_energy() == pytest.approx(answer.energies[k], rel=1e-12)
            np.testing.assert_allclose(atoms.get_forces(), answer.forces[k], atol=1e-12)
            np.testing.assert_allclose(atoms.get_stress(), answer.stress[k], atol=1e-12)
    assert np.array_equal(backbone.stress(frames), answer.stress)


@pytest.mark.parametrize("make", [nequip_backbone, allegro_backbone, e3nn_backbone])
@pytest.mark.parametrize("pbc", PERIODIC)
def test_a_lattice_is_a_lattice(make, pbc) -> None:
    assert_periodic(make(), crystal(pbc=pbc))


@pytest.mark.parametrize("make", [nequip_backbone, e3nn_backbone])
def test_cells_turn_with_the_frames(make) -> None:
    backbone = make()
    layer = backbone.choose_layer().name
    measured = check_equivariance(backbone, crystal(), [layer], np.random.default_rng(0))[layer]
    # float64 through two layers and some hundred edges of each atom
    assert measured.rotation < 1e-11
    assert measured.translation < 1e-11
    assert measured.lattice is not None
    assert measured.lattice < 1e-11
    assert measured.parity == "declared"


@pytest.mark.parametrize("make", [nequip_backbone, allegro_backbone, e3nn_backbone])
def test_every_adapter_passes_the_check_on_crystals(make) -> None:
    report = check_backbone(make(), crystal(3))
    assert report.held, report
    assert report["cell"].held
    assert report["supercell"].held


def test_the_check_holds_stress_against_the_energy() -> None:
    backbone = nequip_backbone()
    assert check_backbone(backbone, crystal(2))["stress"].held

    class Wrong(type(backbone)):  # type: ignore[misc]
        def stress(self, frames):
            return -super().stress(frames)

    backbone.__class__ = Wrong
    finding = check_backbone(backbone, crystal(2))["stress"]
    assert finding.held is False
    assert finding.number == pytest.approx(-1.0, abs=1e-3)  # the sign that was turned


def test_molecules_have_no_stress_and_no_finding_of_cells() -> None:
    free = Frames(crystal().numbers, crystal().positions, crystal().forces, None, "free", "0" * 64, "eV")
    backbone = nequip_backbone()
    assert backbone.stress(free) is None
    assert backbone.stress(crystal(pbc=(True, True, False))) is None
    names = [finding.name for finding in check_backbone(backbone, free)]
    assert "cell" not in names
    assert "supercell" not in names
    assert "stress" not in names


def test_a_function_that_uses_the_cell_passes() -> None:
    backbone = from_callable(vectors_of, "1x1o", cutoff=4.0, trained=False)
    report = check_backbone(backbone, crystal(3))
    assert report.held, report
    assert report["cell"].held


def test_a_function_that_ignores_the_cell_is_refused() -> None:
    backbone = from_callable(
        lambda frames: vectors_of(frames, periodic=False), "1x1o", source="free", trained=False
    )
    assert check_backbone(backbone, crystal(3))["cell"].held is False
    with pytest.raises(
        InputError,
        match=r"^free ignores the cell: moving atoms by cell vectors changes .* let it use the cells",
    ):
        check_equivariance(backbone, crystal(3), ["features"], np.random.default_rng(0))
    free = Frames(crystal().numbers, crystal().positions, crystal().forces, None, "free", "0" * 64, "eV")
    measured = measure_equivariance(backbone, free, ["features"], np.random.default_rng(0))["features"]
    assert measured.lattice is None
    assert measured.held


def test_a_model_of_nearest_images_alone_is_found_out() -> None:
    """It stays when atoms are moved by cell vectors; only a supercell shows what it leaves out."""

    def nearest(frames: Frames) -> np.ndarray:
        out = np.zeros(frames.positions.shape)
        assert frames.cells is not None
        for k, (positions, cell) in enumerate(zip(frames.positions, frames.cells, strict=True)):
            vectors = positions[None] - positions[:, None]
            steps = vectors @ np.linalg.inv(cell)
            vectors = (steps - np.round(steps)) @ cell
            squares = (vectors**2).sum(axis=2, keepdims=True)
            out[k] = (vectors * np.exp(-squares / 4.0)).sum(axis=1)
        return out

    report = check_backbone(from_callable(nearest, "1x1o", trained=False), crystal(3))
    assert report["cell"].held
    assert report["supercell"].held is False


def test_a_module_is_given_frames_with_their_cells() -> None:
    class Lattice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Identity()

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.inner(values)

    backbone = from_module(
        Lattice(), "inner", "1x1o", inputs=lambda frames: torch.tensor(vectors_of(frames)).reshape(-1, 3), trained=False
    )  # fmt: skip
    frames = crystal(40)  # several batches, each with cells of its own
    values = backbone.features(frames, "inner").values
    assert np.array_equal(values, vectors_of(frames))
    assert check_backbone(backbone, crystal(3))["cell"].held


def test_periodic_directions_change_what_a_model_sees() -> None:
    backbone = nequip_backbone()
    layer = backbone.choose_layer().name
    whole = backbone.features(crystal(), layer).values
    for pbc in PERIODIC[1:]:
        assert np.abs(backbone.features(crystal(pbc=pbc), layer).values - whole).max() > 1e-3
    moved = by_lattice_vectors(crystal(), np.random.default_rng(0))
    assert np.abs(moved.positions - crystal().positions).max() > 1
    assert len(supercell(crystal(), (2, 2, 2)).numbers) == 32
