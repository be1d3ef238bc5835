"""Rotations, the inversion and shifts are measured apart; what is refused is refused with the reason."""

import numpy as np
import pytest
import torch
from ase.build import molecule
from e3nn import o3

from spectral_ceilings.diagnostic import diagnose, from_callable
from spectral_ceilings.diagnostic.auditing.audit import audit
from spectral_ceilings.diagnostic.auditing.result import AuditSettings
from spectral_ceilings.diagnostic.backbones.backbone import Backbone
from spectral_ceilings.diagnostic.backbones.equivariance import (
    EQUIVARIANCE_TOLERANCE,
    check_equivariance,
    equivariance_error,
    measure_equivariance,
    why_refused,
)
from spectral_ceilings.diagnostic.backbones.features import Features, Layer, natural_irreps
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.numerics import gauss_product_directions, real_harmonics
from spectral_ceilings.theory import InputError

CHANNELS = 2
IRREPS = "2x0e+2x1o+2x2e"


def thiol(frames: int = 3, seed: int = 0) -> Frames:
    """Distorted at random: no mirror plane is left, so that nothing is even or odd by accident."""
    atoms = molecule("CH3CH2SH")
    positions = atoms.get_positions() + 0.1 * np.random.default_rng(seed).normal(size=(frames, len(atoms), 3))
    return Frames(np.array(atoms.numbers), positions, 0 * positions, None, "thiol", "0" * 64, "eV")


def density(frames: Frames, dtype: type = np.float64, axes: tuple[int, ...] = (0, 1, 2)) -> list[np.ndarray]:
    """Return sums over neighbours of exp(-r/a) Y_l, ``(frames, atoms, channels, 2l+1)`` for l = 0, 1, 2."""
    x = frames.positions.astype(dtype)
    d = x[:, None] - x[:, :, None]
    r = np.linalg.norm(d, axis=-1)
    near = r > 1e-6
    d = np.where(near[..., None], d, np.array([0.0, 1.0, 0.0]))[..., list(axes)]
    y = o3.spherical_harmonics([0, 1, 2], torch.tensor(d.astype(dtype)), normalize=True).numpy()
    w = np.stack([np.exp(-r / (0.6 + 0.4 * k)) * near for k in range(CHANNELS)], axis=-1)
    out = np.einsum("nijc,nijm->nicm", w, y)
    return [out[..., l * l : (l + 1) ** 2].astype(dtype) for l in range(3)]


