"""Benchmarks of the exact theory: certificates, the direct way to the span, single couplings."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

from spectral_ceilings.theory import build_certificate, clebsch_gordan, readout_multiplicities

from .harness import Measurement, Registry, against_limit, compare, seconds

# Each run in a process of its own, so that no cache is warm; the process reports the seconds after its imports.
_BUILD = """
import time
from spectral_ceilings.theory import build_certificates
start = time.perf_counter()
texts = [certificate.to_json() for certificate in build_certificates(8, 8)]
print(time.perf_counter() - start)
"""
_VERIFY = """
import json, time
from spectral_ceilings.theory import build_certificates, verify_certificate
texts = [certificate.to_json() for certificate in build_certificates(8, 8)]
start = time.perf_counter()
assert not any(verify_certificate(json.loads(text)) for text in texts)
print(time.perf_counter() - start)
"""
_COUPLINGS = """
import json, sys, time
from sympy.physics.wigner import clebsch_gordan
labels = json.loads(sys.stdin.read())
def run():
    for a, m, b, n, c, k in labels:
        clebsch_gordan(a, b, c, m, n, k)
run()
start = time.perf_counter()
run()
print(time.perf_counter() - start)
"""


def _in_a_process(code: str, text: str = "", **environment: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return float(done.stdout)


def certificates() -> Iterator[Measurement]:
    """All 64 certificates for d, L <= 8, built and replayed from cold."""
    size = "64 pairs, d and L up to 8"
    yield against_limit("theory-certificates", f"build {size}", partial(_in_a_process, _BUILD), 15)
    yield against_limit("theory-certificates", f"verify {size}", partial(_in_a_process, _VERIFY), 30)


def direct_span(degree: int, l_max: int) -> set[int]:
    """The degrees in the span, the direct way: SymPy's Gaunt integral of every product of basis functions."""
    from sympy.physics.wigner import gaunt

    reached = {0}
    for _ in range(degree):
        next_degrees = set(reached)
        for a in reached:
            for b in range(l_max + 1):
                for c in range(abs(a - b), a + b + 1):
                    for m in range(-a, a + 1):
                        for n in range(-b, b + 1):
                            if abs(m + n) <= c and gaunt(a, b, c, m, n, -m - n) != 0:
                                next_degrees.add(c)
        reached = next_degrees
    return reached


def _span(pairs: list[tuple[int, int]], name: str) -> Iterator[Measurement]:
    for degree, l_max in pairs:
        certificate = build_certificate(degree, l_max)
        if set(certificate.theorem.reachable) != direct_span(degree, l_max):
            raise AssertionError(f"the direct way disagrees at ({degree}, {l_max})")
        yield compare(
            name,
            f"d = {degree}, L = {l_max}",
            partial(seconds, partial(build_certificate, degree, l_max)),
            "SymPy gaunt of all products",
            partial(seconds, partial(direct_span, degree, l_max)),
        )


def span() -> Iterator[Measurement]:
    """The span of small pairs against the direct way."""
    yield from _span([(2, 2), (3, 3)], "theory-span")


def span_minute() -> Iterator[Measurement]:
    """The span of a pair for which the direct way takes a good part of a minute; about three minutes in all."""
    yield from _span([(8, 3)], "theory-span-minute")


def _labels(top: int, count: int) -> list[tuple[int, int, int, int, int, int]]:
    generator = random.Random(top)
    labels: list[tuple[int, int, int, int, int, int]] = []
    while len(labels) < count:
        a, b = generator.randint(0, top), generator.randint(0, top)
        m, n = generator.randint(-a, a), generator.randint(-b, b)
        c = generator.randint(max(abs(a - b), abs(m + n)), a + b)
        labels.append((a, m, b, n, c, m + n))
    return labels


def _all_of(function: Callable[..., object], labels: list[tuple[int, int, int, int, int, int]]) -> None:
    for label in labels:
        function(*label)


def _peers(labels: list[tuple[int, int, int, int, int, int]]) -> Iterator[tuple[str, Callable[[], float]]]:
    """What is installed of SymPy on Python integers, SymPy on FLINT integers, and wigners, each in steady state."""
    text = json.dumps(labels)
    for kind in ("python", "flint"):
        if kind == "python" or importlib.util.find_spec(kind):
            yield (
                f"SymPy, {kind} ground types",
                partial(_in_a_process, _COUPLINGS, text, SYMPY_GROUND_TYPES=kind),
            )
    if importlib.util.find_spec("wigners"):
        import wigners

        yield "wigners (float64)", partial(seconds, partial(_all_of, wigners.clebsch_gordan, labels))


def couplings() -> Iterator[Measurement]:
    """Single Clebsch-Gordan coefficients in steady state: every side has seen the labels before, and caches what it caches.

    SymPy caches no coefficients, so against it our side computes anew in every run as well.
    """
    for top in (4, 10, 30):
        labels = _labels(top, 300)
        cached = partial(seconds, partial(_all_of, clebsch_gordan, labels))
        for name, peer in _peers(labels):
            ours = cached if name.startswith("wigners") else partial(_computed_anew, labels)
            ours()
            peer()
            yield compare("theory-couplings", f"300 coefficients, degrees up to {top}", ours, name, peer)


def couplings_first() -> Iterator[Measurement]:
    """Single Clebsch-Gordan coefficients against wigners with the caches of coefficients emptied before every run."""
    if not importlib.util.find_spec("wigners"):
        raise SystemExit("theory-couplings-first compares with wigners: pip install wigners")
    import wigners

    def peer(labels: list[tuple[int, int, int, int, int, int]]) -> float:
        wigners.clear_wigner_3j_cache()
        return seconds(partial(_all_of, wigners.clebsch_gordan, labels))

    for top in (4, 10, 30):
        labels = _labels(top, 300)
        size = f"300 coefficients, degrees up to {top}"
        yield compare(
            "theory-couplings-first",
            size,
            partial(_computed_anew, labels),
            "wigners (float64)",
            partial(peer, labels),
        )


def _computed_anew(labels: list[tuple[int, int, int, int, int, int]]) -> float:
    clebsch_gordan.cache_clear()
    return seconds(partial(_all_of, clebsch_gordan, labels))


def multiplicities() -> Iterator[Measurement]:
    """Free coefficients of a wide cubic readout, against the stated limit."""
    count = partial(readout_multiplicities, "128x0e+128x1o+128x2e+128x3o", 3)
    yield against_limit(
        "theory-multiplicities", "128x0e+128x1o+128x2e+128x3o, degree 3", partial(seconds, count), 1
    )


BENCHMARKS: Registry = {
    "theory-certificates": certificates,
    "theory-span": span,
    "theory-span-minute": span_minute,
    "theory-couplings": couplings,
    "theory-couplings-first": couplings_first,
    "theory-multiplicities": multiplicities,
}
