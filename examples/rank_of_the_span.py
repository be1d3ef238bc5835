"""Measure the span: its rank in floating point and mod p; a five-fold field, and a whole molecule under rotation."""

import numpy as np

from spectral_ceilings.numerics import (
    cyclic_projections,
    exact_span_rank,
    real_harmonics,
    rotation_spectrum,
    so3_quadrature,
    span_rank,
)
from spectral_ceilings.theory import Ceiling

# All polynomials of degree d in the harmonics l <= L of one direction, evaluated on random directions.
for degree, l_max in ((1, 2), (2, 2), (3, 2), (2, 3)):
    expected = Ceiling(degree, l_max).dimension
    measured = span_rank(degree, l_max, np.random.default_rng(0))
    exact = exact_span_rank(degree, l_max, np.random.default_rng(0))
    print(
        f"d = {degree}, L = {l_max}: theory {expected}, floating point {measured.rank} "
        f"(gap {measured.gap:.0e}), mod two primes {exact.ranks}"
    )

# The pure C5 field Re Y_55 has l = 5: out of reach at ceiling 4, all of it at ceilings 5 and 6.
for degree, l_max in ((2, 2), (1, 5), (2, 3), (3, 2)):
    share = cyclic_projections(degree, l_max, np.random.default_rng(0), orders=(5,))[0]
    print(f"d = {degree}, L = {l_max}: share of the C5 field inside the span {share:.6f}")

# Many atoms: features that sum harmonics over neighbours, a random cubic polynomial of them, all orientations of the molecule.
rng = np.random.default_rng(1)
atoms = rng.normal(size=(9, 3))
quadrature = so3_quadrature(18)
turned = np.einsum("rij,aj->rai", quadrature.rotations, atoms)
features = real_harmonics(2, turned.reshape(-1, 3)).reshape(len(quadrature), len(atoms), 9).sum(axis=1)
polynomial = np.prod(features @ rng.normal(size=(9, 3)), axis=1)
power = rotation_spectrum(polynomial, quadrature, l_max=9)
print("power by l, relative:", " ".join(f"{share:.0e}" for share in power / power.sum()))

# Output:
# d = 1, L = 2: theory 9, floating point 9 (gap 1e+15), mod two primes (9, 9)
# d = 2, L = 2: theory 25, floating point 25 (gap 1e+14), mod two primes (25, 25)
# d = 3, L = 2: theory 49, floating point 49 (gap 5e+13), mod two primes (49, 49)
# d = 2, L = 3: theory 49, floating point 49 (gap 6e+13), mod two primes (49, 49)
# d = 2, L = 2: share of the C5 field inside the span 0.000000
# d = 1, L = 5: share of the C5 field inside the span 1.000000
# d = 2, L = 3: share of the C5 field inside the span 1.000000
# d = 3, L = 2: share of the C5 field inside the span 1.000000
# power by l, relative: 3e-02 2e-01 3e-01 3e-01 2e-01 5e-02 6e-03 6e-31 7e-31 7e-31
