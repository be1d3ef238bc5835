"""fairchem's models as backbones: e3nn's axes and layout, exact turning, the package's own energies and forces, cells, edges."""

import logging
import os
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from ase.calculators.calculator import Calculator

from spectral_ceilings.diagnostic.backbones.check import check_backbone
from spectral_ceilings.diagnostic.backbones.conventions import fitting_convention
from spectral_ceilings.diagnostic.backbones.equivariance import check_equivariance, measure_equivariance
from spectral_ceilings.diagnostic.backbones.fairchem_loading import load_fairchem
from spectral_ceilings.diagnostic.backbones.fairchem_model import FairchemBackbone, fairchem_session, to_e3nn
from spectral_ceilings.diagnostic.backbones.fairchem_regridding import grid_errors, on_grid
from spectral_ceilings.diagnostic.backbones.irreps import o3
from spectral_ceilings.diagnostic.backbones.responses import star
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.numerics.rotations import haar_rotations
from spectral_ceilings.numerics.wigner import wigner_d
from spectral_ceilings.theory import InputError

from fairchem_models import SMALL, WHY, absent, ethanol, lithium_fluoride, named, of

if absent():
    pytest.skip(WHY, allow_module_level=True)

#: Sums of a few hundred products of float64 through four layers, Wigner matrices of l <= 6 between them.
ROUNDING = 1e-12


def model(options: str = "ff_type=spectral", name: str = "escn-md") -> FairchemBackbone:
    return load_fairchem(named(options, name))


@pytest.fixture(scope="module")
def spectral() -> FairchemBackbone:
    return model()


@pytest.fixture(scope="module")
def grid() -> FairchemBackbone:
    return model("lmax=2")


def errors(backbone: FairchemBackbone, frames: Frames, seed: int = 1) -> dict[str, list[float]]:
    names = [layer.name for layer in backbone.layers()]
    measured = measure_equivariance(backbone, frames, names, np.random.default_rng(seed))
    return {name: [entry.rotation or 0.0 for entry in layer.entries] for name, layer in measured.items()}


