"""Rotation spectra of features and readouts: against theory on the real network, against functions of known spectrum."""

import numpy as np
import pytest
import torch
from ase.build import molecule
from e3nn.util.test import equivariance_error

from spectral_ceilings.diagnostic.auditing import rotation_audit as rotation_audit_module
from spectral_ceilings.diagnostic.auditing.random_readouts import random_readout
from spectral_ceilings.diagnostic.auditing.rotation_audit import (
    component_scale,
    feature_shares,
    rotation_audit,
    rotation_degree,
)
from spectral_ceilings.diagnostic.backbones.backbone import Backbone, BackboneInfo
from spectral_ceilings.diagnostic.backbones.features import Features, Layer
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.numerics import haar_rotations, real_harmonics
from spectral_ceilings.theory import InputError


def frames_of(name: str) -> Frames:
    atoms = molecule(name)
    positions = atoms.get_positions()[None] + 0.05 * np.random.default_rng(0).normal(size=(1, len(atoms), 3))
    return Frames(np.array(atoms.numbers), positions, np.zeros_like(positions), None, name, "0" * 64, "eV")


class Planted(Backbone):
    """Harmonics of the direction between atoms 0 and 1, and a known error: a lab-fixed pattern of one degree."""

    def __init__(self, error: float = 0.0, degree: int = 3) -> None:
        self.info = BackboneInfo("planted", "none", trained=False)
        self.error, self.degree = error, degree

    def layers(self) -> list[Layer]:
        return [Layer("only", "1x0e+1x1o+1x2e")]

    def features(self, frames: Frames, layer: str) -> Features:
        bond = frames.positions[:, 1] - frames.positions[:, 0]
        values = real_harmonics(max(2, self.degree), bond)
        out = values[:, :9].copy()
        # "component" harmonics have mean square one: power error^2 in grade `degree`, of one component out of 1 + 3 + 5
        out[:, 1] += self.error * values[:, self.degree**2 + 1]
        return Features(np.repeat(out[:, None], len(frames.numbers), axis=1), "1x0e+1x1o+1x2e", layer)

    def forces(self, frames: Frames) -> np.ndarray:
        return np.zeros_like(frames.positions)

    def check_elements(self, frames: Frames) -> None:
        pass


WATER = frames_of("H2O")


@pytest.fixture(scope="module")
def network() -> Backbone:
    nequip = pytest.importorskip("spectral_ceilings.diagnostic.backbones.nequip_model")
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    settings = nequip.NequIPSettings(("H", "O"), l_max=2, num_features=3, avg_num_neighbors=2.0, seed=3)
    info = BackboneInfo("test", "nequip", trained=False, builder=settings.to_dict())
    return nequip.NequIPBackbone(nequip.build_nequip(settings), settings.type_names, settings.r_max, info)  # type: ignore[no-any-return]


def test_polynomials_stop_at_the_ceiling_and_networks_do_not(network: Backbone) -> None:
    names = [layer.name for layer in network.layers()]
    base = network.respond(WATER, names).features
    rng = np.random.default_rng(4)
    wanted = [
        (name, 0, random_readout(kind, degree, component_scale(base[name]), rng))  # type: ignore[arg-type]
        for name in names
        for kind, degree in (("polynomial", 1), ("polynomial", 2), ("silu", None), ("tanh", None))
    ]
    audit = rotation_audit(network, WATER, names, wanted, 5, rng, degree=10)  # band 4 + l_top 5: exact
    tops = {layer.name: layer.l_max for layer in network.layers()}
    assert tops == {"layer0": 2, "layer1": 2, "layer2": 0}
    routes: dict[str, list[np.ndarray]] = {"network": [], "wigner": []}
    for one in audit.readouts:
        routes[one.route].append(one.power)
        # What is not among l <= 5 is part of the error: for polynomials, of band 4, rounding. The square of the error is a mean
        # over 40 rotations; twice it is four standard errors of a mean of squares.
        assert -1e-12 < 1 - one.power.sum() < 2 * one.error**2 + 1e-12
        if one.readout.degree is not None:
            ceiling = one.readout.degree * tops[one.layer]
            assert one.above(ceiling) < 1e-24  # float64: (1e-15)^2 times some hundred terms, with room
            assert one.power[ceiling] > 1e-10
            assert one.error < 1e-12
        elif tops[one.layer]:
            assert one.above(4) > 1e-12
    # Turning the molecule and turning the features is the same function.
    np.testing.assert_allclose(routes["network"], routes["wigner"], atol=1e-12)
    for name, blocks in audit.errors.items():
        for block in blocks:
            # products of some hundred terms in float64
            assert block.rms <= block.largest <= block.bound < 1e-11, name
            assert block.inversion < 1e-12
            assert block.translation < 1e-12
            assert block.by_degree.sum() <= block.rms**2 * (1 + 1e-6)  # Bessel, as 2 l_top <= the degree


