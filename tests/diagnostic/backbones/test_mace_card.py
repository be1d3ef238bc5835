"""A MACE computes on the device that it is told to, halves its batches there, and goes back as it came."""

from __future__ import annotations

import pytest

from spectral_ceilings.diagnostic.backbones.architecture import architecture
from spectral_ceilings.diagnostic.backbones.backbone import Backbone
from spectral_ceilings.diagnostic.backbones.checkpoint import fresh
from spectral_ceilings.diagnostic.frames.reading import read_frames

from crystals import crystal
from device_changes import assert_follows

pytest.importorskip("mace", reason="the extra 'mace' is not installed: it has an environment of its own")


def model() -> Backbone:
    kind = architecture("mace")
    return fresh(kind, kind.settings(("H", "C", "O"), l_max=1, num_layers=2, num_features=4), "mace", 0)


def test_molecules() -> None:
    assert_follows(model(), read_frames("aspirin-xtb").select(range(0, 60, 10)))


def test_crystals() -> None:
    assert_follows(model(), crystal(), runs_out=False)
