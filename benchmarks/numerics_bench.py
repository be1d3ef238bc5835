"""Benchmarks of the numerics: exact rank, harmonics, calibration, structured rank, Wigner matrices, spectra."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np

from .harness import Measurement, Registry, against_limit, compare, seconds

# Libraries read their number of threads when they load, so that each choice needs a process of its own.
_CHILD = """
import json, sys
from benchmarks import numerics_bench
for line in getattr(numerics_bench, sys.argv[1])(*json.loads(sys.argv[2])):
    print(json.dumps(line.as_dict()), flush=True)
"""


def _with_threads(threads: int, blas_threads: int, function: str, *arguments: int) -> Iterator[Measurement]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, function, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **{name: str(blas_threads) for name in names}},
    )
    assert child.stdout is not None
    with child:
        for line in child.stdout:
            yield dataclasses.replace(Measurement(**json.loads(line)), threads=threads)
    if child.returncode:
        raise RuntimeError(f"{function} ended with status {child.returncode}")


def exact_rank() -> Iterator[Measurement]:
    """Rank mod p of dense matrices of rank 3n/4, one and two threads; FLINT on one thread."""
    for threads in (1, 2):
        yield from _with_threads(threads, 1, "exact_rank_here", threads)


def exact_rank_here(threads: int) -> Iterator[Measurement]:
    import flint

    from spectral_ceilings.numerics import PRIMES, matmul_mod_p, rank_mod_p

    rng, prime = np.random.default_rng(0), PRIMES[0]
    rank_mod_p(rng.integers(0, prime, (300, 300)), prime)  # compile
    for n in (1000, 2000, 4000):
        rank = 3 * n // 4
        factors = rng.integers(0, prime, (n, rank)), rng.integers(0, prime, (rank, n))
        matrix = (matmul_mod_p(*factors, prime) % prime).astype(np.int64)
        theirs = flint.nmod_mat(n, n, matrix.ravel().tolist(), prime)
        assert rank_mod_p(matrix, prime, threads) == rank
        yield compare(
            "numerics-exact-rank",
            f"n = {n}, rank {rank}, p = {prime}",
            lambda matrix=matrix: seconds(lambda: rank_mod_p(matrix, prime, threads)),
            "python-flint nmod_mat.rank",
            lambda theirs=theirs: seconds(theirs.rank),
            runs=5 if n < 4000 else 3,
        )


def exact_rank_threads() -> Iterator[Measurement]:
    """Rank mod p on two threads against one, of matrices that grow to n = 8,000, in turn."""
    yield from _with_threads(2, 1, "exact_rank_threads_here", 2)


def exact_rank_threads_here(threads: int) -> Iterator[Measurement]:
    from spectral_ceilings.numerics import PRIMES, matmul_mod_p, rank_mod_p

    rng, prime = np.random.default_rng(0), PRIMES[0]
    rank_mod_p(rng.integers(0, prime, (300, 300)), prime, threads)  # compile
    for n in (1000, 2000, 4000, 8000):
        rank = 3 * n // 4
        factors = rng.integers(0, prime, (n, rank)), rng.integers(0, prime, (rank, n))
        matrix = (matmul_mod_p(*factors, prime) % prime).astype(np.int64)
        assert rank_mod_p(matrix, prime, threads) == rank
        yield compare(
            "numerics-exact-rank-threads",
            f"n = {n}, rank {rank}, p = {prime}",
            lambda matrix=matrix: seconds(lambda: rank_mod_p(matrix, prime, threads)),
            "one thread",
            lambda matrix=matrix: seconds(lambda: rank_mod_p(matrix, prime)),
            runs=5 if n < 8000 else 3,
        )


def harmonics() -> Iterator[Measurement]:
    """Harmonics of 100,000 directions in float64 on one thread."""
    yield from _with_threads(1, 1, "harmonics_here")


def harmonics_here() -> Iterator[Measurement]:
    import scipy.special
    import sphericart

    from spectral_ceilings.numerics import real_harmonics

    points = np.random.default_rng(0).standard_normal((100_000, 3))
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    polar, azimuth = np.arccos(unit[:, 1]), np.arctan2(unit[:, 0], unit[:, 2])
    for l_max in (4, 8, 12):
        theirs = sphericart.SphericalHarmonics(l_max)
        size = f"100,000 directions, l_max {l_max}"

        def ours(l_max: int = l_max) -> float:
            return seconds(lambda: real_harmonics(l_max, points))

        ours()  # compile
        yield compare(
            "numerics-harmonics",
            size,
            ours,
            "sphericart",
            lambda theirs=theirs: seconds(lambda: theirs.compute(points)),
            runs=15,
        )
        yield compare(  # what no evaluation into a new array can undercut: 8 (l_max + 1)^2 bytes for each point
            "numerics-harmonics",
            size,
            ours,
            "a new array filled with ones",
            lambda l_max=l_max: seconds(lambda: np.empty((100_000, (l_max + 1) ** 2)).fill(1.0)),
            runs=15,
        )
        yield compare(
            "numerics-harmonics",
            size,
            ours,
            "scipy sph_harm_y_all",
            lambda l_max=l_max: seconds(lambda: scipy.special.sph_harm_y_all(l_max, l_max, polar, azimuth)),
        )


def calibration_table() -> Iterator[Measurement]:
    """The calibration table for d, L <= 6, everything in it, on two threads."""
    yield from _with_threads(2, 2, "calibration_here")


def calibration_here() -> Iterator[Measurement]:
    from spectral_ceilings.numerics import calibrate_pair

    def table() -> None:
        for degree in range(1, 7):
            for l_max in range(1, 7):
                assert calibrate_pair(degree, l_max).agrees

    yield against_limit("numerics-calibration", "d, L <= 6", lambda: seconds(table), 60, runs=3)


def structured_rank() -> Iterator[Measurement]:
    """The rank by orders at dL = 256, a span of 66,049 dimensions, on one thread and on two."""
    for threads in (1, 2):
        yield from _with_threads(threads, 1, "structured_here", threads)


def structured_here(threads: int) -> Iterator[Measurement]:
    from spectral_ceilings.numerics import structured_span_rank

    for degree, l_max in ((16, 16), (2, 128), (128, 2)):

        def ours(degree: int = degree, l_max: int = l_max) -> float:
            return seconds(
                lambda: structured_span_rank(degree, l_max, np.random.default_rng(0), threads=threads)
            )

        yield against_limit("numerics-structured-rank", f"d = {degree}, L = {l_max}", ours, 30, runs=3)


def wigner() -> Iterator[Measurement]:
    """Wigner matrices of 1,000 rotations, l <= 11, in float64 on one thread."""
    yield from _with_threads(1, 1, "wigner_here")


def wigner_here() -> Iterator[Measurement]:
    import torch
    from e3nn import o3

    from spectral_ceilings.numerics import haar_rotations, wigner_d_all

    torch.set_default_dtype(torch.float64)
    rotations = haar_rotations(1000, np.random.default_rng(0))
    tensor = torch.from_numpy(rotations)

    def theirs() -> None:
        angles = o3.matrix_to_angles(tensor)
        for degree in range(12):
            o3.wigner_D(degree, *angles)

    wigner_d_all(11, rotations)
    yield compare(
        "numerics-wigner",
        "1,000 rotations, l <= 11",
        lambda: seconds(lambda: wigner_d_all(11, rotations)),
        "e3nn wigner_D",
        lambda: seconds(theirs),
    )


def spectrum() -> Iterator[Measurement]:
    """Rotation spectrum to l = 12 of all forces on aspirin, against the NequIP forward passes it follows."""
    yield from _with_threads(1, 1, "spectrum_here")


def spectrum_here() -> Iterator[Measurement]:
    from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
    from spectral_ceilings.diagnostic.backbones.nequip_model import (
        NequIPBackbone,
        NequIPSettings,
        build_nequip,
    )
    from spectral_ceilings.diagnostic.frames.reading import read_frames
    from spectral_ceilings.numerics import RotationSpectrum, so3_quadrature

    frames = read_frames("aspirin-xtb").select(slice(0, 25))
    settings = NequIPSettings(type_names=("C", "H", "O"), avg_num_neighbors=10.0)
    backbone = NequIPBackbone(
        build_nequip(settings),
        settings.type_names,
        settings.r_max,
        BackboneInfo("benchmark", "NequIP", trained=False),
    )
    backbone.forces(frames)
    quadrature = so3_quadrature(24)
    for n in (500, 1000, 2000, 4000):
        values = np.random.default_rng(0).standard_normal((n, len(frames.numbers) * 3))

        def ours(values: np.ndarray = values) -> float:
            return seconds(lambda: RotationSpectrum(quadrature, 12).add(values))

        ours()
        yield compare(
            "numerics-spectrum",
            f"{n} rotations, 63 outputs, l_max 12",
            ours,
            "NequIP forward passes, L = 2",
            lambda n=n: seconds(lambda: backbone.forces(frames)) * n / len(frames),
        )


BENCHMARKS: Registry = {
    "numerics-exact-rank": exact_rank,
    "numerics-exact-rank-threads": exact_rank_threads,
    "numerics-harmonics": harmonics,
    "numerics-calibration": calibration_table,
    "numerics-structured-rank": structured_rank,
    "numerics-wigner": wigner,
    "numerics-spectrum": spectrum,
}
