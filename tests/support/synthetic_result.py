"""A made-up result with the shape of a real one: values like those of aspirin, noise from a seed."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from drawn_aspirin import ASPIRIN, BONDS, FLAT, SYMBOL

L_TOP = 8
#: R2 of the free readout below its ceiling, by degree, for an L = 2 layer.
FREE = {1: [1.0, 0.995, 0.994], 2: [1.0, 0.999, 0.998, 0.987, 0.965]}
FREE[3] = [1.0, 0.999, 0.999, 0.991, 0.976, 0.936, 0.902]
EQUIVARIANT = {1: [1.0, 0.982, 0.967], 2: [1.0, 0.997, 0.995, 0.984, 0.901]}
EQUIVARIANT[3] = [1.0, 0.999, 0.998, 0.993, 0.981, 0.952, 0.917]
MONOMIALS = {1: 145, 2: 2278, 3: 4960}
PATHS = [697, 1296, 1328, 768, 272, 120, 60, 30, 12, 6]


def _profile(known: list[float], ceiling: int) -> list[float]:
    """Stretch or cut the known values to the ceiling, keeping the last value at the ceiling."""
    if len(known) == ceiling + 1:
        return known
    return [float(np.interp(ell, np.linspace(0, ceiling, len(known)), known)) for ell in range(ceiling + 1)]


def make_row(**fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "injection": "marked",
        "direction": "fixed",
        "readout": "free",
        "degree": 2,
        "scope": "molecule",
        "l": 0,
        "predicted": None,
        "r2": None,
        "r2_low": None,
        "r2_high": None,
        "rho": None,
        "rho_low": None,
        "rho_high": None,
        "gain": None,
        "null_high": None,
        "coefficients": None,
        "verdict": "no path",
    }
    assert set(fields) <= set(row)
    return row | fields


def measured(
    rng: np.random.Generator, value: float, spread: float, null_high: float = 0.0012, **fields: Any
) -> dict[str, Any]:
    low, high = (
        value - spread * (1 + 0.3 * rng.random()),
        min(1.0, value + spread * (0.6 + 0.3 * rng.random())),
    )
    verdict = "recovered" if low > 0.1 else "not recovered" if high < 0.05 else "undecided"
    return make_row(
        r2=value,
        r2_low=low,
        r2_high=high,
        rho=value * 1.004,
        rho_low=low * 1.004,
        rho_high=high * 1.004,
        gain=value * 0.0183,
        null_high=null_high,
        verdict=verdict,
        **fields,
    )


def free_rows(
    rng: np.random.Generator, degree: int, l_max: int, scope: str = "molecule", height: float = 1.0
) -> list[dict[str, Any]]:
    ceiling = degree * l_max
    profile = _profile(FREE[degree], ceiling)
    rows = []
    for ell in range(L_TOP + 1):
        reachable = ell <= ceiling
        if reachable:
            value = 1 - (1 - profile[ell]) * (2 - height) - (1 - height) * (ell / max(1, ceiling)) ** 3
            spread = 0.25 * (1 - value) + 1e-5
        else:
            value, spread = -0.0006 * abs(rng.normal()) * degree, 0.0008 * degree
        rows.append(
            measured(
                rng,
                value,
                spread,
                0.0004 * degree,
                degree=degree,
                scope=scope,
                l=ell,
                predicted=1 if reachable else 0,
                coefficients=MONOMIALS[degree],
            )
        )
    return rows


def equivariant_rows(
    rng: np.random.Generator, degree: int, l_max: int, injection: str = "marked", height: float = 0.0
) -> list[dict[str, Any]]:
    ceiling = degree * l_max
    profile = _profile(EQUIVARIANT[degree], ceiling)
    common = {"injection": injection, "readout": "equivariant", "degree": degree}
    rows = []
    for ell in range(L_TOP + 1):
        if ell > ceiling:
            rows.append(make_row(l=ell, predicted=0, **common))
            continue
        value = profile[ell] - height * (ell / max(1, ceiling)) ** 2
        spread = 0.2 * (1 - value) + 1e-5
        fields = {"l": ell, "predicted": 1, "coefficients": PATHS[ell], **common}
        rows.append(measured(rng, value, spread, **fields))
    return rows


def synthetic_result(l_max: int = 2, degrees: tuple[int, ...] = (1, 2, 3), seed: int = 0) -> dict[str, Any]:
    """Return a complete result as ``ceilings diagnose`` makes it."""
    rng = np.random.default_rng(seed)
    main = 2 if 2 in degrees else degrees[0]
    boundary = main * l_max
    atoms, recovery = _atoms(), []
    for degree in degrees:
        recovery += free_rows(rng, degree, l_max)
        recovery += equivariant_rows(rng, degree, l_max)
    recovery += equivariant_rows(rng, main, l_max, injection="density", height=0.012)
    for element in ("C", "O", "H"):
        recovery += free_rows(
            rng, main, l_max, f"element:{element}", {"C": 0.99, "O": 0.97, "H": 0.95}[element]
        )
        recovery += [
            row | {"scope": f"element:{element}"} for row in equivariant_rows(rng, main, l_max, height=0.03)
        ]
    for atom in atoms:
        if atom["marked_neighbour"] is not None:
            low = {"C": 1.0, "O": 0.97, "H": 0.95}[atom["element"]] - 0.04 * rng.random()
            low = 0.68 if atom["index"] == 10 else low
            recovery += free_rows(rng, main, l_max, f"atom:{atom['index']}", low)
    return {
        "schema": "spectral-ceilings/diagnose/1",
        "command": "ceilings diagnose --out runs/demo --seed 0",
        "model": _model(l_max),
        "data": {
            "source": "embedded: aspirin, GFN2-xTB, 500 K",
            "sha256": "3b" * 32,
            "units": "eV, Å",
            "formula": "C9H8O4",
            "numbers": ASPIRIN,
            "splits": {"training": 700, "validation": 100, "held_out": 200},
            "force_rms_eV_A": 1.1837,
            "depiction": {
                "positions": [list(place) for place in FLAT],
                "bonds": [list(bond) for bond in BONDS],
                "made_by": "RDKit",
            },
        },
        "ceiling": {
            "degree": main,
            "l_max": l_max,
            "boundary": boundary,
            "explanation": f"A polynomial of degree {main} in features of degree at most {l_max} holds no "
            f"angular "
            f"frequency above {main} x {l_max} = {boundary}.",
        },
        "settings": {
            "injection": "marked",
            "amplitude": 0.1,
            "l_top": L_TOP,
            "degrees": list(degrees),
            "rotations_per_frame": 20,
            "interval": {"level": 0.95, "resamples": 1000, "block": 10},
        },
        "seed": 0,
        "versions": {"spectral-ceilings": "0.1.0", "nequip": "0.19.0", "torch": "2.13.0", "python": "3.11.2"},
        "timings_s": {"features": 15.2, "equivariant fits": 8.4, "free fits": 61.0, "controls": 40.1},
        "recovery": recovery,
        "cliff_ratios": [
            entry
            for degree in degrees
            for readout in ("free", "equivariant")
            for entry in cliff_ratios(recovery, readout, degree, degree * l_max)
        ],
        "atoms": atoms,
        "controls": _controls(rng, l_max, main),
        "checks": {
            "equivariance_error": 4.1e-15,
            "equivariance_tolerance": 1e-9,
            "orientations": _orientations(),
            "purity": [
                {"injection": "marked", "l": ell, "power_elsewhere": 1e-30 * (ell + 1)} for ell in range(9)
            ],
        },
        "verdict": {
            "held": True,
            "sentence": f"The trained model's features recover angular detail up to l = {boundary} and "
            f"nothing at "
            f"l = {boundary + 1} and above, as theory says for quadratic readouts of l <= {l_max} features.",
            "per_degree": [
                {
                    "degree": degree,
                    "boundary": degree * l_max,
                    "sentence": f"Degree {degree}: recovered up to l = {degree * l_max}, not above.",
                    "held": True,
                }
                for degree in degrees
            ],
        },
    }


def cliff_ratios(
    rows: list[dict[str, Any]], readout: str, degree: int, boundary: int
) -> list[dict[str, Any]]:
    """Return the ratio over the cliff, its ends those of rho at the ceiling over rho above it: near what is computed."""
    chosen = {"injection": "marked", "direction": "fixed", "readout": readout, "degree": degree}
    at = {
        row["l"]: row
        for row in rows
        if row["scope"] == "molecule" and all(row[name] == value for name, value in chosen.items())
    }
    if boundary + 1 not in at:
        return []
    entry = {**chosen, "boundary": boundary, "kind": "no path", "value": None, "low": None, "high": None}
    top, above = at[boundary]["rho"], at[boundary + 1]
    if above["rho"] is None:
        return [entry]
    if above["rho"] <= 0.0:
        return [{**entry, "kind": "no ratio"}]
    ends = {"value": top / above["rho"], "low": top / above["rho_high"], "high": top / above["rho_low"]}
    kind = "at least" if above["rho_low"] < 0.0 < above["rho_high"] else "interval"
    if kind == "interval":
        ends["low"], ends["high"] = sorted((ends["low"], ends["high"]))
    return [{**entry, **ends, "kind": kind}]


def longer(result: dict[str, Any], top: int) -> dict[str, Any]:
    """Return the result as if it had been injected up to ``top``: the rows of l = 8 again for every l above."""
    made = copy.deepcopy(result)
    for rows in [made["recovery"], *(control["rows"] for control in made["controls"])]:
        last = [row for row in rows if row["l"] == L_TOP]
        rows += [{**row, "l": l} for l in range(L_TOP + 1, top + 1) for row in last]
    return made


def _atoms() -> list[dict[str, Any]]:
    neighbours = {0: 1, 1: 0, 2: 3, 3: 2, 4: 5, 5: 10, 6: 4, 7: 10, 8: 11, 9: 10, 10: 7, 11: 8, 12: 11}
    neighbours |= {13: 0, 14: 1, 15: 2, 16: 3, 20: 9}
    atoms = []
    for index, number in enumerate(ASPIRIN):
        marked = neighbours.get(index)
        why = (
            f"the nearest bonded heavy neighbour is {SYMBOL[ASPIRIN[marked]]}{marked}"
            if marked is not None
            else ("a hydrogen of the methyl group: its only neighbour's other bonds exchange with it")
        )
        atoms.append(
            {
                "index": index,
                "element": SYMBOL[number],
                "marked_neighbour": marked,
                "why": why,
                **_analysis(index, marked),
            }
        )
    return atoms


def _analysis(index: int, marked: int | None) -> dict[str, Any]:
    """What is measured at an atom; the lowest, C10, is confused with a neighbour like its mark."""
    low = index == 10
    like = {"neighbour": 5, "r2_difference": 0.731, "r2_sum": 0.998, "share": 0.97}
    reason = None
    if marked is None:
        reason = "no distinguishable neighbour: its only neighbour's other bonds exchange with it"
    elif low:
        reason = (
            "77 % of what is missing: O7 and C5 look nearly alike from here (linear fit at l = 2: R2 = 0.998 of their "
            "sum, 0.731 of their difference); 23 % of what is missing: the free readout keeps some combinations of the "
            "channels only (the equivariant one, same features: R2 = 0.848)"
        )
    causes = [{"cause": "like neighbour", "share": 0.77}, {"cause": "readout", "share": 0.23}]
    rank = {"channels": 16, "rank": 16, "effective": 2.4, "rms": 0.09}
    return {
        "neighbours": 14.2,
        "cutoff_A": 5.0,
        "feature_rank": {
            "0e": rank,
            "1o": rank,
            "2e": {**rank, "rank": 7},
        },
        "mark_r2": None if marked is None else 0.987,
        "like_neighbour": like if low else None,
        "r2_ceiling": None if marked is None else 0.68 if low else 0.95,
        "low": low,
        "reason": reason,
        "causes": causes if low else [],
    }


def _orientations() -> dict[str, Any]:
    return {
        "kind": "rotations",
        "frames": 1000,
        "spectrum": [
            {"l": l, "alignment": value, "expected": 0.001}
            for l, value in enumerate([0.849, 0.622, 0.413, 0.278, 0.213, 0.185, 0.166, 0.15], start=1)
        ],
        "p_value": 0.0,
        "effective": 1.18,
        "verdict": "far from isotropic",
        "sentence": "The orientations of the 1,000 frames are far from isotropic (A_1 = 0.849 and at most 0.849, "
        "expected 0.001): they count like 1.18 independent ones.",
    }


def _model(l_max: int) -> dict[str, Any]:
    inner = "+".join(f"16x{ell}{p}" for ell in range(l_max + 1) for p in "eo")
    return {
        "source": "embedded: nequip-aspirin-l2",
        "sha256": "a1" * 32,
        "architecture": "NequIP",
        "layer": "layer1_convnet",
        "irreps": inner,
        "trained": True,
        "parameters": 67136,
        "l_max": l_max,
        "force_mae_eV_A": 0.0682,
        "training": {"steps": 4500, "batch": 5, "best_step": 4400, "frames": 700, "minutes": 15.3},
        "layers": [
            {
                "name": "layer0_convnet",
                "irreps": "16x0e+16x1o+16x2e",
                "l_max": l_max,
                "usable": True,
                "why": "has features up to l = 2",
            },
            {
                "name": "layer1_convnet",
                "irreps": inner,
                "l_max": l_max,
                "usable": True,
                "why": "has features up to l = 2 of both parities",
            },
            {
                "name": "layer2_convnet",
                "irreps": "16x0e",
                "l_max": 0,
                "usable": False,
                "why": "scalars only: nothing here turns with the molecule",
            },
        ],
    }


def _controls(rng: np.random.Generator, l_max: int, degree: int) -> list[dict[str, Any]]:
    unrotated = []
    for ell, value in enumerate([1.0, 0.999, 0.998, 0.99, 0.949, 0.883, 0.74, 0.53, 0.323]):
        fields = {
            "degree": degree,
            "l": ell,
            "predicted": 1 if ell <= degree * l_max else 0,
            "coefficients": 2278,
        }
        unrotated.append(measured(rng, value, 0.1 * (1 - value) + 1e-5, **fields))
    zero = [
        make_row(degree=degree, l=ell, gain=1e-9 * (ell + 1), null_high=4e-7, verdict="not recovered")
        for ell in range(9)
    ]
    return [
        {
            "name": "untrained",
            "title": "Untrained backbone",
            "sentence": "A backbone with random weights has its cliff at the same place: training moves the "
            "height below "
            "the ceiling, not the place.",
            "rows": free_rows(rng, degree, l_max, height=0.96),
        },
        {
            "name": "no random rotations",
            "title": "No random rotations",
            "sentence": "Along one trajectory the molecule hardly turns, so a low-degree polynomial can "
            "imitate a high "
            "angular frequency on these frames: the cliff vanishes. Without random rotations there is no "
            "measurement.",
            "rows": unrotated,
        },
        {
            "name": "zero injection",
            "title": "Nothing injected",
            "sentence": "With nothing injected, the readout gains nothing on held-out frames.",
            "rows": zero,
        },
    ]
