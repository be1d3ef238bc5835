"""The paper's theorems: certificates, exact counts, and the rotation spectrum of real features."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..diagnostic.backbones.backbone import Backbone
from ..diagnostic.backbones.checkpoint import embedded_names
from ..diagnostic.backbones.features import Features
from ..diagnostic.backbones.loading import load_backbone
from ..diagnostic.frames.frames import Frames
from ..numerics.calibration import calibrate_pair
from ..numerics.rotations import SO3Quadrature, so3_quadrature
from ..numerics.spectrum import RotationSpectrum
from ..theory.certificate import build_certificates
from ..theory.errors import InputError
from ..theory.irreps import parse_irreps
from ..theory.multiplicity import formal_multiplicities, readout_multiplicities
from ..theory.symbolic import prove_span_theorem, stretched_square
from ..theory.verify import verify_certificate
from .context import Context
from .outcome import Chart, Line, Outcome, Value

#: What is reported of a rotation spectrum beyond the ceiling.
BEYOND = 3
#: Largest share of power above the ceiling that is round-off, and smallest share at it that is signal.
FLOOR, PRESENT = 1e-20, 1e-12


def span_theorem(context: Context) -> Outcome:
    """P_{L,d} = H_{<=dL}: certificates for d, L <= 8, the symbolic steps, and ranks on sampled directions."""
    findings: list[str] = []
    count = 0
    for certificate in build_certificates(8, 8):
        count += 1
        findings += verify_certificate(certificate.to_dict())
    steps = prove_span_theorem()
    findings += [f"step '{step.name}' does not hold" for step in steps if not step.holds]
    top = 3 if context.quick else 5
    rows = [calibrate_pair(d, l, context.seed) for d in range(1, top + 1) for l in range(1, top + 1)]
    findings += [sentence for row in rows for sentence in row.disagreements]
    table = [
        {
            "d": r.degree,
            "L": r.l_max,
            "(dL+1)²": r.dimension,
            "rank, float64": r.rank_float,
            "rank mod p": r.rank_structured,
        }
        for r in rows
    ]
    return Outcome(
        "does not hold" if findings else "holds",
        findings[0]
        if findings
        else f"{count} certificates verify, {len(steps)} symbolic steps hold for all d and L, and the rank is (dL+1)² "
        f"for all {len(rows)} pairs up to d = L = {top}, in floating point and modulo primes.",
        values=(Value("certificates verified", count), Value("pairs with the rank of theory", len(rows))),
        tables={"Ranks on sampled directions": table},
        inputs={"certificates": "d, L <= 8", "ranks": f"d, L <= {top}", "seed": context.seed},
    )


def multiplicity_one(_context: Context) -> Outcome:
    """The boundary degree occurs once, reached by the stretched product alone."""
    findings: list[str] = []
    known = {(2, 2): (3, 2, 4, 1, 1), (3, 2): (5, 6, 8, 6, 4, 1, 1)}
    table: list[dict[str, Any]] = []
    for d in range(1, 7):
        for l in range(1, 5):
            counts = formal_multiplicities(d, l)
            if len(counts) != d * l + 1 or counts[-1] != 1:
                findings.append(
                    f"degree {d}, l_max {l}: the counts end with {counts[-1]} at l = {len(counts) - 1}"
                )
            if (d, l) in known and counts != known[d, l]:
                findings.append(f"degree {d}, l_max {l}: {counts}, expected {known[d, l]}")
            if not stretched_square(l, (d - 1) * l) > 0:
                findings.append(f"degree {d}, l_max {l}: the stretched coefficient vanishes")
            table.append({"d": d, "L": l, "mu(0..dL)": " ".join(map(str, counts))})
    for n in range(1, 5):
        for d in range(1, 4):
            if formal_multiplicities(d, 2, n)[-1] != comb(n + d - 1, d):
                findings.append(f"{n} channels, degree {d}: the boundary count is not binomial")
    return Outcome(
        "does not hold" if findings else "holds",
        findings[0]
        if findings
        else "mu(dL) = 1 and nothing above for all d <= 6, L <= 4; with n channels binomial(n + d - 1, d); every "
        "stretched coefficient is positive.",
        values=(Value("pairs with mu(dL) = 1", 24.0 if not findings else None, expected=24.0),),
        tables={"Formal multiplicities": [row for row in table if row["d"] * row["L"] <= 12]},
        inputs={"range": "d <= 6, L <= 4; channels <= 4, d <= 3"},
    )


def readout_spectrum(
    features: NDArray[np.float64],
    irreps: str,
    degree: int,
    quadrature: SO3Quadrature,
    l_max: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the share of power by l of a random polynomial of each atom's features under global rotation.

    The polynomial is a sum of three products of ``degree`` random affine forms of the components of one atom, so that
    every degree up to ``degree`` occurs; the features are turned by Wigner D, which is what an equivariant backbone does.

    Parameters
    ----------
    features
        ``(atoms, dim)``, one frame's features.

    Returns
    -------
    ndarray, ``(l_max + 1,)``
        The mean over atoms of each atom's shares.
    """
    dim = features.shape[1]
    scale = np.sqrt(np.mean(features**2, axis=0))
    scale = np.where(scale > 0.0, scale, 1.0)
    forms = rng.normal(size=(3, degree, dim)) / scale / np.sqrt(dim)
    shifts = rng.normal(size=(3, degree))
    # The features are turned by exactly these matrices.
    band = degree * max(term.l for term in parse_irreps(irreps))
    spectrum = RotationSpectrum(quadrature, l_max, band=band)
    for start in range(0, len(quadrature), 256):
        rotations = quadrature.rotations[start : start + 256]
        several = Features(np.repeat(features[None], len(rotations), axis=0), irreps, "")
        turned = several.rotated(rotations).values
        spectrum.add(np.prod(np.einsum("qai,kdi->qakd", turned, forms) + shifts, axis=3).sum(axis=2))
    power = spectrum.power()
    return np.asarray((power / power.sum(axis=0)).mean(axis=1))


