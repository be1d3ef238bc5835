"""Benchmarks of the audit: the rotation spectrum of all features of a layer against the forward passes that it needs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .harness import Measurement, Registry, compare, seconds

L_TOP = 12


def features() -> Iterator[Measurement]:
    """One aspirin frame, spectrum to l = 12 of all 5,712 features of NequIP's second layer, over the bare forward passes.

    Both sides run the network on the same turned frames, of which there are enough that both take seconds; memory must not
    grow with their number.
    """
    from spectral_ceilings.diagnostic.auditing.rotation_audit import rotation_degree, turned
    from spectral_ceilings.diagnostic.backbones.loading import load_backbone
    from spectral_ceilings.diagnostic.frames.reading import read_frames
    from spectral_ceilings.numerics import so3_quadrature
    from spectral_ceilings.numerics.ring_spectrum import RingSpectrum

    frame, backbone = read_frames("aspirin-xtb").select([0]), load_backbone("aspirin-xtb-l2")
    whole = so3_quadrature(rotation_degree(L_TOP, band=2), "lebedev")

    for count in (300, 600, len(whole)):
        rotations = whole.rotations[:count]

        def passes(rotations: np.ndarray = rotations) -> float:
            def work() -> None:
                for _ in turned(backbone, frame, ["layer1"], rotations):
                    pass

            return seconds(work)

        def ours(rotations: np.ndarray = rotations, count: int = count) -> float:
            spectrum = RingSpectrum(whole, L_TOP, band=2)

            def work() -> None:
                for _, features in turned(backbone, frame, ["layer1"], rotations):
                    spectrum.add(features["layer1"].values)
                if count == len(whole):
                    spectrum.power()

            return seconds(work)

        yield compare(
            "audit-features",
            f"{count} rotations, 5,712 features, l_max {L_TOP}",
            ours,
            "bare forward passes",
            passes,
            runs=3,
        )


BENCHMARKS: Registry = {"audit-features": features}
