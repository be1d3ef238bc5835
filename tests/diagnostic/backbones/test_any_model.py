"""Models that are no file of ours: e3nn's own network, any module with a hook, any function; and what is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from ase.build import molecule
from e3nn import o3
from e3nn.nn.models.v2106.gate_points_networks import SimpleNetwork

from spectral_ceilings.diagnostic import DiagnoseSettings, diagnose, from_callable, from_module
from spectral_ceilings.diagnostic.backbones.e3nn_model import energy_forces, from_e3nn, one_hot_inputs
from spectral_ceilings.diagnostic.backbones.equivariance import equivariance_error
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.theory import InputError

ELEMENTS = ("H", "C", "O")


def ethanol(frames: int = 3, seed: int = 0) -> Frames:
    atoms = molecule("CH3CH2OH")
    rng = np.random.default_rng(seed)
    positions = atoms.get_positions() + 0.05 * rng.normal(size=(frames, len(atoms), 3))
    return Frames(
        np.array(atoms.numbers), positions, np.zeros_like(positions), None, "ethanol", "0" * 64, "eV"
    )


@contextmanager
def double() -> Iterator[None]:
    """Work in float64, as e3nn takes it from torch's default."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def network(dtype: torch.dtype = torch.float64, seed: int = 0, **options: object) -> SimpleNetwork:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        torch.manual_seed(seed)
        made = SimpleNetwork(
            "3x0e", "0e", max_radius=4.0, num_neighbors=6.0, num_nodes=9.0, mul=4, layers=2, **options
        )
        with torch.no_grad():
            for name, parameter in made.named_parameters():
                if "alpha" in name:  # e3nn begins without messages: energies would not depend on positions
                    parameter.add_(0.5)
        return made
    finally:
        torch.set_default_dtype(before)


def density(frames: Frames) -> np.ndarray:
    """Sum over the other atoms of exp(-r) Y_l of the direction, l = 0, 1, 2: features anyone could write."""
    out = []
    for positions in frames.positions:
        difference = torch.tensor(positions[None] - positions[:, None])
        distance = difference.norm(dim=-1) + torch.eye(len(positions))
        weight = torch.exp(-distance) * (1.0 - torch.eye(len(positions)))
        harmonics = o3.spherical_harmonics([0, 1, 2], difference, normalize=True)
        out.append((weight[..., None] * harmonics).sum(dim=1).numpy())
    return np.array(out)


def test_e3nns_own_network_gives_every_layer_with_its_irreps() -> None:
    backbone = from_e3nn(network(), ELEMENTS, untrained=lambda seed: network(seed=seed))
    names = [layer.name for layer in backbone.layers()]
    assert names == ["mp.layers.0", "mp.layers.1", "mp.layers.2"]
    assert backbone.layers()[1].irreps == "4x0e+4x1o+4x1e+4x2o+4x2e"
    assert backbone.choose_layer().name == "mp.layers.1"
    for name in names:
        # float64 throughout: a sum over 9 atoms and some 10^3 products leaves a few hundred units of 1.1e-16.
        assert equivariance_error(backbone, ethanol(), name, np.random.default_rng(1)) < 1e-12
    assert backbone.untrained is not None
    control = backbone.untrained(5)
    assert control.layers() == backbone.layers()
    assert not np.allclose(
        control.features(ethanol(), names[1]).values, backbone.features(ethanol(), names[1]).values
    )


def test_the_features_are_those_that_the_network_sums_up() -> None:
    """Its own output, not pooled, is the last layer."""
    module = network(pool_nodes=False)
    frames = ethanol(2)
    found = from_e3nn(module, ELEMENTS).features(frames, "mp.layers.2").values
    with torch.no_grad(), double():
        expected = module(one_hot_inputs(ELEMENTS)(frames))
    # The same float64 operations, in batches of whole frames.
    np.testing.assert_allclose(found.reshape(-1, 1), expected.numpy(), rtol=1e-12, atol=1e-14)


def test_forces_of_a_network_are_minus_the_slope_of_its_energy() -> None:
    module = network()
    forces = from_e3nn(module, ELEMENTS, forces=energy_forces(module, ELEMENTS, scale=2.0)).forces(ethanol(1))
    step = 1e-4
    moved = np.repeat(ethanol(1).positions, 4, axis=0)
    moved[:, 4, 1] += step * np.array([1.0, -1.0, 2.0, -2.0])
    frames = Frames(ethanol().numbers, moved, np.zeros_like(moved), None, "moved", "0" * 64, "eV")
    with torch.no_grad(), double():
        energy = 2.0 * module(one_hot_inputs(ELEMENTS)(frames)).numpy().reshape(-1)
    assert abs(forces[0, 4, 1]) > 1e-3
    # Central differences of two steps, extrapolated: step^4 = 1e-16 times a fifth derivative that is below 1e9 here (the third
    # is some 1e4), and a rounding of 1e-15 over the step.
    slope = (8.0 * (energy[0] - energy[1]) - (energy[2] - energy[3])) / (12.0 * step)
    assert forces[0, 4, 1] == pytest.approx(-slope, abs=1e-6)