def flat(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([part.reshape(*part.shape[:2], -1) for part in parts], axis=-1)


def backbone(irreps: str = IRREPS, change=flat, **options) -> Backbone:
    return from_callable(lambda frames: change(density(frames, **options)), irreps, source="test")


def measured(model: Backbone):
    return measure_equivariance(model, thiol(), ["features"], np.random.default_rng(1))["features"]


def test_right_features_hold_in_all_three() -> None:
    result = measured(backbone())
    # float64 sums of nine terms of order one
    assert max(result.rotation, result.inversion, result.translation) < 1e-13
    assert result.held
    assert result.parity == "declared"
    assert result.measured_irreps == IRREPS
    assert [one.irreps for one in result.entries] == ["2x0e", "2x1o", "2x2e"]
    assert sum(one.share**2 for one in result.entries) == pytest.approx(1.0)
    assert why_refused(result, "test") == ""
    assert equivariance_error(backbone(), thiol(), "features", np.random.default_rng(1)) == max(
        result.rotation, result.translation
    )


@pytest.mark.parametrize("declared", ["2x0e+2x1e+2x2e", "2x0o+2x1o+2x2o", "2x0o+2x1e+2x2o"])
def test_a_wrong_parity_is_measured_and_refuses_nothing(declared: str) -> None:
    result = measured(backbone(declared))
    assert result.held
    assert result.rotation < 1e-13
    assert result.inversion == pytest.approx(2.0)  # h(-x) - (-1) h(x) = 2 h(x)
    assert result.parity == "other"
    assert result.measured_irreps == IRREPS
    assert f"is not {declared} as declared but {IRREPS}" in result.parity_words
    check_equivariance(backbone(declared), thiol(), ["features"], np.random.default_rng(1))


def mixed(parts: list[np.ndarray]) -> np.ndarray:
    """Vectors of which one channel is a cross product, a pseudovector."""
    vectors = parts[1].copy()
    vectors[:, :, 1] = np.cross(parts[1][:, :, 0], parts[1][:, :, 1])
    return flat([parts[0], vectors, parts[2]])


def handed(parts: list[np.ndarray]) -> np.ndarray:
    """Vectors to which a pseudovector is added, as SO(3) models do."""
    return flat([parts[0], parts[1] + np.cross(parts[1][:, :, :1], parts[1][:, :, 1:]), parts[2]])


def test_channels_of_different_parity_are_each_named() -> None:
    result = measured(backbone(change=mixed))
    assert result.parity == "other"
    assert result.measured_irreps == "2x0e+1x1o+1x1e+2x2e"


def test_features_without_inversion_are_those_of_so3_and_hold() -> None:
    result = measured(backbone(change=handed))
    assert result.held
    assert result.parity == "none"
    assert result.measured_irreps is None
    assert (
        "inversion is no symmetry of layer 'features' (2x1o are neither even nor odd)" in result.parity_words
    )
    check_equivariance(backbone(change=handed), thiol(), ["features"], np.random.default_rng(1))


def test_the_irrep_that_misses_is_named() -> None:
    def planted(parts: list[np.ndarray]) -> np.ndarray:
        wrong = parts[2].copy()
        wrong[..., 0] += 0.01 * parts[0][..., 0]  # one component fixed in the laboratory
        return flat([parts[0], parts[1], wrong])

    result = measured(backbone(change=planted))
    assert (result.worst.irreps, result.worst.l) == ("2x2e", 2)
    assert [one.rotation < 1e-13 for one in result.entries if one.rotation is not None] == [True, True, False]
    sentence = why_refused(result, "test")
    assert "only approximately, worst at l = 2" in sentence
    assert "ceilings audit" in sentence
    assert "ceilings diagnose --turned" in sentence
    with pytest.raises(InputError, match="only approximately"):
        check_equivariance(backbone(change=planted), thiol(), ["features"], np.random.default_rng(1))
    check_equivariance(
        backbone(change=planted), thiol(), ["features"], np.random.default_rng(1), approximate=True
    )


def test_absolute_positions_are_named() -> None:
    model = from_callable(lambda frames: frames.positions, "1x1o", source="absolute")
    result = measured(model)
    assert result.rotation < 1e-13
    assert result.translation > 0.1
    with pytest.raises(InputError, match="depend on where the molecule stands"):
        check_equivariance(model, thiol(), ["features"], np.random.default_rng(1), approximate=False)


def test_float32_is_recognised_and_accepted() -> None:
    result = measured(backbone(dtype=np.float32))
    assert result.precision == np.finfo(np.float32).eps
    # sums of nine float32 terms: some roundings of 1.2e-7
    assert np.finfo(np.float32).eps / 10 < result.rotation < EQUIVARIANCE_TOLERANCE
    assert result.held
    assert result.parity == "declared"


def test_features_in_float16_are_called_rounding() -> None:
    model = from_callable(lambda frames: flat(density(frames)).astype(np.float16), IRREPS, source="half")
    result = measured(model)
    assert EQUIVARIANCE_TOLERANCE < result.rotation < 1e-2
    assert "run the model in float64 or float32" in why_refused(result, "half")


@pytest.mark.parametrize("resolution", [4, 10])
def test_an_activation_on_a_grid_is_called_approximate(resolution: int) -> None:
    """SiLU at points of the sphere, as eSCN has it: exact but for the aliasing of what lies above the grid's degree."""
    grid = gauss_product_directions(resolution)
    y = real_harmonics(2, grid.directions)

    def activated(parts: list[np.ndarray]) -> np.ndarray:
        c = np.concatenate(parts, axis=-1)
        s = np.einsum("nack,gk->nacg", c, y)
        b = np.einsum("nacg,g,gk->nack", s / (1 + np.exp(-s / np.abs(s).mean())), grid.weights, y)
        return flat([b[..., l * l : (l + 1) ** 2] for l in range(3)])

    result = measured(backbone(change=activated))
    assert 1e-4 < result.rotation < 0.3
    assert result.convention is None
    assert "a nonlinearity on a grid of the sphere" in why_refused(result, "grid")
    assert "float64" not in why_refused(result, "grid")


SETTINGS = DiagnoseSettings(degrees=(1,), l_top=3, controls=False, bootstrap=100, rotations=1)
AUDIT = AuditSettings(degrees=(1,), activations=(), l_top=3, untrained=False)


def test_diagnose_and_audit_name_the_convention_alike() -> None:
    model = backbone(axes=(1, 2, 0))
    for job in (
        lambda: diagnose(thiol(120), model, SETTINGS),
        lambda: audit(thiol(1), model, AUDIT),
    ):
        with pytest.raises(InputError, match=r"another convention fits exactly: harmonics are Y\(y, z, x\)"):
            job()


def test_diagnose_and_audit_refuse_zero_features_in_one_sentence() -> None:
    model = backbone(change=lambda parts: 0 * flat(parts))
    for job in (
        lambda: diagnose(thiol(120), model, SETTINGS),
        lambda: audit(thiol(1), model, AUDIT),
    ):
        with pytest.raises(InputError, match="are all zero on these frames"):
            job()


def test_wrong_degrees_are_called_wrong_and_not_approximate() -> None:
    result = measured(backbone("8x0e+1x1o+1x3o"))
    assert "does not turn as declared, nor in any convention known" in why_refused(result, "test")


def test_parity_can_be_left_out_of_the_features() -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, o3.Irreps("2x1e+1x1o+2x0o+1x2o").dim))
    features = Features(values, "2x1e+1x1o+2x0o+1x2o", "layer")
    plain = features.without_parity()
    assert plain.irreps == "2x1o+1x1o+2x0e+1x2e"
    assert plain.values is features.values
    assert [(b.l, b.parity, b.channels) for b in plain.blocks()] == [(0, 1, 2), (1, -1, 3), (2, 1, 1)]
    assert Layer("layer", features.irreps).without_parity().channels() == {
        (0, "e"): 2,
        (1, "o"): 3,
        (2, "e"): 1,
    }
    rotation = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]] * 2)
    np.testing.assert_array_equal(plain.rotated(rotation).values, features.rotated(rotation).values)
    assert features.relabelled("3x1o+2x0e+1x2e").irreps == "3x1o+2x0e+1x2e"
    assert natural_irreps("8x1e+8x1o", joined=True) == "16x1o"
    with pytest.raises(InputError, match="they differ in l"):
        features.relabelled("2x1e+1x1o+3x0o+1x2o")
