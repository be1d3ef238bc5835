"""What is made ahead is what the claims ask for, and nothing else."""

from __future__ import annotations

from spectral_ceilings.diagnostic.backbones.checkpoint import embedded_names
from spectral_ceilings.paper_checks.ahead import needed
from spectral_ceilings.paper_checks.effort import MAIN, SEEDS
from spectral_ceilings.paper_checks.registry import choose, claims


def test_claims_without_several_backbones_need_nothing() -> None:
    assert needed(choose(["span-theorem", "aspirin-cliff", "coupling-cost"])) == []


def test_each_backbone_is_made_once() -> None:
    assert needed(choose(["four-backbones", "full-distribution"])) == list(SEEDS)
    every = needed(claims())
    assert sorted(every) == sorted(name for name in embedded_names() if name != MAIN)