def test_a_planted_error_is_found_in_its_degree_with_its_size() -> None:
    audit = rotation_audit(Planted(error=1e-3), WATER, ["only"], [], 5, np.random.default_rng(0), degree=10)
    scalar, vector, tensor = audit.errors["only"]
    # Size of the vector: component harmonics, 3 in all. The error has mean square 1e-6 in grade 3 and nothing elsewhere,
    # and is the same function of R as the planted harmonic.
    assert vector.size == pytest.approx(np.sqrt(3))
    assert vector.by_degree[3] == pytest.approx(1e-6 / 3, rel=1e-7)
    # The features at rest carry the error too, and turning them gives it grade 1: e(x)^2 of one component, turned.
    still = real_harmonics(3, WATER.positions[:, 1] - WATER.positions[:, 0])[0, 10] * 1e-3
    assert vector.by_degree[1] == pytest.approx(still**2 / 3, rel=1e-6)
    assert np.delete(vector.by_degree, [1, 3]).max() < 1e-28
    # relative to the size at rest, which the error changes by some 1e-9
    assert vector.rms == pytest.approx(np.sqrt((1e-6 + still**2) / 3), rel=1e-7)
    assert scalar.rms < 1e-14
    assert tensor.rms < 1e-14
    # e(Rx) - D(R) e(x) is bounded by twice the largest value of the harmonic; the largest seen lies below the bound.
    assert vector.rms < vector.largest <= vector.bound
    supremum = _largest_planted_error()
    assert vector.largest <= supremum * (1 + 1e-9)
    assert vector.bound >= supremum * (1 - 1e-9)


def _largest_planted_error() -> float:
    """The error at many random rotations, relative to the size of the vector."""
    turns = haar_rotations(20_000, np.random.default_rng(1))
    bond = np.einsum("nij,j->ni", turns, WATER.positions[0, 1] - WATER.positions[0, 0])
    planted = real_harmonics(3, bond)[:, 10] * 1e-3
    still = real_harmonics(3, WATER.positions[:, 1] - WATER.positions[:, 0])[0, 10] * 1e-3
    # D(R) turns the error that the features at rest carry in their first component.
    difference = np.zeros((len(turns), 3))
    difference[:, 0] = planted
    difference -= turns[:, :, 0] * still
    return float(np.linalg.norm(difference, axis=1).max() / np.sqrt(3))


def test_the_spectrum_says_more_than_the_maximum_of_e3nn(network: Backbone) -> None:
    """Side by side on one model: e3nn's maximum over random rotations lies within our bounds, which come by degree."""
    for model, size in ((Planted(error=1e-3), 1e-3), (network, 0.0)):
        name = model.layers()[0].name

        def function(points: torch.Tensor, model: Backbone = model, name: str = name) -> torch.Tensor:
            positions = points.detach().numpy()[None]
            moved = Frames(WATER.numbers, positions, np.zeros_like(positions), None, "x", "0" * 64, "eV")
            return torch.from_numpy(model.features(moved, name).values[0])

        torch.manual_seed(0)
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            theirs = equivariance_error(
                function, args_in=[torch.from_numpy(WATER.positions[0])], irreps_in=["cartesian_points"],
                irreps_out=[model.layers()[0].irreps], ntrials=5, do_parity=True, do_translation=True,
            )  # fmt: skip
        finally:
            torch.set_default_dtype(before)
        ours = rotation_audit(model, WATER, [name], [], 5, np.random.default_rng(0), degree=10).errors[name]
        seen = max(float(error.max()) for (parity, _), error in theirs.items() if parity == 0)
        bound = max(block.bound * block.size for block in ours)
        # e3nn makes its Wigner matrices by matrix exponentials and shifts by many Å: its own rounding is 1e-12
        assert seen <= bound + 1e-11
        # A maximum of a few trials is a fraction of what can happen; ours is bracketed from both sides.
        assert max(block.largest * block.size for block in ours) <= bound
        if size:
            assert seen > 0.1 * size
            assert int(np.argmax(ours[1].by_degree)) == 3


