"""Every adapter computes on the device that it is told to, halves its batches there, and goes back as it came."""

from __future__ import annotations

from typing import Any

import pytest

from spectral_ceilings.diagnostic.backbones.architecture import architecture
from spectral_ceilings.diagnostic.backbones.backbone import Backbone, BackboneInfo
from spectral_ceilings.diagnostic.backbones.checkpoint import fresh
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.unconstrained_backbone import UnconstrainedBackbone
from spectral_ceilings.diagnostic.backbones.unconstrained_model import (
    UnconstrainedNetwork,
    UnconstrainedSettings,
)
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import read_frames

from crystals import crystal
from device_changes import assert_follows


def built(kind: str, **settings: Any) -> Backbone:
    pytest.importorskip(kind, reason=f"the extra {kind!r} is not installed")
    made = architecture(kind)
    return fresh(made, made.settings(("H", "C", "O"), num_features=3, **settings), kind, 0)


def molecule() -> Frames:
    return read_frames("aspirin-xtb").select([0, 50])


@pytest.mark.parametrize("frames", [molecule(), crystal()], ids=["molecule", "crystal"])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("nequip", {"l_max": 2, "num_layers": 2}),
        ("nequip", {"l_max": 1, "num_layers": 2, "scalar_pathway": ("pan",)}),
        ("allegro", {"l_max": 2, "num_layers": 2, "num_scalar_features": 4, "mlp_width": 8}),
    ],
    ids=["nequip", "nequip with a scalar pathway", "allegro"],
)
def test_nequip_and_allegro(kind: str, settings: dict[str, Any], frames: Frames) -> None:
    assert_follows(built(kind, **settings), frames)


def test_sevennet() -> None:
    pytest.importorskip("sevenn", reason="the extra 'sevennet' is not installed")
    # sevenn itself adds numbers of atoms and of structures up on the device and asks for the sums, once for a batch.
    waits = ("aten::_local_scalar_dense", "aten::index_put_")
    assert_follows(load_backbone("sevenn:7net-0"), read_frames("ethanol-xtb").select([0, 50]), waits=waits)


@pytest.mark.parametrize("frames", [molecule(), crystal()], ids=["molecule", "crystal"])
def test_models_without_symmetry(frames: Frames) -> None:
    network = UnconstrainedNetwork(UnconstrainedSettings((1, 6, 8), width=8, rounds=2)).double()
    assert_follows(UnconstrainedBackbone(network, BackboneInfo("test", "unconstrained", False)), frames)
