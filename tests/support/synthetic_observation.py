"""A made-up result of ``observe`` with the shape of a real one: cures whose errors shrink with cost, noise from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import eval_legendre

#: Cure: evaluations, exact to l, inversion, <P_l> that it leaves, error of each, drift in meV/atom/ns.
CURES: dict[str, tuple[float, int, bool, tuple[float, ...], float, float]] = {
    "none": (1.0, 0, False, (-0.21, 0.043, -0.008, 0.003), 0.006, 2.0),
    "inversion": (2.0, 0, True, (0.001, 0.041, 0.002, 0.004), 0.006, 1.1),
    "random": (1.0, 0, False, (0.002, -0.004, 0.003, 0.001), 0.006, 900.0),
    "mts-10:grid-2-inversion": (4.6, 2, True, (0.004, 0.005, -0.001, 0.003), 0.006, 14.0),
    "grid-2": (18.0, 2, False, (0.003, 0.001, -0.002, 0.004), 0.006, 1.5),
    "grid-2-inversion": (36.0, 2, True, (0.002, -0.003, 0.001, 0.003), 0.006, 0.9),
}
#: Power of the energy by l from 0, eV².
GRADES = [0.0, 6e-5, 4e-6, 3e-7, 4e-8]


def number(label: str, value: float, error: float, **fields: Any) -> dict[str, Any]:
    """A number of a measured dictionary."""
    row: dict[str, Any] = {"label": label, "l": None, "value": value, "error": error, "independent": 4000.0, "tau": 3.0,
                           "enough": True, "expected": 0.0, "tolerance": None, "unit": ""}  # fmt: skip
    assert set(fields) <= set(row)
    return row | fields


def measured(name: str, title: str, numbers: list[Any], **more: Any) -> dict[str, Any]:
    """What an observable returns."""
    row: dict[str, Any] = {"name": name, "title": title, "isotropic": True, "numbers": numbers, "curves": [], "maps": [],
                           "outcome": "held", "sentence": f"{title}: made up."}  # fmt: skip
    assert set(more) <= set(row)
    return row | more


def orientation(values: tuple[float, ...], error: float, rng: np.random.Generator) -> dict[str, Any]:
    """Orientations whose density has the given moments."""
    cos = (np.arange(12) + 0.5) / 6 - 1
    phi = (np.arange(24) + 0.5) / 12 * np.pi - np.pi
    axial = 1 + sum((2 * l + 1) * v * eval_legendre(l, cos) for l, v in enumerate(values, 1))
    density = (
        axial[:, None] * (1 + 0.06 * abs(values[0]) * np.cos(phi)) * (1 + 0.02 * rng.normal(size=(12, 24)))
    )
    rms = float(np.sqrt(sum((2 * l + 1) * v**2 for l, v in enumerate(values, 1))))
    rows = [number(f"<P_{l}>", v, error, l=l, tolerance=0.03) for l, v in enumerate(values, 1)]
    drawn = {"label": "-ln p of the axis, kT", "cos_theta": cos.tolist(), "phi": phi.tolist(),
             "values": (-np.log(density)).tolist(), "error": np.full((12, 24), 0.02).tolist()}  # fmt: skip
    return measured(
        "orientation", "Orientations", [*rows, number("rms of -ln p", rms, 0.012, unit="kT")], maps=[drawn]
    )


def distances(shift: float, rng: np.random.Generator) -> dict[str, Any]:
    """g(r) without an exact answer."""
    r = np.linspace(2.0, 8.0, 61)
    g = 1 + 1.8 * np.exp(-(((r - 2.8 - shift) / 0.2) ** 2)) - np.exp(-(((r - 2.2) / 0.3) ** 2))
    line = {"label": "g OO", "x_label": "r, Å", "y_label": "g(r)", "x": r.tolist(), "expected": None,
            "y": (g + 0.01 * rng.normal(size=len(r))).tolist(), "error": np.full(len(r), 0.01).tolist()}  # fmt: skip
    rows = [number("first peak OO", 2.8 + shift, 0.004, unit="Å", expected=None)]
    return measured("rdf", "Radial distributions", rows, curves=[line], isotropic=False)


def momentum(rate: float, rng: np.random.Generator) -> dict[str, Any]:
    """Angular momentum that walks, and keeps still where the model is symmetric."""
    t = np.linspace(0.0, 10.0, 81)
    l = 20 + np.cumsum(rate * rng.normal(size=81))
    line = {"label": "|L|", "x_label": "t, ps", "y_label": "|L|, ħ", "x": t.tolist(), "y": l.tolist(),
            "error": np.full(81, 0.3).tolist(), "expected": np.full(81, 20.0).tolist()}  # fmt: skip
    rows = [number("change of L", rate, 0.05, unit="ħ/ps", tolerance=0.2)]
    return measured("angular-momentum", "Angular momentum", rows, curves=[line])


def synthetic_observation(cures: tuple[str, ...] = tuple(CURES), seed: int = 0) -> dict[str, Any]:
    """Return a result of a molecule under cures; ``cures`` is left to the code under test."""
    rng = np.random.default_rng(seed)
    runs, by_name = [], {name: {} for name in ("orientation", "angular-momentum", "drift", "rdf")}
    for cure in cures:
        evaluations, exact, inversion, values, error, drift = CURES[cure]
        runs.append({"cure": cure, "evaluations": evaluations, "exact_to": exact, "inversion": inversion, "steps": 20000,
                     "time_ps": 10.0, "records": 2000, "replica": 0, "temperature": {"value": 300.4, "error": 1.2}, "ended": "",
                     "folder": f"runs/{cure}", "seconds": 12.0 * evaluations})  # fmt: skip
        by_name["orientation"][cure] = orientation(values, error, rng)
        by_name["angular-momentum"][cure] = momentum(0.1 + abs(values[0]) * 8, rng)
        slope = number("drift", drift, 0.4, unit="meV/atom/ns", tolerance=20.0)
        by_name["drift"][cure] = measured("drift", "Drift of the conserved energy", [slope])
        by_name["rdf"][cure] = distances(0.05 * abs(values[0]), rng)
    first = np.array([-0.23, 0.05, -0.009, 0.003])
    cos = np.linspace(-0.95, 0.95, 20)
    phi = np.linspace(-3.0, 3.0, 24)
    axial = -sum((2 * l + 1) * v * eval_legendre(l, cos) for l, v in enumerate(first, 1))
    exact = np.array(CURES["none"][3]) + 0.003
    return {
        "schema": "spectral-ceilings/observe/1",
        "command": "ceilings observe water.json water.xyz --cures none,inversion,grid-2",
        "model": {"source": "water.json", "kind": "unconstrained", "sha256": None},
        "structure": {
            "source": "water.xyz",
            "formula": "H2O",
            "atoms": 3,
            "periodic": False,
            "cell": [[0.0, 0.0, 0.0]] * 3,
            "molecules": [{"formula": "H2O", "count": 1, "kind": 0}],
        },
        "settings": {
            "ensemble": "nvt",
            "temperature": 300.0,
            "time_step": 0.5,
            "steps": 20000,
            "tolerances": {"rdf": 0.05},
            "cures": list(cures),
            "seed": seed,
        },
        "seed": seed,
        "versions": {"spectral-ceilings": "0"},
        "timings_s": {"runs": 700.0},
        "runs": runs,
        "observables": by_name,
        "prediction": {
            "legendre_first": first.tolist(),
            "legendre": exact.tolist(),
            "cos_theta": cos.tolist(),
            "phi": phi.tolist(),
            "free_energy": np.repeat(axial[:, None], 24, axis=1).tolist(),
            "free_energy_first": np.repeat(axial[:, None], 24, axis=1).tolist(),
            "haar_torque": 1e-4,
            "canonical_torque": 9e-5,
            "beta_rms": 0.31,
            "valid": True,
            "shapes": 20,
            "evaluations": 2000,
            "grades": GRADES,
            "sentence": "The field is weak: first order is good to a tenth.",
        },
        "comparison": [
            {
                "observable": "orientation",
                "label": f"<P_{l}>",
                "l": l,
                "measured": CURES["none"][3][l - 1],
                "error": 0.006,
                "predicted": float(exact[l - 1]),
                "predicted_first": float(first[l - 1]),
                "agrees": True,
            }
            for l in range(1, 5)
        ],
        "cures": None,
        "verdict": {
            "held": False,
            "outcome": "contradicted",
            "sentence": "Orientations are not isotropic under none.",
            "statements": [
                {
                    "name": "orientation",
                    "held": False,
                    "outcome": "contradicted",
                    "decides": True,
                    "sentence": "Orientations: outside the tolerance, made up.",
                }
            ],
        },
    }
