"""How far a model without symmetry depends on orientation, at every l, and what averaging over a few rotations leaves; seconds.

Replace the calculator by any of ASE. `ceilings audit MODEL STRUCTURES --out DIR` does the same for a set of structures, with
intervals, chooses the quadrature, and writes a report.
"""

from spectral_ceilings.diagnostic import (
    AveragedCalculator,
    load_calculator,
    read_structures,
    symmetry_breaking,
)

atoms = read_structures("aspirin-xtb").images[0]
bare = load_calculator("aspirin-xtb-unconstrained").calculator
models = {
    "bare": bare,
    "grid of degree 1": AveragedCalculator(bare, "grid", degree=1),  # removes l = 1
    "grid of degree 2": AveragedCalculator(bare, "grid", degree=2),  # removes l = 1 and 2
}
for name, calculator in models.items():
    breaking = symmetry_breaking(calculator, atoms, l_top=2, degree=5, inversion=False)
    by_degree = ", ".join(
        f"l = {l} {1e3 * power**0.5:.0f}" for l, power in enumerate(breaking.force_power) if l
    )
    cost = getattr(calculator, "evaluations", 1)
    print(f"{name} ({cost} a step): forces off by {by_degree} meV/Å")

# Output:
# bare (1 a step): forces off by l = 1 444, l = 2 251 meV/Å
# grid of degree 1 (4 a step): forces off by l = 1 0, l = 2 186 meV/Å
# grid of degree 2 (18 a step): forces off by l = 1 0, l = 2 1 meV/Å