def test_what_is_aliased_is_within_the_error_that_is_given() -> None:
    """A readout of known spectrum measured with too coarse a quadrature: the error given covers the difference."""

    class Identity:
        degree = 1
        title = "one component of degree 7"

        def __call__(self, features: torch.Tensor) -> torch.Tensor:
            # any function of the vector of degree 7
            return torch.from_numpy(real_harmonics(7, features[:, [3, 1, 2]].numpy())[:, 52:53])

    readout = ("only", 0, Identity())
    exact = rotation_audit(Planted(), WATER, [], [readout], 7, np.random.default_rng(0), degree=14)  # type: ignore[list-item]
    assert exact.readouts[0].power[7] == pytest.approx(1, abs=1e-12)
    assert exact.readouts[0].error < 1e-12
    coarse = rotation_audit(Planted(), WATER, [], [readout], 4, np.random.default_rng(0), degree=8)  # type: ignore[list-item]
    aliased = coarse.readouts[0]
    assert aliased.power[:5].max() > 1e-3  # degree 7 shows up below: 7 + 4 > 8
    wrong = np.sqrt((np.sqrt(aliased.power) ** 2).sum())  # the true powers up to 4 are zero
    assert (
        wrong <= aliased.error * 1.3
    )  # the error is estimated at 40 random rotations: known to 11 %, one sigma
    assert aliased.error > 0.9


def test_the_degree_of_the_quadrature_follows_from_the_ceiling() -> None:
    assert rotation_degree(12, band=2) == 14
    assert rotation_degree(6) == 12
    with pytest.raises(InputError, match="give zero or more"):
        rotation_degree(-1)


def test_shares_are_the_rotation_spectrum_of_the_features() -> None:
    shares = feature_shares(Planted().features(WATER, "only"))
    # component harmonics: 1, 3 and 5
    assert [(block.l, round(share, 12)) for block, share, _ in shares] == [
        (0, round(1 / 9, 12)),
        (1, round(3 / 9, 12)),
        (2, round(5 / 9, 12)),
    ]
    assert [rms for _, _, rms in shares] == pytest.approx([1, 1, 1])


def test_readouts_that_do_not_exist_are_told() -> None:
    rng, scale = np.random.default_rng(0), np.ones(3)
    with pytest.raises(InputError, match="readout 'relu' is unknown"):
        random_readout("relu", None, scale, rng)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="degree None does not exist"):
        random_readout("polynomial", None, scale, rng)


@pytest.mark.parametrize("network", [True, False])
def test_batches_that_run_out_of_memory_are_halved_and_nothing_is_counted_twice(
    monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    backbone, refused = Planted(error=0.1), []
    scale = component_scale(backbone.features(WATER, "only"))
    readout = random_readout("polynomial", 2, scale, np.random.default_rng(0))

    def audited() -> list[np.ndarray]:
        rng = np.random.default_rng(1)
        audit = rotation_audit(
            backbone, WATER, ["only"], [("only", 0, readout)], 3, rng, network=network, degree=6
        )
        errors = [
            np.append(error.by_degree, [error.rms, error.largest, error.bound])
            for blocks in audit.errors.values() for error in blocks
        ]  # fmt: skip
        return [*(np.append(each.power, each.error) for each in audit.readouts), *errors]

    whole, turn = audited(), rotation_audit_module.rotated_tensor

    def small(still: torch.Tensor, irreps: str, rotations: np.ndarray) -> torch.Tensor:
        if 40 > len(rotations) > 5 or len(rotations) > 40:  # the 40 of the checks fit
            refused.append(len(rotations))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return turn(still, irreps, rotations)

    monkeypatch.setattr(rotation_audit_module, "rotated_tensor", small)
    halved = audited()
    assert len(refused) >= 2
    for a, b in zip(halved, whole, strict=True):
        # Products of other shapes add some 10 numbers in another order.
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
