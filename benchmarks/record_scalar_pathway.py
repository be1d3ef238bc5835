"""Gather what the sweeps of the scalar pathway measured into the record that ships with the claims: numbers, no weights.

python -m benchmarks.record_scalar_pathway runs/scalar-pathway runs/scalar-pathway-mace --out scalar-pathway.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from spectral_ceilings.diagnostic.records.versions import installed_versions
from spectral_ceilings.paper_checks.scalar_records import SCHEMA
from spectral_ceilings.sweeps.store import Store

NAMES = {"ag": "silver", "si": "silicon", "lif": "lithium fluoride", "ethanol": "ethanol"}
ERRORS = ("energy_mae_eV_atom", "force_mae_eV_A", "stress_mae_eV_A3")
COST = ("parameters", "flops", "elementwise_operations")


def rounded(value: Any) -> Any:
    """Return a number with six digits."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def training(out: Path, head: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a training."""
    record = json.loads((out / "backbone.json").read_text(encoding="utf-8"))
    errors, cost = record["training"]["held_out_errors"], record["training"]["cost"]
    return {**head, **{name: rounded(errors[name]) for name in ERRORS}, **{name: cost[name] for name in COST}}


def diagnosis(out: Path, head: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a diagnosis: the ceiling, where it stops, R2 by l of the molecule."""
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    (edge,) = result["verdict"]["per_degree"]
    every = {row["l"]: row for row in result["recovery"] if row["scope"] == "molecule"}
    recovered = [l for l, row in every.items() if row["verdict"] == "recovered"]
    r2 = [rounded(every[l]["r2"]) for l in sorted(every)]
    return {**head, "boundary": edge["boundary"], "last_recovered": max(recovered, default=None), "r2": r2}


def artefacts(out: Path, head: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a run for artefacts; what was not measured is left out."""
    measured = json.loads((out / "result.json").read_text(encoding="utf-8"))["artefacts"]
    row = dict(head)
    if measured.get("repulsion", {}).get("softening") is not None:
        row["softening"] = rounded(measured["repulsion"]["softening"])
    if measured.get("phonons", {}).get("ratio") is not None:
        row["phonon_shift"] = rounded(measured["phonons"]["ratio"] - 1.0)
    drift = measured.get("drift", {})
    if drift.get("difference") is not None:
        row |= {
            "drift": rounded(drift["model"]["drift"]), "reference_drift": rounded(drift["reference"]["drift"]),
            "difference_error": rounded(drift["error"]),
        }  # fmt: skip
    onset = measured.get("liquid", {}).get("onset") or {}
    if onset.get("difference") is not None:
        row["onset"] = rounded(onset["difference"])
    return row


def gathered(roots: list[Path]) -> dict[str, Any]:
    """Return the record of several sweeps."""
    parts: dict[str, list[dict[str, Any]]] = {"trainings": [], "diagnoses": [], "artefacts": []}
    for root in roots:
        store = Store(root)
        (kind,) = {cell.options["architecture"] for cell in store.plan if cell.job == "train"}
        for cell in store:
            if cell.state != "done":
                print(f"left out: {cell.stage} {cell.labels} ({cell.state})")
                continue
            words = cell.stage.split("-")
            data, arm = ("ethanol", words[1]) if words[0] == "cliff" else (words[-2], words[-1])
            head = {"architecture": kind, "data": NAMES[data], "arm": arm, "seed": cell.labels["seed"]}
            read = {"train": training, "diagnose": diagnosis, "artefacts": artefacts}[cell.job]
            parts[{"train": "trainings", "diagnose": "diagnoses", "artefacts": "artefacts"}[cell.job]].append(
                read(cell.out, head)
            )
    return {
        "schema": SCHEMA,
        "commands": [f"ceilings sweep examples/sweep-{Path(root).name}.yaml" for root in roots],
        "versions": installed_versions(
            "spectral-ceilings", "torch", "e3nn", "nequip", "numpy", "scipy", "ase"
        ),
        **parts,
    }


def written(record: dict[str, Any]) -> str:
    """Return the record as JSON with a line for each row."""
    lines = []
    for key, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            body = ",\n".join("  " + json.dumps(row) for row in value)
            lines.append(f" {json.dumps(key)}: [\n{body}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("roots", nargs="+", type=Path, help="directories of the sweeps")
    parser.add_argument("--out", type=Path, required=True, help="the record")
    asked = parser.parse_args()
    asked.out.write_text(written(gathered(asked.roots)), encoding="utf-8")


if __name__ == "__main__":
    main()