def output_ceiling(context: Context) -> Outcome:
    """Lemma 2 by exact counting and by the rotation spectrum of every shipped backbone's features."""
    frames = context.frames("aspirin-xtb").select(np.arange(1))
    findings: list[str] = []
    skipped: list[str] = []
    table: list[dict[str, Any]] = []
    curves: dict[int, NDArray[np.float64]] = {}
    for name in embedded_names():
        try:
            backbone = load_backbone(name)
        except InputError as error:
            skipped.append(f"{name}: {error}")
            continue
        for degree in (1, 2) if context.quick else (1, 2, 3):
            row, shares = _one_spectrum(backbone, frames, name, degree, context.seed)
            table.append(row)
            if row["outputs counted above"] or not row["outputs counted at dL"]:
                findings.append(f"{name}, degree {degree}: the exact count disagrees with the ceiling")
            if not row["power above dL"] < FLOOR or not row["power at dL"] > PRESENT:
                findings.append(
                    f"{name}, degree {degree}: {row['power above dL']:.1e} of the power above the ceiling and "
                    f"{row['power at dL']:.1e} at it"
                )
            if name == "aspirin-xtb-l2":
                curves[degree] = shares
    worst = max(row["power above dL"] for row in table)
    least = min(row["power at dL"] for row in table)
    return Outcome(
        "does not hold" if findings else "holds",
        findings[0]
        if findings
        else f"{len(table)} readouts of {len({row['backbone'] for row in table})} backbones: at most {worst:.0e} of the power "
        f"above d·L, at least {least:.0e} at it; the exact counts agree.",
        reason="; ".join(skipped),
        values=(
            Value("largest share of power above dL", worst, expected=0.0),
            Value("smallest share at dL", least),
        ),
        tables={"Rotation spectrum of random polynomials of the tapped layer": table},
        charts=(_spectrum_chart(curves),) if curves else (),
        inputs={"frame": "first frame of aspirin-xtb", "seed": context.seed},
    )


def _one_spectrum(
    backbone: Backbone, frames: Frames, name: str, degree: int, seed: int
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    layer = backbone.choose_layer()
    boundary = degree * layer.l_max
    values = backbone.features(frames, layer.name).values[0]
    quadrature = so3_quadrature(2 * boundary + BEYOND)  # exact for the band up to l = boundary + BEYOND
    rng = np.random.default_rng([seed, degree])
    shares = readout_spectrum(values, layer.irreps, degree, quadrature, boundary + BEYOND, rng)
    counted = {l for (l, _), count in readout_multiplicities(layer.irreps, degree).items() if count}
    return {
        "backbone": name,
        "layer": layer.name,
        "L": layer.l_max,
        "d": degree,
        "dL": boundary,
        "outputs counted at dL": boundary in counted,
        "outputs counted above": max(counted) > boundary,
        "power at dL": float(shares[boundary]),
        "power above dL": float(shares[boundary + 1 :].sum()),
    }, shares


def _spectrum_chart(curves: dict[int, NDArray[np.float64]]) -> Chart:
    lines = [
        Line(
            f"degree {d}", tuple(map(float, range(len(shares)))), tuple(float(max(s, 1e-40)) for s in shares)
        )
        for d, shares in curves.items()
    ]
    return Chart(
        "Rotation spectrum of a random polynomial of trained features (L = 2)",
        "angular frequency l",
        "share of power",
        "Share of power at every l on a logarithmic scale; the dotted lines are the ceilings d L.",
        lines=tuple(lines),
        marks=tuple((2.0 * d + 0.5, f"d = {d}") for d in curves),
        log_y=True,
    )
