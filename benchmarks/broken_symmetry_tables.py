"""Print the tables of ``docs/broken-symmetry-water.md`` from the record that ships with the package.

python -m benchmarks.broken_symmetry_tables
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spectral_ceilings.paper_checks.broken_records import ARMS, RULES, record, rows

CASES = {"molecule": "one molecule", "box": "box of 16", "ice": "ice of 16"}
STEPPED = ("random", "mts-10:2i", "mts-4:2i")


def table(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> None:
    """Print a table of Markdown; numbers with three digits."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for line in lines:
        cells = [f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in line]
        print("| " + " | ".join(cells) + " |")
    print()


def with_error(row: dict[str, Any], key: str, scale: float = 1.0) -> str:
    """Return a mean over starts with its standard error, to the digits that the error allows."""
    value, error = scale * row[key], scale * row[f"{key}_error"]
    digits = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 3
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def rules() -> None:
    """Errors by rule, and amplitudes by l."""
    lines = []
    for case, title in CASES.items():
        for arm in ARMS:
            by_rule = {row["rule"]: row for row in rows("rules", arm=arm, case=case)}
            for key in ("energy", "force"):
                lines.append([f"{title}, {arm}: {key}", *(float(by_rule[rule][key]) for rule in RULES)])
    table(["", *RULES], lines)
    table(
        ["", *(f"l = {l}" for l in range(1, 5))],
        [
            [f"{case}, {arm}", *map(float, rows("rules", arm=arm, case=case, rule="by l")[0]["energy_by_l"])]
            for case in CASES
            for arm in ARMS
        ],
    )


def exact() -> None:
    """Amplitudes of the averaged energy by the grid that projects it."""
    table(
        ["rule", "projection exact to l", "evaluations", *(f"l = {l} (eV)" for l in range(1, 5))],
        [
            [row["rule"], row["projected_to"], f"{row['evaluations']:,}", *(f"{a:.1e}" for a in row["amplitudes"])]
            for row in rows("exact")
        ],
    )  # fmt: skip


def gas() -> None:
    """One molecule at constant energy."""
    lines = []
    for rule in (*RULES, *STEPPED):
        pair = [rows("gas", arm=arm, rule=rule)[0] for arm in ARMS]
        lines.append([
            rule, f"{pair[0]['evaluations']:g}", *(with_error(row, "torque_rms", 1e3) for row in pair),
            *(with_error(row, "l_change") for row in pair), *(with_error(row, "drift_meV_atom_ns") for row in pair),
        ])  # fmt: skip
    head = [f"{what}: {arm}" for what in ("torque", "change of L", "drift") for arm in ARMS]
    table(["rule", "evaluations", *head], lines)
    for arm in ARMS:
        row = rows("gas", arm=arm, rule="none")[0]
        print(f"- {arm}: below 1000 / cm lie {row['v_low']:.0%} of V and {row['difference_low']:.0%} of V_2i - V "
              f"({row['difference_rms']:.2g} meV root mean square)")  # fmt: skip
    print()


def orientation() -> None:
    """Mean harmonics of the axis by l."""
    lines = []
    for row in rows("orientation"):
        for l in range(1, 5):
            part = slice(l * l - 1, (l + 1) ** 2 - 1)
            seen, error, told, first = (
                np.array(row[key][part]) for key in ("measured", "error", "predicted", "first")
            )
            sizes = [float(np.linalg.norm(vector)) for vector in (seen, error, told, first, seen - told)]
            lines.append([f"{row['arm']}, {row['rule']}", l, *sizes])
    table(
        ["model, rule", "l", "measured", "its error", "by quadrature", "to first order", "difference"], lines
    )
    for row in rows("orientation"):
        free = row["free_energy"]
        print(f"{row['arm']}, {row['rule']}: -ln p from {free['lowest']:.2f} to {free['highest']:.2f} kT (noise of a bin "
              f"{free['error']:.2f}), deviation without noise {free['spread']:.3f}; V/kT {row['beta_rms']:.3f}; "
              f"{row['evaluations']:,} evaluations")  # fmt: skip
    print()


def liquid() -> None:
    """Sixteen molecules at 300 K."""
    lines = []
    for row in rows("liquid"):
        three = [f"{row[key]:.3g}" if key in row else "" for key in ("temperature", "g_position", "g_peak")]
        numbers = {key: f"{value:.3g} ± {error:.2g}" for key, (value, error) in row["numbers"].items()}
        lines.append(
            [row["arm"], row["cure"], f"{row['evaluations']:g}", f"{row['ps']:g}", *three, *numbers.values()]
        )
    head = [
        "model",
        "cure",
        "evaluations",
        "ps",
        "T (K)",
        "g_OO: peak at (Å)",
        "its height",
        *rows("liquid")[0]["numbers"],
    ]
    table(head, lines)


def energies(arm: str, size: int, rule: str) -> list[float]:
    """Return energies of cells of ice in their order, meV/atom."""
    cells = sorted(rows("ice", arm=arm, molecules=size, rule=rule), key=lambda row: int(row["cell"]))
    return [float(row["energy"]) for row in cells]


def ice() -> None:
    """Cells of ice: change of the differences by rule 2i, and deviation between cells, meV/atom."""
    lines = []
    for arm in ARMS:
        for size in (16, 96):
            none, cured = (np.array(energies(arm, size, rule)) for rule in ("none", "2i"))
            none, cured = none - none.mean(), cured - cured.mean()
            lines.append([arm, size, float(np.abs(none - cured).mean()), float(cured.std(ddof=1))])
    table(["model", "molecules", "change (meV/atom)", "deviation between cells"], lines)


def main() -> None:
    """Print what the record has."""
    parts = {
        "rules": rules, "exact": exact, "gas": gas, "orientation": orientation, "liquid": liquid, "ice": ice,
    }  # fmt: skip
    for name, show in parts.items():
        if name in record():
            print(f"## {name}\n")
            show()


if __name__ == "__main__":
    main()
