"""The ceiling with and without modules on the scalar pathway: python -m benchmarks.scalar_pathway_ceiling --architecture nequip.

Trains twins that differ in nothing but their scalar pathway, on aspirin with the package's own labels: plain, with all modules,
and with plain residuals of as many parameters. Each is audited (what a random readout of degree 2 has above 2 L, over all layers
and two frames; the bound is rounding) and diagnosed (R2 of an injected field of one l, for every l, with its interval). Prints a
table in Markdown, and writes ceiling.json. Run it for mace with the python of MACE's environment.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from spectral_ceilings.diagnostic import (
    AuditSettings,
    DiagnoseSettings,
    audit,
    diagnose,
    load_backbone,
    read_data,
)
from spectral_ceilings.diagnostic.backbones.scalar_pathway import PATHWAYS
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.training.data import split_of
from spectral_ceilings.diagnostic.training.train import Trainer, TrainingSettings, builder_settings

TWINS: dict[str, dict[str, Any]] = {
    "plain": {},
    "modules": {"scalar_pathway": PATHWAYS},
    "control": {"scalar_pathway": PATHWAYS, "scalar_pathway_control": True},
}
DEGREE = 2


def trained(kind: str, twin: str, given: argparse.Namespace, frames: Frames) -> Path:
    """Train a twin, or take the one that an interrupted run has left; return its directory."""
    folder: Path = given.out / kind / twin
    trainer: type[Trainer] = Trainer
    extra: dict[str, Any] = {}
    if kind == "mace":
        from spectral_ceilings.diagnostic.training.mace import MACETrainer

        trainer, extra = MACETrainer, {"correlation": (2,), "max_ell": given.l_max}
    split = split_of(frames, given.seed)
    model = builder_settings(
        frames, split, kind, l_max=given.l_max, num_layers=2, num_features=given.features, r_max=4.0, seed=given.seed,
        **extra, **TWINS[twin],
    )  # fmt: skip
    settings = TrainingSettings(
        steps=given.steps, batch_size=4, validate_every=max(1, given.steps // 2), seed=given.seed
    )
    run = trainer(frames, split, model, settings, folder, kind=kind)
    if not (folder / "backbone.json").is_file():
        run.prepare(resume=(folder / "settings.json").is_file())
        run.run()
    return folder


def measured(kind: str, twin: str, given: argparse.Namespace, frames: Frames) -> dict[str, Any]:
    """Train, audit and diagnose a twin."""
    folder = trained(kind, twin, given, frames)
    backbone = load_backbone(folder)
    ceiling = DEGREE * given.l_max
    checked = audit(
        frames, backbone,
        AuditSettings(
            parts=("readouts",), degrees=(DEGREE,), activations=(), frames=2, atoms=(0,), l_top=ceiling + 2, untrained=False
        ),
    )  # fmt: skip
    layer = next(row.name for row in reversed(backbone.layers()) if row.l_max == given.l_max)
    rows = [row for row in checked["readouts"] if row["degree"] == DEGREE]
    diagnosis = diagnose(
        frames, backbone,
        DiagnoseSettings(
            degrees=(DEGREE,), l_top=ceiling + 2, injections=("marked",), readouts=("free",), layer=layer, atoms=(0, 20),
            rotations=8, bootstrap=200, controls=False, coefficients=given.coefficients, seed=given.seed,
        ),
    )  # fmt: skip
    record = json.loads((folder / "backbone.json").read_text())["training"]
    return {
        "twin": twin,
        "irreps": [f"{row.name}: {row.irreps}" for row in backbone.layers()],
        "ceilings": {row["layer"]: row["ceiling"] for row in rows},
        "above": max(row["above"] for row in rows),
        "floor": max(row["floor"] for row in rows),
        "layer": layer,
        "recovery": [
            {key: row[key] for key in ("l", "predicted", "r2", "r2_low", "r2_high", "verdict")}
            for row in recovered(diagnosis)
        ],
        "force_mae_eV_A": record["held_out_force_mae_eV_A"],
        "cost": record["cost"],
    }


def recovered(diagnosis: Any) -> list[dict[str, Any]]:
    """Return R2 and its interval for every l, of the free readout."""
    rows = [
        row
        for row in diagnosis["recovery"]
        if (row["readout"], row["degree"], row["scope"]) == ("free", DEGREE, "molecule")
    ]
    return sorted(rows, key=lambda row: int(row["l"]))


def cliff(row: dict[str, Any]) -> int:
    """Return the highest l that the diagnosis calls recovered."""
    return max((int(part["l"]) for part in row["recovery"] if part["verdict"] == "recovered"), default=-1)


def shown(part: dict[str, Any]) -> str:
    """Return R2 with its interval."""
    if part["r2"] is None:
        return str(part["verdict"])
    return f"{part['r2']:.3f} ({part['r2_low']:.3f} to {part['r2_high']:.3f})"


def table(kind: str, rows: list[dict[str, Any]]) -> str:
    """Return the table of one architecture."""
    tops = [part["l"] for part in rows[0]["recovery"]]
    head = [
        "model",
        "parameters",
        "force MAE (meV/Å)",
        "ceiling",
        "above it",
        "bound",
        *(f"R2, l = {l}" for l in tops),
        "cliff",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = [
            f"{kind}, {row['twin']}", str(row["cost"]["parameters"]), f"{1e3 * row['force_mae_eV_A']:.0f}",
            str(row["ceilings"][row["layer"]]), f"{row['above']:.0e}", f"{row['floor']:.0e}",
            *map(shown, row["recovery"]), str(cliff(row)),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", choices=("nequip", "allegro", "mace"), default="nequip")
    parser.add_argument("--l-max", type=int, default=1)
    parser.add_argument("--features", type=int, default=8)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--coefficients", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/scalar-pathway-ceiling"))
    given = parser.parse_args()
    frames = read_data("aspirin-xtb")
    assert isinstance(frames, Frames)
    frames = frames.select(range(given.frames))
    rows = [measured(given.architecture, twin, given, frames) for twin in TWINS]
    for row in rows[1:]:
        for key in ("irreps", "ceilings", "layer"):
            if row[key] != rows[0][key]:
                raise SystemExit(f"{key} of {row['twin']} are {row[key]}, those of plain {rows[0][key]}")
    (given.out / given.architecture / "ceiling.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(table(given.architecture, rows))


if __name__ == "__main__":
    main()