def test_a_pair_of_atoms_gives_e3nns_harmonics_in_every_channel() -> None:
    """The embedding of a lone pair is a multiple of Y_l of the edge: e3nn's components, signs and axes, written by e3nn."""
    backbone = model("ff_type=spectral,lmax=4,mmax=3")
    directions = np.random.default_rng(2).normal(size=(5, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    positions = np.stack([0 * directions, 1.3 * directions], axis=1)
    pair = Frames(np.array([8, 1]), positions, 0 * positions, None, "pairs", "0" * 64, "eV")
    values = backbone.features(pair, "embedding")
    for block in values.blocks():
        at_first = block.values[:, 0]  # (frames, channels, m)
        harmonics = o3.spherical_harmonics(block.l, torch.tensor(directions), True, "component").numpy()
        size = (
            at_first[:1] @ harmonics[:1, :, None] / (2 * block.l + 1)
        )  # |Y_l|^2 = 2l + 1 in this normalisation
        assert np.abs(size).min() > 1e-6  # every channel holds something
        expected = size * harmonics[:, None]
        assert np.abs(at_first - expected).max() < ROUNDING


@pytest.mark.parametrize(
    "options",
    [
        "lmax=2,mmax=2",
        "lmax=4,mmax=2",
        "lmax=6,mmax=6",
        "lmax=4,mmax=4,use_quaternion_wigner=false,norm_type=layer_norm_sh",
    ],
)
def test_every_layer_of_the_spectral_kind_turns_by_wigner_matrices(options: str) -> None:
    backbone = model(f"ff_type=spectral,{options}")
    frames = ethanol(2)
    for name, by_degree in errors(backbone, frames).items():
        assert len(by_degree) == backbone.layer(name).l_max + 1
        assert max(by_degree) < ROUNDING, name
    assert backbone.approximation == ""


def test_turned_frames_agree_with_the_package_run_by_hand_in_float32(spectral: FairchemBackbone) -> None:
    """Nothing of the adapter but the change of basis: the package's own module in its own number format."""
    frames, rotation = ethanol(1), haar_rotations(1, np.random.default_rng(4))
    turned = replace(frames, positions=np.einsum("nij,naj->nai", rotation, frames.positions))
    with fairchem_session(torch.float32):
        from fairchem.core.datasets.atomic_data import AtomicData
        from fairchem.core.models.uma.escn_md import eSCNMDBackbone

        torch.manual_seed(0)
        arguments: dict[str, Any] = {
            key: int(value) for key, value in (part.split("=") for part in SMALL.split(","))
        }
        module = eSCNMDBackbone(
            ff_type="spectral", otf_graph=True, always_use_pbc=False, use_dataset_embedding=False, **arguments
        ).eval()
        with torch.no_grad():
            plain, moved = (
                module(AtomicData.from_ase(f.to_ase()[0], task_name="omol"))["node_embedding"].numpy()
                for f in (frames, turned)
            )
    for l in range(3):
        part = slice(l * l, (l + 1) ** 2)
        expected = np.einsum("ij,ajc->aic", wigner_d(l, rotation)[0], plain[:, part])
        # a hundred roundings of float32: a few hundred products summed, through four norms
        assert np.abs(moved[:, part] - expected).max() < 100 * 1.2e-7 * np.abs(plain[:, part]).max()
        # m after m in any other layout is no equivariant array
        assert np.abs(moved[:, part][:, ::-1] - expected).max() > 0.1 * np.abs(plain[:, part]).max() or l == 0
    layout = to_e3nn(torch.tensor(plain), 2).numpy()
    assert np.array_equal(layout[:, 4:16].reshape(9, 4, 3)[:, 1, 2], plain[:, 3, 1])


def test_another_layout_is_seen_and_named(spectral: FairchemBackbone) -> None:
    """Without the transposition the check says so, and by its name."""
    frames, rotations = ethanol(2), haar_rotations(2, np.random.default_rng(5))
    turned = replace(frames, positions=np.einsum("nij,naj->nai", rotations, frames.positions))

    def channels_inside(values: Frames) -> np.ndarray:
        features = spectral.features(values, "layer1")
        return np.concatenate(
            [np.swapaxes(b.values, 2, 3).reshape(2, 9, -1) for b in features.blocks()], axis=2
        )

    fit = fitting_convention(channels_inside(frames), channels_inside(turned), rotations, "4x0e+4x1o+4x2e")
    assert fit is not None
    assert "inside" in fit.words or "ir_mul" in fit.words


def test_the_contract_is_kept(spectral: FairchemBackbone) -> None:
    report = check_backbone(spectral, ethanol(3))
    assert report.held, report
    assert report["inversion"].held is None  # built for SO(3): no parity is kept, which is no mistake
    assert {report[name].held for name in ("rotation", "edge filter", "cutoff", "force gradient")} == {True}
    assert spectral.info.trained is False
    assert spectral.info.builder["seed"] == 0


def test_mixed_experts_and_several_tasks_keep_it_too() -> None:
    backbone = model("task=omat,num_experts=2,num_layers=2,charge=1,spin=2", "uma")
    report = check_backbone(backbone, ethanol(3))
    assert report.held, report
    assert (backbone.info.architecture, backbone.info.builder["task"]) == ("uma", "omat")
    assert (backbone.info.builder["charge"], backbone.info.builder["spin"]) == (1, 2)
    frames = ethanol(1)
    by_condition = [
        model(f"num_experts=2,num_layers=2,{more}", "uma").energies_and_forces(frames)[0][0]
        for more in ("task=omol", "task=omol,charge=1", "task=omol,spin=3", "task=omat", "task=omol,spin=1")
    ]
    assert by_condition[0] == by_condition[4]  # a singlet is the default of this task
    assert len(set(by_condition)) == 4
    with pytest.raises(InputError, match=r"made for the tasks .*omol.*; name one of them"):
        model("num_experts=2,num_layers=1", "uma")


@pytest.mark.parametrize("options", ["ff_type=spectral", "ff_type=spectral,direct_forces=true", "lmax=3"])
@pytest.mark.parametrize("frames", [ethanol(2), lithium_fluoride(2)], ids=["molecule", "crystal"])
def test_energies_and_forces_are_those_of_the_packages_calculator(
    options: str, frames: Frames, tmp_path: Any
) -> None:
    energies, forces = model(options).energies_and_forces(frames)
    for dtype, tolerance in ((torch.float32, 2e-5), (torch.float64, 1e-9)):
        calculator = package_calculator(named(options), tmp_path, dtype)
        for index, atoms in enumerate(frames.to_ase()):
            atoms.calc = calculator
            # relative to what is summed: energies of atoms of order one, and forces of a hundred neighbours, which cancel
            assert abs(atoms.get_potential_energy() - energies[index]) < tolerance * len(atoms)
            assert np.abs(atoms.get_forces() - forces[index]).max() < 5 * tolerance * np.abs(forces).max()


@pytest.mark.parametrize("options", ["ff_type=spectral", "ff_type=spectral,direct_forces=true"])
def test_the_stress_is_that_of_the_packages_calculator(options: str, tmp_path: Any) -> None:
    frames, backbone = lithium_fluoride(2), model(options)
    stress = backbone.stress(frames)
    if "direct" in options:
        assert stress is None
        return
    assert stress is not None
    calculator = package_calculator(named(options), tmp_path, torch.float64)
    for index, atoms in enumerate(frames.to_ase()):
        atoms.calc = calculator
        assert np.abs(atoms.get_stress() - stress[index]).max() < 1e-9 * np.abs(stress).max()
    assert backbone.stress(ethanol(1)) is None
    assert backbone.stress(replace(frames, pbc=(True, True, False))) is None


def package_calculator(name: str, folder: Any, dtype: torch.dtype) -> Calculator:
    """Return fairchem's calculator of a checkpoint with these weights, read by fairchem's own loader."""
    from spectral_ceilings.diagnostic.backbones.fairchem_loading import random_checkpoint

    path = folder / "model.pt"
    torch.save(random_checkpoint(name), path)
    with fairchem_session(torch.float32):
        from fairchem.core.calculate.ase_calculator import FAIRChemCalculator
        from fairchem.core.units.mlip_unit import InferenceSettings, load_predict_unit

        unit = load_predict_unit(path, InferenceSettings(base_precision_dtype=dtype), device="cpu")
        return FAIRChemCalculator(unit, task_name="omol")


def test_a_crystal_sees_its_images_and_turns_with_its_cell(spectral: FairchemBackbone) -> None:
    frames = lithium_fluoride(2)
    rotation = haar_rotations(1, np.random.default_rng(6))[0]
    assert frames.cells is not None
    turned = replace(frames, positions=frames.positions @ rotation.T, cells=frames.cells @ rotation.T)
    plain, moved = (spectral.features(f, "layer1") for f in (frames, turned))
    expected = plain.rotated(np.stack([rotation] * 2)).values
    assert np.abs(moved.values - expected).max() < ROUNDING * np.abs(expected).max()
    alone = spectral.features(replace(frames, cells=None, pbc=(False,) * 3), "layer1").values
    assert np.abs(alone - plain.values).max() > 0.01 * np.abs(plain.values).max()
    report = check_backbone(spectral, frames)
    assert report.held, report
    assert {report[name].held for name in ("cell", "supercell")} == {True}
    shifted = spectral.features(
        replace(frames, positions=frames.positions + frames.cells[:, :1]), "layer1"
    ).values
    assert np.abs(shifted - plain.values).max() < ROUNDING * np.abs(expected).max()
    # a slab of periodic directions x and y only sees fewer images than the crystal
    slab = spectral.features(replace(frames, pbc=(True, True, False)), "layer1").values
    assert np.abs(slab - plain.values).max() > 0.01 * np.abs(plain.values).max()


def test_only_kept_edges_are_seen(spectral: FairchemBackbone) -> None:
    frames = ethanol(2)
    whole, centre = (spectral.respond(frames, ["embedding"], edges=keep).features["embedding"].values
                     for keep in (None, star(2)))  # fmt: skip
    assert np.abs(whole[:, 2] - centre[:, 2]).max() < ROUNDING
    others = np.arange(9) != 2
    assert np.abs(whole[:, others] - centre[:, others]).max() > 0.01
    none = spectral.respond(frames, ["embedding"], edges=lambda e: np.zeros(e.shape[1], dtype=bool)).features
    assert np.abs(none["embedding"].values[..., 4:]).max() == 0.0  # no neighbour, no direction
    assert np.array_equal(spectral.features(frames, "embedding").values, whole)  # the graph is whole again


def test_the_grid_breaks_rotations_by_l_and_the_check_says_why(grid: FairchemBackbone) -> None:
    """fairchem's default grid at L = 2: beyond what a square needs; a pilot of the package found 6e-6, 9e-5, 3e-4."""
    by_degree = errors(grid, ethanol(3))
    assert max(by_degree["embedding"]) < ROUNDING  # no nonlinearity has acted yet
    assert min(by_degree["node_embedding"]) > 1e-7
    assert 1e-5 < max(by_degree["node_embedding"]) < 1e-2
    with pytest.raises(InputError) as raised:
        check_equivariance(grid, ethanol(3), ["node_embedding"], np.random.default_rng(1))
    sentence = str(raised.value)
    for words in (
        "approximately, worst at l = ",
        ": SiLU acts on features of atoms at 6 x 7 points",
        "exact up to l = 5: a square of them needs 6",
    ):
        assert words in sentence
    assert check_equivariance(
        grid, ethanol(3), ["node_embedding"], np.random.default_rng(1), approximate=True
    )


@pytest.mark.parametrize("band", [2, 3])
def test_a_square_is_equivariant_exactly_where_theory_says(band: int) -> None:
    """For a square the quadrature has to be exact to 3 L: one grid below misses, one that reaches it is exact to rounding."""
    backbone = model(f"lmax={band},mmax={band},num_layers=1")
    needed = 3 * band
    above = needed + 1 + (needed + 1) % 2  # even, and above - 1 >= 3 L
    below = above - 2
    rows = grid_errors(
        backbone, ethanol(2), [None, below, above, above + 6], activation="square", layer="layer0"
    )
    for row in rows:
        assert row.exact == (row.grid.exact >= needed)
        assert (max(row.errors) < ROUNDING) == row.exact, row
    assert [row.exact for row in rows] == [False, below - 1 >= needed, True, True]


def test_silu_misses_less_on_a_finer_grid_and_never_nothing(grid: FairchemBackbone) -> None:
    rows = grid_errors(grid, ethanol(2), [None, 8, 12, 16])
    worst = [max(row.errors) for row in rows]
    assert worst == sorted(worst, reverse=True)
    assert worst[-1] < worst[0] / 100
    assert worst[1] > 1e-9
    assert {row.exact for row in rows} == {None}
    assert rows[0].to_dict()["exact_to"] == 5


def test_messages_on_a_coarse_grid_depend_on_a_random_angle() -> None:
    """mmax < lmax gives 2 mmax + 1 azimuths: exact for linear maps only, and the angle about the edge is drawn in every run."""
    coarse = model("ff_type=spectral,act_type=s2,lmax=4,mmax=2")
    assert coarse.grids[0].azimuthal == 5
    assert coarse.grids[0].degree == 1
    assert "messages in the frames of their edges" in coarse.approximation
    assert max(errors(coarse, ethanol(2))["node_embedding"]) > 1e-4
    assert not np.allclose(*two_runs_of_the_package(coarse), rtol=1e-6)
    assert np.allclose(*two_runs_of_the_package(model("ff_type=spectral,lmax=4,mmax=2")), rtol=1e-9)
    for resolution, exact in ((12, True), (10, True)):
        square = on_grid(coarse, resolution, "square")
        assert (square.grids[0].exact >= square.grids[0].needed(2)) == exact
        assert max(errors(square, ethanol(2))["node_embedding"]) < ROUNDING
    with pytest.raises(InputError, match="even number of at least 10"):
        on_grid(coarse, 6)


def two_runs_of_the_package(backbone: FairchemBackbone) -> list[float]:
    """Return the energy of one structure twice, as the package computes it from one random state on."""
    energies = []
    with fairchem_session():
        torch.manual_seed(8)
        for _ in range(2):
            data = backbone._graph(ethanol(1), slice(0, 1))
            energies.append(float(backbone.hydra(data)["energy"]["energy"]))
    return energies


def test_a_mirror_image_has_another_energy(spectral: FairchemBackbone) -> None:
    frames = ethanol(1)
    mirrored = replace(frames, positions=frames.positions * [1, 1, -1])
    there, here_too = (spectral.energies_and_forces(f)[0][0] for f in (frames, mirrored))
    assert abs(there - here_too) > 1e-7  # a million times what turning the frame changes


def test_a_model_without_a_grid_has_no_resolution(spectral: FairchemBackbone) -> None:
    with pytest.raises(InputError, match="has no grid in it"):
        on_grid(spectral, 12)


def test_the_callers_state_is_given_back(grid: FairchemBackbone) -> None:
    torch.manual_seed(3)
    state, numbers, variables = torch.get_rng_state(), random.getstate(), dict(os.environ)
    handlers = list(logging.getLogger().handlers)
    first = grid.features(ethanol(1), "layer0").values
    assert torch.get_default_dtype() == torch.float32
    assert torch.equal(torch.get_rng_state(), state)
    assert random.getstate() == numbers
    assert dict(os.environ) == variables
    assert logging.getLogger().handlers == handlers
    assert logging.getLogger().manager.disable == 0
    assert np.array_equal(grid.features(ethanol(1), "layer0").values, first)


def test_unknown_elements_and_layers_are_refused(spectral: FairchemBackbone) -> None:
    small = model("ff_type=spectral,max_num_elements=9")
    assert small.elements[-1] == "O"
    atoms = lithium_fluoride(1)
    with pytest.raises(InputError, match="does not know the element F"):
        small.features(atoms, "layer0")
    with pytest.raises(InputError, match="no layer 'layer9'"):
        spectral.features(ethanol(1), "layer9")


def test_a_lone_atom_has_features_without_directions(spectral: FairchemBackbone) -> None:
    from ase import Atoms

    lone = spectral.features(of(Atoms("O", positions=[[0, 0, 0]]), 1, 0, 0.0), "layer1").values
    assert np.isfinite(lone).all()
    assert np.abs(lone[..., 4:]).max() == 0.0
