"""Prove what quadratic polynomials of l <= 2 features can put out, exactly, and write the proof down as a file."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from spectral_ceilings.theory import (
    advise,
    build_certificate,
    output_ceiling,
    prove_span_theorem,
    span,
    verify_file,
)

# One direction: every degree up to d L = 4 with a product of features that equals it, and nothing above.
theorem = span(degree=2, l_max=2)
print("reachable:", theorem.reachable, "dimension:", theorem.dimension)
for witness in theorem.witnesses:
    print(f"  l = {witness.l}: factors {witness.factors}, coefficient {witness.coefficient}")

# All d and L at once, decided by SymPy under integer assumptions.
print("proved for every d and L:", all(step.holds for step in prove_span_theorem()))

# A layer of a real network: the number of independent equivariant outputs of each l is the exact number of coefficients.
ceiling = output_ceiling("16x0e+16x1o+16x2e", degree=2)
print("ceiling of the layer:", ceiling.boundary, "paths:", [ceiling.paths(l) for l in range(7)])

# A certificate holds the proof for one pair; separate code replays it.
with TemporaryDirectory() as folder:
    certificate = build_certificate(2, 2)
    path = Path(folder) / certificate.name
    path.write_text(certificate.to_json(), encoding="utf-8")
    print(path.name, "holds:", verify_file(path) == [])
    damaged = path.read_text(encoding="utf-8").replace('"boundary": 4', '"boundary": 5')
    path.write_text(json.dumps(json.loads(damaged)), encoding="utf-8")
    print("after raising the boundary to 5:", verify_file(path)[0])

# What a five-fold axis asks for.
print("minimal (degree, l_max) for C5:", [(choice.degree, choice.l_max) for choice in advise("C5")])

# Output:
# reachable: (0, 1, 2, 3, 4) dimension: 25
#   l = 0: factors (), coefficient 1
#   l = 1: factors (1,), coefficient 1
#   l = 2: factors (2,), coefficient 1
#   l = 3: factors (2, 1), coefficient sqrt(9/7)
#   l = 4: factors (2, 2), coefficient sqrt(10/7)
# proved for every d and L: True
# ceiling of the layer: 4 paths: [425, 528, 544, 256, 136, 0, 0]
# span_d2_L2.json holds: True
# after raising the boundary to 5: boundary: 4 is expected, 5 is found
# minimal (degree, l_max) for C5: [(1, 5), (2, 3), (3, 2), (5, 1)]
