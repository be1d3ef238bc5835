"""Features cut by degree, layers without declared symmetry, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from e3nn import o3
from hypothesis import given
from hypothesis import strategies as st
from neighbour_harmonics import NeighbourHarmonics

from spectral_ceilings.diagnostic import Features, Frames, IrrepSlice, Layer, check_backbone, from_callable
from spectral_ceilings.diagnostic.backbones.unsymmetric import measure_unsymmetric
from spectral_ceilings.theory import InputError

from pair_backbone import ethanol

irreps_strategy = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 3), st.sampled_from("eo")), min_size=1, max_size=5
)


@given(entries=irreps_strategy)
def test_cuts_are_e3nns_slices(entries: list[tuple[int, int, str]]) -> None:
    irreps = "+".join(f"{mul}x{l}{p}" for mul, l, p in entries)
    parsed = o3.Irreps(irreps)
    values = np.random.default_rng(0).normal(size=(2, 3, parsed.dim))
    cut = Features(values, irreps, "layer").by_degree()
    slices = Layer("layer", irreps).slices
    assert [(part.start, part.stop) for part in slices] == [(s.start, s.stop) for s in parsed.slices()]
    assert [(part.l, part.parity, part.channels) for part in slices] == [(l, p, mul) for mul, l, p in entries]
    expected: dict[tuple[int, str], list[np.ndarray]] = {}
    for (mul, ir), where in zip(parsed, parsed.slices(), strict=True):
        part = values[..., where].reshape(2, 3, mul, ir.dim)
        expected.setdefault((ir.l, "e" if ir.p == 1 else "o"), []).append(part)
    assert list(cut) == sorted(expected)
    for key, parts in expected.items():
        assert np.array_equal(cut[key], np.concatenate(parts, axis=2))


def test_a_cut_of_one_degree_turns_by_its_wigner_matrix() -> None:
    frames = ethanol()
    backbone = NeighbourHarmonics()
    rotation = o3.rand_matrix().double().numpy()
    turned = Frames(
        frames.numbers, frames.positions @ rotation.T, frames.forces, None, "turned", "0" * 64, "eV"
    )
    before = backbone.features(frames, "layer0").by_degree()
    after = backbone.features(turned, "layer0").by_degree()
    for (l, _), values in before.items():
        import torch

        with_l = o3.Irrep(l, (-1) ** l)
        matrix = with_l.D_from_matrix(torch.tensor(rotation)).numpy()
        # e3nn's matrices are made in the default format, float32: to 1e-6.
        assert after[l, "e" if l % 2 == 0 else "o"] == pytest.approx(
            np.einsum("ij,nacj->naci", matrix, values), abs=2e-5
        )


def test_a_layer_without_irreps_says_what_it_is() -> None:
    layer = Layer("features", "")
    assert not layer.declared
    assert not layer.usable
    assert layer.slices == []
    assert Layer("features", "2x1o").slices == [IrrepSlice(0, 6, 1, "o", 2)]
    features = Features(np.ones((1, 2, 5)), "", "features")
    (block,) = features.blocks()
    assert block.values.shape == (1, 2, 5, 1)
    for call in (features.by_degree, lambda: features.rotated(np.eye(3)[None])):
        with pytest.raises(InputError, match="declares no symmetry"):
            call()


def test_numbers_without_symmetry_are_measured_and_reported() -> None:
    frames = ethanol()
    vectors = from_callable(lambda f: f.positions - f.positions.mean(axis=1, keepdims=True))
    moved = measure_unsymmetric(vectors, frames, vectors.layer("features"), np.random.default_rng(0))
    # A vector turns to minus itself under inversion, and by at most its double under a rotation.
    assert moved.inversion == pytest.approx(2.0, rel=1e-12)
    assert 0.1 < moved.rotation <= 2.0
    assert moved.translation < 1e-12
    assert moved.parity == "none"
    report = check_backbone(vectors, frames)
    assert report["layers"].held is None
    assert report["rotation"].held is None
    assert report["translation"].held
    standing = from_callable(lambda f: f.positions.copy())
    assert check_backbone(standing, frames)["translation"].held is False
