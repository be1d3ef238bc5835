"""Features of foundation models, and an audit with 10,000 rotations, on the device and on the CPU."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk

from spectral_ceilings.diagnostic.auditing.random_readouts import random_readout
from spectral_ceilings.diagnostic.auditing.rotation_audit import component_scale, rotation_audit
from spectral_ceilings.diagnostic.backbones.backbone import Backbone
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import read_frames

from .agreement import forward_tolerance
from .run import Row, Run

#: Channels times layers of the widest model here: additions behind a feature for one edge.
_ADDED_PER_EDGE = 128 * 5
_EDGES_OF_AN_ATOM = 80
#: Neighbours of an atom of aspirin within 5 Å, and largest change of its features, over their RMS, when every coordinate changes
#: by one rounding: 2e-14 to 3e-14 on three frames of the shipped model of l <= 2; three times that is allowed for.
_NEIGHBOURS, _SENSITIVITY = 20, 1e-13
#: How large the error of equivariance of an equivariant network may be at the worst of some 1e4 rotations. In float64 nothing but
#: rounding is left: n = 128 x 5 x 20 = 12,800 additions lie behind a feature, so that what adds up of their roundings is
#: 6 sqrt(2 n) = 960 standard ones, and each is worth what one rounding at the entrance is, at most 1e-13 of the features: 960 x
#: 1e-13 = 1e-10. (The 6 stands for the worst of 1e4 rotations x 21 atoms x some 1e2 components: 2e7 normal numbers exceed it with
#: a chance of 4 %, and the sensitivity has a factor of 3 in hand.) It tells float64 from everything coarser: a single rounding of
#: float32 is 6e-8, and one product of TF32 is off by 5e-4.
AUDIT_LIMIT = forward_tolerance(_ADDED_PER_EDGE * _NEIGHBOURS, _SENSITIVITY)


def crystal(repeats: tuple[int, int, int], frames: int = 1) -> Frames:
    """Return copper of 4 atoms for each repeat, with its atoms displaced by 0.05 Å at random."""
    atoms: Atoms = bulk("Cu", "fcc", a=3.615, cubic=True) * repeats
    rng = np.random.default_rng(0)
    positions = atoms.positions + rng.normal(scale=0.05, size=(frames, len(atoms), 3))
    return Frames(
        numbers=atoms.numbers.astype(np.int64), positions=positions, forces=np.zeros_like(positions), energies=None,
        source="copper", sha256="", units="eV and Å", cells=np.tile(np.asarray(atoms.cell), (frames, 1, 1)),
        pbc=(True, True, True),
    )  # fmt: skip


def sevennet(run: Run) -> None:
    """Time the features of SevenNet-0, whose weights lie in its package."""
    _features(run, load_backbone("sevenn:7net-0"), "SevenNet-0")


def mace(run: Run) -> None:
    """Time the features of a MACE of 128 channels with random weights."""
    from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
    from spectral_ceilings.diagnostic.backbones.mace_model import MACEBackbone, build_mace
    from spectral_ceilings.diagnostic.backbones.mace_settings import MACESettings

    channels = 16 if run.small else 128
    settings = MACESettings(("Cu",), l_max=1, num_layers=2, num_features=channels, avg_num_neighbors=42.0)
    info = BackboneInfo("random weights", "mace", False)
    _features(run, MACEBackbone(build_mace(settings), settings, info), f"MACE, {channels} channels")


def _features(run: Run, backbone: Backbone, name: str) -> None:
    layer = backbone.choose_layer().name
    sizes = [(2, 2, 2)] if run.small else [(3, 3, 3), (4, 4, 4), (5, 5, 5), (6, 6, 7)]
    warm = crystal((2, 2, 2))
    for device in ("cpu", run.device):
        backbone.to(device)
        backbone.features(warm, layer)
    per_atom = 0.0
    for repeats in sizes:
        atoms = 4 * int(np.prod(repeats))
        frames = crystal(repeats, frames=1 if run.small else max(1, 1_000 // atoms))
        run.start_memory()
        backbone.to(run.device)
        start = time.perf_counter()
        backbone.features(frames, layer)
        run.wait()
        first = time.perf_counter() - start
        spent, made = run.timed(
            lambda _, frames=frames: backbone.features(frames, layer).values, run.device, runs=1
        )
        row = run.memory(Row(run.step, name, f"{len(frames)} x {atoms} atoms", spent))
        # Scripts are watched in the first call of a shape, compiled in the second, and fast from the third on.
        row.note = f"first call {first:.2g} s"
        if run.left < 1.2 * per_atom * atoms * len(frames):
            row.note += "; no time left for the CPU"
            run.give(row)
            continue
        backbone.to("cpu")
        start = time.perf_counter()
        known = backbone.features(frames, layer).values
        row.cpu_s = time.perf_counter() - start
        per_atom = row.cpu_s / (atoms * len(frames))
        row.target, row.met = "features >= 20x", None if row.ratio is None else row.ratio >= 20.0
        if repeats == sizes[0]:
            sensitivity = _sensitivity(backbone, frames, layer, known)
        shift = float(np.abs(made - known).max() / np.sqrt(np.mean(known**2)))
        run.give(row.compared(shift, forward_tolerance(_ADDED_PER_EDGE * _EDGES_OF_AN_ATOM, sensitivity)))


def _sensitivity(backbone: Backbone, frames: Frames, layer: str, known: Any) -> float:
    """Return the largest change of the features, over their RMS, when every coordinate changes by one rounding."""
    rng = np.random.default_rng(1)
    moved = frames.positions + np.spacing(frames.positions) * rng.choice([-1.0, 1.0], frames.positions.shape)
    other = backbone.features(replace(frames, positions=moved), layer).values
    return float(np.abs(other - known).max() / np.sqrt(np.mean(known**2)))


def audit(run: Run) -> None:
    """Audit a frame of aspirin over 10,000 rotations on the device, and over fewer on both."""
    frame, backbone = read_frames("aspirin-xtb").select([0]), load_backbone("aspirin-xtb-l2")
    layer = backbone.choose_layer().name
    rng = np.random.default_rng(0)
    readouts = [
        (layer, atom, random_readout("polynomial", degree, component_scale(backbone.features(frame, layer)), rng))
        for atom in (0, 9)
        for degree in (1, 2)
    ]  # fmt: skip

    def measured(device: str, degree: int) -> tuple[float, Any]:
        backbone.to(device)
        start = time.perf_counter()
        result = rotation_audit(
            backbone, frame, [layer], readouts, 4, np.random.default_rng(1), degree=degree, device=device
        )
        run.wait()
        return time.perf_counter() - start, result

    few, many = (8, 9) if run.small else (15, 31)  # 31: 11,200 rotations
    measured(run.device, few)
    device_few, made = measured(run.device, few)
    cpu_few, known = measured("cpu", few)
    row = run.memory(Row(run.step, "audit", f"{len(made.quadrature)} rotations", device_few, cpu_few))
    shift = max(
        float(np.abs(np.asarray(a.power) - np.asarray(b.power)).max())
        for a, b in zip(made.readouts, known.readouts, strict=True)
    )
    # Powers are shares of the total: quadratic in the values, so twice the relative error of the features.
    run.give(row.compared(shift, 2.0 * AUDIT_LIMIT))
    run.start_memory()
    spent, big = measured(run.device, many)
    row = run.memory(Row(run.step, "audit", f"{len(big.quadrature)} rotations", spent))
    if run.left > 1.5 * cpu_few * len(big.quadrature) / len(known.quadrature):
        row.cpu_s, _ = measured("cpu", many)
    else:
        row.note = f"the CPU would take {cpu_few * len(big.quadrature) / len(known.quadrature):.0f} s"
    largest = max(error.largest for errors in big.errors.values() for error in errors)
    run.give(row.compared(largest, AUDIT_LIMIT))
