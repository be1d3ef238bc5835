"""Train readouts on a five-fold field: what is not representable, what was not learned, and a ring of atoms that blinds."""

from spectral_ceilings.diagnostic import CellSettings, RingSettings, calibrate_cell, calibrate_ring

# The field Re Y_55 of one direction, l = 5; a polynomial network of degree d on the harmonics l <= L of that direction.
small = {"samples": 1500, "held_out": 1500, "width": 32, "steps": 500}
for degree, l_max in ((2, 2), (2, 3), (3, 2), (5, 1), (1, 5)):
    cell = calibrate_cell(CellSettings("C5", degree=degree, l_max=l_max, **small))
    print(
        f"d = {degree}, L = {l_max}: theory {cell.theory}, closed form {cell.closed_form:.2f}, "
        f"trained {cell.r2:.2f}: {cell.status}"
    )

# The same readout degree and features with an activation that is no polynomial: no ceiling.
cell = calibrate_cell(CellSettings("C5", degree=2, l_max=2, activation="tanh", **{**small, "steps": 1000}))
print(f"tanh on L = 2: trained {cell.r2:.2f}: {cell.status}")

# Too few steps: the closed form shows that the field was there to be learned.
cell = calibrate_cell(CellSettings("C5", degree=2, l_max=3, **{**small, "steps": 5}))
print(f"d = 2, L = 3, 5 steps: closed form {cell.closed_form:.2f}: {cell.status}")

# Five neighbours in a ring: features of the centre from e3nn. Alone, the ring hides its phase from features of L < 5.
ring = {"features": "e3nn", "samples": 3000, "held_out": 3000, "width": 128, "steps": 600}
for degree, l_max, breaking in ((2, 2, True), (2, 3, True), (2, 3, False), (1, 5, False)):
    ring_cell = calibrate_ring(RingSettings(degree=degree, l_max=l_max, breaking=breaking, **ring))
    print(
        f"d = {degree}, L = {l_max}, {'symmetry broken' if breaking else 'ring alone'}: theory {ring_cell.theory}, "
        f"couplings {abs(ring_cell.reachable):.2f}: {ring_cell.status}"
    )

# Output:
# d = 2, L = 2: theory 0, closed form -0.02, trained -0.02: not representable
# d = 2, L = 3: theory 1, closed form 1.00, trained 1.00: learned
# d = 3, L = 2: theory 1, closed form 1.00, trained 1.00: learned
# d = 5, L = 1: theory 1, closed form 1.00, trained 1.00: learned
# d = 1, L = 5: theory 1, closed form 1.00, trained 1.00: learned
# tanh on L = 2: trained 1.00: no ceiling
# d = 2, L = 3, 5 steps: closed form 1.00: not learned
# d = 2, L = 2, symmetry broken: theory 0, couplings 0.00: not representable
# d = 2, L = 3, symmetry broken: theory 1, couplings 1.00: learned
# d = 2, L = 3, ring alone: theory 0, couplings 0.00: blind
# d = 1, L = 5, ring alone: theory 1, couplings 1.00: learned
