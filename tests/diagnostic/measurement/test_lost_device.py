"""A diagnosis on a pretended card is the CPU's; where the card vanishes, nothing that was finished is lost."""

from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu.agreement import differences
from spectral_ceilings.cli.failures import explain
from spectral_ceilings.diagnostic import diagnosis
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.diagnostic.readouts.compute import Compute

from pretended_card import pretended_card

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")


@pytest.fixture
def diagnosed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what diagnoses 80 frames, atom by atom; forces and pages, which have tests of their own, are left out."""
    frames = read_frames("aspirin-xtb")
    monkeypatch.setattr(
        type(load_backbone("aspirin-xtb-l2")), "forces", lambda self, frames: 0.9 * frames.forces
    )
    for name in ("write_figures", "write_report"):
        monkeypatch.setattr(diagnosis, name, lambda *_: None)
    settings = DiagnoseSettings(frames=80, degrees=(2,), l_top=5, atoms=(0,), bootstrap=100, controls=False)

    def run(device: str, out: Path | None = None, resume: bool = False) -> dict[str, Any]:
        backbone = load_backbone(
            "aspirin-xtb-l2"
        )  # each run has its model: what was on a card that is gone is lost
        compute = Compute.choose(device, 1)
        return dict(diagnosis.diagnose(frames, backbone, settings, out=out, resume=resume, compute=compute))

    return run


def parts(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the finished parts of a run: what is in them, and when each was written."""
    paths = (folder / "cells").glob("*.json")
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def test_a_card_that_vanishes_loses_nothing(diagnosed: Any, tmp_path: Path) -> None:
    whole = diagnosed("cpu")
    with pretended_card() as card:
        again = diagnosed("cuda")
    assert card.operations > 1000
    assert list(differences(whole, again, 0.0)) == []
    assert again["versions"]["device"].startswith("cuda, pretended card")

    lasts = round(0.95 * card.operations)
    with pretended_card(lasts=lasts), pytest.raises(torch.AcceleratorError) as lost:
        diagnosed("cuda", tmp_path / "run")
    failure = explain(lost.value)
    assert failure.status == 2
    assert failure.told().startswith("the GPU stopped answering (CUDA error: unspecified launch failure)")
    assert "--resume" in failure.told()
    kept = parts(tmp_path / "run")
    assert kept

    resumed = diagnosed("cpu", tmp_path / "run", resume=True)
    assert list(differences(whole, resumed, 0.0)) == []
    after = parts(tmp_path / "run")
    assert {name: after[name] for name in kept} == kept  # nothing that was finished was computed again
    assert len(after) > len(kept)