def test_a_network_that_was_built_in_float32_keeps_its_rounded_tables() -> None:
    backbone = from_e3nn(network(torch.float32), ELEMENTS)
    error = equivariance_error(backbone, ethanol(), "mp.layers.1", np.random.default_rng(1))
    assert 1e-12 < error < 1e-5  # tables rounded at 6e-8; the diagnosis allows 1e-5
    assert torch.get_default_dtype() == torch.float32


def test_a_hook_on_any_module_takes_several_layers_and_picks() -> None:
    class Pair(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = o3.Linear("1x0e+1x1o+1x2e", "4x1o+2x2e")
            self.box = torch.nn.Identity()
            self.unused = torch.nn.Identity()

        def forward(self, harmonics: torch.Tensor, factor: torch.Tensor) -> dict[str, torch.Tensor]:
            self.box({"h": self.linear(harmonics)})
            return {"energy": factor.sum()}

    def inputs(frames: Frames) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(density(frames)), torch.ones(1)

    module = Pair()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    backbone = from_module(module, ["linear"], ["4x1o+2x2e"], inputs=inputs)
    picked = from_module(module, "box", "4x1o+2x2e", inputs=inputs, pick=lambda output: output["h"])
    frames = ethanol(20)  # more than one batch
    values = backbone.features(frames, "linear").values
    assert values.shape == (20, 9, 22)
    assert np.array_equal(picked.features(frames, "box").values, values)
    assert equivariance_error(backbone, ethanol(), "linear", np.random.default_rng(1)) < 1e-12
    # The user's own module is as it was: a copy ran in float64.
    assert all(torch.equal(state[name], value) for name, value in module.state_dict().items())
    assert next(module.parameters()).dtype == torch.float32
    with pytest.raises(InputError, match="'box' returns dict, expected a tensor; give pick"):
        from_module(module, "box", "4x1o", inputs=inputs).features(frames, "box")
    with pytest.raises(InputError, match="'unused' does not run when the module does"):
        from_module(module, "unused", "4x1o", inputs=inputs).features(frames, "unused")
    with pytest.raises(InputError, match=r"no submodule 'lin' in Pair; it has linear, linear\."):
        from_module(module, "lin", "4x1o", inputs=inputs)
    with pytest.raises(InputError, match="2 submodules and 1 irreps"):
        from_module(module, ["linear", "box"], "4x1o", inputs=inputs)
    with pytest.raises(InputError, match="could not be computed for ethanol: inputs= failed: KeyError"):
        from_module(module, "linear", "4x1o", inputs=lambda frames: {}["x"]).features(frames, "linear")


def test_any_function_of_frames_is_a_backbone() -> None:
    backbone = from_callable(density, "0e+1o+2e", elements=ELEMENTS)
    assert backbone.info.source == "density"
    assert equivariance_error(backbone, ethanol(), "features", np.random.default_rng(1)) < 1e-12
    assert np.array_equal(backbone.forces(ethanol()), np.zeros((3, 9, 3)))
    thiol = molecule("CH3SH")
    positions = thiol.get_positions()[None]
    frames = Frames(np.array(thiol.numbers), positions, 0 * positions, None, "thiol", "0" * 64, "eV")
    with pytest.raises(InputError, match="density does not know the element S; it was made for H, C, O"):
        backbone.check_elements(frames)


@pytest.mark.parametrize(
    ("irreps", "message"),
    [
        ("0e+1o+2e+3o", r"have shape \(3, 9, 9\), expected \(3, 9, 16\) for irreps"),
        ("2x1o+1x1o", "miss equivariance by"),
        ("9x0e", "no layer of density carries l > 0"),
    ],
)
def test_a_wrong_declaration_is_refused_before_anything_is_measured(irreps: str, message: str) -> None:
    frames = ethanol(120)
    settings = DiagnoseSettings(degrees=(1,), l_top=1, controls=False, bootstrap=100, rotations=1)
    with pytest.raises(InputError, match=message):
        diagnose(frames, from_callable(density, irreps), settings)


def test_irreps_that_are_not_written_as_such_are_refused() -> None:
    with pytest.raises(InputError, match="irreps '8y0e' are not e3nn's notation"):
        from_callable(density, "8y0e")
    with pytest.raises(InputError, match="are empty"):
        from_callable(density, "")


def test_features_that_are_not_numbers_are_refused() -> None:
    backbone = from_callable(lambda frames: density(frames) * np.nan, "0e+1o+2e", source="nan")
    with pytest.raises(InputError, match="are not finite"):
        backbone.features(ethanol(), "features")


def test_entries_without_channels_are_no_part_of_a_layer() -> None:
    """0x3o in a declaration holds nothing: it raises no l_max, and the numbers are those of the entries that are there."""
    backbone = from_callable(density, "0x3o+1x0e+1x1o+0x1e+1x2e")
    layer = backbone.layers()[0]
    assert (layer.irreps, layer.l_max) == ("1x0e+1x1o+1x2e", 2)
    features = backbone.features(ethanol(), layer.name)
    assert features.irreps == layer.irreps
    np.testing.assert_array_equal(features.values, density(ethanol()))
    assert equivariance_error(backbone, ethanol(), layer.name, np.random.default_rng(1)) < 1e-12
